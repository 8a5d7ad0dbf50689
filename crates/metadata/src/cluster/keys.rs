//! The keys of a cluster's records, below `clusters/{cluster}/`.
//!
//! Everything in the brokers' image is below `metadata/`, so that their watch does not carry the
//! rest. Storage has its own keys below `storage/`.

use std::fmt;

use milena_types::{BrokerId, ClusterId, PartitionIndex, TopicId};

/// The prefix of a cluster's keys.
pub fn cluster_prefix(cluster: &ClusterId) -> String {
    format!("clusters/{cluster}/")
}

/// The prefix of storage's keys.
pub fn storage_prefix(cluster: &ClusterId) -> String {
    format!("clusters/{cluster}/storage/")
}

/// Whether a key of the store is storage's, of whatever cluster. Nobody follows those, and they
/// change with every flush.
pub fn is_storage_key(key: &str) -> bool {
    let mut path = key.split('/');
    path.next() == Some("clusters") && path.nth(1) == Some("storage")
}

/// A key of a cluster. A leased one ends with the lease of the broker that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataKey<'a> {
    /// `metadata/cluster`, [`ClusterRecord`](super::ClusterRecord): written when the cluster is
    /// created, and by the service.
    Cluster,
    /// `metadata/brokers/{broker}`, [`BrokerRecord`](super::BrokerRecord), leased: a broker's life;
    /// written by the broker when it registers.
    Broker(BrokerId),
    /// `metadata/nodes/{broker}`, [`NodeRecord`](super::NodeRecord): what outlasts a broker's
    /// lives; written by the broker when it registers, by the service to drain and remove it, by
    /// the controller when it has given it partitions.
    Node(BrokerId),
    /// `metadata/serving/{broker}`, [`ServingRecord`](super::ServingRecord), leased: the life that
    /// accepts clients; written by the broker.
    Serving(BrokerId),
    /// `metadata/topics/{name}`, [`TopicRecord`](super::TopicRecord): written by any broker for its
    /// clients.
    Topic(&'a str),
    /// `metadata/partitions/{topic id}/{index}`, [`PartitionRecord`](super::PartitionRecord):
    /// written with its topic; its leader by that leader and the broker that seals its epoch, the
    /// rest by the controller and any broker for its clients.
    Partition(TopicId, PartitionIndex),
    /// `metadata/configs/brokers/{broker}`, and `metadata/configs/default` of all brokers,
    /// [`ConfigsRecord`](super::ConfigsRecord): written by any broker for its clients.
    BrokerConfigs(Option<BrokerId>),
    /// `metadata/controller`, [`ControllerRecord`](super::ControllerRecord), leased: written by the
    /// broker that becomes the controller.
    Controller,
    /// `counters/broker-epochs`, [`BrokerEpochsRecord`](super::records::BrokerEpochsRecord):
    /// written by every broker that registers.
    BrokerEpochs,
    /// `counters/producer-ids`, [`ProducerIdsRecord`](super::records::ProducerIdsRecord): written
    /// by every broker that takes a block of them.
    ProducerIds,
    /// `deleted-topics/{topic id}`, [`DeletedTopicRecord`](super::DeletedTopicRecord): written by
    /// the broker that deletes the topic, deleted by the controller once its bytes are.
    DeletedTopic(TopicId),
    /// `unfinished-topics/{topic id}`, [`UnfinishedTopicRecord`](super::records::UnfinishedTopicRecord):
    /// written by the broker that creates or grows a topic in several transactions, with the first of
    /// them; deleted with the last, or by the controller.
    UnfinishedTopic(TopicId),
}

impl<'a> MetadataKey<'a> {
    /// The prefix of the image's keys.
    pub(crate) const IMAGE: &'static str = "metadata/";
    /// The prefix of all [`MetadataKey::Broker`]; and so on.
    pub(crate) const BROKERS: &'static str = "metadata/brokers/";
    pub(crate) const NODES: &'static str = "metadata/nodes/";
    pub(crate) const SERVING: &'static str = "metadata/serving/";
    pub(crate) const PARTITIONS: &'static str = "metadata/partitions/";
    pub(crate) const DELETED_TOPICS: &'static str = "deleted-topics/";
    pub(crate) const UNFINISHED_TOPICS: &'static str = "unfinished-topics/";

    /// The prefix of the partitions of a topic.
    pub(crate) fn partitions_of(topic: TopicId) -> String {
        format!("{}{topic}/", Self::PARTITIONS)
    }

    /// The key whose text this is. The name in [`MetadataKey::Topic`] is not checked.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let broker = |id: &str| Some(BrokerId(id.parse().ok()?));
        let (kind, path) = text.split_once('/')?;
        Some(match kind {
            "metadata" => match path.split_once('/') {
                None if path == "cluster" => Self::Cluster,
                None if path == "controller" => Self::Controller,
                Some(("brokers", id)) => Self::Broker(broker(id)?),
                Some(("nodes", id)) => Self::Node(broker(id)?),
                Some(("serving", id)) => Self::Serving(broker(id)?),
                Some(("topics", name)) => Self::Topic(name),
                Some(("partitions", rest)) => {
                    let (topic, index) = rest.split_once('/')?;
                    Self::Partition(parse_topic_id(topic)?, PartitionIndex(index.parse().ok()?))
                }
                Some(("configs", "default")) => Self::BrokerConfigs(None),
                Some(("configs", rest)) => {
                    Self::BrokerConfigs(Some(broker(rest.strip_prefix("brokers/")?)?))
                }
                _ => return None,
            },
            "counters" if path == "broker-epochs" => Self::BrokerEpochs,
            "counters" if path == "producer-ids" => Self::ProducerIds,
            "deleted-topics" => Self::DeletedTopic(parse_topic_id(path)?),
            "unfinished-topics" => Self::UnfinishedTopic(parse_topic_id(path)?),
            _ => return None,
        })
    }
}

impl fmt::Display for MetadataKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("metadata/cluster"),
            Self::Broker(broker) => write!(f, "{}{broker}", Self::BROKERS),
            Self::Node(broker) => write!(f, "{}{broker}", Self::NODES),
            Self::Serving(broker) => write!(f, "{}{broker}", Self::SERVING),
            Self::Topic(name) => write!(f, "metadata/topics/{name}"),
            Self::Partition(topic, index) => {
                write!(f, "{}{:06}", Self::partitions_of(*topic), index.0)
            }
            Self::BrokerConfigs(Some(broker)) => write!(f, "metadata/configs/brokers/{broker}"),
            Self::BrokerConfigs(None) => f.write_str("metadata/configs/default"),
            Self::Controller => f.write_str("metadata/controller"),
            Self::BrokerEpochs => f.write_str("counters/broker-epochs"),
            Self::ProducerIds => f.write_str("counters/producer-ids"),
            Self::DeletedTopic(topic) => write!(f, "{}{topic}", Self::DELETED_TOPICS),
            Self::UnfinishedTopic(topic) => write!(f, "{}{topic}", Self::UNFINISHED_TOPICS),
        }
    }
}

/// A topic id from its text of 22 characters of URL-safe base64.
fn parse_topic_id(text: &str) -> Option<TopicId> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    Some(TopicId(uuid::Uuid::from_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_written_as_it_always_was_and_read_again() {
        let id = "AAAAAAAAAAAAAAAAAAAAAQ";
        let topic = TopicId(uuid::Uuid::from_u128(1));
        let keys = [
            (MetadataKey::Cluster, "metadata/cluster"),
            (MetadataKey::Broker(BrokerId(7)), "metadata/brokers/7"),
            (MetadataKey::Node(BrokerId(7)), "metadata/nodes/7"),
            (MetadataKey::Serving(BrokerId(7)), "metadata/serving/7"),
            (MetadataKey::Topic("t.1"), "metadata/topics/t.1"),
            (
                MetadataKey::Partition(topic, PartitionIndex(12)),
                &format!("metadata/partitions/{id}/000012"),
            ),
            (MetadataKey::BrokerConfigs(Some(BrokerId(7))), "metadata/configs/brokers/7"),
            (MetadataKey::BrokerConfigs(None), "metadata/configs/default"),
            (MetadataKey::Controller, "metadata/controller"),
            (MetadataKey::BrokerEpochs, "counters/broker-epochs"),
            (MetadataKey::ProducerIds, "counters/producer-ids"),
            (MetadataKey::DeletedTopic(topic), &format!("deleted-topics/{id}")),
            (MetadataKey::UnfinishedTopic(topic), &format!("unfinished-topics/{id}")),
        ];
        for (key, text) in keys {
            assert_eq!(key.to_string(), text);
            assert_eq!(MetadataKey::parse(text), Some(key));
        }
    }

    #[test]
    fn storages_keys_are_told_from_all_others() {
        let cluster: ClusterId = "AAAAAAAAAAAAAAAAAAAAAQ".parse().unwrap();
        assert!(is_storage_key(&format!("{}wal/1/7", storage_prefix(&cluster))));
        let others = ["metadata/storage/wal", "metadata/topics/storage", "counters/storage/x"];
        for other in others {
            assert!(!is_storage_key(&format!("{}{other}", cluster_prefix(&cluster))), "{other}");
        }
        for other in ["service/clusters/storage/x", "clusters", "storage/wal/1/7", ""] {
            assert!(!is_storage_key(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        for text in [
            "",
            "metadata",
            "metadata/other",
            "metadata/brokers/x",
            "metadata/partitions/AAAAAAAAAAAAAAAAAAAAAQ",
            "metadata/partitions/short/000001",
            "metadata/configs/7",
            "counters/other",
            "deleted-topics/short",
            "storage/wal/1/1",
        ] {
            assert_eq!(MetadataKey::parse(text), None, "{text}");
        }
    }
}
