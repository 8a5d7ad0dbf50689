//! Waiting for data in many partitions, for fetches with `min.bytes`.
//!
//! A [`Waiter`] is registered with each partition of the fetch; partitions count what becomes
//! readable into it and wake it once, when the fetch's minimum is reached or a partition changes in
//! another way (closed, log start moved). Dropping a `WatchGuard` removes the waiter.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use tokio::sync::Notify;

/// A fetch that waits for records. Cheap to clone; clones are the same waiter.
#[derive(Clone, Debug)]
pub struct Waiter(Arc<WaiterState>);

#[derive(Debug)]
struct WaiterState {
    missing_bytes: AtomicI64,
    changed: Notify,
}

impl Waiter {
    /// A waiter that wakes when `missing_bytes` more bytes can be read than when it was registered.
    pub fn new(missing_bytes: usize) -> Self {
        let missing_bytes = AtomicI64::new(i64::try_from(missing_bytes).unwrap_or(i64::MAX).max(1));
        Self(Arc::new(WaiterState { missing_bytes, changed: Notify::new() }))
    }

    /// Waits until enough bytes arrived or a partition changed since the last wait. Cancel-safe.
    pub async fn woken(&self) {
        self.0.changed.notified().await;
    }

    /// `bytes` more can be read. Partitions call it once it is registered with them; who registers
    /// it calls it for what came before that.
    pub fn added(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if self.0.missing_bytes.fetch_sub(bytes, Ordering::AcqRel) <= bytes {
            self.0.changed.notify_one();
        }
    }

    fn changed(&self) {
        self.0.changed.notify_one();
    }
}

/// The waiters of one partition.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Mutex<Vec<Waiter>>);

impl Waiters {
    pub(crate) fn add(&self, waiter: &Waiter) {
        self.lock().push(waiter.clone());
    }

    pub(crate) fn remove(&self, waiter: &Waiter) {
        let mut waiters = self.lock();
        if let Some(index) = waiters.iter().position(|other| Arc::ptr_eq(&other.0, &waiter.0)) {
            waiters.swap_remove(index);
        }
        if waiters.is_empty() {
            *waiters = Vec::new();
        }
    }

    /// `bytes` more can be read.
    pub(crate) fn added(&self, bytes: usize) {
        self.lock().iter().for_each(|waiter| waiter.added(bytes));
    }

    /// Wakes every waiter: the partition changed in another way.
    pub(crate) fn changed(&self) {
        self.lock().iter().for_each(Waiter::changed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiter>> {
        self.0.lock().expect("no panic while waiters are listed")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn bytes_that_came_before_a_waiter_was_registered_count() {
        let (waiters, waiter) = (Waiters::default(), Waiter::new(100));
        waiters.add(&waiter);
        waiter.added(60);
        waiters.added(39);
        assert!(waiter.woken().now_or_never().is_none());
        waiters.added(1);
        assert!(waiter.woken().now_or_never().is_some());
    }
}
