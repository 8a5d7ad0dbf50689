//! The partitions that are open in one broker's storage, or are being opened.
//!
//! Invariant: a flush that is committed here reaches every partition that has records in it: one that
//! is open at once, one that is being opened when that is done.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use milena_types::TopicPartition;

use crate::{catalog::manifest::UnfoldedFlush, partition::partition::Partition};

/// The open partitions of one broker, by id.
#[derive(Default)]
pub(crate) struct OpenPartitions(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    open: HashMap<TopicPartition, Arc<Partition>>,
    /// The flushes committed since each opening began, by its number. A partition may be opened twice
    /// at the same time.
    opening: HashMap<TopicPartition, Vec<(u64, Vec<UnfoldedFlush>)>>,
    openings: u64,
}

impl OpenPartitions {
    pub(crate) fn get(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        self.lock().open.get(&id).cloned()
    }

    /// Each of the partitions that is open, in the order given. One lock for all.
    pub(crate) fn get_each(
        &self,
        ids: impl Iterator<Item = TopicPartition>,
    ) -> Vec<Option<Arc<Partition>>> {
        let registry = self.lock();
        ids.map(|id| registry.open.get(&id).cloned()).collect()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        self.lock().open.values().cloned().collect()
    }

    /// Begins to open a partition: before anything of it is read.
    pub(crate) fn begin_opening(&self, id: TopicPartition) -> Opening<'_> {
        let mut registry = self.lock();
        registry.openings += 1;
        let number = registry.openings;
        registry.opening.entry(id).or_default().push((number, Vec::new()));
        Opening { partitions: self, id, number }
    }

    /// Flushes that were committed. Returns the open partitions among theirs.
    pub(crate) fn flushed(
        &self,
        flushes: Vec<(TopicPartition, UnfoldedFlush)>,
    ) -> Vec<Arc<Partition>> {
        let mut open = Vec::with_capacity(flushes.len());
        {
            let mut registry = self.lock();
            for (id, flush) in flushes {
                for (_, missed) in registry.opening.get_mut(&id).into_iter().flatten() {
                    missed.push(flush.clone());
                }
                if let Some(partition) = registry.open.get(&id) {
                    open.push((partition.clone(), flush));
                }
            }
        }
        let apply = |(partition, flush): (Arc<Partition>, UnfoldedFlush)| {
            partition.flushed(flush);
            partition
        };
        open.into_iter().map(apply).collect()
    }

    pub(crate) fn remove(&self, id: TopicPartition) {
        self.lock().open.remove(&id);
    }

    pub(crate) fn clear(&self) {
        self.lock().open.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().expect("no panic while partitions are listed")
    }
}

/// A partition that is being opened, until this is dropped.
pub(crate) struct Opening<'a> {
    partitions: &'a OpenPartitions,
    id: TopicPartition,
    number: u64,
}

impl Opening<'_> {
    /// Adds the partition, with the flushes it has missed. Returns the one with its id that is open
    /// already, if any, and keeps that.
    pub(crate) fn finish(self, partition: &Arc<Partition>) -> Result<(), Arc<Partition>> {
        loop {
            let missed = {
                let mut registry = self.partitions.lock();
                if let Some(open) = registry.open.get(&self.id) {
                    return Err(open.clone());
                }
                let missed = registry.missed(self.id, self.number);
                if missed.is_empty() {
                    registry.open.insert(self.id, partition.clone());
                    return Ok(());
                }
                missed
            };
            missed.into_iter().for_each(|flush| partition.flushed(flush));
            partition.lock().drop_sealed();
        }
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut registry = self.partitions.lock();
        if let Some(openings) = registry.opening.get_mut(&self.id) {
            openings.retain(|(number, _)| *number != self.number);
            if openings.is_empty() {
                registry.opening.remove(&self.id);
            }
        }
    }
}

impl Registry {
    /// The flushes that an opening has missed since this was asked last.
    fn missed(&mut self, id: TopicPartition, number: u64) -> Vec<UnfoldedFlush> {
        let mut openings = self.opening.get_mut(&id).into_iter().flatten();
        let ours = openings.find(|(known, _)| *known == number);
        ours.map(|(_, missed)| std::mem::take(missed)).unwrap_or_default()
    }
}
