//! The configuration of one broker's storage.

use std::{path::PathBuf, time::Duration};

use milena_types::{BrokerEpoch, BrokerId, ClusterId};

use crate::{
    cache::block_cache::BlockCache,
    chunk::record_pool::RecordPool,
    encryption::KeyRing,
    log::local::directory::LogConfig,
    recovery::sealed_logs::SealedLogs,
    tuning::{FlushPolicy, MemoryBudget},
};

/// The configuration of one broker's storage.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// The cluster the broker belongs to.
    pub cluster: ClusterId,
    /// The first part of all object names of the cluster. Changes whenever the metadata store is
    /// restored from a backup.
    pub incarnation: String,
    /// The broker whose storage it is.
    pub broker: BrokerId,
    /// This life of the broker. Larger than that of any life before.
    pub broker_epoch: BrokerEpoch,
    /// The write-ahead log's directory, which one process owns at a time, and its tuning.
    pub log: LogConfig,
    /// Newest broker epoch whose log the operator has declared lost. If the log's directory is
    /// missing, what was only in it is given up; without this the broker does not start.
    pub lost_log_accepted: Option<BrokerEpoch>,
    /// The write-ahead logs of the cluster's other brokers in this process. By default a broker
    /// knows only its own, and cannot take over others.
    pub sealed_logs: SealedLogs,
    /// The data keys of the cluster.
    pub keys: KeyRing,
    /// The process's cache of segment blocks, shared by all its brokers.
    pub blocks: BlockCache,
    /// When chunks are flushed into segments.
    pub flush: FlushPolicy,
    /// The memory that records may use.
    pub memory: MemoryBudget,
    /// What it has together with the other brokers of the process.
    pub pool: RecordPool,
    /// The time for which an unreferenced object is kept for reads that were planned before.
    pub delete_grace: Duration,
    /// The interval at which retention is enforced.
    pub retention_interval: Duration,
    /// How long the state of an inactive idempotent producer is kept
    /// (`producer.id.expiration.ms`).
    pub producer_expiration: Duration,
}

impl StorageConfig {
    /// A configuration with defaults for everything else.
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
            pool: RecordPool::default(),
            delete_grace: Duration::from_secs(60),
            retention_interval: Duration::from_secs(60),
            producer_expiration: Duration::from_secs(24 * 3600),
        }
    }
}
