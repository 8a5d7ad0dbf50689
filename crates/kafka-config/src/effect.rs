//! What a configuration does here, said for every one of the catalogue.
//!
//! `docs/compatibility.md` shows it; tests see to it that what is said to be honoured is read and
//! has a test.

/// What setting a configuration changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What Kafka says it does.
    Honoured(Proof),
    /// Some of what Kafka says it does; the text says what is missing.
    Partly(Proof, &'static str),
    /// Nothing yet: the text says what has to be there first. It is accepted, kept and shown.
    NotYet(&'static str),
    /// Nothing, because there is nothing here that it could change; the text says why. It is
    /// accepted, kept and shown.
    Meaningless(&'static str),
}

/// Where a configuration takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The file that reads it by its name, below `crates`.
    pub reader: &'static str,
    /// The test that shows the effect.
    pub test: &'static str,
}

pub(super) const fn honoured(reader: &'static str, test: &'static str) -> Effect {
    Effect::Honoured(Proof { reader, test })
}

pub(super) const fn partly(
    reader: &'static str,
    test: &'static str,
    missing: &'static str,
) -> Effect {
    Effect::Partly(Proof { reader, test }, missing)
}

// What brokers cannot do yet.
pub(super) const ACLS: Effect = Effect::NotYet("access control lists are not offered yet");
pub(super) const CLEANER: Effect =
    Effect::NotYet("compacted topics are not cleaned yet: all their records stay");
pub(super) const CONNECTION_RATE: Effect =
    Effect::NotYet("connections are taken as fast as they come");
pub(super) const NEXT_GROUPS: Effect =
    Effect::NotYet("groups have the classic protocol; that of KIP-848 is not offered yet");
pub(super) const QUOTAS: Effect = Effect::NotYet("client quotas are not offered yet");
pub(super) const SASL: Effect = Effect::NotYet("SASL is not offered yet: listeners are plaintext");
pub(super) const SHARE: Effect = Effect::NotYet("share groups are not offered yet");
pub(super) const STREAMS: Effect = Effect::NotYet("streams groups are not offered yet");
pub(super) const TELEMETRY: Effect = Effect::NotYet("clients cannot push metrics yet");
pub(super) const TLS: Effect = Effect::NotYet("TLS is not offered yet: listeners are plaintext");
pub(super) const TOKENS: Effect = Effect::NotYet("delegation tokens are not offered yet");
pub(super) const TRANSACTIONS: Effect = Effect::NotYet("transactions are not offered yet");

// What brokers here do without.
pub(super) const FOLLOWERS: Effect =
    Effect::Meaningless("no follower copies records: all brokers share the storage");
pub(super) const GROUP_COMMIT: Effect =
    Effect::Meaningless("offsets are committed with the broker's other records, one sync for all");
pub(super) const HANDOFF: Effect =
    Effect::Meaningless("a broker that stops always hands its partitions over");
pub(super) const INTER_BROKER: Effect = Effect::Meaningless(
    "brokers send each other no requests: they share storage and metadata store",
);
pub(super) const JAVA: Effect = Effect::Meaningless("no Java runs here that could load a class");
pub(super) const LEASES: Effect =
    Effect::Meaningless("a broker's sign of life is a lease in the metadata store, of 9 s");
pub(super) const LISTENERS: Effect = Effect::Meaningless("listeners replaced it");
pub(super) const ONE_DIRECTORY: Effect =
    Effect::Meaningless("a broker has one directory, and keeps nothing in it that must stay there");
pub(super) const PASSWORDS: Effect =
    Effect::Meaningless("the service keeps secrets, under the key of the installation");
pub(super) const PURGATORY: Effect =
    Effect::Meaningless("a request that waits is a task, which leaves nothing to tidy up");
pub(super) const RAFT: Effect = Effect::Meaningless(
    "there is no quorum of controllers: decisions are transactions in the metadata store",
);
pub(super) const REBALANCE: Effect = Effect::Meaningless(
    "all leaders go back to a broker that has served for a while, without a threshold",
);
pub(super) const SEGMENTS: Effect = Effect::Meaningless(
    "segments are what flushing writes, by size, age and memory; retention takes them whole",
);
pub(super) const SERVICE: Effect =
    Effect::Meaningless("the service decides it, and what it decided is shown");
pub(super) const SOCKETS: Effect =
    Effect::Meaningless("the operating system sizes the buffers of sockets");
pub(super) const SYNCED: Effect =
    Effect::Meaningless("every record is on disk before it is acknowledged");
pub(super) const THREADS: Effect = Effect::Meaningless(
    "work is tasks on the process's threads, of which there are as many as processors",
);
pub(super) const TIERS: Effect = Effect::Meaningless(
    "all records are in shared storage from the beginning: there is no tier to move them to",
);
pub(super) const ZOOKEEPER: Effect =
    Effect::Meaningless("there is no ZooKeeper: decisions are in the metadata store");
