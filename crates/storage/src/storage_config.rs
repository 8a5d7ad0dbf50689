//! What one broker's storage is opened with.

use std::{path::PathBuf, time::Duration};

use milena_types::{BrokerEpoch, BrokerId, ClusterId};

use crate::{
    encryption::KeyRing,
    log::local::directory::LogConfig,
    recovery::sealed_logs::SealedLogs,
    segment::blocks::BlockCache,
    tuning::{FlushPolicy, MemoryBudget},
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
    pub log: LogConfig,
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
            log: LogConfig::new(wal_dir),
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
