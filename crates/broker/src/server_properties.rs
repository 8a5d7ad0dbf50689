//! The properties a broker is started with, as `server.properties` would have them.

use std::net::SocketAddr;

use milena_kafka_config::Configs;

use crate::config::{BrokerConfig, Limits};

/// What the cluster gives all its brokers, then what this one was given, then what it is: its
/// number, zone, address and bounds.
pub(crate) fn server_properties(
    cluster: &Configs,
    config: &BrokerConfig,
    address: SocketAddr,
) -> Configs {
    let mut properties = cluster.clone();
    properties.extend(config.properties.clone());
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
    for (name, value) in bounds(&config.limits) {
        set(name, value);
    }
    properties
}

/// The bounds that have a name in Kafka.
fn bounds(limits: &Limits) -> [(&'static str, String); 5] {
    [
        ("connections.max.idle.ms", limits.connection_idle_max.as_millis().to_string()),
        ("fetch.max.bytes", limits.fetch_bytes_max.to_string()),
        ("max.connections", limits.connections_max.to_string()),
        ("max.incremental.fetch.session.cache.slots", limits.fetch_sessions_max.to_string()),
        ("socket.request.max.bytes", limits.request_bytes_max.to_string()),
    ]
}
