//! Share groups, streams groups, and what else of groups is newer than their classic protocol.

use crate::{
    definition::{Definition, between, int, list, min, short, text},
    effect::{GROUP_COMMIT, NEXT_GROUPS, SHARE, STREAMS},
    value::Rule,
};

pub(super) const SHARE_GROUPS: &[Definition] = &[
    text(
        "group.consumer.migration.policy",
        "disabled",
        Rule::OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]),
        "Between which protocols a group may change while it has members.",
    )
    .since(3, 7)
    .until(3, 9)
    .does(NEXT_GROUPS),
    text(
        "group.consumer.migration.policy",
        "bidirectional",
        Rule::OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]),
        "Between which protocols a group may change while it has members.",
    )
    .since(4, 0)
    .does(NEXT_GROUPS),
    int(
        "group.coordinator.append.linger.ms",
        "10",
        min(0),
        "How long a coordinator gathers changes before it writes them, in ms.",
    )
    .since(3, 7)
    .until(4, 0)
    .does(GROUP_COMMIT),
    int(
        "group.coordinator.append.linger.ms",
        "5",
        min(0),
        "How long a coordinator gathers changes before it writes them, in ms.",
    )
    .since(4, 0)
    .does(GROUP_COMMIT),
    list("group.share.assignors", "simple", Rule::Any, "The assignors of share groups.")
        .since(4, 1)
        .does(SHARE),
    int(
        "group.share.delivery.count.limit",
        "5",
        between(2, 10),
        "How often a record is delivered before it is given up.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.share.heartbeat.interval.ms",
        "5000",
        min(1),
        "How often a share group's members give a sign of life, in ms.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.share.max.heartbeat.interval.ms",
        "15000",
        min(1),
        "The longest heartbeat interval that a share group may be given, in ms.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.share.max.record.lock.duration.ms",
        "60000",
        between(30000, 3600000),
        "The longest that a delivered record may be locked, in ms.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.share.max.session.timeout.ms",
        "60000",
        min(1),
        "The longest session that a share group may be given, in ms.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.share.max.share.sessions",
        "2000",
        min(1),
        "How many sessions of share groups a broker keeps.",
    )
    .since(4, 1)
    .does(SHARE),
    short(
        "group.share.max.size",
        "200",
        between(10, 1000),
        "How many members a share group may have.",
    )
    .since(3, 9)
    .until(4, 0)
    .does(SHARE),
    int(
        "group.share.max.size",
        "200",
        between(1, 1000),
        "How many members a share group may have.",
    )
    .since(4, 0)
    .does(SHARE),
    short("group.share.max.groups", "10", between(1, 100), "How many share groups there may be.")
        .since(3, 9)
        .until(4, 1)
        .does(SHARE),
    int(
        "group.share.min.heartbeat.interval.ms",
        "5000",
        min(1),
        "The shortest heartbeat interval that a share group may be given, in ms.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.share.min.record.lock.duration.ms",
        "15000",
        between(1000, 30000),
        "The shortest that a delivered record may be locked, in ms.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.share.min.session.timeout.ms",
        "45000",
        min(1),
        "The shortest session that a share group may be given, in ms.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.share.partition.max.record.locks",
        "200",
        between(100, 10000),
        "How many records of a partition may be locked at once.",
    )
    .since(3, 9)
    .until(4, 1)
    .does(SHARE),
    int(
        "group.share.partition.max.record.locks",
        "2000",
        between(100, 10000),
        "How many records of a partition may be locked at once.",
    )
    .since(4, 1)
    .does(SHARE),
    int(
        "group.share.record.lock.duration.ms",
        "30000",
        between(1000, 60000),
        "How long a delivered record is locked, in ms.",
    )
    .since(3, 9)
    .until(4, 0)
    .does(SHARE),
    int(
        "group.share.record.lock.duration.ms",
        "30000",
        between(1000, 3600000),
        "How long a delivered record is locked, in ms.",
    )
    .since(4, 0)
    .does(SHARE),
    int(
        "group.share.session.timeout.ms",
        "45000",
        min(1),
        "The session of a share group's member, in ms.",
    )
    .since(3, 9)
    .does(SHARE),
    int(
        "group.streams.heartbeat.interval.ms",
        "5000",
        min(1),
        "How often a streams group's members give a sign of life, in ms.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "group.streams.max.heartbeat.interval.ms",
        "15000",
        min(1),
        "The longest heartbeat interval that a streams group may be given, in ms.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "group.streams.max.session.timeout.ms",
        "60000",
        min(1),
        "The longest session that a streams group may be given, in ms.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "group.streams.max.size",
        "2147483647",
        min(1),
        "How many members a streams group may have.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "group.streams.max.standby.replicas",
        "2",
        min(0),
        "How many standby copies of its state a streams group may ask for.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "group.streams.min.heartbeat.interval.ms",
        "5000",
        min(1),
        "The shortest heartbeat interval that a streams group may be given, in ms.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "group.streams.min.session.timeout.ms",
        "45000",
        min(1),
        "The shortest session that a streams group may be given, in ms.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "group.streams.num.standby.replicas",
        "0",
        min(0),
        "How many standby copies of its state a streams group keeps.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "group.streams.session.timeout.ms",
        "45000",
        min(1),
        "The session of a streams group's member, in ms.",
    )
    .since(4, 1)
    .does(STREAMS),
    int(
        "share.coordinator.append.linger.ms",
        "10",
        min(0),
        "How long the share coordinator gathers changes before it writes them, in ms.",
    )
    .since(4, 0)
    .until(4, 1)
    .does(SHARE),
    int(
        "share.coordinator.append.linger.ms",
        "5",
        min(0),
        "How long the share coordinator gathers changes before it writes them, in ms.",
    )
    .since(4, 1)
    .does(SHARE),
    int(
        "share.coordinator.load.buffer.size",
        "5242880",
        min(1),
        "How much is read at once when share state is loaded, in bytes.",
    )
    .since(4, 0)
    .does(SHARE),
    int(
        "share.coordinator.snapshot.update.records.per.snapshot",
        "500",
        min(0),
        "After how many changes of share state a snapshot of it is written.",
    )
    .since(4, 0)
    .does(SHARE),
    int(
        "share.coordinator.state.topic.compression.codec",
        "0",
        Rule::Any,
        "The codec of the topic of share state, by number.",
    )
    .since(4, 0)
    .does(SHARE),
    short(
        "share.coordinator.state.topic.min.isr",
        "2",
        min(1),
        "min.insync.replicas of the topic of share state.",
    )
    .since(4, 0)
    .does(SHARE),
    int(
        "share.coordinator.state.topic.num.partitions",
        "50",
        min(1),
        "How many partitions the topic of share state gets.",
    )
    .since(4, 0)
    .does(SHARE),
    short(
        "share.coordinator.state.topic.replication.factor",
        "3",
        min(1),
        "How many replicas the topic of share state gets.",
    )
    .since(4, 0)
    .does(SHARE),
    int(
        "share.coordinator.state.topic.segment.bytes",
        "104857600",
        min(1),
        "How large a segment of the topic of share state is, in bytes.",
    )
    .since(4, 0)
    .does(SHARE),
    int("share.coordinator.threads", "1", min(1), "Threads of the share coordinator.")
        .since(4, 0)
        .does(SHARE),
    int(
        "share.coordinator.write.timeout.ms",
        "5000",
        min(1),
        "How long a change of share state may take, in ms.",
    )
    .since(4, 0)
    .does(SHARE),
];
