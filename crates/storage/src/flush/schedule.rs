//! When to flush which log: by the policy, in a task of its own, or until everything is flushed, for
//! callers that wait for it.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use milena_runtime::Backoff;

use crate::{
    catalog::{records::LogId, storage_catalog::CatalogError},
    flush::{
        errors::FlushError,
        flusher::{FlushOutcome, Flusher},
    },
};

/// The time for which an idle segment buffer is kept.
const SEGMENT_BUFFER_KEPT: Duration = Duration::from_secs(5);

/// The pauses between attempts of a flush that fails.
const RETRY: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(5));

/// A log with unflushed chunks.
struct WaitingLog {
    log: LogId,
    bytes: u64,
    /// Since when its oldest chunk waits.
    since: Duration,
    /// Somebody waits for its flush.
    requested: bool,
}

/// A log whose flush fails.
pub(super) struct FailingLog {
    failed: u32,
    again_at: Duration,
}

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
        let mut failing: HashMap<LogId, FailingLog> = HashMap::new();
        while !stopping.is_cancelled() && !self.core.is_sealed() {
            let (due, wait) = self.next_due(&mut failing);
            if let Some(log) = due {
                match self.flush_oldest(log).await {
                    Ok(FlushOutcome::Flushed) => {
                        failing.remove(&log);
                        self.note_flush(log, None);
                        continue;
                    }
                    Ok(FlushOutcome::Nothing) => drop(failing.remove(&log)),
                    Err(error) => {
                        self.note_failure(log, &error, &mut failing);
                        continue;
                    }
                }
            }
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

    /// Tells producers that wait for memory why: only the flushes of this broker's own logs free some.
    fn note_flush(&self, log: LogId, error: Option<&FlushError>) {
        if log.broker == self.core.id.broker {
            self.core.budget.note_flush(error.map(ToString::to_string));
        }
    }

    pub(super) fn note_failure(
        &self,
        log: LogId,
        error: &FlushError,
        failing: &mut HashMap<LogId, FailingLog>,
    ) {
        self.note_flush(log, Some(error));
        let begun = FailingLog { failed: 0, again_at: Duration::ZERO };
        let entry = failing.entry(log).or_insert(begun);
        entry.failed += 1;
        if let FlushError::Catalog(CatalogError::Invalid(_)) = error {
            entry.again_at = Duration::MAX;
            tracing::error!(
                %error, %log,
                "nothing of this log is flushed in this life of the broker any more: its records \
                 stay in the write-ahead log"
            );
            return;
        }
        if error.is_out_of_space()
            && let Some(log) = self.core.log()
        {
            // What has been flushed may hold all the space that a flush needs.
            log.give_back_space();
        }
        let pause = RETRY.pause(entry.failed);
        entry.again_at = self.core.runtime.monotonic() + pause;
        let retry_ms = pause.as_millis();
        tracing::warn!(%error, %log, retry_ms, "not flushed: the records stay in the write-ahead log until a later try");
    }

    /// The log to flush now, of several the one that waits longest; and when to look again.
    fn next_due(&self, failing: &mut HashMap<LogId, FailingLog>) -> (Option<LogId>, Duration) {
        let now = self.core.runtime.monotonic();
        let mut waiting = self.waiting_logs();
        failing.retain(|log, _| waiting.iter().any(|waiting| waiting.log == *log));
        waiting.sort_by_key(|waiting| waiting.since);
        // One that stays because it fails does not make the others small.
        let counts = waiting.iter().filter(|waiting| !failing.contains_key(&waiting.log));
        let bytes: u64 = counts.map(|waiting| waiting.bytes).sum();
        let all_are_due = bytes >= self.policy.bytes || self.core.budget.is_pressed();
        let due_at = |waiting: &WaitingLog| match failing.get(&waiting.log) {
            Some(failing) => failing.again_at,
            None if waiting.requested || all_are_due => Duration::ZERO,
            None => waiting.since + self.policy.age,
        };
        let due = waiting.iter().find(|waiting| due_at(waiting) <= now);
        let next = waiting.iter().map(due_at).min().unwrap_or(now + self.policy.age);
        let wait = next.saturating_sub(now).max(Duration::from_millis(1));
        (due.map(|due| due.log), wait)
    }

    fn waiting_logs(&self) -> Vec<WaitingLog> {
        let own = self.core.id;
        let (bytes, since) = self.core.tail.waiting();
        let tail = since.map(|since| WaitingLog { log: own, bytes, since, requested: false });
        let sealed = self.sealed.lock();
        let sealed = sealed.queue.iter().map(|queued| {
            // The leaders of another broker's partitions wait for its epochs, and some may wait for
            // this broker's. One without chunks is to be retired.
            let requested = queued.log.broker != own.broker
                || self.sealed.logs.is_flush_requested(queued.log)
                || queued.chunks.is_none();
            let (bytes, since) = (queued.bytes(), queued.since);
            WaitingLog { log: queued.log, bytes, since, requested }
        });
        tail.into_iter().chain(sealed).collect()
    }

    /// Flushes until nothing of this broker's own log that was committed before the call is left.
    pub(crate) async fn flush_own(&self) -> Result<(), FlushError> {
        let tail = &self.core.tail;
        let target = tail.newest();
        let is_left = || {
            let left = tail.oldest_unflushed().zip(target);
            left.is_some_and(|(oldest, target)| oldest <= target)
        };
        while is_left() && self.flush_oldest(self.core.id).await? == FlushOutcome::Flushed {}
        Ok(())
    }

    /// As [`Flusher::flush_own`], and until nothing is left of the sealed epochs that this broker
    /// flushes.
    pub(crate) async fn flush_all(&self) -> Result<(), FlushError> {
        self.flush_own().await?;
        let sealed: Vec<LogId> = self.sealed.lock().queue.iter().map(|queued| queued.log).collect();
        for log in sealed {
            while self.flush_oldest(log).await? == FlushOutcome::Flushed {}
        }
        Ok(())
    }
}
