//! The metadata store: a linearizable key-value store with transactions, watches and leases, for
//! every decision that must outlive a process; and records in it.
//!
//!  - [`MetadataStore`] is the trait; [`EmbeddedStore`] keeps it in one local file; `conformance`
//!    is the tests of every implementation.
//!  - [`Codec`] writes records with their format level, [`Pages`] reads a range, [`commit()`] finds
//!    out about a transaction whose outcome is unknown, [`TxnPacker`] cuts work into transactions
//!    that fit the store's limits, [`Records`] puts these together for one owner of a prefix.
//!
//! Not here: the keys and records. Metadata, storage and the service each have their own.

mod codec;
mod commit;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod embedded;
#[cfg(any(test, feature = "testing"))]
mod faults;
#[cfg(any(test, feature = "testing"))]
mod memory;
mod range;
mod records;
mod store;
mod txn_packer;
mod watch_position;

pub use codec::{Codec, DecodeError, Layout};
pub use commit::{ATTEMPTS as COMMIT_ATTEMPTS, BACKOFF as COMMIT_BACKOFF, commit, send};
pub use embedded::{EmbeddedOptions, EmbeddedStore};
#[cfg(any(test, feature = "testing"))]
pub use embedded::{OpenFile, SteppedStore};
#[cfg(any(test, feature = "testing"))]
pub use faults::FaultyStore;
#[cfg(any(test, feature = "testing"))]
pub use memory::{Change, MemoryStore};
pub use range::{Pages, read_range};
pub use records::{Keyspace, RecordError, Records};
#[cfg(any(test, feature = "testing"))]
pub use redb::{BackendError, StorageBackend};
pub use store::{
    Committed, Conflict, Entry, Event, EventBatch, InvalidTxn, LeaseId, Limits, MetadataStore,
    PROGRESS_INTERVAL, Page, Precondition, Put, StoreError, Txn, TxnOutcome, TxnSize, Versioned,
    Watch, WatchError,
};
pub use txn_packer::{PackedTxn, TxnPacker};
