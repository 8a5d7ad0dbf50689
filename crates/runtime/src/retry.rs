//! Attempts that are repeated: how long to pause between them, when to end, what to log.
//!
//! A caller keeps its own loop, so that it decides which errors are final:
//!
//! ```text
//! let mut retry = Retry::new(&runtime, Backoff::fixed(PAUSE));
//! loop {
//!     match attempt().await {
//!         Ok(value) => return Ok(value),
//!         Err(error) if error.is_final() => return Err(error),
//!         Err(error) if retry.is_news(&error) => tracing::warn!(%error, "trying again"),
//!         Err(_) => {}
//!     }
//!     retry.pause().await?;
//! }
//! ```
//!
//! Pauses are deterministic: no jitter is drawn, since a simulation must replay them, and since the
//! attempts of one process do not meet others at a shared service.

use std::{collections::HashSet, fmt::Display, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::Runtime;

/// The pauses between attempts, as a function of how many failed in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
}

impl Backoff {
    /// The same pause after every failure.
    pub const fn fixed(pause: Duration) -> Self {
        Self { first: pause, max: pause }
    }

    /// `first`, doubled with every further failure, at most `max`.
    pub const fn doubling(first: Duration, max: Duration) -> Self {
        Self { first, max }
    }

    /// The pause after the `failures`th failure in a row, counted from 1.
    pub fn pause(&self, failures: u32) -> Duration {
        let factor = 2u32.saturating_pow(failures.saturating_sub(1));
        self.first.saturating_mul(factor).min(self.max)
    }
}

/// How many different messages of failures in a row are logged.
const MESSAGES_MAX: usize = 16;

/// Says which failures of a repeated piece of work are worth a line in the log: each message once
/// until the work succeeds, so that causes that alternate are not logged at every attempt. At most
/// 16 of them, since a message may have a number that differs each time.
#[derive(Debug, Default)]
pub struct FailureLog {
    logged: HashSet<String>,
}

impl FailureLog {
    /// Whether `error` is to be logged. It then counts as logged.
    pub fn is_news(&mut self, error: &dyn Display) -> bool {
        self.logged.len() < MESSAGES_MAX && self.logged.insert(error.to_string())
    }

    /// The work succeeded: the next failure is news whatever its message.
    pub fn clear(&mut self) {
        self.logged.clear();
    }
}

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryEnded {
    /// The scope, or the token of [`Retry::until`], was cancelled.
    Stopping,
    /// The next attempt would come after the deadline.
    TooLate,
}

/// The attempts of one piece of work.
pub struct Retry<'a> {
    runtime: &'a Runtime,
    stopping: &'a CancellationToken,
    deadline: Option<Duration>,
    backoff: Backoff,
    failures: u32,
    log: FailureLog,
}

impl<'a> Retry<'a> {
    /// Attempts until the scope of `runtime` stops.
    pub fn new(runtime: &'a Runtime, backoff: Backoff) -> Self {
        Self {
            runtime,
            stopping: runtime.stopping(),
            deadline: None,
            backoff,
            failures: 0,
            log: FailureLog::default(),
        }
    }

    /// Ends with `stopping` instead of the runtime's scope.
    #[must_use]
    pub fn until(self, stopping: &'a CancellationToken) -> Self {
        Self { stopping, ..self }
    }

    /// No attempt is to begin later than `duration` from now.
    #[must_use]
    pub fn within(self, duration: Duration) -> Self {
        Self { deadline: Some(self.runtime.monotonic() + duration), ..self }
    }

    /// See [`FailureLog::is_news`].
    pub fn is_news(&mut self, error: &dyn Display) -> bool {
        self.log.is_news(error)
    }

    /// Whether the next pause is the longest there is.
    pub fn is_at_longest(&self) -> bool {
        self.next_pause() >= self.backoff.max
    }

    /// The length of the next [`Retry::pause`].
    pub fn next_pause(&self) -> Duration {
        self.backoff.pause(self.failures + 1)
    }

    /// An attempt succeeded, and what follows is new work.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.log.clear();
    }

    /// Pauses before the next attempt. Cancel-safe, but then the pause counts.
    pub async fn pause(&mut self) -> Result<(), RetryEnded> {
        let pause = self.next_pause();
        if self.deadline.is_some_and(|deadline| self.runtime.monotonic() + pause > deadline) {
            return Err(RetryEnded::TooLate);
        }
        self.failures = self.failures.saturating_add(1);
        // `biased`: an unbiased select draws a random number.
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => Err(RetryEnded::Stopping),
            () = self.runtime.sleep(pause) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff::doubling(5 * MS, 500 * MS);
        let pauses: Vec<u128> = (1..=9).map(|n| backoff.pause(n).as_millis()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 500, 500]);
        assert_eq!(backoff.pause(u32::MAX), 500 * MS);
        assert_eq!(Backoff::fixed(50 * MS).pause(7), 50 * MS);
    }

    #[test]
    fn a_failure_is_news_once_until_a_success() {
        let mut log = FailureLog::default();
        let news = ["a", "a", "b", "a", "b"].map(|error| log.is_news(&error));
        assert_eq!(news, [true, false, true, false, false]);
        log.clear();
        assert!(log.is_news(&"a"));
    }

    #[test]
    fn messages_that_always_differ_are_logged_a_few_times_until_a_success() {
        let mut log = FailureLog::default();
        assert_eq!((0..100).filter(|attempt| log.is_news(attempt)).count(), MESSAGES_MAX);
        log.clear();
        assert!(log.is_news(&100));
    }

    #[tokio::test]
    async fn pauses_grow_and_a_reset_begins_anew() {
        let runtime = Runtime::system();
        let mut retry = Retry::new(&runtime, Backoff::doubling(MS, 4 * MS));
        let started = runtime.monotonic();
        for _ in 0..4 {
            retry.pause().await.expect("nothing stops it");
        }
        assert!(runtime.monotonic() - started >= 11 * MS);
        assert!(retry.is_at_longest());
        retry.reset();
        assert_eq!(retry.next_pause(), MS);
        assert!(!retry.is_at_longest());
    }

    #[tokio::test]
    async fn a_stopping_scope_ends_a_pause() {
        let runtime = Runtime::system();
        let mut retry = Retry::new(&runtime, Backoff::fixed(Duration::from_secs(3600)));
        let (ended, ()) = tokio::join!(retry.pause(), async { runtime.stop() });
        assert_eq!(ended, Err(RetryEnded::Stopping));
        assert_eq!(retry.pause().await, Err(RetryEnded::Stopping));
    }

    #[tokio::test]
    async fn a_token_ends_it_instead_of_the_scope() {
        let (runtime, leaving) = (Runtime::system(), CancellationToken::new());
        let mut retry = Retry::new(&runtime, Backoff::fixed(MS)).until(&leaving);
        runtime.stop();
        assert_eq!(retry.pause().await, Ok(()));
        leaving.cancel();
        assert_eq!(retry.pause().await, Err(RetryEnded::Stopping));
    }

    #[tokio::test]
    async fn a_pause_that_would_end_after_the_deadline_is_not_taken() {
        let runtime = Runtime::system();
        let mut retry =
            Retry::new(&runtime, Backoff::fixed(Duration::from_secs(3600))).within(MS * 1000);
        assert_eq!(retry.pause().await, Err(RetryEnded::TooLate));
    }
}
