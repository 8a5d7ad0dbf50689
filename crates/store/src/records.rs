//! [`Records`]: typed access to the records below a prefix, for one owner.

use std::sync::Arc;

use bytes::Bytes;
use milena_runtime::Runtime;
use milena_types::Revision;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec::{Codec, DecodeError},
    commit::commit,
    range::read_range,
    store::{Entry, Limits, MetadataStore, Precondition, StoreError, Txn, TxnOutcome, Versioned},
};

/// The keys below a prefix of a store.
#[derive(Clone)]
pub struct Keyspace {
    store: Arc<dyn MetadataStore>,
    prefix: String,
}

impl Keyspace {
    /// The keys below `prefix`, which ends with a slash; all keys if it is empty.
    pub fn new(store: Arc<dyn MetadataStore>, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        assert!(prefix.is_empty() || prefix.ends_with('/'), "a prefix of keys ends with a slash");
        Self { store, prefix }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn txn(&self, mut txn: Txn) -> Txn {
        if self.prefix.is_empty() {
            return txn;
        }
        for precondition in &mut txn.preconditions {
            match precondition {
                Precondition::Absent(key)
                | Precondition::Exists(key)
                | Precondition::At(key, _)
                | Precondition::PrefixAbsent(key) => *key = self.key(key),
            }
        }
        txn.puts.iter_mut().for_each(|put| put.key = self.key(&put.key));
        for key in txn.deletes.iter_mut().chain(&mut txn.delete_prefixes) {
            *key = self.key(key);
        }
        txn
    }
}

/// Why a record was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// One owner's records: keys are those below its prefix. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    keyspace: Arc<Keyspace>,
    codec: Codec,
    runtime: Runtime,
}

impl Records {
    /// The records in `keyspace`, written with `codec`.
    pub fn new(keyspace: Keyspace, codec: Codec, runtime: Runtime) -> Self {
        Self { keyspace: Arc::new(keyspace), codec, runtime }
    }

    /// The store that they are in.
    pub fn store(&self) -> &Arc<dyn MetadataStore> {
        &self.keyspace.store
    }

    /// The limits of one transaction.
    pub fn limits(&self) -> Limits {
        self.keyspace.store.limits()
    }

    /// The record as it is put.
    pub fn value<T: Serialize>(&self, record: &T) -> Bytes {
        self.codec.encode(record)
    }

    /// Decodes the value of `entry`.
    pub fn decode<T: DeserializeOwned>(&self, entry: &Entry) -> Result<Versioned<T>, DecodeError> {
        let Versioned { value, revision } = &entry.versioned;
        Ok(Versioned { value: self.codec.decode(&entry.key, value)?, revision: *revision })
    }

    /// The record at `key`, unless there is none.
    pub async fn get<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<T>>, RecordError> {
        let Some(found) = self.keyspace.store.get(&self.keyspace.key(key)).await? else {
            return Ok(None);
        };
        let value = self.codec.decode(key, &found.value)?;
        Ok(Some(Versioned { value, revision: found.revision }))
    }

    /// The revision of the last put of `key`, unless there is none.
    pub async fn revision(&self, key: &str) -> Result<Option<Revision>, StoreError> {
        let found = self.keyspace.store.get(&self.keyspace.key(key)).await?;
        Ok(found.map(|found| found.revision))
    }

    /// The entries whose keys start with `prefix` in key order, with their keys below this owner's
    /// prefix: not one state. And the revision of the first page, to watch from.
    pub async fn entries(&self, prefix: &str) -> Result<(Vec<Entry>, Revision), StoreError> {
        let below = self.keyspace.key(prefix);
        let (mut entries, revision) = read_range(&*self.keyspace.store, &below).await?;
        for entry in &mut entries {
            entry.key.drain(..self.keyspace.prefix.len());
        }
        Ok((entries, revision))
    }

    /// The records whose keys start with `prefix`, as [`Records::entries`].
    pub async fn range<T: DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, Versioned<T>)>, RecordError> {
        let (entries, _) = self.entries(prefix).await?;
        let decoded = entries.into_iter().map(|entry| {
            let versioned = self.decode(&entry)?;
            Ok((entry.key, versioned))
        });
        decoded.collect()
    }

    /// Applies a transaction, as [`commit`].
    pub async fn commit(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        commit(&*self.keyspace.store, &self.runtime, self.keyspace.txn(txn)).await
    }
}
