//! Everything that must be decided once and remembered: the metadata store, a cluster's records in
//! it, and the copy of them that every broker keeps in memory.
//!
//! Three layers, each usable without the one above:
//!  - [`MetadataStore`]: a linearizable key-value store with transactions, watches and leases.
//!    [`EmbeddedStore`] keeps it in one local file; [`conformance`] is what every implementation
//!    must pass.
//!  - [`ClusterMetadata`]: one cluster's records (topics, partitions, brokers, configuration) and
//!    the transactions that change them. Safe whoever calls it: a mistaken or outdated caller fails
//!    a precondition.
//!  - [`MetadataImage`]: an immutable snapshot of those records, kept current by [`ImageWatcher`]
//!    from one watch.
//!
//! Not here: what storage records (it has its own keys below the cluster's, see [`storage_prefix`])
//! and what the service wants of clusters.

mod cluster;
mod controller;
mod embedded;
mod image;
mod store;
#[cfg(test)]
mod testing;

pub mod conformance;

pub use cluster::{
    AppliedChanges, BrokerRecord, ClusterMetadata, ClusterRecord, Configs, ConfigsRecord,
    ControllerRecord, CreatedTopic, DeletedTopicRecord, Held, Holdings, ListenerRecord,
    MetadataError, MovedLeaders, NewBroker, NewTopic, NodeRecord, PartitionChange, PartitionRecord,
    Placement, PlannedTopic, Reassignment, Registration, Seen, ServingRecord, TakenLeadership,
    TopicRecord, cluster_prefix, spread_replicas, storage_prefix,
};
pub use controller::{Plan, PlanOptions, missing_leaders, plan, plan_departure};
pub use embedded::{EmbeddedOptions, EmbeddedStore, OpenError};
#[cfg(any(test, feature = "testing"))]
pub use image::fuzzing::metadata_records;
pub use image::{ImageClosed, ImageWatcher, MetadataImage, PartitionImage, TopicImage};
pub use store::{
    Committed, Conflict, Entry, Event, EventBatch, LeaseId, Limits, MetadataStore, Page,
    Precondition, Put, StoreError, Txn, TxnOutcome, Versioned, Watch, WatchError,
};
