//! A broker's connection to the metadata store: slow, at times unavailable, at times with an
//! unknown outcome of a transaction.
//!
//! Responses keep the promises of [`MetadataStore`]: a transaction reported as not applied is not,
//! and one with an unknown outcome was applied before that is reported, or never is. Only for a
//! sender that died may it be later: its transaction is applied when it arrives.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use milena_store::{
    EventBatch, LeaseId, Limits, MetadataStore, Page, StoreError, Txn, TxnOutcome, Versioned,
    Watch, WatchError,
};
use milena_types::Revision;

use crate::{
    environment::elapsed, findings::Findings, monitor::Caller, seeded_rng::SeededRng,
    store::WatchedStore, trace::Trace,
};

/// Latencies and error rates of a link. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkConditions {
    /// Nothing gets through.
    pub(crate) away: Arc<AtomicBool>,
    /// How many requests of a thousand fail.
    pub(crate) fail_permille: Arc<AtomicU64>,
    /// How many transactions of a thousand have an unknown outcome.
    pub(crate) unknown_permille: Arc<AtomicU64>,
    /// How many transactions of a thousand are held up on their way.
    pub(crate) held_permille: Arc<AtomicU64>,
    /// Which kinds of transactions are all held up on their way.
    held_kinds: Arc<[AtomicBool; 4]>,
    /// Reads take long.
    pub(crate) slow_reads: Arc<AtomicBool>,
    /// The longest way in µs.
    pub(crate) latency_us: Arc<AtomicU64>,
}

impl LinkConditions {
    pub(crate) fn hold(&self, kind: TxnKind, held: bool) {
        self.held_kinds[kind as usize].store(held, Ordering::Relaxed);
    }

    fn holds(&self, kind: TxnKind) -> bool {
        self.held_kinds[kind as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn clear(&self) {
        self.away.store(false, Ordering::Relaxed);
        self.held_kinds.iter().for_each(|held| held.store(false, Ordering::Relaxed));
        self.slow_reads.store(false, Ordering::Relaxed);
        self.fail_permille.store(0, Ordering::Relaxed);
        self.unknown_permille.store(0, Ordering::Relaxed);
        self.held_permille.store(15, Ordering::Relaxed);
        self.latency_us.store(2000, Ordering::Relaxed);
    }
}

/// A kind of transaction whose place among others matters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TxnKind {
    /// Moves the floor of the broker's own log, and names segments.
    Flush,
    /// The same of another's.
    TakenFlush,
    /// Changes the record of an epoch and nothing else.
    Seal,
    /// Forgets an epoch whose chunks are in segments.
    Retirement,
}

impl TxnKind {
    fn of(txn: &Txn, caller: Caller) -> Option<Self> {
        let puts = |kind: &str| txn.puts.iter().any(|put| put.key.contains(kind));
        match puts("/storage/wal/") {
            true if puts(&format!("/storage/flushes/{caller}/")) => Some(Self::Flush),
            true if puts("/storage/flushes/") => Some(Self::TakenFlush),
            true if txn.puts.len() == 1 => Some(Self::Seal),
            false if puts("/storage/retired/") => Some(Self::Retirement),
            _ => None,
        }
    }
}

#[derive(Clone)]
pub(crate) struct StoreLink {
    pub(crate) store: WatchedStore,
    pub(crate) caller: Caller,
    pub(crate) conditions: LinkConditions,
    pub(crate) rng: SeededRng,
    pub(crate) trace: Trace,
    pub(crate) findings: Findings,
}

impl StoreLink {
    fn latency(&self) -> Duration {
        self.rng.micros(100..self.conditions.latency_us.load(Ordering::Relaxed).max(200))
    }

    /// The way there; or it fails.
    async fn there(&self) -> Result<(), StoreError> {
        tokio::time::sleep(self.latency()).await;
        if self.conditions.away.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(150)).await;
            return Err(StoreError::Unavailable { reason: "simulated: away".to_owned() });
        }
        if self.rng.chance(self.conditions.fail_permille.load(Ordering::Relaxed)) {
            return Err(StoreError::Unavailable { reason: "simulated: refused".to_owned() });
        }
        Ok(())
    }

    /// The way of something that is read.
    async fn read_there(&self) -> Result<(), StoreError> {
        self.there().await?;
        if self.conditions.slow_reads.load(Ordering::Relaxed) {
            tokio::time::sleep(self.rng.millis(100..500)).await;
        }
        Ok(())
    }

    async fn back(&self) {
        tokio::time::sleep(self.latency()).await;
    }
}

#[async_trait]
impl MetadataStore for StoreLink {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.read_there().await?;
        let found = self.store.get(key).await;
        self.back().await;
        found
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.read_there().await?;
        // Small pages, so that what takes several happens.
        let page = self.store.range(prefix, after, limit.min(20)).await;
        self.back().await;
        page
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        if let Err(refused) = txn.check(Limits::MIN) {
            self.findings.add("invalid-transaction", format!("broker {}: {refused}", self.caller));
            return Err(refused);
        }
        if self.conditions.away.load(Ordering::Relaxed)
            || self.rng.chance(self.conditions.fail_permille.load(Ordering::Relaxed))
        {
            tokio::time::sleep(self.latency()).await;
            return Err(StoreError::Unavailable { reason: "simulated: refused".to_owned() });
        }
        let silent = self.rng.chance(self.conditions.unknown_permille.load(Ordering::Relaxed));
        if silent && self.rng.chance(300) {
            self.back().await;
            return Err(StoreError::OutcomeUnknown { reason: "simulated: lost".to_owned() });
        }
        let keys: Vec<&str> = txn.puts.iter().map(|put| put.key.as_str()).collect();
        let keys = keys.join(" ");
        // At times one is held up on its way, long enough that its sender may have died and been
        // replaced.
        let held = self.conditions.held_permille.load(Ordering::Relaxed);
        let way = if self.rng.chance(held) {
            self.rng.millis(200..3500)
        } else if TxnKind::of(&txn, self.caller).is_some_and(|kind| self.conditions.holds(kind)) {
            self.rng.millis(1000..3500)
        } else {
            self.latency()
        };
        let answer = self.store.send(self.caller, txn, elapsed() + way);
        let outcome = answer.await.map_err(|_| StoreError::Closed)?;
        self.trace.line("store", format_args!("broker {} {keys} -> {outcome:?}", self.caller));
        self.back().await;
        if silent {
            return Err(StoreError::OutcomeUnknown { reason: "simulated: no answer".to_owned() });
        }
        outcome
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.there().await?;
        let watch = self.store.watch(prefix, after).await?;
        Ok(Box::new(LinkWatch { watch, link: self.clone(), arrived: None }))
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.there().await?;
        let lease = self.store.grant(ttl).await;
        self.back().await;
        lease
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.there().await?;
        let kept = self.store.keep_alive(lease).await;
        self.back().await;
        kept
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.there().await?;
        self.store.revoke(lease).await
    }
}

/// A watch whose batches arrive late, and which breaks.
struct LinkWatch {
    watch: Box<dyn Watch>,
    link: StoreLink,
    /// A batch on its way, and when it is here.
    arrived: Option<(EventBatch, Duration)>,
}

#[async_trait]
impl Watch for LinkWatch {
    async fn next(&mut self) -> Result<EventBatch, WatchError> {
        if self.arrived.is_none() {
            let batch = self.watch.next().await?;
            let late = if self.link.rng.chance(20) {
                self.link.rng.millis(10..300)
            } else {
                self.link.latency()
            };
            self.arrived = Some((batch, elapsed() + late));
        }
        let due = self.arrived.as_ref().map_or(Duration::ZERO, |(_, due)| *due);
        tokio::time::sleep(due.saturating_sub(elapsed())).await;
        while self.link.conditions.away.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.link.rng.chance(self.link.conditions.fail_permille.load(Ordering::Relaxed) / 4) {
            return Err(WatchError::Unavailable { reason: "simulated: broken".to_owned() });
        }
        Ok(self.arrived.take().expect("it has just arrived").0)
    }
}
