//! A partition's state behind its lock, and how it changes when chunks are committed, refused and
//! flushed.
//!
//! Invariants:
//!  - the high watermark is the end of what is committed; nothing above it is readable; it never
//!    goes back, nor does the log start;
//!  - from the log start to the high watermark every offset is in segments, in the tail, or in
//!    both; or it is lost, and the loss was accepted;
//!  - segments and the tail may have gaps that the other fills: the logs that the records are in are
//!    flushed in any order. A run leaves the tail only when a flush that covers it is recorded. Flushes
//!    are folded only as far as they go on where the manifest's record ends.

use std::{collections::VecDeque, sync::Arc};

use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::{
    catalog::{
        leader_epochs::EpochHistory,
        manifest::{Manifest, UnfoldedFlush},
    },
    chunk::{open_chunks::GroupSlot, tail::TailRun, ticket::Ticket},
    partition::{
        bounds::Bounds, collector::BatchCollector, options::PartitionOptions,
        producers::state::Producers,
    },
    segment::format::BatchSummary,
};

/// A partition's state as recovered, to open it with.
#[derive(Debug)]
pub(crate) struct RecoveredPartition {
    pub(crate) manifest: Manifest,
    pub(crate) epochs: EpochHistory,
    pub(crate) producers: Producers,
    pub(crate) tail: VecDeque<TailRun>,
}

/// What is found to be lost when a partition is opened. The loss was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The producer snapshot knows of records that are lost.
    pub(crate) snapshot: bool,
    /// Records go on at this offset behind others that are lost.
    pub(crate) before: Option<Offset>,
}

impl Loss {
    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// The state behind a partition's lock.
#[derive(Debug)]
pub(crate) struct PartitionState {
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) closed: bool,
    pub(crate) options: PartitionOptions,
    pub(crate) log_start: Offset,
    pub(crate) high_watermark: Offset,
    /// The end of what is pending; equals the high watermark when nothing is.
    pub(crate) next_offset: Offset,
    /// The generation of the open chunks in which `next_offset` was assigned.
    pub(crate) generation: u64,
    pub(crate) slot: GroupSlot,
    /// Pending batches of idempotent producers, in offset order.
    pub(crate) pending: VecDeque<BatchSummary>,
    /// The chunks that hold pending batches: the end offset in each, and its ticket.
    pub(crate) tickets: VecDeque<(Offset, Arc<Ticket>)>,
    pub(crate) producers: Producers,
    pub(crate) epochs: EpochHistory,
    /// Committed runs in offset order.
    pub(crate) tail: VecDeque<TailRun>,
    pub(crate) manifest: Arc<Manifest>,
}

impl PartitionState {
    pub(crate) fn new(
        leader_epoch: LeaderEpoch,
        options: PartitionOptions,
        recovered: RecoveredPartition,
    ) -> Self {
        let RecoveredPartition { manifest, mut epochs, producers, tail } = recovered;
        let flushed_end = manifest.unfolded.last().map(|unfolded| unfolded.segment.end);
        let ends = flushed_end.into_iter().chain(tail.back().map(|run| run.end));
        // Where a log was lost and the loss accepted, the records may end below the log start.
        let end = manifest.record.end.max(manifest.record.log_start);
        let end = ends.max().map_or(end, |last| last.max(end));
        epochs.begin(leader_epoch, end);
        Self {
            leader_epoch,
            closed: false,
            options,
            log_start: manifest.record.log_start,
            high_watermark: end,
            next_offset: end,
            generation: 0,
            slot: GroupSlot::default(),
            pending: VecDeque::new(),
            tickets: VecDeque::new(),
            producers,
            epochs,
            tail,
            manifest: Arc::new(manifest),
        }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let last_stable = self.producers.first_open_transaction();
        let last_stable =
            last_stable.map_or(self.high_watermark, |first| first.min(self.high_watermark));
        Bounds {
            log_start: self.log_start,
            high_watermark: self.high_watermark,
            last_stable: last_stable.max(self.log_start),
        }
    }

    /// How many unfolded flushes go on where the manifest's record ends, each where the one before
    /// ends. What is missing between may be passed over if it was deleted or is lost, but not while the
    /// tail has it: its flush would come behind the record's end.
    pub(crate) fn foldable(&self) -> usize {
        let mut end = self.manifest.record.end;
        let goes_on = |unfolded: &&UnfoldedFlush| {
            let base = unfolded.segment.base;
            let fits = self.manifest.record.continues(end, base) && !self.has_runs(end, base);
            if fits {
                end = unfolded.segment.end;
            }
            fits
        };
        self.manifest.unfolded.iter().take_while(goes_on).count()
    }

    /// Whether the tail has records from `from` on before `to`.
    fn has_runs(&self, from: Offset, to: Offset) -> bool {
        self.next_run(from).is_some_and(|run| run.base < to)
    }

    /// The first run with a record at or after `from`.
    fn next_run(&self, from: Offset) -> Option<&TailRun> {
        self.tail.get(self.tail.partition_point(|run| run.end <= from))
    }

    /// Where the flushes end that can be folded.
    pub(crate) fn foldable_end(&self) -> Offset {
        let last = self.foldable().checked_sub(1).map(|last| &self.manifest.unfolded[last]);
        last.map_or(self.manifest.record.end, |last| last.segment.end)
    }

    /// The first offset from the end of the foldable flushes on that anything has, or will have.
    pub(crate) fn goes_on_at(&self) -> Offset {
        let end = self.foldable_end();
        let flush = self.manifest.unfolded.iter().map(|unfolded| unfolded.segment.base);
        let flush = flush.filter(|base| *base >= end).min();
        let run = self.next_run(end).map(|run| run.base.max(end));
        flush.into_iter().chain(run).min().unwrap_or(self.high_watermark)
    }

    /// The runs that no segment has.
    pub(crate) fn unrecorded(&self) -> impl Iterator<Item = &TailRun> {
        let (manifest, end) = (&self.manifest, self.manifest.record.end);
        let newer = self.tail.iter().rev().take_while(move |run| run.end > end);
        newer.filter(|run| !manifest.covers(run.base, run.end))
    }

    /// The bytes of segments, and of runs that are not in segments.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.manifest.bytes() + self.unrecorded().map(|run| run.bytes.len() as u64).sum::<u64>()
    }

    /// Reverts to `built_end` if a chunk was refused since `next_offset` was assigned.
    pub(crate) fn revert(&mut self, built_end: Offset, generation: u64) {
        if self.generation == generation {
            return;
        }
        self.generation = generation;
        self.forget_pending(built_end);
    }

    /// Removes everything pending from `from` on.
    pub(crate) fn forget_pending(&mut self, from: Offset) {
        self.next_offset = from;
        self.producers.revert_pending(from);
        while self.pending.back().is_some_and(|batch| batch.base_offset >= from) {
            self.pending.pop_back();
        }
        while self.tickets.back().is_some_and(|(end, _)| *end > from) {
            self.tickets.pop_back();
        }
    }

    /// Notes the ticket of the batches up to `end`.
    pub(crate) fn note_ticket(&mut self, end: Offset, ticket: &Arc<Ticket>) {
        match self.tickets.back_mut() {
            Some((last_end, last)) if Arc::ptr_eq(last, ticket) => *last_end = end,
            _ => self.tickets.push_back((end, ticket.clone())),
        }
    }

    /// The ticket of the pending batch at `offset`.
    pub(crate) fn ticket_of(&self, offset: Offset) -> Option<&Arc<Ticket>> {
        let index = self.tickets.partition_point(|(end, _)| *end <= offset);
        self.tickets.get(index).map(|(_, ticket)| ticket)
    }

    /// Replaces the ticket of one chunk's pending batches.
    pub(crate) fn replace_ticket(&mut self, old: &Arc<Ticket>, new: &Arc<Ticket>) {
        for (_, ticket) in &mut self.tickets {
            if Arc::ptr_eq(ticket, old) {
                *ticket = new.clone();
            }
        }
    }

    /// Commits the pending batches of `run` and moves the high watermark to its end.
    pub(crate) fn commit(&mut self, run: TailRun, now: impl FnOnce() -> Timestamp) {
        assert_eq!(
            run.base, self.high_watermark,
            "chunks are committed in offset order, without gaps"
        );
        self.high_watermark = run.end;
        self.epochs.begin(self.leader_epoch, run.base);
        if !self.pending.is_empty() {
            let now = now();
            while self.pending.front().is_some_and(|batch| batch.base_offset < run.end) {
                let batch = self.pending.pop_front().expect("just looked at");
                self.producers.commit_summary(&batch, now);
            }
        }
        while self.tickets.front().is_some_and(|(end, _)| *end <= run.end) {
            self.tickets.pop_front();
        }
        free_if_large(&mut self.tickets);
        free_if_large(&mut self.pending);
        self.tail.push_back(run);
    }

    /// Removes runs up to `end`, as far as segments have them.
    pub(crate) fn drop_tail(&mut self, end: Offset) {
        let manifest = self.manifest.clone();
        let goes = |run: &TailRun| run.end <= end && manifest.covers(run.base, run.end);
        while self.tail.front().is_some_and(goes) {
            self.tail.pop_front();
        }
        // Others wait behind a run whose log is not flushed.
        if self.tail.front().is_some_and(|run| run.end <= end) {
            self.tail.retain(|run| !goes(run));
        }
        free_if_large(&mut self.tail);
    }

    /// Removes runs of sealed epochs that segments have.
    pub(crate) fn drop_sealed(&mut self) {
        let manifest = self.manifest.clone();
        let goes = |run: &TailRun| run.sealed.is_some() && manifest.covers(run.base, run.end);
        if self.tail.iter().any(goes) {
            self.tail.retain(|run| !goes(run));
            free_if_large(&mut self.tail);
        }
    }

    /// What has the records from `from` on.
    pub(crate) fn place_of(&self, from: Offset) -> RecordPlace {
        let run = self.next_run(from).map(|run| run.base);
        match run {
            Some(base) if base <= from => RecordPlace::Tail,
            // What neither has is lost.
            run if self.manifest.has_from(from, run.unwrap_or(self.high_watermark)) => {
                RecordPlace::Segments
            }
            Some(_) => RecordPlace::Tail,
            None => RecordPlace::Nowhere,
        }
    }

    /// Collects batches of the tail from `from` on, as far as one run goes on where the one before
    /// ends. Returns where that is, if more is wanted.
    pub(crate) fn read_tail(&self, from: Offset, collector: &mut BatchCollector) -> Option<Offset> {
        let first = self.tail.partition_point(|run| run.end <= from);
        let mut next = None;
        for run in self.tail.range(first..) {
            if next.is_some_and(|next| next != run.base) {
                break;
            }
            if !collector.take_run(run.base, run.end, &run.bytes) {
                return None;
            }
            next = Some(run.end);
        }
        next
    }
}

/// What has the records from an offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordPlace {
    Tail,
    Segments,
    /// There are none.
    Nowhere,
}

/// Frees the memory of an empty queue, unless it is what a queue allocates for its first entry:
/// allocating that again for the next batch costs more.
fn free_if_large<T>(queue: &mut VecDeque<T>) {
    const KEPT: usize = 4;
    if queue.is_empty() && queue.capacity() > KEPT {
        *queue = VecDeque::new();
    }
}
