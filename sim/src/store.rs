//! The metadata store of a run: in memory, or the embedded one on the simulated disk. It shows
//! every change to the [`Monitor`](crate::monitor::Monitor).
//!
//! Brokers do not use it directly but over a [`StoreLink`](crate::store_link::StoreLink), which
//! delays and fails. What such a link has sent is applied here when it is due, whether or not its
//! sender still lives.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use milena_store::{
    LeaseId, Limits, MemoryStore, MetadataStore, Page, StoreError, Txn, TxnOutcome, Versioned,
    Watch,
};
use milena_types::Revision;
use tokio::sync::oneshot;

use crate::{
    embedded::EmbeddedMedium,
    monitor::{Caller, Monitor},
};

/// The store of a run. Clones are the same store.
#[derive(Clone)]
pub(crate) struct WatchedStore {
    place: Place,
    sent: Arc<Mutex<PendingTxns>>,
    now: fn() -> Duration,
}

/// Where it keeps what it is given.
#[derive(Clone)]
enum Place {
    Memory {
        store: MemoryStore,
        /// Whose transaction is being applied.
        caller: Arc<AtomicI32>,
    },
    Disk(Arc<EmbeddedMedium>),
}

/// Transactions on their way, by when they arrive.
#[derive(Default)]
struct PendingTxns {
    waiting: BTreeMap<(Duration, u64), PendingTxn>,
    count: u64,
}

struct PendingTxn {
    caller: Caller,
    txn: Txn,
    reply: oneshot::Sender<Result<TxnOutcome, StoreError>>,
}

impl WatchedStore {
    /// A store in memory.
    pub(crate) fn in_memory(now: fn() -> Duration, monitor: Monitor) -> Self {
        let (store, caller) = (MemoryStore::on_clock(now), Arc::new(AtomicI32::new(0)));
        let whose = caller.clone();
        store.observe(Arc::new(move |revision, changes, now| {
            monitor.changed(whose.load(Ordering::Relaxed), revision, changes, now);
        }));
        Self { place: Place::Memory { store, caller }, sent: Arc::default(), now }
    }

    /// The embedded store.
    pub(crate) fn on_disk(now: fn() -> Duration, medium: EmbeddedMedium) -> Self {
        Self { place: Place::Disk(Arc::new(medium)), sent: Arc::default(), now }
    }

    /// The embedded store, if it is that.
    pub(crate) fn embedded(&self) -> Option<&EmbeddedMedium> {
        match &self.place {
            Place::Memory { .. } => None,
            Place::Disk(medium) => Some(medium),
        }
    }

    /// The store to ask now.
    fn current(&self) -> Result<Arc<dyn MetadataStore>, StoreError> {
        match &self.place {
            Place::Memory { store, .. } => Ok(Arc::new(store.clone())),
            Place::Disk(medium) => Ok(Arc::new(Stepped(medium.store()?))),
        }
    }

    fn sent(&self) -> MutexGuard<'_, PendingTxns> {
        self.sent.lock().expect("no panic with the store")
    }

    /// Sends a transaction, to be applied at `due`.
    pub(crate) fn send(
        &self,
        caller: Caller,
        txn: Txn,
        due: Duration,
    ) -> oneshot::Receiver<Result<TxnOutcome, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let mut sent = self.sent();
        sent.count += 1;
        let place = (due, sent.count);
        sent.waiting.insert(place, PendingTxn { caller, txn, reply });
        answer
    }

    /// Applies what is due, and ends leases.
    pub(crate) fn advance(&self) {
        let now = (self.now)();
        if let Place::Memory { store, .. } = &self.place {
            store.end_leases();
        }
        let mut due = Vec::new();
        loop {
            let mut sent = self.sent();
            if sent.waiting.first_key_value().is_none_or(|((due, _), _)| *due > now) {
                break;
            }
            due.extend(sent.waiting.pop_first().map(|(_, sent)| sent));
        }
        let (txns, replies): (Vec<_>, Vec<_>) =
            due.into_iter().map(|sent| ((sent.caller, sent.txn), sent.reply)).unzip();
        for (outcome, reply) in self.apply(txns).into_iter().zip(replies) {
            let _ = reply.send(outcome); // The sender may be dead.
        }
    }

    fn apply(&self, txns: Vec<(Caller, Txn)>) -> Vec<Result<TxnOutcome, StoreError>> {
        match &self.place {
            Place::Memory { store, caller } => txns
                .into_iter()
                .map(|(sender, txn)| {
                    // Leases that have ended are nobody's transaction.
                    store.end_leases();
                    caller.store(sender, Ordering::Relaxed);
                    let outcome = store.apply(&txn);
                    caller.store(0, Ordering::Relaxed);
                    outcome
                })
                .collect(),
            Place::Disk(medium) => medium.apply(txns),
        }
    }
}

/// The embedded store as long as somebody waits for it.
struct Stepped(Arc<milena_store::SteppedStore>);

#[async_trait]
impl MetadataStore for WatchedStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.current()?.get(key).await
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.current()?.range(prefix, after, limit).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        txn.check(Limits::MIN)?;
        self.apply(vec![(0, txn)]).pop().unwrap_or(Err(StoreError::Closed))
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.current()?.watch(prefix, after).await
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.current()?.grant(ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.current()?.keep_alive(lease).await
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.current()?.revoke(lease).await
    }
}

#[async_trait]
impl MetadataStore for Stepped {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.0.store().get(key).await
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.0.store().range(prefix, after, limit).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        self.0.store().txn(txn).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.0.store().watch(prefix, after).await
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.0.store().grant(ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.0.store().keep_alive(lease).await
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.0.store().revoke(lease).await
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the clock of a paused runtime is the time here")]
mod tests {
    use super::*;
    use crate::findings::Findings;

    thread_local! {
        static START: tokio::time::Instant = tokio::time::Instant::now();
    }

    fn paused_clock() -> Duration {
        tokio::time::Instant::now().duration_since(START.with(|start| *start))
    }

    #[tokio::test(start_paused = true)]
    async fn the_store_conforms() {
        milena_store::conformance::run_all(|| async {
            let monitor = Monitor::new(Findings::default());
            Arc::new(WatchedStore::in_memory(paused_clock, monitor)) as Arc<dyn MetadataStore>
        })
        .await;
    }
}
