//! What MSK sets on Standard brokers where a cluster's configuration says nothing.

use super::Configs;

/// The properties that MSK's brokers have beyond Kafka's defaults, for a cluster over so many zones.
pub fn msk_defaults(zones: usize) -> Configs {
    let (replicas, in_sync) = if zones >= 3 { ("3", "2") } else { ("2", "1") };
    let defaults = [
        ("allow.everyone.if.no.acl.found", "true"),
        ("auto.create.topics.enable", "false"),
        ("auto.leader.rebalance.enable", "true"),
        ("default.replication.factor", replicas),
        ("min.insync.replicas", in_sync),
        ("num.io.threads", "8"),
        ("num.network.threads", "5"),
        ("num.partitions", "1"),
        ("num.replica.fetchers", "2"),
        ("replica.lag.time.max.ms", "30000"),
        ("socket.receive.buffer.bytes", "102400"),
        ("socket.request.max.bytes", "104857600"),
        ("socket.send.buffer.bytes", "102400"),
        ("unclean.leader.election.enable", "true"),
    ];
    defaults.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
