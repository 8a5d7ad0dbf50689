//! One partition of `__consumer_offsets`: its coordinator behind one short lock, and the requests
//! that wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use milena_coordinator::groups::{
    Coordinator, GroupError, ListFilter, ListedGroup, Reply, ReplyId, Request, SnapshotCursor,
};
use milena_metadata::ImageWatcher;
use milena_storage::{BudgetPermit, Partition};
use milena_types::Offset;
use tokio::sync::oneshot;

use super::timers::Timers;
use crate::memory::count::Counted;

/// The groups of one partition.
pub(super) struct GroupShard {
    pub(super) partition: Arc<Partition>,
    pub(super) timers: Arc<Timers>,
    images: ImageWatcher,
    state: Mutex<ShardState>,
}

pub(super) struct ShardState {
    pub(super) phase: Phase,
    waiting: HashMap<ReplyId, WaitingRequest>,
    next_reply: u64,
    /// Whether a task appends; it looks for more before it ends.
    pub(super) writing: bool,
    pub(super) growth: Growth,
    /// The bytes of the groups, counted in the process's memory.
    counted: Counted,
}

/// A request without a reply. Its client may be gone.
struct WaitingRequest {
    reply: oneshot::Sender<Reply>,
    /// For what it has queued for the log.
    _admission: Option<BudgetPermit>,
}

pub(super) enum Phase {
    Loading,
    Active(Box<Coordinator>),
    Closed,
}

/// The growth of the log since the last snapshot, and the snapshot that is being written.
pub(super) struct Growth {
    /// A log that has grown by less gets no snapshot.
    pub(super) bytes_min: u64,
    /// Bytes appended since the last snapshot began.
    pub(super) bytes: u64,
    /// The size of the last snapshot.
    pub(super) snapshot_bytes: u64,
    pub(super) snapshot: Option<SnapshotProgress>,
}

/// A snapshot of which parts are in the log.
pub(super) struct SnapshotProgress {
    /// The offset of its first part, at which the log will start. `None` before that is written.
    pub(super) begins: Option<Offset>,
    pub(super) cursor: Option<SnapshotCursor>,
    pub(super) bytes: u64,
}

impl GroupShard {
    /// Begins to load the partition.
    pub(super) fn start(
        partition: Arc<Partition>,
        timers: Arc<Timers>,
        images: ImageWatcher,
    ) -> Arc<Self> {
        let state = ShardState {
            phase: Phase::Loading,
            waiting: HashMap::new(),
            next_reply: 0,
            writing: false,
            growth: Growth {
                bytes_min: timers.config.log_growth_bytes,
                bytes: 0,
                snapshot_bytes: 0,
                snapshot: None,
            },
            counted: timers.memory.empty(),
        };
        let shard = Arc::new(Self { partition, timers, images, state: Mutex::new(state) });
        let loading = shard.clone();
        shard.timers.runtime.spawn(async move { loading.load().await });
        shard
    }

    /// Hands a request to the coordinator. The reply may be available at once, or after other
    /// members joined, after a timer, or once the log has the records that it depends on.
    pub(super) fn call(
        self: &Arc<Self>,
        request: Request,
        admission: Option<BudgetPermit>,
    ) -> Result<oneshot::Receiver<Reply>, GroupError> {
        let (reply, receiver) = oneshot::channel();
        let mut state = self.lock();
        let id = ReplyId(state.next_reply);
        let is_full = state.counted.is_full();
        let coordinator = state.coordinator()?;
        coordinator.set_full(is_full);
        coordinator.request(id, request, self.timers.now());
        state.next_reply += 1;
        state.waiting.insert(id, WaitingRequest { reply, _admission: admission });
        self.drain_effects(&mut state);
        Ok(receiver)
    }

    pub(super) fn list(&self, filter: &ListFilter) -> Result<Vec<ListedGroup>, GroupError> {
        Ok(self.lock().coordinator()?.list(filter))
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.lock().coordinator().ok()?.next_deadline()
    }

    pub(super) fn tick(self: &Arc<Self>) {
        self.with_coordinator(|coordinator, shard| coordinator.tick(shard.timers.now()));
    }

    pub(super) fn expire_offsets(self: &Arc<Self>) {
        self.with_coordinator(|coordinator, shard| {
            // Of a topic that was deleted between a commit's look at the image and its write.
            shard.forget_deleted_topics_of(coordinator);
            coordinator.expire_offsets(shard.timers.now());
        });
    }

    /// Deletes the offsets of topics that the image no longer has.
    pub(super) fn forget_deleted_topics(self: &Arc<Self>) {
        self.with_coordinator(|coordinator, shard| shard.forget_deleted_topics_of(coordinator));
    }

    /// The image has every topic that an offset was committed for and that exists: it is at least as
    /// new as this broker's leadership of the partition, which began after the commits before it.
    fn forget_deleted_topics_of(&self, coordinator: &mut Coordinator) {
        let image = self.images.current();
        coordinator.forget_topics(
            &|name, id| match id {
                Some(id) => image.topic_by_id(id).is_none(),
                None => image.topic(name.as_str()).is_none(),
            },
            self.timers.now(),
        );
    }

    /// Replies to all waiting requests, and serves no more. Idempotent.
    pub(super) fn close(self: &Arc<Self>) {
        let mut state = self.lock();
        if let Ok(coordinator) = state.coordinator() {
            coordinator.unload(GroupError::NotCoordinator, self.timers.now());
            self.drain_effects(&mut state);
        }
        state.phase = Phase::Closed;
        state.counted.set(0);
        state.waiting.clear();
    }

    /// The partition is loaded; `log_bytes` of it were read.
    pub(super) fn activate(self: &Arc<Self>, mut coordinator: Coordinator, log_bytes: u64) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Loading) {
            coordinator.start(self.timers.now());
            // Those deleted while nobody led the partition.
            self.forget_deleted_topics_of(&mut coordinator);
            state.phase = Phase::Active(Box::new(coordinator));
            state.growth.bytes = log_bytes;
            self.drain_effects(&mut state);
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.lock().phase, Phase::Closed)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ShardState> {
        self.state.lock().expect("no panic while groups are changed")
    }

    fn with_coordinator(self: &Arc<Self>, change: impl FnOnce(&mut Coordinator, &Self)) {
        let mut state = self.lock();
        if let Ok(coordinator) = state.coordinator() {
            change(coordinator, self);
            self.drain_effects(&mut state);
        }
    }

    /// After a change of the coordinator: passes replies on, starts appending, and schedules the
    /// next deadline.
    pub(super) fn drain_effects(self: &Arc<Self>, state: &mut ShardState) {
        let Phase::Active(coordinator) = &mut state.phase else { return };
        for (id, reply) in coordinator.take_replies() {
            if let Some(waiting) = state.waiting.remove(&id) {
                // The caller may be gone.
                let _ = waiting.reply.send(reply);
            }
        }
        state.counted.set(coordinator.bytes());
        self.timers.schedule(coordinator.next_deadline());
        if !state.writing && (coordinator.wants_append() || state.growth.wants_snapshot()) {
            state.writing = true;
            let writer = self.clone();
            self.timers.runtime.spawn(async move { writer.write().await });
        }
    }
}

impl ShardState {
    pub(super) fn coordinator(&mut self) -> Result<&mut Coordinator, GroupError> {
        match &mut self.phase {
            Phase::Active(coordinator) => Ok(coordinator),
            Phase::Loading => Err(GroupError::CoordinatorLoadInProgress),
            Phase::Closed => Err(GroupError::NotCoordinator),
        }
    }
}
