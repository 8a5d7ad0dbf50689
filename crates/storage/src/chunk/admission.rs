//! Back-pressure: how many bytes of records may be accepted before they are in segments.
//!
//! Bytes are counted from a request's admission until a flush has put its records into segments.
//! When the budget is used up, further requests wait; nothing is dropped. A request larger than the
//! whole budget passes when nothing else is counted, so that it cannot wait for ever.
//!
//! The write-ahead log's backlog is limited to what it writes in [`LOG_WAIT`], as measured: a
//! longer backlog would save none of its requests any time, and every later request would wait
//! behind it.
//!
//! Requests are admitted in the order of arrival, and a connection waits with one request at a
//! time. So every connection gets its turn: one that sends little waits for one request of each of
//! the others, however much those have to send.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, Notify};

use super::record_pool::{Holder, RecordPool};

/// Why records were not admitted in time. They were not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// Records are put into segments more slowly than they come (REQUEST_TIMED_OUT).
    #[error("records could not be accepted in time: send less at once, or allow more time")]
    TimedOut,
    /// Records cannot be put into segments: there is no space, or the store fails
    /// (KAFKA_STORAGE_ERROR).
    #[error("records are not accepted while those before cannot be put into segments: {reason}")]
    #[expect(missing_docs, reason = "the message names it")]
    Stalled { reason: Arc<str> },
}

/// The log's backlog is limited to what it writes in this time.
const LOG_WAIT: Duration = Duration::from_millis(250);

/// The backlog's limit however slow the log is: enough for a chunk that is worth its sync, and the
/// next.
const LOG_BYTES_MIN: u64 = 1 << 20;

/// The backlog's limit however fast the log is.
const LOG_BYTES_MAX: u64 = 64 << 20;

/// The backlog's limit before the log's speed is measured.
const LOG_BYTES_FIRST: u64 = 16 << 20;

/// The budget of one broker's appends.
#[derive(Debug)]
pub(crate) struct AppendBudget {
    limit: u64,
    /// What is admitted and not yet pushed, and what is pushed and not flushed.
    held: Arc<Holder>,
    /// Bytes pushed and not committed: a part of what is not flushed.
    in_log: AtomicU64,
    /// A request is admitted while `in_log` and `reserved` are below this.
    log_limit: AtomicU64,
    /// Requests that wait, for their turn or for memory.
    waiting: AtomicUsize,
    /// Held by the request that is admitted next; fair.
    turn: Mutex<()>,
    /// The request whose turn it is waits for a flush.
    starved: AtomicBool,
    freed: Notify,
    /// Why the last flush failed, until one succeeds.
    flush_error: std::sync::Mutex<Option<Arc<str>>>,
    /// The epoch has ended: nothing is flushed any more, so no request may wait.
    closed: AtomicBool,
}

/// Why a request has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shortage {
    /// The next flush frees memory.
    Memory,
    /// The next flush of the broker that holds most frees memory. That broker may not be able to
    /// flush; a broker that has flushed everything is admitted in any case.
    Pool,
    /// The next commit frees memory.
    Log,
}

/// Counts a waiting request until dropped.
struct WaitingGuard<'a>(&'a AppendBudget);

impl<'a> WaitingGuard<'a> {
    fn new(budget: &'a AppendBudget) -> Self {
        budget.waiting.fetch_add(1, Ordering::AcqRel);
        budget.held.wait_begins();
        Self(budget)
    }
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.held.wait_ended();
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Clears the flag when dropped.
struct StarvedGuard<'a>(&'a AtomicBool);

impl Drop for StarvedGuard<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl AppendBudget {
    /// `flush_requested` is notified when others need what a flush would give back.
    pub(crate) fn new(limit: u64, pool: &RecordPool, flush_requested: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            limit,
            held: pool.join(flush_requested),
            in_log: AtomicU64::new(0),
            log_limit: AtomicU64::new(LOG_BYTES_FIRST),
            waiting: AtomicUsize::new(0),
            turn: Mutex::new(()),
            starved: AtomicBool::new(false),
            freed: Notify::new(),
            flush_error: std::sync::Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    /// Admits `bytes` if they fit and no request waits.
    pub(crate) fn try_admit(self: &Arc<Self>, bytes: u64) -> Option<BudgetPermit> {
        let nobody_waits = self.waiting.load(Ordering::Acquire) == 0;
        (nobody_waits && self.try_reserve(bytes).is_ok()).then(|| self.permit(bytes))
    }

    /// Waits for its turn and until `bytes` fit. `flush` is called to request the flush that frees
    /// memory. Cancel-safe.
    pub(crate) async fn admit(self: &Arc<Self>, bytes: u64, flush: impl Fn()) -> BudgetPermit {
        let _waiting = WaitingGuard::new(self);
        let _turn = self.turn.lock().await;
        let _starved = StarvedGuard(&self.starved);
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            let mut freed_by_any = std::pin::pin!(self.held.freed_by_any().notified());
            freed_by_any.as_mut().enable();
            // Registered first, so that nothing freed after this check is missed.
            let shortage = match self.try_reserve(bytes) {
                Ok(()) => return self.permit(bytes),
                Err(shortage) => shortage,
            };
            if shortage == Shortage::Pool {
                self.held.press_largest();
            }
            let starved = shortage != Shortage::Log;
            if !self.starved.swap(starved, Ordering::AcqRel) && starved {
                flush();
            }
            tokio::select! {
                biased;
                () = freed => {}
                () = freed_by_any, if shortage == Shortage::Pool => {}
            }
        }
    }

    /// Notes why a flush failed, or that one succeeded.
    pub(crate) fn note_flush(&self, error: Option<String>) {
        *self.flush_error.lock().expect("no panic while it is set") = error.map(Into::into);
    }

    /// Why a request that waited was not admitted.
    pub(crate) fn why_not_admitted(&self) -> AdmitError {
        let error = self.flush_error.lock().expect("no panic while it is read").clone();
        error.map_or(AdmitError::TimedOut, |reason| AdmitError::Stalled { reason })
    }

    fn permit(self: &Arc<Self>, bytes: u64) -> BudgetPermit {
        BudgetPermit { budget: self.clone(), bytes }
    }

    fn try_reserve(&self, bytes: u64) -> Result<(), Shortage> {
        let mut reserved = self.held.reserved();
        loop {
            let used = reserved + self.unflushed();
            if !self.closed.load(Ordering::Acquire) {
                if used > 0 && used + bytes > self.limit {
                    return Err(Shortage::Memory);
                }
                if used > 0 && !self.held.has_room(bytes, used + bytes) {
                    return Err(Shortage::Pool);
                }
                // One request may exceed the limit, so that the log does not idle before a large
                // one.
                if reserved + self.in_log() >= self.log_limit() {
                    return Err(Shortage::Log);
                }
            }
            match self.held.try_reserve(reserved, bytes) {
                Ok(()) => return Ok(()),
                Err(now) => reserved = now,
            }
        }
    }

    /// Admits every request from now on: their appends are refused at once.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.held.end();
        self.freed.notify_waiters();
    }

    /// Records were pushed into the open chunk.
    pub(crate) fn pushed(&self, bytes: u64) {
        self.in_log.fetch_add(bytes, Ordering::AcqRel);
        self.add_unflushed(bytes);
    }

    /// Undoes [`AppendBudget::pushed`]: the push failed, or the chunk before it was in the log.
    pub(crate) fn not_pushed(&self, bytes: u64) {
        self.in_log.fetch_sub(bytes, Ordering::AcqRel);
        self.remove_unflushed(bytes);
    }

    /// The records are in the log, or stalled: no request need wait for them.
    pub(crate) fn left_log(&self, bytes: u64) {
        self.in_log.fetch_sub(bytes, Ordering::AcqRel);
        self.freed.notify_waiters();
    }

    /// The log took `took` for a chunk of `bytes`. Called for one chunk after the other.
    pub(crate) fn note_speed(&self, bytes: u64, took: Duration) {
        if bytes < LOG_BYTES_MIN && took < LOG_WAIT {
            // This measures a sync, not how many bytes it could have written.
            return;
        }
        let in_time = u128::from(bytes) * LOG_WAIT.as_nanos() / took.as_nanos().max(1);
        let now = u64::try_from(in_time).unwrap_or(u64::MAX).clamp(LOG_BYTES_MIN, LOG_BYTES_MAX);
        // Smoothed: a single slow sync says little.
        let limit = (self.log_limit() * 3 + now) / 4;
        self.log_limit.store(limit, Ordering::Release);
    }

    /// Bytes pushed and neither committed nor stalled.
    pub(crate) fn in_log(&self) -> u64 {
        self.in_log.load(Ordering::Acquire)
    }

    fn log_limit(&self) -> u64 {
        self.log_limit.load(Ordering::Acquire)
    }

    pub(crate) fn add_unflushed(&self, bytes: u64) {
        self.held.add_unflushed(bytes);
    }

    /// Records are in segments, or failed.
    pub(crate) fn remove_unflushed(&self, bytes: u64) {
        self.held.remove_unflushed(bytes);
        self.freed.notify_waiters();
    }

    pub(crate) fn unflushed(&self) -> u64 {
        self.held.unflushed()
    }

    /// Whether a flush is needed soon for producers to continue.
    pub(crate) fn is_pressed(&self) -> bool {
        self.starved.load(Ordering::Acquire)
            || self.held.is_pressed()
            || self.unflushed() >= self.limit / 2
    }

    /// The used share of the memory for unflushed records: this broker's, or that of all where it
    /// needs more than its floor.
    pub(crate) fn pressure(&self) -> f64 {
        let own = self.unflushed() as f64 / self.limit.max(1) as f64;
        own.max(self.held.pressure())
    }
}

/// Permission to append the batches of a produce request. Held until they were appended or refused.
#[derive(Debug)]
#[must_use = "dropping it returns its bytes to the budget"]
pub struct BudgetPermit {
    budget: Arc<AppendBudget>,
    bytes: u64,
}

impl Drop for BudgetPermit {
    fn drop(&mut self) {
        if self.bytes > 0 {
            let some_wait = self.budget.held.unreserve(self.bytes);
            if some_wait {
                self.budget.freed.notify_waiters();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::{Pin, pin},
    };

    use futures_util::FutureExt;

    use super::*;
    use crate::chunk::record_pool::RecordPoolLimits;

    const MIB: u64 = 1 << 20;

    fn is_in<F: Future<Output = BudgetPermit>>(waits: &mut Pin<&mut F>) -> bool {
        waits.as_mut().now_or_never().is_some()
    }

    /// A budget whose log is full.
    fn with_full_log() -> Arc<AppendBudget> {
        let budget = AppendBudget::new(1000 * MIB, &RecordPool::default(), Arc::default());
        budget.pushed(LOG_BYTES_FIRST);
        budget
    }

    #[test]
    fn appends_are_admitted_in_their_order_whatever_their_size() {
        let budget = with_full_log();
        let mut large = pin!(budget.admit(100 * MIB, || panic!("no flush frees the log")));
        let mut small = pin!(budget.admit(1, || panic!("no flush frees the log")));
        assert!(!is_in(&mut large) && !is_in(&mut small));
        budget.left_log(1);
        assert!(budget.try_admit(1).is_none(), "others wait");
        assert!(!is_in(&mut small), "the large one came first");
        let admitted = large.as_mut().now_or_never().expect("there is memory");
        assert!(!is_in(&mut small), "the log has enough to do");
        drop(admitted);
        assert!(is_in(&mut small));
        assert!(budget.try_admit(1).is_some());
    }

    #[test]
    fn one_that_gives_up_leaves_its_turn_to_the_next() {
        let budget = with_full_log();
        let mut first = Box::pin(budget.admit(1, || ()));
        let mut second = pin!(budget.admit(1, || ()));
        assert!(first.as_mut().now_or_never().is_none() && !is_in(&mut second));
        budget.left_log(MIB);
        drop(first);
        assert!(is_in(&mut second));
        assert!(budget.try_admit(1).is_some(), "nobody waits");
    }

    #[test]
    fn only_an_append_that_waits_for_memory_requests_a_flush() {
        let budget = AppendBudget::new(10 * MIB, &RecordPool::default(), Arc::default());
        budget.pushed(2 * MIB);
        budget.left_log(2 * MIB);
        let asked = AtomicBool::new(false);
        let mut waits = Box::pin(budget.admit(9 * MIB, || asked.store(true, Ordering::Release)));
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(asked.load(Ordering::Acquire) && budget.is_pressed());
        drop(waits);
        assert!(!budget.is_pressed());
    }

    #[test]
    fn where_the_largest_holder_does_not_flush_a_broker_flushes_its_own() {
        let pool = RecordPool::new(RecordPoolLimits {
            unflushed_bytes: 100 * MIB,
            unflushed_floor_bytes: MIB,
            tail_bytes: MIB,
        });
        let large = AppendBudget::new(1000 * MIB, &pool, Arc::default());
        let small = AppendBudget::new(1000 * MIB, &pool, Arc::default());
        large.pushed(98 * MIB);
        small.pushed(2 * MIB);
        small.left_log(2 * MIB);
        let asked = AtomicBool::new(false);
        let mut waits = pin!(small.admit(5 * MIB, || asked.store(true, Ordering::Release)));
        assert!(!is_in(&mut waits));
        assert!(large.is_pressed() && small.is_pressed() && asked.load(Ordering::Acquire));
        small.remove_unflushed(2 * MIB);
        assert!(is_in(&mut waits), "it holds nothing else");
    }

    #[test]
    fn the_limit_of_the_backlog_follows_the_speed_of_the_log() {
        let budget = AppendBudget::new(1000 * MIB, &RecordPool::default(), Arc::default());
        for _ in 0..50 {
            budget.note_speed(4 * MIB, Duration::from_millis(200));
        }
        assert!((4 * MIB..6 * MIB).contains(&budget.log_limit()), "{}", budget.log_limit());
        for _ in 0..50 {
            budget.note_speed(MIB, Duration::from_secs(10));
        }
        assert!(budget.log_limit() < LOG_BYTES_MIN + MIB / 100);
        for _ in 0..4 {
            budget.note_speed(MIB, Duration::from_millis(2));
            budget.note_speed(100, Duration::from_millis(2)); // Says nothing.
        }
        assert!(budget.log_limit() > LOG_BYTES_MAX / 2, "a few chunks are enough to find out");
        budget.note_speed(MIB, Duration::ZERO);
        assert!(budget.log_limit() <= LOG_BYTES_MAX);
    }

    #[test]
    fn an_epoch_that_ended_lets_everybody_in() {
        let budget = with_full_log();
        let mut waits = pin!(budget.admit(1, || ()));
        assert!(!is_in(&mut waits));
        budget.close();
        assert!(is_in(&mut waits));
    }
}
