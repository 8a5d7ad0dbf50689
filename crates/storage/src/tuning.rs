//! Storage's own tuning: when to flush, and how much memory to use.

use std::time::Duration;

/// When committed chunks are flushed into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushPolicy {
    /// At this many unflushed bytes.
    pub bytes: u64,
    /// When the oldest unflushed chunk has this age.
    pub age: Duration,
    /// A partition with at least this many bytes in a flush gets a segment of its own.
    pub own_segment_bytes: u64,
}

impl Default for FlushPolicy {
    fn default() -> Self {
        Self { bytes: 64 << 20, age: Duration::from_secs(600), own_segment_bytes: 8 << 20 }
    }
}

/// The memory that one broker's storage may use for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    /// Accepted records that are not in segments yet. Above this, producers wait.
    pub unflushed_bytes: u64,
    /// The tail cache: unflushed records, and flushed ones while memory lasts.
    pub tail_bytes: u64,
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self { unflushed_bytes: 192 << 20, tail_bytes: 128 << 20 }
    }
}
