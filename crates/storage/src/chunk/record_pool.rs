//! The memory for records that the brokers of a process share.
//!
//! A broker has a floor, below which it asks nobody. Beyond that it takes from what all have
//! together; when that is used up, the broker that holds most flushes.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
};

use tokio::sync::Notify;

/// How much the brokers of a process hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPoolLimits {
    /// Accepted records that are not in segments yet.
    pub unflushed_bytes: u64,
    /// What each broker may have of them in any case.
    pub unflushed_floor_bytes: u64,
    /// The tail caches, in equal parts.
    pub tail_bytes: u64,
}

impl RecordPoolLimits {
    const NONE: Self =
        Self { unflushed_bytes: u64::MAX, unflushed_floor_bytes: u64::MAX, tail_bytes: u64::MAX };
}

/// That memory. Clones share it; by default it has no limits beyond each broker's own.
#[derive(Clone, Debug)]
pub struct RecordPool(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limits: RecordPoolLimits,
    /// Bytes admitted, and bytes not flushed.
    used: AtomicU64,
    /// Requests that wait to be admitted.
    waiting: AtomicUsize,
    freed: Notify,
    holders: Mutex<Vec<Weak<Holder>>>,
}

/// One broker's part.
#[derive(Debug)]
pub(super) struct Holder {
    pool: RecordPool,
    /// Bytes admitted and not yet pushed.
    reserved: AtomicU64,
    /// Bytes pushed and not flushed.
    unflushed: AtomicU64,
    /// Others need what this broker would give back by a flush.
    pressed: AtomicBool,
    /// Its epoch has ended: it flushes nothing any more.
    ended: AtomicBool,
    flush_requested: Arc<Notify>,
}

impl RecordPool {
    pub fn new(limits: RecordPoolLimits) -> Self {
        Self(Arc::new(Pool {
            limits,
            used: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
            holders: Mutex::default(),
        }))
    }

    /// `flush_requested` is notified when the broker is to flush for others.
    pub(super) fn join(&self, flush_requested: Arc<Notify>) -> Arc<Holder> {
        let holder = Arc::new(Holder {
            pool: self.clone(),
            reserved: AtomicU64::new(0),
            unflushed: AtomicU64::new(0),
            pressed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            flush_requested,
        });
        self.holders(|holders| holders.push(Arc::downgrade(&holder)));
        holder
    }

    fn holders<T>(&self, change: impl FnOnce(&mut Vec<Weak<Holder>>) -> T) -> T {
        let mut holders = self.0.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|holder| holder.strong_count() > 0);
        change(&mut holders)
    }

    fn add(&self, bytes: u64) {
        self.0.used.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Returns whether requests may wait for it.
    fn remove(&self, bytes: u64) -> bool {
        self.0.used.fetch_sub(bytes, Ordering::AcqRel);
        // A request is counted before it looks, so it sees this or is seen.
        fence(Ordering::SeqCst);
        let some_wait = self.0.waiting.load(Ordering::Relaxed) > 0;
        if some_wait {
            self.0.freed.notify_waiters();
        }
        some_wait
    }

    /// What one broker's tail cache may have.
    pub(super) fn tail_bytes(&self) -> u64 {
        match self.0.limits.tail_bytes {
            u64::MAX => u64::MAX,
            bytes => bytes / self.holders(|holders| holders.len().max(1) as u64),
        }
    }
}

impl Holder {
    pub(super) fn unflushed(&self) -> u64 {
        self.unflushed.load(Ordering::Acquire)
    }

    pub(super) fn reserved(&self) -> u64 {
        self.reserved.load(Ordering::Acquire)
    }

    /// Reserves `bytes`, if `reserved` is what is reserved still; else returns that.
    pub(super) fn try_reserve(&self, reserved: u64, bytes: u64) -> Result<(), u64> {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.reserved.compare_exchange_weak(reserved, reserved + bytes, success, failure)?;
        self.pool.add(bytes);
        Ok(())
    }

    /// Returns whether requests may wait for it.
    pub(super) fn unreserve(&self, bytes: u64) -> bool {
        self.reserved.fetch_sub(bytes, Ordering::AcqRel);
        self.pool.remove(bytes)
    }

    /// A request waits from now on, and looks at what is free after this.
    pub(super) fn wait_begins(&self) {
        self.pool.0.waiting.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub(super) fn wait_ended(&self) {
        self.pool.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn add_unflushed(&self, bytes: u64) {
        self.unflushed.fetch_add(bytes, Ordering::AcqRel);
        self.pool.add(bytes);
    }

    pub(super) fn remove_unflushed(&self, bytes: u64) {
        self.unflushed.fetch_sub(bytes, Ordering::AcqRel);
        self.pressed.store(false, Ordering::Release);
        self.pool.remove(bytes);
    }

    /// Whether this broker, which then has `used` in all, may take `bytes` of them.
    pub(super) fn has_room(&self, bytes: u64, used: u64) -> bool {
        let limits = self.pool.0.limits;
        used <= limits.unflushed_floor_bytes
            || self.pool.0.used.load(Ordering::Acquire).saturating_add(bytes)
                <= limits.unflushed_bytes
    }

    /// How much of what all have is used, from 0 to 1; nothing while this broker is within its
    /// floor.
    pub(super) fn pressure(&self) -> f64 {
        let limits = self.pool.0.limits;
        if self.unflushed() <= limits.unflushed_floor_bytes {
            return 0.0;
        }
        self.pool.0.used.load(Ordering::Acquire) as f64 / limits.unflushed_bytes.max(1) as f64
    }

    /// Has the broker flush that holds most, of those that flush.
    pub(super) fn press_largest(&self) {
        let largest = self.pool.holders(|holders| {
            let flushing = holders.iter().filter_map(Weak::upgrade);
            let flushing = flushing.filter(|holder| !holder.ended.load(Ordering::Acquire));
            flushing.max_by_key(|holder| holder.unflushed())
        });
        if let Some(largest) = largest {
            largest.pressed.store(true, Ordering::Release);
            largest.flush_requested.notify_one();
        }
    }

    /// Whether this broker is to flush for others.
    pub(super) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Acquire)
    }

    /// The broker's epoch has ended. What it holds is held until its last request is over.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        // Who waits for its flush has to look at the others.
        self.pool.0.freed.notify_waiters();
    }

    /// Any broker gave something back, or gives back nothing any more.
    pub(super) fn freed_by_any(&self) -> &Notify {
        &self.pool.0.freed
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.pool.remove(self.reserved() + self.unflushed());
    }
}

impl Default for RecordPool {
    fn default() -> Self {
        Self::new(RecordPoolLimits::NONE)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn pool() -> RecordPool {
        RecordPool::new(RecordPoolLimits {
            unflushed_bytes: 1000,
            unflushed_floor_bytes: 100,
            tail_bytes: 600,
        })
    }

    fn broker(pool: &RecordPool) -> (Arc<Holder>, Arc<Notify>) {
        let flush = Arc::new(Notify::new());
        (pool.join(flush.clone()), flush)
    }

    #[test]
    fn a_broker_has_its_floor_and_for_more_the_largest_flushes() {
        let pool = pool();
        let ((large, flush_large), (small, flush_small)) = (broker(&pool), broker(&pool));
        large.add_unflushed(900);
        small.add_unflushed(80);
        assert!(small.has_room(20, 100), "within its floor");
        assert!(!small.has_room(60, 140), "beyond it there is not enough");
        assert_eq!((small.pressure(), large.pressure()), (0.0, 0.98));
        small.press_largest();
        flush_large.notified().now_or_never().expect("it is to flush");
        assert!(flush_small.notified().now_or_never().is_none());
        assert!(large.is_pressed() && !small.is_pressed());
        large.remove_unflushed(500);
        assert!(!large.is_pressed());
        assert!(small.has_room(60, 140));
        drop((large, small));
        assert_eq!(pool.0.used.load(Ordering::Acquire), 0);
    }

    #[test]
    fn a_broker_whose_epoch_has_ended_is_not_waited_for() {
        let pool = pool();
        let ((ended, flush_ended), (large, flush_large), (small, _)) =
            (broker(&pool), broker(&pool), broker(&pool));
        ended.add_unflushed(600);
        large.add_unflushed(300);
        small.add_unflushed(80);
        let mut freed = Box::pin(small.freed_by_any().notified());
        assert!(freed.as_mut().now_or_never().is_none());
        ended.end();
        freed.now_or_never().expect("who waits looks again");
        small.press_largest();
        assert!(large.is_pressed() && !ended.is_pressed());
        flush_large.notified().now_or_never().expect("it is to flush");
        assert!(flush_ended.notified().now_or_never().is_none());
    }

    #[test]
    fn tails_have_equal_parts_of_the_brokers_that_are_there() {
        let pool = pool();
        let (one, two) = (broker(&pool), broker(&pool));
        assert_eq!(pool.tail_bytes(), 300);
        drop(two);
        assert_eq!(pool.tail_bytes(), 600);
        drop(one);
        assert_eq!(RecordPool::default().tail_bytes(), u64::MAX);
    }
}
