//! Request handling, and settings from before there were listeners.

use crate::{
    definition::{Definition, LONG_MAX, flag, int, list, long, text, unset},
    effect::{
        FOLLOWERS, INTER_BROKER, JAVA, LISTENERS, ONE_DIRECTORY, PURGATORY, QUOTAS, RAFT,
        TELEMETRY, TRANSACTIONS,
    },
    value::ConfigType,
};

#[rustfmt::skip]
pub(super) const REQUESTS: &[Definition] = &[
    int("alter.log.dirs.replication.quota.window.num", "11").at_least(1).effect(FOLLOWERS)
        .doc("Over how many windows moving between directories is measured."),
    int("alter.log.dirs.replication.quota.window.size.seconds", "1").at_least(1).effect(FOLLOWERS)
        .doc("How long such a window is, in seconds."),
    unset("early.start.listeners", ConfigType::String).since(3, 3).effect(RAFT)
        .doc("Listeners that open before the broker has caught up with the cluster's decisions."),
    long("socket.connection.setup.timeout.ms", "10000").effect(INTER_BROKER)
        .doc("How long a connection to another broker may take at first, in ms."),
    long("socket.connection.setup.timeout.max.ms", "30000").effect(INTER_BROKER)
        .doc("How long a connection to another broker may take at most, in ms."),
    int("kafka.metrics.polling.interval.secs", "10").at_least(1).effect(JAVA)
        .doc("How often reporters of the old metrics are polled, in seconds."),
    list("kafka.metrics.reporters", "").effect(JAVA)
        .doc("Classes that receive the old metrics."),
    int("telemetry.max.bytes", "1048576").at_least(1).since(3, 7).effect(TELEMETRY)
        .doc("How large the metrics may be that a client pushes, in bytes."),
    unset("advertised.host.name", ConfigType::String).until(3, 3).effect(LISTENERS)
        .doc("The host that clients connect to, before there were listeners."),
    unset("advertised.port", ConfigType::Int).until(3, 3).effect(LISTENERS)
        .doc("The port that clients connect to, before there were listeners."),
    text("host.name", "").until(3, 3).effect(LISTENERS)
        .doc("The host to listen on, before there were listeners."),
    int("port", "9092").until(3, 3).effect(LISTENERS)
        .doc("The port to listen on, before there were listeners."),
    unset("control.plane.listener.name", ConfigType::String).until(4, 0).effect(INTER_BROKER)
        .doc("A separate listener for requests of the controller."),
    long("quota.consumer.default", LONG_MAX).at_least(1).until(3, 3).effect(QUOTAS)
        .doc("How many bytes a second a consumer may fetch unless it has a quota of its own."),
    long("quota.producer.default", LONG_MAX).at_least(1).until(3, 3).effect(QUOTAS)
        .doc("How many bytes a second a producer may send unless it has a quota of its own."),
    int("delete.records.purgatory.purge.interval.requests", "1").effect(PURGATORY)
        .doc("After how many requests completed deletions of records leave the purgatory."),
    int("fetch.purgatory.purge.interval.requests", "1000").effect(PURGATORY)
        .doc("After how many requests completed fetches leave the purgatory."),
    int("producer.purgatory.purge.interval.requests", "1000").effect(PURGATORY)
        .doc("After how many requests completed produces leave the purgatory."),
    int("share.fetch.purgatory.purge.interval.requests", "1000").since(4, 0).effect(PURGATORY)
        .doc("After how many requests completed share fetches leave the purgatory."),
    unset("num.replica.alter.log.dirs.threads", ConfigType::Int).effect(ONE_DIRECTORY)
        .doc("Threads that move replicas between the directories of a broker."),
    flag("transaction.two.phase.commit.enable", "false").since(4, 1).effect(TRANSACTIONS)
        .doc("Whether clients may hold a prepared transaction open without a time limit."),
    int("add.partitions.to.txn.retry.backoff.ms", "20").at_least(1).since(4, 0).effect(TRANSACTIONS)
        .doc("How long the broker waits at first before it asks the transaction's coordinator \
            again, in ms."),
    int("add.partitions.to.txn.retry.backoff.max.ms", "100").at_least(0).since(4, 0)
        .effect(TRANSACTIONS)
        .doc("How long the broker waits at most before it asks the transaction's coordinator \
            again, in ms."),
];
