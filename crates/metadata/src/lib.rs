//! What a cluster's brokers agree on: its records in the metadata store, and the copy of them that
//! every broker keeps in memory.
//!
//!  - [`ClusterMetadata`]: one cluster's records (topics, partitions, brokers, configuration) and
//!    the transactions that change them. Safe whoever calls it: a mistaken or outdated caller fails
//!    a precondition.
//!  - [`MetadataImage`]: an immutable snapshot of those records, kept current by [`ImageWatcher`]
//!    from one watch.
//!  - [`plan()`]: what the controller would change, a pure function of the image.
//!
//! Not here: the store itself (`milena-store`), what storage records (it has its own keys below the
//! cluster's, see [`storage_prefix`]) and what the service wants of clusters.

mod cluster;
mod controller;
mod image;
#[cfg(test)]
mod testing;

pub use cluster::{
    AppliedChanges, AssignedPartitions, BrokerAssignments, BrokerRecord, ClusterMetadata,
    ClusterRecord, Configs, ConfigsRecord, ControllerRecord, CreatedTopic, DeletedTopicRecord,
    ListenerRecord, MetadataError, MovedLeaders, NewBroker, NewTopic, NodeRecord, PartitionChange,
    PartitionRecord, Placement, PlannedTopic, Reassignment, Registration, ServingRecord,
    TakenLeadership, TopicRecord, cluster_prefix, spread_replicas, storage_prefix,
};
pub use controller::{Plan, PlanOptions, missing_leaders, plan, plan_departure};
#[cfg(any(test, feature = "testing"))]
pub use image::fuzzing::metadata_records;
pub use image::{ImageClosed, ImageWatcher, MetadataImage, PartitionImage, TopicImage};
