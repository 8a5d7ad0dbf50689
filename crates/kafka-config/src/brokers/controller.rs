//! Controllers, their log of decisions, and ZooKeeper. Here decisions are in the metadata store:
//! these are accepted and shown for tools that set them.

use crate::{
    definition::{ConfigType, Definition, flag, int, list, long, min, text, unset},
    effect::{FOLLOWERS, HANDOFF, JAVA, LEASES, ONE_DIRECTORY, RAFT, SERVICE, ZOOKEEPER},
    value::Rule,
};

pub(super) const CONTROLLER: &[Definition] = &[
    int(
        "broker.heartbeat.interval.ms",
        "2000",
        Rule::Any,
        "How often a broker tells the controller that it is alive, in ms.",
    )
    .since(3, 3)
    .does(LEASES),
    int(
        "broker.session.timeout.ms",
        "9000",
        Rule::Any,
        "After how many silent ms the controller holds a broker for dead.",
    )
    .since(3, 3)
    .does(LEASES),
    int(
        "initial.broker.registration.timeout.ms",
        "60000",
        Rule::Any,
        "How long a starting broker waits to be registered, in ms.",
    )
    .since(3, 3)
    .does(LEASES),
    unset("controller.listener.names", ConfigType::String, Rule::Any, "The listeners that controllers use.")
        .since(3, 3)
        .does(RAFT),
    int(
        "controller.quorum.append.linger.ms",
        "25",
        Rule::Any,
        "How long the quorum's leader gathers decisions before it writes them, in ms.",
    )
    .since(3, 3)
    .until(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.append.linger.ms",
        "25",
        min(0),
        "How long the quorum's leader gathers decisions before it writes them, in ms.",
    )
    .since(4, 1)
    .does(RAFT),
    list(
        "controller.quorum.bootstrap.servers",
        "",
        Rule::Any,
        "Addresses through which the quorum is found.",
    )
    .since(3, 9)
    .does(RAFT),
    int(
        "controller.quorum.election.backoff.max.ms",
        "1000",
        Rule::Any,
        "How long a candidate waits at most between elections, in ms.",
    )
    .since(3, 3)
    .until(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.election.backoff.max.ms",
        "1000",
        min(0),
        "How long a candidate waits at most between elections, in ms.",
    )
    .since(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.election.timeout.ms",
        "1000",
        Rule::Any,
        "How long a candidate waits for votes, in ms.",
    )
    .since(3, 3)
    .until(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.election.timeout.ms",
        "1000",
        min(0),
        "How long a candidate waits for votes, in ms.",
    )
    .since(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.fetch.timeout.ms",
        "2000",
        Rule::Any,
        "After how many ms without its leader a quorum elects another.",
    )
    .since(3, 3)
    .until(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.fetch.timeout.ms",
        "2000",
        min(0),
        "After how many ms without its leader a quorum elects another.",
    )
    .since(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.request.timeout.ms",
        "2000",
        Rule::Any,
        "How long an answer within the quorum is waited for, in ms.",
    )
    .since(3, 3)
    .until(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.request.timeout.ms",
        "2000",
        min(0),
        "How long an answer within the quorum is waited for, in ms.",
    )
    .since(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.retry.backoff.ms",
        "20",
        Rule::Any,
        "How long a failed request within the quorum waits before the next, in ms.",
    )
    .since(3, 3)
    .until(4, 1)
    .does(RAFT),
    int(
        "controller.quorum.retry.backoff.ms",
        "20",
        min(0),
        "How long a failed request within the quorum waits before the next, in ms.",
    )
    .since(4, 1)
    .does(RAFT),
    list("controller.quorum.voters", "", Rule::Any, "The voters of the quorum, as id@host:port.")
        .since(3, 3)
        .does(RAFT),
    int(
        "controller.socket.timeout.ms",
        "30000",
        Rule::Any,
        "How long sockets to the controller wait, in ms.",
    )
    .does(RAFT),
    unset("metadata.log.dir", ConfigType::String, Rule::Any, "Where the log of the cluster's decisions is.")
        .since(3, 3)
        .does(RAFT),
    long(
        "metadata.log.max.record.bytes.between.snapshots",
        "20971520",
        min(1),
        "After how many bytes of decisions a snapshot of them is written.",
    )
    .since(3, 3)
    .does(RAFT),
    long(
        "metadata.log.max.snapshot.interval.ms",
        "3600000",
        min(0),
        "After how many ms a snapshot of the decisions is written.",
    )
    .since(3, 6)
    .does(RAFT),
    int(
        "metadata.log.segment.bytes",
        "1073741824",
        min(12),
        "How large a segment of the decisions' log becomes, in bytes.",
    )
    .since(3, 3)
    .until(4, 1)
    .does(RAFT),
    int(
        "metadata.log.segment.bytes",
        "1073741824",
        min(8388608),
        "How large a segment of the decisions' log becomes, in bytes.",
    )
    .since(4, 1)
    .does(RAFT),
    long(
        "metadata.log.segment.ms",
        "604800000",
        Rule::Any,
        "After how many ms a segment of the decisions' log closes.",
    )
    .since(3, 3)
    .does(RAFT),
    int(
        "metadata.max.idle.interval.ms",
        "500",
        min(0),
        "How often an idle controller writes a sign of life, in ms.",
    )
    .since(3, 3)
    .does(RAFT),
    long("metadata.max.retention.bytes", "-1", Rule::Any, "How many bytes of old decisions are kept.")
        .since(3, 3)
        .until(3, 6)
        .does(RAFT),
    long("metadata.max.retention.bytes", "104857600", Rule::Any, "How many bytes of old decisions are kept.")
        .since(3, 6)
        .does(RAFT),
    long("metadata.max.retention.ms", "604800000", Rule::Any, "How long old decisions are kept, in ms.")
        .since(3, 3)
        .does(RAFT),
    long(
        "log.dir.failure.timeout.ms",
        "30000",
        min(1),
        "How long a broker runs with a failed directory that the controller was not told of, in ms.",
    )
    .since(3, 7)
    .does(ONE_DIRECTORY),
    flag("broker.id.generation.enable", "true", "Whether brokers without a number are given one.")
        .until(4, 0)
        .does(SERVICE),
    int(
        "reserved.broker.max.id",
        "1000",
        min(0),
        "The largest number that is set by hand; generated ones come after it.",
    )
    .until(4, 0)
    .does(SERVICE),
    int(
        "controlled.shutdown.max.retries",
        "3",
        Rule::Any,
        "How often a stopping broker asks again to hand its partitions over.",
    )
    .until(4, 0)
    .does(HANDOFF),
    long(
        "controlled.shutdown.retry.backoff.ms",
        "5000",
        Rule::Any,
        "How long a stopping broker waits between such requests, in ms.",
    )
    .until(4, 0)
    .does(HANDOFF),
    flag(
        "eligible.leader.replicas.enable",
        "false",
        "Whether replicas outside the in-sync set that miss nothing may lead.",
    )
    .since(3, 7)
    .until(4, 0)
    .does(FOLLOWERS),
    flag("auto.include.jmx.reporter", "true", "Whether metrics go to JMX though no reporter says so.")
        .since(3, 6)
        .until(4, 0)
        .does(JAVA),
    unset(
        "zookeeper.clientCnxnSocket",
        ConfigType::String,
        Rule::Any,
        "The Java class of ZooKeeper's sockets.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    int(
        "zookeeper.max.in.flight.requests",
        "10",
        min(1),
        "How many requests to ZooKeeper may be unanswered.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    flag(
        "zookeeper.metadata.migration.enable",
        "false",
        "Whether this cluster is moving from ZooKeeper to Raft.",
    )
    .since(3, 6)
    .until(4, 0)
    .does(ZOOKEEPER),
    unset("zookeeper.ssl.cipher.suites", ConfigType::List, Rule::Any, "The cipher suites towards ZooKeeper.")
        .until(4, 0)
        .does(ZOOKEEPER),
    flag("zookeeper.ssl.client.enable", "false", "Whether ZooKeeper is spoken to with TLS.")
        .until(4, 0)
        .does(ZOOKEEPER),
    flag("zookeeper.ssl.crl.enable", "false", "Whether revocation lists are looked at towards ZooKeeper.")
        .until(4, 0)
        .does(ZOOKEEPER),
    unset(
        "zookeeper.ssl.enabled.protocols",
        ConfigType::List,
        Rule::Any,
        "The TLS versions towards ZooKeeper.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    text(
        "zookeeper.ssl.endpoint.identification.algorithm",
        "HTTPS",
        Rule::Any,
        "How ZooKeeper's certificate is matched with its host.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    unset(
        "zookeeper.ssl.keystore.location",
        ConfigType::String,
        Rule::Any,
        "The file with the broker's certificate for ZooKeeper.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    unset("zookeeper.ssl.keystore.password", ConfigType::Password, Rule::Any, "The password of that file.")
        .until(4, 0)
        .does(ZOOKEEPER),
    unset("zookeeper.ssl.keystore.type", ConfigType::String, Rule::Any, "The format of that file.")
        .until(4, 0)
        .does(ZOOKEEPER),
    flag("zookeeper.ssl.ocsp.enable", "false", "Whether certificates are checked online towards ZooKeeper.")
        .until(4, 0)
        .does(ZOOKEEPER),
    text("zookeeper.ssl.protocol", "TLSv1.2", Rule::Any, "The TLS version of contexts towards ZooKeeper.")
        .until(4, 0)
        .does(ZOOKEEPER),
    unset(
        "zookeeper.ssl.truststore.location",
        ConfigType::String,
        Rule::Any,
        "The file with the certificates that ZooKeeper's is checked against.",
    )
    .until(4, 0)
    .does(ZOOKEEPER),
    unset("zookeeper.ssl.truststore.password", ConfigType::Password, Rule::Any, "The password of that file.")
        .until(4, 0)
        .does(ZOOKEEPER),
    unset("zookeeper.ssl.truststore.type", ConfigType::String, Rule::Any, "The format of that file.")
        .until(4, 0)
        .does(ZOOKEEPER),
    int("zookeeper.sync.time.ms", "2000", Rule::Any, "How far a ZooKeeper follower may be behind, in ms.")
        .until(3, 3)
        .does(ZOOKEEPER),
];
