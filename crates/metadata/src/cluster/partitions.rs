//! Changes of partitions' records other than of their leaders, and how a record changes when its
//! partition gets another leader.
//!
//! A reassignment (KIP-455) copies nothing here: it is over as soon as one of the new replicas
//! leads. Until then the record has the new replicas, behind them those to be removed, and the
//! wanted leader.

use milena_store::{PackedTxn, Precondition, Txn, TxnOutcome, TxnPacker, Versioned};
use milena_types::{BrokerEpoch, BrokerId, Revision, TopicPartition};

use super::{
    ClusterMetadata, MetadataError, MetadataKey, PartitionRecord, REPLICAS_MAX, Reassignment, value,
};

/// A partition's new record. Leader and leader epoch do not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionChange {
    pub partition: TopicPartition,
    /// Its record, with the partition epoch that the change was decided on.
    pub record: PartitionRecord,
}

/// The partitions that were changed; the others had changed meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedChanges {
    pub partitions: Vec<TopicPartition>,
    /// An image at this revision shows all of them.
    pub revision: Revision,
}

impl PartitionRecord {
    /// The replicas once the reassignment is over.
    pub fn replicas_to_stay(&self) -> Vec<BrokerId> {
        let goes = |id: &BrokerId| {
            self.reassignment.as_ref().is_some_and(|under_way| under_way.removing.contains(id))
        };
        self.replicas.iter().copied().filter(|id| !goes(id)).collect()
    }

    /// Changes the replicas: at once if the leader is one of the new ones, else once the leader has
    /// handed over to the first of them that `can_lead`.
    pub fn reassign(&mut self, to: Vec<BrokerId>, can_lead: impl Fn(BrokerId) -> bool) {
        let before = self.replicas_before();
        self.original_replicas = None;
        if to.contains(&self.leader) {
            self.wanted_leader = self.wanted_leader.filter(|wanted| to.contains(wanted));
            self.replicas = to;
            self.reassignment = None;
            return;
        }
        let adding = to.iter().copied().filter(|id| !before.contains(id)).collect();
        let removing: Vec<BrokerId> = before.into_iter().filter(|id| !to.contains(id)).collect();
        self.wanted_leader = to.iter().copied().find(|id| can_lead(*id));
        self.replicas = to;
        self.replicas.extend(&removing);
        self.reassignment = Some(Reassignment { adding, removing });
    }

    /// Goes back to the replicas before the reassignment.
    pub fn cancel_reassignment(&mut self) {
        self.replicas = self.replicas_before();
        self.reassignment = None;
        self.wanted_leader = self.wanted_leader.filter(|wanted| self.replicas.contains(wanted));
    }

    fn replicas_before(&self) -> Vec<BrokerId> {
        let came = |id: &BrokerId| {
            self.reassignment.as_ref().is_some_and(|under_way| under_way.adding.contains(id))
        };
        self.replicas.iter().copied().filter(|id| !came(id)).collect()
    }

    /// Makes a broker the leader, in the life given. If it is no replica it takes the place of the
    /// former leader, until one of the original replicas lives again.
    pub(super) fn set_leader(&mut self, leader: BrokerId, life: BrokerEpoch) {
        let stay = self.replicas_to_stay();
        if !self.replicas.contains(&leader) {
            self.original_replicas.get_or_insert_with(|| stay.clone());
            self.reassignment = None;
            self.replicas = stay;
            match self.replicas.iter_mut().find(|id| **id == self.leader) {
                Some(place) => *place = leader,
                None => self.replicas.insert(0, leader),
            }
        } else if stay.contains(&leader) {
            self.replicas = stay;
            self.reassignment = None;
        }
        (self.leader, self.broker_epoch, self.wanted_leader) = (leader, life, None);
    }
}

impl ClusterMetadata {
    /// Writes records that were decided on images, if `guards` hold; one whose partition has
    /// changed meanwhile, or that names a broker which is being removed, is left out. Not one transaction: each partition's change is correct
    /// alone.
    ///
    /// # Errors
    /// [`MetadataError::Outdated`] when a guard does not hold; [`MetadataError::InvalidAssignment`]
    /// when a partition would get too many replicas.
    pub async fn change_partitions(
        &self,
        guards: &[Precondition],
        changes: &[PartitionChange],
    ) -> Result<AppliedChanges, MetadataError> {
        let nodes = self.nodes().await?;
        let base = Txn { preconditions: guards.to_vec(), ..Txn::default() };
        let mut packer = TxnPacker::new(self.store.limits(), base);
        let mut applied = AppliedChanges::default();
        for PartitionChange { partition, record } in changes {
            let Some(now) = self.partition(partition.topic, partition.partition).await? else {
                continue;
            };
            let Versioned { value: now, revision } = now;
            if now.partition_epoch != record.partition_epoch {
                continue;
            }
            let term = |record: &PartitionRecord| {
                (record.leader, record.leader_epoch, record.broker_epoch)
            };
            assert_eq!(term(&now), term(record), "only leaders change who leads");
            let new = record.replicas.iter().filter(|id| !now.replicas.contains(id));
            let new: Vec<BrokerId> = new.copied().collect();
            let may_have = |id: &BrokerId| nodes.get(id).is_some_and(|n| !n.value.dismissed);
            if !new.iter().all(may_have) {
                continue;
            }
            if !new.is_empty() && record.replicas_to_stay().len() > REPLICAS_MAX {
                let reason = format!("a partition has at most {REPLICAS_MAX} replicas");
                return Err(MetadataError::InvalidAssignment { reason });
            }
            let record =
                PartitionRecord { partition_epoch: now.partition_epoch + 1, ..record.clone() };
            let key = self.key(MetadataKey::Partition(partition.topic, partition.partition));
            let mut part = Txn::new().at(&key, revision).put(&key, value(&record));
            part.preconditions.extend(self.members(&nodes, new));
            if let Some(full) = packer.push(part, *partition) {
                self.change_some(guards, full, &mut applied).await?;
            }
        }
        if let Some(full) = packer.finish() {
            self.change_some(guards, full, &mut applied).await?;
        }
        Ok(applied)
    }

    /// One transaction of [`ClusterMetadata::change_partitions`].
    async fn change_some(
        &self,
        guards: &[Precondition],
        PackedTxn { txn, items }: PackedTxn<TopicPartition>,
        applied: &mut AppliedChanges,
    ) -> Result<(), MetadataError> {
        match self.commit(txn).await? {
            TxnOutcome::Committed(c) => {
                applied.partitions.extend(items);
                applied.revision = c.revision;
                Ok(())
            }
            TxnOutcome::Conflict(conflict) if conflict.index < guards.len() => {
                Err(MetadataError::Outdated)
            }
            TxnOutcome::Conflict(_) => Ok(()),
        }
    }
}
