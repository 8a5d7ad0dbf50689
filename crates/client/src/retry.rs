//! Trying again, with growing pauses, until a deadline.

use std::time::Duration;

use milena_runtime::Runtime;

use crate::ClientError;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// One call's attempts.
pub(crate) struct Retry<'a> {
    runtime: &'a Runtime,
    deadline: Duration,
    pause: Duration,
}

impl<'a> Retry<'a> {
    pub(crate) fn new(runtime: &'a Runtime, within: Duration) -> Self {
        Self { runtime, deadline: runtime.monotonic() + within, pause: FIRST_PAUSE }
    }

    /// Pauses before the next attempt; or gives the error back, when another attempt is of no use
    /// or comes too late.
    pub(crate) async fn after(&mut self, error: ClientError) -> Result<(), ClientError> {
        let now = self.runtime.monotonic();
        if !error.is_retriable() || now + self.pause > self.deadline {
            return Err(error);
        }
        tracing::debug!(%error, "trying again");
        tokio::select! {
            () = self.runtime.sleep(self.pause) => {}
            () = self.runtime.stopping().cancelled() => return Err(ClientError::Closed),
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
