//! The partitions that are open in one broker's storage.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use milena_types::TopicPartition;

use crate::partition::partition::Partition;

/// The open partitions of one broker, by id.
#[derive(Default)]
pub(crate) struct OpenPartitions(Mutex<HashMap<TopicPartition, Arc<Partition>>>);

impl OpenPartitions {
    pub(crate) fn get(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        self.lock().get(&id).cloned()
    }

    /// Each of the partitions that is open, in the order given. One lock for all.
    pub(crate) fn get_each(
        &self,
        ids: impl Iterator<Item = TopicPartition>,
    ) -> Vec<Option<Arc<Partition>>> {
        let open = self.lock();
        ids.map(|id| open.get(&id).cloned()).collect()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        self.lock().values().cloned().collect()
    }

    /// Adds a partition. Returns the one with its id that is open already, if any, and keeps that.
    pub(crate) fn insert(&self, partition: &Arc<Partition>) -> Result<(), Arc<Partition>> {
        let mut open = self.lock();
        if let Some(open) = open.get(&partition.id()) {
            return Err(open.clone());
        }
        open.insert(partition.id(), partition.clone());
        Ok(())
    }

    pub(crate) fn remove(&self, id: TopicPartition) {
        self.lock().remove(&id);
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TopicPartition, Arc<Partition>>> {
        self.0.lock().expect("no panic while partitions are listed")
    }
}
