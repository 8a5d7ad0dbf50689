//! One task per broker ticks the coordinators when their deadlines come, and has offsets expire.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use milena_coordinator::groups::Now;
use milena_runtime::Runtime;
use milena_types::Timestamp;
use tokio::sync::Notify;

use super::{Groups, settings::Settings};

/// What shards share: the clock, the configuration, and the moment the timer task sleeps until.
pub(super) struct Timers {
    pub(super) runtime: Runtime,
    pub(super) settings: Settings,
    /// On the monotonic clock, in ms.
    wakes_at: AtomicU64,
    earlier: Notify,
}

impl Timers {
    pub(super) fn new(runtime: Runtime, settings: Settings) -> Self {
        Self { runtime, settings, wakes_at: AtomicU64::new(u64::MAX), earlier: Notify::new() }
    }

    pub(super) fn now(&self) -> Now {
        Now { monotonic_ms: self.monotonic_ms(), wall: Timestamp(self.runtime.wall_ms()) }
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.runtime.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    /// A coordinator is to be ticked at this deadline, if there is one.
    pub(super) fn schedule(&self, deadline: Option<u64>) {
        if deadline.is_some_and(|deadline| deadline < self.wakes_at.load(Ordering::Acquire)) {
            self.earlier.notify_one();
        }
    }

    /// Sleeps until `deadline` or until a coordinator has an earlier one.
    async fn sleep_until(&self, deadline: u64) {
        let ms = deadline.saturating_sub(self.monotonic_ms());
        tokio::select! {
            () = self.runtime.sleep(Duration::from_millis(ms)) => {}
            () = self.earlier.notified() => {}
        }
    }
}

impl Groups {
    /// Ticks until the broker stops; then replies to everybody who waits.
    pub(super) async fn run_timers(self: Arc<Self>) {
        let timers = self.timers.clone();
        let expiry_interval_ms = timers.settings.expiry_interval_ms.max(1);
        let mut expiry = timers.monotonic_ms().saturating_add(expiry_interval_ms);
        while !timers.runtime.stopping().is_cancelled() {
            // Whoever gets a deadline from here on compares it with this, and wakes the sleep
            // below.
            timers.wakes_at.store(expiry, Ordering::Release);
            let next = self.shards().iter().filter_map(|shard| shard.next_deadline()).min();
            let next = next.unwrap_or(u64::MAX).min(expiry);
            timers.wakes_at.store(next, Ordering::Release);
            tokio::select! {
                () = timers.sleep_until(next) => {}
                () = timers.runtime.stopping().cancelled() => break,
            }
            let now = timers.monotonic_ms();
            for shard in self.shards() {
                shard.tick();
                if expiry <= now {
                    shard.expire_offsets();
                }
            }
            if expiry <= now {
                expiry = now.saturating_add(expiry_interval_ms);
            }
        }
        self.shards().iter().for_each(|shard| shard.close());
    }
}
