//! Kafka's APIs, a file each. A file's doc says which versions it answers and how it behaves.
//!
//! A handler is `pub(crate) async fn handle(context: &RequestContext, broker: &BrokerShared, request: XRequest)
//! -> XResponse` and gets one line in [`crate::dispatch`]'s table. It works on every version that any Kafka release
//! offers: fields that a version lacks have the schema's default, and are dropped from the response.
//! `context.api_version` says which version it is where behaviour differs.

pub(crate) mod alter_configs;
pub(crate) mod alter_partition_reassignments;
pub(crate) mod api_versions;
mod config_changes;
mod config_resources;
#[cfg(test)]
mod config_testing;
pub(crate) mod create_partitions;
pub(crate) mod create_topics;
pub(crate) mod delete_groups;
pub(crate) mod delete_records;
pub(crate) mod delete_topics;
pub(crate) mod describe_cluster;
pub(crate) mod describe_configs;
pub(crate) mod describe_groups;
pub(crate) mod describe_log_dirs;
pub(crate) mod describe_topic_partitions;
pub(crate) mod elect_leaders;
mod epochs;
pub(crate) mod fetch;
pub(crate) mod find_coordinator;
pub(crate) mod heartbeat;
pub(crate) mod incremental_alter_configs;
pub(crate) mod init_producer_id;
pub(crate) mod join_group;
pub(crate) mod leave_group;
pub(crate) mod list_groups;
pub(crate) mod list_offsets;
pub(crate) mod list_partition_reassignments;
pub(crate) mod metadata;
pub(crate) mod offset_commit;
pub(crate) mod offset_delete;
pub(crate) mod offset_fetch;
pub(crate) mod offset_for_leader_epoch;
mod partition_view;
pub(crate) mod produce;
pub(crate) mod sync_group;
