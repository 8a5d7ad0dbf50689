//! Staging requests inside one redb transaction: each sees the changes of those before it.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use milena_types::Revision;
use redb::{ReadableTable, Table, WriteTransaction};

use crate::store::{
    Committed, Conflict, Entry, Event, EventBatch, LeaseId, Precondition, Put, StoreError, Txn,
    TxnOutcome, Versioned,
};

use super::tables::{self, StoredEntry};

/// The staged changes, and what follows from them once they are committed.
#[derive(Default)]
pub(super) struct AppliedBatch {
    /// One for each request, in order.
    pub(super) outcomes: Vec<Result<Outcome, StoreError>>,
    /// What watches show of the changes.
    pub(super) batches: Vec<EventBatch>,
    pub(super) granted: Vec<(LeaseId, Duration)>,
    pub(super) ended: Vec<LeaseId>,
    pub(super) revision: Revision,
    pub(super) changed: bool,
}

/// Of a request that was staged.
pub(super) enum Outcome {
    Txn(TxnOutcome),
    Granted(LeaseId),
    Revoked,
}

pub(super) struct Staging<'t> {
    entries: Table<'t, &'static str, StoredEntry>,
    lease_keys: Table<'t, (u64, &'static str), ()>,
    lease_table: Table<'t, u64, u64>,
    state: Table<'t, &'static str, u64>,
    live: HashSet<LeaseId>,
    ended: HashSet<LeaseId>,
    /// Keys that watches do not show.
    unwatched: fn(&str) -> bool,
    applied: AppliedBatch,
}

/// The changes of one revision.
#[derive(Default)]
struct Changes {
    any: bool,
    /// Those that watches show.
    events: Vec<Event>,
}

impl<'t> Staging<'t> {
    pub(super) fn new(
        txn: &'t WriteTransaction,
        live: HashSet<LeaseId>,
        unwatched: fn(&str) -> bool,
        revision: Revision,
    ) -> Result<Self, redb::Error> {
        Ok(Self {
            entries: txn.open_table(tables::ENTRIES)?,
            lease_keys: txn.open_table(tables::LEASE_KEYS)?,
            lease_table: txn.open_table(tables::LEASES)?,
            state: txn.open_table(tables::STATE)?,
            live,
            ended: HashSet::new(),
            unwatched,
            applied: AppliedBatch { revision, ..AppliedBatch::default() },
        })
    }

    pub(super) fn push_outcome(&mut self, outcome: Result<Outcome, StoreError>) {
        self.applied.outcomes.push(outcome);
    }

    pub(super) fn finish(mut self) -> Result<AppliedBatch, redb::Error> {
        if self.applied.changed {
            self.state.insert(tables::REVISION, self.applied.revision.raw())?;
        }
        self.applied.ended = self.ended.into_iter().collect();
        Ok(self.applied)
    }

    pub(super) fn grant(&mut self, ttl: Duration) -> Result<LeaseId, redb::Error> {
        let last = self.state.get(tables::LAST_LEASE)?.map_or(0, |last| last.value());
        let id = LeaseId(last + 1);
        self.state.insert(tables::LAST_LEASE, id.0)?;
        self.lease_table.insert(id.0, ttl.as_millis() as u64)?;
        self.applied.granted.push((id, ttl));
        self.applied.changed = true;
        Ok(id)
    }

    /// Ends a lease and deletes its keys, as one revision of its own. Also one that the file does not
    /// have any more: an earlier commit may have ended it whose outcome was unknown.
    pub(super) fn end_lease(&mut self, lease: LeaseId) -> Result<(), redb::Error> {
        self.ended.insert(lease);
        if self.lease_table.remove(lease.0)?.is_some() {
            self.applied.changed = true;
        }
        let mut keys = Vec::new();
        for stored in self.lease_keys.range((lease.0, "")..(lease.0.saturating_add(1), ""))? {
            keys.push(stored?.0.value().1.to_owned());
        }
        let mut changes = Changes::default();
        for key in keys {
            self.delete(key, &mut changes)?;
        }
        self.push(changes);
        Ok(())
    }

    pub(super) fn txn(&mut self, txn: &Txn) -> Result<Result<TxnOutcome, StoreError>, redb::Error> {
        for (index, precondition) in txn.preconditions.iter().enumerate() {
            if !self.holds(precondition)? {
                return Ok(Ok(TxnOutcome::Conflict(Conflict { index })));
            }
        }
        for lease in txn.puts.iter().filter_map(|put| put.lease) {
            if self.ended.contains(&lease) || !self.live.contains(&lease) {
                return Ok(Err(StoreError::LeaseNotFound(lease)));
            }
        }
        let mut changes = Changes::default();
        for prefix in &txn.delete_prefixes {
            for key in tables::keys_below(&self.entries, prefix)? {
                self.delete(key, &mut changes)?;
            }
        }
        for key in &txn.deletes {
            self.delete(key.clone(), &mut changes)?;
        }
        let revision = Revision(self.applied.revision.raw() + 1);
        for put in &txn.puts {
            self.put(put, revision, &mut changes)?;
        }
        self.push(changes);
        Ok(Ok(TxnOutcome::Committed(Committed { revision: self.applied.revision })))
    }

    fn push(&mut self, Changes { any, events }: Changes) {
        if !any {
            return;
        }
        let revision = Revision(self.applied.revision.raw() + 1);
        (self.applied.revision, self.applied.changed) = (revision, true);
        if !events.is_empty() {
            self.applied.batches.push(EventBatch { revision, events });
        }
    }

    fn holds(&self, precondition: &Precondition) -> Result<bool, redb::Error> {
        Ok(match precondition {
            Precondition::Absent(key) => self.entries.get(key.as_str())?.is_none(),
            Precondition::Exists(key) => self.entries.get(key.as_str())?.is_some(),
            Precondition::At(key, revision) => self
                .entries
                .get(key.as_str())?
                .is_some_and(|stored| stored.value().1 == revision.raw()),
            Precondition::PrefixAbsent(prefix) => {
                match self.entries.range::<&str>(prefix.as_str()..)?.next() {
                    Some(first) => !first?.0.value().starts_with(prefix.as_str()),
                    None => true,
                }
            }
        })
    }

    fn put(
        &mut self,
        put: &Put,
        revision: Revision,
        changes: &mut Changes,
    ) -> Result<(), redb::Error> {
        let key = put.key.as_str();
        let lease = put.lease.map_or(0, |lease| lease.0);
        let old = self.entries.get(key)?.map(|stored| (stored.value().0, stored.value().2));
        let created = old.map_or(revision.raw(), |(created, _)| created);
        if let Some((_, old_lease)) =
            old.filter(|(_, old_lease)| *old_lease != 0 && *old_lease != lease)
        {
            self.lease_keys.remove((old_lease, key))?;
        }
        if lease != 0 {
            self.lease_keys.insert((lease, key), ())?;
        }
        self.entries.insert(key, (created, revision.raw(), lease, put.value.as_ref()))?;
        changes.any = true;
        if !(self.unwatched)(key) {
            // A copy: the caller's bytes may be a small part of a large buffer, and history keeps
            // this one.
            let value = Bytes::copy_from_slice(&put.value);
            let versioned = Versioned { value, revision };
            changes.events.push(Event::Put(Entry { key: key.to_owned(), versioned }));
        }
        Ok(())
    }

    fn delete(&mut self, key: String, changes: &mut Changes) -> Result<(), redb::Error> {
        let lease = self.entries.remove(key.as_str())?.map(|old| old.value().2);
        if let Some(lease) = lease {
            if lease != 0 {
                self.lease_keys.remove((lease, key.as_str()))?;
            }
            changes.any = true;
            if !(self.unwatched)(&key) {
                changes.events.push(Event::Delete { key });
            }
        }
        Ok(())
    }
}
