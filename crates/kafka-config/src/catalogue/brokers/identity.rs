//! A broker's identity, and the actions it may take by itself.

use crate::{
    definition::{Change, Definition, flag, int, list, long, text, unset},
    effect::{HANDOFF, INTER_BROKER, JAVA, REBALANCE, SERVICE, THREADS, ZOOKEEPER},
    value::ConfigType,
};

#[rustfmt::skip]
pub(super) const IDENTITY: &[Definition] = &[
    int("broker.id", "-1").effect(SERVICE)
        .doc("The broker's number within the cluster."),
    int("node.id", "-1").since(3, 0).effect(SERVICE)
        .doc("The broker's number within the cluster, under its newer name."),
    list("process.roles", "").list_of(&["broker", "controller"]).since(3, 0).effect(SERVICE)
        .doc("What this process is in the cluster."),
    unset("broker.rack", ConfigType::String).effect(SERVICE)
        .doc("The broker's zone: replicas of a partition are spread over zones, and consumers read \
            in their own."),
    flag("auto.create.topics.enable", "true")
        .honoured("a_topic_is_created_on_demand_and_can_be_written_to_at_once")
        .doc("Whether a client that asks for a missing topic gets it created."),
    flag("delete.topic.enable", "true").honoured("properties_take_effect")
        .doc("Whether topics can be deleted."),
    flag("auto.leader.rebalance.enable", "true")
        .honoured("leaders_stay_where_rebalancing_is_turned_off")
        .doc("Whether leaders move back to their preferred brokers."),
    int("leader.imbalance.per.broker.percentage", "10").until(4, 0).effect(REBALANCE)
        .doc("How many per cent of a broker's preferred partitions may be led elsewhere before \
            leaders move back."),
    long("leader.imbalance.check.interval.seconds", "300").at_least(1).effect(REBALANCE)
        .doc("How often the balance of leaders is checked, in seconds."),
    flag("controlled.shutdown.enable", "true").effect(HANDOFF)
        .doc("Whether a broker hands its partitions over before it stops."),
    int("background.threads", "10").at_least(1).cluster_wide().effect(THREADS)
        .doc("Threads for background work."),
    int("num.io.threads", "8").at_least(1).cluster_wide().effect(THREADS)
        .doc("Threads that handle requests."),
    int("num.network.threads", "3").at_least(1).cluster_wide().effect(THREADS)
        .doc("Threads that read requests from the network and send responses."),
    int("num.recovery.threads.per.data.dir", "1").at_least(1)
        .changes(&[(4, 0, Change::Default("2"))]).cluster_wide().effect(THREADS)
        .doc("Threads that recover logs at start."),
    list("metric.reporters", "")
        .changes(&[(4, 0, Change::Default("org.apache.kafka.common.metrics.JmxReporter"))])
        .cluster_wide().effect(JAVA)
        .doc("Classes that receive the broker's metrics."),
    int("metrics.num.samples", "2").at_least(1).effect(JAVA)
        .doc("From how many samples a metric is made."),
    text("metrics.recording.level", "INFO").one_of(&["INFO", "DEBUG", "TRACE"]).effect(JAVA)
        .doc("How much is measured."),
    long("metrics.sample.window.ms", "30000").at_least(1).effect(JAVA)
        .doc("How long a sample of a metric takes, in ms."),
    int("request.timeout.ms", "30000").effect(INTER_BROKER)
        .doc("How long to wait for a response of another broker, in ms."),
    text("inter.broker.protocol.version", "2.8-IV1").until(4, 0)
        .changes(&[
            (3, 0, Change::Default("3.3-IV3")), (3, 4, Change::Default("3.5-IV2")),
            (3, 6, Change::Default("3.6-IV2")), (3, 7, Change::Default("3.7-IV4")),
            (3, 8, Change::Default("3.8-IV0")), (3, 9, Change::Default("3.9-IV0")),
        ])
        .meaningless("the cluster's Kafka version decides, for all brokers at once")
        .doc("The release whose features all brokers use."),
    unset("zookeeper.connect", ConfigType::String).until(4, 0).effect(ZOOKEEPER)
        .doc("Where ZooKeeper is, for clusters that have one. This one has none."),
    unset("zookeeper.connection.timeout.ms", ConfigType::Int).until(4, 0).effect(ZOOKEEPER)
        .doc("How long connecting to ZooKeeper may take, in ms. Accepted, without effect."),
    int("zookeeper.session.timeout.ms", "18000").until(4, 0).effect(ZOOKEEPER)
        .doc("How long a ZooKeeper session lasts without a heartbeat, in ms. Accepted, without \
            effect."),
    flag("zookeeper.set.acl", "false").until(4, 0).effect(ZOOKEEPER)
        .doc("Whether ZooKeeper's nodes are protected. Accepted, without effect."),
];
