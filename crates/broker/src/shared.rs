//! What all connections of a broker share.

use std::sync::Arc;

use milena_metadata::ClusterMetadata;
use milena_runtime::Runtime;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{api::api_versions::OfferedApis, config::BrokerConfig, network::access::Authorizer};

/// A running broker as its request handlers see it.
pub struct BrokerShared {
    /// What it was started with.
    pub config: BrokerConfig,
    /// The cluster's records, to change them and to read what must be up to date.
    pub metadata: ClusterMetadata,
    /// Clock, randomness, tasks.
    pub runtime: Runtime,
    /// What the cluster's Kafka version offers.
    pub offered: OfferedApis,
    /// Decides what principals may do.
    pub authorizer: Box<dyn Authorizer>,
    /// Cancelled when the broker no longer takes requests; what waits for long answers then.
    pub connections_stopping: CancellationToken,
    pub(crate) connection_permits: Arc<Semaphore>,
}
