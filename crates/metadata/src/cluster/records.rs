//! What is recorded of a cluster: JSON, each record with its format level, so that a release can
//! tell what it does not understand. Fields may be added within a level if older releases may
//! ignore them.

use std::collections::BTreeMap;

use bytes::Bytes;
use milena_store::{Codec, DecodeError, Layout};
use milena_types::{BrokerEpoch, BrokerId, LeaderEpoch, ProducerId, TopicId, TopicName};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How the records are written.
const CODEC: Codec = Codec::new(Layout::Format, 1);

/// Names to values, sorted, as configurations are kept.
pub type Configs = BTreeMap<String, String>;

/// A cluster: what does not change with its topics and brokers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// Kafka's release, such as `3.9.1`: decides which API versions are offered.
    pub kafka_version: String,
    /// New whenever the metadata store was restored from a backup: the first part of every key in
    /// the object store.
    pub incarnation: String,
    /// The cluster's data key, wrapped by a key-management key.
    #[serde(with = "base64_bytes")]
    pub wrapped_data_key: Vec<u8>,
    /// `server.properties` of all brokers.
    #[serde(default)]
    pub server_properties: Configs,
    /// The zones that brokers are spread over.
    #[serde(default)]
    pub zones: Vec<String>,
    /// When it was created, in milliseconds since 1970.
    #[serde(default)]
    pub created_ms: i64,
}

/// One life of a broker. Ends with its lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerRecord {
    /// Which life.
    pub epoch: BrokerEpoch,
    /// Where it listens.
    pub listeners: Vec<ListenerRecord>,
    /// Its zone (`broker.rack`).
    pub rack: Option<String>,
}

impl BrokerRecord {
    /// The listener of that name.
    pub fn listener(&self, name: &str) -> Option<&ListenerRecord> {
        self.listeners.iter().find(|listener| listener.name == name)
    }
}

/// An address that clients are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerRecord {
    /// The listener's name, such as `PLAINTEXT`.
    pub name: String,
    /// The host as clients reach it.
    pub host: String,
    /// The port as clients reach it.
    pub port: u16,
}

/// A broker that belongs to the cluster, alive or not: replicas may be placed on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its zone.
    pub rack: Option<String>,
    /// Where it listened in its last life.
    #[serde(default)]
    pub listeners: Vec<ListenerRecord>,
    /// Its last life.
    #[serde(default)]
    pub epoch: Option<BrokerEpoch>,
    /// It is about to leave: it gets no new replicas, and the controller takes those it has.
    #[serde(default)]
    pub draining: bool,
    /// It is new, and the controller has not given it its share of the partitions yet.
    #[serde(default)]
    pub awaits_share: bool,
}

/// A broker's life that accepts clients: it may be given partitions to lead. Ends with that life's
/// lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingRecord {
    /// Which life.
    pub epoch: BrokerEpoch,
}

impl NodeRecord {
    /// The listener of that name.
    pub fn listener(&self, name: &str) -> Option<&ListenerRecord> {
        self.listeners.iter().find(|listener| listener.name == name)
    }
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRecord {
    /// The id of this incarnation.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// What was set for it; everything else is the broker's default.
    #[serde(default)]
    pub configs: Configs,
    /// When it was created, in milliseconds since 1970.
    #[serde(default)]
    pub created_ms: i64,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRecord {
    /// Who leads it.
    pub leader: BrokerId,
    /// The term of leadership.
    pub leader_epoch: LeaderEpoch,
    /// The leader's life that the term belongs to. The leader of another life must take leadership
    /// first.
    pub broker_epoch: BrokerEpoch,
    /// Rises with every change of this record.
    pub partition_epoch: i32,
    /// Who may take over, preferred first. While a reassignment is under way, also those that it
    /// removes.
    pub replicas: Vec<BrokerId>,
    /// The leader that is wanted. The leader of now hands over to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<BrokerId>,
    /// The reassignment that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reassignment: Option<Reassignment>,
    /// The replicas there are to be again: none of them lived when a leader was needed, and
    /// another broker stood in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Vec<BrokerId>>,
}

/// A change of a partition's replicas that waits for its leader to hand over to one of those that
/// stay (KIP-455).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reassignment {
    /// Those of the replicas that were none before.
    pub adding: Vec<BrokerId>,
    /// Those of the replicas that will be none any more.
    pub removing: Vec<BrokerId>,
}

/// A topic that was deleted and whose bytes may still exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedTopicRecord {
    /// The name it had.
    pub name: TopicName,
    /// How many partitions it had.
    pub partitions: i32,
}

/// Configuration set while running, of one broker or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigsRecord {
    /// What was set.
    pub configs: Configs,
}

/// The next producer id nobody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProducerIdsRecord {
    pub(super) next: ProducerId,
}

/// The last broker epoch given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BrokerEpochsRecord {
    pub(super) last: BrokerEpoch,
}

/// Who is the controller. Ends with that broker's lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerRecord {
    /// The broker.
    pub broker: BrokerId,
    /// Its life.
    pub epoch: BrokerEpoch,
}

/// The record as bytes, with its format level.
pub(super) fn encode<T: Serialize>(record: &T) -> Bytes {
    CODEC.encode(record)
}

/// The record in `bytes`, which were found at `key`.
pub(crate) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, DecodeError> {
    CODEC.decode(key, bytes)
}

mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
