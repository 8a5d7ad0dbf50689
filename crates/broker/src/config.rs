//! [`BrokerConfig`]: the configuration that a broker is started with.

use std::{net::SocketAddr, path::PathBuf};

use milena_protocol::KafkaVersion;
use milena_types::{BrokerEpoch, BrokerId, ClusterId};

use crate::tuning::BrokerTuning;

use milena_kafka_config::Configs;

/// One broker's configuration.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// The cluster it belongs to.
    pub cluster: ClusterId,
    /// Its number in the cluster.
    pub broker: BrokerId,
    /// Its zone (`broker.rack`).
    pub zone: String,
    /// Decides which APIs and versions are offered.
    pub kafka_version: KafkaVersion,
    /// Its own directory, for the write-ahead log.
    pub data_dir: PathBuf,
    /// Newest broker epoch whose log the operator has declared lost: see
    /// [`milena_storage::StorageConfig::lost_log_accepted`].
    pub lost_log_accepted: Option<BrokerEpoch>,
    /// The address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host for clients; the bound address if there is none.
    pub advertised_host: Option<String>,
    /// The port for clients; the bound port if there is none.
    pub advertised_port: Option<u16>,
    /// Kafka's configurations (`num.partitions`, `auto.create.topics.enable` …), over those of the
    /// cluster.
    pub kafka_config: Configs,
    /// Milena's own.
    pub tuning: BrokerTuning,
}
