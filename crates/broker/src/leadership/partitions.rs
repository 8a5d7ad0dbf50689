//! The partitions that this broker leads now and that are open, and which of them are being opened
//! or handed over.
//!
//! They follow the metadata image: a partition whose leader is this life of the broker is open
//! here. [`super::reconcile`] opens and closes; requests look up through
//! [`super::resolve`].

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use milena_kafka_config::TopicConfig;
use milena_metadata::TopicImage;
use milena_storage::Partition;
use milena_types::{PartitionIndex, TopicId, TopicPartition};
use tokio::sync::watch;

use crate::topic_ref::TopicRef;

/// A partition that this broker leads.
#[derive(Clone)]
pub(crate) struct LeaderPartition {
    pub(crate) partition: Arc<Partition>,
    /// The topic's name.
    pub(crate) topic: Arc<str>,
    /// The topic's configuration in force.
    pub(crate) config: Arc<TopicConfig>,
}

/// A topic of which partitions are open.
struct OpenTopic {
    id: TopicId,
    name: Arc<str>,
    config: Arc<TopicConfig>,
    /// By number; none where another broker leads.
    partitions: Vec<Option<Arc<Partition>>>,
}

#[derive(Default)]
struct Tables {
    topics: HashMap<TopicId, OpenTopic>,
    ids: HashMap<Arc<str>, TopicId>,
    /// Partitions that are being handed over, still open or not any more.
    handing_over: HashSet<TopicPartition>,
    /// Partitions that are being opened: they are not handed over meanwhile.
    opening: HashSet<TopicPartition>,
    /// Topics of which partitions were being handed over, to be reconciled again.
    rechecks: HashSet<TopicId>,
}

/// The open partitions of this broker.
pub(crate) struct LedPartitions {
    tables: RwLock<Tables>,
    /// Changes whenever a partition was opened or a handoff has ended.
    changed: watch::Sender<()>,
}

impl Default for LedPartitions {
    fn default() -> Self {
        Self { tables: RwLock::default(), changed: watch::Sender::new(()) }
    }
}

impl LedPartitions {
    /// The partition, if it is open here.
    pub(crate) fn find(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Option<LeaderPartition> {
        let tables = self.read();
        let id = match topic {
            TopicRef::Name(name) => *tables.ids.get(name)?,
            TopicRef::Id(id) => id,
        };
        let topic = tables.topics.get(&id)?;
        let partition = topic.partitions.get(usize::try_from(partition.0).ok()?)?.clone()?;
        Some(LeaderPartition { partition, topic: topic.name.clone(), config: topic.config.clone() })
    }

    /// As [`LedPartitions::find`], without the topic.
    pub(crate) fn partition(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        self.find(TopicRef::Id(id.topic), id.partition).map(|found| found.partition)
    }

    /// How many partitions are open.
    pub(crate) fn len(&self) -> usize {
        let tables = self.read();
        tables.topics.values().map(|topic| topic.partitions.iter().flatten().count()).sum()
    }

    pub(crate) fn insert(
        &self,
        topic: &TopicImage,
        config: &Arc<TopicConfig>,
        partition: Arc<Partition>,
    ) {
        let mut tables = self.write();
        let TopicPartition { topic: id, partition: index } = partition.id();
        let Ok(place) = usize::try_from(index.0) else { return };
        let name: Arc<str> = topic.name().as_str().into();
        // A topic that was made again under its name is another topic: the name is the newer one's.
        tables.ids.insert(name.clone(), id);
        let slots = &mut tables
            .topics
            .entry(id)
            .or_insert_with(|| OpenTopic {
                id,
                name,
                config: config.clone(),
                partitions: Vec::new(),
            })
            .partitions;
        if slots.len() <= place {
            slots.resize(place + 1, None);
        }
        slots[place] = Some(partition);
        drop(tables);
        self.notify();
    }

    pub(crate) fn set_config(&self, topic: TopicId, config: Arc<TopicConfig>) {
        let mut tables = self.write();
        if let Some(topic) = tables.topics.get_mut(&topic) {
            topic.config = config;
        }
    }

    pub(crate) fn remove(&self, partition: TopicPartition) -> Option<Arc<Partition>> {
        let mut tables = self.write();
        let topic = tables.topics.get_mut(&partition.topic)?;
        let removed =
            topic.partitions.get_mut(usize::try_from(partition.partition.0).ok()?)?.take();
        if topic.partitions.iter().all(Option::is_none)
            && let Some(topic) = tables.topics.remove(&partition.topic)
            && tables.ids.get(&topic.name) == Some(&topic.id)
        {
            tables.ids.remove(&topic.name);
        }
        removed
    }

    /// Marks partitions as being handed over, until [`LedPartitions::end_handoff`]. Returns the
    /// partitions newly marked. Skips those marked already, and those being opened: an open that
    /// finished after the close would accept writes.
    pub(crate) fn begin_handoff(&self, partitions: &[TopicPartition]) -> HashSet<TopicPartition> {
        let mut tables = self.write();
        let Tables { handing_over, opening, .. } = &mut *tables;
        partitions
            .iter()
            .copied()
            .filter(|id| !opening.contains(id) && handing_over.insert(*id))
            .collect()
    }

    /// Marks a partition as being opened, until the guard is dropped. `None`: it is being handed
    /// over.
    pub(crate) fn begin_opening(&self, partition: TopicPartition) -> Option<OpeningGuard<'_>> {
        let mut tables = self.write();
        if tables.handing_over.contains(&partition) {
            return None;
        }
        tables.opening.insert(partition);
        Some(OpeningGuard { table: self, partition })
    }

    /// Ends the marks of a handoff, after any outcome. Their topics are reconciled again.
    pub(crate) fn end_handoff(&self, partitions: impl Iterator<Item = TopicPartition>) {
        let mut tables = self.write();
        for id in partitions {
            tables.handing_over.remove(&id);
            tables.rechecks.insert(id.topic);
        }
        drop(tables);
        self.notify();
    }

    /// Whether a partition is being handed over.
    pub(crate) fn is_handing_over(&self, partition: TopicPartition) -> bool {
        self.read().handing_over.contains(&partition)
    }

    /// Topics that have to be reconciled again although the image has not changed.
    pub(crate) fn take_rechecks(&self) -> HashSet<TopicId> {
        std::mem::take(&mut self.write().rechecks)
    }

    /// Changes when a partition was opened or a handoff has ended.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Wakes all waiters.
    pub(crate) fn notify(&self) {
        self.changed.send_replace(());
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().expect("no panic while the table is changed")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().expect("no panic while the table is changed")
    }
}

/// See [`LedPartitions::begin_opening`].
pub(crate) struct OpeningGuard<'a> {
    table: &'a LedPartitions,
    partition: TopicPartition,
}

impl Drop for OpeningGuard<'_> {
    fn drop(&mut self) {
        self.table.write().opening.remove(&self.partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_opened_or_handed_over_but_never_both() {
        let table = LedPartitions::default();
        let id = |index| TopicPartition {
            topic: TopicId(milena_protocol::Uuid::from_u128(1)),
            partition: PartitionIndex(index),
        };
        let opening = table.begin_opening(id(0)).expect("it is not being handed over");
        assert_eq!(table.begin_handoff(&[id(0), id(1)]), [id(1)].into());
        assert!(table.begin_opening(id(1)).is_none());
        drop(opening);
        assert_eq!(table.begin_handoff(&[id(0), id(1)]), [id(0)].into());
        table.end_handoff([id(0), id(1)].into_iter());
        assert!(table.begin_opening(id(1)).is_some());
    }
}
