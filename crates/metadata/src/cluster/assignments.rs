//! How many partitions each broker leads and is a replica of.

use std::collections::BTreeMap;

use milena_store::Pages;
use milena_types::BrokerId;

use super::{ClusterMetadata, MetadataError, MetadataKey, PartitionRecord, decode};

/// The partitions of all brokers, read page by page: not one state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerAssignments {
    /// Without the brokers that have none.
    pub brokers: BTreeMap<BrokerId, AssignedPartitions>,
    /// The most replicas that a partition has, without those that a reassignment is about to
    /// remove.
    pub replicas_max: usize,
    /// Partitions whose leader, in the life it was made leader in, is not registered.
    pub leaderless: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssignedPartitions {
    pub leaders: usize,
    /// Partitions it is a replica of.
    pub replicas: usize,
}

impl BrokerAssignments {
    /// Whether a broker leads something or is a replica of it.
    pub fn holds(&self, broker: BrokerId) -> bool {
        self.brokers.contains_key(&broker)
    }

    fn add(&mut self, record: &PartitionRecord, leads: bool) {
        self.brokers.entry(record.leader).or_default().leaders += 1;
        for replica in &record.replicas {
            self.brokers.entry(*replica).or_default().replicas += 1;
        }
        let removing = record.reassignment.as_ref().map_or(0, |moving| moving.removing.len());
        self.replicas_max = self.replicas_max.max(record.replicas.len().saturating_sub(removing));
        self.leaderless += usize::from(!leads);
    }
}

impl ClusterMetadata {
    /// Counts in a walk over all partitions.
    pub async fn broker_assignments(&self) -> Result<BrokerAssignments, MetadataError> {
        let alive = self.brokers().await?;
        let prefix = self.below(MetadataKey::PARTITIONS);
        let mut assignments = BrokerAssignments::default();
        let mut pages = Pages::new(&*self.store, &prefix);
        while let Some(page) = pages.next().await? {
            for entry in &page.entries {
                let record: PartitionRecord = decode(&entry.key, &entry.versioned.value)?;
                let leader = alive.get(&record.leader);
                assignments.add(
                    &record,
                    leader.is_some_and(|seen| seen.value.epoch == record.broker_epoch),
                );
            }
        }
        Ok(assignments)
    }
}
