//! [`ClusterMetadata`]: one cluster's records and the transactions that change them.
//!
//! Every change is a transaction whose preconditions are the records it was decided on, so any
//! broker may make any of them at any time; a decision on outdated records fails and is made again.
//! A cluster without a controller, or with two brokers that both believe to be it, is therefore
//! safe.

mod assignments;
mod brokers;
mod configs;
mod errors;
mod keys;
mod leadership;
mod partitions;
mod placement;
mod records;
mod topics;
mod unfinished;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use milena_runtime::Runtime;
use milena_store::{Entry, MetadataStore, StoreError, Txn, TxnOutcome, Versioned, read_range};
use milena_types::{ClusterId, Revision};
use serde::de::DeserializeOwned;

pub use brokers::{NewBroker, Registration};
pub use errors::MetadataError;
pub(crate) use keys::MetadataKey;
pub use keys::{cluster_prefix, is_storage_key, storage_prefix};
pub use leadership::{Handover, Lives, MovedLeaders};
pub use partitions::{AppliedChanges, PartitionChange};
use placement::REPLICAS_MAX;
pub use records::{BrokerLife, ClusterRecord, Configs, ListenerRecord, PartitionRecord};
pub(crate) use records::{
    BrokerRecord, ConfigsRecord, ControllerRecord, NodeRecord, Reassignment, ServingRecord,
    TopicRecord, decode,
};
use records::{DeletedTopicRecord, bounded_value, encode as value};
pub use topics::{CreatedTopic, NewTopic, Placement};

/// How often a change is decided again after conflicts.
const ATTEMPTS_MAX: usize = 64;
/// How many transactions of one change are under way together, where their order does not matter.
const AT_ONCE_MAX: usize = 16;
/// The pause before a change is decided again after an unknown outcome.
const UNKNOWN_PAUSE: Duration = Duration::from_millis(50);

/// One cluster's records. Cheap to clone.
#[derive(Clone)]
pub struct ClusterMetadata {
    store: Arc<dyn MetadataStore>,
    runtime: Runtime,
    cluster: ClusterId,
    /// `clusters/{cluster}/`, before each of [`MetadataKey`].
    prefix: Arc<str>,
}

impl ClusterMetadata {
    /// The records of `cluster` in `store`.
    pub fn new(store: Arc<dyn MetadataStore>, cluster: ClusterId, runtime: Runtime) -> Self {
        let prefix = cluster_prefix(&cluster).into();
        Self { store, runtime, cluster, prefix }
    }

    pub fn cluster_id(&self) -> &ClusterId {
        &self.cluster
    }

    /// The store below, for records that are not metadata's own (storage's, below
    /// [`storage_prefix`]).
    pub fn store(&self) -> &Arc<dyn MetadataStore> {
        &self.store
    }

    pub fn storage_prefix(&self) -> String {
        storage_prefix(&self.cluster)
    }

    /// The key in the store.
    pub(crate) fn key(&self, key: MetadataKey<'_>) -> String {
        format!("{}{key}", self.prefix)
    }

    /// A prefix of the store's keys from one of [`MetadataKey`]'s.
    pub(crate) fn below(&self, prefix: &str) -> String {
        format!("{}{prefix}", self.prefix)
    }

    /// `clusters/{cluster}/`.
    pub(crate) fn prefix(&self) -> &Arc<str> {
        &self.prefix
    }

    /// Records a new cluster.
    pub async fn create_cluster(&self, record: &ClusterRecord) -> Result<Revision, MetadataError> {
        let key = self.key(MetadataKey::Cluster);
        let txn = Txn::new().absent(&key).put(&key, bounded_value(&key, record)?);
        match self.commit(txn).await? {
            TxnOutcome::Committed(c) => Ok(c.revision),
            TxnOutcome::Conflict(_) => Err(MetadataError::ClusterExists(self.cluster.clone())),
        }
    }

    /// The cluster's record, if there is such a cluster.
    pub async fn cluster(&self) -> Result<Option<Versioned<ClusterRecord>>, MetadataError> {
        self.record(&self.key(MetadataKey::Cluster)).await
    }

    /// Changes the cluster's record; `change` may be called again after a conflict.
    pub async fn update_cluster(
        &self,
        mut change: impl FnMut(&mut ClusterRecord) + Send,
    ) -> Result<Revision, MetadataError> {
        let key = self.key(MetadataKey::Cluster);
        for _ in 0..ATTEMPTS_MAX {
            let unknown = || MetadataError::UnknownCluster(self.cluster.clone());
            let mut seen = self.record::<ClusterRecord>(&key).await?.ok_or_else(unknown)?;
            change(&mut seen.value);
            let record = bounded_value(&key, &seen.value)?;
            let txn = Txn::new().at(&key, seen.revision).put(&key, record);
            if let Some(revision) = self.commit(txn).await?.committed() {
                return Ok(revision);
            }
        }
        Err(MetadataError::Contended { key })
    }

    /// The store's revision: an image at this revision shows everything that was acknowledged before
    /// this was called.
    pub async fn revision(&self) -> Result<Revision, MetadataError> {
        let prefix = self.below(MetadataKey::IMAGE);
        Ok(self.store.range(&prefix, None, 1).await?.revision)
    }

    /// Applies a transaction, as [`milena_store::commit`].
    async fn commit(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        milena_store::commit(&*self.store, &self.runtime, txn).await
    }

    /// Applies a transaction that others may make with the same values, such as the next step of a
    /// counter: reading the values back, as [`Self::commit`] does, would not tell whose it was.
    /// `None` after an unknown outcome: it may have been applied, or may be later, so the caller
    /// reads again and takes the next value.
    async fn commit_once(&self, txn: Txn) -> Result<Option<TxnOutcome>, StoreError> {
        match milena_store::send(&*self.store, txn).await {
            Err(StoreError::OutcomeUnknown { .. }) => {
                self.runtime.sleep(UNKNOWN_PAUSE).await;
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }

    async fn record<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<T>>, MetadataError> {
        let Some(found) = self.store.get(key).await? else { return Ok(None) };
        Ok(Some(Versioned { value: decode(key, &found.value)?, revision: found.revision }))
    }

    /// All entries below `prefix`, page by page: not one state.
    async fn entries(&self, prefix: &str) -> Result<Vec<Entry>, MetadataError> {
        Ok(read_range(&*self.store, prefix).await?.0)
    }
}
