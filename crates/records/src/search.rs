//! Finding a record by time (ListOffsets).

use milena_types::{Offset, Timestamp};

use crate::{
    batch::Batch,
    check::{RecordWalk, Walked},
    error::BatchError,
};

/// How much is walked over at a time.
const SLICE: usize = 1 << 20;

/// The first record of `batch` whose time is at or after `timestamp`, and its time. Nothing that is
/// decompressed is kept.
///
/// Batches that cannot hold one are not decompressed; in one with log append time it is the first
/// record.
///
/// Errors: as [`Batch::records`], without a limit.
pub fn first_record_at_or_after(
    batch: &Batch,
    timestamp: Timestamp,
) -> Result<Option<(Offset, Timestamp)>, BatchError> {
    let header = batch.header();
    if header.max_timestamp < timestamp {
        return Ok(None);
    }
    first_record(batch, |time| time >= timestamp)
}

/// The first record that has the largest time of `batch`, and that time (ListOffsets with timestamp
/// -3, KIP-734).
///
/// Errors: as [`Batch::records`], without a limit.
pub fn first_record_with_max_timestamp(
    batch: &Batch,
) -> Result<Option<(Offset, Timestamp)>, BatchError> {
    let max = batch.header().max_timestamp;
    first_record(batch, |time| time == max)
}

/// The first record that is `wanted` by its offset and time. Nothing that is decompressed is kept.
///
/// Errors: as [`Batch::records`], without a limit.
pub fn find_record(
    batch: &Batch,
    mut wanted: impl FnMut(Offset, Timestamp) -> bool,
) -> Result<Option<(Offset, Timestamp)>, BatchError> {
    let base = batch.header().base_offset.raw();
    let (mut walk, mut found) = (RecordWalk::new(batch)?, None);
    while walk.step(SLICE, |head| {
        let offset = Offset(base.wrapping_add(i64::from(head.offset_delta)));
        if wanted(offset, head.timestamp) {
            found = Some((offset, head.timestamp));
        }
        found.is_none()
    })? == Walked::Some
    {}
    Ok(found)
}

fn first_record(
    batch: &Batch,
    wanted: impl Fn(Timestamp) -> bool,
) -> Result<Option<(Offset, Timestamp)>, BatchError> {
    let header = batch.header();
    // Also where compaction took the first record away, as Kafka does: a consumer starting there
    // misses nothing.
    if let Some(time) = header.log_append_time() {
        return Ok((header.record_count > 0 && wanted(time)).then_some((header.base_offset, time)));
    }
    find_record(batch, |_, time| wanted(time))
}
