//! Typed access to the service's records in the metadata store. Every change is one transaction
//! over the revision that was read; an unknown outcome is resolved before anything else happens.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use milena_runtime::Runtime;
use milena_store::{Entry, Limits, MetadataStore, Txn, Versioned, read_range};
use milena_types::{BrokerId, Revision};

use crate::{
    addresses::BrokerAddress,
    arn::ClusterUid,
    error::ApiError,
    operation::OperationRecord,
    record::{self, ClusterState, ManagedCluster},
};

mod configurations;
mod keys;

pub(crate) use configurations::uses;
pub(crate) use keys::CLUSTERS;
use keys::{ADDRESSES, ServiceKey, operations_of};

/// How often a change is tried again when another one came first.
const ATTEMPTS: usize = 20;

/// The largest record of a cluster that a request makes: it shares transactions with the record of
/// an operation, which has what changed before and after.
const RECORD_BYTES_MAX: usize = Limits::MIN.bytes / 4;

fn cluster_key(uid: &ClusterUid) -> String {
    ServiceKey::Cluster(uid.clone()).to_string()
}

/// The cluster whose record has that key. Read from the key, so that a damaged record affects no
/// other cluster.
pub(crate) fn uid_of(key: &str) -> Option<ClusterUid> {
    match ServiceKey::parse(key)? {
        ServiceKey::Cluster(uid) => Some(uid),
        _ => None,
    }
}

fn address_key(endpoint: &str) -> String {
    ServiceKey::Address(endpoint).to_string()
}

/// The record as bytes, unless it is too large. One that was before may stay as large.
fn bounded_value(record: &ManagedCluster, before: usize) -> Result<Bytes, ApiError> {
    let value = record::encode(record);
    let bytes = value.len();
    if bytes > RECORD_BYTES_MAX.max(before) {
        return Err(ApiError::bad_request(format!(
            "all that is set for the cluster takes {bytes} bytes, more than {RECORD_BYTES_MAX}: \
             leave some of it out"
        )));
    }
    Ok(value)
}

/// The key of an operation of a cluster.
pub(crate) fn operation_key(uid: &ClusterUid, operation: &OperationRecord) -> String {
    ServiceKey::Operation(uid.clone(), operation.created_ms, operation.id).to_string()
}

/// The addresses in use, and the position from which to search the next.
pub(crate) struct Addresses {
    pub(crate) taken: BTreeSet<String>,
    pub(crate) cursor: Option<u32>,
    cursor_revision: Option<Revision>,
}

/// The service's part of the metadata store.
#[derive(Clone)]
pub(crate) struct ClusterStore {
    store: Arc<dyn MetadataStore>,
    runtime: Runtime,
}

impl ClusterStore {
    pub(crate) fn new(store: Arc<dyn MetadataStore>, runtime: Runtime) -> Self {
        Self { store, runtime }
    }

    pub(crate) async fn cluster(
        &self,
        uid: &ClusterUid,
    ) -> Result<Option<Versioned<ManagedCluster>>, ApiError> {
        let key = cluster_key(uid);
        let Some(found) = self.store.get(&key).await? else { return Ok(None) };
        Ok(Some(Versioned { value: record::decode(&key, &found.value)?, revision: found.revision }))
    }

    pub(crate) async fn cluster_named(
        &self,
        name: &str,
    ) -> Result<Option<ManagedCluster>, ApiError> {
        let key = ServiceKey::ClusterName(name).to_string();
        let Some(found) = self.store.get(&key).await? else { return Ok(None) };
        let uid = record::decode(&key, &found.value)?;
        Ok(self.cluster(&uid).await?.map(|seen| seen.value))
    }

    /// All clusters, by name.
    pub(crate) async fn clusters(&self) -> Result<Vec<ManagedCluster>, ApiError> {
        let (entries, _) = self.range(CLUSTERS).await?;
        let decoded =
            entries.iter().map(|entry| record::decode(&entry.key, &entry.versioned.value));
        let mut clusters: Vec<ManagedCluster> = decoded.collect::<Result<_, _>>()?;
        clusters.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(clusters)
    }

    /// The uids of all clusters, and the revision to watch from.
    pub(crate) async fn uids(&self) -> Result<(Vec<ClusterUid>, Revision), ApiError> {
        let (entries, revision) = self.range(CLUSTERS).await?;
        Ok((entries.iter().filter_map(|entry| uid_of(&entry.key)).collect(), revision))
    }

    /// Writes a new cluster unless its name is taken, together with `also`.
    pub(crate) async fn create(&self, record: &ManagedCluster, also: Txn) -> Result<(), ApiError> {
        let key = cluster_key(&record.uid);
        let value = bounded_value(record, 0)?;
        let name = ServiceKey::ClusterName(&record.name).to_string();
        let txn = also.absent(&key).absent(&name).put(&key, value.clone());
        let txn = txn.put(&name, record::encode(&record.uid));
        if self.commit(txn).await? {
            return Ok(());
        }
        match self.store.get(&name).await? {
            None => {
                let message = "what the cluster was to use was deleted meanwhile; ask again";
                Err(ApiError::bad_request(message))
            }
            // The response was lost, and the reconciler has changed the cluster's record since.
            Some(found) if record::decode::<ClusterUid>(&name, &found.value)? == record.uid => {
                Ok(())
            }
            Some(_) => Err(ApiError::Conflict(format!(
                "a cluster named '{}' exists already; choose another clusterName",
                record.name
            ))),
        }
    }

    /// Writes a cluster again, together with `also`. False when it has changed since it was read.
    pub(crate) async fn replace(
        &self,
        revision: Revision,
        record: &ManagedCluster,
        also: Txn,
    ) -> Result<bool, ApiError> {
        let key = cluster_key(&record.uid);
        self.commit(also.at(&key, revision).put(&key, record::encode(record))).await
    }

    /// Reads a cluster, applies `change`, and writes it, until no other change comes between.
    pub(crate) async fn modify<T>(
        &self,
        uid: &ClusterUid,
        mut change: impl FnMut(&mut ManagedCluster) -> Result<(T, Txn), ApiError>,
    ) -> Result<Option<T>, ApiError> {
        for _ in 0..ATTEMPTS {
            let Some(mut seen) = self.cluster(uid).await? else { return Ok(None) };
            let before = seen.value.clone();
            let (outcome, also) = change(&mut seen.value)?;
            if seen.value == before && also == Txn::new() {
                return Ok(Some(outcome));
            }
            // A deletion adds a few bytes, and has to be possible at any size.
            let is_deleted = |record: &ManagedCluster| record.state == ClusterState::Deleting;
            if is_deleted(&before) || !is_deleted(&seen.value) {
                bounded_value(&seen.value, record::encode(&before).len())?;
            }
            if self.replace(seen.revision, &seen.value, also).await? {
                return Ok(Some(outcome));
            }
        }
        Err(ApiError::Unavailable(
            "the cluster is being changed by too many at once; try again".to_owned(),
        ))
    }

    /// Removes a cluster with its name, addresses and operations, and `prefix` with everything
    /// below it.
    pub(crate) async fn remove(
        &self,
        seen: &Versioned<ManagedCluster>,
        prefix: &str,
    ) -> Result<bool, ApiError> {
        let record = &seen.value;
        let key = cluster_key(&record.uid);
        let mut txn = Txn::new()
            .at(&key, seen.revision)
            .delete(&key)
            .delete(ServiceKey::ClusterName(&record.name).to_string());
        for address in record.nodes.iter().filter_map(|node| node.address.as_ref()) {
            txn = txn.delete(address_key(&address.endpoint()));
        }
        txn = txn.delete_prefix(operations_of(&record.uid)).delete_prefix(prefix);
        self.commit(txn).await
    }

    /// The part of a transaction that frees the addresses of the brokers that `keep` does not name.
    pub(crate) fn release_addresses(
        record: &ManagedCluster,
        keep: impl Fn(BrokerId) -> bool,
    ) -> Txn {
        let leaving = record.nodes.iter().filter(|node| !keep(node.id));
        let addresses = leaving.filter_map(|node| node.address.as_ref());
        addresses.fold(Txn::new(), |txn, address| txn.delete(address_key(&address.endpoint())))
    }

    /// What takes the addresses of `after` in place of those of `before`, two states of one record.
    pub(crate) fn exchange_addresses(before: &ManagedCluster, after: &ManagedCluster) -> Txn {
        let endpoints = |record: &ManagedCluster| -> BTreeSet<String> {
            let addresses = record.nodes.iter().filter_map(|node| node.address.as_ref());
            addresses.map(BrokerAddress::endpoint).collect()
        };
        let (old, new) = (endpoints(before), endpoints(after));
        let txn = old.difference(&new).fold(Txn::new(), |txn, gone| txn.delete(address_key(gone)));
        let uid = record::encode(&after.uid);
        new.difference(&old).fold(txn, |txn, taken| txn.put(address_key(taken), uid.clone()))
    }

    /// All addresses that brokers have.
    pub(crate) async fn addresses(&self) -> Result<Addresses, ApiError> {
        let cursor = self.store.get(&ServiceKey::AddressCursor.to_string()).await?;
        let (entries, _) = self.range(ADDRESSES).await?;
        let taken =
            entries.into_iter().map(|entry| entry.key[ADDRESSES.len()..].to_owned()).collect();
        let cursor_revision = cursor.as_ref().map(|found| found.revision);
        let cursor = cursor
            .map(|found| record::decode(&ServiceKey::AddressCursor.to_string(), &found.value))
            .transpose()?;
        Ok(Addresses { taken, cursor, cursor_revision })
    }

    /// The part of a transaction that takes the addresses given to `record`. It conflicts where
    /// another allocation came first.
    pub(crate) fn take_addresses(seen: &Addresses, cursor: u32, record: &ManagedCluster) -> Txn {
        let mut txn =
            Txn::new().unchanged(ServiceKey::AddressCursor.to_string(), seen.cursor_revision);
        txn = txn.put(ServiceKey::AddressCursor.to_string(), record::encode(&cursor));
        for address in record.nodes.iter().filter_map(|node| node.address.as_ref()) {
            txn = txn.put(address_key(&address.endpoint()), record::encode(&record.uid));
        }
        txn
    }

    /// An operation by its key.
    pub(crate) async fn operation(&self, key: &str) -> Result<Option<OperationRecord>, ApiError> {
        let Some(found) = self.store.get(key).await? else { return Ok(None) };
        record::decode(key, &found.value).map(Some)
    }

    /// The operations of a cluster with their keys, newest first.
    pub(crate) async fn operations(
        &self,
        uid: &ClusterUid,
    ) -> Result<Vec<(String, OperationRecord)>, ApiError> {
        let (entries, _) = self.range(&operations_of(uid)).await?;
        let decode = |entry: Entry| {
            record::decode(&entry.key, &entry.versioned.value)
                .map(|operation| (entry.key, operation))
        };
        entries.into_iter().rev().map(decode).collect()
    }

    /// Everything below a prefix, and the revision of the first page.
    async fn range(&self, prefix: &str) -> Result<(Vec<Entry>, Revision), ApiError> {
        Ok(read_range(&*self.store, prefix).await?)
    }

    /// Applies a transaction. False when a precondition does not hold.
    async fn commit(&self, txn: Txn) -> Result<bool, ApiError> {
        let outcome = milena_store::commit(&*self.store, &self.runtime, txn).await?;
        Ok(outcome.committed().is_some())
    }
}
