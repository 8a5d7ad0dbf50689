//! The core of one broker epoch's log: the open chunks, the chunks that are built and not
//! committed, and the tail cache. Partitions push into it; [`crate::chunk::source`] has the
//! write-ahead log commit from it; flushes take from it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use milena_runtime::Runtime;
use milena_types::ChunkSeq;
use tokio::sync::Notify;

use crate::{
    catalog::object_names::ObjectNames,
    catalog::records::LogId,
    chunk::{
        admission::AppendBudget,
        append_size::AppendSize,
        open_chunks::{ChunkMember, GroupSlot, OpenChunks, PushError, StampedBatch},
        record_pool::RecordPool,
        tail::{TailCache, TailChunk},
        ticket::Ticket,
    },
    encryption::KeyRing,
    log::backend::LogBackend,
    segment::segment_error::SegmentError,
    tuning::MemoryBudget,
};

/// The memory of a log.
#[derive(Clone, Copy)]
pub(crate) struct LogMemory<'a> {
    pub(crate) budget: MemoryBudget,
    pub(crate) pool: &'a RecordPool,
    /// Unflushed bytes at which a flush is requested.
    pub(crate) flush_bytes: u64,
}

/// The core of one broker epoch's log.
pub(crate) struct LogCore {
    pub(crate) id: LogId,
    pub(crate) runtime: Runtime,
    pub(crate) keys: KeyRing,
    pub(crate) names: Arc<ObjectNames>,
    pub(crate) open: OpenChunks,
    pub(crate) budget: Arc<AppendBudget>,
    pub(crate) tail: TailCache,
    /// Unflushed bytes at which a flush is requested.
    pub(super) flush_bytes: u64,
    flush_requested: Arc<Notify>,
    /// The log, once it runs. Weak, since the log holds this through its source.
    log: OnceLock<Weak<dyn LogBackend>>,
    built: Mutex<VecDeque<BuiltChunk>>,
    sealed: AtomicBool,
}

/// A chunk that has its sequence number and its bytes and waits for its sync.
pub(super) struct BuiltChunk {
    pub(super) chunk: Arc<TailChunk>,
    /// In the order of the chunk's footer.
    pub(super) members: Vec<Arc<dyn ChunkMember>>,
    pub(super) ticket: Arc<Ticket>,
    /// The bytes of it that producers wait for; 0 once the log has stalled.
    pub(super) in_log: u64,
}

/// Decrypts the chunks of any broker's log. It outlives the broker epoch where a disk hangs.
pub(crate) struct ChunkReader {
    keys: KeyRing,
    names: Arc<ObjectNames>,
    runtime: Runtime,
}

impl ChunkReader {
    /// Whether there are no threads to read on.
    pub(crate) fn is_on_one_thread(&self) -> bool {
        self.runtime.is_on_one_thread()
    }

    pub(crate) fn read_back(
        &self,
        log: LogId,
        seq: ChunkSeq,
        sealed: &[u8],
    ) -> Result<TailChunk, SegmentError> {
        let (object, since) = (self.names.chunk(log, seq), self.runtime.monotonic());
        TailChunk::read_back(log, seq, &object, sealed, &self.keys, since)
    }
}

impl LogCore {
    pub(crate) fn new(
        id: LogId,
        runtime: Runtime,
        keys: KeyRing,
        names: Arc<ObjectNames>,
        chunk_bytes_max: usize,
        memory: LogMemory<'_>,
    ) -> Arc<Self> {
        let LogMemory { budget, pool, flush_bytes } = memory;
        let flush_requested = Arc::new(Notify::new());
        Arc::new(Self {
            id,
            runtime,
            keys,
            names,
            open: OpenChunks::new(chunk_bytes_max),
            budget: AppendBudget::new(budget.unflushed_bytes, pool, flush_requested.clone()),
            tail: TailCache::new(budget.tail_bytes, pool.clone()),
            flush_bytes,
            flush_requested,
            log: OnceLock::new(),
            built: Mutex::default(),
            sealed: AtomicBool::new(false),
        })
    }

    /// Sets the log that commits from this. Called once.
    pub(crate) fn set_log(&self, log: Weak<dyn LogBackend>) {
        assert!(self.log.set(log).is_ok(), "the log is started once");
    }

    /// The log, while it runs.
    pub(crate) fn log(&self) -> Option<Arc<dyn LogBackend>> {
        self.log.get().and_then(Weak::upgrade)
    }

    /// Puts batches into the open chunk, under the lock of their partition.
    pub(crate) fn push(
        &self,
        generation: u64,
        slot: &mut GroupSlot,
        member: impl FnOnce() -> Arc<dyn ChunkMember>,
        batches: Vec<StampedBatch>,
        size: AppendSize,
    ) -> Result<Arc<Ticket>, PushError> {
        // Counted first: the chunk may be committed and flushed before this returns.
        self.budget.pushed(size.cost as u64);
        let pushed = self.open.push(generation, slot, member, batches, size);
        if pushed.is_err() {
            self.budget.not_pushed(size.cost as u64);
        }
        pushed
    }

    /// Notifies the log of open chunks.
    pub(crate) fn notify_log(&self) {
        if let Some(log) = self.log() {
            log.notify();
        }
    }

    /// Whether the broker epoch has ended: nothing is acknowledged any more.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    pub(super) fn mark_sealed(&self) {
        self.sealed.store(true, Ordering::Release);
    }

    /// Wakes the flusher: it may have something to do.
    pub(crate) fn request_flush(&self) {
        self.flush_requested.notify_one();
    }

    /// Waits for a request. One that came before is not missed.
    pub(crate) async fn flush_requested(&self) {
        self.flush_requested.notified().await;
    }

    /// What it takes to decrypt chunks.
    pub(crate) fn chunk_reader(&self) -> ChunkReader {
        let (keys, names) = (self.keys.clone(), self.names.clone());
        ChunkReader { keys, names, runtime: self.runtime.clone() }
    }

    pub(super) fn built(&self) -> MutexGuard<'_, VecDeque<BuiltChunk>> {
        // The list is whole also after a panic: it is changed by single calls.
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
