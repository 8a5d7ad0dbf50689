//! The metadata store: a linearizable key-value store with transactions, watches and leases, which
//! keeps every decision that must outlive a process.
//!
//! [`MetadataStore`] is the trait, [`EmbeddedStore`] keeps it in one local file, and
//! [`conformance`] is what every implementation must pass.
//!
//! Not here: what the keys and values mean. Metadata, storage and the service each own theirs.

mod embedded;
mod store;

pub mod conformance;

pub use embedded::{EmbeddedOptions, EmbeddedStore, OpenError};
pub use store::{
    Committed, Conflict, Entry, Event, EventBatch, LeaseId, Limits, MetadataStore, Page,
    Precondition, Put, StoreError, Txn, TxnOutcome, Versioned, Watch, WatchError,
};
