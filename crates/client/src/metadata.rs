//! The brokers, topics and leaders of a cluster.

use std::collections::{BTreeMap, HashMap};

use milena_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};
use milena_types::{BrokerId, LeaderEpoch, TopicId};

use crate::ClientError;

/// A broker as metadata names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerInfo {
    /// Its id.
    pub id: BrokerId,
    /// Its address for clients, `host:port`.
    pub address: String,
    /// Its zone.
    pub rack: Option<String>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Its number.
    pub index: i32,
    /// Its leader, if it has one.
    pub leader: Option<BrokerId>,
    /// The leader's term.
    pub leader_epoch: LeaderEpoch,
    /// Those that may lead it.
    pub replicas: Vec<BrokerId>,
    /// Those of them that are in sync.
    pub isr: Vec<BrokerId>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// Its id; zero from brokers older than 2.8.
    pub id: TopicId,
    /// Whether Kafka itself uses it.
    pub internal: bool,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionInfo>,
}

/// A cluster, as one metadata response shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterInfo {
    /// The cluster's id.
    pub cluster_id: Option<String>,
    /// The controller (with KRaft, any broker).
    pub controller: Option<BrokerId>,
    /// The brokers, by id.
    pub brokers: BTreeMap<BrokerId, BrokerInfo>,
    /// The topics asked for, by name.
    pub topics: BTreeMap<String, TopicInfo>,
    /// Topics asked for that the cluster gave an error for.
    pub(crate) failed: HashMap<String, i16>,
}

fn broker_id(id: i32) -> Option<BrokerId> {
    (id >= 0).then_some(BrokerId(id))
}

impl ClusterInfo {
    pub(crate) fn from_response(response: &MetadataResponse) -> Self {
        let brokers = response.brokers.iter().map(|b| {
            let id = BrokerId(b.node_id);
            let host =
                if b.host.contains(':') { format!("[{}]", b.host) } else { b.host.to_string() };
            let address = format!("{host}:{}", b.port);
            (id, BrokerInfo { id, address, rack: b.rack.as_ref().map(ToString::to_string) })
        });
        let name = |t: &MetadataResponseTopic| t.name.as_deref().unwrap_or_default().to_owned();
        let (good, bad): (Vec<_>, Vec<_>) = response.topics.iter().partition(|t| t.error_code == 0);
        Self {
            cluster_id: response.cluster_id.as_ref().map(ToString::to_string),
            controller: broker_id(response.controller_id),
            brokers: brokers.collect(),
            topics: good.iter().map(|t| (name(t), topic(t))).collect(),
            failed: bad.iter().map(|t| (name(t), t.error_code)).collect(),
        }
    }

    /// A topic, or the error that the cluster gave for it.
    pub(crate) fn topic(&self, name: &str) -> Result<&TopicInfo, ClientError> {
        match self.topics.get(name) {
            Some(topic) => Ok(topic),
            None => {
                let unknown = milena_protocol::ErrorCode::UnknownTopicOrPartition.code();
                let code = self.failed.get(name).copied().unwrap_or(unknown);
                Err(ClientError::broker(format!("topic {name}"), code, None))
            }
        }
    }
}

fn topic(t: &MetadataResponseTopic) -> TopicInfo {
    let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect();
    let mut partitions: Vec<PartitionInfo> = t
        .partitions
        .iter()
        .map(|p| PartitionInfo {
            index: p.partition_index,
            leader: broker_id(p.leader_id),
            leader_epoch: LeaderEpoch(p.leader_epoch),
            replicas: ids(&p.replica_nodes),
            isr: ids(&p.isr_nodes),
        })
        .collect();
    partitions.sort_by_key(|p| p.index);
    let name = t.name.as_deref().unwrap_or_default().to_owned();
    TopicInfo { name, id: TopicId(t.topic_id), internal: t.is_internal, partitions }
}

impl TopicInfo {
    /// A partition, or the error that a broker would give.
    pub(crate) fn partition(&self, index: i32) -> Result<&PartitionInfo, ClientError> {
        let unknown = milena_protocol::ErrorCode::UnknownTopicOrPartition.code();
        let what = || format!("partition {index} of topic {}", self.name);
        self.partitions
            .iter()
            .find(|p| p.index == index)
            .ok_or_else(|| ClientError::broker(what(), unknown, None))
    }

    /// The leader of a partition, or the error that a broker would give.
    pub(crate) fn leader(&self, index: i32) -> Result<BrokerId, ClientError> {
        let none = milena_protocol::ErrorCode::LeaderNotAvailable.code();
        let what = || format!("partition {index} of topic {}", self.name);
        self.partition(index)?.leader.ok_or_else(|| ClientError::broker(what(), none, None))
    }
}
