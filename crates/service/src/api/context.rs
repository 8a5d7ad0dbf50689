//! [`Api`]: the state of the operations, and the look-up of the cluster that a request names.

use std::{sync::Arc, time::Duration};

use milena_metadata::ClusterMetadata;
use milena_runtime::Runtime;
use milena_store::{MetadataStore, Txn};

use crate::{
    account::AccountScope,
    arn::{Arn, ClusterUid},
    cluster_store::ClusterStore,
    error::ApiError,
    record::ManagedCluster,
};

/// The API. Each file beside this one adds the operations of one kind of resource.
pub(crate) struct Api {
    pub(crate) runtime: Runtime,
    pub(crate) store: ClusterStore,
    pub(crate) scope: AccountScope,
    /// How long a topic operation may take with its brokers.
    pub(crate) kafka_timeout: Duration,
    /// The store of the clusters' brokers.
    pub(crate) metadata: Arc<dyn MetadataStore>,
}

impl Api {
    /// The cluster of an ARN. NotFound when there is none.
    pub(super) async fn cluster(&self, arn: &str) -> Result<ManagedCluster, ApiError> {
        self.cluster_in(arn, "clusterArn").await
    }

    /// The same for an ARN that came in another member than `clusterArn`.
    pub(super) async fn cluster_in(
        &self,
        arn: &str,
        parameter: &str,
    ) -> Result<ManagedCluster, ApiError> {
        let uid = cluster_uid(arn, parameter)?;
        let found = self.store.cluster(&uid).await?.map(|seen| seen.value);
        found.filter(|record| record.arn() == arn).ok_or_else(|| no_cluster(arn))
    }

    /// The same for the operations that declare no NotFoundException.
    pub(super) async fn cluster_or_bad_request(
        &self,
        arn: &str,
    ) -> Result<ManagedCluster, ApiError> {
        self.cluster(arn).await.map_err(|error| error.not_found_as_invalid("clusterArn"))
    }

    /// Changes the record of an ARN's cluster; `change` may run more than once. NotFound when there
    /// is none. `parameter` is the member that the ARN came in.
    pub(super) async fn modify_cluster<T>(
        &self,
        arn: &str,
        parameter: &str,
        mut change: impl FnMut(&mut ManagedCluster) -> Result<(T, Txn), ApiError>,
    ) -> Result<T, ApiError> {
        let uid = cluster_uid(arn, parameter)?;
        let changed = self.store.modify(&uid, |record| {
            if record.arn() != arn {
                return Err(no_cluster(arn));
            }
            change(record)
        });
        changed.await?.ok_or_else(|| no_cluster(arn))
    }

    /// The records of a cluster's brokers.
    pub(super) fn cluster_metadata(&self, cluster: &ManagedCluster) -> ClusterMetadata {
        ClusterMetadata::new(self.metadata.clone(), cluster.cluster_id(), self.runtime.clone())
    }
}

/// The uid in a cluster's ARN. A well-formed ARN of something else is NotFound. `parameter` is the
/// member that the ARN came in.
pub(super) fn cluster_uid(arn: &str, parameter: &str) -> Result<ClusterUid, ApiError> {
    let parsed = Arn::parse(arn, parameter)?;
    match parsed.cluster() {
        Some((_, uid, None)) if parsed.kind == "cluster" => Ok(uid),
        _ => Err(no_cluster(arn)),
    }
}

fn no_cluster(arn: &str) -> ApiError {
    ApiError::NotFound(format!("there is no cluster {arn}; ListClusters shows those there are"))
}
