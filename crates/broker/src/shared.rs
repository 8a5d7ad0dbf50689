//! What all connections of a broker share.

use std::sync::Arc;

use milena_kafka_config::Layers;
use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataImage, Registration};
use milena_protocol::ErrorCode;
use milena_runtime::Runtime;
use milena_storage::{Partition, Storage};
use milena_types::{BrokerEpoch, BrokerId, PartitionIndex};
use tokio_util::sync::CancellationToken;

use crate::{
    access::Authorizer,
    api::{fetch::session::SessionCache, offered::OfferedApis},
    config::BrokerConfig,
    coordinators::groups::Groups,
    coordinators::producer_ids::ProducerIds,
    identity::BrokerIdentity,
    kafka_configs::KafkaConfigs,
    leadership::{
        partitions::{Led, PartitionTable, TopicRef},
        resolve::{LEADER_WAIT_MAX, LeaderResolver},
    },
    net::{connection_slots::Admission, frame::RequestMemory},
    topics::Topics,
};

/// A running broker as its request handlers see it.
pub struct BrokerShared {
    /// What it was started with.
    pub config: BrokerConfig,
    pub(crate) identity: Arc<BrokerIdentity>,
    /// The cluster's records, to change them and to read what must be up to date.
    pub metadata: ClusterMetadata,
    /// The newest image of the cluster's records, for everything else.
    pub images: ImageWatcher,
    /// This life of the broker.
    pub registration: Registration,
    /// The logs.
    pub storage: Arc<Storage>,
    /// The partitions led here.
    pub partitions: Arc<PartitionTable>,
    pub(crate) leaders: LeaderResolver,
    pub(crate) topics: Topics,
    /// Clock, randomness, tasks.
    pub runtime: Runtime,
    /// What the cluster's Kafka version offers.
    pub(crate) offered: OfferedApis,
    /// Decides what principals may do.
    pub authorizer: Box<dyn Authorizer>,
    pub(crate) kafka_configs: KafkaConfigs,
    pub(crate) producer_ids: ProducerIds,
    /// Cancelled when this life of the broker is about to end: it decides nothing for the cluster
    /// any more.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when the broker is killed: its connections end where they are.
    pub(crate) killed: CancellationToken,
    /// Cancelled when the broker no longer takes requests; what waits for long answers then.
    pub connections_stopping: CancellationToken,
    /// The groups coordinated here.
    pub(crate) groups: Arc<Groups>,
    pub(crate) fetch_sessions: SessionCache,
    pub(crate) request_memory: RequestMemory,
    pub(crate) admission: Admission,
    /// The scope of the connections' tasks.
    pub(crate) connections: Runtime,
}

impl BrokerShared {
    /// This broker's number.
    pub fn id(&self) -> BrokerId {
        self.identity.id
    }

    /// This life of the broker.
    pub fn epoch(&self) -> BrokerEpoch {
        self.identity.epoch
    }

    /// The newest image of the cluster.
    pub fn image(&self) -> Arc<MetadataImage> {
        self.images.current()
    }

    /// See [`KafkaConfigs::layers`].
    pub fn layers<'a>(&'a self, image: &'a MetadataImage) -> Layers<'a> {
        self.kafka_configs.layers(image)
    }

    /// What creates, grows and deletes topics.
    pub(crate) fn topics(&self) -> &Topics {
        &self.topics
    }

    /// See [`Topics::ensure_internal`].
    pub(crate) async fn ensure_internal_topic(&self, name: &str) -> Result<(), ErrorCode> {
        self.topics.ensure_internal(name).await
    }

    /// See [`LeaderResolver::resolve_leader`].
    pub async fn leader_partition(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<Arc<Partition>, ErrorCode> {
        let led = self.leaders.resolve_leader(topic, partition, LEADER_WAIT_MAX).await;
        led.map(|led| led.partition)
    }

    /// See [`LeaderResolver::find`].
    pub(crate) fn led(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<Led, ErrorCode> {
        self.leaders.find(topic, partition)
    }

    /// See [`LeaderResolver::wait_for_leader`].
    pub(crate) async fn settled(&self, topic: TopicRef<'_>, partition: PartitionIndex) {
        self.leaders.wait_for_leader(topic, partition, LEADER_WAIT_MAX).await;
    }
}
