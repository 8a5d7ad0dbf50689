//! What can be set: for a broker's storage when it is opened, for a partition at any time.

use std::{path::PathBuf, time::Duration};

use milena_records::TimestampType;
use milena_types::{BrokerEpoch, BrokerId, ClusterId};

use crate::{
    encryption::KeyRing, log::local::directory::WalConfig, recovery::sealed::SealedLogs,
    segment::blocks::BlockCache,
};

/// How one broker's storage is opened.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// The cluster.
    pub cluster: ClusterId,
    /// What object keys of the cluster start with: new whenever the metadata store was restored
    /// from a backup.
    pub incarnation: String,
    /// The broker.
    pub broker: BrokerId,
    /// This life of the broker; higher than any before.
    pub broker_epoch: BrokerEpoch,
    /// The write-ahead log's directory, which one process owns at a time, and how it is used.
    pub wal: WalConfig,
    /// An operator's word that the write-ahead directory of the broker's epochs up to this one is
    /// gone for good, where it is not there: what was only in it is given up. Without it such
    /// a broker does not start.
    pub lost_log_accepted: Option<BrokerEpoch>,
    /// The write-ahead logs of the cluster's other brokers in this process. By itself a broker
    /// knows only its own, and can take over nothing.
    pub sealed_logs: SealedLogs,
    /// The cluster's data keys.
    pub keys: KeyRing,
    /// The process's cache of segment blocks, shared by all its brokers.
    pub blocks: BlockCache,
    /// When chunks are flushed into segments.
    pub flush: FlushPolicy,
    /// What memory may be used.
    pub memory: MemoryBudget,
    /// How long an object that nothing refers to is kept for readers that planned before.
    pub delete_grace: Duration,
    /// How often retention is enforced.
    pub retention_interval: Duration,
    /// How long a silent idempotent producer is remembered (`producer.id.expiration.ms`).
    pub producer_expiration: Duration,
}

impl StorageConfig {
    /// The defaults, for what has one.
    pub fn new(
        cluster: ClusterId,
        incarnation: impl Into<String>,
        broker: BrokerId,
        broker_epoch: BrokerEpoch,
        wal_dir: impl Into<PathBuf>,
        keys: KeyRing,
        blocks: BlockCache,
    ) -> Self {
        Self {
            cluster,
            incarnation: incarnation.into(),
            broker,
            broker_epoch,
            wal: WalConfig::new(wal_dir),
            lost_log_accepted: None,
            sealed_logs: SealedLogs::default(),
            keys,
            blocks,
            flush: FlushPolicy::default(),
            memory: MemoryBudget::default(),
            delete_grace: Duration::from_secs(60),
            retention_interval: Duration::from_secs(60),
            producer_expiration: Duration::from_secs(24 * 3600),
        }
    }
}

/// When committed chunks are rewritten as segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushPolicy {
    /// When this many bytes are committed and not flushed.
    pub bytes: u64,
    /// When the oldest committed chunk that is not flushed has this age.
    pub age: Duration,
    /// A partition with at least this many bytes in a flush gets a segment of its own.
    pub own_segment_bytes: u64,
}

impl Default for FlushPolicy {
    fn default() -> Self {
        Self { bytes: 64 << 20, age: Duration::from_secs(600), own_segment_bytes: 8 << 20 }
    }
}

/// What memory one broker's storage may use for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    /// Records that were accepted and are not in segments yet. Above this, producers wait.
    pub unflushed_bytes: u64,
    /// The tail cache: unflushed records, and flushed ones as long as there is room.
    pub tail_bytes: u64,
}

impl Default for MemoryBudget {
    fn default() -> Self {
        Self { unflushed_bytes: 192 << 20, tail_bytes: 128 << 20 }
    }
}

/// What a topic's configuration says about each of its partitions. Can be changed while the
/// partition is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionOptions {
    /// `retention.ms`: segments whose newest record is older are removed. None: kept for ever, as
    /// for topics without `delete` among their cleanup policies.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`: the oldest segments are removed while the partition is larger. None: no
    /// limit.
    pub retention_bytes: Option<u64>,
    /// `max.message.bytes`: larger batches are refused.
    pub batch_bytes_max: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
}

impl Default for PartitionOptions {
    fn default() -> Self {
        Self {
            retention_ms: Some(7 * 24 * 3600 * 1000),
            retention_bytes: None,
            batch_bytes_max: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
        }
    }
}
