//! What is done with requests, and settings from before there were listeners.

use crate::{
    definition::{ConfigType, Definition, flag, int, list, long, min, text, unset},
    effect::{
        FOLLOWERS, INTER_BROKER, JAVA, LISTENERS, ONE_DIRECTORY, PURGATORY, QUOTAS, RAFT,
        TELEMETRY, TRANSACTIONS,
    },
    value::Rule,
};

pub(super) const REQUESTS: &[Definition] = &[
    int(
        "alter.log.dirs.replication.quota.window.num",
        "11",
        min(1),
        "Over how many windows moving between directories is measured.",
    )
    .does(FOLLOWERS),
    int(
        "alter.log.dirs.replication.quota.window.size.seconds",
        "1",
        min(1),
        "How long such a window is, in seconds.",
    )
    .does(FOLLOWERS),
    unset(
        "early.start.listeners",
        ConfigType::String,
        Rule::Any,
        "Listeners that open before the broker has caught up with the cluster's decisions.",
    )
    .since(3, 3)
    .does(RAFT),
    long(
        "socket.connection.setup.timeout.ms",
        "10000",
        Rule::Any,
        "How long a connection to another broker may take at first, in ms.",
    )
    .does(INTER_BROKER),
    long(
        "socket.connection.setup.timeout.max.ms",
        "30000",
        Rule::Any,
        "How long a connection to another broker may take at most, in ms.",
    )
    .does(INTER_BROKER),
    int(
        "kafka.metrics.polling.interval.secs",
        "10",
        min(1),
        "How often reporters of the old metrics are asked, in seconds.",
    )
    .does(JAVA),
    list("kafka.metrics.reporters", "", Rule::Any, "Classes that receive the old metrics.").does(JAVA),
    int(
        "telemetry.max.bytes",
        "1048576",
        min(1),
        "How large the metrics may be that a client pushes, in bytes.",
    )
    .since(3, 7)
    .does(TELEMETRY),
    unset(
        "advertised.host.name",
        ConfigType::String,
        Rule::Any,
        "The host clients are told, before there were listeners.",
    )
    .until(3, 3)
    .does(LISTENERS),
    unset(
        "advertised.port",
        ConfigType::Int,
        Rule::Any,
        "The port clients are told, before there were listeners.",
    )
    .until(3, 3)
    .does(LISTENERS),
    text("host.name", "", Rule::Any, "The host to listen on, before there were listeners.")
        .until(3, 3)
        .does(LISTENERS),
    int("port", "9092", Rule::Any, "The port to listen on, before there were listeners.")
        .until(3, 3)
        .does(LISTENERS),
    unset(
        "control.plane.listener.name",
        ConfigType::String,
        Rule::Any,
        "A listener of its own for what the controller tells brokers.",
    )
    .until(4, 0)
    .does(INTER_BROKER),
    long(
        "quota.consumer.default",
        "9223372036854775807",
        min(1),
        "How many bytes a second a consumer may fetch unless it has a quota of its own.",
    )
    .until(3, 3)
    .does(QUOTAS),
    long(
        "quota.producer.default",
        "9223372036854775807",
        min(1),
        "How many bytes a second a producer may send unless it has a quota of its own.",
    )
    .until(3, 3)
    .does(QUOTAS),
    int(
        "delete.records.purgatory.purge.interval.requests",
        "1",
        Rule::Any,
        "After how many answered requests waiting deletions of records are tidied up.",
    )
    .does(PURGATORY),
    int(
        "fetch.purgatory.purge.interval.requests",
        "1000",
        Rule::Any,
        "After how many answered requests waiting fetches are tidied up.",
    )
    .does(PURGATORY),
    int(
        "producer.purgatory.purge.interval.requests",
        "1000",
        Rule::Any,
        "After how many answered requests waiting produces are tidied up.",
    )
    .does(PURGATORY),
    int(
        "share.fetch.purgatory.purge.interval.requests",
        "1000",
        Rule::Any,
        "After how many answered requests waiting share fetches are tidied up.",
    )
    .since(4, 0)
    .does(PURGATORY),
    unset(
        "num.replica.alter.log.dirs.threads",
        ConfigType::Int,
        Rule::Any,
        "Threads that move replicas between the directories of a broker.",
    )
    .does(ONE_DIRECTORY),
    flag(
        "transaction.two.phase.commit.enable",
        "false",
        "Whether clients may hold a prepared transaction open without a time limit.",
    )
    .since(4, 1)
    .does(TRANSACTIONS),
    int(
        "add.partitions.to.txn.retry.backoff.ms",
        "20",
        min(1),
        "How long the broker waits at first before it asks the transaction's coordinator again, in ms.",
    )
    .since(4, 0)
    .does(TRANSACTIONS),
    int(
        "add.partitions.to.txn.retry.backoff.max.ms",
        "100",
        min(0),
        "How long the broker waits at most before it asks the transaction's coordinator again, in ms.",
    )
    .since(4, 0)
    .does(TRANSACTIONS),
];
