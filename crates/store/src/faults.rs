//! [`FaultyStore`]: a store for tests that fails on demand.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use milena_types::Revision;
use tokio::sync::watch;

use crate::{
    memory::MemoryStore,
    store::{
        EventBatch, LeaseId, Limits, MetadataStore, Page, StoreError, Txn, TxnOutcome, Versioned,
        Watch, WatchError,
    },
};

/// A [`MemoryStore`] that fails on demand. Clones are the same store.
#[derive(Clone)]
pub struct FaultyStore {
    store: MemoryStore,
    faults: Arc<Mutex<Faults>>,
    holds: watch::Sender<Holds>,
}

/// What waits until it is let go.
#[derive(Default)]
struct Holds {
    watches: bool,
    /// Transactions that put a key with this prefix.
    putting: Option<String>,
}

#[derive(Default)]
struct Faults {
    unavailable: bool,
    /// The number of next transactions that are applied with an unknown outcome.
    lost_responses: u32,
    /// The number of next transactions that are not applied, with an unknown outcome.
    lost_requests: u32,
    /// A transaction that puts a key with this prefix is the last before everything fails.
    fail_after: Option<String>,
    /// The number of next transactions that are applied before the last before everything fails.
    fail_after_transactions: Option<u32>,
    /// Transactions that put a key with this prefix fail.
    refused: Option<String>,
    /// Transactions so far.
    sent: u64,
}

impl FaultyStore {
    pub fn new(store: MemoryStore) -> Self {
        Self { store, faults: Arc::default(), holds: watch::Sender::default() }
    }

    /// From now on every call fails (`true`) or works again (`false`).
    pub fn set_unavailable(&self, unavailable: bool) {
        let mut faults = self.faults();
        (faults.unavailable, faults.fail_after_transactions) = (unavailable, None);
    }

    /// The next transactions are applied, but their outcome is unknown.
    pub fn lose_responses(&self, count: u32) {
        self.faults().lost_responses = count;
    }

    /// The next transactions are not applied, and their outcome is unknown.
    pub fn lose_requests(&self, count: u32) {
        self.faults().lost_requests = count;
    }

    /// How many transactions it was asked for, whatever became of them.
    pub fn transactions_sent(&self) -> u64 {
        self.faults().sent
    }

    /// How many of those that [`FaultyStore::lose_requests`] asked for are still to come.
    pub fn requests_to_lose(&self) -> u32 {
        self.faults().lost_requests
    }

    /// Once a key with this prefix was put, the outcome is unknown and every call fails, until
    /// [`FaultyStore::set_unavailable`] says otherwise.
    pub fn fail_after_putting(&self, prefix: &str) {
        self.faults().fail_after = Some(prefix.to_owned());
    }

    /// The next `count` transactions are applied. The one after them is, too, but its outcome is
    /// unknown, and every call fails from then on, until [`FaultyStore::set_unavailable`] says
    /// otherwise: as if the process had ended there.
    pub fn fail_after_transactions(&self, count: u32) {
        self.faults().fail_after_transactions = Some(count);
    }

    /// From now on transactions that put a key with this prefix fail, and are not applied.
    pub fn refuse_putting(&self, prefix: Option<&str>) {
        self.faults().refused = prefix.map(str::to_owned);
    }

    /// From now on watches tell nothing (`true`), or what they have not told (`false`).
    pub fn hold_watches(&self, held: bool) {
        self.holds.send_modify(|holds| holds.watches = held);
    }

    /// From now on transactions that put a key with this prefix wait, until they are let go with
    /// `None`.
    pub fn hold_putting(&self, prefix: Option<&str>) {
        self.holds.send_modify(|holds| holds.putting = prefix.map(str::to_owned));
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("no panic while held")
    }

    fn check_available(&self) -> Result<(), StoreError> {
        if self.faults().unavailable { Err(unavailable("switched off")) } else { Ok(()) }
    }
}

fn unavailable(reason: &str) -> StoreError {
    StoreError::Unavailable { reason: reason.to_owned() }
}

fn unknown(reason: &str) -> StoreError {
    StoreError::OutcomeUnknown { reason: reason.to_owned() }
}

#[async_trait]
impl MetadataStore for FaultyStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.check_available()?;
        self.store.get(key).await
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.check_available()?;
        self.store.range(prefix, after, limit).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        self.faults().sent += 1;
        let puts =
            |prefix: &String| txn.puts.iter().any(|put| put.key.starts_with(prefix.as_str()));
        let mut holds = self.holds.subscribe();
        let _ = holds.wait_for(|holds| !holds.putting.as_ref().is_some_and(puts)).await;
        self.check_available()?;
        let mut faults = self.faults();
        if faults.lost_requests > 0 {
            faults.lost_requests -= 1;
            return Err(unknown("the request was lost"));
        }
        if faults.refused.as_ref().is_some_and(puts) {
            return Err(unavailable("refused"));
        }
        let outcome = self.store.apply(&txn)?;
        if outcome.committed().is_none() {
            return Ok(outcome);
        }
        if faults.fail_after.as_ref().is_some_and(puts) {
            (faults.fail_after, faults.lost_responses, faults.unavailable) = (None, 1, true);
        }
        match &mut faults.fail_after_transactions {
            Some(0) => {
                faults.fail_after_transactions = None;
                (faults.lost_responses, faults.unavailable) = (1, true);
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if faults.lost_responses > 0 {
            faults.lost_responses -= 1;
            return Err(unknown("the response was lost"));
        }
        Ok(outcome)
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.check_available()?;
        let (watch, holds) = (self.store.watch(prefix, after).await?, self.holds.subscribe());
        Ok(Box::new(HeldWatch { watch, next: None, holds }))
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.check_available()?;
        self.store.grant(ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.check_available()?;
        self.store.keep_alive(lease).await
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.check_available()?;
        self.store.revoke(lease).await
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }
}

/// A watch that tells nothing while it is held.
struct HeldWatch {
    watch: Box<dyn Watch>,
    next: Option<Result<EventBatch, WatchError>>,
    holds: watch::Receiver<Holds>,
}

#[async_trait]
impl Watch for HeldWatch {
    async fn next(&mut self) -> Result<EventBatch, WatchError> {
        let next = match self.next.take() {
            Some(next) => next,
            None => self.watch.next().await,
        };
        let next = self.next.insert(next).clone();
        let _ = self.holds.wait_for(|holds| !holds.watches).await;
        self.next = None;
        next
    }
}
