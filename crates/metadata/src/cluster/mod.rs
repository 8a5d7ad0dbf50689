//! [`ClusterMetadata`]: one cluster's records and the transactions that change them.
//!
//! Every change is a transaction whose preconditions name what it was decided on, so any broker may
//! make any of them at any time; who decided on something outdated reads again and decides again.
//! What happens to a cluster with the lease of its controller lost, or with two that believe to
//! have it, is therefore: nothing.

mod brokers;
mod configs;
mod holdings;
mod keys;
mod leadership;
mod partitions;
mod placement;
mod records;
mod topics;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use milena_runtime::Runtime;
use milena_store::{Entry, MetadataStore, StoreError, Txn, TxnOutcome};
use milena_types::{BrokerEpoch, BrokerId, ClusterId, Revision, TopicName};
use serde::de::DeserializeOwned;

pub use brokers::{NewBroker, Registration};
pub use holdings::{Held, Holdings};
pub(crate) use keys::{Keys, Place};
pub use keys::{cluster_prefix, storage_prefix};
pub use leadership::{MovedLeaders, TakenLeadership};
pub use partitions::{AppliedChanges, PartitionChange};
pub use placement::spread_replicas;
pub(crate) use records::decode;
pub use records::{
    BrokerRecord, ClusterRecord, Configs, ConfigsRecord, ControllerRecord, DeletedTopicRecord,
    ListenerRecord, NodeRecord, PartitionRecord, Reassignment, ServingRecord, TopicRecord,
};
pub use topics::{CreatedTopic, NewTopic, Placement, PlannedTopic};

/// Why a change of a cluster's metadata was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others kept changing the same records.
    #[error("the metadata at '{key}' is changed by others all the time; try again")]
    Contended {
        /// Which records.
        key: String,
    },
    /// A record cannot be read.
    #[error("the metadata record '{key}' is damaged: {reason}")]
    BadRecord {
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A later release wrote a record.
    #[error(
        "the metadata record '{key}' has format {found}, known is {known}; start a newer release"
    )]
    NewerRecord {
        /// Its key.
        key: String,
        /// The level it has.
        found: u32,
        /// The newest known level.
        known: u32,
    },
    /// There is such a cluster already.
    #[error("cluster {0} exists already")]
    ClusterExists(ClusterId),
    /// There is no such cluster.
    #[error("there is no cluster {0}")]
    UnknownCluster(ClusterId),
    /// There is such a topic already.
    #[error("topic '{0}' already exists")]
    TopicExists(TopicName),
    /// There is no such topic (any more).
    #[error("there is no topic '{0}'")]
    UnknownTopic(TopicName),
    /// The broker's life is over: its lease has ended or another life of it has begun.
    #[error("broker {broker} is no longer registered with epoch {epoch}; register again")]
    Superseded {
        /// Which broker.
        broker: BrokerId,
        /// Which life.
        epoch: BrokerEpoch,
    },
    /// What a change was decided on no longer holds.
    #[error(
        "the decision is outdated: somebody else decides now, or it was decided already; look again"
    )]
    Outdated,
    /// So many replicas cannot be had.
    #[error("{reason}")]
    InvalidReplicationFactor {
        /// Why.
        reason: String,
    },
    /// So many partitions cannot be had.
    #[error("{reason}")]
    InvalidPartitions {
        /// Why.
        reason: String,
    },
    /// Replicas cannot be placed like that.
    #[error("{reason}")]
    InvalidAssignment {
        /// Why.
        reason: String,
    },
}

/// A record and the revision it was last changed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<T> {
    /// The record.
    pub record: T,
    /// Its revision.
    pub revision: Revision,
}

/// How often a change is decided again after others came first.
const ATTEMPTS_MAX: usize = 64;
/// Entries per page when all of something is read.
const PAGE: usize = 4096;

/// One cluster's records. Cheap to clone.
#[derive(Clone)]
pub struct ClusterMetadata {
    store: Arc<dyn MetadataStore>,
    runtime: Runtime,
    cluster: ClusterId,
    keys: Arc<Keys>,
}

impl ClusterMetadata {
    /// The records of `cluster` in `store`.
    pub fn new(store: Arc<dyn MetadataStore>, cluster: ClusterId, runtime: Runtime) -> Self {
        let keys = Arc::new(Keys::new(&cluster));
        Self { store, runtime, cluster, keys }
    }

    /// Which cluster.
    pub fn cluster_id(&self) -> &ClusterId {
        &self.cluster
    }

    /// The store below, for records that are not metadata's own (storage's, below
    /// [`storage_prefix`]).
    pub fn store(&self) -> &Arc<dyn MetadataStore> {
        &self.store
    }

    /// Where storage keeps its decisions.
    pub fn storage_prefix(&self) -> String {
        storage_prefix(&self.cluster)
    }

    pub(crate) fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// Records a new cluster.
    pub async fn create_cluster(&self, record: &ClusterRecord) -> Result<Revision, MetadataError> {
        let key = self.keys.cluster();
        let txn = Txn::new().absent(&key).put(&key, records::encode(record));
        match self.store.txn(txn).await? {
            TxnOutcome::Committed(c) => Ok(c.revision),
            TxnOutcome::Conflict(_) => Err(MetadataError::ClusterExists(self.cluster.clone())),
        }
    }

    /// The cluster's record, if there is such a cluster.
    pub async fn cluster(&self) -> Result<Option<Seen<ClusterRecord>>, MetadataError> {
        self.record(&self.keys.cluster()).await
    }

    /// Changes the cluster's record; `change` may be called again if others came first.
    pub async fn update_cluster(
        &self,
        mut change: impl FnMut(&mut ClusterRecord) + Send,
    ) -> Result<Revision, MetadataError> {
        let key = self.keys.cluster();
        for _ in 0..ATTEMPTS_MAX {
            let unknown = || MetadataError::UnknownCluster(self.cluster.clone());
            let mut seen = self.record::<ClusterRecord>(&key).await?.ok_or_else(unknown)?;
            change(&mut seen.record);
            let txn = Txn::new().at(&key, seen.revision).put(&key, records::encode(&seen.record));
            if let Some(revision) = self.store.txn(txn).await?.committed() {
                return Ok(revision);
            }
        }
        Err(MetadataError::Contended { key })
    }

    /// Forgets the cluster and everything below it, storage's decisions included. Its brokers are
    /// gone by then.
    pub async fn delete_cluster(&self) -> Result<Revision, MetadataError> {
        match self.store.txn(Txn::new().delete_prefix(&self.keys.root)).await? {
            TxnOutcome::Committed(c) => Ok(c.revision),
            TxnOutcome::Conflict(_) => {
                Err(MetadataError::Contended { key: self.keys.root.clone() })
            }
        }
    }

    async fn record<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Seen<T>>, MetadataError> {
        let Some(found) = self.store.get(key).await? else { return Ok(None) };
        Ok(Some(Seen { record: decode(key, &found.value)?, revision: found.revision }))
    }

    /// All entries below `prefix`, page by page: not one state.
    async fn entries(&self, prefix: &str) -> Result<Vec<Entry>, MetadataError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map(|entry| entry.key.as_str());
            let page = self.store.range(prefix, after, PAGE).await?;
            entries.extend(page.entries);
            if !page.more {
                return Ok(entries);
            }
            tokio::task::yield_now().await;
        }
    }
}

fn value<T: serde::Serialize>(record: &T) -> Bytes {
    records::encode(record).into()
}
