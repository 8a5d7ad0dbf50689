//! What the partitions of one broker share, and how its chunks come to be: the [`ChunkSource`] the
//! write-ahead log pulls from.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use milena_runtime::Runtime;
use milena_types::{ChunkSeq, Offset, TopicPartition};
use tokio::sync::{Notify, RwLock};

use crate::{
    catalog::{flushes::FlushReader, pages::Pages},
    chunk::{
        admission::Budget,
        open_chunks::{GroupSlot, OpenChunks, PushError, Stamped, append_cost},
        tail::{Tail, TailChunk},
        ticket::{CommitError, Ticket},
    },
    disk::buffer::{SpareBuffers, WriteBuffer},
    encryption::Salt,
    flush::{flusher, flusher::Flusher},
    ledger::{Ledger, LogId},
    log::backend::{ChunkSource, WalError, WriteAheadLog},
    objects::store::ObjectId,
    partition::partition_log::Partition,
    recovery::sealed::Sealed,
    segment::{
        blocks::Segments,
        writer::{SegmentOptions, SegmentWriter},
    },
    tuning::StorageConfig,
};

/// How many partitions are looked up under one lock.
const LOOKED_UP_AT_ONCE_MAX: usize = 512;

/// See the module's documentation.
pub(crate) struct Shared {
    pub(crate) config: StorageConfig,
    pub(crate) runtime: Runtime,
    pub(crate) ledger: Ledger,
    pub(crate) segments: Segments,
    pub(crate) pages: Pages,
    pub(crate) open: OpenChunks,
    pub(crate) budget: Arc<Budget>,
    pub(crate) tail: Tail,
    /// The log, once it runs. Weak, since the log keeps this alive through its source.
    pub(crate) wal: OnceLock<Weak<dyn WriteAheadLog>>,
    pub(crate) partitions: Mutex<HashMap<TopicPartition, Arc<Partition>>>,
    /// What is not flushed of sealed epochs, of this broker or others.
    sealed_epochs: Mutex<Sealed>,
    /// One look at the ledger for what has become of sealed epochs at a time.
    pub(crate) settling: tokio::sync::Mutex<()>,
    /// Chunks that were built and are not committed.
    built: Mutex<VecDeque<BuiltChunk>>,
    /// Partitions that were deleted while chunks that are not flushed may hold records of them.
    pub(crate) deleted: Mutex<HashMap<TopicPartition, ChunkSeq>>,
    /// Held shared while a partition is opened, exclusively while a flush is committed and made
    /// known, so that no partition misses one.
    pub(crate) flush_commit: RwLock<()>,
    pub(crate) flusher: tokio::sync::Mutex<Flusher>,
    /// Segments are built in these, one after the other.
    pub(crate) segment_buffers: SpareBuffers,
    pub(crate) flushes: FlushReader,
    /// Something may have to be flushed.
    pub(crate) flush_wanted: Notify,
    /// The number in the name of the next object.
    next_object: AtomicU64,
    sealed: AtomicBool,
}

/// A chunk that has its number and its bytes and waits for its sync.
struct BuiltChunk {
    chunk: Arc<TailChunk>,
    /// In the order of the chunk's footer.
    partitions: Vec<(Arc<Partition>, Offset)>,
    ticket: Arc<Ticket>,
    /// What of it producers wait for; nothing once the log has stalled.
    in_log: u64,
}

impl Shared {
    pub(crate) fn new(
        config: StorageConfig,
        runtime: Runtime,
        ledger: Ledger,
        segments: Segments,
    ) -> Arc<Self> {
        let pages =
            Pages::new(segments.objects().clone(), segments.keys().clone(), runtime.clone());
        Arc::new(Self {
            budget: Budget::new(config.memory.unflushed_bytes),
            tail: Tail::new(config.memory.tail_bytes),
            open: OpenChunks::new(config.wal.chunk_bytes_max),
            config,
            runtime,
            ledger,
            segments,
            pages,
            wal: OnceLock::new(),
            partitions: Mutex::default(),
            sealed_epochs: Mutex::default(),
            settling: tokio::sync::Mutex::default(),
            built: Mutex::default(),
            deleted: Mutex::default(),
            flush_commit: RwLock::new(()),
            flusher: tokio::sync::Mutex::default(),
            segment_buffers: SpareBuffers::new(1, flusher::SEGMENT_BUFFER_MAX),
            flushes: FlushReader::default(),
            flush_wanted: Notify::new(),
            next_object: AtomicU64::new(0),
            sealed: AtomicBool::new(false),
        })
    }

    /// Puts batches into the open chunk, under the lock of their partition.
    pub(crate) fn push(
        &self,
        generation: u64,
        slot: &mut GroupSlot,
        partition: &Arc<Partition>,
        batches: Vec<Stamped>,
    ) -> Result<Arc<Ticket>, PushError> {
        let bytes = batches.iter().map(|batch| batch.bytes.len()).sum();
        let bytes = append_cost(bytes, batches.len()) as u64;
        // Counted first: the chunk may be committed and flushed before this returns.
        self.budget.pushed(bytes);
        let pushed = self.open.push(generation, slot, partition, batches);
        if pushed.is_err() {
            self.budget.not_pushed(bytes);
        }
        pushed
    }

    /// The log, while it runs.
    pub(crate) fn log(&self) -> Option<Arc<dyn WriteAheadLog>> {
        self.wal.get().and_then(Weak::upgrade)
    }

    /// Tells the log that something is open.
    pub(crate) fn ring(&self) {
        if let Some(wal) = self.log() {
            wal.ring();
        }
    }

    /// The partition, if it is open here.
    pub(crate) fn partition(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        self.partitions().get(&id).cloned()
    }

    /// Each of the partitions, if it is open.
    pub(crate) fn open_of(
        &self,
        ids: impl Iterator<Item = TopicPartition>,
    ) -> Vec<Option<Arc<Partition>>> {
        let open = self.partitions();
        ids.map(|id| open.get(&id).cloned()).collect()
    }

    pub(crate) fn partitions(&self) -> MutexGuard<'_, HashMap<TopicPartition, Arc<Partition>>> {
        self.partitions.lock().expect("no panic while partitions are listed")
    }

    pub(crate) fn deleted(&self) -> MutexGuard<'_, HashMap<TopicPartition, ChunkSeq>> {
        self.deleted.lock().expect("no panic while deletions are listed")
    }

    pub(crate) fn sealed_epochs(&self) -> MutexGuard<'_, Sealed> {
        self.sealed_epochs.lock().expect("no panic while sealed epochs are listed")
    }

    /// Whether the broker epoch has ended: nothing is acknowledged any more.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// A name that no object of the cluster has had.
    pub(crate) fn new_object(&self, kind: &str) -> ObjectId {
        let number = self.next_object.fetch_add(1, Ordering::Relaxed);
        let StorageConfig { incarnation, broker, broker_epoch, .. } = &self.config;
        ObjectId::new(format!("{incarnation}/{kind}/{broker}/{broker_epoch}/{number}"))
    }

    pub(crate) fn chunk_object(&self, log: LogId, seq: ChunkSeq) -> ObjectId {
        let (incarnation, LogId { broker, epoch }) = (&self.config.incarnation, log);
        ObjectId::new(format!("{incarnation}/wal/{broker}/0/{epoch}/{seq}"))
    }

    pub(crate) fn new_salt(&self) -> Salt {
        let mut salt = Salt([0; 16]);
        self.runtime.fill_random(&mut salt.0);
        salt
    }

    /// Lets go of flushed chunks that the budget has no room for.
    pub(crate) fn evict(&self) {
        for chunk in self.tail.evict() {
            // Not all at once: whoever looks up a partition waits meanwhile.
            for entries in chunk.footer.partitions.chunks(LOOKED_UP_AT_ONCE_MAX) {
                let open = self.open_of(entries.iter().map(|entry| entry.partition));
                for (entry, partition) in entries.iter().zip(open) {
                    if let Some(partition) = partition {
                        partition.lock().drop_tail(entry.offsets.end);
                    }
                }
            }
        }
    }

    fn built(&self) -> MutexGuard<'_, VecDeque<BuiltChunk>> {
        // The list is whole also after a panic: it is changed by single calls.
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Settles a ticket: as committed, or, when dropped, as closed.
struct Settles<'a>(&'a Ticket);

impl Settles<'_> {
    fn committed(self) {
        self.0.settle(Ok(()));
        std::mem::forget(self);
    }
}

impl Drop for Settles<'_> {
    fn drop(&mut self) {
        self.0.settle(Err(CommitError::Closed));
    }
}

/// The write-ahead log's view of [`Shared`].
pub(crate) struct Source(pub(crate) Arc<Shared>);

impl Source {
    /// Runs a step of the log. If it breaks an invariant of ours the epoch ends here, so that
    /// nobody waits for ever.
    fn or_end<T>(&self, step: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|broken| {
            self.end();
            resume_unwind(broken)
        })
    }

    fn build_open(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> bool {
        let shared = &*self.0;
        let Some(mut open) = shared.open.take() else { return false };
        open.groups.sort_unstable_by_key(|group| group.partition.id());
        let log = shared.ledger.own();
        let options =
            SegmentOptions { keep_plaintext: Some(open.bytes), ..SegmentOptions::default() };
        let key = shared.config.keys.current();
        let object = shared.chunk_object(log, seq);
        let mut writer = SegmentWriter::new(out, object, key, shared.new_salt(), options);
        writer.reserve_partitions(open.groups.len());
        let mut partitions = Vec::with_capacity(open.groups.len());
        for group in open.groups {
            let (id, end) = (group.partition.id(), group.end());
            for batch in group.batches {
                writer.append(id, &batch.summary, batch.log_append_time, &batch.bytes);
            }
            group.partition.built(end);
            partitions.push((group.partition, end));
        }
        let finished = writer.finish();
        let chunk = Arc::new(TailChunk {
            log,
            seq,
            footer: Arc::new(finished.footer),
            ranges: finished.plaintext_ranges,
            plaintext: finished.plaintext,
            charged: open.cost as u64,
            since: shared.runtime.monotonic(),
        });
        let in_log = chunk.charged;
        shared.built().push_back(BuiltChunk { chunk, partitions, ticket: open.ticket, in_log });
        true
    }

    fn commit_built(&self, seq: ChunkSeq) {
        let shared = &*self.0;
        let built = shared.built().pop_front().expect("a chunk is built before it is committed");
        // Whatever happens from here on, who waits for the chunk is told.
        let settles = Settles(&built.ticket);
        assert_eq!(built.chunk.seq, seq, "chunks are committed in the order they were built");
        if built.in_log > 0 {
            let took = shared.runtime.monotonic().saturating_sub(built.chunk.since);
            shared.budget.note_speed(built.in_log, took);
            shared.budget.left_log(built.in_log);
        }
        let waiting = shared.tail.push(built.chunk.clone());
        for (index, (partition, _)) in built.partitions.iter().enumerate() {
            partition.commit(built.chunk.run(index));
        }
        settles.committed();
        if waiting >= shared.config.flush.bytes || shared.budget.is_pressed() {
            shared.flush_wanted.notify_one();
        }
    }

    /// Nothing is acknowledged any more.
    fn end(&self) {
        let shared = &*self.0;
        shared.sealed.store(true, Ordering::Release);
        let open = shared.open.close();
        shared.budget.close();
        let partitions: Vec<_> = shared.partitions().values().cloned().collect();
        for partition in partitions {
            partition.close();
        }
        for built in shared.built().drain(..) {
            built.ticket.settle(Err(CommitError::Closed));
        }
        for chunk in open {
            chunk.fail(CommitError::Closed);
        }
        shared.flush_wanted.notify_one();
    }
}

impl ChunkSource for Source {
    fn build(&self, seq: ChunkSeq, out: &mut WriteBuffer) -> bool {
        self.or_end(|| self.build_open(seq, out))
    }

    fn committed(&self, seq: ChunkSeq) {
        self.or_end(|| self.commit_built(seq));
    }
    fn refused(&self, _: &WalError) {
        for chunk in self.0.open.drain() {
            self.0.budget.not_pushed(chunk.cost as u64);
            chunk.fail(CommitError::Storage);
        }
    }

    fn stalled(&self, seq: ChunkSeq, _: &WalError) {
        let mut all = self.0.built();
        let Some(built) = all.iter_mut().find(|built| built.chunk.seq == seq) else { return };
        // Who waits is told; who asks again (a retry of an idempotent batch) waits for the outcome.
        let again = Arc::new(Ticket::default());
        for (partition, _) in &built.partitions {
            partition.lock().replace_ticket(&built.ticket, &again);
        }
        std::mem::replace(&mut built.ticket, again).settle(Err(CommitError::Storage));
        // Whoever comes is to be told as well, not to wait.
        self.0.budget.left_log(std::mem::take(&mut built.in_log));
    }

    fn sealed(&self, _: ChunkSeq) {
        self.end();
    }
}
