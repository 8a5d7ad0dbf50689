//! Memory that is shared, given in the order in which it is asked for.
//!
//! Up to [`UNCOUNTED_BYTES`] are not counted: the number of such pieces is bounded by that of the
//! connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::count::ByteCount;

pub(crate) const UNCOUNTED_BYTES: usize = 64 * 1024;
/// What a response gets at least before it is built, if it may be as large.
const FIRST_BYTES: usize = 1 << 20;
/// Which part of what is left one response gets at once.
const PART: usize = 4;
/// Which part of all may wait that is built already.
const BUILT_PART: usize = 2;
/// What one permit stands for.
const PERMIT_BYTES: usize = 1024;

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    permits: Arc<Semaphore>,
    all: usize,
    /// How many wait for room.
    waiting: Arc<watch::Sender<usize>>,
    /// Bytes of built responses that wait for room: at most half as much as there is room for.
    built: ByteCount,
    built_max: usize,
}

/// Room, until this is dropped.
#[derive(Debug)]
pub(crate) struct RoomPermit {
    room: Room,
    permit: Option<OwnedSemaphorePermit>,
}

/// One that waits.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|number| *number += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|number| *number -= 1);
    }
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let all = (bytes / PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let built_max = all * PERMIT_BYTES / BUILT_PART;
        Self {
            permits: Arc::new(Semaphore::new(all)),
            all,
            waiting: Arc::new(watch::Sender::new(0)),
            built: ByteCount::new(built_max),
            built_max,
        }
    }

    /// A part of all there is, in bytes.
    pub(crate) fn part(&self, of: usize) -> usize {
        self.all * PERMIT_BYTES / of
    }

    /// None, which is enough for what is small.
    pub(crate) fn none(&self) -> RoomPermit {
        RoomPermit { room: self.clone(), permit: None }
    }

    /// Room for a response of up to `bytes` that is not built yet: less where little is left, but
    /// always some. Cancel-safe.
    pub(crate) async fn up_to(&self, bytes: usize) -> RoomPermit {
        if bytes <= UNCOUNTED_BYTES {
            return self.none();
        }
        let mut permit = self.exactly(bytes.min(FIRST_BYTES)).await;
        let missing = bytes.saturating_sub(permit.bytes()) / PERMIT_BYTES;
        permit.grow(missing.min(self.permits.available_permits() / PART));
        permit
    }

    /// Room for `bytes`, or all of it where that is less. Cancel-safe.
    pub(crate) async fn exactly(&self, bytes: usize) -> RoomPermit {
        if let Some(room) = self.exactly_now(bytes) {
            return room;
        }
        let _waiting = Waiting::new(&self.waiting);
        let permits = self.permits.clone().acquire_many_owned(self.permits_for(bytes));
        let permit = permits.await.expect("room is never closed");
        RoomPermit { room: self.clone(), permit: Some(permit) }
    }

    /// The same without a wait.
    fn exactly_now(&self, bytes: usize) -> Option<RoomPermit> {
        if bytes <= UNCOUNTED_BYTES {
            return Some(self.none());
        }
        let permit = self.permits.clone().try_acquire_many_owned(self.permits_for(bytes)).ok()?;
        Some(RoomPermit { room: self.clone(), permit: Some(permit) })
    }

    fn permits_for(&self, bytes: usize) -> u32 {
        bytes.div_ceil(PERMIT_BYTES).min(self.all) as u32
    }

    /// Room for `bytes` that are there already. None: too much of that kind waits. Cancel-safe.
    pub(crate) async fn for_built(&self, bytes: usize) -> Option<RoomPermit> {
        if let Some(room) = self.exactly_now(bytes) {
            return Some(room);
        }
        let mut counted = self.built.empty();
        // One alone may wait, however large it is.
        if !counted.try_set(bytes.min(self.built_max)) {
            return None;
        }
        Some(self.exactly(bytes).await)
    }

    /// Returns when somebody waits for room.
    pub(crate) async fn wanted(&self) {
        // Fails when all senders are gone, of which this is one.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }
}

impl RoomPermit {
    /// Whether it keeps room from others.
    pub(crate) fn is_counted(&self) -> bool {
        self.permit.is_some()
    }

    /// For how many bytes.
    pub(crate) fn bytes(&self) -> usize {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        (held * PERMIT_BYTES).max(UNCOUNTED_BYTES)
    }

    /// Whether it is for so many bytes, or can be made to be, but for a few.
    pub(crate) fn covers(&mut self, bytes: usize) -> bool {
        self.set_bytes(bytes);
        self.bytes() + UNCOUNTED_BYTES >= bytes
    }

    /// It became so many bytes: what is held beyond is given back. Where it became more, what there
    /// is left is taken.
    pub(crate) fn set_bytes(&mut self, bytes: usize) {
        let needed = if bytes <= UNCOUNTED_BYTES { 0 } else { bytes.div_ceil(PERMIT_BYTES) };
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if needed == 0 {
            self.permit = None;
        } else if held < needed {
            self.grow(needed - held);
        } else if let Some(permit) = &mut self.permit {
            drop(permit.split(held - needed));
        }
    }

    fn grow(&mut self, permits: usize) {
        let permits = permits.min(self.room.permits.available_permits()) as u32;
        if let Ok(more) = self.room.permits.clone().try_acquire_many_owned(permits) {
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                none => *none = Some(more),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, poll};

    use super::*;

    #[tokio::test]
    async fn with_little_left_a_response_gets_less_and_with_nothing_it_waits() {
        let room = Room::new(8 << 20);
        assert_eq!(room.up_to(100).await.bytes(), UNCOUNTED_BYTES, "small ones are free");
        let first = room.up_to(50 << 20).await;
        assert!((1 << 20..4 << 20).contains(&first.bytes()), "{}", first.bytes());
        let held: Vec<RoomPermit> =
            std::iter::from_fn(|| room.up_to(50 << 20).now_or_never()).collect();
        assert!(held.len() >= 3 && held.iter().all(|permit| permit.bytes() >= FIRST_BYTES));
        assert!(room.wanted().now_or_never().is_none(), "nobody waits");
        let mut next = std::pin::pin!(room.exactly(5 << 20));
        assert!(poll!(next.as_mut()).is_pending());
        room.wanted().now_or_never().expect("one waits");
        drop((first, held));
        assert_eq!(next.await.bytes(), 5 << 20);
        assert!(room.wanted().now_or_never().is_none(), "nobody waits any more");
    }

    #[tokio::test]
    async fn of_what_is_built_already_little_waits() {
        let room = Room::new(4 << 20);
        let first = room.for_built(3 << 20).now_or_never().expect("room").expect("little waits");
        let mut waiting = std::pin::pin!(room.for_built(2 << 20));
        assert!(poll!(waiting.as_mut()).is_pending());
        assert!(room.for_built(1 << 20).now_or_never().expect("no wait").is_none());
        drop(first);
        let second = waiting.await.expect("it waited");
        assert_eq!(second.bytes(), 2 << 20);
        assert!(room.for_built(100 << 20).now_or_never().is_none(), "one alone may wait");
    }

    #[tokio::test]
    async fn what_was_not_needed_is_given_back() {
        let room = Room::new(4 << 20);
        let mut permit = room.exactly(100 << 20).await;
        assert_eq!(permit.bytes(), 4 << 20, "all there is");
        permit.set_bytes(1 << 20);
        assert_eq!(room.permits.available_permits() * PERMIT_BYTES, 3 << 20);
        permit.set_bytes(2 << 20);
        assert_eq!(permit.bytes(), 2 << 20);
        permit.set_bytes(10);
        assert_eq!(room.permits.available_permits() * PERMIT_BYTES, 4 << 20);
    }
}
