//! The loads of a process that are under way.
//!
//! A block is loaded once at a time, whoever asks. A load holds permits for its bytes from before it
//! begins; their number in a process is fixed. Only readers wait for permits, and may stop waiting; no
//! task does.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::cache::block::{BlockKey, Outcome};

/// The bytes of one permit.
const PERMIT_BYTES: u64 = 1024;

/// How many loads may keep what the cache did not take, and the part of the room that each holds.
const KEPT_MAX: usize = 2;
const KEPT_PART: usize = 4;

pub(super) struct Loads {
    under_way: Mutex<HashMap<BlockKey, Load>>,
    room: Arc<Semaphore>,
    all: u32,
    kept: Arc<Semaphore>,
}

/// A load under way.
#[derive(Clone)]
pub(super) struct Load {
    outcome: Shared<BoxFuture<'static, Option<Outcome>>>,
    taken: Arc<Notify>,
}

impl Load {
    /// A load, and whom it tells its outcome.
    pub(super) fn new() -> (Self, oneshot::Sender<Outcome>) {
        let (sender, receiver) = oneshot::channel();
        let outcome = receiver.map(Result::ok).boxed().shared();
        (Self { outcome, taken: Arc::default() }, sender)
    }

    /// None if its task ended without one: the broker that began it stops.
    pub(super) async fn outcome(self) -> Option<Outcome> {
        let outcome = self.outcome.await;
        self.taken.notify_one();
        outcome
    }

    /// Waits until a reader has its outcome.
    pub(super) async fn taken(&self) {
        self.taken.notified().await;
    }
}

impl Loads {
    pub(super) fn new(bytes: u64) -> Self {
        let most = Semaphore::MAX_PERMITS.min(u32::MAX as usize) as u64;
        let all = (bytes / PERMIT_BYTES).clamp(1, most) as u32;
        let (room, kept) = (Semaphore::new(all as usize), Semaphore::new(KEPT_MAX));
        Self { under_way: Mutex::default(), room: room.into(), all, kept: kept.into() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<BlockKey, Load>> {
        self.under_way.lock().expect("no panic while loads are looked up")
    }

    /// Room for a load of so many bytes, when its turn has come. No load takes more than half, which
    /// those that are kept leave.
    pub(super) async fn room(&self, bytes: u64) -> OwnedSemaphorePermit {
        let room = self.room.clone().acquire_many_owned(self.permits(bytes));
        room.await.expect("the semaphore is never closed")
    }

    /// As [`Loads::room`], if there is room now.
    pub(super) fn room_now(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        self.room.clone().try_acquire_many_owned(self.permits(bytes)).ok()
    }

    /// Room for a load that nobody waits for yet: none if less than half is left.
    pub(super) fn room_ahead(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        if self.room.available_permits() < self.all as usize / 2 {
            return None;
        }
        self.room_now(bytes)
    }

    /// Room to keep what a load has read, of the room that it has. None if others do already.
    pub(super) fn keep(&self, room: &mut OwnedSemaphorePermit) -> Option<OwnedSemaphorePermit> {
        let kept = self.kept.clone().try_acquire_owned().ok()?;
        let most = self.all as usize / KEPT_PART;
        drop(room.split(room.num_permits().saturating_sub(most)));
        Some(kept)
    }

    fn permits(&self, bytes: u64) -> u32 {
        let most = u64::from(self.all / 2).max(1);
        bytes.div_ceil(PERMIT_BYTES).clamp(1, most) as u32
    }
}
