//! Back-pressure: how many bytes of records may be accepted before they are in segments.
//!
//! Bytes are counted from the moment a request is admitted until a flush has put its records into
//! segments. When the budget is used up, further requests wait; nothing is ever dropped. A request
//! larger than the whole budget passes when nothing else is counted, so that it cannot wait for
//! ever.
//!
//! Of that only as much may wait for the write-ahead log as it writes in a moment ([`LOG_WAIT`]),
//! measured by how fast it has been writing: what is further behind would wait no less, but
//! everybody who comes would wait behind it.
//!
//! Who waits is admitted in the order of coming, and a connection waits with one request at a time:
//! so each gets its turn, and one that sends little waits for one request of each of the others,
//! however much those have to send.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, Notify};

/// What waits for the log is written in about this time.
const LOG_WAIT: Duration = Duration::from_millis(250);

/// So much may wait for the log however slow it has been: enough for a chunk that is worth its sync
/// and the next.
const LOG_BYTES_MIN: u64 = 1 << 20;

/// No log is so fast that it needs more.
const LOG_BYTES_MAX: u64 = 64 << 20;

/// What may wait before anything is known of the log's speed.
const LOG_BYTES_FIRST: u64 = 16 << 20;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    /// Requests that were admitted and have not been pushed yet.
    reserved: AtomicU64,
    /// Pushed and not flushed.
    unflushed: AtomicU64,
    /// Pushed and not committed: a part of what is not flushed.
    in_log: AtomicU64,
    /// What may be in the log and reserved when another request is admitted.
    log_limit: AtomicU64,
    /// Requests that wait, for their turn or for room.
    waiting: AtomicUsize,
    /// Who comes first is served first.
    turn: Mutex<()>,
    /// Whoever's turn it is waits for a flush.
    starved: AtomicBool,
    freed: Notify,
    /// The epoch has ended: nothing is flushed any more, and nobody may wait for it.
    closed: AtomicBool,
}

/// What there is no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lacks {
    /// A flush makes room.
    Memory,
    /// The next commit makes room.
    Log,
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

/// Says that a flush is waited for, as long as it is.
struct Starved<'a>(&'a AtomicBool);

impl Drop for Starved<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            reserved: AtomicU64::new(0),
            unflushed: AtomicU64::new(0),
            in_log: AtomicU64::new(0),
            log_limit: AtomicU64::new(LOG_BYTES_FIRST),
            waiting: AtomicUsize::new(0),
            turn: Mutex::new(()),
            starved: AtomicBool::new(false),
            freed: Notify::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// Makes room for `bytes` if there is some and nobody waits.
    pub(crate) fn try_admit(self: &Arc<Self>, bytes: u64) -> Option<Admission> {
        let nobody_waits = self.waiting.load(Ordering::Acquire) == 0;
        (nobody_waits && self.try_reserve(bytes).is_ok()).then(|| self.admission(bytes))
    }

    /// Waits for its turn and until `bytes` fit; `flush` asks for the flush that makes room, once
    /// it is known that somebody waits for one. Cancel-safe.
    pub(crate) async fn admit(self: &Arc<Self>, bytes: u64, flush: impl Fn()) -> Admission {
        let _waiting = Waiting::new(self);
        let _turn = self.turn.lock().await;
        let _starved = Starved(&self.starved);
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            // Registered first: whatever is freed after this look is noticed.
            let lacks = match self.try_reserve(bytes) {
                Ok(()) => return self.admission(bytes),
                Err(lacks) => lacks,
            };
            let starved = lacks == Lacks::Memory;
            if !self.starved.swap(starved, Ordering::AcqRel) && starved {
                flush();
            }
            freed.await;
        }
    }

    fn admission(self: &Arc<Self>, bytes: u64) -> Admission {
        Admission { budget: self.clone(), bytes }
    }

    fn try_reserve(&self, bytes: u64) -> Result<(), Lacks> {
        let mut reserved = self.reserved.load(Ordering::Acquire);
        loop {
            let used = reserved + self.unflushed();
            if !self.closed.load(Ordering::Acquire) {
                if used > 0 && used + bytes > self.limit {
                    return Err(Lacks::Memory);
                }
                // One request may go beyond it, so that the log does not run dry before a large
                // one.
                if reserved + self.in_log() >= self.log_limit() {
                    return Err(Lacks::Log);
                }
            }
            let exchanged = self.reserved.compare_exchange_weak(
                reserved,
                reserved + bytes,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match exchanged {
                Ok(_) => return Ok(()),
                Err(now) => reserved = now,
            }
        }
    }

    /// Lets everybody in from now on: what they append is refused at once.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.freed.notify_waiters();
    }

    /// Records were pushed, to be written to the log.
    pub(crate) fn pushed(&self, bytes: u64) {
        self.in_log.fetch_add(bytes, Ordering::AcqRel);
        self.add_unflushed(bytes);
    }

    /// Records were not pushed after all, or failed before they were in the log.
    pub(crate) fn not_pushed(&self, bytes: u64) {
        self.in_log.fetch_sub(bytes, Ordering::AcqRel);
        self.remove_unflushed(bytes);
    }

    /// Nobody need wait for these: they are in the log, or it is not known when they will be.
    pub(crate) fn left_log(&self, bytes: u64) {
        self.in_log.fetch_sub(bytes, Ordering::AcqRel);
        self.freed.notify_waiters();
    }

    /// The log took so long for a chunk of so many bytes. Called for one chunk after the other.
    pub(crate) fn note_speed(&self, bytes: u64, took: Duration) {
        if bytes < LOG_BYTES_MIN && took < LOG_WAIT {
            // How long a sync takes, not how much it could have taken along.
            return;
        }
        let in_time = u128::from(bytes) * LOG_WAIT.as_nanos() / took.as_nanos().max(1);
        let now = u64::try_from(in_time).unwrap_or(u64::MAX).clamp(LOG_BYTES_MIN, LOG_BYTES_MAX);
        // One sync that took long says little.
        let limit = (self.log_limit() * 3 + now) / 4;
        self.log_limit.store(limit, Ordering::Release);
    }

    /// Bytes that were pushed and are neither committed nor known to be stuck.
    pub(crate) fn in_log(&self) -> u64 {
        self.in_log.load(Ordering::Acquire)
    }

    fn log_limit(&self) -> u64 {
        self.log_limit.load(Ordering::Acquire)
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
        self.starved.load(Ordering::Acquire) || self.unflushed() >= self.limit / 2
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

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::{Pin, pin},
    };

    use futures_util::FutureExt;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn is_in<F: Future<Output = Admission>>(waits: &mut Pin<&mut F>) -> bool {
        waits.as_mut().now_or_never().is_some()
    }

    /// A budget whose log is full.
    fn with_full_log() -> Arc<Budget> {
        let budget = Budget::new(1000 * MIB);
        budget.pushed(LOG_BYTES_FIRST);
        budget
    }

    #[test]
    fn whoever_comes_first_is_admitted_first_whatever_its_size() {
        let budget = with_full_log();
        let mut large = pin!(budget.admit(100 * MIB, || panic!("no flush makes room in the log")));
        let mut small = pin!(budget.admit(1, || panic!("no flush makes room in the log")));
        assert!(!is_in(&mut large) && !is_in(&mut small));
        budget.left_log(1);
        assert!(budget.try_admit(1).is_none(), "others wait");
        assert!(!is_in(&mut small), "the large one came first");
        let admitted = large.as_mut().now_or_never().expect("there is room");
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
    fn only_who_waits_for_memory_asks_for_a_flush() {
        let budget = Budget::new(10 * MIB);
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
    fn what_waits_for_the_log_follows_its_speed() {
        let budget = Budget::new(1000 * MIB);
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
