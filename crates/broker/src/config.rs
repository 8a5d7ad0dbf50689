//! What a broker is told at its start.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use milena_protocol::KafkaVersion;
use milena_storage::{FlushPolicy, MemoryBudget};
use milena_types::{BrokerEpoch, BrokerId, ClusterId};

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
    /// An operator's word that the write-ahead log of the broker's epochs up to this one is gone
    /// for good: see [`milena_storage::StorageConfig::lost_log_accepted`].
    pub lost_log_accepted: Option<BrokerEpoch>,
    /// The address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host that clients are told; the bound address if there is none.
    pub advertised_host: Option<String>,
    /// The port that clients are told; the bound port if there is none.
    pub advertised_port: Option<u16>,
    /// Broker properties by Kafka's names (`num.partitions`, `auto.create.topics.enable` …), over
    /// those of the cluster.
    pub properties: Configs,
    /// Bounds on what clients may make the broker hold.
    pub limits: Limits,
}

/// Bounds on what clients may make a broker hold.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `socket.request.max.bytes`.
    pub request_bytes_max: usize,
    /// `queued.max.request.bytes`: large requests of all connections together; Kafka's default is
    /// no limit.
    pub requests_bytes_max: usize,
    /// `max.connections`.
    pub connections_max: usize,
    /// `connections.max.idle.ms`.
    pub connection_idle_max: Duration,
    /// How many produces of one connection may wait for the disk.
    pub connection_requests_in_flight_max: usize,
    /// `fetch.max.bytes` of the broker: the most that one fetch answers.
    pub fetch_bytes_max: usize,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_sessions_max: usize,
    /// The memory for records that are not in segments yet. Producers are slowed from three
    /// quarters of it on.
    pub memory: MemoryBudget,
    /// When records are put into segments.
    pub flush: FlushPolicy,
    /// The length of a write-ahead file.
    pub wal_file_bytes: u64,
    /// The longest chunk of the write-ahead log. One has to fit into a file.
    pub wal_chunk_bytes_max: usize,
    /// How long an object that nothing refers to any more is kept for readers that planned before.
    pub delete_grace: Duration,
    /// A partition of groups writes its state anew, and drops the log before, when it has grown by
    /// more than this.
    pub group_log_growth_bytes: u64,
    /// How long the metadata store waits for a broker's sign of life before it may be declared
    /// dead.
    pub lease: Duration,
    /// How long a broker has served when partitions whose first replica it is are given back to
    /// it.
    pub leaders_return_after: Duration,
    /// How long a broker that stops may take to hand over what it leads; the others take the rest
    /// over then.
    pub handover_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes_max: 100 * 1024 * 1024,
            requests_bytes_max: 512 * 1024 * 1024,
            connections_max: 20_000,
            connection_idle_max: Duration::from_secs(600),
            connection_requests_in_flight_max: 64,
            fetch_bytes_max: 55 * 1024 * 1024,
            fetch_sessions_max: 1000,
            memory: MemoryBudget::default(),
            flush: FlushPolicy::default(),
            wal_file_bytes: 64 << 20,
            wal_chunk_bytes_max: 16 << 20,
            delete_grace: Duration::from_secs(60),
            group_log_growth_bytes: 16 * 1024 * 1024,
            lease: Duration::from_secs(9),
            leaders_return_after: Duration::from_secs(3),
            handover_max: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// With what properties say of them. Values that cannot be read change nothing: properties are
    /// checked elsewhere.
    pub(crate) fn with_properties(mut self, properties: &Configs) -> Self {
        let number =
            |name: &str| properties.get(name).and_then(|text| text.trim().parse::<i64>().ok());
        let size = |name: &str| number(name).and_then(|number| usize::try_from(number).ok());
        let take = |name: &str, limit: &mut usize| *limit = size(name).unwrap_or(*limit);
        take("socket.request.max.bytes", &mut self.request_bytes_max);
        take("queued.max.request.bytes", &mut self.requests_bytes_max);
        take("max.connections", &mut self.connections_max);
        take("fetch.max.bytes", &mut self.fetch_bytes_max);
        take("max.incremental.fetch.session.cache.slots", &mut self.fetch_sessions_max);
        if let Some(ms) = number("connections.max.idle.ms") {
            // Negative is never, as in Kafka.
            self.connection_idle_max =
                u64::try_from(ms).map_or(NEVER, Duration::from_millis).min(NEVER);
        }
        self
    }
}

/// Longer than any connection lives.
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_change_the_limits_they_name() {
        let properties = [
            ("socket.request.max.bytes", "1000"),
            ("max.connections", "x"),
            ("connections.max.idle.ms", "-1"),
            ("queued.max.request.bytes", "-1"),
        ];
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let (default, limits) = (Limits::default(), Limits::default().with_properties(&properties));
        assert_eq!(limits.request_bytes_max, 1000);
        assert_eq!(limits.connections_max, default.connections_max, "not a number");
        assert_eq!(limits.requests_bytes_max, default.requests_bytes_max, "-1 is the default");
        assert_eq!(limits.connection_idle_max, NEVER);
    }
}
