//! The cluster as clients see it: versions, metadata, brokers, replicas.

mod alter_partition_reassignments;
pub(crate) mod api_versions;
pub(crate) mod apis;
mod describe_cluster;
mod describe_log_dirs;
mod describe_topic_partitions;
mod elect_leaders;
mod list_partition_reassignments;
mod metadata;
mod partition_view;

use self::apis::ClusterApis;
use super::handled::family;

family!(ClusterApis:
    metadata,
    api_versions,
    describe_cluster,
    describe_topic_partitions,
    describe_log_dirs,
    elect_leaders,
    alter_partition_reassignments,
    list_partition_reassignments,
);
