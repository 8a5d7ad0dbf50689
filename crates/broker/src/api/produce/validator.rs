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
    context: &'a RequestContext,
    apis: &'a ProduceApi,
    now_ms: i64,
    inline_left: usize,
}

/// A batch to append.
pub(super) struct ValidBatch {
    pub(super) batch: Batch,
    /// How many bytes were made of what was received.
    pub(super) made_bytes: usize,
    /// For these, if they are many.
    pub(super) room: Option<RoomPermit>,
}

impl ValidBatch {
    fn new(validation: &Validation, batch: Batch, mut room: Option<RoomPermit>) -> Self {
        let made_bytes = if validation.is_made() { batch.size() } else { 0 };
        if let Some(room) = &mut room {
            room.set_bytes(made_bytes);
        }
        Self { batch, made_bytes, room: room.filter(|_| made_bytes > UNCOUNTED_BYTES) }
    }
}

impl<'a> Validator<'a> {
    pub(super) fn new(context: &'a RequestContext, apis: &'a ProduceApi) -> Self {
        let now_ms = apis.runtime.wall_ms();
        Self { context, apis, now_ms, inline_left: INLINE_BYTES }
    }

    /// The batch to append. Its bytes are those that were received, unless the topic has another
    /// codec or the client is so old that it sends message sets; its header has the largest
    /// timestamp of its records.
    pub(super) async fn validate(
        &mut self,
        records: Option<Bytes>,
        config: &Arc<TopicConfig>,
    ) -> Result<ValidBatch, ProduceError> {
        let mut validation =
            Validation::begin(records, config, self.context.api_version, self.now_ms)?;
        match validation.run(config, &mut self.inline_left)? {
            Some(batch) => Ok(ValidBatch::new(&validation, batch, None)),
            None => Box::pin(self.on_compute(validation, config.clone())).await,
        }
    }

    async fn on_compute(
        &self,
        validation: Validation,
        config: Arc<TopicConfig>,
    ) -> Result<ValidBatch, ProduceError> {
        let runtime = self.apis.runtime.clone();
        let room = self.context.connection.memory.decoders.clone();
        let deadline = self.context.deadline();
        let task = in_slices(validation, config, runtime, room, deadline);
        let task = OwnedTask::from(self.apis.runtime.spawn_compute(task));
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

/// Takes its turns with all others that compute. What a decoder needs is known when it has begun,
/// and what is made grows; as soon as it is much, this waits for room for it.
async fn in_slices(
    mut validation: Validation,
    config: Arc<TopicConfig>,
    runtime: Runtime,
    room: Room,
    deadline: Option<Duration>,
) -> Result<ValidBatch, ProduceError> {
    let (mut counted, mut permit) = (UNCOUNTED_BYTES, room.none());
    let mut slices = runtime.compute_slices().await;
    loop {
        let mut slice = SLICE_BYTES;
        if let Some(batch) = validation.run(&config, &mut slice)? {
            return Ok(ValidBatch::new(&validation, batch, Some(permit)));
        }
        if deadline.is_some_and(|deadline| runtime.monotonic() > deadline) {
            return Err(ErrorCode::RequestTimedOut.into());
        }
        let needed = validation.memory();
        if needed <= counted {
            slices.next().await;
            continue;
        }
        // Neither a turn nor room is held while this waits: others would wait for it.
        drop((slices, permit));
        counted = needed;
        permit = within(&runtime, deadline, room.exactly(needed)).await?;
        slices = runtime.compute_slices().await;
    }
}

async fn within<T>(
    runtime: &Runtime,
    deadline: Option<Duration>,
    wanted: impl Future<Output = T>,
) -> Result<T, ErrorCode> {
    let Some(deadline) = deadline else { return Ok(wanted.await) };
    tokio::select! {
        biased;
        wanted = wanted => Ok(wanted),
        () = runtime.sleep(deadline.saturating_sub(runtime.monotonic())) => {
            Err(ErrorCode::RequestTimedOut)
        }
    }
}

#[cfg(test)]
mod tests {
    use milena_kafka_config::{Configs, KafkaConfig};
    use milena_records::{BatchBuilder, Compression, NewRecord};

    use super::*;

    fn validation() -> (Validation, Arc<TopicConfig>) {
        let version = "3.9".parse().expect("a version");
        let config = KafkaConfig::new(version, &Configs::new()).expect("the defaults");
        let config = Arc::new(config.at_start().topic_config(&Configs::new()));
        let mut builder = BatchBuilder::new(Compression::Zstd);
        let value = vec![0; 4 << 20];
        builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() });
        let sent = builder.build().expect("a batch").into_bytes();
        (Validation::begin(Some(sent), &config, 9, 0).expect("a batch"), config)
    }

    #[tokio::test]
    async fn a_decoder_that_needs_much_memory_waits_for_room() {
        let runtime = Runtime::system();
        let room = Room::new(4 << 20);
        let held = room.exactly(4 << 20).await;
        let deadline = runtime.monotonic() + Duration::from_millis(50);
        let (begun, config) = validation();
        let late = in_slices(begun, config, runtime.clone(), room.clone(), Some(deadline)).await;
        let late = late.err().expect("there is no room");
        assert_eq!(late.error.code, ErrorCode::RequestTimedOut);
        drop(held);
        let (begun, config) = validation();
        let valid = in_slices(begun, config, runtime, room.clone(), None).await;
        let valid = valid.expect("there is room");
        assert!(valid.room.is_none(), "its bytes are those of the request");
        assert_eq!(room.exactly(4 << 20).await.bytes(), 4 << 20, "all is given back");
    }
}
