//! The start and end of a partition's log for a reader.

use milena_types::Offset;

/// The records of transactions that a reader sees (`isolation.level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Up to the high watermark.
    #[default]
    Uncommitted,
    /// Up to the last stable offset.
    Committed,
}

/// The readable range of a partition's log. `log_start <= last_stable <= high_watermark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset of the log.
    pub log_start: Offset,
    /// The offset after the last committed record.
    pub high_watermark: Offset,
    /// No transaction is open below this offset.
    pub last_stable: Offset,
}

impl Bounds {
    /// The offset before which a reader of this isolation level has to stop.
    pub const fn end(&self, isolation: Isolation) -> Offset {
        match isolation {
            Isolation::Uncommitted => self.high_watermark,
            Isolation::Committed => self.last_stable,
        }
    }
}
