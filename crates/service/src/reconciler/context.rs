//! [`ReconcileContext`]: the state that reconcilers share.

use std::{sync::Arc, time::Duration};

use milena_metadata::ClusterMetadata;
use milena_runtime::{Backoff, Runtime};
use milena_security::local_key::LocalKey;
use milena_store::MetadataStore;

use crate::{
    addresses::AddressPlan, cluster_store::ClusterStore, provisioner::Provisioner,
    record::ManagedCluster,
};

/// The pauses before a failed step is retried and an unfinished one is polled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    pub(crate) backoff: Backoff,
    /// After this many failures of one step a creation or an update is given up; for anything else
    /// `stateInfo` shows the reason.
    pub(crate) failures_max: u32,
    /// Between two checks of running brokers.
    pub(crate) check_every: Duration,
    /// Between two checks of partitions without a leader, or of leaving brokers.
    pub(crate) poll_every: Duration,
}

impl RetryPolicy {
    /// Pauses stay short: the reason that brokers cannot start, a full disk for example, may end at any
    /// time, and clients wait for it.
    pub(crate) const DEFAULT: Self = Self {
        backoff: Backoff::doubling(Duration::from_millis(100), Duration::from_secs(2)),
        failures_max: 10,
        check_every: Duration::from_secs(2),
        poll_every: Duration::from_millis(50),
    };
}

/// One for all reconcilers.
pub(crate) struct ReconcileContext {
    pub(crate) runtime: Runtime,
    pub(crate) store: ClusterStore,
    /// The store of the clusters' brokers.
    pub(crate) metadata: Arc<dyn MetadataStore>,
    pub(crate) provisioner: Arc<dyn Provisioner>,
    pub(crate) local_key: LocalKey,
    pub(crate) addresses: AddressPlan,
    pub(crate) retry: RetryPolicy,
}

impl ReconcileContext {
    /// The records of a cluster's brokers.
    pub(super) fn cluster_metadata(&self, cluster: &ManagedCluster) -> ClusterMetadata {
        ClusterMetadata::new(self.metadata.clone(), cluster.cluster_id(), self.runtime.clone())
    }
}
