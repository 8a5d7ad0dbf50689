//! The metadata store's interface and guarantees, which can also be implemented on etcd.

use std::{fmt, ops, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use milena_types::Revision;

/// A linearizable key-value store.
///
/// # Rules
///
/// - Keys are text paths without a leading slash (`clusters/abc/metadata/topics/t`), at most 4 KiB;
///   values are bytes. A key is never empty. Keys are ordered by their UTF-8 bytes.
/// - Every committed transaction that changes anything has a [`Revision`] of its own, greater than
///   all before it. The revision of an empty store is 0.
/// - Reads are linearizable: they see every transaction that was acknowledged before the read
///   began.
/// - A transaction is atomic, its preconditions included. A key stands at most once among the puts
///   and the deletes of one transaction, nor may a deleted prefix cover a key that is put.
/// - A transaction has at most [`Limits::ops`] preconditions, at most as many puts and deletes
///   together, and at most [`Limits::bytes`] of keys and values. Every store takes [`Limits::MIN`]
///   (what etcd takes without configuration); a caller with more to do asks
///   [`MetadataStore::limits`] and cuts its work into transactions that are each correct alone
///   ([`TxnPacker`](crate::TxnPacker)).
/// - After [`StoreError::OutcomeUnknown`] the transaction may have been applied or not, and the
///   caller must find out before it does anything else, as [`commit`](crate::commit()) does. Every
///   other error of [`MetadataStore::txn`] means that it was not applied and never will be.
/// - A key put with a lease is deleted when the lease ends: by [`MetadataStore::revoke`], or once
///   its time to live has passed without a [`MetadataStore::keep_alive`]. A put without a lease
///   detaches the key from its lease. Time is the store's own and monotonic. After a restart of the
///   store every lease gets its whole time again.
/// - All futures are cancel-safe, in the sense that a cancelled transaction is one whose outcome is
///   unknown.
#[async_trait]
pub trait MetadataStore: Send + Sync + 'static {
    /// The value of `key`, unless there is none.
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError>;

    /// Up to `limit` entries whose keys start with `prefix`, in order of their keys, beginning
    /// behind `after`.
    ///
    /// One page is a snapshot; several pages are not. Who needs one state reads all pages and then
    /// follows a [`MetadataStore::watch`] from the *first* page's revision.
    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError>;

    /// Applies `txn` if all its preconditions hold, else reports the first that does not.
    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError>;

    /// Follows all changes to keys that start with `prefix`, from the first revision greater than
    /// `after`. A store may be told to leave keys out of all watches.
    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError>;

    /// Opens a lease of `ttl`, at least a millisecond (etcd: rounded up to whole seconds).
    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError>;

    /// Gives `lease` its whole time again. [`StoreError::LeaseNotFound`] if it has ended.
    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError>;

    /// Ends `lease` and deletes its keys. No error if it has ended already.
    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError>;

    /// The limits of one transaction.
    fn limits(&self) -> Limits {
        Limits::MIN
    }
}

/// Changes to the keys below a prefix, in order of their revisions, each once.
#[async_trait]
pub trait Watch: Send {
    /// Waits for the next change. All changes of one revision come in one batch. An empty batch
    /// says that nothing else below the prefix has changed up to its revision: at once up to the
    /// store's revision when the watch began, and while only other keys change not more often than
    /// each [`PROGRESS_INTERVAL`], nor much less often. Cancel-safe: nothing is lost when the
    /// future is dropped.
    async fn next(&mut self) -> Result<EventBatch, WatchError>;
}

/// How often a watch says how far it has come while nothing changes that it shows.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// The limits of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Preconditions, and puts and deletes.
    pub ops: usize,
    /// Keys and values together, in bytes.
    pub bytes: usize,
}

impl Limits {
    /// Limits that every store supports: etcd's, less the overhead that etcd adds to a request.
    pub const MIN: Self = Self { ops: 128, bytes: 1 << 20 };
}

/// The size of a transaction, as [`Limits`] count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxnSize {
    /// Puts and deletes.
    pub ops: usize,
    pub preconditions: usize,
    /// Keys and values together, in bytes.
    pub bytes: usize,
}

impl TxnSize {
    pub fn fits(self, limits: Limits) -> bool {
        self.ops <= limits.ops && self.preconditions <= limits.ops && self.bytes <= limits.bytes
    }
}

impl ops::Add for TxnSize {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            ops: self.ops + other.ops,
            preconditions: self.preconditions + other.preconditions,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl fmt::Display for TxnSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ops, preconditions, bytes } = self;
        write!(f, "{ops} operations, {preconditions} preconditions, {bytes} bytes")
    }
}

/// A transaction breaks a rule of the store: a bug of whoever built it. Nothing was changed, and
/// the same transaction is refused whenever it is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a metadata transaction of {size} is invalid: {reason}; this is a bug, please report it")]
pub struct InvalidTxn {
    pub size: TxnSize,
    pub reason: String,
}

/// A value, as bytes or decoded, with its revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versioned<T = Bytes> {
    pub value: T,
    /// The revision of the last put.
    pub revision: Revision,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub versioned: Versioned,
}

/// A part of a range, as it was at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries in order of their keys.
    pub entries: Vec<Entry>,
    /// The store's revision that they were read at.
    pub revision: Revision,
    /// Whether there are more behind the last one.
    pub more: bool,
}

/// A condition that must hold for a transaction to be applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Precondition {
    /// There is no such key.
    Absent(String),
    /// The key exists, whatever its value.
    Exists(String),
    /// The key's last put has this revision.
    At(String, Revision),
    /// No key starts with this.
    PrefixAbsent(String),
}

impl Precondition {
    /// The key, or the prefix, that it is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Absent(key) | Self::Exists(key) | Self::At(key, _) | Self::PrefixAbsent(key) => {
                key
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    pub key: String,
    pub value: Bytes,
    /// The lease that the key ends with.
    pub lease: Option<LeaseId>,
}

/// Preconditions and, if all hold, changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    pub preconditions: Vec<Precondition>,
    pub puts: Vec<Put>,
    /// Keys to delete; those that do not exist are passed over.
    pub deletes: Vec<String>,
    /// Prefixes whose keys are all deleted. Each counts as one operation.
    pub delete_prefixes: Vec<String>,
    /// It must not wait until others' transactions have room: brokers live or are failed over by it.
    pub vital: bool,
}

impl Txn {
    /// A transaction that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires that `key` does not exist.
    #[must_use]
    pub fn absent(mut self, key: impl Into<String>) -> Self {
        self.preconditions.push(Precondition::Absent(key.into()));
        self
    }

    /// Requires that `key` exists.
    #[must_use]
    pub fn exists(mut self, key: impl Into<String>) -> Self {
        self.preconditions.push(Precondition::Exists(key.into()));
        self
    }

    /// Requires that `key` was last put at `revision`.
    #[must_use]
    pub fn at(mut self, key: impl Into<String>, revision: Revision) -> Self {
        self.preconditions.push(Precondition::At(key.into(), revision));
        self
    }

    /// Requires that `key` is as it was read: at that revision, or absent.
    #[must_use]
    pub fn unchanged(self, key: impl Into<String>, seen: Option<Revision>) -> Self {
        match seen {
            Some(revision) => self.at(key, revision),
            None => self.absent(key),
        }
    }

    /// Requires that no key starts with `prefix`.
    #[must_use]
    pub fn prefix_absent(mut self, prefix: impl Into<String>) -> Self {
        self.preconditions.push(Precondition::PrefixAbsent(prefix.into()));
        self
    }

    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.puts.push(Put { key: key.into(), value: value.into(), lease: None });
        self
    }

    /// Writes `key`, to be deleted when `lease` ends. [`StoreError::LeaseNotFound`] if it has
    /// ended.
    #[must_use]
    pub fn put_leased(
        mut self,
        key: impl Into<String>,
        value: impl Into<Bytes>,
        lease: LeaseId,
    ) -> Self {
        self.puts.push(Put { key: key.into(), value: value.into(), lease: Some(lease) });
        self
    }

    /// Deletes `key` if it exists.
    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.deletes.push(key.into());
        self
    }

    /// Deletes all keys that start with `prefix`.
    #[must_use]
    pub fn delete_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.delete_prefixes.push(prefix.into());
        self
    }

    /// Does not wait behind the transactions that requests make.
    #[must_use]
    pub fn vital(self) -> Self {
        Self { vital: true, ..self }
    }

    /// Puts and deletes.
    pub fn ops(&self) -> usize {
        self.puts.len() + self.deletes.len() + self.delete_prefixes.len()
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.preconditions.iter().map(|precondition| precondition.key().len()).sum::<usize>()
            + self.puts.iter().map(|p| p.key.len() + p.value.len()).sum::<usize>()
            + self.deletes.iter().map(String::len).sum::<usize>()
            + self.delete_prefixes.iter().map(String::len).sum::<usize>()
    }

    /// What counts against [`Limits`].
    pub fn size(&self) -> TxnSize {
        let preconditions = self.preconditions.len();
        TxnSize { ops: self.ops(), preconditions, bytes: self.bytes() }
    }

    /// Checks this transaction against the rules of [`MetadataStore`], for implementations.
    pub fn check(&self, limits: Limits) -> Result<(), StoreError> {
        let size = self.size();
        let invalid = |reason| Err(StoreError::Invalid(InvalidTxn { size, reason }));
        if !size.fits(limits) {
            let Limits { ops, bytes } = limits;
            return invalid(format!(
                "at most {ops} operations, {ops} preconditions and {bytes} bytes fit into one"
            ));
        }
        let mut keys: Vec<&str> = self.puts.iter().map(|p| p.key.as_str()).collect();
        keys.extend(self.deletes.iter().map(String::as_str));
        if let Some(key) = keys.iter().find(|k| k.is_empty() || k.len() > MAX_KEY_BYTES) {
            return invalid(format!("a key of {} bytes; use 1 to {MAX_KEY_BYTES}", key.len()));
        }
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return invalid(format!("'{}' is changed twice in one transaction", pair[0]));
        }
        for prefix in &self.delete_prefixes {
            let first = keys.partition_point(|key| *key < prefix.as_str());
            if let Some(key) = keys.get(first).filter(|key| key.starts_with(prefix.as_str())) {
                return invalid(format!(
                    "'{key}' is changed and also below the deleted prefix '{prefix}'"
                ));
            }
        }
        Ok(())
    }
}

const MAX_KEY_BYTES: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum TxnOutcome {
    Committed(Committed),
    /// A precondition did not hold; nothing was changed.
    Conflict(Conflict),
}

impl TxnOutcome {
    /// The revision, if it was applied.
    pub fn committed(&self) -> Option<Revision> {
        match self {
            Self::Committed(c) => Some(c.revision),
            Self::Conflict(_) => None,
        }
    }
}

/// A transaction that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its revision; the store's current one if it changed nothing.
    pub revision: Revision,
}

/// The first precondition that did not hold. Which one it was is advice: another may have failed as
/// well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its place among the preconditions, from 0.
    pub index: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Put(Entry),
    /// It was deleted, by a transaction or because its lease ended.
    Delete {
        key: String,
    },
}

impl Event {
    pub fn key(&self) -> &str {
        match self {
            Self::Put(entry) => &entry.key,
            Self::Delete { key } => key,
        }
    }
}

/// All changes of one revision below the watched prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBatch {
    pub revision: Revision,
    /// The changes, in no particular order.
    pub events: Vec<Event>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LeaseId(pub u64);

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// Why a watch ended. It is over then; make another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The changes asked for are no longer kept.
    #[error(
        "changes after revision {after} are no longer kept; read the range again and watch from \
         there"
    )]
    Compacted { after: Revision },
    #[error("the metadata store is closed")]
    Closed,
    /// The store cannot be reached for now.
    #[error(
        "the metadata store is not available ({reason}); watch again from the last revision seen"
    )]
    Unavailable { reason: String },
}

/// Why a request to the store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Invalid(#[from] InvalidTxn),
    /// The lease has ended. Nothing was changed.
    #[error("lease {0} has ended; grant a new one and register again")]
    LeaseNotFound(LeaseId),
    /// The disk is full. Nothing was changed, and reads still work.
    #[error("no space left for the metadata store ({reason}); free some and it resumes by itself")]
    NoSpace { reason: String },
    /// It may work later. Nothing was changed.
    #[error("the metadata store is not available: {reason}")]
    Unavailable { reason: String },
    /// The change may have been applied, or not.
    #[error("the outcome of a metadata change is unknown ({reason}); read it back first")]
    OutcomeUnknown { reason: String },
    /// The store holds something that it did not write.
    #[error("the metadata store is damaged: {reason}")]
    Corrupt { reason: String },
    #[error("the metadata store is closed")]
    Closed,
}
