//! When to flush: by the policy, in a task of its own, or until everything is flushed, for callers
//! that wait for it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use milena_runtime::Backoff;

use crate::{
    catalog::{records::LogId, storage_catalog::CatalogError},
    flush::{
        errors::FlushError,
        flusher::{FlushOutcome, Flusher},
    },
    recovery::epoch_queue::QueuedEpoch,
};

/// The time for which an idle segment buffer is kept.
const SEGMENT_BUFFER_KEPT: Duration = Duration::from_secs(5);

/// The longest wait of [`Flusher::flush_all`] for flushes of other brokers.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The interval at which the catalog is read while others have to flush first.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The wait for others after which it is logged.
const WAIT_LOGGED_AFTER: Duration = Duration::from_secs(5);

/// The pauses between attempts of a flush that fails.
const RETRY: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(5));

impl Flusher {
    /// Flushes whenever the policy asks for it, until the scope stops. A panic, which means that
    /// one of our invariants broke, ends the epoch: without flushes producers would wait for ever.
    pub(crate) async fn run(self: Arc<Self>) {
        let stopping = self.core.runtime.stopping().clone();
        let flushed = AssertUnwindSafe(self.flush_when_due()).catch_unwind();
        // Cancelled anywhere, it is as if the broker had died there.
        let flushed = tokio::select! {
            () = stopping.cancelled() => return,
            flushed = flushed => flushed,
        };
        if flushed.is_err() {
            tracing::error!("flushing panicked: the broker epoch ends");
            if let Some(log) = self.core.log() {
                log.seal().await;
            }
        }
    }

    async fn flush_when_due(&self) {
        let stopping = self.core.runtime.stopping().clone();
        let mut changes = self.sealed.logs.changes();
        let mut failed = 0;
        let mut waits_since = None;
        while !stopping.is_cancelled() && !self.core.is_sealed() {
            let mut look_again = None;
            if self.is_due() {
                match self.flush_oldest().await {
                    Ok(FlushOutcome::Flushed) => {
                        self.core.budget.note_flush(None);
                        (failed, waits_since) = (0, None);
                        continue;
                    }
                    Ok(FlushOutcome::WaitsForOthers) => {
                        self.log_waiting(&mut waits_since);
                        look_again = Some(POLL_INTERVAL);
                    }
                    Ok(FlushOutcome::Nothing) => {}
                    Err(FlushError::Catalog(error @ CatalogError::Invalid(_))) => {
                        self.core.budget.note_flush(Some(error.to_string()));
                        tracing::error!(
                            %error,
                            "nothing is flushed in this life of the broker any more: its records \
                             stay in the write-ahead log"
                        );
                        return;
                    }
                    Err(error) => {
                        failed += 1;
                        if error.is_out_of_space()
                            && let Some(log) = self.core.log()
                        {
                            // What has been flushed may hold all the space that a flush needs.
                            log.give_back_space();
                        }
                        self.core.budget.note_flush(Some(error.to_string()));
                        let pause = RETRY.pause(failed);
                        let retry_ms = pause.as_millis();
                        tracing::warn!(
                            %error, retry_ms,
                            "records stay in the write-ahead log for now"
                        );
                        self.core.runtime.sleep(pause).await;
                        continue;
                    }
                }
            }
            let wait = look_again.unwrap_or_else(|| self.time_to_due());
            tokio::select! {
                () = stopping.cancelled() => {}
                () = self.core.flush_requested() => {}
                _ = changes.changed() => {}
                () = self.core.runtime.sleep(wait.min(SEGMENT_BUFFER_KEPT)) => {
                    self.builder.buffers.clear();
                }
            }
        }
    }

    /// Logs once that others are waited for.
    fn log_waiting(&self, since: &mut Option<(Duration, bool)>) {
        let now = self.core.runtime.monotonic();
        let (begun, logged) = since.get_or_insert((now, false));
        if now >= *begun + WAIT_LOGGED_AFTER && !std::mem::replace(logged, true) {
            let pins = self.sealed.lock().first_pinned().map(|log| log.to_string());
            let pins = pins.unwrap_or_else(|| "an epoch that was sealed earlier".to_owned());
            tracing::warn!(
                pins,
                "nothing is flushed here until others have flushed what goes before it"
            );
        }
    }

    /// The unflushed bytes, and since when the oldest of them wait.
    pub(super) fn waiting(&self) -> (u64, Option<Duration>) {
        let ((own_bytes, own), (bytes, sealed)) =
            (self.core.tail.waiting(), self.sealed.lock().waiting());
        (own_bytes + bytes, own.into_iter().chain(sealed).min())
    }

    fn time_to_due(&self) -> Duration {
        let age = self.policy.age;
        let Some(since) = self.waiting().1 else { return age };
        let left = (since + age).saturating_sub(self.core.runtime.monotonic());
        left.max(Duration::from_millis(1))
    }

    fn is_due(&self) -> bool {
        let (bytes, oldest) = self.waiting();
        let Some(oldest) = oldest else { return false };
        let requested = {
            // The leaders of another broker's partitions wait for its epochs, and some may wait for
            // this broker's.
            let (own, logs) = (self.core.id.broker, &self.sealed.logs);
            let requested = |queued: &QueuedEpoch| {
                queued.log.broker != own || logs.is_flush_requested(queued.log)
            };
            let sealed = self.sealed.lock();
            sealed.queue.iter().any(|queued| requested(queued) || queued.chunks.is_none())
        };
        requested
            || bytes >= self.policy.bytes
            || self.core.budget.is_pressed()
            || self.core.runtime.monotonic() >= oldest + self.policy.age
    }

    /// Flushes until nothing that was committed before the call is left.
    pub(crate) async fn flush_all(&self) -> Result<(), FlushError> {
        let tail = &self.core.tail;
        let target = tail.newest();
        let sealed: Vec<LogId> = self.sealed.lock().queue.iter().map(|queued| queued.log).collect();
        let mut changes = self.sealed.logs.changes();
        let deadline = self.core.runtime.monotonic() + WAIT_MAX;
        let is_left = || {
            let own = tail.oldest_unflushed().zip(target);
            own.is_some_and(|(oldest, target)| oldest <= target)
                || self.sealed.lock().queue.iter().any(|queued| sealed.contains(&queued.log))
        };
        while is_left() {
            match self.flush_oldest().await? {
                FlushOutcome::Flushed => {}
                FlushOutcome::Nothing => break,
                FlushOutcome::WaitsForOthers
                    if self.core.runtime.monotonic() >= deadline || self.core.is_sealed() =>
                {
                    return Err(FlushError::Waits);
                }
                FlushOutcome::WaitsForOthers => {
                    tokio::select! {
                        _ = changes.changed() => {}
                        () = self.core.runtime.sleep(POLL_INTERVAL) => {}
                    }
                }
            }
        }
        Ok(())
    }
}
