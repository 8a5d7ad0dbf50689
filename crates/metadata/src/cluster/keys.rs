//! Where everything of a cluster is kept.
//!
//! ```text
//! clusters/{cluster}/metadata/cluster                      ClusterRecord
//!                             brokers/{broker}             BrokerRecord, leased
//!                             nodes/{broker}               NodeRecord
//!                             serving/{broker}             ServingRecord, leased
//!                             topics/{name}                TopicRecord
//!                             partitions/{topic id}/{n}    PartitionRecord
//!                             configs/brokers/{broker}     ConfigsRecord
//!                             configs/default              ConfigsRecord
//!                             controller                   ControllerRecord, leased
//! clusters/{cluster}/counters/broker-epochs, producer-ids  counters
//! clusters/{cluster}/deleted-topics/{topic id}             DeletedTopicRecord
//! clusters/{cluster}/storage/                              storage's own
//! ```
//!
//! What brokers keep an image of is all below `metadata/`, so that their watch does not carry the
//! rest.

use milena_types::{BrokerId, ClusterId, PartitionIndex, TopicId, TopicName};

/// Below this is everything of a cluster.
pub fn cluster_prefix(cluster: &ClusterId) -> String {
    format!("clusters/{cluster}/")
}

/// Below this storage keeps its decisions.
pub fn storage_prefix(cluster: &ClusterId) -> String {
    format!("clusters/{cluster}/storage/")
}

/// The keys of one cluster's records.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// `clusters/{cluster}/`
    pub(crate) root: String,
    /// `clusters/{cluster}/metadata/`
    pub(crate) metadata: String,
}

impl Keys {
    pub(crate) fn new(cluster: &ClusterId) -> Self {
        let root = cluster_prefix(cluster);
        Self { metadata: format!("{root}metadata/"), root }
    }

    pub(crate) fn cluster(&self) -> String {
        format!("{}cluster", self.metadata)
    }

    pub(crate) fn brokers(&self) -> String {
        format!("{}brokers/", self.metadata)
    }

    pub(crate) fn broker(&self, broker: BrokerId) -> String {
        format!("{}brokers/{broker}", self.metadata)
    }

    pub(crate) fn nodes(&self) -> String {
        format!("{}nodes/", self.metadata)
    }

    pub(crate) fn node(&self, broker: BrokerId) -> String {
        format!("{}nodes/{broker}", self.metadata)
    }

    pub(crate) fn all_serving(&self) -> String {
        format!("{}serving/", self.metadata)
    }

    pub(crate) fn serving(&self, broker: BrokerId) -> String {
        format!("{}serving/{broker}", self.metadata)
    }

    pub(crate) fn topic(&self, name: &TopicName) -> String {
        format!("{}topics/{name}", self.metadata)
    }

    pub(crate) fn partitions(&self) -> String {
        format!("{}partitions/", self.metadata)
    }

    pub(crate) fn partitions_of(&self, topic: TopicId) -> String {
        format!("{}partitions/{topic}/", self.metadata)
    }

    pub(crate) fn partition(&self, topic: TopicId, partition: PartitionIndex) -> String {
        format!("{}partitions/{topic}/{:06}", self.metadata, partition.0)
    }

    pub(crate) fn broker_configs(&self, broker: Option<BrokerId>) -> String {
        match broker {
            Some(broker) => format!("{}configs/brokers/{broker}", self.metadata),
            None => format!("{}configs/default", self.metadata),
        }
    }

    pub(crate) fn controller(&self) -> String {
        format!("{}controller", self.metadata)
    }

    pub(crate) fn broker_epochs(&self) -> String {
        format!("{}counters/broker-epochs", self.root)
    }

    pub(crate) fn producer_ids(&self) -> String {
        format!("{}counters/producer-ids", self.root)
    }

    pub(crate) fn deleted_topics(&self) -> String {
        format!("{}deleted-topics/", self.root)
    }

    pub(crate) fn deleted_topic(&self, topic: TopicId) -> String {
        format!("{}deleted-topics/{topic}", self.root)
    }

    /// What kind of record `key` holds, if it is one of `metadata/`.
    pub(crate) fn parse<'a>(&self, key: &'a str) -> Option<Place<'a>> {
        let path = key.strip_prefix(&self.metadata)?;
        Some(match path.split_once('/') {
            None if path == "cluster" => Place::Cluster,
            None if path == "controller" => Place::Controller,
            Some(("brokers", id)) => Place::Broker(BrokerId(id.parse().ok()?)),
            Some(("nodes", id)) => Place::Node(BrokerId(id.parse().ok()?)),
            Some(("serving", id)) => Place::Serving(BrokerId(id.parse().ok()?)),
            Some(("topics", name)) => Place::Topic(name),
            Some(("partitions", rest)) => {
                let (topic, partition) = rest.split_once('/')?;
                Place::Partition(parse_topic_id(topic)?, PartitionIndex(partition.parse().ok()?))
            }
            Some(("configs", "default")) => Place::BrokerConfigs(None),
            Some(("configs", rest)) => {
                Place::BrokerConfigs(Some(BrokerId(rest.strip_prefix("brokers/")?.parse().ok()?)))
            }
            _ => return None,
        })
    }
}

/// What a key stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Cluster,
    Broker(BrokerId),
    Node(BrokerId),
    Serving(BrokerId),
    Topic(&'a str),
    Partition(TopicId, PartitionIndex),
    BrokerConfigs(Option<BrokerId>),
    Controller,
}

/// A topic id from its text of 22 characters of URL-safe base64.
pub(crate) fn parse_topic_id(text: &str) -> Option<TopicId> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    Some(TopicId(uuid::Uuid::from_bytes(bytes)))
}
