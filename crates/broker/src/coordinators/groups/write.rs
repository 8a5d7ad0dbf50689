//! Appending a coordinator's records, and keeping that log short.
//!
//! One append is in progress at a time; records queued meanwhile go into the next, so a busy
//! partition writes large batches. When the log has grown far beyond the size of the state, the
//! state is written again in parts between other appends, and the log start moves up to the first
//! part (there is no cleaner yet).

use std::sync::Arc;

use milena_coordinator::groups::{AppendError, StoredRecord};
use milena_records::{Batch, BatchBuilder, BatchError, Compression, NewRecord};
use milena_storage::{AppendOptions, CommitError, Origin};
use milena_types::{Offset, Timestamp};

use super::{
    errors::{append_error, commit_error},
    shard::{GroupShard, Growth, ShardState, SnapshotProgress},
};

/// About how many bytes of records go into one batch.
const APPEND_BYTES: usize = 512 * 1024;
/// About how many bytes of a snapshot go into one batch.
const SNAPSHOT_PART_BYTES: usize = 256 * 1024;
/// A snapshot is written when the log has grown by this many times the last one.
const SNAPSHOT_GROWTH_FACTOR: u64 = 4;

enum NextAppend {
    Changes(Vec<StoredRecord>),
    SnapshotPart(Vec<StoredRecord>),
    /// The snapshot is in the log, which can start here.
    StartAt(Offset),
}

impl GroupShard {
    /// Appends until nothing is left to append.
    pub(super) async fn write(self: Arc<Self>) {
        // Taken in turns, so that neither commits nor a snapshot wait for the other for ever.
        let mut snapshot_first = false;
        while let Some(next) = self.next_append(snapshot_first) {
            snapshot_first = matches!(next, NextAppend::Changes(_));
            match next {
                NextAppend::Changes(records) => {
                    let appended = self.append(&records).await;
                    let outcome = appended.map(|_| ());
                    if let Err(error) = outcome {
                        tracing::warn!(
                            partition = %self.partition.id(), %error,
                            "group changes were not stored"
                        );
                    }
                    self.changes_ended(&records, outcome);
                }
                NextAppend::SnapshotPart(records) => {
                    let appended = self.append(&records).await;
                    self.snapshot_part_ended(&records, appended);
                }
                NextAppend::StartAt(offset) => self.move_log_start(offset).await,
            }
        }
    }

    /// `None`: nothing is left to append, and this task is over.
    fn next_append(&self, snapshot_first: bool) -> Option<NextAppend> {
        let mut state = self.lock();
        let next = state.next(snapshot_first);
        state.writing = next.is_some();
        next
    }

    async fn append(&self, records: &[StoredRecord]) -> Result<Offset, AppendError> {
        if records.is_empty() {
            return Ok(self.partition.bounds().high_watermark);
        }
        let now = Timestamp(self.timers.runtime.wall_ms());
        let batch = batch_of(records, now).map_err(|_| AppendError::TooLarge)?;
        let options = AppendOptions { leader_epoch: None, now, origin: Origin::Coordinator };
        let append =
            self.partition.append(&[batch], &options).map_err(|error| append_error(&error))?;
        let given = append.if_committed().base_offset;
        match append.await {
            Ok(appended) => Ok(appended.base_offset),
            // It may only be late, and the groups must have all records that the log will have.
            Err(CommitError::Stalled) if self.partition.is_committed(given).await => Ok(given),
            Err(error) => Err(commit_error(error)),
        }
    }

    fn changes_ended(self: &Arc<Self>, records: &[StoredRecord], outcome: Result<(), AppendError>) {
        let mut state = self.lock();
        let Ok(coordinator) = state.coordinator() else { return };
        coordinator.append_ended(outcome, self.timers.now());
        if outcome.is_ok() {
            state.growth.bytes += bytes_of(records);
        }
        self.drain_effects(&mut state);
    }

    fn snapshot_part_ended(&self, records: &[StoredRecord], appended: Result<Offset, AppendError>) {
        let mut state = self.lock();
        let growth = &mut state.growth;
        match (appended, &mut growth.snapshot) {
            (Ok(offset), Some(snapshot)) => {
                snapshot.begins.get_or_insert(offset);
                snapshot.bytes += bytes_of(records);
            }
            (Err(error), _) => {
                tracing::warn!(
                    partition = %self.partition.id(), %error,
                    "a snapshot of groups was not stored; it is tried again later"
                );
                growth.postpone();
            }
            (Ok(_), None) => {}
        }
    }

    async fn move_log_start(&self, offset: Offset) {
        if let Err(error) = self.partition.delete_records(Some(offset)).await {
            tracing::warn!(
                partition = %self.partition.id(), %error,
                "the log of groups could not be cut; it is tried again later"
            );
        }
    }
}

impl ShardState {
    fn next(&mut self, snapshot_first: bool) -> Option<NextAppend> {
        let changes_first = !snapshot_first;
        if changes_first && let Some(records) = self.coordinator().ok()?.take_append(APPEND_BYTES) {
            return Some(NextAppend::Changes(records));
        }
        if let Some(next) = self.next_snapshot_part() {
            return Some(next);
        }
        self.coordinator().ok()?.take_append(APPEND_BYTES).map(NextAppend::Changes)
    }

    fn next_snapshot_part(&mut self) -> Option<NextAppend> {
        if !self.growth.wants_snapshot() {
            return None;
        }
        let mut snapshot = self.growth.snapshot.take();
        let coordinator = self.coordinator().ok()?;
        if coordinator.has_undecided_offsets() {
            return None; // They would be cut off with the log's start.
        }
        if let Some(SnapshotProgress { begins: Some(begins), cursor: None, bytes }) = snapshot {
            self.growth.snapshot_bytes = bytes;
            return Some(NextAppend::StartAt(begins));
        }
        let cursor = snapshot.as_mut().and_then(|snapshot| snapshot.cursor.take());
        let (records, cursor) = coordinator.snapshot(cursor.as_ref(), SNAPSHOT_PART_BYTES);
        let (begins, bytes) = match snapshot {
            Some(snapshot) => (snapshot.begins, snapshot.bytes),
            None => {
                self.growth.bytes = 0;
                (None, 0)
            }
        };
        self.growth.snapshot = Some(SnapshotProgress { begins, cursor, bytes });
        Some(NextAppend::SnapshotPart(records))
    }
}

impl Growth {
    pub(super) fn wants_snapshot(&self) -> bool {
        let limit = self.bytes_min.max(self.snapshot_bytes.saturating_mul(SNAPSHOT_GROWTH_FACTOR));
        self.snapshot.is_some() || self.bytes > limit
    }

    /// Gives the snapshot up, until the log has grown further.
    fn postpone(&mut self) {
        self.snapshot = None;
        self.bytes = self.bytes_min / 2;
    }
}

fn batch_of(records: &[StoredRecord], now: Timestamp) -> Result<Batch, BatchError> {
    let mut batch = BatchBuilder::new(Compression::None);
    for record in records {
        batch.push(&NewRecord {
            timestamp: now,
            key: Some(&record.key),
            value: record.value.as_deref(),
            headers: &[],
        });
    }
    batch.build()
}

fn bytes_of(records: &[StoredRecord]) -> u64 {
    records.iter().map(|record| record.len() as u64).sum()
}
