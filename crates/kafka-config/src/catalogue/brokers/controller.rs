//! Controllers, their log of decisions, and ZooKeeper. Here decisions are in the metadata store:
//! these are accepted and shown for tools that set them.

use crate::{
    definition::{Change, Definition, flag, int, list, long, text, unset},
    effect::{FOLLOWERS, HANDOFF, JAVA, LEASES, ONE_DIRECTORY, RAFT, SERVICE, ZOOKEEPER},
    value::{ConfigType, Rule},
};

#[rustfmt::skip]
pub(super) const CONTROLLER: &[Definition] = &[
    int("broker.heartbeat.interval.ms", "2000").since(3, 3).effect(LEASES)
        .doc("How often a broker sends a heartbeat to the controller, in ms."),
    int("broker.session.timeout.ms", "9000").since(3, 3).effect(LEASES)
        .doc("After how many ms without a heartbeat the controller fences a broker."),
    int("initial.broker.registration.timeout.ms", "60000").since(3, 3).effect(LEASES)
        .doc("How long a starting broker waits to be registered, in ms."),
    unset("controller.listener.names", ConfigType::String).since(3, 3).effect(RAFT)
        .doc("The listeners that controllers use."),
    int("controller.quorum.append.linger.ms", "25").since(3, 3)
        .changes(&[(4, 1, Change::Rule(Rule::Between(0, i64::MAX)))]).effect(RAFT)
        .doc("How long the quorum's leader gathers decisions before it writes them, in ms."),
    list("controller.quorum.bootstrap.servers", "").since(3, 9).effect(RAFT)
        .doc("Addresses through which the quorum is found."),
    int("controller.quorum.election.backoff.max.ms", "1000").since(3, 3)
        .changes(&[(4, 1, Change::Rule(Rule::Between(0, i64::MAX)))]).effect(RAFT)
        .doc("How long a candidate waits at most between elections, in ms."),
    int("controller.quorum.election.timeout.ms", "1000").since(3, 3)
        .changes(&[(4, 1, Change::Rule(Rule::Between(0, i64::MAX)))]).effect(RAFT)
        .doc("How long a candidate waits for votes, in ms."),
    int("controller.quorum.fetch.timeout.ms", "2000").since(3, 3)
        .changes(&[(4, 1, Change::Rule(Rule::Between(0, i64::MAX)))]).effect(RAFT)
        .doc("After how many ms without its leader a quorum elects another."),
    int("controller.quorum.request.timeout.ms", "2000").since(3, 3)
        .changes(&[(4, 1, Change::Rule(Rule::Between(0, i64::MAX)))]).effect(RAFT)
        .doc("How long to wait for a response within the quorum, in ms."),
    int("controller.quorum.retry.backoff.ms", "20").since(3, 3)
        .changes(&[(4, 1, Change::Rule(Rule::Between(0, i64::MAX)))]).effect(RAFT)
        .doc("How long a failed request within the quorum waits before the next, in ms."),
    list("controller.quorum.voters", "").since(3, 3).effect(RAFT)
        .doc("The voters of the quorum, as id@host:port."),
    int("controller.socket.timeout.ms", "30000").effect(RAFT)
        .doc("How long sockets to the controller wait, in ms."),
    unset("metadata.log.dir", ConfigType::String).since(3, 3).effect(RAFT)
        .doc("Where the log of the cluster's decisions is."),
    long("metadata.log.max.record.bytes.between.snapshots", "20971520").at_least(1).since(3, 3)
        .effect(RAFT)
        .doc("After how many bytes of decisions a snapshot of them is written."),
    long("metadata.log.max.snapshot.interval.ms", "3600000").at_least(0).since(3, 6).effect(RAFT)
        .doc("After how many ms a snapshot of the decisions is written."),
    int("metadata.log.segment.bytes", "1073741824").at_least(12).since(3, 3)
        .changes(&[(4, 1, Change::Rule(Rule::Between(8388608, i64::MAX)))]).effect(RAFT)
        .doc("How large a segment of the decisions' log becomes, in bytes."),
    long("metadata.log.segment.ms", "604800000").since(3, 3).effect(RAFT)
        .doc("After how many ms a segment of the decisions' log closes."),
    int("metadata.max.idle.interval.ms", "500").at_least(0).since(3, 3).effect(RAFT)
        .doc("How often an idle controller writes a no-op record, in ms."),
    long("metadata.max.retention.bytes", "-1").since(3, 3)
        .changes(&[(3, 6, Change::Default("104857600"))]).effect(RAFT)
        .doc("How many bytes of old decisions are kept."),
    long("metadata.max.retention.ms", "604800000").since(3, 3).effect(RAFT)
        .doc("How long old decisions are kept, in ms."),
    long("log.dir.failure.timeout.ms", "30000").at_least(1).since(3, 7).effect(ONE_DIRECTORY)
        .doc("How long a broker runs with a failed directory unknown to the controller, in ms."),
    flag("broker.id.generation.enable", "true").until(4, 0).effect(SERVICE)
        .doc("Whether brokers without a number get one."),
    int("reserved.broker.max.id", "1000").at_least(0).until(4, 0).effect(SERVICE)
        .doc("The largest number that is set by hand; generated ones come after it."),
    int("controlled.shutdown.max.retries", "3").until(4, 0).effect(HANDOFF)
        .doc("How often a stopping broker asks again to hand its partitions over."),
    long("controlled.shutdown.retry.backoff.ms", "5000").until(4, 0).effect(HANDOFF)
        .doc("How long a stopping broker waits between such requests, in ms."),
    flag("eligible.leader.replicas.enable", "false").since(3, 7).until(4, 0).effect(FOLLOWERS)
        .doc("Whether replicas outside the in-sync set that miss nothing may lead."),
    flag("auto.include.jmx.reporter", "true").since(3, 6).until(4, 0).effect(JAVA)
        .doc("Whether metrics go to JMX though no reporter says so."),
    unset("zookeeper.clientCnxnSocket", ConfigType::String).until(4, 0).effect(ZOOKEEPER)
        .doc("The Java class of ZooKeeper's sockets."),
    int("zookeeper.max.in.flight.requests", "10").at_least(1).until(4, 0).effect(ZOOKEEPER)
        .doc("How many requests to ZooKeeper may be in flight."),
    flag("zookeeper.metadata.migration.enable", "false").since(3, 6).until(4, 0).effect(ZOOKEEPER)
        .doc("Whether this cluster is moving from ZooKeeper to Raft."),
    unset("zookeeper.ssl.cipher.suites", ConfigType::List).until(4, 0).effect(ZOOKEEPER)
        .doc("The cipher suites towards ZooKeeper."),
    flag("zookeeper.ssl.client.enable", "false").until(4, 0).effect(ZOOKEEPER)
        .doc("Whether ZooKeeper is spoken to with TLS."),
    flag("zookeeper.ssl.crl.enable", "false").until(4, 0).effect(ZOOKEEPER)
        .doc("Whether certificates of ZooKeeper are checked against revocation lists."),
    unset("zookeeper.ssl.enabled.protocols", ConfigType::List).until(4, 0).effect(ZOOKEEPER)
        .doc("The TLS versions towards ZooKeeper."),
    text("zookeeper.ssl.endpoint.identification.algorithm", "HTTPS").until(4, 0).effect(ZOOKEEPER)
        .doc("How ZooKeeper's certificate is matched with its host."),
    unset("zookeeper.ssl.keystore.location", ConfigType::String).until(4, 0).effect(ZOOKEEPER)
        .doc("The file with the broker's certificate for ZooKeeper."),
    unset("zookeeper.ssl.keystore.password", ConfigType::Password).until(4, 0).effect(ZOOKEEPER)
        .doc("The password of that file."),
    unset("zookeeper.ssl.keystore.type", ConfigType::String).until(4, 0).effect(ZOOKEEPER)
        .doc("The format of that file."),
    flag("zookeeper.ssl.ocsp.enable", "false").until(4, 0).effect(ZOOKEEPER)
        .doc("Whether certificates are checked online towards ZooKeeper."),
    text("zookeeper.ssl.protocol", "TLSv1.2").until(4, 0).effect(ZOOKEEPER)
        .doc("The TLS version of contexts towards ZooKeeper."),
    unset("zookeeper.ssl.truststore.location", ConfigType::String).until(4, 0).effect(ZOOKEEPER)
        .doc("The file with the certificates that ZooKeeper's is checked against."),
    unset("zookeeper.ssl.truststore.password", ConfigType::Password).until(4, 0).effect(ZOOKEEPER)
        .doc("The password of that file."),
    unset("zookeeper.ssl.truststore.type", ConfigType::String).until(4, 0).effect(ZOOKEEPER)
        .doc("The format of that file."),
    int("zookeeper.sync.time.ms", "2000").until(3, 3).effect(ZOOKEEPER)
        .doc("How far a ZooKeeper follower may be behind, in ms."),
];
