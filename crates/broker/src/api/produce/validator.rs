//! Where records are validated: what is cheap by its size at once, the rest on the compute executor,
//! so that nobody waits behind a batch that expands to a thousand times its size.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use milena_kafka_config::TopicConfig;
use milena_protocol::ErrorCode;
use milena_records::Batch;
use milena_runtime::{OwnedTask, Runtime};

use super::{
    apis::ProduceApi,
    validate::{ProduceError, Validation},
};

/// How many decompressed bytes of a request are looked at before the compute executor takes over.
const INLINE_BYTES: usize = 256 * 1024;

/// How many decompressed bytes are looked at between two chances for others.
const SLICE_BYTES: usize = 64 * 1024;

/// Validates the records of one request.
pub(super) struct Validator<'a> {
    apis: &'a ProduceApi,
    api_version: i16,
    now_ms: i64,
    /// On the monotonic clock.
    deadline: Option<Duration>,
    inline_left: usize,
}

impl<'a> Validator<'a> {
    pub(super) fn new(apis: &'a ProduceApi, api_version: i16, deadline: Option<Duration>) -> Self {
        let now_ms = apis.runtime.wall_ms();
        Self { apis, api_version, now_ms, deadline, inline_left: INLINE_BYTES }
    }

    /// The batch to append. Its bytes are those that were received, unless the topic has another
    /// codec or the client is so old that it sends message sets; its header has the largest
    /// timestamp of its records.
    pub(super) async fn validate(
        &mut self,
        records: Option<Bytes>,
        config: &Arc<TopicConfig>,
    ) -> Result<Batch, ProduceError> {
        let mut validation =
            Validation::begin(records, config.clone(), self.api_version, self.now_ms)?;
        match validation.run(&mut self.inline_left)? {
            Some(batch) => Ok(batch),
            None => Box::pin(self.on_compute(validation)).await,
        }
    }

    async fn on_compute(&self, mut validation: Validation) -> Result<Batch, ProduceError> {
        let (runtime, deadline) = (self.apis.runtime.clone(), self.deadline);
        let task = OwnedTask::from(self.apis.runtime.spawn_compute(async move {
            let mut slices = runtime.compute_slices().await;
            loop {
                let mut slice = SLICE_BYTES;
                if let Some(batch) = validation.run(&mut slice)? {
                    return Ok(batch);
                }
                if is_past(&runtime, deadline) {
                    return Err(ErrorCode::RequestTimedOut.into());
                }
                slices.next().await;
            }
        }));
        task.await.unwrap_or_else(|ended| {
            let stopping = ended.is_cancelled();
            let code = if stopping {
                ErrorCode::NotLeaderOrFollower
            } else {
                ErrorCode::UnknownServerError
            };
            Err(code.into())
        })
    }
}

fn is_past(runtime: &Runtime, deadline: Option<Duration>) -> bool {
    deadline.is_some_and(|deadline| runtime.monotonic() > deadline)
}
