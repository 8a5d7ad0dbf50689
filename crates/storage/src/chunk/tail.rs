//! The tail cache: committed chunks in memory, decrypted, shared with their readers.
//!
//! Invariants: chunks are in commit order, all of this broker epoch (those of sealed epochs are in
//! `recovery::epoch_chunks`); a chunk leaves only after a flush has put its records into segments;
//! flushed chunks stay while the budget allows.

use std::{
    collections::{HashSet, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use milena_types::{ChunkSeq, Offset, Timestamp, TopicPartition};

use crate::{
    catalog::records::LogId,
    chunk::{append_size::AppendSize, record_pool::RecordPool},
    encryption::KeyRing,
    objects::object_id::ObjectId,
    segment::{
        footer::{Footer, PartitionFooter},
        reader::SegmentReader,
        segment_error::SegmentError,
    },
};

/// One partition's share of a chunk, decrypted, shared with its readers.
#[derive(Clone, Debug)]
pub(crate) struct TailRun {
    /// The sealed epoch it is from; `None` for this broker epoch.
    pub(crate) sealed: Option<LogId>,
    pub(crate) base: Offset,
    pub(crate) end: Offset,
    pub(crate) max_timestamp: Timestamp,
    pub(crate) bytes: Bytes,
}

#[derive(Debug)]
pub(crate) struct TailChunk {
    pub(crate) log: LogId,
    pub(crate) seq: ChunkSeq,
    pub(crate) footer: Arc<Footer>,
    /// The range of each of the footer's partitions in the plaintext.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) plaintext: Bytes,
    /// The memory it is charged for: its batches and their footer entries.
    pub(crate) charged: u64,
    /// When it was committed or read back, in monotonic time.
    pub(crate) since: Duration,
}

impl TailChunk {
    /// Decrypts a chunk read from a write-ahead log.
    pub(crate) fn read_back(
        log: LogId,
        seq: ChunkSeq,
        object: &ObjectId,
        sealed: &[u8],
        keys: &KeyRing,
        since: Duration,
    ) -> Result<Self, SegmentError> {
        let (reader, footer) = SegmentReader::open_whole(object, sealed, keys)?;
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
        let charged = AppendSize::new(plaintext.len(), batches).cost as u64;
        Ok(Self { log, seq, footer, ranges, plaintext, charged, since })
    }

    /// The run of the footer's `index`th partition.
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

    /// A partition's index in the footer, and its entry.
    pub(crate) fn part_of(&self, partition: TopicPartition) -> Option<(usize, &PartitionFooter)> {
        self.footer.index_of(partition).map(|index| (index, &self.footer.partitions[index]))
    }
}

/// The committed chunks of this broker epoch. See the module documentation for the invariants.
#[derive(Debug)]
pub(crate) struct TailCache {
    budget_bytes: u64,
    pool: RecordPool,
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

impl TailCache {
    pub(crate) fn new(budget_bytes: u64, pool: RecordPool) -> Self {
        Self { budget_bytes, pool, state: Mutex::default() }
    }

    /// Adds the newest chunk. Returns the unflushed bytes.
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

    /// The oldest unflushed chunks, about as many as one flush takes, at least one.
    pub(crate) fn unflushed(&self, max: FlushMax) -> Vec<Arc<TailChunk>> {
        let state = self.lock();
        oldest(state.chunks.range(state.flushed..), max)
    }

    /// The unflushed bytes, and since when the oldest of them wait.
    pub(crate) fn waiting(&self) -> (u64, Option<Duration>) {
        let state = self.lock();
        (state.unflushed_bytes, state.chunks.get(state.flushed).map(|chunk| chunk.since))
    }

    /// Marks the `count` oldest unflushed chunks as flushed. Returns their bytes.
    pub(crate) fn flushed(&self, count: usize) -> u64 {
        let mut state = self.lock();
        let from = state.flushed;
        let bytes = state.chunks.range(from..from + count).map(|chunk| chunk.charged).sum();
        state.flushed += count;
        state.unflushed_bytes -= bytes;
        bytes
    }

    /// Removes the oldest flushed chunks until the budget is kept. Returns them, since partitions
    /// hold runs of them.
    pub(crate) fn evict(&self) -> Vec<Arc<TailChunk>> {
        let budget_bytes = self.budget_bytes.min(self.pool.tail_bytes());
        let mut state = self.lock();
        let mut evicted = Vec::new();
        while state.bytes > budget_bytes && state.flushed > 0 {
            let chunk = state.chunks.pop_front().expect("flushed chunks are in the queue");
            state.flushed -= 1;
            state.bytes -= chunk.charged;
            evicted.push(chunk);
        }
        evicted
    }

    pub(crate) fn newest(&self) -> Option<ChunkSeq> {
        self.lock().chunks.back().map(|chunk| chunk.seq)
    }

    pub(crate) fn oldest_unflushed(&self) -> Option<ChunkSeq> {
        let state = self.lock();
        state.chunks.get(state.flushed).map(|chunk| chunk.seq)
    }

    /// The unflushed chunks with a share of the partition, oldest first.
    pub(crate) fn unflushed_of(&self, partition: TopicPartition) -> Vec<Arc<TailChunk>> {
        let state = self.lock();
        let unflushed = state.chunks.range(state.flushed..);
        unflushed.filter(|chunk| chunk.part_of(partition).is_some()).cloned().collect()
    }

    /// The partitions that unflushed chunks have records of.
    pub(crate) fn unflushed_partitions(&self) -> HashSet<TopicPartition> {
        let state = self.lock();
        let unflushed = state.chunks.range(state.flushed..);
        unflushed
            .flat_map(|chunk| chunk.footer.partitions.iter().map(|entry| entry.partition))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, TailState> {
        self.state.lock().expect("no panic while the tail is changed")
    }
}

/// The limits of one flush.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlushMax {
    pub(crate) bytes: u64,
    /// The leader epochs of all partitions: one transaction records each.
    pub(crate) epochs: usize,
}

/// The first of `chunks`, about as many as one flush takes, at least one.
pub(crate) fn oldest<'a>(
    chunks: impl Iterator<Item = &'a Arc<TailChunk>>,
    max: FlushMax,
) -> Vec<Arc<TailChunk>> {
    let (mut bytes, mut epochs) = (0, 0);
    let fits = |chunk: &&Arc<TailChunk>| {
        let first = bytes == 0;
        bytes += chunk.charged;
        epochs += chunk.footer.partitions.iter().map(|part| part.epochs.len()).sum::<usize>();
        first || bytes <= max.bytes && epochs <= max.epochs
    };
    chunks.take_while(fits).cloned().collect()
}
