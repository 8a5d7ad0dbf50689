//! Looking at every record of a produced batch, a little at a time, keeping nothing.
//!
//! The log believes no header: how many records there are, their offsets and their largest
//! timestamp are what is found here. Values are skipped, so that the memory of a check is that of
//! its decoder, however large the records are; a batch that expands to a thousand times its size
//! costs time, which the caller bounds by the steps it takes.

mod rules;
mod walk;

pub use rules::{RecordError, RecordFault, RecordRules, RejectedRecords};
pub(crate) use walk::{RecordHead, RecordWalk, Walked};

use milena_types::{Offset, Timestamp};

use crate::{batch::Batch, error::BatchError};

/// A check of a batch's records that can pause between any two bytes.
#[derive(Debug)]
pub struct RecordCheck {
    walk: RecordWalk,
    tally: Tally,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckProgress {
    /// There is more to look at.
    Pending,
    Done(RecordsSummary),
}

/// What the records of a batch are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsSummary {
    /// The largest time of a record, -1 for none.
    pub max_timestamp: Timestamp,
    /// The first record that has it, relative to the base offset 0.
    pub max_timestamp_offset: Offset,
    /// The records' size in bytes, decompressed.
    pub size: u64,
}

/// What was found so far.
#[derive(Debug)]
struct Tally {
    rules: RecordRules,
    errors: Vec<RecordError>,
    /// Whether a record's time is wrong, among those that are listed or after them.
    is_timestamp: bool,
    max: (Timestamp, i32),
}

impl RecordCheck {
    /// Begins to look at the records of `batch`, whose header follows the rules already
    /// ([`Batch::validate_produced`]).
    ///
    /// Errors: [`BatchError::Codec`], [`BatchError::Compression`].
    pub fn new(batch: &Batch, rules: RecordRules) -> Result<Self, BatchError> {
        let max = (Timestamp::NONE, 0);
        let tally = Tally { rules, errors: Vec::new(), is_timestamp: false, max };
        Ok(Self { walk: RecordWalk::new(batch)?, tally })
    }

    /// Goes on for about `budget` decompressed bytes, at least one record or a part of a large one.
    ///
    /// Errors: the first thing that makes the batch unreadable, or, at its end, the records that
    /// break rules.
    pub fn step(&mut self, budget: usize) -> Result<CheckProgress, RejectedRecords> {
        let Self { walk, tally } = self;
        let walked = walk.step(budget, |head| {
            tally.note(head);
            true
        })?;
        if walked == Walked::Some {
            return Ok(CheckProgress::Pending);
        }
        if !tally.errors.is_empty() {
            let errors = std::mem::take(&mut tally.errors);
            return Err(RejectedRecords::Records { errors, is_timestamp: tally.is_timestamp });
        }
        Ok(CheckProgress::Done(RecordsSummary {
            max_timestamp: tally.max.0,
            max_timestamp_offset: Offset(i64::from(tally.max.1)),
            size: walk.size(),
        }))
    }

    /// How many bytes of records were looked at, decompressed.
    pub const fn size(&self) -> u64 {
        self.walk.size()
    }

    /// How many bytes could have been looked at in the time, about: what expands to nothing takes
    /// time too.
    pub const fn work(&self) -> u64 {
        self.walk.work()
    }

    /// How much memory it has, about.
    pub fn memory(&self) -> usize {
        self.walk.memory()
    }
}

impl Tally {
    fn note(&mut self, head: &RecordHead) {
        if head.timestamp > self.max.0 {
            self.max = (head.timestamp, head.index);
        }
        if let Some(fault) = self.rules.fault(head) {
            self.is_timestamp |= matches!(fault, RecordFault::Timestamp { .. });
            if self.errors.len() < RejectedRecords::LISTED_MAX {
                self.errors.push(RecordError { index: head.index, fault });
            }
        }
    }
}

impl Batch {
    /// Checks every record in one step; see [`RecordCheck`].
    ///
    /// Errors: [`RejectedRecords::Records`] names each record by its place in the batch.
    pub fn check_records(&self, rules: RecordRules) -> Result<RecordsSummary, RejectedRecords> {
        let mut check = RecordCheck::new(self, rules)?;
        loop {
            if let CheckProgress::Done(summary) = check.step(usize::MAX)? {
                return Ok(summary);
            }
        }
    }
}
