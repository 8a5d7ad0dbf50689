//! [`MetadataImage`]: an immutable snapshot of a cluster's records, and [`ImageWatcher`], which
//! keeps the newest one.
//!
//! A snapshot is one state of the store, at [`MetadataImage::revision`]. Making the next one shares
//! everything that did not change. A topic in it always has all its partitions.

mod builder;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod fuzzing;
mod sorted;
mod watcher;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use milena_types::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionIndex, Revision, TopicId, TopicName,
    TopicPartition,
};

use crate::cluster::{
    BrokerLife, BrokerRecord, ClusterRecord, Configs, ControllerRecord, NodeRecord,
    PartitionRecord, Reassignment,
};

use sorted::SortedMap;

pub use watcher::ImageWatcher;

/// A snapshot of a cluster's metadata. Cheap to share and cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct MetadataImage {
    revision: Revision,
    cluster: Option<Arc<ClusterRecord>>,
    brokers: Arc<BTreeMap<BrokerId, Arc<BrokerRecord>>>,
    nodes: Arc<BTreeMap<BrokerId, NodeRecord>>,
    serving: Arc<BTreeMap<BrokerId, BrokerEpoch>>,
    topics: SortedMap<TopicName, Arc<TopicImage>>,
    names: SortedMap<TopicId, TopicName>,
    broker_configs: Arc<BTreeMap<Option<BrokerId>, Arc<Configs>>>,
    controller: Option<ControllerRecord>,
}

#[derive(Clone, Debug)]
pub struct TopicImage {
    name: TopicName,
    id: TopicId,
    partition_count: i32,
    created_ms: i64,
    configs: Arc<Configs>,
    /// May already hold partitions that the topic is about to grow by.
    partitions: SortedMap<PartitionIndex, PartitionImage>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionImage {
    pub leader: BrokerId,
    pub leader_epoch: LeaderEpoch,
    /// The life of the leader that has this leader epoch.
    pub broker_epoch: BrokerEpoch,
    /// Increases with every change of the partition.
    pub partition_epoch: i32,
    /// Preferred leader first. During a reassignment also those that it removes, last.
    pub replicas: Box<[BrokerId]>,
    /// Whom the leader is to hand over to.
    pub wanted_leader: Option<BrokerId>,
    pub reassignment: Option<Box<Reassignment>>,
    /// The replicas to go back to: another broker stands in.
    pub original_replicas: Option<Box<[BrokerId]>>,
    /// The lives of brokers whose logs may have records of the partition that are not in its manifest;
    /// `None`: it is not known which.
    pub unfolded: Option<Box<[BrokerLife]>>,
}

impl From<PartitionRecord> for PartitionImage {
    fn from(record: PartitionRecord) -> Self {
        Self {
            leader: record.leader,
            leader_epoch: record.leader_epoch,
            broker_epoch: record.broker_epoch,
            partition_epoch: record.partition_epoch,
            replicas: record.replicas.into(),
            wanted_leader: record.wanted_leader,
            reassignment: record.reassignment.map(Box::new),
            original_replicas: record.original_replicas.map(Into::into),
            unfolded: record.unfolded.map(Into::into),
        }
    }
}

impl From<&PartitionImage> for PartitionRecord {
    fn from(image: &PartitionImage) -> Self {
        Self {
            leader: image.leader,
            leader_epoch: image.leader_epoch,
            broker_epoch: image.broker_epoch,
            partition_epoch: image.partition_epoch,
            replicas: image.replicas.to_vec(),
            wanted_leader: image.wanted_leader,
            reassignment: image.reassignment.as_deref().cloned(),
            original_replicas: image.original_replicas.as_deref().map(<[BrokerId]>::to_vec),
            unfolded: image.unfolded.as_deref().map(<[BrokerLife]>::to_vec),
        }
    }
}

impl TopicImage {
    pub fn name(&self) -> &TopicName {
        &self.name
    }

    /// The id of this incarnation.
    pub fn id(&self) -> TopicId {
        self.id
    }

    pub fn partition_count(&self) -> i32 {
        self.partition_count
    }

    /// When it was created, in milliseconds since 1970.
    pub fn created_ms(&self) -> i64 {
        self.created_ms
    }

    pub fn configs(&self) -> &Arc<Configs> {
        &self.configs
    }

    /// One partition, if the topic has it.
    pub fn partition(&self, partition: PartitionIndex) -> Option<&PartitionImage> {
        self.partitions.get(&partition).filter(|_| partition.0 < self.partition_count)
    }

    pub fn partitions(&self) -> impl Iterator<Item = (PartitionIndex, &PartitionImage)> {
        self.partitions_from(PartitionIndex(0))
    }

    /// The partitions from `first` on, in order.
    pub fn partitions_from(
        &self,
        first: PartitionIndex,
    ) -> impl Iterator<Item = (PartitionIndex, &PartitionImage)> {
        let all = self.partitions.iter_from(&first).map(|(index, partition)| (*index, partition));
        all.take_while(|(index, _)| index.0 < self.partition_count)
    }
}

impl MetadataImage {
    /// The revision of the store that this is the state of.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether nothing was changed between this image and another of the same watcher: only the
    /// revision may differ. May be false where a change was undone.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self {
            revision: _,
            cluster,
            brokers,
            nodes,
            serving,
            topics,
            names,
            broker_configs,
            controller,
        } = self;
        cluster.as_ref().map(Arc::as_ptr) == other.cluster.as_ref().map(Arc::as_ptr)
            && Arc::ptr_eq(brokers, &other.brokers)
            && Arc::ptr_eq(nodes, &other.nodes)
            && Arc::ptr_eq(serving, &other.serving)
            && topics.is_same(&other.topics)
            && names.is_same(&other.names)
            && Arc::ptr_eq(broker_configs, &other.broker_configs)
            && *controller == other.controller
    }

    /// The cluster, unless it was deleted.
    pub fn cluster(&self) -> Option<&Arc<ClusterRecord>> {
        self.cluster.as_ref()
    }

    /// The brokers that are alive.
    pub fn brokers(&self) -> &BTreeMap<BrokerId, Arc<BrokerRecord>> {
        &self.brokers
    }

    /// A broker, if it is alive.
    pub fn broker(&self, broker: BrokerId) -> Option<&Arc<BrokerRecord>> {
        self.brokers.get(&broker)
    }

    /// The brokers that belong to the cluster, alive or not.
    pub fn nodes(&self) -> &BTreeMap<BrokerId, NodeRecord> {
        &self.nodes
    }

    /// Whether a broker is alive and accepts clients, so that it may be given partitions to lead.
    pub fn is_serving(&self, broker: BrokerId) -> bool {
        let life = self.brokers.get(&broker).map(|record| record.epoch);
        life.is_some() && self.serving.get(&broker).copied() == life
    }

    /// Whether a broker is about to leave the cluster.
    pub fn is_draining(&self, broker: BrokerId) -> bool {
        self.nodes.get(&broker).is_some_and(|node| node.draining)
    }

    /// The controller; while there is none, the live broker with the lowest id stands in, since any
    /// broker may do what clients send to a controller.
    pub fn controller(&self) -> Option<BrokerId> {
        let elected =
            self.controller.map(|record| record.broker).filter(|id| self.brokers.contains_key(id));
        elected.or_else(|| self.brokers.keys().next().copied())
    }

    /// The elected controller, alive or not.
    pub fn controller_record(&self) -> Option<ControllerRecord> {
        self.controller
    }

    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.topics.get(name)
    }

    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<TopicImage>> {
        self.topics.get(self.names.get(&id)?.as_str())
    }

    /// The name of the topic with that id.
    pub fn topic_name(&self, id: TopicId) -> Option<&TopicName> {
        self.names.get(&id)
    }

    /// All topics in order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicImage>> {
        self.topics.iter().map(|(_, topic)| topic)
    }

    /// The topics from `name` on, in order of their names.
    pub fn topics_from<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = &'a Arc<TopicImage>> + use<'a> {
        self.topics.iter_from(name).map(|(_, topic)| topic)
    }

    /// A partition by the topic's id.
    pub fn partition(&self, partition: TopicPartition) -> Option<&PartitionImage> {
        self.topic_by_id(partition.topic)?.partition(partition.partition)
    }

    /// All partitions of which `broker` is the leader.
    pub fn led_by(
        &self,
        broker: BrokerId,
    ) -> impl Iterator<Item = (TopicPartition, &PartitionImage)> {
        self.topics().flat_map(move |topic| {
            let id = topic.id;
            topic.partitions().filter(move |(_, partition)| partition.leader == broker).map(
                move |(index, partition)| {
                    (TopicPartition { topic: id, partition: index }, partition)
                },
            )
        })
    }

    /// The partition's leader if clients can reach it: it is alive, and in the life that the leader
    /// epoch belongs to.
    pub fn live_leader(&self, partition: &PartitionImage) -> Option<BrokerId> {
        let broker = self.brokers.get(&partition.leader)?;
        (broker.epoch == partition.broker_epoch).then_some(partition.leader)
    }

    /// The replicas that are alive.
    pub fn isr(&self, partition: &PartitionImage) -> Vec<BrokerId> {
        partition.replicas.iter().copied().filter(|id| self.brokers.contains_key(id)).collect()
    }

    /// The replicas that are not.
    pub fn offline_replicas(&self, partition: &PartitionImage) -> Vec<BrokerId> {
        partition.replicas.iter().copied().filter(|id| !self.brokers.contains_key(id)).collect()
    }

    /// The configuration of one broker, or with `None` of all.
    pub fn broker_configs(&self, broker: Option<BrokerId>) -> Option<&Arc<Configs>> {
        self.broker_configs.get(&broker)
    }
}
