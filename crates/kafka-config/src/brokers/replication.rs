//! Replication between brokers. Here the storage replicates: these are accepted and reported for
//! tools that set them.

use crate::{
    definition::{ConfigType, Definition, int, long, min, unset},
    effect::{Effect, FOLLOWERS, ONE_DIRECTORY},
    value::Rule,
};

pub(super) const REPLICATION: &[Definition] = &[
    int("num.replica.fetchers", "1", Rule::Any, "Threads that copy from other brokers. Without effect here.")
        .cluster_wide()
        .does(FOLLOWERS),
    long(
        "replica.lag.time.max.ms",
        "30000",
        Rule::Any,
        "After how many ms without catching up a follower is out of sync. Without effect here.",
    )
    .does(FOLLOWERS),
    int(
        "replica.fetch.max.bytes",
        "1048576",
        min(0),
        "How much a follower fetches of a partition at once, in bytes. Without effect here.",
    )
    .does(FOLLOWERS),
    int(
        "replica.fetch.response.max.bytes",
        "10485760",
        min(0),
        "How much a follower fetches at once, in bytes. Without effect here.",
    )
    .does(FOLLOWERS),
    int(
        "replica.fetch.min.bytes",
        "1",
        Rule::Any,
        "The least a follower waits for, in bytes. Without effect here.",
    )
    .does(FOLLOWERS),
    int(
        "replica.fetch.wait.max.ms",
        "500",
        Rule::Any,
        "How long a follower's fetch waits for data, in ms. Without effect here.",
    )
    .does(FOLLOWERS),
    int(
        "replica.fetch.backoff.ms",
        "1000",
        min(0),
        "How long a follower waits after an error, in ms. Without effect here.",
    )
    .does(FOLLOWERS),
    int(
        "replica.socket.receive.buffer.bytes",
        "65536",
        Rule::Any,
        "The receive buffer of sockets between brokers, in bytes. Without effect here.",
    )
    .does(FOLLOWERS),
    int(
        "replica.socket.timeout.ms",
        "30000",
        Rule::Any,
        "How long a follower waits for an answer, in ms. Without effect here.",
    )
    .does(FOLLOWERS),
    long(
        "replica.high.watermark.checkpoint.interval.ms",
        "5000",
        Rule::Any,
        "How often high watermarks are written, in ms. Without effect here.",
    )
    .does(FOLLOWERS),
    unset(
        "replica.selector.class",
        ConfigType::String,
        Rule::Any,
        "How a consumer's closest replica is chosen; the rack-aware selector takes one in its zone.",
    )
    .does(Effect::Meaningless("every consumer reads from the leader: no copy is nearer")),
    long(
        "leader.replication.throttled.rate",
        "9223372036854775807",
        min(0),
        "How many bytes a second leaders send to throttled followers.",
    )
    .cluster_wide()
    .hidden()
    .does(FOLLOWERS),
    long(
        "follower.replication.throttled.rate",
        "9223372036854775807",
        min(0),
        "How many bytes a second throttled followers fetch.",
    )
    .cluster_wide()
    .hidden()
    .does(FOLLOWERS),
    long(
        "replica.alter.log.dirs.io.max.bytes.per.second",
        "9223372036854775807",
        min(0),
        "How many bytes a second may move between the directories of a broker.",
    )
    .cluster_wide()
    .hidden()
    .does(ONE_DIRECTORY),
];
