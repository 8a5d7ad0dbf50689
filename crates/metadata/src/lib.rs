//! A cluster's records in the metadata store, and the copy of them that every broker keeps in
//! memory.
//!
//!  - [`ClusterMetadata`]: one cluster's records (topics, partitions, brokers, configuration) and
//!    the transactions that change them. Safe for any caller: an outdated one fails a precondition.
//!  - [`MetadataImage`]: an immutable snapshot of those records, kept current by [`ImageWatcher`]
//!    from one watch.
//!  - [`plan()`]: the controller's changes, a pure function of the image.
//!
//! Not here: the store itself (`milena-store`), storage's records (it has its own keys below the
//! cluster's, see [`storage_prefix`]) and the service's.

mod cluster;
mod controller;
mod image;
#[cfg(test)]
mod testing;

pub use cluster::{
    AppliedChanges, BrokerLife, ClusterMetadata, ClusterRecord, Configs, CreatedTopic, Handover,
    ListenerRecord, Lives, MetadataError, MovedLeaders, NewBroker, NewTopic, PartitionChange,
    PartitionRecord, Placement, Registration, cluster_prefix, is_storage_key, storage_prefix,
};
pub use controller::{Plan, PlanOptions, missing_leaders, plan, plan_departure};
#[cfg(any(test, feature = "testing"))]
pub use image::fuzzing::metadata_records;
pub use image::{ImageWatcher, MetadataImage, PartitionImage, TopicImage};
