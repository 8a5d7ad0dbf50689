//! A broker's Kafka configuration: at its start, and in force now.
//!
//! A value is read in one of three ways:
//!
//! - at every use, by [`BrokerKafkaConfig::current`] or [`BrokerKafkaConfig::effective`]: changes
//!   are seen at once;
//! - once, when the broker starts, by [`BrokerKafkaConfig::fixed_at_start`]: for Kafka's read-only
//!   configurations, which cannot be set at run time;
//! - pushed: a topic's values go to its open partitions when the metadata image changes, by
//!   [`crate::leadership::reconcile`], in [`LedPartitions`] for requests and as
//!   [`PartitionOptions`] for storage, which knows no configurations.
//!
//! [`LedPartitions`]: crate::leadership::partitions::LedPartitions
//! [`PartitionOptions`]: milena_storage::PartitionOptions

use std::{net::SocketAddr, sync::Arc};

use milena_kafka_config::{Catalogue, Configs, EffectiveConfig, KafkaConfig};
use milena_metadata::{ImageWatcher, MetadataImage};
use milena_types::BrokerId;

use crate::config::BrokerConfig;

/// Milena's defaults of configurations that bound what clients may make a broker hold. They are in
/// the broker's properties, where DescribeConfigs shows them.
const DEFAULTS: [(&str, i64); 5] = [
    ("connections.max.idle.ms", 600_000),
    ("fetch.max.bytes", 55 << 20),
    ("max.connections", 20_000),
    ("max.incremental.fetch.session.cache.slots", 1000),
    ("socket.request.max.bytes", 100 << 20),
];
/// Longer than any connection lives.
const NEVER_MS: i64 = 10 * 365 * 24 * 3600 * 1000;

/// The broker's `server.properties`: those of the cluster, then the broker's own, then those that
/// the service decides (number, zone, address), and [`DEFAULTS`] where none of the former is
/// usable.
pub(crate) fn with_broker_properties(
    cluster: &Configs,
    config: &BrokerConfig,
    address: SocketAddr,
) -> Configs {
    let mut properties = cluster.clone();
    properties.extend(config.kafka_config.clone());
    let host = config.advertised_host.clone().unwrap_or_else(|| address.ip().to_string());
    let port = config.advertised_port.unwrap_or(address.port());
    let mut set = |name: &str, value: String| properties.insert(name.to_owned(), value);
    set("broker.id", config.broker.to_string());
    set("node.id", config.broker.to_string());
    set("process.roles", "broker".to_owned());
    set("listeners", format!("PLAINTEXT://{address}"));
    set("advertised.listeners", format!("PLAINTEXT://{host}:{port}"));
    set("log.dirs", config.data_dir.display().to_string());
    if !config.zone.is_empty() {
        set("broker.rack", config.zone.clone());
    }
    for (name, default) in DEFAULTS {
        let value = properties.get(name).and_then(|value| value.trim().parse::<i64>().ok());
        let value = match value {
            // Negative is never, as in Kafka.
            Some(ms) if name == "connections.max.idle.ms" && ms < 0 => NEVER_MS,
            Some(ms) if name == "connections.max.idle.ms" => ms.min(NEVER_MS),
            Some(number) if number >= 0 => number,
            _ => default,
        };
        properties.insert(name.to_owned(), value.to_string());
    }
    properties
}

/// The configurations that the broker was started with, below those set at run time for it and for
/// all brokers (from the metadata image). Clones share them.
#[derive(Clone)]
pub(crate) struct BrokerKafkaConfig {
    started_with: Arc<KafkaConfig>,
    broker: BrokerId,
    images: ImageWatcher,
}

impl BrokerKafkaConfig {
    pub(crate) fn new(started_with: KafkaConfig, broker: BrokerId, images: ImageWatcher) -> Self {
        Self { started_with: Arc::new(started_with), broker, images }
    }

    /// The configurations of the cluster's Kafka version.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        self.started_with.catalogue()
    }

    /// The configuration at the start, without that set at run time.
    pub(crate) fn fixed_at_start(&self) -> EffectiveConfig<'_> {
        self.started_with.at_start()
    }

    /// The configuration in force according to `image`.
    pub(crate) fn effective<'a>(&'a self, image: &'a MetadataImage) -> EffectiveConfig<'a> {
        let set = |broker| image.broker_configs(broker).map(|configs| &**configs);
        self.started_with.effective(set(Some(self.broker)), set(None))
    }

    /// Reads the configuration in force according to the newest image.
    pub(crate) fn current<T>(&self, read: impl FnOnce(EffectiveConfig<'_>) -> T) -> T {
        read(self.effective(&self.images.current()))
    }
}

#[cfg(test)]
mod tests {
    use milena_types::ClusterId;

    use super::*;
    use crate::tuning::BrokerTuning;

    fn started_with(cluster: &[(&str, &str)]) -> KafkaConfig {
        let cluster = cluster.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let kafka_version = "3.9".parse().expect("a version");
        let address = "127.0.0.1:9092".parse().expect("an address");
        let config = BrokerConfig {
            cluster: ClusterId::from_uuid(milena_protocol::Uuid::from_u128(1)),
            broker: BrokerId(1),
            zone: String::new(),
            kafka_version,
            data_dir: "data".into(),
            lost_log_accepted: None,
            listen: address,
            advertised_host: None,
            advertised_port: None,
            kafka_config: Configs::new(),
            tuning: BrokerTuning::default(),
        };
        let properties = with_broker_properties(&cluster, &config, address);
        KafkaConfig::new(kafka_version, &properties).expect("allowed")
    }

    #[test]
    fn properties_change_the_limits_they_name() {
        let config = started_with(&[
            ("socket.request.max.bytes", "1000"),
            ("max.connections", "x"),
            ("connections.max.idle.ms", "-1"),
        ]);
        let config = config.at_start();
        assert_eq!(config.socket_request_max_bytes(), 1000);
        assert_eq!(config.max_connections(), 20_000, "not a number");
        assert_eq!(config.connections_max_idle_ms(), NEVER_MS as u64);
    }
}
