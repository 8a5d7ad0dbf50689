//! Changes of leaders. A leader epoch changes only in the leader's own transaction, or after its
//! broker epoch is sealed.
//!
//! A partition's record lists the lives whose logs may have records of it that are not in its manifest
//! (`unfolded`). Each change adds the life that ends, and leaves out those that are done. Whoever opens
//! the partition reads no other log, so a life that is missing is a loss.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use milena_store::{
    Entry, PackedTxn, Pages, Precondition, StoreError, Txn, TxnOutcome, TxnPacker, Versioned,
};
use milena_types::{BrokerEpoch, BrokerId, Revision, TopicPartition};

use super::{
    AT_ONCE_MAX, ATTEMPTS_MAX, AppliedChanges, BrokerLife, BrokerRecord, ClusterMetadata,
    MetadataError, MetadataKey, NodeRecord, PartitionRecord, Registration, ServingRecord, decode,
    value,
};

/// The partitions that a new life of a broker took over from earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenLeadership {
    pub partitions: usize,
    /// An image at this revision shows all of them.
    pub revision: Revision,
}

/// The outcome of [`ClusterMetadata::move_leaders`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovedLeaders {
    pub partitions: usize,
    /// An image at this revision shows all of them.
    pub revision: Revision,
}

/// The lives of brokers, as storage has them. They are read before the records of the partitions that are
/// changed: a life that is done stays so, and one that begins later is not taken for done.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    /// Those with chunks that are not in segments, with flushes that are not folded, or of which an
    /// accepted loss took something.
    pub unfolded: BTreeSet<BrokerLife>,
    /// The newest life of each broker that has ended with all its chunks in segments.
    pub retired: BTreeMap<BrokerId, BrokerEpoch>,
}

impl Lives {
    /// Whether everything that the life wrote is in manifests.
    fn is_done(&self, life: BrokerLife) -> bool {
        let (broker, epoch) = life;
        // One that is in neither list has perhaps only begun since.
        let is_retired = self.retired.get(&broker).is_some_and(|newest| epoch <= *newest);
        is_retired && !self.unfolded.contains(&life)
    }
}

/// A partition that its leader gives to another broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    pub partition: TopicPartition,
    pub to: BrokerId,
    /// Its manifest has all its records.
    pub folded: bool,
}

/// A new record of a partition, decided on the one `seen`.
struct Change {
    key: String,
    seen: Revision,
    record: PartitionRecord,
}

impl ClusterMetadata {
    /// Begins a new term for every partition that an earlier life of this broker led: the next
    /// leader epoch, with the broker epoch of this life. The earlier life's broker epoch is sealed
    /// by then (its log has been replayed).
    pub async fn take_leadership(
        &self,
        registration: &Registration,
        lives: &Lives,
    ) -> Result<TakenLeadership, MetadataError> {
        let guards = [Precondition::At(
            self.key(MetadataKey::Broker(registration.broker)),
            registration.revision,
        )];
        let mut taken = TakenLeadership { partitions: 0, revision: registration.revision };
        for _ in 0..ATTEMPTS_MAX {
            let own = |record: &PartitionRecord| {
                record.leader == registration.broker && record.broker_epoch < registration.epoch
            };
            let changes = self.changes(own, |mut record| {
                record.end_life(lives);
                record.broker_epoch = registration.epoch;
                record
            });
            let changes = changes.await?;
            if changes.is_empty() {
                return Ok(taken);
            }
            let applied = self.apply(&guards, changes, |_| None).await?;
            taken.partitions += applied.partitions;
            taken.revision = taken.revision.max(applied.revision);
            if applied.guard_failed {
                return Err(registration.superseded());
            }
        }
        Err(MetadataError::Contended { key: self.below(MetadataKey::PARTITIONS) })
    }

    /// Moves the partitions that `from` led in lives up to `sealed` to others: to the wanted
    /// leader, else to the live replica that got the fewest so far, else to any live broker, which
    /// stands in for `from` among the replicas. Brokers that accept clients come before others,
    /// those that are about to leave come last.
    ///
    /// `guards` are why this is allowed: that the record which seals the epoch is there.
    ///
    /// # Errors
    /// [`MetadataError::Outdated`] when a guard does not hold.
    pub async fn move_leaders(
        &self,
        from: BrokerId,
        sealed: BrokerEpoch,
        lives: &Lives,
        guards: &[Precondition],
    ) -> Result<MovedLeaders, MetadataError> {
        let mut moved = MovedLeaders { partitions: 0, revision: Revision(0) };
        for _ in 0..ATTEMPTS_MAX {
            let mut candidates = self.takeover_candidates(from).await?;
            let led_by_from =
                |record: &PartitionRecord| record.leader == from && record.broker_epoch <= sealed;
            let changes = self.changes(led_by_from, |mut record| {
                let (leader, life) = candidates.choose(&record);
                record.end_life(lives);
                record.set_leader(leader, life);
                record
            });
            let changes = changes.await?;
            if changes.is_empty() {
                return Ok(moved);
            }
            let lives = |record: &PartitionRecord| {
                let seen = candidates.brokers.get(&record.leader)?;
                Some(self.alive(record.leader, seen))
            };
            let applied = self.apply(guards, changes, lives).await?;
            moved.partitions += applied.partitions;
            moved.revision = moved.revision.max(applied.revision);
            if applied.guard_failed && !self.guards_hold(guards).await? {
                return Err(MetadataError::Outdated);
            }
        }
        Err(MetadataError::Contended { key: self.below(MetadataKey::PARTITIONS) })
    }

    async fn takeover_candidates(
        &self,
        from: BrokerId,
    ) -> Result<TakeoverCandidates, MetadataError> {
        let mut brokers = self.brokers().await?;
        let nodes: BTreeMap<BrokerId, Versioned<NodeRecord>> = self.nodes().await?;
        brokers.retain(|id, _| *id != from);
        let dismissed = |id: &BrokerId| nodes.get(id).is_some_and(|seen| seen.value.dismissed);
        if !brokers.keys().all(dismissed) {
            brokers.retain(|id, _| !dismissed(id));
        }
        if brokers.is_empty() {
            let reason = format!("no broker is alive to take over from broker {from}");
            return Err(MetadataError::InvalidAssignment { reason });
        }
        let serving: BTreeMap<BrokerId, Versioned<ServingRecord>> =
            self.by_broker(MetadataKey::SERVING).await?;
        let rank = |id: &BrokerId, life: BrokerEpoch| {
            let serves = serving.get(id).is_some_and(|seen| seen.value.epoch == life);
            let leaves = nodes.get(id).is_some_and(|seen| seen.value.draining);
            (!serves, leaves)
        };
        let ranks = brokers.iter().map(|(id, seen)| (*id, rank(id, seen.value.epoch))).collect();
        Ok(TakeoverCandidates { brokers, ranks, assigned: HashMap::new() })
    }

    /// Gives partitions that this life of a broker leads to others, each to the broker beside it:
    /// the leader's own transaction. The partitions are closed and flushed by then. Skips those
    /// that it does not lead, and those for a broker that is not alive. An image at the revision
    /// returned shows who leads each of them.
    ///
    /// # Errors
    /// [`MetadataError::Superseded`] when the registration has ended. After any error some may have
    /// been given away: read the records before leading them here.
    pub async fn hand_over(
        &self,
        registration: &Registration,
        lives: &Lives,
        moves: &[Handover],
    ) -> Result<AppliedChanges, MetadataError> {
        let mut applied = AppliedChanges::default();
        let own = self.key(MetadataKey::Broker(registration.broker));
        let base = Txn::new().at(own, registration.revision);
        let mut remaining: Vec<Handover> = moves.to_vec();
        for _ in 0..ATTEMPTS_MAX {
            let brokers = self.brokers().await?;
            let mut packer = TxnPacker::new(self.store.limits(), base.clone());
            let mut again = Vec::new();
            for handover in std::mem::take(&mut remaining) {
                let Handover { partition, to, folded } = handover;
                let seen = self.partition(partition.topic, partition.partition).await?;
                let Some(Versioned { value: mut record, revision }) = seen else { continue };
                applied.revision = applied.revision.max(revision);
                let leads = record.leader == registration.broker
                    && record.broker_epoch == registration.epoch;
                let target = brokers.get(&to).filter(|_| leads && to != registration.broker);
                let Some(target) = target else { continue };
                record.end_life(lives);
                if folded {
                    record.unfolded = Some(Vec::new());
                }
                record.set_leader(to, target.value.epoch);
                record.next_term();
                let key = self.key(MetadataKey::Partition(partition.topic, partition.partition));
                let mut part = Txn::new().at(&key, revision).put(&key, value(&record));
                part.preconditions.push(self.alive(to, target));
                if let Some(full) = packer.push(part, handover) {
                    again.extend(self.hand_over_some(registration, full, &mut applied).await?);
                }
            }
            if let Some(full) = packer.finish() {
                again.extend(self.hand_over_some(registration, full, &mut applied).await?);
            }
            if again.is_empty() {
                return Ok(applied);
            }
            remaining = again;
        }
        Err(MetadataError::Contended { key: self.below(MetadataKey::PARTITIONS) })
    }

    /// One transaction of [`ClusterMetadata::hand_over`]. Returns what is to be decided again.
    async fn hand_over_some(
        &self,
        registration: &Registration,
        PackedTxn { txn, items }: PackedTxn<Handover>,
        applied: &mut AppliedChanges,
    ) -> Result<Vec<Handover>, MetadataError> {
        match self.commit(txn).await {
            Ok(TxnOutcome::Committed(c)) => {
                applied.partitions.extend(items.iter().map(|handover| handover.partition));
                applied.revision = applied.revision.max(c.revision);
                Ok(Vec::new())
            }
            Ok(TxnOutcome::Conflict(conflict)) if conflict.index == 0 => {
                Err(registration.superseded())
            }
            Ok(TxnOutcome::Conflict(_)) => Ok(items),
            // It is certain that they stay here, and would be the next time.
            Err(StoreError::Invalid(_)) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn alive(&self, broker: BrokerId, seen: &Versioned<BrokerRecord>) -> Precondition {
        Precondition::At(self.key(MetadataKey::Broker(broker)), seen.revision)
    }

    async fn guards_hold(&self, guards: &[Precondition]) -> Result<bool, MetadataError> {
        let txn = Txn { preconditions: guards.to_vec(), ..Txn::default() };
        Ok(self.commit(txn).await?.committed().is_some())
    }

    /// New records, one term later, for all partitions that `select` picks.
    async fn changes(
        &self,
        select: impl Fn(&PartitionRecord) -> bool + Send,
        mut change: impl FnMut(PartitionRecord) -> PartitionRecord + Send,
    ) -> Result<Vec<Change>, MetadataError> {
        let prefix = self.below(MetadataKey::PARTITIONS);
        let mut changes = Vec::new();
        let mut pages = Pages::new(&*self.store, &prefix);
        while let Some(page) = pages.next().await? {
            for Entry { key, versioned } in page.entries {
                let record: PartitionRecord = decode(&key, &versioned.value)?;
                if select(&record) {
                    let mut record = change(record);
                    record.next_term();
                    changes.push(Change { key, seen: versioned.revision, record });
                }
            }
        }
        Ok(changes)
    }

    /// Applies the changes, each if `guards` and what it `requires` hold, in as few transactions as
    /// the store's limits allow. Skips those of a transaction with a partition that changed
    /// meanwhile.
    async fn apply(
        &self,
        guards: &[Precondition],
        changes: Vec<Change>,
        requires: impl Fn(&PartitionRecord) -> Option<Precondition> + Send,
    ) -> Result<ApplyOutcome, MetadataError> {
        let base = Txn { preconditions: guards.to_vec(), ..Txn::default() };
        let mut packer = TxnPacker::new(self.store.limits(), base);
        let mut packed = Vec::new();
        for Change { key, seen, record } in changes {
            let mut part = Txn::new().at(&key, seen).put(&key, value(&record));
            part.preconditions.extend(requires(&record));
            packed.extend(packer.push(part, ()));
        }
        packed.extend(packer.finish());
        let mut outcomes = stream::iter(packed)
            .map(|PackedTxn { txn, items }| async move {
                self.commit(txn).await.map(|outcome| (outcome, items.len()))
            })
            .buffer_unordered(AT_ONCE_MAX);
        let mut applied = ApplyOutcome::default();
        while let Some(outcome) = outcomes.next().await {
            match outcome? {
                (TxnOutcome::Committed(c), partitions) => {
                    applied.partitions += partitions;
                    applied.revision = applied.revision.max(c.revision);
                }
                (TxnOutcome::Conflict(conflict), _) => {
                    applied.guard_failed |= conflict.index < guards.len();
                }
            }
        }
        Ok(applied)
    }
}

#[derive(Default)]
struct ApplyOutcome {
    partitions: usize,
    revision: Revision,
    guard_failed: bool,
}

impl PartitionRecord {
    /// The leader's life ends: its log may have records that the manifest has not.
    fn end_life(&mut self, lives: &Lives) {
        let life = (self.leader, self.broker_epoch);
        let all = || lives.unfolded.iter().copied().collect();
        let mut unfolded: Vec<BrokerLife> = self.unfolded.take().unwrap_or_else(all);
        if !unfolded.contains(&life) {
            unfolded.push(life);
        }
        unfolded.retain(|life| !lives.is_done(*life));
        self.unfolded = Some(unfolded);
    }

    fn next_term(&mut self) {
        self.leader_epoch = self.leader_epoch.next();
        self.partition_epoch += 1;
    }
}

/// The brokers that may take over.
struct TakeoverCandidates {
    brokers: BTreeMap<BrokerId, Versioned<BrokerRecord>>,
    /// Lower is better: (does not accept clients, is about to leave).
    ranks: HashMap<BrokerId, (bool, bool)>,
    /// How many partitions each got so far.
    assigned: HashMap<BrokerId, usize>,
}

impl TakeoverCandidates {
    fn choose(&mut self, record: &PartitionRecord) -> (BrokerId, BrokerEpoch) {
        let cost = |id: &BrokerId| (self.ranks[id], self.assigned.get(id).copied().unwrap_or(0));
        let wanted =
            record.wanted_leader.filter(|id| self.brokers.contains_key(id) && !self.ranks[id].0);
        let best = |ids: Vec<BrokerId>| {
            ids.into_iter().filter(|id| self.brokers.contains_key(id)).min_by_key(|id| cost(id))
        };
        let leader = wanted
            .or_else(|| best(record.replicas_to_stay()))
            .or_else(|| best(record.replicas.clone()))
            .or_else(|| best(self.brokers.keys().copied().collect()))
            .expect("some broker lives");
        *self.assigned.entry(leader).or_default() += 1;
        (leader, self.brokers[&leader].value.epoch)
    }
}
