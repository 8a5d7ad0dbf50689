//! Finding a record by time (ListOffsets).

use milena_types::{Offset, Timestamp};

use crate::{
    batch::Batch,
    check::{RecordWalk, Walked},
    error::BatchError,
};

/// A search of a batch for its first record that is wanted. It can pause between any two bytes:
/// nothing that is decompressed is kept, but a batch may expand to a thousand times its size.
pub struct RecordSearch<F> {
    base_offset: i64,
    wanted: F,
    state: State,
}

enum State {
    Walking(Box<RecordWalk>),
    Done(Option<(Offset, Timestamp)>),
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchProgress {
    Pending,
    /// The record that was found, if there is one: its offset and time.
    Done(Option<(Offset, Timestamp)>),
}

/// The first record of `batch` whose time is at or after `timestamp`.
///
/// Batches that cannot hold one are not decompressed; in one with log append time it is the first
/// record.
///
/// Errors: [`BatchError::Codec`], [`BatchError::Compression`].
pub fn first_record_at_or_after(
    batch: &Batch,
    timestamp: Timestamp,
) -> Result<RecordSearch<impl FnMut(Offset, Timestamp) -> bool + Send + use<>>, BatchError> {
    let is_wanted = move |time| time >= timestamp;
    first_record(batch, batch.header().max_timestamp >= timestamp, is_wanted)
}

/// The first record that has the largest time of `batch` (ListOffsets with timestamp -3, KIP-734).
///
/// Errors: [`BatchError::Codec`], [`BatchError::Compression`].
pub fn first_record_with_max_timestamp(
    batch: &Batch,
) -> Result<RecordSearch<impl FnMut(Offset, Timestamp) -> bool + Send + use<>>, BatchError> {
    let max = batch.header().max_timestamp;
    first_record(batch, true, move |time| time == max)
}

/// The first record that is `wanted` by its offset and time.
///
/// Errors: [`BatchError::Codec`], [`BatchError::Compression`].
pub fn find_record<F: FnMut(Offset, Timestamp) -> bool>(
    batch: &Batch,
    wanted: F,
) -> Result<RecordSearch<F>, BatchError> {
    let base_offset = batch.header().base_offset.raw();
    Ok(RecordSearch {
        base_offset,
        wanted,
        state: State::Walking(Box::new(RecordWalk::new(batch)?)),
    })
}

fn first_record<F: Fn(Timestamp) -> bool + Send + Copy>(
    batch: &Batch,
    may_have: bool,
    is_wanted: F,
) -> Result<RecordSearch<impl FnMut(Offset, Timestamp) -> bool + Send + use<F>>, BatchError> {
    let header = batch.header();
    let known = match header.log_append_time() {
        _ if !may_have => Some(None),
        // Also where compaction took the first record away, as Kafka does: a consumer starting
        // there misses nothing.
        Some(time) => {
            Some((header.record_count > 0 && is_wanted(time)).then_some((header.base_offset, time)))
        }
        None => None,
    };
    let state = match known {
        Some(known) => State::Done(known),
        None => State::Walking(Box::new(RecordWalk::new(batch)?)),
    };
    let wanted = move |_, time| is_wanted(time);
    Ok(RecordSearch { base_offset: header.base_offset.raw(), wanted, state })
}

impl<F: FnMut(Offset, Timestamp) -> bool> RecordSearch<F> {
    /// Goes on for about `budget` decompressed bytes.
    ///
    /// Errors: as [`Batch::records`], without a limit.
    pub fn step(&mut self, budget: usize) -> Result<SearchProgress, BatchError> {
        let Self { base_offset, wanted, state } = self;
        let walk = match state {
            State::Done(found) => return Ok(SearchProgress::Done(*found)),
            State::Walking(walk) => walk,
        };
        let mut found = None;
        let walked = walk.step(budget, |head| {
            let offset = Offset(base_offset.wrapping_add(i64::from(head.offset_delta)));
            if wanted(offset, head.timestamp) {
                found = Some((offset, head.timestamp));
            }
            found.is_none()
        })?;
        if walked == Walked::Some {
            return Ok(SearchProgress::Pending);
        }
        *state = State::Done(found);
        Ok(SearchProgress::Done(found))
    }

    /// Searches to the end.
    ///
    /// Errors: as [`RecordSearch::step`].
    pub fn run(mut self) -> Result<Option<(Offset, Timestamp)>, BatchError> {
        loop {
            if let SearchProgress::Done(found) = self.step(usize::MAX)? {
                return Ok(found);
            }
        }
    }
}
