//! The records of a cluster: JSON with a format level. Fields may be added within a level if older
//! releases may ignore them.

use std::collections::BTreeMap;

use bytes::Bytes;
use milena_store::{Codec, DecodeError, Layout, Limits};
use milena_types::{BrokerEpoch, BrokerId, LeaderEpoch, ProducerId, TopicId, TopicName};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::MetadataError;

const CODEC: Codec = Codec::new(Layout::Format, 1);

/// The largest record that has values of clients.
const RECORD_BYTES_MAX: usize = Limits::MIN.bytes / 2;

/// Names to values, sorted, as configurations are kept.
pub type Configs = BTreeMap<String, String>;

/// The properties of a cluster that do not change with its topics and brokers.
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

/// One life of a broker, that is one registration. Ends with its lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerRecord {
    pub epoch: BrokerEpoch,
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

/// An address at which clients reach a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerRecord {
    /// The listener's name, such as `PLAINTEXT`.
    pub name: String,
    pub host: String,
    pub port: u16,
}

/// A broker that belongs to the cluster, alive or not: replicas may be placed on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    pub rack: Option<String>,
    /// The listeners of its last life.
    #[serde(default)]
    pub listeners: Vec<ListenerRecord>,
    /// Its last life.
    #[serde(default)]
    pub epoch: Option<BrokerEpoch>,
    /// It is about to leave: it gets no new replicas, and the controller moves those it has.
    #[serde(default)]
    pub draining: bool,
    /// It is being removed and has no replicas: none may be placed on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dismissed: bool,
    /// It is new, and the controller has not given it its quota of the partitions yet.
    #[serde(default, rename = "awaits_share")]
    pub below_quota: bool,
}

/// A broker's life that accepts clients: it may be given partitions to lead. Ends with that life's
/// lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServingRecord {
    pub(crate) epoch: BrokerEpoch,
}

impl NodeRecord {
    /// The listener of that name.
    pub fn listener(&self, name: &str) -> Option<&ListenerRecord> {
        self.listeners.iter().find(|listener| listener.name == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRecord {
    /// The id of this incarnation.
    pub id: TopicId,
    pub partitions: i32,
    /// Without the values that are the broker's defaults.
    #[serde(default)]
    pub configs: Configs,
    /// When it was created, in milliseconds since 1970.
    #[serde(default)]
    pub created_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRecord {
    pub leader: BrokerId,
    pub leader_epoch: LeaderEpoch,
    /// The life of the leader that has this leader epoch. A later life of the broker takes
    /// leadership before it leads.
    pub broker_epoch: BrokerEpoch,
    /// Increases with every change of this record.
    pub partition_epoch: i32,
    /// Preferred leader first. During a reassignment also those that it removes, last.
    pub replicas: Vec<BrokerId>,
    /// Whom the leader is to hand over to.
    #[serde(default, rename = "target", skip_serializing_if = "Option::is_none")]
    pub wanted_leader: Option<BrokerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reassignment: Option<Reassignment>,
    /// The replicas to go back to: none of them lived when a leader was needed, and another broker
    /// stands in.
    #[serde(default, rename = "home", skip_serializing_if = "Option::is_none")]
    pub original_replicas: Option<Vec<BrokerId>>,
    /// The lives of brokers, before the leader's, that led the partition and whose records may not all
    /// be in its manifest: an opening reads their logs. `None`, in a record of an earlier release: all
    /// lives that are not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfolded: Option<Vec<BrokerLife>>,
}

/// A broker and one of its epochs.
pub type BrokerLife = (BrokerId, BrokerEpoch);

/// A change of a partition's replicas that waits for its leader to hand over to one of those that
/// stay (KIP-455).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reassignment {
    /// Replicas that were not replicas before.
    pub adding: Vec<BrokerId>,
    /// Replicas that will no longer be.
    pub removing: Vec<BrokerId>,
}

/// A topic that was deleted and whose bytes may still exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedTopicRecord {
    pub name: TopicName,
    pub partitions: i32,
}

/// Partitions that a topic is about to have: they are written in several transactions, and the last
/// one has not been made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnfinishedTopicRecord {
    pub(super) name: TopicName,
    /// The first of the partitions.
    pub(super) first: i32,
    /// Tells the attempts apart.
    pub(super) attempt: u64,
}

/// Configuration set at run time, of one broker or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfigsRecord {
    pub(crate) configs: Configs,
}

/// The first producer id that is not in any block yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProducerIdsRecord {
    pub(super) next: ProducerId,
}

/// The last broker epoch given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BrokerEpochsRecord {
    pub(super) last: BrokerEpoch,
}

/// The controller. Ends with that broker's lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerRecord {
    pub broker: BrokerId,
    pub epoch: BrokerEpoch,
}

/// The record as bytes, with its format level.
pub(super) fn encode<T: Serialize>(record: &T) -> Bytes {
    CODEC.encode(record)
}

/// The same of a record that has values of clients.
///
/// # Errors
/// [`MetadataError::TooLarge`]: it would not fit into a transaction beside others.
pub(super) fn bounded_value<T: Serialize>(key: &str, record: &T) -> Result<Bytes, MetadataError> {
    let value = encode(record);
    let (bytes, max) = (value.len(), RECORD_BYTES_MAX);
    if bytes > max {
        return Err(MetadataError::TooLarge { key: key.to_owned(), bytes, max });
    }
    Ok(value)
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

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn is_stored<T: Debug + PartialEq + Serialize + DeserializeOwned>(record: &T, text: &str) {
        assert_eq!(encode(record), text);
        assert_eq!(decode::<T>("k", text.as_bytes()).as_ref(), Ok(record));
    }

    #[test]
    fn a_partition_is_stored_under_the_names_it_always_had() {
        let mut record = PartitionRecord {
            leader: BrokerId(1),
            leader_epoch: LeaderEpoch(2),
            broker_epoch: BrokerEpoch(3),
            partition_epoch: 4,
            replicas: vec![BrokerId(1), BrokerId(2)],
            wanted_leader: None,
            reassignment: None,
            original_replicas: None,
            unfolded: None,
        };
        let fields = r#""leader":1,"leader_epoch":2,"broker_epoch":3,"partition_epoch":4"#;
        is_stored(&record, &format!(r#"{{"format":1,{fields},"replicas":[1,2]}}"#));
        record.wanted_leader = Some(BrokerId(2));
        record.reassignment =
            Some(Reassignment { adding: vec![BrokerId(2)], removing: vec![BrokerId(1)] });
        record.original_replicas = Some(vec![BrokerId(3)]);
        record.unfolded = Some(vec![(BrokerId(2), BrokerEpoch(1))]);
        let rest = r#""target":2,"reassignment":{"adding":[2],"removing":[1]},"home":[3],"unfolded":[[2,1]]"#;
        is_stored(&record, &format!(r#"{{"format":1,{fields},"replicas":[1,2],{rest}}}"#));
    }

    #[test]
    fn a_node_is_stored_under_the_names_it_always_had() {
        let record = NodeRecord {
            rack: Some("a".to_owned()),
            listeners: Vec::new(),
            epoch: Some(BrokerEpoch(3)),
            draining: false,
            dismissed: false,
            below_quota: true,
        };
        let fields = r#""rack":"a","listeners":[],"epoch":3,"draining":false,"awaits_share":true"#;
        is_stored(&record, &format!(r#"{{"format":1,{fields}}}"#));
    }
}
