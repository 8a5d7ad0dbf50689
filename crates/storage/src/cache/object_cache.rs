//! One cluster's objects, read through the process's cache.
//!
//! A load is a task of its own: who asked for it may stop waiting, and finds it in the cache when
//! asking again.

use std::{future, panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use milena_runtime::Runtime;
use milena_types::ClusterId;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    cache::{
        block::{BlockKey, Cacheable, CachedBlock, LoadError, Outcome, Place},
        block_cache::BlockCache,
        loads::Load,
    },
    objects::{object_id::ObjectId, store::ObjectError},
};

/// After so long a load has failed: the store may have forgotten it.
const LOAD_TIME_MAX: Duration = Duration::from_secs(60);

/// What the cache does not take, being too large, waits so long for a reader.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct ObjectCache {
    cluster: ClusterId,
    pub(super) blocks: BlockCache,
    runtime: Runtime,
}

/// A load that is to begin.
pub(super) struct NewLoad {
    pub(super) key: BlockKey,
    /// What it takes of memory, about.
    pub(super) bytes: u64,
    pub(super) load: BoxFuture<'static, Outcome>,
    /// The outcome when it cannot begin, since the broker stops.
    pub(super) stopping: fn(ObjectId) -> Outcome,
}

impl NewLoad {
    pub(super) fn new<T: Cacheable>(
        key: BlockKey,
        bytes: u64,
        load: impl Future<Output = Result<T, T::Error>> + Send + 'static,
    ) -> Self {
        let object = key.object.clone();
        let load = async move {
            let load = tokio::time::timeout(LOAD_TIME_MAX, load);
            // Without an outcome it would be loaded again and again.
            let outcome = match AssertUnwindSafe(load).catch_unwind().await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(ObjectError::timed_out(object).into()),
                Err(_) => Err(ObjectError::panicked(object).into()),
            };
            outcome.map(CachedBlock::new).map_err(LoadError::new::<T>)
        };
        let stopping = |object| Err(LoadError::new::<T>(ObjectError::stopping(object).into()));
        Self { key, bytes, load: Box::pin(load), stopping }
    }
}

/// Ends a load's being under way, also if its task is dropped.
struct Ended {
    blocks: BlockCache,
    key: BlockKey,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.blocks.loads().lock().remove(&self.key);
    }
}

impl ObjectCache {
    pub(crate) fn new(cluster: ClusterId, blocks: BlockCache, runtime: Runtime) -> Self {
        Self { cluster, blocks, runtime }
    }

    pub(super) fn key(&self, object: &ObjectId, place: Place) -> BlockKey {
        BlockKey { cluster: self.cluster.clone(), object: object.clone(), place }
    }

    /// Keeps what was read together with something else.
    pub(crate) fn insert<T: Cacheable>(&self, object: &ObjectId, place: Place, value: T) {
        self.blocks.insert(self.key(object, place), CachedBlock::new(value));
    }

    /// The load of `key` under way, whoever began it.
    pub(super) fn under_way(&self, key: &BlockKey) -> Option<Load> {
        self.blocks.loads().lock().get(key).cloned()
    }

    /// Loads a block: at once if there is room for it, or when there is. If what is returned is
    /// dropped, a load that has begun goes on. None: look again.
    pub(super) fn load(&self, new: NewLoad) -> BoxFuture<'static, Option<Outcome>> {
        if self.runtime.stopping().is_cancelled() {
            return Box::pin(future::ready(Some((new.stopping)(new.key.object))));
        }
        let Some(room) = self.blocks.loads().room_now(new.bytes) else {
            let cache = self.clone();
            return Box::pin(async move {
                // Loads of other brokers have it, which may end late.
                let room = tokio::select! {
                    biased;
                    () = cache.runtime.stopping().cancelled() => return None,
                    room = cache.blocks.loads().room(new.bytes) => room,
                };
                cache.begin(new, room, true)?.outcome().await
            });
        };
        match self.begin(new, room, true) {
            Some(load) => Box::pin(load.outcome()),
            None => Box::pin(future::ready(None)),
        }
    }

    /// Begins to load a block that nobody waits for yet, if there is room enough. Returns whether it
    /// did.
    pub(super) fn load_ahead(&self, new: NewLoad) -> bool {
        let room = self.blocks.loads().room_ahead(new.bytes);
        room.is_some_and(|room| self.begin(new, room, false).is_some())
    }

    /// Begins a load, or joins one; none if it was loaded meanwhile. `is_wanted`: what the cache does
    /// not take is kept for a reader.
    fn begin(&self, new: NewLoad, mut room: OwnedSemaphorePermit, is_wanted: bool) -> Option<Load> {
        let NewLoad { key, load, .. } = new;
        let (begun, outcome_of_load) = Load::new();
        {
            let mut under_way = self.blocks.loads().lock();
            if let Some(other) = under_way.get(&key) {
                return Some(other.clone());
            }
            if self.blocks.peek(&key).is_some() {
                return None;
            }
            under_way.insert(key.clone(), begun.clone());
        }
        let ended = Ended { blocks: self.blocks.clone(), key };
        let (stopping, loading) = (self.runtime.stopping().clone(), begun.clone());
        self.runtime.spawn(async move {
            let Ended { blocks, key } = &ended;
            let run = async {
                let outcome = load.await;
                let is_refused = outcome.as_ref().is_ok_and(|block| {
                    blocks.insert(key.clone(), block.clone());
                    blocks.peek(key).is_none()
                });
                // Nobody may wait for it any more.
                let _ = outcome_of_load.send(outcome);
                if is_wanted
                    && is_refused
                    && let Some(_kept) = blocks.loads().keep(&mut room)
                {
                    let _ = tokio::time::timeout(KEPT_FOR, loading.taken()).await;
                }
            };
            tokio::select! {
                biased;
                () = stopping.cancelled() => {}
                () = run => {}
            }
        });
        Some(begun)
    }
}
