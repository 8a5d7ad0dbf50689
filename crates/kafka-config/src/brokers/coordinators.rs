//! Groups, their offsets, transactions, producers.

use crate::{
    definition::{Definition, flag, int, list, long, min, short},
    effect::{
        Effect, GROUP_COMMIT, NEXT_GROUPS, SEGMENTS, THREADS, TRANSACTIONS, honoured, partly,
    },
    value::Rule,
};

const CODECS: Rule = Rule::Between(0, 4);

pub(super) const COORDINATORS: &[Definition] = &[
    int(
        "group.min.session.timeout.ms",
        "6000",
        Rule::Any,
        "The shortest session a group member may ask for, in ms.",
    )
    .does(honoured(
        "broker/src/coordinators/groups/settings.rs",
        "session_timeouts_outside_the_limits_and_empty_group_ids_are_refused",
    )),
    int(
        "group.max.session.timeout.ms",
        "1800000",
        Rule::Any,
        "The longest session a group member may ask for, in ms.",
    )
    .does(honoured(
        "broker/src/coordinators/groups/settings.rs",
        "session_timeouts_outside_the_limits_and_empty_group_ids_are_refused",
    )),
    int(
        "group.initial.rebalance.delay.ms",
        "3000",
        Rule::Any,
        "How long a new group waits for more members before its first rebalance, in ms.",
    )
    .does(honoured(
        "broker/src/coordinators/groups/settings.rs",
        "first_rebalance_waits_the_initial_delay_and_longer_while_members_come",
    )),
    int("group.max.size", "2147483647", min(1), "How many members a group may have.")
        .does(honoured("broker/src/coordinators/groups/settings.rs", "a_loaded_group_that_is_larger_than_the_maximum_rebalances")),
    list(
        "group.coordinator.rebalance.protocols",
        "classic",
        Rule::ListOf(&["classic", "consumer", "share", "streams"]),
        "Which group protocols are offered.",
    )
    .since(3, 7)
    .until(4, 0)
    .does(NEXT_GROUPS),
    list(
        "group.coordinator.rebalance.protocols",
        "classic,consumer",
        Rule::ListOf(&["classic", "consumer", "share", "streams"]),
        "Which group protocols are offered.",
    )
    .since(4, 0)
    .until(4, 1)
    .does(NEXT_GROUPS),
    list(
        "group.coordinator.rebalance.protocols",
        "classic,consumer,streams",
        Rule::ListOf(&["classic", "consumer", "share", "streams"]),
        "Which group protocols are offered.",
    )
    .since(4, 1)
    .does(NEXT_GROUPS),
    int(
        "group.consumer.session.timeout.ms",
        "45000",
        min(1),
        "The session of a consumer group's member, in ms.",
    )
    .since(3, 7)
    .does(NEXT_GROUPS),
    int(
        "group.consumer.min.session.timeout.ms",
        "45000",
        min(1),
        "The shortest session that a consumer group may be given, in ms.",
    )
    .since(3, 7)
    .does(NEXT_GROUPS),
    int(
        "group.consumer.max.session.timeout.ms",
        "60000",
        min(1),
        "The longest session that a consumer group may be given, in ms.",
    )
    .since(3, 7)
    .does(NEXT_GROUPS),
    int(
        "group.consumer.heartbeat.interval.ms",
        "5000",
        min(1),
        "How often a consumer group's members give a sign of life, in ms.",
    )
    .since(3, 7)
    .does(NEXT_GROUPS),
    int(
        "group.consumer.min.heartbeat.interval.ms",
        "5000",
        min(1),
        "The shortest heartbeat interval that a consumer group may be given, in ms.",
    )
    .since(3, 7)
    .does(NEXT_GROUPS),
    int(
        "group.consumer.max.heartbeat.interval.ms",
        "15000",
        min(1),
        "The longest heartbeat interval that a consumer group may be given, in ms.",
    )
    .since(3, 7)
    .does(NEXT_GROUPS),
    int("group.consumer.max.size", "2147483647", min(1), "How many members a consumer group may have.")
        .since(3, 7)
        .does(NEXT_GROUPS),
    int("group.coordinator.threads", "1", min(1), "Threads of the group coordinator.")
        .since(3, 7)
        .until(4, 0)
        .does(THREADS),
    int("group.coordinator.threads", "4", min(1), "Threads of the group coordinator.")
        .since(4, 0)
        .does(THREADS),
    int(
        "offset.metadata.max.bytes",
        "4096",
        Rule::Any,
        "How long the text may be that a client commits with an offset, in bytes.",
    )
    .does(honoured("broker/src/coordinators/groups/settings.rs", "every_partition_of_a_commit_is_answered_in_its_place")),
    int("offsets.commit.timeout.ms", "5000", min(1), "How long an offset commit may take, in ms.")
        .does(GROUP_COMMIT),
    short("offsets.commit.required.acks", "-1", Rule::Any, "The acks an offset commit waits for.")
        .until(4, 0)
        .does(GROUP_COMMIT),
    int(
        "offsets.load.buffer.size",
        "5242880",
        min(1),
        "How much is read at once when offsets are loaded, in bytes.",
    )
    .does(Effect::Meaningless(
        "groups are read back in chunks of the write-ahead log and blocks of segments",
    )),
    int(
        "offsets.retention.minutes",
        "10080",
        min(1),
        "How long offsets are kept once a group is empty or no longer reads a topic, in minutes.",
    )
    .does(honoured("broker/src/coordinators/groups/settings.rs", "offsets_of_an_empty_group_expire_after_the_last_member_left")),
    long(
        "offsets.retention.check.interval.ms",
        "600000",
        min(1),
        "How often it is looked for offsets that have expired, in ms.",
    )
    .does(honoured("broker/src/coordinators/groups/settings.rs", "an_offset_with_a_retention_time_expires_by_the_clock")),
    int("offsets.topic.num.partitions", "50", min(1), "How many partitions the topic of offsets gets.")
        .does(honoured("broker/src/topics/internal.rs", "the_topic_of_offsets_is_created_once_with_its_settings")),
    short("offsets.topic.replication.factor", "3", min(1), "How many replicas the topic of offsets gets.")
        .does(honoured("broker/src/topics/internal.rs", "the_topic_of_offsets_is_created_once_with_its_settings")),
    int(
        "offsets.topic.segment.bytes",
        "104857600",
        min(1),
        "How large a segment of the topic of offsets is, in bytes.",
    )
    .does(SEGMENTS),
    int("offsets.topic.compression.codec", "0", CODECS, "The codec of the topic of offsets, by number.")
        .does(Effect::NotYet("groups are stored uncompressed")),
    int(
        "transaction.max.timeout.ms",
        "900000",
        min(1),
        "The longest timeout a transaction may ask for, in ms.",
    )
    .does(TRANSACTIONS),
    int(
        "transactional.id.expiration.ms",
        "604800000",
        min(1),
        "After how many idle ms a transactional id is forgotten.",
    )
    .does(TRANSACTIONS),
    int(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "10000",
        min(1),
        "How often it is looked for transactions that have timed out, in ms.",
    )
    .does(TRANSACTIONS),
    int(
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        "3600000",
        min(1),
        "How often it is looked for transactional ids that have expired, in ms.",
    )
    .does(TRANSACTIONS),
    flag(
        "transaction.partition.verification.enable",
        "true",
        "Whether a transactional batch is taken only when its partition was added to the transaction.",
    )
    .cluster_wide()
    .since(3, 6)
    .does(TRANSACTIONS),
    int(
        "transaction.state.log.num.partitions",
        "50",
        min(1),
        "How many partitions the topic of transactions gets.",
    )
    .does(TRANSACTIONS),
    short(
        "transaction.state.log.replication.factor",
        "3",
        min(1),
        "How many replicas the topic of transactions gets.",
    )
    .does(TRANSACTIONS),
    int("transaction.state.log.min.isr", "2", min(1), "min.insync.replicas of the topic of transactions.")
        .does(TRANSACTIONS),
    int(
        "transaction.state.log.segment.bytes",
        "104857600",
        min(1),
        "How large a segment of the topic of transactions is, in bytes.",
    )
    .does(TRANSACTIONS),
    int(
        "transaction.state.log.load.buffer.size",
        "5242880",
        min(1),
        "How much is read at once when transactions are loaded, in bytes.",
    )
    .does(TRANSACTIONS),
    int(
        "producer.id.expiration.ms",
        "86400000",
        min(1),
        "After how many idle ms a partition forgets a producer.",
    )
    .cluster_wide()
    .since(3, 4)
    .does(partly(
        "broker/src/broker.rs",
        "producers_that_are_silent_expire_unless_a_transaction_is_open",
        "read at start: a value set while the broker runs is only shown",
    )),
    int(
        "producer.id.expiration.check.interval.ms",
        "600000",
        min(1),
        "How often it is looked for producers that are to be forgotten, in ms.",
    )
    .since(3, 4)
    .hidden()
    .does(Effect::Meaningless(
        "producers are looked at together with retention, at log.retention.check.interval.ms",
    )),
    list(
        "group.consumer.assignors",
        "org.apache.kafka.coordinator.group.assignor.UniformAssignor,\
         org.apache.kafka.coordinator.group.assignor.RangeAssignor",
        Rule::Any,
        "The assignors that consumer groups may use.",
    )
    .since(3, 7)
    .until(4, 0)
    .does(NEXT_GROUPS),
    list(
        "group.consumer.assignors",
        "uniform,range",
        Rule::Any,
        "The assignors that consumer groups may use.",
    )
    .since(4, 0)
    .does(NEXT_GROUPS),
];
