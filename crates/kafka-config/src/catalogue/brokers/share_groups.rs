//! Share groups, streams groups, and what else of groups is newer than their classic protocol.

use crate::{
    definition::{Change, Definition, int, list, short, text},
    effect::{GROUP_COMMIT, NEXT_GROUPS, SHARE, STREAMS},
    value::{ConfigType, Rule},
};

#[rustfmt::skip]
pub(super) const SHARE_GROUPS: &[Definition] = &[
    text("group.consumer.migration.policy", "disabled")
        .rule(Rule::OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]))
        .since(3, 7).until(3, 9).effect(NEXT_GROUPS)
        .doc("Between which protocols a group may change while it has members."),
    text("group.consumer.migration.policy", "bidirectional")
        .rule(Rule::OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]))
        .since(4, 0).effect(NEXT_GROUPS)
        .doc("Between which protocols a group may change while it has members."),
    int("group.coordinator.append.linger.ms", "10").at_least(0).since(3, 7)
        .changes(&[(4, 0, Change::Default("5"))]).effect(GROUP_COMMIT)
        .doc("How long a coordinator gathers changes before it writes them, in ms."),
    list("group.share.assignors", "simple").since(4, 1).effect(SHARE)
        .doc("The assignors of share groups."),
    int("group.share.delivery.count.limit", "5").between(2, 10).since(3, 9).effect(SHARE)
        .doc("How often a record is delivered before it is archived."),
    int("group.share.heartbeat.interval.ms", "5000").at_least(1).since(3, 9).effect(SHARE)
        .doc("How often a share group's members send a heartbeat, in ms."),
    int("group.share.max.heartbeat.interval.ms", "15000").at_least(1).since(3, 9).effect(SHARE)
        .doc("The longest heartbeat interval that a share group may be given, in ms."),
    int("group.share.max.record.lock.duration.ms", "60000").between(30000, 3600000).since(3, 9)
        .effect(SHARE)
        .doc("The longest that a delivered record may be locked, in ms."),
    int("group.share.max.session.timeout.ms", "60000").at_least(1).since(3, 9).effect(SHARE)
        .doc("The longest session that a share group may be given, in ms."),
    int("group.share.max.share.sessions", "2000").at_least(1).since(4, 1).effect(SHARE)
        .doc("How many sessions of share groups a broker keeps."),
    short("group.share.max.size", "200").between(10, 1000).since(3, 9)
        .changes(&[
            (4, 0, Change::Rule(Rule::Between(1, 1000))), (4, 0, Change::Type(ConfigType::Int)),
        ])
        .effect(SHARE)
        .doc("How many members a share group may have."),
    short("group.share.max.groups", "10").between(1, 100).since(3, 9).until(4, 1).effect(SHARE)
        .doc("How many share groups there may be."),
    int("group.share.min.heartbeat.interval.ms", "5000").at_least(1).since(3, 9).effect(SHARE)
        .doc("The shortest heartbeat interval that a share group may be given, in ms."),
    int("group.share.min.record.lock.duration.ms", "15000").between(1000, 30000).since(3, 9)
        .effect(SHARE)
        .doc("The shortest that a delivered record may be locked, in ms."),
    int("group.share.min.session.timeout.ms", "45000").at_least(1).since(3, 9).effect(SHARE)
        .doc("The shortest session that a share group may be given, in ms."),
    int("group.share.partition.max.record.locks", "200").between(100, 10000).since(3, 9)
        .changes(&[(4, 1, Change::Default("2000"))]).effect(SHARE)
        .doc("How many records of a partition may be locked at once."),
    int("group.share.record.lock.duration.ms", "30000").between(1000, 60000).since(3, 9)
        .changes(&[(4, 0, Change::Rule(Rule::Between(1000, 3600000)))]).effect(SHARE)
        .doc("How long a delivered record is locked, in ms."),
    int("group.share.session.timeout.ms", "45000").at_least(1).since(3, 9).effect(SHARE)
        .doc("The session of a share group's member, in ms."),
    int("group.streams.heartbeat.interval.ms", "5000").at_least(1).since(4, 1).effect(STREAMS)
        .doc("How often a streams group's members send a heartbeat, in ms."),
    int("group.streams.max.heartbeat.interval.ms", "15000").at_least(1).since(4, 1).effect(STREAMS)
        .doc("The longest heartbeat interval that a streams group may be given, in ms."),
    int("group.streams.max.session.timeout.ms", "60000").at_least(1).since(4, 1).effect(STREAMS)
        .doc("The longest session that a streams group may be given, in ms."),
    int("group.streams.max.size", "2147483647").at_least(1).since(4, 1).effect(STREAMS)
        .doc("How many members a streams group may have."),
    int("group.streams.max.standby.replicas", "2").at_least(0).since(4, 1).effect(STREAMS)
        .doc("How many standby copies of its state a streams group may ask for."),
    int("group.streams.min.heartbeat.interval.ms", "5000").at_least(1).since(4, 1).effect(STREAMS)
        .doc("The shortest heartbeat interval that a streams group may be given, in ms."),
    int("group.streams.min.session.timeout.ms", "45000").at_least(1).since(4, 1).effect(STREAMS)
        .doc("The shortest session that a streams group may be given, in ms."),
    int("group.streams.num.standby.replicas", "0").at_least(0).since(4, 1).effect(STREAMS)
        .doc("How many standby copies of its state a streams group keeps."),
    int("group.streams.session.timeout.ms", "45000").at_least(1).since(4, 1).effect(STREAMS)
        .doc("The session of a streams group's member, in ms."),
    int("share.coordinator.append.linger.ms", "10").at_least(0).since(4, 0)
        .changes(&[(4, 1, Change::Default("5"))]).effect(SHARE)
        .doc("How long the share coordinator gathers changes before it writes them, in ms."),
    int("share.coordinator.load.buffer.size", "5242880").at_least(1).since(4, 0).effect(SHARE)
        .doc("How much is read at once when share state is loaded, in bytes."),
    int("share.coordinator.snapshot.update.records.per.snapshot", "500").at_least(0).since(4, 0)
        .effect(SHARE)
        .doc("After how many changes of share state a snapshot of it is written."),
    int("share.coordinator.state.topic.compression.codec", "0").since(4, 0).effect(SHARE)
        .doc("The codec of the topic of share state, by number."),
    short("share.coordinator.state.topic.min.isr", "2").at_least(1).since(4, 0).effect(SHARE)
        .doc("min.insync.replicas of the topic of share state."),
    int("share.coordinator.state.topic.num.partitions", "50").at_least(1).since(4, 0).effect(SHARE)
        .doc("How many partitions the topic of share state gets."),
    short("share.coordinator.state.topic.replication.factor", "3").at_least(1).since(4, 0)
        .effect(SHARE)
        .doc("How many replicas the topic of share state gets."),
    int("share.coordinator.state.topic.segment.bytes", "104857600").at_least(1).since(4, 0)
        .effect(SHARE)
        .doc("How large a segment of the topic of share state is, in bytes."),
    int("share.coordinator.threads", "1").at_least(1).since(4, 0).effect(SHARE)
        .doc("Threads of the share coordinator."),
    int("share.coordinator.write.timeout.ms", "5000").at_least(1).since(4, 0).effect(SHARE)
        .doc("How long a change of share state may take, in ms."),
];
