//! Who leads. A leader epoch changes only in the leader's own transaction, or after its broker epoch is sealed.

use std::collections::{BTreeMap, HashMap};

use milena_types::{BrokerEpoch, BrokerId, Revision};

use crate::store::{Entry, Precondition, Txn, TxnOutcome};

use super::{
    ATTEMPTS_MAX, BrokerRecord, ClusterMetadata, MetadataError, PAGE, PartitionRecord, Registration, Seen,
    decode, value,
};

/// What a new life of a broker took over from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenLeadership {
    /// How many partitions it leads now that it led in an earlier life.
    pub partitions: usize,
    /// An image at this revision shows all of them.
    pub revision: Revision,
}

/// What was taken from a broker that is gone or gives up leading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovedLeaders {
    /// How many partitions have another leader now.
    pub partitions: usize,
    /// An image at this revision shows all of them.
    pub revision: Revision,
}

/// What is to become of a partition's record.
struct Change {
    key: String,
    seen: Revision,
    record: PartitionRecord,
}

impl ClusterMetadata {
    /// Begins a new term for every partition that an earlier life of this broker led: leader epoch + 1, with the
    /// broker epoch of this life. The earlier life's broker epoch is sealed by then (its log has been replayed).
    pub async fn take_leadership(
        &self,
        registration: &Registration,
    ) -> Result<TakenLeadership, MetadataError> {
        let guards = [Precondition::At(self.keys.broker(registration.broker), registration.revision)];
        let mut taken = TakenLeadership { partitions: 0, revision: registration.revision };
        for _ in 0..ATTEMPTS_MAX {
            let own = |record: &PartitionRecord| {
                record.leader == registration.broker && record.broker_epoch < registration.epoch
            };
            let changes = self.changes(own, |mut record| {
                record.broker_epoch = registration.epoch;
                record
            });
            let changes = changes.await?;
            if changes.is_empty() {
                return Ok(taken);
            }
            let applied = self.apply(&guards, changes).await?;
            taken.partitions += applied.partitions;
            taken.revision = taken.revision.max(applied.revision);
            if applied.guard_failed {
                return Err(registration.superseded());
            }
        }
        Err(MetadataError::Contended { key: self.keys.partitions() })
    }

    /// Gives the partitions that `from` led in lives up to `sealed` to others: to the replica that is alive and got
    /// the fewest so far, else to any live broker, which takes `from`'s place among the replicas.
    ///
    /// `guards` say why this is allowed: that the record which seals the epoch is there (failover), or that the
    /// broker which asks is `from` itself in that life (handoff). [`MetadataError::Superseded`] when one does not hold.
    pub async fn move_leaders(
        &self,
        from: BrokerId,
        sealed: BrokerEpoch,
        guards: &[Precondition],
    ) -> Result<MovedLeaders, MetadataError> {
        let mut moved = MovedLeaders { partitions: 0, revision: Revision(0) };
        for _ in 0..ATTEMPTS_MAX {
            let mut brokers = self.brokers().await?;
            brokers.retain(|id, _| *id != from);
            if brokers.is_empty() {
                let reason = format!("no broker is alive to take over from broker {from}");
                return Err(MetadataError::InvalidAssignment { reason });
            }
            let mut shares: HashMap<BrokerId, usize> = HashMap::new();
            let theirs = |record: &PartitionRecord| record.leader == from && record.broker_epoch <= sealed;
            let changes = self.changes(theirs, |record| hand_to(record, from, &brokers, &mut shares)).await?;
            if changes.is_empty() {
                return Ok(moved);
            }
            let alive = |(id, seen): (&BrokerId, &Seen<BrokerRecord>)| {
                Precondition::At(self.keys.broker(*id), seen.revision)
            };
            let all_guards: Vec<Precondition> =
                guards.iter().cloned().chain(brokers.iter().map(alive)).collect();
            let applied = self.apply(&all_guards, changes).await?;
            moved.partitions += applied.partitions;
            moved.revision = moved.revision.max(applied.revision);
            if applied.guard_failed && !self.hold(guards).await? {
                return Err(MetadataError::Superseded { broker: from, epoch: sealed });
            }
        }
        Err(MetadataError::Contended { key: self.keys.partitions() })
    }

    async fn hold(&self, guards: &[Precondition]) -> Result<bool, MetadataError> {
        let txn = Txn { preconditions: guards.to_vec(), ..Txn::default() };
        Ok(self.store.txn(txn).await?.committed().is_some())
    }

    /// New records, one term later, for all partitions that `select` picks.
    async fn changes(
        &self,
        select: impl Fn(&PartitionRecord) -> bool + Send,
        mut change: impl FnMut(PartitionRecord) -> PartitionRecord + Send,
    ) -> Result<Vec<Change>, MetadataError> {
        let prefix = self.keys.partitions();
        let mut changes = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.range(&prefix, after.as_deref(), PAGE).await?;
            after = page.entries.last().map(|entry| entry.key.clone());
            for Entry { key, versioned } in page.entries {
                let record: PartitionRecord = decode(&key, &versioned.value)?;
                if select(&record) {
                    let mut record = change(record);
                    record.leader_epoch = record.leader_epoch.next();
                    record.partition_epoch += 1;
                    changes.push(Change { key, seen: versioned.revision, record });
                }
            }
            if !page.more {
                return Ok(changes);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Applies as many changes a transaction as it takes. A chunk that meets a partition which changed meanwhile is
    /// left for the next round.
    async fn apply(&self, guards: &[Precondition], changes: Vec<Change>) -> Result<Applied, MetadataError> {
        let chunk_len = self.store.limits().ops.saturating_sub(guards.len()).max(1);
        let mut applied = Applied::default();
        for chunk in changes.chunks(chunk_len) {
            let mut txn = Txn { preconditions: guards.to_vec(), ..Txn::default() };
            for change in chunk {
                txn = txn.at(&change.key, change.seen).put(&change.key, value(&change.record));
            }
            match self.store.txn(txn).await? {
                TxnOutcome::Committed(c) => {
                    applied.partitions += chunk.len();
                    applied.revision = c.revision;
                }
                TxnOutcome::Conflict(conflict) if conflict.index < guards.len() => {
                    applied.guard_failed = true;
                    return Ok(applied);
                }
                TxnOutcome::Conflict(_) => {}
            }
        }
        Ok(applied)
    }
}

#[derive(Default)]
struct Applied {
    partitions: usize,
    revision: Revision,
    guard_failed: bool,
}

fn hand_to(
    mut record: PartitionRecord,
    from: BrokerId,
    brokers: &BTreeMap<BrokerId, Seen<BrokerRecord>>,
    shares: &mut HashMap<BrokerId, usize>,
) -> PartitionRecord {
    let share = |id: &BrokerId| shares.get(id).copied().unwrap_or(0);
    let replica = record.replicas.iter().filter(|id| brokers.contains_key(id)).min_by_key(|id| share(id));
    let leader = match replica {
        Some(replica) => *replica,
        None => {
            let any = *brokers.keys().min_by_key(|id| share(id)).expect("some broker lives");
            match record.replicas.iter_mut().find(|id| **id == from) {
                Some(place) => *place = any,
                None => record.replicas.insert(0, any),
            }
            any
        }
    };
    *shares.entry(leader).or_default() += 1;
    record.leader = leader;
    record.broker_epoch = brokers[&leader].record.epoch;
    record
}
