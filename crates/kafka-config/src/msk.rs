//! MSK's rules for the server properties of Standard brokers: its defaults, and what customers may
//! set.
//!
//! Source: the Amazon MSK developer guide, "MSK configurations". A Configuration there is a file of
//! properties; a name that is not on MSK's list, or a value that a broker would not start with, is
//! refused when it is created.

use milena_protocol::KafkaVersion;

use crate::{
    catalogue::Catalogue,
    value::{Configs, Rule},
};

/// The properties of MSK's brokers that differ from Kafka's defaults or may, for a cluster in so
/// many zones.
pub fn default_properties(zones: usize) -> Configs {
    let (replicas, in_sync) = if zones >= 3 { ("3", "2") } else { ("2", "1") };
    let defaults = [
        ("allow.everyone.if.no.acl.found", "true"),
        ("auto.create.topics.enable", "false"),
        ("auto.leader.rebalance.enable", "true"),
        ("default.replication.factor", replicas),
        ("min.insync.replicas", in_sync),
        ("num.io.threads", "8"),
        ("num.network.threads", "5"),
        ("num.partitions", "1"),
        ("num.replica.fetchers", "2"),
        ("replica.lag.time.max.ms", "30000"),
        ("socket.receive.buffer.bytes", "102400"),
        ("socket.request.max.bytes", "104857600"),
        ("socket.send.buffer.bytes", "102400"),
        ("unclean.leader.election.enable", "true"),
    ];
    defaults.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The properties that a Configuration may set, by name.
pub(crate) const CONFIGURABLE: &[&str] = &[
    "allow.everyone.if.no.acl.found",
    "auto.create.topics.enable",
    "compression.type",
    "connections.max.idle.ms",
    "default.replication.factor",
    "delete.topic.enable",
    "group.initial.rebalance.delay.ms",
    "group.max.session.timeout.ms",
    "group.min.session.timeout.ms",
    "leader.imbalance.per.broker.percentage",
    "log.cleaner.delete.retention.ms",
    "log.cleaner.min.cleanable.ratio",
    "log.cleanup.policy",
    "log.flush.interval.messages",
    "log.flush.interval.ms",
    "log.message.timestamp.after.max.ms",
    "log.message.timestamp.before.max.ms",
    "log.message.timestamp.difference.max.ms",
    "log.message.timestamp.type",
    "log.retention.bytes",
    "log.retention.hours",
    "log.retention.minutes",
    "log.retention.ms",
    "log.roll.ms",
    "log.segment.bytes",
    "max.incremental.fetch.session.cache.slots",
    "message.max.bytes",
    "min.insync.replicas",
    "num.io.threads",
    "num.network.threads",
    "num.partitions",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "offsets.retention.minutes",
    "offsets.topic.replication.factor",
    "replica.fetch.max.bytes",
    "replica.fetch.response.max.bytes",
    "replica.lag.time.max.ms",
    "replica.selector.class",
    "replica.socket.receive.buffer.bytes",
    "socket.receive.buffer.bytes",
    "socket.request.max.bytes",
    "socket.send.buffer.bytes",
    "transaction.max.timeout.ms",
    "transaction.state.log.min.isr",
    "transaction.state.log.replication.factor",
    "transactional.id.expiration.ms",
    "unclean.leader.election.enable",
    "zookeeper.connection.timeout.ms",
    "zookeeper.session.timeout.ms",
];

/// Why a Configuration cannot set a property.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PropertyError {
    /// The property.
    pub name: String,
    /// Names the property, what is wrong with it and what is allowed.
    pub reason: String,
}

/// Checks the properties of a Configuration for brokers of `version`; without one, as the newest
/// release that has the name would.
///
/// Errors: one for each property that MSK does not let customers set, that the release does not
/// have, or whose value it does not allow; by name.
pub fn check_properties(
    version: Option<KafkaVersion>,
    properties: &Configs,
) -> Result<(), Vec<PropertyError>> {
    let releases: Vec<Catalogue> = version.map_or_else(
        || KafkaVersion::all().rev().map(Catalogue::new).collect(),
        |version| vec![Catalogue::new(version)],
    );
    let error = |name: &str, reason: String| Some(PropertyError { name: name.to_owned(), reason });
    let check = |(name, value): (&String, &String)| {
        if !CONFIGURABLE.contains(&name.as_str()) {
            return error(name, format!("{name} cannot be set by a configuration: remove it"));
        }
        let Some(definition) = releases.iter().find_map(|release| release.broker(name)) else {
            let version = version.map_or_else(String::new, |version| format!(" {version}"));
            return error(
                name,
                format!("kafka{version} has no {name}: remove it, or choose a release that has it"),
            );
        };
        let checked =
            definition.check(value).and_then(|plain| definition.check_rule(msk_rule(name), &plain));
        error(name, checked.err()?.to_string())
    };
    let errors: Vec<_> = properties.iter().filter_map(check).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// MSK's constraint on a value beyond Kafka's.
fn msk_rule(name: &str) -> Rule {
    match name {
        "replica.lag.time.max.ms" => Rule::Between(10_000, 30_000),
        "replica.selector.class" => {
            Rule::OneOf(&["org.apache.kafka.common.replica.RackAwareReplicaSelector"])
        }
        // The documentation says 6000 to 18000; MSK itself takes 1000 and 2000 too.
        "zookeeper.connection.timeout.ms" => Rule::Between(1_000, 18_000),
        "zookeeper.session.timeout.ms" => Rule::Between(6_000, 18_000),
        _ => Rule::Any,
    }
}
