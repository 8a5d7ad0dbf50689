//! What a broker is, and what it may do by itself.

use crate::{
    definition::{ConfigType, Definition, flag, int, list, long, min, text, unset},
    effect::{
        Effect, HANDOFF, INTER_BROKER, JAVA, REBALANCE, SERVICE, THREADS, ZOOKEEPER, honoured,
    },
    value::Rule,
};

/// The one that a release begins with.
const fn protocol_version(release: &'static str) -> Definition {
    text(
        "inter.broker.protocol.version",
        release,
        Rule::Any,
        "The release whose features all brokers use.",
    )
    .does(Effect::Meaningless("the cluster's Kafka version decides, for all brokers at once"))
}

pub(super) const IDENTITY: &[Definition] = &[
    int("broker.id", "-1", Rule::Any, "The broker's number within the cluster.").does(SERVICE),
    int("node.id", "-1", Rule::Any, "The broker's number within the cluster, under its newer name.")
        .since(3, 0)
        .does(SERVICE),
    list(
        "process.roles",
        "",
        Rule::ListOf(&["broker", "controller"]),
        "What this process is in the cluster.",
    )
    .since(3, 0)
    .does(SERVICE),
    unset(
        "broker.rack",
        ConfigType::String,
        Rule::Any,
        "The broker's zone: replicas of a partition are spread over zones, and consumers \
            read in their own.",
    )
    .does(SERVICE),
    flag(
        "auto.create.topics.enable",
        "true",
        "Whether a client that asks for a missing topic gets it created.",
    )
    .does(honoured("broker/src/api/cluster/metadata.rs", "a_topic_is_created_on_demand_and_can_be_written_to_at_once")),
    flag("delete.topic.enable", "true", "Whether topics can be deleted.")
        .does(honoured("broker/src/api/topics/delete_topics.rs", "properties_take_effect")),
    flag("auto.leader.rebalance.enable", "true", "Whether leaders move back to their preferred brokers.")
        .does(honoured("broker/src/controller/mod.rs", "leaders_stay_where_rebalancing_is_turned_off")),
    int(
        "leader.imbalance.per.broker.percentage",
        "10",
        Rule::Any,
        "How many per cent of a broker's preferred partitions may be led elsewhere before \
            leaders move back.",
    )
    .until(4, 0)
    .does(REBALANCE),
    long(
        "leader.imbalance.check.interval.seconds",
        "300",
        min(1),
        "How often it is looked whether leaders should move back, in seconds.",
    )
    .does(REBALANCE),
    flag("controlled.shutdown.enable", "true", "Whether a broker hands its partitions over before it stops.")
        .does(HANDOFF),
    int("background.threads", "10", min(1), "Threads for work nobody waits for.")
        .cluster_wide()
        .does(THREADS),
    int("num.io.threads", "8", min(1), "Threads that answer requests.").cluster_wide().does(THREADS),
    int("num.network.threads", "3", min(1), "Threads that read requests from the network and send answers.")
        .cluster_wide()
        .does(THREADS),
    int("num.recovery.threads.per.data.dir", "1", min(1), "Threads that recover logs at start.")
        .cluster_wide()
        .until(4, 0)
        .does(THREADS),
    int("num.recovery.threads.per.data.dir", "2", min(1), "Threads that recover logs at start.")
        .cluster_wide()
        .since(4, 0)
        .does(THREADS),
    list("metric.reporters", "", Rule::Any, "Classes that receive the broker's metrics.")
        .cluster_wide()
        .until(4, 0)
        .does(JAVA),
    list(
        "metric.reporters",
        "org.apache.kafka.common.metrics.JmxReporter",
        Rule::Any,
        "Classes that receive the broker's metrics.",
    )
    .cluster_wide()
    .since(4, 0)
    .does(JAVA),
    int("metrics.num.samples", "2", min(1), "From how many samples a metric is made.").does(JAVA),
    text(
        "metrics.recording.level",
        "INFO",
        Rule::OneOf(&["INFO", "DEBUG", "TRACE"]),
        "How much is measured.",
    )
    .does(JAVA),
    long("metrics.sample.window.ms", "30000", min(1), "How long a sample of a metric takes, in ms.")
        .does(JAVA),
    int(
        "request.timeout.ms",
        "30000",
        Rule::Any,
        "How long an answer of another broker is waited for, in ms.",
    )
    .does(INTER_BROKER),
    protocol_version("2.8-IV1").until(3, 0),
    protocol_version("3.3-IV3").since(3, 0).until(3, 4),
    protocol_version("3.5-IV2").since(3, 4).until(3, 6),
    protocol_version("3.6-IV2").since(3, 6).until(3, 7),
    protocol_version("3.7-IV4").since(3, 7).until(3, 8),
    protocol_version("3.8-IV0").since(3, 8).until(3, 9),
    protocol_version("3.9-IV0").since(3, 9).until(4, 0),
    unset(
        "zookeeper.connect",
        ConfigType::String,
        Rule::Any,
        "Where ZooKeeper is, for clusters that have one. This one has none.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    unset(
        "zookeeper.connection.timeout.ms",
        ConfigType::Int,
        Rule::Any,
        "How long connecting to ZooKeeper may take, in ms. Accepted, without effect.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    int(
        "zookeeper.session.timeout.ms",
        "18000",
        Rule::Any,
        "How long a ZooKeeper session lasts without a sign of life, in ms. Accepted, without effect.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    flag("zookeeper.set.acl", "false", "Whether ZooKeeper's nodes are protected. Accepted, without effect.")
        .until(4, 0)
        .does(ZOOKEEPER),
];
