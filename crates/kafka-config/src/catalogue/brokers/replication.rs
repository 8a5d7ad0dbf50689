//! Replication between brokers. Here the storage replicates: these are accepted and reported for
//! tools that set them.

use crate::{
    definition::{Definition, LONG_MAX, int, long, unset},
    effect::{FOLLOWERS, ONE_DIRECTORY},
    value::ConfigType,
};

#[rustfmt::skip]
pub(super) const REPLICATION: &[Definition] = &[
    int("num.replica.fetchers", "1").cluster_wide().effect(FOLLOWERS)
        .doc("Threads that copy from other brokers. Without effect here."),
    long("replica.lag.time.max.ms", "30000").effect(FOLLOWERS)
        .doc("After how many ms without catching up a follower is out of sync. Without effect \
            here."),
    int("replica.fetch.max.bytes", "1048576").at_least(0).effect(FOLLOWERS)
        .doc("How much a follower fetches of a partition at once, in bytes. Without effect here."),
    int("replica.fetch.response.max.bytes", "10485760").at_least(0).effect(FOLLOWERS)
        .doc("How much a follower fetches at once, in bytes. Without effect here."),
    int("replica.fetch.min.bytes", "1").effect(FOLLOWERS)
        .doc("The least a follower waits for, in bytes. Without effect here."),
    int("replica.fetch.wait.max.ms", "500").effect(FOLLOWERS)
        .doc("How long a follower's fetch waits for data, in ms. Without effect here."),
    int("replica.fetch.backoff.ms", "1000").at_least(0).effect(FOLLOWERS)
        .doc("How long a follower waits after an error, in ms. Without effect here."),
    int("replica.socket.receive.buffer.bytes", "65536").effect(FOLLOWERS)
        .doc("The receive buffer of sockets between brokers, in bytes. Without effect here."),
    int("replica.socket.timeout.ms", "30000").effect(FOLLOWERS)
        .doc("How long a follower waits for an answer, in ms. Without effect here."),
    long("replica.high.watermark.checkpoint.interval.ms", "5000").effect(FOLLOWERS)
        .doc("How often high watermarks are written, in ms. Without effect here."),
    unset("replica.selector.class", ConfigType::String)
        .meaningless("every consumer reads from the leader: no copy is nearer")
        .doc("How a consumer's closest replica is chosen; the rack-aware selector takes one in its \
            zone."),
    long("leader.replication.throttled.rate", LONG_MAX).at_least(0).cluster_wide().hidden()
        .effect(FOLLOWERS)
        .doc("How many bytes a second leaders send to throttled followers."),
    long("follower.replication.throttled.rate", LONG_MAX).at_least(0).cluster_wide().hidden()
        .effect(FOLLOWERS)
        .doc("How many bytes a second throttled followers fetch."),
    long("replica.alter.log.dirs.io.max.bytes.per.second", LONG_MAX).at_least(0).cluster_wide()
        .hidden().effect(ONE_DIRECTORY)
        .doc("How many bytes a second may move between the directories of a broker."),
];
