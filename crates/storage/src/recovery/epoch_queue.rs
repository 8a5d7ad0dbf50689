//! The sealed epochs of one broker: it flushes those it is the *flusher* of (per the catalog),
//! and *pins* the others: its partitions read their runs until segments have them.
//!
//! Invariants:
//!  - epochs are flushed in the order they were sealed in, over all brokers, and a broker's own
//!    chunks after all that its partitions have pinned: so a partition's segments are recorded in
//!    offset order;
//!  - an epoch is queued or pinned, never both.

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
    /// Its place in the order of seals.
    pub(crate) order: u64,
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

/// An epoch that another broker flushes and that partitions here have runs of.
#[derive(Debug)]
pub(crate) struct PinnedEpoch {
    pub(crate) order: u64,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "held, so that all brokers of the process share one copy")
    )]
    pub(crate) chunks: Arc<EpochChunks>,
    pub(crate) partitions: BTreeSet<TopicPartition>,
}

/// The sealed epochs of one broker.
#[derive(Debug, Default)]
pub(crate) struct EpochQueue {
    /// In the order they are flushed in.
    pub(crate) queue: Vec<QueuedEpoch>,
    pub(crate) pinned: BTreeMap<LogId, PinnedEpoch>,
    /// The catalog could not be followed: look again soon.
    pub(crate) unsettled: bool,
}

impl EpochQueue {
    pub(crate) fn enqueue(&mut self, queued: QueuedEpoch) {
        self.queue.push(queued);
        self.queue.sort_by_key(|queued| (queued.order, queued.log));
    }

    pub(crate) fn is_queued(&self, log: LogId) -> bool {
        self.queue.iter().any(|queued| queued.log == log)
    }

    pub(crate) fn queued_mut(&mut self, log: LogId) -> Option<&mut QueuedEpoch> {
        self.queue.iter_mut().find(|queued| queued.log == log)
    }

    /// Notes that a partition here has runs of an epoch that another broker flushes.
    pub(crate) fn pin_epoch(
        &mut self,
        order: u64,
        chunks: &Arc<EpochChunks>,
        partition: TopicPartition,
    ) {
        let partitions = BTreeSet::new();
        let pinned = self.pinned.entry(chunks.log);
        let chunks = chunks.clone();
        let pinned = pinned.or_insert_with(|| PinnedEpoch { order, chunks, partitions });
        pinned.partitions.insert(partition);
    }

    /// The first epoch that partitions here have pinned.
    pub(crate) fn first_pinned(&self) -> Option<LogId> {
        let mut pinned = self.pinned.iter();
        pinned.find(|(_, pinned)| !pinned.partitions.is_empty()).map(|(log, _)| *log)
    }

    /// The unflushed bytes of the queue, and since when the oldest of them wait.
    pub(crate) fn waiting(&self) -> (u64, Option<Duration>) {
        let bytes = self.queue.iter().map(QueuedEpoch::bytes).sum();
        (bytes, self.queue.iter().map(|queued| queued.since).min())
    }
}
