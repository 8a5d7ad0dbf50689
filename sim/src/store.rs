//! The metadata store of a run, in memory. It shows every change to the
//! [`Monitor`](crate::monitor::Monitor).
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

use crate::monitor::{Caller, Monitor};

/// The store of a run. Clones are the same store.
#[derive(Clone)]
pub(crate) struct WatchedStore {
    store: MemoryStore,
    /// The sender of the transaction being applied.
    caller: Arc<AtomicI32>,
    sent: Arc<Mutex<PendingTxns>>,
    now: fn() -> Duration,
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
    pub(crate) fn new(now: fn() -> Duration, monitor: Monitor) -> Self {
        let (store, caller) = (MemoryStore::on_clock(now), Arc::new(AtomicI32::new(0)));
        let whose = caller.clone();
        store.observe(Arc::new(move |revision, changes, now| {
            monitor.changed(whose.load(Ordering::Relaxed), revision, changes, now);
        }));
        Self { store, caller, sent: Arc::default(), now }
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
        self.store.end_leases();
        loop {
            let next = {
                let mut sent = self.sent();
                let due = sent.waiting.first_key_value().is_some_and(|((due, _), _)| *due <= now);
                if due { sent.waiting.pop_first() } else { None }
            };
            let Some((_, sent)) = next else { return };
            // Leases that ended are not part of the sender's transaction.
            self.store.end_leases();
            self.caller.store(sent.caller, Ordering::Relaxed);
            let outcome = self.store.apply(&sent.txn);
            self.caller.store(0, Ordering::Relaxed);
            let _ = sent.reply.send(outcome); // The sender may be dead.
        }
    }
}

#[async_trait]
impl MetadataStore for WatchedStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.store.get(key).await
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.store.range(prefix, after, limit).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        self.store.txn(txn).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.store.watch(prefix, after).await
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.store.grant(ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.store.keep_alive(lease).await
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.store.revoke(lease).await
    }

    fn limits(&self) -> Limits {
        self.store.limits()
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
            Arc::new(WatchedStore::new(paused_clock, monitor)) as Arc<dyn MetadataStore>
        })
        .await;
    }
}
