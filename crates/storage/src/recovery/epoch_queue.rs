//! The sealed epochs of one broker: it flushes those it is the *flusher* of (per the catalog),
//! and *pins* the others: its partitions read their runs until segments have them.
//!
//! Invariant: a partition here that has runs of an epoch of which it may have missed a flush has
//! pinned it. A pin ends when the partition has read the flush records once more, after this broker
//! became the flusher or after all of the epoch was in segments. One that is queued and pinned has
//! changed its flusher.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use milena_types::{ChunkSeq, TopicPartition};

use crate::{
    catalog::records::LogId,
    chunk::tail::{FlushMax, TailChunk, oldest},
    recovery::epoch_chunks::EpochChunks,
};

/// An epoch this broker flushes.
#[derive(Debug)]
pub(crate) struct QueuedEpoch {
    pub(crate) log: LogId,
    /// `None` once all of them are in segments.
    pub(crate) chunks: Option<Arc<EpochChunks>>,
    /// The first chunk that is not in segments.
    pub(crate) floor_end: ChunkSeq,
    pub(crate) tail_end: ChunkSeq,
    /// Whether the append budget is charged for it: own epochs only. The memory of others' was
    /// theirs.
    pub(crate) charged: bool,
    pub(crate) since: Duration,
}

impl QueuedEpoch {
    /// The oldest unflushed chunks, about as many as one flush takes, at least one.
    pub(crate) fn oldest(&self, max: FlushMax) -> Vec<Arc<TailChunk>> {
        oldest(self.unflushed().iter(), max)
    }

    fn unflushed(&self) -> &[Arc<TailChunk>] {
        self.chunks.as_ref().map_or(&[], |chunks| chunks.from(self.floor_end))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.unflushed().iter().map(|chunk| chunk.charged).sum()
    }
}

/// An epoch that partitions here have runs of, and of which another broker may have flushed some.
#[derive(Debug)]
pub(crate) struct PinnedEpoch {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "held, so that all brokers of the process share one copy")
    )]
    pub(crate) chunks: Arc<EpochChunks>,
    /// Each with the number of its newest pin: one that was closed may have been opened again.
    pub(crate) partitions: BTreeMap<TopicPartition, u64>,
}

/// The sealed epochs of one broker.
#[derive(Debug, Default)]
pub(crate) struct EpochQueue {
    pub(crate) queue: Vec<QueuedEpoch>,
    /// Epochs that this broker is to flush and that a task is loading.
    pub(crate) loading: BTreeSet<LogId>,
    pub(crate) pinned: BTreeMap<LogId, PinnedEpoch>,
    /// How many pins there were.
    pins: u64,
    /// The catalog could not be followed: look again soon.
    pub(crate) unsettled: bool,
}

impl EpochQueue {
    pub(crate) fn is_queued(&self, log: LogId) -> bool {
        self.queue.iter().any(|queued| queued.log == log)
    }

    pub(crate) fn queued_mut(&mut self, log: LogId) -> Option<&mut QueuedEpoch> {
        self.queue.iter_mut().find(|queued| queued.log == log)
    }

    /// Notes that a partition here has runs of an epoch, and may have missed a flush of it.
    pub(crate) fn pin_epoch(&mut self, chunks: &Arc<EpochChunks>, partition: TopicPartition) {
        let pinned = self
            .pinned
            .entry(chunks.log)
            .or_insert_with(|| PinnedEpoch { chunks: chunks.clone(), partitions: BTreeMap::new() });
        self.pins += 1;
        pinned.partitions.insert(partition, self.pins);
    }

    /// The pins of an epoch but those in `known`.
    pub(crate) fn pinned_since(
        &self,
        log: LogId,
        known: &BTreeMap<TopicPartition, u64>,
    ) -> BTreeMap<TopicPartition, u64> {
        let pins = self.pinned.get(&log).into_iter().flat_map(|epoch| &epoch.partitions);
        let new = pins.filter(|(id, pin)| known.get(id) != Some(pin));
        new.map(|(id, pin)| (*id, *pin)).collect()
    }
}

#[cfg(test)]
mod tests {
    use milena_types::{BrokerEpoch, BrokerId};

    use super::*;
    use crate::testing::id;

    #[test]
    fn a_partition_that_pins_an_epoch_again_is_not_the_one_that_was_reloaded() {
        let mut queue = EpochQueue::default();
        let log = LogId { broker: BrokerId(1), epoch: BrokerEpoch(2) };
        let chunks = Arc::new(EpochChunks::new(log, ChunkSeq(0), Vec::new()));
        queue.pin_epoch(&chunks, id(0));
        queue.pin_epoch(&chunks, id(1));
        let mut reloaded = queue.pinned_since(log, &BTreeMap::new());
        assert_eq!(reloaded.len(), 2);
        assert!(queue.pinned_since(log, &reloaded).is_empty());
        queue.pin_epoch(&chunks, id(1));
        let again = queue.pinned_since(log, &reloaded);
        assert_eq!(again.keys().copied().collect::<Vec<_>>(), [id(1)]);
        reloaded.extend(again);
        assert!(queue.pinned_since(log, &reloaded).is_empty());
    }
}
