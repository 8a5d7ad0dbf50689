//! The cluster as clients see it: versions, metadata, brokers, replicas.

pub(crate) mod alter_partition_reassignments;
pub(crate) mod api_versions;
pub(crate) mod describe_cluster;
pub(crate) mod describe_log_dirs;
pub(crate) mod describe_topic_partitions;
pub(crate) mod elect_leaders;
pub(crate) mod list_partition_reassignments;
pub(crate) mod metadata;
mod partition_view;
