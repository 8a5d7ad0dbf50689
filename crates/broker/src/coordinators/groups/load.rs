//! Reading a partition of `__consumer_offsets` into a coordinator.
//!
//! Reads follow one another; what was read is decoded by tasks of the compute executor, several at a
//! time, and applied in the order of the log.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{TryStreamExt as _, stream};
use milena_coordinator::groups::{Coordinator, StoredChange, StoredRecordError};
use milena_records::{
    Batch, BatchError,
    control::{EndTransactionMarker, TransactionResult},
    split,
};
use milena_runtime::{Backoff, OwnedTask, Retry, Runtime};
use milena_storage::{Isolation, ReadError, ReadRequest};
use milena_types::{Offset, ProducerId, TopicPartition};
use tokio::task::JoinError;

use super::shard::GroupShard;

/// How much is read at once.
const READ_BYTES: usize = 512 * 1024;
/// How many reads are being decoded, or wait for those before them.
const READS_AHEAD: usize = 4;
/// How many changes are applied in a slice.
const SLICE_CHANGES: usize = 2_048;
/// The most that a batch of group records may hold when decompressed; Kafka may have written
/// compressed ones.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The pause before a partition is read again after an error.
const RETRY: Duration = Duration::from_millis(500);

/// Why a partition was not loaded.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("the log ends at {ends} although it should reach {expected}: check the segment store")]
    Short { ends: Offset, expected: Offset },
    /// The broker stops, or there is a bug.
    #[error(transparent)]
    Ended(#[from] JoinError),
}

/// The effect of a record of the log on a coordinator.
enum Replayed {
    Change(StoredChange),
    Transactional(ProducerId, StoredChange),
    TransactionEnded { producer: ProducerId, committed: bool },
}

/// A stretch of a log that is being decoded.
struct Decoding {
    task: OwnedTask<Result<Vec<Replayed>, BatchError>>,
    bytes: u64,
}

impl GroupShard {
    /// Loads the partition, however often that fails, unless it is closed.
    pub(super) async fn load(self: Arc<Self>) {
        let runtime = self.timers.runtime.clone();
        let mut retry = Retry::new(&runtime, Backoff::fixed(RETRY));
        let mut failed = false;
        while !self.is_closed() {
            let replay = OwnedTask::from(runtime.spawn_compute(self.clone().replay()));
            match replay.await.unwrap_or_else(|ended| Err(ended.into())) {
                Ok((coordinator, bytes)) => {
                    if failed {
                        tracing::info!(partition = %self.partition.id(), "groups are loaded now");
                    }
                    return self.activate(coordinator, bytes);
                }
                Err(LoadError::Read(ReadError::Closed)) => return,
                Err(LoadError::Ended(ended)) if ended.is_cancelled() => return,
                Err(error) => {
                    failed = true;
                    if retry.is_news(&error) {
                        tracing::error!(
                            partition = %self.partition.id(), %error,
                            "groups cannot be loaded; trying again"
                        );
                    }
                }
            }
            if retry.pause().await.is_err() {
                return;
            }
        }
    }

    /// The coordinator of what the log has, and how many bytes these are.
    async fn replay(self: Arc<Self>) -> Result<(Coordinator, u64), LoadError> {
        let runtime = &self.timers.runtime;
        let mut coordinator = Coordinator::new(self.timers.config.groups.clone());
        let mut bytes = 0;
        // Nothing is appended meanwhile: appends are the coordinator's, and it is not there yet.
        let bounds = self.partition.bounds();
        let (start, end) = (bounds.log_start, bounds.high_watermark);
        let reader = self.clone();
        let reads = stream::try_unfold(start, move |from| reader.clone().read(from, end));
        let mut decoded = pin!(reads.map_ok(Decoding::finish).try_buffered(READS_AHEAD));
        while let Some((changes, read)) = decoded.try_next().await? {
            bytes += read;
            let mut slices = runtime.compute_slices().await;
            for (number, change) in changes.into_iter().enumerate() {
                if number > 0 && number % SLICE_CHANGES == 0 {
                    slices.next().await;
                }
                change.apply(&mut coordinator);
            }
        }
        Ok((coordinator, bytes))
    }

    /// Reads from the log and begins to decode that; says where the next read begins. `None` at the
    /// end.
    async fn read(
        self: Arc<Self>,
        from: Offset,
        end: Offset,
    ) -> Result<Option<(Decoding, Offset)>, LoadError> {
        if from >= end {
            return Ok(None);
        }
        let request = ReadRequest {
            from,
            max_bytes: READ_BYTES,
            at_least_one: true,
            isolation: Isolation::Uncommitted,
        };
        let data = self.partition.read(&request).await?;
        let mut batches = Vec::new();
        for part in data.parts {
            for batch in split(part) {
                batches.push(batch?);
            }
        }
        let next = batches.last().map_or(from, |batch| batch.header().next_offset());
        if next <= from {
            return Err(LoadError::Short { ends: from, expected: end });
        }
        let runtime = self.timers.runtime.clone();
        let decoding = decode(batches, from, self.partition.id(), runtime.clone());
        let task = OwnedTask::from(runtime.spawn_compute(decoding));
        Ok(Some((Decoding { task, bytes: data.bytes as u64 }, next)))
    }
}

impl Decoding {
    async fn finish(self) -> Result<(Vec<Replayed>, u64), LoadError> {
        Ok((self.task.await??, self.bytes))
    }
}

impl Replayed {
    fn apply(self, coordinator: &mut Coordinator) {
        match self {
            Self::Change(change) => coordinator.replay(change),
            Self::Transactional(producer, change) => {
                coordinator.replay_transactional(producer, change);
            }
            Self::TransactionEnded { producer, committed } => {
                coordinator.end_transaction(producer, committed);
            }
        }
    }
}

/// Decodes the records at or after `from`, one batch in each compute slice.
async fn decode(
    batches: Vec<Batch>,
    from: Offset,
    partition: TopicPartition,
    runtime: Runtime,
) -> Result<Vec<Replayed>, BatchError> {
    // As many as the batches say, as far as their bytes justify it.
    let records =
        |batch: &Batch| (batch.header().record_count.max(0) as usize).min(batch.size() / 16);
    let mut replayed = Vec::with_capacity(batches.iter().map(records).sum());
    let mut slices = runtime.compute_slices().await;
    for (number, batch) in batches.into_iter().enumerate() {
        if number > 0 {
            slices.next().await;
        }
        decode_batch(&batch, from, partition, &mut replayed)?;
    }
    Ok(replayed)
}

fn decode_batch(
    batch: &Batch,
    from: Offset,
    partition: TopicPartition,
    replayed: &mut Vec<Replayed>,
) -> Result<(), BatchError> {
    let header = batch.header();
    let records = batch.records(BATCH_BYTES_MAX)?;
    for record in &records {
        let record = record?;
        if record.offset < from {
            continue;
        }
        if header.attributes.is_control() {
            if let Some(marker) = EndTransactionMarker::of(&record)? {
                let committed = marker.result == TransactionResult::Commit;
                let producer = header.producer_id;
                replayed.push(Replayed::TransactionEnded { producer, committed });
            }
            continue;
        }
        let key = record.key.map(|key| records.share(key)).unwrap_or_default();
        let value = record.value.map(|value| records.share(value));
        let offset = record.offset;
        match StoredChange::decode(&key, value.as_ref()) {
            Ok(change) if header.attributes.is_transactional() => {
                replayed.push(Replayed::Transactional(header.producer_id, change));
            }
            Ok(change) => replayed.push(Replayed::Change(change)),
            Err(error @ StoredRecordError::UnknownType(_)) => {
                tracing::warn!(%partition, %offset, %error, "left out a group record");
            }
            // One bad record must not take all groups of the partition away.
            Err(error) => {
                tracing::error!(%partition, %offset, %error, "left out a group record");
            }
        }
    }
    Ok(())
}
