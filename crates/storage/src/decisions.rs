//! What storage must get decided by somebody all brokers believe.
//!
//! [`Decisions`] is deliberately small: opaque keys and values, each with the revision of its last
//! change, and transactions that happen wholly or not at all. What the keys mean and which
//! transactions there are is storage's own ([`crate::ledger`]); the broker implements this trait on
//! its metadata store.
//!
//! Rules every implementation keeps:
//!  - reads are linearizable: a read that starts after a transaction was answered sees it;
//!  - a transaction either meets all expectations and applies all changes, or changes nothing;
//!  - revisions only rise, and a key that was deleted and put again has a higher revision than
//!    before;
//!  - when the outcome is not known the error is [`DecisionError::Unavailable`], never `Conflict`;
//!    storage then reads back what happened before it does anything else.

mod memory;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use milena_types::Revision;

pub use memory::MemoryDecisions;

/// A key with its value and the revision of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A text path, below a prefix that the implementation adds.
    pub key: String,
    /// The value, opaque to everybody but storage.
    pub value: Bytes,
    /// The revision of the last change of this key.
    pub revision: Revision,
}

/// A condition a transaction depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no such key.
    Absent(String),
    /// The last change of the key was at this revision.
    At(String, Revision),
}

/// Changes that happen together, if all expectations are met. No key occurs twice among `put` and
/// `delete`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    /// What must hold.
    pub expect: Vec<Expect>,
    /// Keys to set.
    pub put: Vec<(String, Bytes)>,
    /// Keys to remove; a key that is absent already is no error.
    pub delete: Vec<String>,
}

/// Why a decision was not made.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum DecisionError {
    /// An expectation did not hold; nothing was changed.
    #[error("somebody else decided first: read again and decide anew")]
    Conflict,
    /// The store did not answer; a transaction may or may not have happened.
    #[error("the metadata store is not available ({0}): try again when it is back")]
    Unavailable(String),
}

/// See the module's documentation for the rules.
#[async_trait::async_trait]
pub trait Decisions: Send + Sync + 'static {
    /// The entry at `key`.
    async fn read(&self, key: &str) -> Result<Option<Entry>, DecisionError>;
    /// All entries whose keys start with `prefix`, in key order.
    async fn range(&self, prefix: &str) -> Result<Vec<Entry>, DecisionError>;
    /// Applies the transaction; answers its revision.
    async fn txn(&self, txn: Txn) -> Result<Revision, DecisionError>;
    /// How many expectations and changes one transaction may have, together.
    fn ops_max(&self) -> usize {
        128
    }
}
