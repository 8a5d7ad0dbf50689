//! Work that many callers need at the same time is done by one of them.

use std::{
    future::Future,
    sync::{Mutex, MutexGuard},
};

use crate::ClientError;

/// Lets one caller do what many need. The others take its result, or fail as it did: else they
/// would wait for as many time-outs as there are callers.
#[derive(Debug, Default)]
pub(crate) struct SingleFlight {
    running: tokio::sync::Mutex<()>,
    failures: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    count: u64,
    last: String,
    retriable: bool,
}

impl SingleFlight {
    /// Returns what `look` finds, else the result of `work`, which runs for one caller at a time.
    /// When that caller is cancelled another one runs its own.
    pub(crate) async fn run<T>(
        &self,
        look: impl Fn() -> Option<T>,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        if let Some(found) = look() {
            return Ok(found);
        }
        let before = self.failures().count;
        let _running = self.running.lock().await;
        if let Some(found) = look() {
            return Ok(found);
        }
        {
            let failures = self.failures();
            if failures.count != before {
                let Failures { last, retriable, .. } = &*failures;
                return Err(ClientError::Awaited { reason: last.clone(), retriable: *retriable });
            }
        }
        let outcome = work.await;
        if let Err(error) = &outcome {
            let mut failures = self.failures();
            failures.count += 1;
            (failures.last, failures.retriable) = (error.to_string(), error.is_retriable());
        }
        outcome
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().expect("no panic happens under this lock")
    }
}
