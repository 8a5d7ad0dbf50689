//! The chunks that are being filled: partitions push batches into them, and the write-ahead log's
//! thread takes them.
//!
//! Invariants:
//!  - batches of one partition are pushed in offset order, by the holder of that partition's lock,
//!    and chunks are taken in the order they were opened;
//!  - when the log refuses the open chunks, all of them fail together, because later offsets build
//!    on earlier ones: [`OpenChunks::drain`] empties the queue and begins a new *generation*. A
//!    push that was prepared in an older generation is refused, so that its partition first reverts
//!    to what was built.
//!
//! [`crate::chunk::admission`] bounds the bytes, not this.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use milena_types::{Offset, Timestamp, TopicPartition};

use crate::{
    chunk::{
        append_size::AppendSize,
        tail::TailRun,
        ticket::{CommitError, Ticket},
    },
    segment::format::BatchSummary,
};

/// A partition as its chunks see it: notified of its batches' fate after they were pushed. Called
/// by the log's thread, or by the thread that ends the epoch; no method may wait for the log.
pub(crate) trait ChunkMember: Send + Sync {
    fn id(&self) -> TopicPartition;

    /// Batches up to `end` are in a chunk with a sequence number: they will be committed, or the
    /// epoch is sealed.
    fn built(&self, end: Offset);

    /// The chunk that has `run` is committed.
    fn commit(&self, run: TailRun);

    /// The chunk stalled: its pending batches are settled by `later` in place of `ticket`.
    fn replace_ticket(&self, ticket: &Arc<Ticket>, later: &Arc<Ticket>);

    /// Batches pushed and not built will never be built: reverts to the last one built.
    fn revert_open(&self);
}

/// A batch that was given its offsets.
#[derive(Clone, Debug)]
pub(crate) struct StampedBatch {
    /// As the client sent it.
    pub(crate) bytes: Bytes,
    pub(crate) summary: BatchSummary,
    /// The time every record gets, for topics with LogAppendTime.
    pub(crate) log_append_time: Option<Timestamp>,
}

/// One partition's batches in a chunk that is being filled.
pub(crate) struct Group {
    pub(crate) member: Arc<dyn ChunkMember>,
    pub(crate) batches: Vec<StampedBatch>,
}

impl Group {
    /// The offset after the last batch.
    pub(crate) fn end(&self) -> Offset {
        self.batches.last().expect("a group is made for its first batch").summary.end_offset()
    }
}

/// A chunk that is being filled, or was taken to be written.
pub(crate) struct OpenChunk {
    /// Counts the chunks of this process. Not the sequence number, which is assigned when the chunk
    /// is written.
    number: u64,
    pub(crate) groups: Vec<Group>,
    pub(crate) size: AppendSize,
    pub(crate) ticket: Arc<Ticket>,
    /// It is about to be taken, and takes no further batches.
    closed: bool,
}

/// The index of a partition's group in the open chunk. Kept by the partition, so that a push needs
/// no search.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GroupSlot {
    chunk: Option<u64>,
    group: usize,
}

/// Why nothing was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    /// A chunk failed since the offsets were assigned.
    StaleGeneration,
    /// The epoch has ended.
    Closed,
}

/// The queue of open chunks. See the module documentation for the invariants.
pub(crate) struct OpenChunks {
    /// A chunk takes no further batches at this cost, so that one write stays bounded while the
    /// disk is slow. A larger append has a chunk of its own.
    chunk_cost_max: usize,
    queue: Mutex<ChunkQueue>,
    generation: AtomicU64,
}

#[derive(Default)]
struct ChunkQueue {
    chunks: VecDeque<OpenChunk>,
    next_number: u64,
    closed: bool,
}

impl OpenChunks {
    /// Chunks for a log whose longest chunk has `chunk_bytes_max`.
    pub(crate) fn new(chunk_bytes_max: usize) -> Self {
        Self {
            chunk_cost_max: chunk_bytes_max / 4,
            queue: Mutex::default(),
            generation: AtomicU64::new(0),
        }
    }

    /// The cost of all chunks, which is 0 if there is none.
    pub(crate) fn cost(&self) -> usize {
        self.lock().chunks.iter().map(|chunk| chunk.size.cost).sum()
    }

    /// The cost of the oldest chunk, which takes no further batches.
    pub(crate) fn close_oldest(&self) -> Option<usize> {
        let mut queue = self.lock();
        let oldest = queue.chunks.front_mut()?;
        oldest.closed = true;
        Some(oldest.size.cost)
    }

    /// Rises with every failure.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Adds batches whose offsets were assigned in `generation`. `member` is called if the chunk
    /// has no group of the partition yet.
    pub(crate) fn push(
        &self,
        generation: u64,
        slot: &mut GroupSlot,
        member: impl FnOnce() -> Arc<dyn ChunkMember>,
        batches: Vec<StampedBatch>,
        size: AppendSize,
    ) -> Result<Arc<Ticket>, PushError> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(PushError::Closed);
        }
        if self.generation() != generation {
            return Err(PushError::StaleGeneration);
        }
        let chunk = queue.chunk_for(size.cost, self.chunk_cost_max);
        if slot.chunk == Some(chunk.number) {
            chunk.groups[slot.group].batches.extend(batches);
        } else {
            *slot = GroupSlot { chunk: Some(chunk.number), group: chunk.groups.len() };
            chunk.groups.push(Group { member: member(), batches });
        }
        chunk.size.bytes += size.bytes;
        chunk.size.cost += size.cost;
        Ok(chunk.ticket.clone())
    }

    /// Removes the oldest chunk.
    pub(crate) fn take(&self) -> Option<OpenChunk> {
        self.lock().chunks.pop_front()
    }

    /// Refuses every later push. Returns the open chunks, for the caller to fail.
    pub(crate) fn close(&self) -> Vec<OpenChunk> {
        let mut queue = self.lock();
        queue.closed = true;
        queue.chunks.drain(..).collect()
    }

    /// Begins a new generation. Returns the open chunks, for the caller to fail.
    pub(crate) fn drain(&self) -> Vec<OpenChunk> {
        let mut queue = self.lock();
        self.generation.fetch_add(1, Ordering::AcqRel);
        queue.chunks.drain(..).collect()
    }

    fn lock(&self) -> MutexGuard<'_, ChunkQueue> {
        self.queue.lock().expect("no panic while the queue is changed")
    }
}

impl ChunkQueue {
    fn chunk_for(&mut self, cost: usize, cost_max: usize) -> &mut OpenChunk {
        let is_full = |chunk: &OpenChunk| {
            chunk.closed || (chunk.size.cost > 0 && chunk.size.cost + cost > cost_max)
        };
        if self.chunks.back().is_none_or(is_full) {
            let (number, ticket) = (self.next_number, Arc::new(Ticket::default()));
            self.next_number += 1;
            let (groups, size) = (Vec::new(), AppendSize::new(0, 0));
            self.chunks.push_back(OpenChunk { number, groups, size, ticket, closed: false });
        }
        self.chunks.back_mut().expect("one was pushed if there was none")
    }
}

impl OpenChunk {
    /// Reverts the chunk's partitions to what was built, and fails the appends that wait for it.
    pub(crate) fn fail(self, error: CommitError) {
        for group in &self.groups {
            group.member.revert_open();
        }
        self.ticket.settle(Err(error));
    }
}
