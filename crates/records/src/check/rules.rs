//! The rules for the records of a produced batch.

use std::ops::RangeInclusive;

use crate::{check::walk::RecordHead, error::BatchError};

/// What a topic asks of each record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordRules {
    /// `cleanup.policy` includes `compact`: every record needs a key.
    pub key_required: bool,
    /// `message.format.version` is one that has no headers.
    pub headers_refused: bool,
    /// The allowed times in ms since 1970: `message.timestamp.before.max.ms` and `.after.max.ms`
    /// around now. Records without a time (-1) pass. `None` for topics with log append time.
    pub timestamps: Option<RangeInclusive<i64>>,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// INVALID_RECORD: the topic is compacted.
    #[error("the topic is compacted, so the record needs a key")]
    NoKey,
    /// INVALID_TIMESTAMP.
    #[error("timestamp {timestamp} is outside what the topic allows ({earliest} to {latest})")]
    Timestamp {
        /// The record's time in ms.
        timestamp: i64,
        /// The earliest that is allowed.
        earliest: i64,
        /// The latest that is allowed.
        latest: i64,
    },
    /// INVALID_RECORD: offsets within a produced batch are 0, 1, 2 …
    #[error("its offset delta is {delta}, not its place in the batch")]
    OffsetDelta {
        /// The delta as read.
        delta: i32,
    },
    /// INVALID_RECORD: the topic's format has no headers.
    #[error("the format of the topic (message.format.version) has no headers: send none")]
    Headers,
}

/// A record that is refused (`RecordErrors` of a Produce response, KIP-467).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Its place in the batch, from 0 (`BatchIndex`).
    pub index: i32,
    pub fault: RecordFault,
}

/// Why the records of a batch are refused: the whole batch is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectedRecords {
    /// The batch cannot be read.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Records break rules; the first [`RejectedRecords::LISTED_MAX`] are listed.
    #[error("{} of the records are refused, the first: record {}: {}", .errors.len(), .errors[0].index, .errors[0].fault)]
    Records {
        /// The records, in order; at least one.
        errors: Vec<RecordError>,
        /// Whether a record's time is among the reasons, also of those that are not listed: then
        /// the partition's error is INVALID_TIMESTAMP, else INVALID_RECORD.
        is_timestamp: bool,
    },
}

impl RejectedRecords {
    /// How many refused records are listed at most.
    pub const LISTED_MAX: usize = 100;
}

impl RecordRules {
    pub(super) fn fault(&self, head: &RecordHead) -> Option<RecordFault> {
        if head.offset_delta != head.index {
            return Some(RecordFault::OffsetDelta { delta: head.offset_delta });
        }
        if self.key_required && !head.has_key {
            return Some(RecordFault::NoKey);
        }
        if self.headers_refused && head.has_headers {
            return Some(RecordFault::Headers);
        }
        let allowed = self.timestamps.as_ref()?;
        let timestamp = head.timestamp.raw();
        let refused = timestamp != -1 && !allowed.contains(&timestamp);
        let (earliest, latest) = (*allowed.start(), *allowed.end());
        refused.then_some(RecordFault::Timestamp { timestamp, earliest, latest })
    }
}
