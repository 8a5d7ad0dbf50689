//! A topic's configuration as each of its partitions uses it.

use milena_records::TimestampType;

/// A topic's configuration as its partitions use it. Can be changed while the partition is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionOptions {
    /// `retention.ms`: segments whose newest record is older are removed. `None`: no limit, as for
    /// topics without `delete` among their cleanup policies.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`: the oldest segments are removed while the partition is larger. `None`: no
    /// limit.
    pub retention_bytes: Option<u64>,
    /// `max.message.bytes`: larger batches are refused.
    pub max_message_bytes: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
}

impl Default for PartitionOptions {
    fn default() -> Self {
        Self {
            retention_ms: Some(7 * 24 * 3600 * 1000),
            retention_bytes: None,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
        }
    }
}
