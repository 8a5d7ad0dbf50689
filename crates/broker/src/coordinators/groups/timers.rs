//! The clock of a broker's coordinators, and when the one task that ticks them is due.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use milena_coordinator::groups::Now;
use milena_runtime::Runtime;
use milena_types::Timestamp;
use tokio::sync::Notify;

use super::config::ShardConfig;
use crate::memory::count::ByteCount;

/// The clock and configuration that shards share, and the time at which the timer task wakes.
pub(super) struct Timers {
    pub(super) runtime: Runtime,
    pub(super) config: ShardConfig,
    /// For the groups of all brokers of the process.
    pub(super) memory: ByteCount,
    /// On the monotonic clock, in ms.
    wakes_at: AtomicU64,
    earlier: Notify,
}

impl Timers {
    pub(super) fn new(runtime: Runtime, config: ShardConfig, memory: ByteCount) -> Self {
        let (wakes_at, earlier) = (AtomicU64::new(u64::MAX), Notify::new());
        Self { runtime, config, memory, wakes_at, earlier }
    }

    pub(super) fn now(&self) -> Now {
        Now { monotonic_ms: self.monotonic_ms(), wall: Timestamp(self.runtime.wall_ms()) }
    }

    pub(super) fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.runtime.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    /// A coordinator is to be ticked at this deadline, if there is one.
    pub(super) fn schedule(&self, deadline: Option<u64>) {
        if deadline.is_some_and(|deadline| deadline < self.wakes_at.load(Ordering::Acquire)) {
            self.earlier.notify_one();
        }
    }

    /// Sleeps until the `next` deadline, at most until `latest`, or until a coordinator gets an
    /// earlier one.
    pub(super) async fn sleep_until_due(&self, latest: u64, next: impl FnOnce() -> Option<u64>) {
        // A coordinator that gets a deadline from here on compares it with this, and wakes the
        // sleep below.
        self.wakes_at.store(latest, Ordering::Release);
        let next = next().unwrap_or(u64::MAX).min(latest);
        self.wakes_at.store(next, Ordering::Release);
        let ms = next.saturating_sub(self.monotonic_ms());
        tokio::select! {
            biased;
            () = self.runtime.sleep(Duration::from_millis(ms)) => {}
            () = self.earlier.notified() => {}
        }
    }
}
