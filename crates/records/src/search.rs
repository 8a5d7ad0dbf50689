//! Finding a record by time (ListOffsets).

use milena_types::{Offset, Timestamp};

use crate::{batch::Batch, error::BatchError};

/// The first record of `batch` whose time is at or after `timestamp`, and its time. `limit` bounds
/// decompression.
///
/// Batches that cannot hold one are not decompressed; in one with log append time it is the first
/// record.
///
/// Errors: as [`Batch::records`].
pub fn first_record_at_or_after(
    batch: &Batch,
    timestamp: Timestamp,
    limit: usize,
) -> Result<Option<(Offset, Timestamp)>, BatchError> {
    let header = batch.header();
    if header.max_timestamp < timestamp {
        return Ok(None);
    }
    first_record(batch, limit, |time| time >= timestamp)
}

/// The first record that has the largest time of `batch`, and that time (ListOffsets with timestamp
/// -3, KIP-734).
///
/// Errors: as [`Batch::records`].
pub fn first_record_with_max_timestamp(
    batch: &Batch,
    limit: usize,
) -> Result<Option<(Offset, Timestamp)>, BatchError> {
    let max = batch.header().max_timestamp;
    first_record(batch, limit, |time| time == max)
}

fn first_record(
    batch: &Batch,
    limit: usize,
    wanted: impl Fn(Timestamp) -> bool,
) -> Result<Option<(Offset, Timestamp)>, BatchError> {
    let header = batch.header();
    // Also where compaction took the first record away, as Kafka does: a consumer starting there
    // misses nothing.
    if let Some(time) = header.log_append_time() {
        return Ok((header.record_count > 0 && wanted(time)).then_some((header.base_offset, time)));
    }
    for record in &batch.records(limit)? {
        let record = record?;
        if wanted(record.timestamp) {
            return Ok(Some((record.offset, record.timestamp)));
        }
    }
    Ok(None)
}
