//! The effect of each configuration in Milena, as `docs/compatibility.md` shows it.

/// The effect of setting a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// As Kafka documents. The value is read through [`Definition::accessor`].
    ///
    /// [`Definition::accessor`]: crate::Definition::accessor
    Honoured {
        /// The name of the test function that shows it.
        test: &'static str,
    },
    /// Some of what Kafka documents.
    Partly {
        /// The name of the test function that shows it.
        test: &'static str,
        /// The missing feature.
        missing: &'static str,
    },
    /// Nothing yet: the text says what has to be built first. It is accepted, kept and shown.
    NotYet(&'static str),
    /// Nothing, because Milena has nothing that it could change; the text says why. It is accepted,
    /// kept and shown.
    Meaningless(&'static str),
}

// Reasons that several rows share.

pub(crate) const ACLS: Effect = Effect::NotYet("access control lists are not offered yet");
pub(crate) const CLEANER: Effect =
    Effect::NotYet("compacted topics are not cleaned yet: all their records stay");
pub(crate) const CONNECTION_RATE: Effect =
    Effect::NotYet("the rate of new connections is not limited");
pub(crate) const NEXT_GROUPS: Effect =
    Effect::NotYet("groups have the classic protocol; that of KIP-848 is not offered yet");
pub(crate) const QUOTAS: Effect = Effect::NotYet("client quotas are not offered yet");
pub(crate) const SASL: Effect = Effect::NotYet("SASL is not offered yet: listeners are plaintext");
pub(crate) const SHARE: Effect = Effect::NotYet("share groups are not offered yet");
pub(crate) const STREAMS: Effect = Effect::NotYet("streams groups are not offered yet");
pub(crate) const TELEMETRY: Effect = Effect::NotYet("clients cannot push metrics yet");
pub(crate) const TLS: Effect = Effect::NotYet("TLS is not offered yet: listeners are plaintext");
pub(crate) const TOKENS: Effect = Effect::NotYet("delegation tokens are not offered yet");
pub(crate) const TRANSACTIONS: Effect = Effect::NotYet("transactions are not offered yet");

// Nothing that Milena has.
pub(crate) const FOLLOWERS: Effect =
    Effect::Meaningless("no follower copies records: all brokers share the storage");
pub(crate) const GROUP_COMMIT: Effect =
    Effect::Meaningless("offsets are committed with the broker's other records, one sync for all");
pub(crate) const HANDOFF: Effect =
    Effect::Meaningless("a broker that stops always hands its partitions over");
pub(crate) const INTER_BROKER: Effect = Effect::Meaningless(
    "brokers send each other no requests: they share storage and metadata store",
);
pub(crate) const JAVA: Effect = Effect::Meaningless("no Java runs here that could load a class");
pub(crate) const LEASES: Effect = Effect::Meaningless(
    "a broker keeps a lease of 9 s in the metadata store instead of sending heartbeats",
);
pub(crate) const LISTENERS: Effect = Effect::Meaningless("listeners replaced it");
pub(crate) const ONE_DIRECTORY: Effect =
    Effect::Meaningless("a broker has one directory, and keeps nothing in it that must stay there");
pub(crate) const PASSWORDS: Effect =
    Effect::Meaningless("the service keeps secrets, under the key of the installation");
pub(crate) const PURGATORY: Effect =
    Effect::Meaningless("a request that waits is a task, which leaves nothing behind");
pub(crate) const RAFT: Effect = Effect::Meaningless(
    "there is no quorum of controllers: decisions are transactions in the metadata store",
);
pub(crate) const REBALANCE: Effect = Effect::Meaningless(
    "all leaders go back to a broker that has served for a while, without a threshold",
);
pub(crate) const SEGMENTS: Effect = Effect::Meaningless(
    "segments are what flushing writes, by size, age and memory; retention takes them whole",
);
pub(crate) const SERVICE: Effect =
    Effect::Meaningless("the service decides it, and what it decided is shown");
pub(crate) const SOCKETS: Effect =
    Effect::Meaningless("the operating system sizes the buffers of sockets");
pub(crate) const SYNCED: Effect =
    Effect::Meaningless("every record is on disk before it is acknowledged");
pub(crate) const THREADS: Effect = Effect::Meaningless(
    "work is tasks on the process's threads, of which there are as many as processors",
);
pub(crate) const TIERS: Effect = Effect::Meaningless(
    "all records are in shared storage from the beginning: there is no tier to move them to",
);
pub(crate) const ZOOKEEPER: Effect =
    Effect::Meaningless("there is no ZooKeeper: decisions are in the metadata store");
