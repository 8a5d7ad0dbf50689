//! [`MemoryStore`]: a metadata store in memory, for tests and simulations. Lost with the process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use milena_runtime::Runtime;
use milena_types::Revision;
use tokio::sync::watch;

use crate::store::{
    Committed, Conflict, Entry, Event, EventBatch, LeaseId, Limits, MetadataStore, Page,
    Precondition, Put, StoreError, Txn, TxnOutcome, Versioned, Watch, WatchError,
};
use crate::watch_position::{WatchPosition, WatchStep};

/// Changes kept for watches.
const HISTORY_MAX: usize = 2000;

/// A changed key: its value before and after.
pub type Change = (String, Option<Bytes>, Option<Bytes>);

/// Called with every change as it is made: its revision, the keys, and a function that reads the
/// present value of a key. Must not call the store.
pub(crate) type Observer =
    dyn Fn(Revision, &[Change], &dyn Fn(&str) -> Option<Bytes>) + Send + Sync;

/// A metadata store in memory. Clones are the same store.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    published: Arc<watch::Sender<Revision>>,
    now: Arc<dyn Fn() -> Duration + Send + Sync>,
    limits: Limits,
}

#[derive(Default)]
struct State {
    revision: Revision,
    entries: BTreeMap<String, StoredValue>,
    leases: BTreeMap<LeaseId, Lease>,
    last_lease: u64,
    history: Vec<EventBatch>,
    forgotten: Revision,
    observer: Option<Arc<Observer>>,
}

#[derive(Clone, Debug)]
struct StoredValue {
    versioned: Versioned,
    lease: Option<LeaseId>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    ttl: Duration,
    deadline: Duration,
}

impl MemoryStore {
    /// An empty store with the smallest limits, whose leases end by the runtime's clock.
    pub fn new(runtime: &Runtime) -> Self {
        let runtime = runtime.clone();
        Self::on_clock(move || runtime.monotonic())
    }

    /// An empty store with the smallest limits, whose leases end by this clock.
    pub fn on_clock(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self {
            state: Arc::default(),
            published: Arc::new(watch::Sender::new(Revision::default())),
            now: Arc::new(now),
            limits: Limits::MIN,
        }
    }

    /// The same store with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Shows every change to `observer` from now on.
    pub fn observe(&self, observer: Arc<Observer>) {
        self.state().observer = Some(observer);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic with the store")
    }

    /// Checks the preconditions of a transaction and applies it.
    pub fn apply(&self, txn: &Txn) -> Result<TxnOutcome, StoreError> {
        txn.check(self.limits)?;
        self.end_leases();
        let mut state = self.state();
        for (index, precondition) in txn.preconditions.iter().enumerate() {
            if !state.holds(precondition) {
                return Ok(TxnOutcome::Conflict(Conflict { index }));
            }
        }
        let dead = |lease: &LeaseId| !state.leases.contains_key(lease);
        if let Some(lease) = txn.puts.iter().filter_map(|put| put.lease).find(dead) {
            return Err(StoreError::LeaseNotFound(lease));
        }
        let mut deletes = txn.deletes.clone();
        for prefix in &txn.delete_prefixes {
            deletes.extend(state.below(prefix).map(|(key, _)| key.clone()));
        }
        let revision = state.change(&deletes, &txn.puts);
        self.publish(state);
        Ok(TxnOutcome::Committed(Committed { revision }))
    }

    /// Ends the leases whose time is over.
    pub fn end_leases(&self) {
        let now = (self.now)();
        let mut state = self.state();
        let over = |(_, lease): &(&LeaseId, &Lease)| lease.deadline <= now;
        let ended: Vec<LeaseId> = state.leases.iter().filter(over).map(|(id, _)| *id).collect();
        for lease in ended {
            state.end_lease(lease);
        }
        self.publish(state);
    }

    fn publish(&self, state: MutexGuard<'_, State>) {
        let revision = state.revision;
        drop(state);
        self.published.send_if_modified(|published| {
            let later = revision > *published;
            *published = revision.max(*published);
            later
        });
    }

    fn next_deadline(&self) -> Duration {
        let deadline = self.state().leases.values().map(|lease| lease.deadline).min();
        let wait = deadline.map(|deadline| deadline.saturating_sub((self.now)()));
        wait.unwrap_or(Duration::MAX).min(Duration::from_secs(3600))
    }
}

impl State {
    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a StoredValue)> {
        self.entries.range(prefix.to_owned()..).take_while(move |(key, _)| key.starts_with(prefix))
    }

    fn holds(&self, precondition: &Precondition) -> bool {
        match precondition {
            Precondition::Absent(key) => !self.entries.contains_key(key),
            Precondition::Exists(key) => self.entries.contains_key(key),
            Precondition::At(key, revision) => {
                self.entries.get(key).is_some_and(|stored| stored.versioned.revision == *revision)
            }
            Precondition::PrefixAbsent(prefix) => self.below(prefix).next().is_none(),
        }
    }

    /// Changes entries as one revision, unless nothing changes.
    fn change(&mut self, deletes: &[String], puts: &[Put]) -> Revision {
        let revision = Revision(self.revision.raw() + 1);
        let mut events = Vec::new();
        let mut before = Vec::new();
        for key in deletes {
            if let Some(old) = self.entries.remove(key) {
                before.push((key.clone(), Some(old.versioned.value)));
                events.push(Event::Delete { key: key.clone() });
            }
        }
        for put in puts {
            let old = self.entries.get(&put.key);
            before.push((put.key.clone(), old.map(|old| old.versioned.value.clone())));
            let value = Bytes::copy_from_slice(&put.value);
            let versioned = Versioned { value, revision };
            events.push(Event::Put(Entry { key: put.key.clone(), versioned: versioned.clone() }));
            self.entries.insert(put.key.clone(), StoredValue { versioned, lease: put.lease });
        }
        if events.is_empty() {
            return self.revision;
        }
        self.revision = revision;
        self.history.push(EventBatch { revision, events });
        if self.history.len() > HISTORY_MAX {
            self.forgotten = self.history.remove(0).revision;
        }
        if let Some(observer) = self.observer.clone() {
            let now =
                |key: &str| self.entries.get(key).map(|stored| stored.versioned.value.clone());
            let changes: Vec<Change> = before
                .into_iter()
                .map(|(key, old)| {
                    let new = now(&key);
                    (key, old, new)
                })
                .collect();
            observer(revision, &changes, &now);
        }
        revision
    }

    fn end_lease(&mut self, lease: LeaseId) {
        if self.leases.remove(&lease).is_some() {
            let held = |(_, stored): &(&String, &StoredValue)| stored.lease == Some(lease);
            let keys: Vec<String> =
                self.entries.iter().filter(held).map(|(key, _)| key.clone()).collect();
            self.change(&keys, &[]);
        }
    }
}

#[async_trait]
impl MetadataStore for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.end_leases();
        Ok(self.state().entries.get(key).map(|stored| stored.versioned.clone()))
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.end_leases();
        let state = self.state();
        let mut found =
            state.below(prefix).filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
        let entries = found
            .by_ref()
            .take(limit)
            .map(|(key, stored)| Entry { key: key.clone(), versioned: stored.versioned.clone() });
        let entries = entries.collect();
        let more = found.next().is_some();
        Ok(Page { entries, revision: state.revision, more })
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        self.apply(&txn)
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        let published = self.published.subscribe();
        let (store, prefix) = (self.clone(), prefix.to_owned());
        let position = WatchPosition::new(after, self.state().revision);
        Ok(Box::new(MemoryWatch { store, published, prefix, position }))
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let mut state = self.state();
        state.last_lease += 1;
        let id = LeaseId(state.last_lease);
        let ttl = ttl.max(Duration::from_millis(1));
        state.leases.insert(id, Lease { ttl, deadline: (self.now)() + ttl });
        Ok(id)
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.end_leases();
        let now = (self.now)();
        let mut state = self.state();
        let held = state.leases.get_mut(&lease).ok_or(StoreError::LeaseNotFound(lease))?;
        held.deadline = now + held.ttl;
        Ok(())
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        let mut state = self.state();
        state.end_lease(lease);
        self.publish(state);
        Ok(())
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

struct MemoryWatch {
    store: MemoryStore,
    published: watch::Receiver<Revision>,
    prefix: String,
    position: WatchPosition,
}

impl MemoryWatch {
    fn poll(&mut self) -> Result<WatchStep, WatchError> {
        let published = *self.published.borrow_and_update();
        let state = self.store.state();
        let after = self.position.searched();
        if after < state.forgotten {
            return Err(WatchError::Compacted { after });
        }
        let start = state.history.partition_point(|batch| batch.revision <= after);
        for batch in &state.history[start..] {
            let below = |event: &&Event| event.key().starts_with(&self.prefix);
            let events: Vec<Event> = batch.events.iter().filter(below).cloned().collect();
            if !events.is_empty() {
                let batch = EventBatch { revision: batch.revision, events };
                return Ok(self.position.change(batch));
            }
        }
        Ok(self.position.no_change(published, (self.store.now)()))
    }
}

#[async_trait]
impl Watch for MemoryWatch {
    async fn next(&mut self) -> Result<EventBatch, WatchError> {
        loop {
            let progress = match self.poll()? {
                WatchStep::Show(batch) => return Ok(batch),
                WatchStep::Wait(progress) => progress,
            };
            let wait = self.store.next_deadline();
            let wait = progress.map_or(wait, |progress| progress.min(wait));
            let changed = tokio::time::timeout(wait, self.published.changed()).await;
            if changed.is_err() {
                self.store.end_leases();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_store_conforms() {
        let runtime = Runtime::system();
        crate::conformance::run_all(|| async {
            Arc::new(MemoryStore::new(&runtime)) as Arc<dyn MetadataStore>
        })
        .await;
    }
}
