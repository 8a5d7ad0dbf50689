//! What a running broker consists of.

use std::sync::Arc;

use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataImage, Registration};
use milena_runtime::Runtime;
use milena_storage::Storage;
use milena_types::{BrokerEpoch, BrokerId};
use tokio_util::sync::CancellationToken;

use crate::{
    api::ApiSet,
    config::BrokerConfig,
    identity::BrokerIdentity,
    kafka_config::BrokerKafkaConfig,
    leadership::{partitions::PartitionTable, resolve::LeaderResolver},
    net::network::Network,
};

/// The parts of a running broker.
pub(crate) struct BrokerShared {
    /// What it was started with.
    pub(crate) config: BrokerConfig,
    pub(crate) identity: Arc<BrokerIdentity>,
    /// The cluster's records, to change them and to read what must be up to date.
    pub(crate) metadata: ClusterMetadata,
    /// The newest image of the cluster's records, for everything else.
    pub(crate) images: ImageWatcher,
    /// This life of the broker.
    pub(crate) registration: Registration,
    /// The logs.
    pub(crate) storage: Arc<Storage>,
    /// The partitions led here.
    pub(crate) partitions: Arc<PartitionTable>,
    pub(crate) leaders: LeaderResolver,
    /// Clock, randomness, tasks.
    pub(crate) runtime: Runtime,
    pub(crate) network: Arc<Network<ApiSet>>,
    pub(crate) kafka_config: BrokerKafkaConfig,
    /// Cancelled when this life of the broker is about to end: it decides nothing for the cluster
    /// any more.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when the broker is killed: its connections end where they are.
    pub(crate) killed: CancellationToken,
    /// Cancelled when the broker no longer takes requests; what waits for long answers then.
    pub(crate) connections_stopping: CancellationToken,
    /// The scope of the connections' tasks.
    pub(crate) connections: Runtime,
}

impl BrokerShared {
    /// This broker's number.
    pub(crate) fn id(&self) -> BrokerId {
        self.identity.id
    }

    /// This life of the broker.
    pub(crate) fn epoch(&self) -> BrokerEpoch {
        self.identity.epoch
    }

    /// The newest image of the cluster.
    pub(crate) fn image(&self) -> Arc<MetadataImage> {
        self.images.current()
    }
}
