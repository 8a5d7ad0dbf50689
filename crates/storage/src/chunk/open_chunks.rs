//! The chunks that are being filled: where partitions push batches and the write-ahead log's thread
//! takes them.
//!
//! Invariants:
//!  - batches of one partition are pushed in offset order, by whoever holds that partition's lock,
//!    and chunks are taken in the order they were opened;
//!  - when the log refuses what is open, all of it fails together, because later offsets build on
//!    earlier ones: [`OpenChunks::drain`] empties the queue and begins a new *generation*, and a
//!    push that was prepared in an older generation is refused, so that its partition first goes
//!    back to what was built.
//!
//! Bytes are bounded by [`crate::admission`], not here.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use milena_types::{Offset, Timestamp};

use crate::{
    chunk::ticket::{CommitError, Ticket},
    partition::partition_log::Partition,
    segment::format::BatchSummary,
};

/// What an append takes in the log and in memory at most: a batch's entry in the footer may be
/// larger than a tiny batch.
pub(crate) const fn append_cost(bytes: usize, batches: usize) -> usize {
    bytes + 192 * batches
}

/// A batch that was given its offsets.
#[derive(Clone, Debug)]
pub(crate) struct Stamped {
    /// As the client sent it.
    pub(crate) bytes: Bytes,
    pub(crate) summary: BatchSummary,
    /// For topics with LogAppendTime: the time every record gets.
    pub(crate) log_append_time: Option<Timestamp>,
}

/// One partition's batches in a chunk that is being filled.
pub(crate) struct Group {
    pub(crate) partition: Arc<Partition>,
    pub(crate) batches: Vec<Stamped>,
}

impl Group {
    /// The offset after the last batch.
    pub(crate) fn end(&self) -> Offset {
        self.batches.last().expect("a group is made for its first batch").summary.end_offset()
    }
}

/// A chunk that is being filled, or was taken to be written.
pub(crate) struct OpenChunk {
    /// Counts chunks in this process; not the sequence number, which is given when it is written.
    number: u64,
    pub(crate) groups: Vec<Group>,
    /// The batches' bytes.
    pub(crate) bytes: usize,
    /// What it takes in the log and in memory at most: see [`append_cost`].
    pub(crate) cost: usize,
    pub(crate) ticket: Arc<Ticket>,
}

/// Where in the open chunk a partition's group is; kept by the partition, so that pushing needs no
/// search.
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
    /// The log takes nothing more.
    Closed,
}

/// See the module's documentation.
pub(crate) struct OpenChunks {
    /// A chunk is closed to further batches at this size, so that one write does not grow without
    /// end while the disk is slow.
    chunk_cost_max: usize,
    /// The largest append: it must fit into the log's largest chunk.
    append_cost_max: usize,
    queue: Mutex<Queue>,
    generation: AtomicU64,
}

#[derive(Default)]
struct Queue {
    chunks: VecDeque<OpenChunk>,
    next_number: u64,
    closed: bool,
}

impl OpenChunks {
    /// Chunks for a log that takes `chunk_bytes_max` as one.
    pub(crate) fn new(chunk_bytes_max: usize) -> Self {
        Self {
            chunk_cost_max: chunk_bytes_max / 4,
            append_cost_max: chunk_bytes_max - chunk_bytes_max / 8,
            queue: Mutex::default(),
            generation: AtomicU64::new(0),
        }
    }

    /// The largest [`append_cost`] that is taken.
    pub(crate) fn append_cost_max(&self) -> usize {
        self.append_cost_max
    }

    /// Rises with every failure.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Adds batches whose offsets were assigned in `generation`.
    pub(crate) fn push(
        &self,
        generation: u64,
        slot: &mut GroupSlot,
        partition: &Arc<Partition>,
        batches: Vec<Stamped>,
    ) -> Result<Arc<Ticket>, PushError> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(PushError::Closed);
        }
        if self.generation() != generation {
            return Err(PushError::StaleGeneration);
        }
        let bytes = batches.iter().map(|batch| batch.bytes.len()).sum::<usize>();
        let cost = append_cost(bytes, batches.len());
        let chunk = queue.chunk_for(cost, self.chunk_cost_max);
        if slot.chunk == Some(chunk.number) {
            chunk.groups[slot.group].batches.extend(batches);
        } else {
            *slot = GroupSlot { chunk: Some(chunk.number), group: chunk.groups.len() };
            chunk.groups.push(Group { partition: partition.clone(), batches });
        }
        chunk.bytes += bytes;
        chunk.cost += cost;
        Ok(chunk.ticket.clone())
    }

    /// Takes the oldest chunk.
    pub(crate) fn take(&self) -> Option<OpenChunk> {
        self.lock().chunks.pop_front()
    }

    /// Takes nothing more, and answers what is open, for the caller to fail.
    pub(crate) fn close(&self) -> Vec<OpenChunk> {
        let mut queue = self.lock();
        queue.closed = true;
        queue.chunks.drain(..).collect()
    }

    /// What is open will not be written: answers it, for the caller to fail.
    pub(crate) fn drain(&self) -> Vec<OpenChunk> {
        let mut queue = self.lock();
        self.generation.fetch_add(1, Ordering::AcqRel);
        queue.chunks.drain(..).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no panic while the queue is changed")
    }
}

impl Queue {
    fn chunk_for(&mut self, cost: usize, cost_max: usize) -> &mut OpenChunk {
        if self.chunks.back().is_none_or(|chunk| chunk.cost > 0 && chunk.cost + cost > cost_max) {
            let (number, ticket) = (self.next_number, Arc::new(Ticket::default()));
            self.next_number += 1;
            self.chunks.push_back(OpenChunk {
                number,
                groups: Vec::new(),
                bytes: 0,
                cost: 0,
                ticket,
            });
        }
        self.chunks.back_mut().expect("one was pushed if there was none")
    }
}

impl OpenChunk {
    /// Undoes the chunk: its partitions go back to what was built, and whoever waits is told why.
    pub(crate) fn fail(self, error: CommitError) {
        for group in &self.groups {
            group.partition.revert_open();
        }
        self.ticket.settle(Err(error));
    }
}
