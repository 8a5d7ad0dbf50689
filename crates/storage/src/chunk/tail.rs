//! The tail cache: committed chunks in memory, in the clear, shared with whoever reads them.
//!
//! Invariants: chunks are in commit order, all of this broker epoch (sealed ones are elsewhere:
//! `sealed`); a chunk leaves only when a flush has put its records into segments; flushed chunks
//! stay as long as the budget has room.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use milena_types::{ChunkSeq, TopicPartition};

use crate::{
    chunk::open_chunks::append_cost,
    encryption::KeyRing,
    ledger::LogId,
    objects::store::ObjectId,
    partition::state::TailRun,
    segment::{
        footer::{Footer, PartitionFooter},
        reader::{SegmentError, SegmentReader},
    },
};

/// A committed chunk.
#[derive(Debug)]
pub(crate) struct TailChunk {
    pub(crate) log: LogId,
    pub(crate) seq: ChunkSeq,
    pub(crate) footer: Arc<Footer>,
    /// Where each partition of the footer is in the plaintext.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) plaintext: Bytes,
    /// The memory it counts for: the batches and what the footer says of them.
    pub(crate) charged: u64,
    /// When it was committed or read back, in monotonic time.
    pub(crate) since: Duration,
}

impl TailChunk {
    /// A chunk as the write-ahead log has it.
    pub(crate) fn read_back(
        log: LogId,
        seq: ChunkSeq,
        object: &ObjectId,
        sealed: &[u8],
        keys: &KeyRing,
        since: Duration,
    ) -> Result<Self, SegmentError> {
        let reader = SegmentReader::open_whole(object, sealed, keys)?;
        let footer = reader.footer().clone();
        let (mut ranges, mut frames) = (Vec::with_capacity(footer.partitions.len()), Vec::new());
        let mut start = 0;
        for partition in &footer.partitions {
            let end = start + partition.plaintext_bytes() as usize;
            ranges.push(start..end);
            frames.extend_from_slice(&partition.frames);
            start = end;
        }
        let plaintext = reader.open_frames_of(sealed, &frames)?;
        let batches = footer.partitions.iter().map(|partition| partition.batches.len()).sum();
        let charged = append_cost(plaintext.len(), batches) as u64;
        Ok(Self { log, seq, footer, ranges, plaintext, charged, since })
    }

    /// The share of the `index`th partition.
    pub(crate) fn run(&self, index: usize) -> TailRun {
        let partition = &self.footer.partitions[index];
        TailRun {
            sealed: None,
            base: partition.offsets.start,
            end: partition.offsets.end,
            max_timestamp: partition.max_timestamp(),
            bytes: self.plaintext.slice(self.ranges[index].clone()),
        }
    }

    /// A partition's share.
    pub(crate) fn part_of(&self, partition: TopicPartition) -> Option<(usize, &PartitionFooter)> {
        let found =
            self.footer.partitions.binary_search_by_key(&partition, |entry| entry.partition);
        found.ok().map(|index| (index, &self.footer.partitions[index]))
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Tail {
    budget_bytes: u64,
    state: Mutex<TailState>,
}

#[derive(Debug, Default)]
struct TailState {
    chunks: VecDeque<Arc<TailChunk>>,
    /// How many chunks at the front are flushed.
    flushed: usize,
    bytes: u64,
    unflushed_bytes: u64,
}

impl Tail {
    pub(crate) fn new(budget_bytes: u64) -> Self {
        Self { budget_bytes, state: Mutex::default() }
    }

    /// Adds the newest chunk; answers how many bytes wait for a flush.
    pub(crate) fn push(&self, chunk: Arc<TailChunk>) -> u64 {
        let mut state = self.lock();
        if let Some(last) = state.chunks.back() {
            assert!(last.log == chunk.log && last.seq < chunk.seq, "chunks come in commit order");
        }
        state.bytes += chunk.charged;
        state.unflushed_bytes += chunk.charged;
        state.chunks.push_back(chunk);
        state.unflushed_bytes
    }

    /// The oldest chunks that wait for a flush, about `bytes_max` of them.
    pub(crate) fn unflushed(&self, bytes_max: u64) -> Vec<Arc<TailChunk>> {
        let state = self.lock();
        let mut taken: Vec<Arc<TailChunk>> = Vec::new();
        let mut bytes = 0;
        for chunk in state.chunks.range(state.flushed..) {
            if bytes > 0 && bytes + chunk.charged > bytes_max {
                break;
            }
            bytes += chunk.charged;
            taken.push(chunk.clone());
        }
        taken
    }

    /// How many bytes wait for a flush, and since when the oldest of them does.
    pub(crate) fn waiting(&self) -> (u64, Option<Duration>) {
        let state = self.lock();
        (state.unflushed_bytes, state.chunks.get(state.flushed).map(|chunk| chunk.since))
    }

    /// The `count` oldest unflushed chunks are in segments now. Answers how many bytes that were.
    pub(crate) fn flushed(&self, count: usize) -> u64 {
        let mut state = self.lock();
        let from = state.flushed;
        let bytes = state.chunks.range(from..from + count).map(|chunk| chunk.charged).sum();
        state.flushed += count;
        state.unflushed_bytes -= bytes;
        bytes
    }

    /// Takes the oldest flushed chunks out until the budget is kept, for the caller to let go of.
    pub(crate) fn evict(&self) -> Vec<Arc<TailChunk>> {
        let mut state = self.lock();
        let mut evicted = Vec::new();
        while state.bytes > self.budget_bytes && state.flushed > 0 {
            let chunk = state.chunks.pop_front().expect("flushed chunks are in the queue");
            state.flushed -= 1;
            state.bytes -= chunk.charged;
            evicted.push(chunk);
        }
        evicted
    }

    /// The newest chunk.
    pub(crate) fn newest(&self) -> Option<ChunkSeq> {
        self.lock().chunks.back().map(|chunk| chunk.seq)
    }

    /// The oldest chunk that waits for a flush.
    pub(crate) fn oldest_unflushed(&self) -> Option<ChunkSeq> {
        let state = self.lock();
        state.chunks.get(state.flushed).map(|chunk| chunk.seq)
    }

    /// The chunks with a share of the partition that are not in segments, oldest first.
    pub(crate) fn unflushed_of(&self, partition: TopicPartition) -> Vec<Arc<TailChunk>> {
        let state = self.lock();
        state
            .chunks
            .range(state.flushed..)
            .filter(|chunk| chunk.part_of(partition).is_some())
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, TailState> {
        self.state.lock().expect("no panic while the tail is changed")
    }
}
