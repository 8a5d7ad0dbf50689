//! The handle of one partition's log: its state behind a lock, and the calls of the log's thread.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use milena_types::{LeaderEpoch, Offset, Timestamp, TopicPartition};

use crate::{
    catalog::manifests::Manifests,
    chunk::{
        log_core::LogCore,
        open_chunks::ChunkMember,
        tail::TailRun,
        ticket::{CommitError, Ticket},
    },
    partition::{
        bounds::Bounds,
        options::PartitionOptions,
        state::PartitionState,
        watch::{Waiter, Waiters},
    },
    segment::blocks::Segments,
};

/// One partition's log, as its leader sees it. Shared by the connections that use it; closed by
/// [`crate::Storage`].
pub struct Partition {
    pub(super) id: TopicPartition,
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) core: Arc<LogCore>,
    pub(super) manifests: Arc<Manifests>,
    pub(super) segments: Arc<Segments>,
    state: Mutex<PartitionState>,
    /// The offset after the last batch that was built into a chunk: what a refused chunk reverts
    /// to. Written by the log's thread only.
    built_end: AtomicI64,
    pub(super) waiters: Waiters,
    /// Serialises changes of the manifest.
    pub(super) manifest_change: Arc<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partition")
            .field("id", &self.id)
            .field("leader_epoch", &self.leader_epoch)
            .finish()
    }
}

impl Partition {
    pub(crate) fn new(
        id: TopicPartition,
        state: PartitionState,
        core: Arc<LogCore>,
        manifests: Arc<Manifests>,
        segments: Arc<Segments>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            leader_epoch: state.leader_epoch,
            core,
            manifests,
            segments,
            built_end: AtomicI64::new(state.next_offset.0),
            state: Mutex::new(state),
            waiters: Waiters::default(),
            manifest_change: Arc::default(),
        })
    }

    /// The topic's id and the partition's number.
    pub fn id(&self) -> TopicPartition {
        self.id
    }

    /// The leader epoch in which this broker leads the partition.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// The readable range of the log.
    pub fn bounds(&self) -> Bounds {
        self.lock().bounds()
    }

    /// The offset of the next record, if everything pending is committed.
    pub fn pending_end(&self) -> Offset {
        self.lock().next_offset
    }

    /// Whether the partition was closed here: moved, deleted, or the broker stops.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub fn options(&self) -> PartitionOptions {
        self.lock().options
    }

    /// Changes the topic's configuration, from the next append or retention pass on.
    pub fn set_options(&self, options: PartitionOptions) {
        self.lock().options = options;
    }

    /// The largest leader epoch that is not above `asked`, and the offset after its last record
    /// (OffsetForLeaderEpoch, KIP-101 and KIP-279).
    pub fn end_offset_for_epoch(&self, asked: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let state = self.lock();
        state.epochs.end_of(asked, state.high_watermark)
    }

    /// The leader epoch in which the record at `offset` was written.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.lock().epochs.at(offset)
    }

    /// The partition's size in bytes, as clients sent it: segments and unflushed chunks.
    pub fn size_bytes(&self) -> u64 {
        self.lock().size_bytes()
    }

    /// Wakes `waiter` when more can be read, or when the partition changes in another way, until
    /// the guard is dropped. Register before looking, so that no change is missed.
    pub fn watch(self: &Arc<Self>, waiter: &Waiter) -> WatchGuard {
        self.waiters.add(waiter);
        WatchGuard { partition: self.clone(), waiter: waiter.clone() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, PartitionState> {
        self.state.lock().expect("no panic while a partition is changed")
    }

    pub(super) fn built_end(&self) -> Offset {
        Offset(self.built_end.load(Ordering::Acquire))
    }

    /// Waits until nothing is pending: every accepted append was committed or has failed.
    /// Cancel-safe.
    pub(crate) async fn settled(&self) {
        loop {
            let last = self.lock().tickets.back().map(|(_, ticket)| ticket.clone());
            let Some(last) = last else { return };
            // The outcome does not matter here; a failed chunk's tickets are removed when it is
            // reverted.
            if last.settled().await.is_err() && self.core.is_sealed() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whether the batch that was assigned `offset` is in the log; waits until that is known. An
    /// append that failed with [`CommitError::Stalled`] may still be committed when the disk
    /// recovers. Only for the single writer of a partition, which must not append while this waits.
    /// Cancel-safe.
    pub async fn is_committed(&self, offset: Offset) -> bool {
        loop {
            let ticket = {
                let state = self.lock();
                if offset < state.high_watermark {
                    return true;
                }
                state.ticket_of(offset).cloned()
            };
            match ticket {
                None => return false,
                Some(ticket) if ticket.settled().await == Err(CommitError::Closed) => return false,
                Some(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// Refuses further appends and reads, and wakes all waiters.
    pub(crate) fn close(&self) {
        // Also after a panic: nothing is read from a broken state, since every other lock of it
        // panics too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.waiters.changed();
    }
}

impl ChunkMember for Partition {
    fn id(&self) -> TopicPartition {
        self.id
    }

    fn built(&self, end: Offset) {
        self.built_end.store(end.0, Ordering::Release);
    }

    fn commit(&self, run: TailRun) {
        let bytes = run.bytes.len();
        self.lock().commit(run, || Timestamp(self.core.runtime.wall_ms()));
        self.waiters.added(bytes);
    }

    fn replace_ticket(&self, ticket: &Arc<Ticket>, later: &Arc<Ticket>) {
        self.lock().replace_ticket(ticket, later);
    }

    fn revert_open(&self) {
        let generation = self.core.open.generation();
        if let Ok(mut state) = self.state.lock() {
            state.revert(self.built_end(), generation);
        }
    }
}

/// Keeps a waiter registered with a partition until dropped.
#[derive(Debug)]
pub struct WatchGuard {
    partition: Arc<Partition>,
    waiter: Waiter,
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        self.partition.waiters.remove(&self.waiter);
    }
}
