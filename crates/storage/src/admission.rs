//! Back-pressure: how many bytes of records may be accepted before they are in segments.
//!
//! Bytes are counted from the moment a request is admitted until a flush has put its records into segments. When
//! the budget is used up, further requests wait; nothing is ever dropped. A request larger than the whole budget
//! passes when nothing else is counted, so that it cannot wait for ever.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::Notify;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    /// Requests that were admitted and have not been pushed yet.
    reserved: AtomicU64,
    /// Pushed and not flushed.
    unflushed: AtomicU64,
    waiting: AtomicU64,
    freed: Notify,
    /// The epoch has ended: nothing is flushed any more, and nobody may wait for it.
    closed: AtomicBool,
}

/// Counts a request that waits.
struct Waiting<'a>(&'a Budget);

impl<'a> Waiting<'a> {
    fn new(budget: &'a Budget) -> Self {
        budget.waiting.fetch_add(1, Ordering::AcqRel);
        Self(budget)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            reserved: AtomicU64::new(0),
            unflushed: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            freed: Notify::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// Makes room for `bytes` if there is some.
    pub(crate) fn try_admit(self: &Arc<Self>, bytes: u64) -> Option<Admission> {
        self.try_reserve(bytes).then(|| Admission { budget: self.clone(), bytes })
    }

    /// Waits until `bytes` fit; `flush` asks for the flush that makes room, once it is known that somebody waits.
    /// Cancel-safe.
    pub(crate) async fn admit(self: &Arc<Self>, bytes: u64, flush: impl FnOnce()) -> Admission {
        let _waiting = Waiting::new(self);
        flush();
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            // Registered first: whatever is freed after this look is noticed.
            if let Some(admission) = self.try_admit(bytes) {
                return admission;
            }
            freed.await;
        }
    }

    fn try_reserve(&self, bytes: u64) -> bool {
        let reserve = |reserved: u64| {
            let used = reserved + self.unflushed();
            let closed = self.closed.load(Ordering::Acquire);
            (closed || used == 0 || used + bytes <= self.limit).then_some(reserved + bytes)
        };
        self.reserved.fetch_update(Ordering::AcqRel, Ordering::Acquire, reserve).is_ok()
    }

    /// Lets everybody in from now on: what they append is refused at once.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.freed.notify_waiters();
    }

    /// Records entered the log's memory.
    pub(crate) fn add_unflushed(&self, bytes: u64) {
        self.unflushed.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Records are in segments, or failed.
    pub(crate) fn remove_unflushed(&self, bytes: u64) {
        self.unflushed.fetch_sub(bytes, Ordering::AcqRel);
        self.freed.notify_waiters();
    }

    pub(crate) fn unflushed(&self) -> u64 {
        self.unflushed.load(Ordering::Acquire)
    }

    /// Whether a flush is needed for producers to go on soon.
    pub(crate) fn is_pressed(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0 || self.unflushed() >= self.limit / 2
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }
}

/// Room for a produce request: hold it until its batches were appended (or refused), then drop it.
#[derive(Debug)]
#[must_use = "the room is given back when this is dropped"]
pub struct Admission {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.reserved.fetch_sub(self.bytes, Ordering::AcqRel);
            self.budget.freed.notify_waiters();
        }
    }
}
