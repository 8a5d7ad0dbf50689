//! Groups, their offsets, transactions, producers.

use crate::{
    definition::{Change, Definition, flag, int, list, long, short},
    effect::{GROUP_COMMIT, NEXT_GROUPS, SEGMENTS, THREADS, TRANSACTIONS},
};

const CONSUMER_ASSIGNORS: &str = "org.apache.kafka.coordinator.group.assignor.UniformAssignor,\
    org.apache.kafka.coordinator.group.assignor.RangeAssignor";

#[rustfmt::skip]
pub(super) const COORDINATORS: &[Definition] = &[
    int("group.min.session.timeout.ms", "6000")
        .honoured("session_timeouts_outside_the_limits_and_empty_group_ids_are_refused")
        .doc("The shortest session a group member may ask for, in ms."),
    int("group.max.session.timeout.ms", "1800000")
        .honoured("session_timeouts_outside_the_limits_and_empty_group_ids_are_refused")
        .doc("The longest session a group member may ask for, in ms."),
    int("group.initial.rebalance.delay.ms", "3000")
        .honoured("first_rebalance_waits_the_initial_delay_and_longer_while_members_come")
        .doc("How long a new group waits for more members before its first rebalance, in ms."),
    int("group.max.size", "2147483647").at_least(1)
        .honoured("a_loaded_group_that_is_larger_than_the_maximum_rebalances")
        .doc("How many members a group may have."),
    list("group.coordinator.rebalance.protocols", "classic")
        .list_of(&["classic", "consumer", "share", "streams"]).since(3, 7)
        .changes(&[
            (4, 0, Change::Default("classic,consumer")),
            (4, 1, Change::Default("classic,consumer,streams")),
        ])
        .effect(NEXT_GROUPS)
        .doc("Which group protocols are offered."),
    int("group.consumer.session.timeout.ms", "45000").at_least(1).since(3, 7).effect(NEXT_GROUPS)
        .doc("The session of a consumer group's member, in ms."),
    int("group.consumer.min.session.timeout.ms", "45000").at_least(1).since(3, 7)
        .effect(NEXT_GROUPS)
        .doc("The shortest session that a consumer group may be given, in ms."),
    int("group.consumer.max.session.timeout.ms", "60000").at_least(1).since(3, 7)
        .effect(NEXT_GROUPS)
        .doc("The longest session that a consumer group may be given, in ms."),
    int("group.consumer.heartbeat.interval.ms", "5000").at_least(1).since(3, 7).effect(NEXT_GROUPS)
        .doc("How often a consumer group's members send a heartbeat, in ms."),
    int("group.consumer.min.heartbeat.interval.ms", "5000").at_least(1).since(3, 7)
        .effect(NEXT_GROUPS)
        .doc("The shortest heartbeat interval that a consumer group may be given, in ms."),
    int("group.consumer.max.heartbeat.interval.ms", "15000").at_least(1).since(3, 7)
        .effect(NEXT_GROUPS)
        .doc("The longest heartbeat interval that a consumer group may be given, in ms."),
    int("group.consumer.max.size", "2147483647").at_least(1).since(3, 7).effect(NEXT_GROUPS)
        .doc("How many members a consumer group may have."),
    int("group.coordinator.threads", "1").at_least(1).since(3, 7)
        .changes(&[(4, 0, Change::Default("4"))]).effect(THREADS)
        .doc("Threads of the group coordinator."),
    int("offset.metadata.max.bytes", "4096")
        .honoured("every_partition_of_a_commit_is_answered_in_its_place")
        .doc("How long the text may be that a client commits with an offset, in bytes."),
    int("offsets.commit.timeout.ms", "5000").at_least(1).effect(GROUP_COMMIT)
        .doc("How long an offset commit may take, in ms."),
    short("offsets.commit.required.acks", "-1").until(4, 0).effect(GROUP_COMMIT)
        .doc("The acks an offset commit waits for."),
    int("offsets.load.buffer.size", "5242880").at_least(1)
        .meaningless("groups are read back in chunks of the write-ahead log and blocks of segments")
        .doc("How much is read at once when offsets are loaded, in bytes."),
    int("offsets.retention.minutes", "10080").at_least(1)
        .honoured("offsets_of_an_empty_group_expire_after_the_last_member_left")
        .doc("How long offsets are kept once a group is empty or no longer reads a topic, in \
            minutes."),
    long("offsets.retention.check.interval.ms", "600000").at_least(1)
        .honoured("an_offset_with_a_retention_time_expires_by_the_clock")
        .doc("How often expired offsets are searched for, in ms."),
    int("offsets.topic.num.partitions", "50").at_least(1)
        .honoured("the_topic_of_offsets_is_created_once_with_its_settings")
        .doc("How many partitions the topic of offsets gets."),
    short("offsets.topic.replication.factor", "3").at_least(1)
        .honoured("the_topic_of_offsets_is_created_once_with_its_settings")
        .doc("How many replicas the topic of offsets gets."),
    int("offsets.topic.segment.bytes", "104857600").at_least(1).effect(SEGMENTS)
        .doc("How large a segment of the topic of offsets is, in bytes."),
    int("offsets.topic.compression.codec", "0").between(0, 4)
        .not_yet("groups are stored uncompressed")
        .doc("The codec of the topic of offsets, by number."),
    int("transaction.max.timeout.ms", "900000").at_least(1).effect(TRANSACTIONS)
        .doc("The longest timeout a transaction may ask for, in ms."),
    int("transactional.id.expiration.ms", "604800000").at_least(1).effect(TRANSACTIONS)
        .doc("After how many idle ms a transactional id is forgotten."),
    int("transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000").at_least(1)
        .effect(TRANSACTIONS)
        .doc("How often timed-out transactions are searched for, in ms."),
    int("transaction.remove.expired.transaction.cleanup.interval.ms", "3600000").at_least(1)
        .effect(TRANSACTIONS)
        .doc("How often expired transactional ids are searched for, in ms."),
    flag("transaction.partition.verification.enable", "true").since(3, 6).cluster_wide()
        .effect(TRANSACTIONS)
        .doc("Whether a transactional batch is taken only when its partition was added to the \
            transaction."),
    int("transaction.state.log.num.partitions", "50").at_least(1).effect(TRANSACTIONS)
        .doc("How many partitions the topic of transactions gets."),
    short("transaction.state.log.replication.factor", "3").at_least(1).effect(TRANSACTIONS)
        .doc("How many replicas the topic of transactions gets."),
    int("transaction.state.log.min.isr", "2").at_least(1).effect(TRANSACTIONS)
        .doc("min.insync.replicas of the topic of transactions."),
    int("transaction.state.log.segment.bytes", "104857600").at_least(1).effect(TRANSACTIONS)
        .doc("How large a segment of the topic of transactions is, in bytes."),
    int("transaction.state.log.load.buffer.size", "5242880").at_least(1).effect(TRANSACTIONS)
        .doc("How much is read at once when transactions are loaded, in bytes."),
    int("producer.id.expiration.ms", "86400000").at_least(1).since(3, 4).cluster_wide()
        .partly("producers_that_are_silent_expire_unless_a_transaction_is_open",
            "read at start: a value set while the broker runs is only shown")
        .doc("After how many idle ms a partition forgets a producer."),
    int("producer.id.expiration.check.interval.ms", "600000").at_least(1).since(3, 4).hidden()
        .meaningless("producers are looked at together with retention, at \
            log.retention.check.interval.ms")
        .doc("How often producers to forget are searched for, in ms."),
    list("group.consumer.assignors", CONSUMER_ASSIGNORS)
        .since(3, 7).changes(&[(4, 0, Change::Default("uniform,range"))]).effect(NEXT_GROUPS)
        .doc("The assignors that consumer groups may use."),
];
