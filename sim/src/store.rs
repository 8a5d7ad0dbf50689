//! The metadata store of a run, in memory. It keeps the promises of [`MetadataStore`] (its test
//! runs the conformance suite) and shows every change to the [`Monitor`](crate::monitor::Monitor).
//!
//! Brokers do not use it directly but over a [`StoreLink`](crate::store_link::StoreLink), which
//! delays and fails. What such a link has sent is applied here when it is due, whether or not its
//! sender still lives.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use milena_store::{Committed, Conflict, Entry, Event, EventBatch, LeaseId, Limits, MetadataStore, Page, Precondition, Put, StoreError, Txn, TxnOutcome, Versioned, Watch, WatchError};
use milena_types::Revision;
use tokio::sync::{oneshot, watch};

use crate::monitor::Monitor;

/// Who asks; 0 is nobody's broker.
pub(crate) type Caller = i32;

/// Changes kept for watches.
const HISTORY_MAX: usize = 2000;

/// See the module's documentation. Clones are the same store.
#[derive(Clone)]
pub(crate) struct MemoryStore {
    state: Arc<Mutex<State>>,
    published: Arc<watch::Sender<Revision>>,
    now: fn() -> Duration,
}

#[derive(Default)]
struct State {
    revision: Revision,
    entries: BTreeMap<String, Stored>,
    leases: BTreeMap<LeaseId, Lease>,
    last_lease: u64,
    history: Vec<EventBatch>,
    forgotten: Revision,
    sent: BTreeMap<(Duration, u64), Sent>,
    sent_count: u64,
    monitor: Option<Monitor>,
}

#[derive(Clone, Debug)]
struct Stored {
    versioned: Versioned,
    lease: Option<LeaseId>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    ttl: Duration,
    deadline: Duration,
}

/// A transaction on its way.
struct Sent {
    caller: Caller,
    txn: Txn,
    reply: oneshot::Sender<Result<TxnOutcome, StoreError>>,
}

impl MemoryStore {
    pub(crate) fn new(now: fn() -> Duration, monitor: Option<Monitor>) -> Self {
        let state = State { monitor, ..State::default() };
        let published = Arc::new(watch::Sender::new(Revision::default()));
        Self { state: Arc::new(Mutex::new(state)), published, now }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic with the store")
    }

    /// Sends a transaction, to be applied at `due`.
    pub(crate) fn send(
        &self,
        caller: Caller,
        txn: Txn,
        due: Duration,
    ) -> oneshot::Receiver<Result<TxnOutcome, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.state();
        state.sent_count += 1;
        let place = (due, state.sent_count);
        state.sent.insert(place, Sent { caller, txn, reply });
        answer
    }

    /// Applies what is due, and ends leases.
    pub(crate) fn advance(&self) {
        let now = (self.now)();
        self.end_leases(now);
        loop {
            let next = {
                let mut state = self.state();
                let due = state.sent.first_key_value().is_some_and(|((due, _), _)| *due <= now);
                if due { state.sent.pop_first() } else { None }
            };
            let Some((_, sent)) = next else { return };
            let outcome = self.apply(sent.caller, &sent.txn);
            let _ = sent.reply.send(outcome); // The sender may be dead.
        }
    }

    /// Judges and applies a transaction now.
    pub(crate) fn apply(&self, caller: Caller, txn: &Txn) -> Result<TxnOutcome, StoreError> {
        txn.check(Limits::MIN)?;
        let now = (self.now)();
        self.end_leases(now);
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
        let revision = state.change(caller, &deletes, &txn.puts);
        self.publish(state);
        Ok(TxnOutcome::Committed(Committed { revision }))
    }

    fn publish(&self, state: MutexGuard<'_, State>) {
        let revision = state.revision;
        drop(state);
        self.published
            .send_if_modified(|published| std::mem::replace(published, revision) != revision);
    }

    fn end_leases(&self, now: Duration) {
        let mut state = self.state();
        let ended: Vec<LeaseId> = state
            .leases
            .iter()
            .filter(|(_, lease)| lease.deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for lease in ended {
            state.end_lease(lease);
        }
        self.publish(state);
    }

    fn next_deadline(&self) -> Duration {
        let deadlines = self.state().leases.values().map(|lease| lease.deadline).min();
        deadlines
            .unwrap_or(Duration::MAX / 4)
            .saturating_sub((self.now)())
            .min(Duration::from_secs(3600))
    }
}

impl State {
    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a Stored)> {
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
    fn change(&mut self, caller: Caller, deletes: &[String], puts: &[Put]) -> Revision {
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
            let created = old.map_or(revision, |old| old.versioned.created);
            before.push((put.key.clone(), old.map(|old| old.versioned.value.clone())));
            let value = Bytes::copy_from_slice(&put.value);
            let versioned = Versioned { value, revision, created };
            events.push(Event::Put(Entry { key: put.key.clone(), versioned: versioned.clone() }));
            self.entries.insert(put.key.clone(), Stored { versioned, lease: put.lease });
        }
        if events.is_empty() {
            return self.revision;
        }
        self.revision = revision;
        self.history.push(EventBatch { revision, events });
        if self.history.len() > HISTORY_MAX {
            self.forgotten = self.history.remove(0).revision;
        }
        if let Some(monitor) = self.monitor.clone() {
            let now =
                |key: &str| self.entries.get(key).map(|stored| stored.versioned.value.clone());
            let changes: Vec<_> = before
                .into_iter()
                .map(|(key, old)| (now(&key), key, old))
                .map(|(n, k, o)| (k, o, n))
                .collect();
            monitor.changed(caller, revision, &changes, &now);
        }
        revision
    }

    fn end_lease(&mut self, lease: LeaseId) {
        if self.leases.remove(&lease).is_some() {
            let held = |(_, stored): &(&String, &Stored)| stored.lease == Some(lease);
            let keys: Vec<String> =
                self.entries.iter().filter(held).map(|(key, _)| key.clone()).collect();
            self.change(0, &keys, &[]);
        }
    }
}

#[async_trait]
impl MetadataStore for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.end_leases((self.now)());
        Ok(self.state().entries.get(key).map(|stored| stored.versioned.clone()))
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.end_leases((self.now)());
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
        self.apply(0, &txn)
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        let published = self.published.subscribe();
        Ok(Box::new(MemoryWatch {
            store: self.clone(),
            published,
            prefix: prefix.to_owned(),
            after,
        }))
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
        let now = (self.now)();
        self.end_leases(now);
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
}

struct MemoryWatch {
    store: MemoryStore,
    published: watch::Receiver<Revision>,
    prefix: String,
    after: Revision,
}

impl MemoryWatch {
    fn poll(&mut self) -> Result<Option<EventBatch>, WatchError> {
        let published = *self.published.borrow_and_update();
        let state = self.store.state();
        if self.after < state.forgotten {
            return Err(WatchError::Compacted { after: self.after });
        }
        let start = state.history.partition_point(|batch| batch.revision <= self.after);
        for batch in &state.history[start..] {
            let below = |event: &&Event| event.key().starts_with(&self.prefix);
            let events: Vec<Event> = batch.events.iter().filter(below).cloned().collect();
            if !events.is_empty() {
                self.after = batch.revision;
                return Ok(Some(EventBatch { revision: batch.revision, events }));
            }
        }
        if published > self.after {
            self.after = published;
            return Ok(Some(EventBatch { revision: published, events: Vec::new() }));
        }
        Ok(None)
    }
}

#[async_trait]
impl Watch for MemoryWatch {
    async fn next(&mut self) -> Result<EventBatch, WatchError> {
        loop {
            if let Some(batch) = self.poll()? {
                return Ok(batch);
            }
            let wait = self.store.next_deadline();
            let changed = tokio::time::timeout(wait, self.published.changed()).await;
            if changed.is_err() {
                self.store.end_leases((self.store.now)());
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the clock of a paused runtime is the time here")]
mod tests {
    use super::*;

    fn paused_clock() -> Duration {
        tokio::time::Instant::now().duration_since(START.with(|start| *start))
    }

    thread_local! {
        static START: tokio::time::Instant = tokio::time::Instant::now();
    }

    #[tokio::test(start_paused = true)]
    async fn the_store_conforms() {
        milena_store::conformance::run_all(|| async {
            Arc::new(MemoryStore::new(paused_clock, None)) as Arc<dyn MetadataStore>
        })
        .await;
    }
}
