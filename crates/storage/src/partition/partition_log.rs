//! One partition's log, as its leader sees it.
//!
//! Owns: which offsets are given to whom, what is pending and what is committed, the newest batches
//! in memory, and where the older ones are. Invariants:
//!  - the state is behind one short lock, never held across an await;
//!  - offsets are given under that lock and pushed into the open chunk before it is let go, so a
//!    partition's batches are in the log in offset order;
//!  - the high watermark is the end of what is committed; nothing above it is shown; it never goes
//!    back, nor does the log start;
//!  - from the log start to the high watermark every offset is in segments, in the tail, or in
//!    both.
//!
//! It knows nothing of Kafka requests: the broker checks batches before they come here.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use milena_types::{LeaderEpoch, Offset, Timestamp, TopicPartition};

use crate::{
    partition::{
        producers::state::ActiveProducer,
        read::Isolation,
        state::{State, TailRun},
        watch::{Waiter, Waiters, WatchGuard},
    },
    shared::Shared,
    tuning::PartitionOptions,
};

/// See the module's documentation. Shared by the connections that use it; closed by
/// [`crate::Storage`].
pub struct Partition {
    pub(super) id: TopicPartition,
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) shared: Arc<Shared>,
    state: Mutex<State>,
    /// The offset after the last batch that was built into a chunk: what a refused chunk reverts
    /// to. Written by the log's thread only.
    built_end: AtomicI64,
    waiters: Waiters,
    /// One change of the manifest at a time.
    pub(super) manifest_change: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partition")
            .field("id", &self.id)
            .field("leader_epoch", &self.leader_epoch)
            .finish()
    }
}

/// Where a partition's log starts and how far it can be read. `log_start <= last_stable <=
/// high_watermark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset that is still there.
    pub log_start: Offset,
    /// The offset after the last committed record.
    pub high_watermark: Offset,
    /// Up to here no transaction is open.
    pub last_stable: Offset,
}

impl Bounds {
    /// How far a reader of this isolation level may read.
    pub const fn end(&self, isolation: Isolation) -> Offset {
        match isolation {
            Isolation::Uncommitted => self.high_watermark,
            Isolation::Committed => self.last_stable,
        }
    }
}

impl Partition {
    pub(crate) fn new(id: TopicPartition, shared: Arc<Shared>, state: State) -> Arc<Self> {
        Arc::new(Self {
            id,
            leader_epoch: state.leader_epoch,
            built_end: AtomicI64::new(state.next_offset.0),
            shared,
            state: Mutex::new(state),
            waiters: Waiters::default(),
            manifest_change: tokio::sync::Mutex::new(()),
        })
    }

    /// The topic's id and the partition's number.
    pub fn id(&self) -> TopicPartition {
        self.id
    }

    /// The term this broker leads the partition in.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// Where the log starts and how far it can be read.
    pub fn bounds(&self) -> Bounds {
        self.lock().bounds()
    }

    /// The offset the next record will get if everything pending is committed.
    pub fn pending_end(&self) -> Offset {
        self.lock().next_offset
    }

    /// Whether the partition was closed here: moved, deleted, or the broker stops.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The options in force.
    pub fn options(&self) -> PartitionOptions {
        self.lock().options
    }

    /// Puts other options in force, from the next append or retention pass on.
    pub fn set_options(&self, options: PartitionOptions) {
        self.lock().options = options;
    }

    /// The largest leader epoch that is not above `asked`, and the offset after its last record:
    /// see [`crate::EpochHistory::end_of`].
    pub fn end_offset_for_epoch(&self, asked: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let state = self.lock();
        state.epochs.end_of(asked, state.high_watermark)
    }

    /// The leader epoch that the record at `offset` was written in.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.lock().epochs.at(offset)
    }

    /// The partition's size in bytes, as clients sent it: segments and unflushed chunks.
    pub fn size_bytes(&self) -> u64 {
        self.lock().size_bytes()
    }

    /// The idempotent and transactional producers with committed state.
    pub fn active_producers(&self) -> Vec<ActiveProducer> {
        self.lock().producers.active()
    }

    /// Wakes `waiter` when more can be read, or when the partition changes in another way, until
    /// the guard is dropped. Register first, then look: then nothing is missed.
    pub fn watch(self: &Arc<Self>, waiter: &Waiter) -> WatchGuard {
        self.waiters.add(waiter);
        WatchGuard { partition: self.clone(), waiter: waiter.clone() }
    }

    pub(crate) fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while a partition is changed")
    }

    pub(super) fn built_end(&self) -> Offset {
        Offset(self.built_end.load(Ordering::Acquire))
    }

    /// Batches up to `end` are in a chunk with a sequence number: they will be committed, or the
    /// epoch is sealed.
    pub(crate) fn built(&self, end: Offset) {
        self.built_end.store(end.0, Ordering::Release);
    }

    /// What is pushed and not built will not be: forget it.
    pub(crate) fn revert_open(&self) {
        let generation = self.shared.open.generation();
        if let Ok(mut state) = self.state.lock() {
            state.revert(self.built_end(), generation);
        }
    }

    /// The chunk of `run` is committed.
    pub(crate) fn commit(&self, run: TailRun) {
        let bytes = run.bytes.len();
        self.lock().commit(run, || Timestamp(self.shared.runtime.wall_ms()));
        self.waiters.added(bytes);
    }

    /// Accepts nothing more and wakes everybody who waits.
    pub(crate) fn close(&self) {
        // Also after a panic: nothing is read from a broken state, since whoever locks it otherwise
        // panics too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.waiters.changed();
    }
}
