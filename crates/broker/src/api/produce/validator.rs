//! Where records are validated: what is cheap by its size at once, the rest on the compute executor,
//! so that nobody waits behind a batch that expands to a thousand times its size.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use milena_kafka_config::TopicConfig;
use milena_protocol::ErrorCode;
use milena_records::Batch;
use milena_runtime::{OwnedTask, Runtime};

use crate::{
    context::RequestContext,
    memory::room::{Room, RoomPermit, UNCOUNTED_BYTES},
};

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
    /// For decoders: several windows of 128 MiB would be more than there is.
    decoders: &'a Room,
    inline_left: usize,
}

impl<'a> Validator<'a> {
    pub(super) fn new(apis: &'a ProduceApi, context: &'a RequestContext) -> Self {
        Self {
            apis,
            api_version: context.api_version,
            now_ms: apis.runtime.wall_ms(),
            deadline: context.deadline(),
            decoders: &context.connection.memory.decoders,
            inline_left: INLINE_BYTES,
        }
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
        let decoder_bytes = validation.decoder_bytes();
        let _decoder = match decoder_bytes > UNCOUNTED_BYTES {
            true => {
                let (runtime, deadline) = (&self.apis.runtime, self.deadline);
                Some(decoder_room(self.decoders, decoder_bytes, runtime, deadline).await?)
            }
            false => None,
        };
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

/// Waits for the memory that a decoder takes, at most until the deadline.
async fn decoder_room(
    decoders: &Room,
    bytes: usize,
    runtime: &Runtime,
    deadline: Option<Duration>,
) -> Result<RoomPermit, ProduceError> {
    let until_late = async {
        match deadline {
            None => std::future::pending().await,
            Some(deadline) => {
                runtime.sleep(deadline.saturating_sub(runtime.monotonic())).await;
            }
        }
    };
    tokio::select! {
        biased;
        room = decoders.exactly(bytes) => Ok(room),
        () = until_late => {
            let message = "there was no memory to decompress the records: try again";
            Err(ProduceError::new(ErrorCode::RequestTimedOut, message))
        }
    }
}

fn is_past(runtime: &Runtime, deadline: Option<Duration>) -> bool {
    deadline.is_some_and(|deadline| runtime.monotonic() > deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_decoder_waits_for_its_memory_until_the_deadline() {
        let runtime = Runtime::system();
        let decoders = Room::new(100 << 20);
        let large = decoder_room(&decoders, 90 << 20, &runtime, None).await.expect("room");
        let soon = Some(runtime.monotonic() + Duration::from_millis(20));
        let late = decoder_room(&decoders, 20 << 20, &runtime, soon).await.expect_err("none");
        assert_eq!(late.error.code, ErrorCode::RequestTimedOut);
        let (room, ()) = tokio::join!(decoder_room(&decoders, 20 << 20, &runtime, None), async {
            drop(large);
        });
        assert!(room.expect("room").is_counted());
    }
}
