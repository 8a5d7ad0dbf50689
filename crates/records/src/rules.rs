//! The rules for the records of a produced batch that need a look inside it.

use std::ops::RangeInclusive;

use milena_types::{Offset, Timestamp};

use crate::{batch::Batch, error::BatchError};

/// What a topic asks of each record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordRules {
    /// `cleanup.policy` includes `compact`: every record needs a key.
    pub key_required: bool,
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
    },
}

impl RejectedRecords {
    /// How many refused records are listed at most.
    pub const LISTED_MAX: usize = 100;

    /// Whether a record's time is among the reasons: then the partition's error is
    /// INVALID_TIMESTAMP, else INVALID_RECORD.
    pub fn is_timestamp(&self) -> bool {
        match self {
            Self::Batch(_) => false,
            Self::Records { errors } => {
                errors.iter().any(|e| matches!(e.fault, RecordFault::Timestamp { .. }))
            }
        }
    }
}

/// What the look inside found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsSummary {
    /// The largest time of a record, -1 for none.
    pub max_timestamp: Timestamp,
    /// The first record that has it, relative to the base offset 0.
    pub max_timestamp_offset: Offset,
    /// The records' size in bytes, decompressed.
    pub size: usize,
}

impl Batch {
    /// Reads every record and checks it: form, offsets 0, 1, 2 …, and `rules`. `limit` bounds
    /// decompression.
    ///
    /// Errors: [`RejectedRecords::Records`] names each record by its place in the batch.
    pub fn check_records(
        &self,
        rules: &RecordRules,
        limit: usize,
    ) -> Result<RecordsSummary, RejectedRecords> {
        let records = self.records(limit)?;
        let mut errors = Vec::new();
        let mut max = (Timestamp::NONE, Offset::ZERO);
        for (index, record) in (0..).zip(&records) {
            let record = record?;
            let time = record.timestamp;
            let fault = if record.offset_delta != index {
                Some(RecordFault::OffsetDelta { delta: record.offset_delta })
            } else if rules.key_required && record.key.is_none() {
                Some(RecordFault::NoKey)
            } else {
                rules.timestamp_fault(time)
            };
            if let Some(fault) = fault
                && errors.len() < RejectedRecords::LISTED_MAX
            {
                errors.push(RecordError { index, fault });
            }
            if time > max.0 {
                max = (time, Offset(i64::from(index)));
            }
        }
        if errors.is_empty() {
            Ok(RecordsSummary {
                max_timestamp: max.0,
                max_timestamp_offset: max.1,
                size: records.size(),
            })
        } else {
            Err(RejectedRecords::Records { errors })
        }
    }
}

impl RecordRules {
    fn timestamp_fault(&self, time: Timestamp) -> Option<RecordFault> {
        let allowed = self.timestamps.as_ref()?;
        let refused = time != Timestamp::NONE && !allowed.contains(&time.raw());
        refused.then(|| RecordFault::Timestamp {
            timestamp: time.raw(),
            earliest: *allowed.start(),
            latest: *allowed.end(),
        })
    }

    /// Whether a batch with these times in its header passes without a look inside: no record can
    /// be later than the header's largest time, and none earlier than allowed when there is no
    /// lower bound in force.
    pub fn needs_look(&self, batch: &Batch) -> bool {
        self.key_required
            || self.timestamps.as_ref().is_some_and(|allowed| {
                *allowed.start() > 0 || batch.header().max_timestamp.raw() > *allowed.end()
            })
    }
}
