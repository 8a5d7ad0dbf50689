//! Storage's own records in the metadata store. Their keys are in `keys.rs`, their contents in
//! `records.rs`, the transactions in the files beside this one.
//!
//! Invariants: a sealed epoch changes nothing: every transaction but the one that opens an epoch
//! requires `live/` of its writer, which the seal deletes; a flush commits only on the expected floor
//! and by the expected flusher; a manifest changes only from the revision last read, by a leader whose epoch is not older than the
//! record's; the count in `objects/` is the number of flush records' partitions and manifests that
//! name the object; an unknown outcome is resolved before anything else.

use milena_runtime::Runtime;
use milena_store::{
    COMMIT_ATTEMPTS, COMMIT_BACKOFF, Codec, Conflict, DecodeError, Entry, InvalidTxn, Keyspace,
    Layout, Precondition, RecordError, Records, StoreError, Txn, TxnOutcome, Versioned,
};
use milena_types::{BrokerEpoch, BrokerId, LeaderEpoch, Revision, TopicPartition};
use serde::{Serialize, de::DeserializeOwned};

use super::{keys::StorageKey, records::LogId};

/// The format of storage's records.
const CODEC: Codec = Codec::new(Layout::Level, 1);

/// Why a change of the catalog was not made, or a record not read.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum CatalogError {
    /// Another writer changed the record first.
    #[error("'{0}' was changed by another writer: read it again and repeat the change")]
    Conflict(String),
    /// Another broker has sealed the epoch in which this is written.
    #[error(
        "epoch {epoch} of broker {broker} is sealed and changes nothing any more: register again"
    )]
    EpochSealed { broker: BrokerId, epoch: BrokerEpoch },
    /// A newer leader has taken the partition.
    #[error(
        "leader epoch {ours} of {partition} is over, {theirs} has begun: this broker no longer \
         leads it"
    )]
    Fenced {
        partition: TopicPartition,
        /// The epoch of the caller.
        ours: LeaderEpoch,
        /// The epoch in the record.
        theirs: LeaderEpoch,
    },
    /// The store has no space. Nothing was changed.
    #[error(transparent)]
    NoSpace(StoreError),
    /// The store cannot be reached. Nothing was changed.
    #[error("the metadata store is not available ({0}): try again when it is back")]
    Unavailable(String),
    /// The change may have been made, or may still be. Read the records again before changing them,
    /// and undo nothing that it refers to: every change here may be repeated.
    #[error(
        "the outcome of a change in the metadata store is unknown ({0}): try again when it is back"
    )]
    OutcomeUnknown(String),
    /// The change is not one that the store takes: a bug, and no reason to try it again.
    #[error(transparent)]
    Invalid(InvalidTxn),
    /// The store is damaged. Nothing was changed.
    #[error(transparent)]
    Store(StoreError),
    /// A record that this release cannot read.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
}

impl From<StoreError> for CatalogError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OutcomeUnknown { reason } => Self::OutcomeUnknown(reason),
            StoreError::NoSpace { .. } => Self::NoSpace(error),
            StoreError::Unavailable { .. } | StoreError::Closed => {
                Self::Unavailable(error.to_string())
            }
            StoreError::Invalid(error) => Self::Invalid(error),
            StoreError::LeaseNotFound(_) | StoreError::Corrupt { .. } => Self::Store(error),
        }
    }
}

impl From<RecordError> for CatalogError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Store(error) => error.into(),
            RecordError::Decode(error) => error.into(),
        }
    }
}

/// Storage's records, as one broker epoch reads and changes them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StorageCatalog {
    records: Records,
    pub(super) runtime: Runtime,
    pub(super) broker: BrokerId,
    pub(super) epoch: BrokerEpoch,
    /// Whether transactions require that the epoch is not sealed. Tests write without one.
    requires_live: bool,
}

impl StorageCatalog {
    pub(crate) fn new(
        keyspace: Keyspace,
        runtime: Runtime,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> Self {
        let records = Records::new(keyspace, CODEC, runtime.clone());
        Self { records, runtime, broker, epoch, requires_live: true }
    }

    /// One that writes although its epoch was never opened.
    #[cfg(test)]
    pub(crate) fn without_epoch(self) -> Self {
        Self { requires_live: false, ..self }
    }

    /// The most preconditions of a transaction, and the most changes, besides that the epoch is not
    /// sealed.
    pub(crate) fn ops_max(&self) -> usize {
        self.records.limits().ops - 1
    }

    /// The length of a transaction's keys and values, at most.
    pub(crate) fn txn_bytes_max(&self) -> usize {
        self.records.limits().bytes
    }

    /// The log this catalog's owner writes.
    pub(crate) fn own(&self) -> LogId {
        LogId { broker: self.broker, epoch: self.epoch }
    }

    /// Applies a transaction, unless this epoch is sealed, and returns its revision. Retries for a
    /// moment while the store is unavailable.
    pub(super) async fn commit(&self, mut txn: Txn) -> Result<Revision, CatalogError> {
        if !self.requires_live {
            return self.commit_unsealed(txn, |_| false).await;
        }
        let live = Precondition::Exists(StorageKey::Live(self.own()).to_string());
        // The first, since the first that does not hold is named.
        txn.preconditions.insert(0, live);
        self.commit_unsealed(txn, |conflict| conflict.index == 0).await
    }

    /// Applies a transaction whatever became of this epoch. `is_sealed`: what of its conflicts says
    /// that it is sealed.
    pub(super) async fn commit_unsealed(
        &self,
        txn: Txn,
        is_sealed: impl Fn(&Conflict) -> bool,
    ) -> Result<Revision, CatalogError> {
        let first = txn.puts.first().map(|put| &put.key).or(txn.deletes.first());
        let name = first.cloned().unwrap_or_default();
        let mut attempt = 1;
        loop {
            match self.records.commit(txn.clone()).await {
                Ok(TxnOutcome::Committed(committed)) => return Ok(committed.revision),
                Ok(TxnOutcome::Conflict(conflict)) if is_sealed(&conflict) => {
                    let (broker, epoch) = (self.broker, self.epoch);
                    return Err(CatalogError::EpochSealed { broker, epoch });
                }
                Ok(TxnOutcome::Conflict(_)) => return Err(CatalogError::Conflict(name)),
                Err(StoreError::Unavailable { .. } | StoreError::NoSpace { .. })
                    if attempt < COMMIT_ATTEMPTS =>
                {
                    self.runtime.sleep(COMMIT_BACKOFF.pause(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn put<T: Serialize>(&self, txn: Txn, key: impl Into<String>, record: &T) -> Txn {
        txn.put(key, self.records.value(record))
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        key: StorageKey<'_>,
    ) -> Result<Option<Versioned<T>>, CatalogError> {
        self.get_at(&key.to_string()).await
    }

    /// Like [`StorageCatalog::get`], at a key that [`StorageCatalog::range`] returned.
    pub(super) async fn get_at<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<T>>, CatalogError> {
        Ok(self.records.get(key).await?)
    }

    pub(super) async fn exists(&self, key: StorageKey<'_>) -> Result<bool, CatalogError> {
        Ok(self.records.revision(&key.to_string()).await?.is_some())
    }

    pub(super) async fn range<T: DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, Versioned<T>)>, CatalogError> {
        Ok(self.records.range(prefix).await?)
    }

    /// Like [`StorageCatalog::range`], unread: see [`StorageCatalog::decode`].
    pub(super) async fn entries(&self, prefix: &str) -> Result<Vec<Entry>, CatalogError> {
        Ok(self.records.entries(prefix).await?.0)
    }

    pub(super) fn decode<T: DeserializeOwned>(
        &self,
        entries: Vec<Entry>,
    ) -> Result<Vec<(String, Versioned<T>)>, CatalogError> {
        let decoded = entries.into_iter().map(|entry| {
            let versioned = self.records.decode(&entry)?;
            Ok((entry.key, versioned))
        });
        decoded.collect()
    }
}

pub(super) fn damaged(key: &str, reason: &str) -> CatalogError {
    DecodeError::Damaged { key: key.to_owned(), reason: reason.to_owned() }.into()
}

/// Checks that a record of this kind that can be read is the same when written and read again.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn check_record(kind: u8, value: &[u8]) {
    use super::records;

    fn check<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(value: &[u8]) {
        if let Ok(record) = CODEC.decode::<T>("key", value) {
            let written = CODEC.encode(&record);
            let read = CODEC.decode::<T>("key", &written);
            assert_eq!(read.expect("what was written can be read"), record);
        }
    }
    match kind % 8 {
        0 => check::<records::WalRecord>(value),
        1 => check::<records::FlushRecord>(value),
        2 => check::<records::ManifestRecord>(value),
        3 => check::<records::UploadRecord>(value),
        4 => check::<records::ObjectRecord>(value),
        5 => check::<records::GarbageRecord>(value),
        6 => check::<records::DeletedRecord>(value),
        _ => check::<records::RetiredRecord>(value),
    }
}
