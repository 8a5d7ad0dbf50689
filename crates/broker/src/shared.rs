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
    api::ApiSet,
    config::BrokerConfig,
    identity::BrokerIdentity,
    kafka_configs::KafkaConfigs,
    leadership::{
        partitions::{PartitionTable, TopicRef},
        resolve::{LEADER_WAIT_MAX, LeaderResolver},
    },
    net::network::Network,
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
    /// Clock, randomness, tasks.
    pub runtime: Runtime,
    pub(crate) network: Arc<Network<ApiSet>>,
    pub(crate) kafka_configs: KafkaConfigs,
    /// Cancelled when this life of the broker is about to end: it decides nothing for the cluster
    /// any more.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when the broker is killed: its connections end where they are.
    pub(crate) killed: CancellationToken,
    /// Cancelled when the broker no longer takes requests; what waits for long answers then.
    pub connections_stopping: CancellationToken,
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

    /// See [`LeaderResolver::resolve_leader`].
    pub async fn leader_partition(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<Arc<Partition>, ErrorCode> {
        let led = self.leaders.resolve_leader(topic, partition, LEADER_WAIT_MAX).await;
        led.map(|led| led.partition)
    }
}
