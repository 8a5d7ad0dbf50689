//! Reading a partition of `__consumer_offsets` into a coordinator.

use std::{sync::Arc, time::Duration};

use milena_coordinator::groups::{Coordinator, ReplayOutcome};
use milena_records::{
    Batch, BatchError,
    control::{EndTransactionMarker, TransactionResult},
    split,
};
use milena_runtime::{Backoff, Retry};
use milena_storage::{Isolation, ReadError, ReadRequest};
use milena_types::Offset;

use super::shard::GroupShard;

/// How much is read at once.
const READ_BYTES: usize = 1024 * 1024;
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
}

/// A log that is being loaded into a coordinator.
struct Replay<'a> {
    shard: &'a GroupShard,
    coordinator: Coordinator,
    from: Offset,
    bytes: u64,
}

impl GroupShard {
    /// Loads the partition, however often that fails, unless it is closed.
    pub(super) async fn load(self: Arc<Self>) {
        let runtime = self.timers.runtime.clone();
        let mut retry = Retry::new(&runtime, Backoff::fixed(RETRY));
        let mut failed = false;
        while !self.is_closed() {
            let replay = Replay {
                shard: &self,
                coordinator: Coordinator::new(self.timers.config.groups.clone()),
                from: self.partition.bounds().log_start,
                bytes: 0,
            };
            match replay.run().await {
                Ok((coordinator, bytes)) => {
                    if failed {
                        tracing::info!(partition = %self.partition.id(), "groups are loaded now");
                    }
                    return self.activate(coordinator, bytes);
                }
                Err(LoadError::Read(ReadError::Closed)) => return,
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
}

impl Replay<'_> {
    async fn run(mut self) -> Result<(Coordinator, u64), LoadError> {
        // Nothing is appended meanwhile: appends are the coordinator's, and it is not there yet.
        let end = self.shard.partition.bounds().high_watermark;
        while self.from < end {
            let request = ReadRequest {
                from: self.from,
                max_bytes: READ_BYTES,
                at_least_one: true,
                isolation: Isolation::Uncommitted,
            };
            let data = self.shard.partition.read(&request).await?;
            let before = self.from;
            for part in &data.parts {
                for batch in split(part.clone()) {
                    self.batch(&batch?)?;
                }
            }
            self.bytes += data.bytes as u64;
            if self.from == before {
                return Err(LoadError::Short { ends: before, expected: end });
            }
        }
        Ok((self.coordinator, self.bytes))
    }

    fn batch(&mut self, batch: &Batch) -> Result<(), LoadError> {
        let header = batch.header();
        let records = batch.records(BATCH_BYTES_MAX)?;
        for record in &records {
            let record = record?;
            if record.offset < self.from {
                continue;
            }
            if header.attributes.is_control() {
                if let Some(marker) = EndTransactionMarker::of(&record)? {
                    let committed = marker.result == TransactionResult::Commit;
                    self.coordinator.end_transaction(header.producer_id, committed);
                }
                continue;
            }
            let key = record.key.map(|key| records.share(key)).unwrap_or_default();
            let value = record.value.map(|value| records.share(value));
            let replayed = if header.attributes.is_transactional() {
                self.coordinator.replay_transactional(header.producer_id, &key, value.as_ref())
            } else {
                self.coordinator.replay(&key, value.as_ref())
            };
            let (partition, offset) = (self.shard.partition.id(), record.offset);
            match replayed {
                Ok(ReplayOutcome::Applied) => {}
                Ok(ReplayOutcome::UnknownType(kind)) => {
                    tracing::warn!(
                        %partition, %offset, kind,
                        "left out a group record of a type this release does not know"
                    );
                }
                // One bad record must not take all groups of the partition away.
                Err(error) => {
                    tracing::error!(%partition, %offset, %error, "left out a group record");
                }
            }
        }
        let next = header.base_offset.plus(i64::from(header.last_offset_delta) + 1);
        self.from = self.from.max(next);
        Ok(())
    }
}
