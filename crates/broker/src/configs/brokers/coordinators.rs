//! Groups, their offsets, transactions, producers.

use super::super::{
    definition::{Definition, flag, int, list, long, min, short},
    value::Rule,
};

const CODECS: Rule = Rule::Between(0, 4);

pub(super) const COORDINATORS: &[Definition] = &[
    int(
        "group.min.session.timeout.ms",
        "6000",
        Rule::Any,
        "The shortest session a group member may ask for, in ms.",
    ),
    int(
        "group.max.session.timeout.ms",
        "1800000",
        Rule::Any,
        "The longest session a group member may ask for, in ms.",
    ),
    int(
        "group.initial.rebalance.delay.ms",
        "3000",
        Rule::Any,
        "How long a new group waits for more members before its first rebalance, in ms.",
    ),
    int("group.max.size", "2147483647", min(1), "How many members a group may have."),
    list(
        "group.coordinator.rebalance.protocols",
        "classic",
        Rule::ListOf(&["classic", "consumer", "share", "streams"]),
        "Which group protocols are offered.",
    )
    .since(3, 7)
    .until(4, 0),
    list(
        "group.coordinator.rebalance.protocols",
        "classic,consumer",
        Rule::ListOf(&["classic", "consumer", "share", "streams"]),
        "Which group protocols are offered.",
    )
    .since(4, 0)
    .until(4, 1),
    list(
        "group.coordinator.rebalance.protocols",
        "classic,consumer,streams",
        Rule::ListOf(&["classic", "consumer", "share", "streams"]),
        "Which group protocols are offered.",
    )
    .since(4, 1),
    int(
        "group.consumer.session.timeout.ms",
        "45000",
        min(1),
        "The session of a consumer group's member, in ms.",
    )
    .since(3, 7),
    int(
        "group.consumer.min.session.timeout.ms",
        "45000",
        min(1),
        "The shortest session that a consumer group may be given, in ms.",
    )
    .since(3, 7),
    int(
        "group.consumer.max.session.timeout.ms",
        "60000",
        min(1),
        "The longest session that a consumer group may be given, in ms.",
    )
    .since(3, 7),
    int(
        "group.consumer.heartbeat.interval.ms",
        "5000",
        min(1),
        "How often a consumer group's members give a sign of life, in ms.",
    )
    .since(3, 7),
    int(
        "group.consumer.min.heartbeat.interval.ms",
        "5000",
        min(1),
        "The shortest heartbeat interval that a consumer group may be given, in ms.",
    )
    .since(3, 7),
    int(
        "group.consumer.max.heartbeat.interval.ms",
        "15000",
        min(1),
        "The longest heartbeat interval that a consumer group may be given, in ms.",
    )
    .since(3, 7),
    int("group.consumer.max.size", "2147483647", min(1), "How many members a consumer group may have.")
        .since(3, 7),
    int("group.coordinator.threads", "1", min(1), "Threads of the group coordinator.")
        .since(3, 7)
        .until(4, 0),
    int("group.coordinator.threads", "4", min(1), "Threads of the group coordinator.").since(4, 0),
    int(
        "offset.metadata.max.bytes",
        "4096",
        Rule::Any,
        "How long the text may be that a client commits with an offset, in bytes.",
    ),
    int("offsets.commit.timeout.ms", "5000", min(1), "How long an offset commit may take, in ms."),
    short("offsets.commit.required.acks", "-1", Rule::Any, "The acks an offset commit waits for.")
        .until(4, 0),
    int(
        "offsets.load.buffer.size",
        "5242880",
        min(1),
        "How much is read at once when offsets are loaded, in bytes.",
    ),
    int(
        "offsets.retention.minutes",
        "10080",
        min(1),
        "How long offsets are kept once a group is empty or no longer reads a topic, in minutes.",
    ),
    long(
        "offsets.retention.check.interval.ms",
        "600000",
        min(1),
        "How often it is looked for offsets that have expired, in ms.",
    ),
    int("offsets.topic.num.partitions", "50", min(1), "How many partitions the topic of offsets gets."),
    short("offsets.topic.replication.factor", "3", min(1), "How many replicas the topic of offsets gets."),
    int(
        "offsets.topic.segment.bytes",
        "104857600",
        min(1),
        "How large a segment of the topic of offsets is, in bytes.",
    ),
    int("offsets.topic.compression.codec", "0", CODECS, "The codec of the topic of offsets, by number."),
    int(
        "transaction.max.timeout.ms",
        "900000",
        min(1),
        "The longest timeout a transaction may ask for, in ms.",
    ),
    int(
        "transactional.id.expiration.ms",
        "604800000",
        min(1),
        "After how many idle ms a transactional id is forgotten.",
    ),
    int(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "10000",
        min(1),
        "How often it is looked for transactions that have timed out, in ms.",
    ),
    int(
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        "3600000",
        min(1),
        "How often it is looked for transactional ids that have expired, in ms.",
    ),
    flag(
        "transaction.partition.verification.enable",
        "true",
        "Whether a transactional batch is taken only when its partition was added to the transaction.",
    )
    .cluster_wide()
    .since(3, 6),
    int(
        "transaction.state.log.num.partitions",
        "50",
        min(1),
        "How many partitions the topic of transactions gets.",
    ),
    short(
        "transaction.state.log.replication.factor",
        "3",
        min(1),
        "How many replicas the topic of transactions gets.",
    ),
    int("transaction.state.log.min.isr", "2", min(1), "min.insync.replicas of the topic of transactions."),
    int(
        "transaction.state.log.segment.bytes",
        "104857600",
        min(1),
        "How large a segment of the topic of transactions is, in bytes.",
    ),
    int(
        "transaction.state.log.load.buffer.size",
        "5242880",
        min(1),
        "How much is read at once when transactions are loaded, in bytes.",
    ),
    int(
        "producer.id.expiration.ms",
        "86400000",
        min(1),
        "After how many idle ms a partition forgets a producer.",
    )
    .cluster_wide()
    .since(3, 4),
    int(
        "producer.id.expiration.check.interval.ms",
        "600000",
        min(1),
        "How often it is looked for producers that are to be forgotten, in ms.",
    )
    .since(3, 4),
    list(
        "group.consumer.assignors",
        "uniform,range",
        Rule::Any,
        "The assignors that consumer groups may use.",
    )
    .since(3, 7),
];
