// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! The requests, responses and stored records of Kafka 2.8 to 4.3, a module each.
//!
//! Field names and defaults are the schemas'; a field's doc says its type on the wire and the versions that
//! have it. Those that `schema/compiled.txt` does not name need the feature `all-messages`, and so do the
//! lists of all, which are for tests and fuzzing.

#![allow(clippy::field_reassign_with_default, clippy::manual_range_contains, clippy::single_match)]

#[cfg(any(test, feature = "all-messages"))]
pub mod add_offsets_to_txn_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod add_offsets_to_txn_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod add_partitions_to_txn_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod add_partitions_to_txn_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod add_raft_voter_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod add_raft_voter_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod allocate_producer_ids_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod allocate_producer_ids_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_client_quotas_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_client_quotas_response;
pub mod alter_configs_request;
pub mod alter_configs_response;
pub mod alter_partition_reassignments_request;
pub mod alter_partition_reassignments_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_partition_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_partition_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_replica_log_dirs_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_replica_log_dirs_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_share_group_offsets_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_share_group_offsets_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_user_scram_credentials_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod alter_user_scram_credentials_response;
pub mod api_versions_request;
pub mod api_versions_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod assign_replicas_to_dirs_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod assign_replicas_to_dirs_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod begin_quorum_epoch_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod begin_quorum_epoch_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod broker_heartbeat_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod broker_heartbeat_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod broker_registration_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod broker_registration_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_current_member_assignment_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_current_member_assignment_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_describe_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_describe_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_heartbeat_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_heartbeat_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_member_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_member_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_partition_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_partition_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_regular_expression_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_regular_expression_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_target_assignment_member_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_target_assignment_member_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_target_assignment_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_group_target_assignment_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_protocol_assignment;
#[cfg(any(test, feature = "all-messages"))]
pub mod consumer_protocol_subscription;
#[cfg(any(test, feature = "all-messages"))]
pub mod control_record_type_schema;
#[cfg(any(test, feature = "all-messages"))]
pub mod controller_registration_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod controller_registration_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod create_acls_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod create_acls_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod create_delegation_token_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod create_delegation_token_response;
pub mod create_partitions_request;
pub mod create_partitions_response;
pub mod create_topics_request;
pub mod create_topics_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod default_principal_data;
#[cfg(any(test, feature = "all-messages"))]
pub mod delete_acls_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod delete_acls_response;
pub mod delete_groups_request;
pub mod delete_groups_response;
pub mod delete_records_request;
pub mod delete_records_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod delete_share_group_offsets_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod delete_share_group_offsets_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod delete_share_group_state_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod delete_share_group_state_response;
pub mod delete_topics_request;
pub mod delete_topics_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_acls_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_acls_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_client_quotas_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_client_quotas_response;
pub mod describe_cluster_request;
pub mod describe_cluster_response;
pub mod describe_configs_request;
pub mod describe_configs_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_delegation_token_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_delegation_token_response;
pub mod describe_groups_request;
pub mod describe_groups_response;
pub mod describe_log_dirs_request;
pub mod describe_log_dirs_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_producers_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_producers_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_quorum_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_quorum_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_share_group_offsets_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_share_group_offsets_response;
pub mod describe_topic_partitions_request;
pub mod describe_topic_partitions_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_transactions_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_transactions_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_user_scram_credentials_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod describe_user_scram_credentials_response;
pub mod elect_leaders_request;
pub mod elect_leaders_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod end_quorum_epoch_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod end_quorum_epoch_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod end_txn_marker;
#[cfg(any(test, feature = "all-messages"))]
pub mod end_txn_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod end_txn_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod envelope_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod envelope_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod expire_delegation_token_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod expire_delegation_token_response;
pub mod fetch_request;
pub mod fetch_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod fetch_snapshot_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod fetch_snapshot_response;
pub mod find_coordinator_request;
pub mod find_coordinator_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod get_telemetry_subscriptions_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod get_telemetry_subscriptions_response;
pub mod group_metadata_key;
pub mod group_metadata_value;
pub mod heartbeat_request;
pub mod heartbeat_response;
pub mod incremental_alter_configs_request;
pub mod incremental_alter_configs_response;
pub mod init_producer_id_request;
pub mod init_producer_id_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod initialize_share_group_state_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod initialize_share_group_state_response;
pub mod join_group_request;
pub mod join_group_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod k_raft_version_record;
#[cfg(any(test, feature = "all-messages"))]
pub mod leader_change_message;
pub mod leave_group_request;
pub mod leave_group_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod legacy_offset_commit_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod legacy_offset_commit_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod list_config_resources_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod list_config_resources_response;
pub mod list_groups_request;
pub mod list_groups_response;
pub mod list_offsets_request;
pub mod list_offsets_response;
pub mod list_partition_reassignments_request;
pub mod list_partition_reassignments_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod list_transactions_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod list_transactions_response;
pub mod metadata_request;
pub mod metadata_response;
pub mod offset_commit_key;
pub mod offset_commit_request;
pub mod offset_commit_response;
pub mod offset_commit_value;
pub mod offset_delete_request;
pub mod offset_delete_response;
pub mod offset_fetch_request;
pub mod offset_fetch_response;
pub mod offset_for_leader_epoch_request;
pub mod offset_for_leader_epoch_response;
pub mod produce_request;
pub mod produce_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod producer_snapshot;
#[cfg(any(test, feature = "all-messages"))]
pub mod push_telemetry_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod push_telemetry_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod read_share_group_state_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod read_share_group_state_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod read_share_group_state_summary_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod read_share_group_state_summary_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod remove_raft_voter_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod remove_raft_voter_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod renew_delegation_token_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod renew_delegation_token_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod request_header;
#[cfg(any(test, feature = "all-messages"))]
pub mod response_header;
#[cfg(any(test, feature = "all-messages"))]
pub mod sasl_authenticate_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod sasl_authenticate_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod sasl_handshake_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod sasl_handshake_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_acknowledge_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_acknowledge_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_fetch_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_fetch_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_current_member_assignment_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_current_member_assignment_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_describe_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_describe_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_heartbeat_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_heartbeat_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_member_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_member_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_state_partition_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_state_partition_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_target_assignment_member_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_target_assignment_member_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_target_assignment_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_group_target_assignment_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_snapshot_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_snapshot_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_update_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod share_update_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod snapshot_footer_record;
#[cfg(any(test, feature = "all-messages"))]
pub mod snapshot_header_record;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_current_member_assignment_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_current_member_assignment_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_describe_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_describe_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_heartbeat_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_heartbeat_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_member_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_member_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_target_assignment_member_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_target_assignment_member_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_target_assignment_metadata_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_target_assignment_metadata_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_topology_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod streams_group_topology_value;
pub mod sync_group_request;
pub mod sync_group_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod transaction_log_key;
#[cfg(any(test, feature = "all-messages"))]
pub mod transaction_log_value;
#[cfg(any(test, feature = "all-messages"))]
pub mod txn_offset_commit_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod txn_offset_commit_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod unregister_broker_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod unregister_broker_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod update_features_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod update_features_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod update_raft_voter_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod update_raft_voter_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod vote_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod vote_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod voters_record;
#[cfg(any(test, feature = "all-messages"))]
pub mod write_share_group_state_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod write_share_group_state_response;
#[cfg(any(test, feature = "all-messages"))]
pub mod write_txn_markers_request;
#[cfg(any(test, feature = "all-messages"))]
pub mod write_txn_markers_response;

#[cfg(any(test, feature = "all-messages"))]
use crate::MessageInfo;

/// All requests.
#[cfg(any(test, feature = "all-messages"))]
pub const REQUESTS: &[MessageInfo] = &[
    MessageInfo::of::<add_offsets_to_txn_request::AddOffsetsToTxnRequest>("AddOffsetsToTxnRequest", Some(25)),
    MessageInfo::of::<add_partitions_to_txn_request::AddPartitionsToTxnRequest>("AddPartitionsToTxnRequest", Some(24)),
    MessageInfo::of::<add_raft_voter_request::AddRaftVoterRequest>("AddRaftVoterRequest", Some(80)),
    MessageInfo::of::<allocate_producer_ids_request::AllocateProducerIdsRequest>("AllocateProducerIdsRequest", Some(67)),
    MessageInfo::of::<alter_client_quotas_request::AlterClientQuotasRequest>("AlterClientQuotasRequest", Some(49)),
    MessageInfo::of::<alter_configs_request::AlterConfigsRequest>("AlterConfigsRequest", Some(33)),
    MessageInfo::of::<alter_partition_reassignments_request::AlterPartitionReassignmentsRequest>("AlterPartitionReassignmentsRequest", Some(45)),
    MessageInfo::of::<alter_partition_request::AlterPartitionRequest>("AlterPartitionRequest", Some(56)),
    MessageInfo::of::<alter_replica_log_dirs_request::AlterReplicaLogDirsRequest>("AlterReplicaLogDirsRequest", Some(34)),
    MessageInfo::of::<alter_share_group_offsets_request::AlterShareGroupOffsetsRequest>("AlterShareGroupOffsetsRequest", Some(91)),
    MessageInfo::of::<alter_user_scram_credentials_request::AlterUserScramCredentialsRequest>("AlterUserScramCredentialsRequest", Some(51)),
    MessageInfo::of::<api_versions_request::ApiVersionsRequest>("ApiVersionsRequest", Some(18)),
    MessageInfo::of::<assign_replicas_to_dirs_request::AssignReplicasToDirsRequest>("AssignReplicasToDirsRequest", Some(73)),
    MessageInfo::of::<begin_quorum_epoch_request::BeginQuorumEpochRequest>("BeginQuorumEpochRequest", Some(53)),
    MessageInfo::of::<broker_heartbeat_request::BrokerHeartbeatRequest>("BrokerHeartbeatRequest", Some(63)),
    MessageInfo::of::<broker_registration_request::BrokerRegistrationRequest>("BrokerRegistrationRequest", Some(62)),
    MessageInfo::of::<consumer_group_describe_request::ConsumerGroupDescribeRequest>("ConsumerGroupDescribeRequest", Some(69)),
    MessageInfo::of::<consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest>("ConsumerGroupHeartbeatRequest", Some(68)),
    MessageInfo::of::<controller_registration_request::ControllerRegistrationRequest>("ControllerRegistrationRequest", Some(70)),
    MessageInfo::of::<create_acls_request::CreateAclsRequest>("CreateAclsRequest", Some(30)),
    MessageInfo::of::<create_delegation_token_request::CreateDelegationTokenRequest>("CreateDelegationTokenRequest", Some(38)),
    MessageInfo::of::<create_partitions_request::CreatePartitionsRequest>("CreatePartitionsRequest", Some(37)),
    MessageInfo::of::<create_topics_request::CreateTopicsRequest>("CreateTopicsRequest", Some(19)),
    MessageInfo::of::<delete_acls_request::DeleteAclsRequest>("DeleteAclsRequest", Some(31)),
    MessageInfo::of::<delete_groups_request::DeleteGroupsRequest>("DeleteGroupsRequest", Some(42)),
    MessageInfo::of::<delete_records_request::DeleteRecordsRequest>("DeleteRecordsRequest", Some(21)),
    MessageInfo::of::<delete_share_group_offsets_request::DeleteShareGroupOffsetsRequest>("DeleteShareGroupOffsetsRequest", Some(92)),
    MessageInfo::of::<delete_share_group_state_request::DeleteShareGroupStateRequest>("DeleteShareGroupStateRequest", Some(86)),
    MessageInfo::of::<delete_topics_request::DeleteTopicsRequest>("DeleteTopicsRequest", Some(20)),
    MessageInfo::of::<describe_acls_request::DescribeAclsRequest>("DescribeAclsRequest", Some(29)),
    MessageInfo::of::<describe_client_quotas_request::DescribeClientQuotasRequest>("DescribeClientQuotasRequest", Some(48)),
    MessageInfo::of::<describe_cluster_request::DescribeClusterRequest>("DescribeClusterRequest", Some(60)),
    MessageInfo::of::<describe_configs_request::DescribeConfigsRequest>("DescribeConfigsRequest", Some(32)),
    MessageInfo::of::<describe_delegation_token_request::DescribeDelegationTokenRequest>("DescribeDelegationTokenRequest", Some(41)),
    MessageInfo::of::<describe_groups_request::DescribeGroupsRequest>("DescribeGroupsRequest", Some(15)),
    MessageInfo::of::<describe_log_dirs_request::DescribeLogDirsRequest>("DescribeLogDirsRequest", Some(35)),
    MessageInfo::of::<describe_producers_request::DescribeProducersRequest>("DescribeProducersRequest", Some(61)),
    MessageInfo::of::<describe_quorum_request::DescribeQuorumRequest>("DescribeQuorumRequest", Some(55)),
    MessageInfo::of::<describe_share_group_offsets_request::DescribeShareGroupOffsetsRequest>("DescribeShareGroupOffsetsRequest", Some(90)),
    MessageInfo::of::<describe_topic_partitions_request::DescribeTopicPartitionsRequest>("DescribeTopicPartitionsRequest", Some(75)),
    MessageInfo::of::<describe_transactions_request::DescribeTransactionsRequest>("DescribeTransactionsRequest", Some(65)),
    MessageInfo::of::<describe_user_scram_credentials_request::DescribeUserScramCredentialsRequest>("DescribeUserScramCredentialsRequest", Some(50)),
    MessageInfo::of::<elect_leaders_request::ElectLeadersRequest>("ElectLeadersRequest", Some(43)),
    MessageInfo::of::<end_quorum_epoch_request::EndQuorumEpochRequest>("EndQuorumEpochRequest", Some(54)),
    MessageInfo::of::<end_txn_request::EndTxnRequest>("EndTxnRequest", Some(26)),
    MessageInfo::of::<envelope_request::EnvelopeRequest>("EnvelopeRequest", Some(58)),
    MessageInfo::of::<expire_delegation_token_request::ExpireDelegationTokenRequest>("ExpireDelegationTokenRequest", Some(40)),
    MessageInfo::of::<fetch_request::FetchRequest>("FetchRequest", Some(1)),
    MessageInfo::of::<fetch_snapshot_request::FetchSnapshotRequest>("FetchSnapshotRequest", Some(59)),
    MessageInfo::of::<find_coordinator_request::FindCoordinatorRequest>("FindCoordinatorRequest", Some(10)),
    MessageInfo::of::<get_telemetry_subscriptions_request::GetTelemetrySubscriptionsRequest>("GetTelemetrySubscriptionsRequest", Some(71)),
    MessageInfo::of::<heartbeat_request::HeartbeatRequest>("HeartbeatRequest", Some(12)),
    MessageInfo::of::<incremental_alter_configs_request::IncrementalAlterConfigsRequest>("IncrementalAlterConfigsRequest", Some(44)),
    MessageInfo::of::<init_producer_id_request::InitProducerIdRequest>("InitProducerIdRequest", Some(22)),
    MessageInfo::of::<initialize_share_group_state_request::InitializeShareGroupStateRequest>("InitializeShareGroupStateRequest", Some(83)),
    MessageInfo::of::<join_group_request::JoinGroupRequest>("JoinGroupRequest", Some(11)),
    MessageInfo::of::<leave_group_request::LeaveGroupRequest>("LeaveGroupRequest", Some(13)),
    MessageInfo::of::<list_config_resources_request::ListConfigResourcesRequest>("ListConfigResourcesRequest", Some(74)),
    MessageInfo::of::<list_groups_request::ListGroupsRequest>("ListGroupsRequest", Some(16)),
    MessageInfo::of::<list_offsets_request::ListOffsetsRequest>("ListOffsetsRequest", Some(2)),
    MessageInfo::of::<list_partition_reassignments_request::ListPartitionReassignmentsRequest>("ListPartitionReassignmentsRequest", Some(46)),
    MessageInfo::of::<list_transactions_request::ListTransactionsRequest>("ListTransactionsRequest", Some(66)),
    MessageInfo::of::<metadata_request::MetadataRequest>("MetadataRequest", Some(3)),
    MessageInfo::of::<offset_commit_request::OffsetCommitRequest>("OffsetCommitRequest", Some(8)),
    MessageInfo::of::<offset_delete_request::OffsetDeleteRequest>("OffsetDeleteRequest", Some(47)),
    MessageInfo::of::<offset_fetch_request::OffsetFetchRequest>("OffsetFetchRequest", Some(9)),
    MessageInfo::of::<offset_for_leader_epoch_request::OffsetForLeaderEpochRequest>("OffsetForLeaderEpochRequest", Some(23)),
    MessageInfo::of::<produce_request::ProduceRequest>("ProduceRequest", Some(0)),
    MessageInfo::of::<push_telemetry_request::PushTelemetryRequest>("PushTelemetryRequest", Some(72)),
    MessageInfo::of::<read_share_group_state_request::ReadShareGroupStateRequest>("ReadShareGroupStateRequest", Some(84)),
    MessageInfo::of::<read_share_group_state_summary_request::ReadShareGroupStateSummaryRequest>("ReadShareGroupStateSummaryRequest", Some(87)),
    MessageInfo::of::<remove_raft_voter_request::RemoveRaftVoterRequest>("RemoveRaftVoterRequest", Some(81)),
    MessageInfo::of::<renew_delegation_token_request::RenewDelegationTokenRequest>("RenewDelegationTokenRequest", Some(39)),
    MessageInfo::of::<sasl_authenticate_request::SaslAuthenticateRequest>("SaslAuthenticateRequest", Some(36)),
    MessageInfo::of::<sasl_handshake_request::SaslHandshakeRequest>("SaslHandshakeRequest", Some(17)),
    MessageInfo::of::<share_acknowledge_request::ShareAcknowledgeRequest>("ShareAcknowledgeRequest", Some(79)),
    MessageInfo::of::<share_fetch_request::ShareFetchRequest>("ShareFetchRequest", Some(78)),
    MessageInfo::of::<share_group_describe_request::ShareGroupDescribeRequest>("ShareGroupDescribeRequest", Some(77)),
    MessageInfo::of::<share_group_heartbeat_request::ShareGroupHeartbeatRequest>("ShareGroupHeartbeatRequest", Some(76)),
    MessageInfo::of::<streams_group_describe_request::StreamsGroupDescribeRequest>("StreamsGroupDescribeRequest", Some(89)),
    MessageInfo::of::<streams_group_heartbeat_request::StreamsGroupHeartbeatRequest>("StreamsGroupHeartbeatRequest", Some(88)),
    MessageInfo::of::<sync_group_request::SyncGroupRequest>("SyncGroupRequest", Some(14)),
    MessageInfo::of::<txn_offset_commit_request::TxnOffsetCommitRequest>("TxnOffsetCommitRequest", Some(28)),
    MessageInfo::of::<unregister_broker_request::UnregisterBrokerRequest>("UnregisterBrokerRequest", Some(64)),
    MessageInfo::of::<update_features_request::UpdateFeaturesRequest>("UpdateFeaturesRequest", Some(57)),
    MessageInfo::of::<update_raft_voter_request::UpdateRaftVoterRequest>("UpdateRaftVoterRequest", Some(82)),
    MessageInfo::of::<vote_request::VoteRequest>("VoteRequest", Some(52)),
    MessageInfo::of::<write_share_group_state_request::WriteShareGroupStateRequest>("WriteShareGroupStateRequest", Some(85)),
    MessageInfo::of::<write_txn_markers_request::WriteTxnMarkersRequest>("WriteTxnMarkersRequest", Some(27)),
];

/// All responses.
#[cfg(any(test, feature = "all-messages"))]
pub const RESPONSES: &[MessageInfo] = &[
    MessageInfo::of::<add_offsets_to_txn_response::AddOffsetsToTxnResponse>("AddOffsetsToTxnResponse", Some(25)),
    MessageInfo::of::<add_partitions_to_txn_response::AddPartitionsToTxnResponse>("AddPartitionsToTxnResponse", Some(24)),
    MessageInfo::of::<add_raft_voter_response::AddRaftVoterResponse>("AddRaftVoterResponse", Some(80)),
    MessageInfo::of::<allocate_producer_ids_response::AllocateProducerIdsResponse>("AllocateProducerIdsResponse", Some(67)),
    MessageInfo::of::<alter_client_quotas_response::AlterClientQuotasResponse>("AlterClientQuotasResponse", Some(49)),
    MessageInfo::of::<alter_configs_response::AlterConfigsResponse>("AlterConfigsResponse", Some(33)),
    MessageInfo::of::<alter_partition_reassignments_response::AlterPartitionReassignmentsResponse>("AlterPartitionReassignmentsResponse", Some(45)),
    MessageInfo::of::<alter_partition_response::AlterPartitionResponse>("AlterPartitionResponse", Some(56)),
    MessageInfo::of::<alter_replica_log_dirs_response::AlterReplicaLogDirsResponse>("AlterReplicaLogDirsResponse", Some(34)),
    MessageInfo::of::<alter_share_group_offsets_response::AlterShareGroupOffsetsResponse>("AlterShareGroupOffsetsResponse", Some(91)),
    MessageInfo::of::<alter_user_scram_credentials_response::AlterUserScramCredentialsResponse>("AlterUserScramCredentialsResponse", Some(51)),
    MessageInfo::of::<api_versions_response::ApiVersionsResponse>("ApiVersionsResponse", Some(18)),
    MessageInfo::of::<assign_replicas_to_dirs_response::AssignReplicasToDirsResponse>("AssignReplicasToDirsResponse", Some(73)),
    MessageInfo::of::<begin_quorum_epoch_response::BeginQuorumEpochResponse>("BeginQuorumEpochResponse", Some(53)),
    MessageInfo::of::<broker_heartbeat_response::BrokerHeartbeatResponse>("BrokerHeartbeatResponse", Some(63)),
    MessageInfo::of::<broker_registration_response::BrokerRegistrationResponse>("BrokerRegistrationResponse", Some(62)),
    MessageInfo::of::<consumer_group_describe_response::ConsumerGroupDescribeResponse>("ConsumerGroupDescribeResponse", Some(69)),
    MessageInfo::of::<consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse>("ConsumerGroupHeartbeatResponse", Some(68)),
    MessageInfo::of::<controller_registration_response::ControllerRegistrationResponse>("ControllerRegistrationResponse", Some(70)),
    MessageInfo::of::<create_acls_response::CreateAclsResponse>("CreateAclsResponse", Some(30)),
    MessageInfo::of::<create_delegation_token_response::CreateDelegationTokenResponse>("CreateDelegationTokenResponse", Some(38)),
    MessageInfo::of::<create_partitions_response::CreatePartitionsResponse>("CreatePartitionsResponse", Some(37)),
    MessageInfo::of::<create_topics_response::CreateTopicsResponse>("CreateTopicsResponse", Some(19)),
    MessageInfo::of::<delete_acls_response::DeleteAclsResponse>("DeleteAclsResponse", Some(31)),
    MessageInfo::of::<delete_groups_response::DeleteGroupsResponse>("DeleteGroupsResponse", Some(42)),
    MessageInfo::of::<delete_records_response::DeleteRecordsResponse>("DeleteRecordsResponse", Some(21)),
    MessageInfo::of::<delete_share_group_offsets_response::DeleteShareGroupOffsetsResponse>("DeleteShareGroupOffsetsResponse", Some(92)),
    MessageInfo::of::<delete_share_group_state_response::DeleteShareGroupStateResponse>("DeleteShareGroupStateResponse", Some(86)),
    MessageInfo::of::<delete_topics_response::DeleteTopicsResponse>("DeleteTopicsResponse", Some(20)),
    MessageInfo::of::<describe_acls_response::DescribeAclsResponse>("DescribeAclsResponse", Some(29)),
    MessageInfo::of::<describe_client_quotas_response::DescribeClientQuotasResponse>("DescribeClientQuotasResponse", Some(48)),
    MessageInfo::of::<describe_cluster_response::DescribeClusterResponse>("DescribeClusterResponse", Some(60)),
    MessageInfo::of::<describe_configs_response::DescribeConfigsResponse>("DescribeConfigsResponse", Some(32)),
    MessageInfo::of::<describe_delegation_token_response::DescribeDelegationTokenResponse>("DescribeDelegationTokenResponse", Some(41)),
    MessageInfo::of::<describe_groups_response::DescribeGroupsResponse>("DescribeGroupsResponse", Some(15)),
    MessageInfo::of::<describe_log_dirs_response::DescribeLogDirsResponse>("DescribeLogDirsResponse", Some(35)),
    MessageInfo::of::<describe_producers_response::DescribeProducersResponse>("DescribeProducersResponse", Some(61)),
    MessageInfo::of::<describe_quorum_response::DescribeQuorumResponse>("DescribeQuorumResponse", Some(55)),
    MessageInfo::of::<describe_share_group_offsets_response::DescribeShareGroupOffsetsResponse>("DescribeShareGroupOffsetsResponse", Some(90)),
    MessageInfo::of::<describe_topic_partitions_response::DescribeTopicPartitionsResponse>("DescribeTopicPartitionsResponse", Some(75)),
    MessageInfo::of::<describe_transactions_response::DescribeTransactionsResponse>("DescribeTransactionsResponse", Some(65)),
    MessageInfo::of::<describe_user_scram_credentials_response::DescribeUserScramCredentialsResponse>("DescribeUserScramCredentialsResponse", Some(50)),
    MessageInfo::of::<elect_leaders_response::ElectLeadersResponse>("ElectLeadersResponse", Some(43)),
    MessageInfo::of::<end_quorum_epoch_response::EndQuorumEpochResponse>("EndQuorumEpochResponse", Some(54)),
    MessageInfo::of::<end_txn_response::EndTxnResponse>("EndTxnResponse", Some(26)),
    MessageInfo::of::<envelope_response::EnvelopeResponse>("EnvelopeResponse", Some(58)),
    MessageInfo::of::<expire_delegation_token_response::ExpireDelegationTokenResponse>("ExpireDelegationTokenResponse", Some(40)),
    MessageInfo::of::<fetch_response::FetchResponse>("FetchResponse", Some(1)),
    MessageInfo::of::<fetch_snapshot_response::FetchSnapshotResponse>("FetchSnapshotResponse", Some(59)),
    MessageInfo::of::<find_coordinator_response::FindCoordinatorResponse>("FindCoordinatorResponse", Some(10)),
    MessageInfo::of::<get_telemetry_subscriptions_response::GetTelemetrySubscriptionsResponse>("GetTelemetrySubscriptionsResponse", Some(71)),
    MessageInfo::of::<heartbeat_response::HeartbeatResponse>("HeartbeatResponse", Some(12)),
    MessageInfo::of::<incremental_alter_configs_response::IncrementalAlterConfigsResponse>("IncrementalAlterConfigsResponse", Some(44)),
    MessageInfo::of::<init_producer_id_response::InitProducerIdResponse>("InitProducerIdResponse", Some(22)),
    MessageInfo::of::<initialize_share_group_state_response::InitializeShareGroupStateResponse>("InitializeShareGroupStateResponse", Some(83)),
    MessageInfo::of::<join_group_response::JoinGroupResponse>("JoinGroupResponse", Some(11)),
    MessageInfo::of::<leave_group_response::LeaveGroupResponse>("LeaveGroupResponse", Some(13)),
    MessageInfo::of::<list_config_resources_response::ListConfigResourcesResponse>("ListConfigResourcesResponse", Some(74)),
    MessageInfo::of::<list_groups_response::ListGroupsResponse>("ListGroupsResponse", Some(16)),
    MessageInfo::of::<list_offsets_response::ListOffsetsResponse>("ListOffsetsResponse", Some(2)),
    MessageInfo::of::<list_partition_reassignments_response::ListPartitionReassignmentsResponse>("ListPartitionReassignmentsResponse", Some(46)),
    MessageInfo::of::<list_transactions_response::ListTransactionsResponse>("ListTransactionsResponse", Some(66)),
    MessageInfo::of::<metadata_response::MetadataResponse>("MetadataResponse", Some(3)),
    MessageInfo::of::<offset_commit_response::OffsetCommitResponse>("OffsetCommitResponse", Some(8)),
    MessageInfo::of::<offset_delete_response::OffsetDeleteResponse>("OffsetDeleteResponse", Some(47)),
    MessageInfo::of::<offset_fetch_response::OffsetFetchResponse>("OffsetFetchResponse", Some(9)),
    MessageInfo::of::<offset_for_leader_epoch_response::OffsetForLeaderEpochResponse>("OffsetForLeaderEpochResponse", Some(23)),
    MessageInfo::of::<produce_response::ProduceResponse>("ProduceResponse", Some(0)),
    MessageInfo::of::<push_telemetry_response::PushTelemetryResponse>("PushTelemetryResponse", Some(72)),
    MessageInfo::of::<read_share_group_state_response::ReadShareGroupStateResponse>("ReadShareGroupStateResponse", Some(84)),
    MessageInfo::of::<read_share_group_state_summary_response::ReadShareGroupStateSummaryResponse>("ReadShareGroupStateSummaryResponse", Some(87)),
    MessageInfo::of::<remove_raft_voter_response::RemoveRaftVoterResponse>("RemoveRaftVoterResponse", Some(81)),
    MessageInfo::of::<renew_delegation_token_response::RenewDelegationTokenResponse>("RenewDelegationTokenResponse", Some(39)),
    MessageInfo::of::<sasl_authenticate_response::SaslAuthenticateResponse>("SaslAuthenticateResponse", Some(36)),
    MessageInfo::of::<sasl_handshake_response::SaslHandshakeResponse>("SaslHandshakeResponse", Some(17)),
    MessageInfo::of::<share_acknowledge_response::ShareAcknowledgeResponse>("ShareAcknowledgeResponse", Some(79)),
    MessageInfo::of::<share_fetch_response::ShareFetchResponse>("ShareFetchResponse", Some(78)),
    MessageInfo::of::<share_group_describe_response::ShareGroupDescribeResponse>("ShareGroupDescribeResponse", Some(77)),
    MessageInfo::of::<share_group_heartbeat_response::ShareGroupHeartbeatResponse>("ShareGroupHeartbeatResponse", Some(76)),
    MessageInfo::of::<streams_group_describe_response::StreamsGroupDescribeResponse>("StreamsGroupDescribeResponse", Some(89)),
    MessageInfo::of::<streams_group_heartbeat_response::StreamsGroupHeartbeatResponse>("StreamsGroupHeartbeatResponse", Some(88)),
    MessageInfo::of::<sync_group_response::SyncGroupResponse>("SyncGroupResponse", Some(14)),
    MessageInfo::of::<txn_offset_commit_response::TxnOffsetCommitResponse>("TxnOffsetCommitResponse", Some(28)),
    MessageInfo::of::<unregister_broker_response::UnregisterBrokerResponse>("UnregisterBrokerResponse", Some(64)),
    MessageInfo::of::<update_features_response::UpdateFeaturesResponse>("UpdateFeaturesResponse", Some(57)),
    MessageInfo::of::<update_raft_voter_response::UpdateRaftVoterResponse>("UpdateRaftVoterResponse", Some(82)),
    MessageInfo::of::<vote_response::VoteResponse>("VoteResponse", Some(52)),
    MessageInfo::of::<write_share_group_state_response::WriteShareGroupStateResponse>("WriteShareGroupStateResponse", Some(85)),
    MessageInfo::of::<write_txn_markers_response::WriteTxnMarkersResponse>("WriteTxnMarkersResponse", Some(27)),
];

/// All stored records, headers and blobs.
#[cfg(any(test, feature = "all-messages"))]
pub const STORED: &[MessageInfo] = &[
    MessageInfo::of::<consumer_group_current_member_assignment_key::ConsumerGroupCurrentMemberAssignmentKey>("ConsumerGroupCurrentMemberAssignmentKey", Some(8)),
    MessageInfo::of::<consumer_group_current_member_assignment_value::ConsumerGroupCurrentMemberAssignmentValue>("ConsumerGroupCurrentMemberAssignmentValue", Some(8)),
    MessageInfo::of::<consumer_group_member_metadata_key::ConsumerGroupMemberMetadataKey>("ConsumerGroupMemberMetadataKey", Some(5)),
    MessageInfo::of::<consumer_group_member_metadata_value::ConsumerGroupMemberMetadataValue>("ConsumerGroupMemberMetadataValue", Some(5)),
    MessageInfo::of::<consumer_group_metadata_key::ConsumerGroupMetadataKey>("ConsumerGroupMetadataKey", Some(3)),
    MessageInfo::of::<consumer_group_metadata_value::ConsumerGroupMetadataValue>("ConsumerGroupMetadataValue", Some(3)),
    MessageInfo::of::<consumer_group_partition_metadata_key::ConsumerGroupPartitionMetadataKey>("ConsumerGroupPartitionMetadataKey", Some(4)),
    MessageInfo::of::<consumer_group_partition_metadata_value::ConsumerGroupPartitionMetadataValue>("ConsumerGroupPartitionMetadataValue", Some(4)),
    MessageInfo::of::<consumer_group_regular_expression_key::ConsumerGroupRegularExpressionKey>("ConsumerGroupRegularExpressionKey", Some(16)),
    MessageInfo::of::<consumer_group_regular_expression_value::ConsumerGroupRegularExpressionValue>("ConsumerGroupRegularExpressionValue", Some(16)),
    MessageInfo::of::<consumer_group_target_assignment_member_key::ConsumerGroupTargetAssignmentMemberKey>("ConsumerGroupTargetAssignmentMemberKey", Some(7)),
    MessageInfo::of::<consumer_group_target_assignment_member_value::ConsumerGroupTargetAssignmentMemberValue>("ConsumerGroupTargetAssignmentMemberValue", Some(7)),
    MessageInfo::of::<consumer_group_target_assignment_metadata_key::ConsumerGroupTargetAssignmentMetadataKey>("ConsumerGroupTargetAssignmentMetadataKey", Some(6)),
    MessageInfo::of::<consumer_group_target_assignment_metadata_value::ConsumerGroupTargetAssignmentMetadataValue>("ConsumerGroupTargetAssignmentMetadataValue", Some(6)),
    MessageInfo::of::<consumer_protocol_assignment::ConsumerProtocolAssignment>("ConsumerProtocolAssignment", None),
    MessageInfo::of::<consumer_protocol_subscription::ConsumerProtocolSubscription>("ConsumerProtocolSubscription", None),
    MessageInfo::of::<control_record_type_schema::ControlRecordTypeSchema>("ControlRecordTypeSchema", None),
    MessageInfo::of::<default_principal_data::DefaultPrincipalData>("DefaultPrincipalData", None),
    MessageInfo::of::<end_txn_marker::EndTxnMarker>("EndTxnMarker", None),
    MessageInfo::of::<group_metadata_key::GroupMetadataKey>("GroupMetadataKey", Some(2)),
    MessageInfo::of::<group_metadata_value::GroupMetadataValue>("GroupMetadataValue", Some(2)),
    MessageInfo::of::<k_raft_version_record::KRaftVersionRecord>("KRaftVersionRecord", None),
    MessageInfo::of::<leader_change_message::LeaderChangeMessage>("LeaderChangeMessage", None),
    MessageInfo::of::<legacy_offset_commit_key::LegacyOffsetCommitKey>("LegacyOffsetCommitKey", Some(0)),
    MessageInfo::of::<legacy_offset_commit_value::LegacyOffsetCommitValue>("LegacyOffsetCommitValue", Some(0)),
    MessageInfo::of::<offset_commit_key::OffsetCommitKey>("OffsetCommitKey", Some(1)),
    MessageInfo::of::<offset_commit_value::OffsetCommitValue>("OffsetCommitValue", Some(1)),
    MessageInfo::of::<producer_snapshot::ProducerSnapshot>("ProducerSnapshot", None),
    MessageInfo::of::<request_header::RequestHeader>("RequestHeader", None),
    MessageInfo::of::<response_header::ResponseHeader>("ResponseHeader", None),
    MessageInfo::of::<share_group_current_member_assignment_key::ShareGroupCurrentMemberAssignmentKey>("ShareGroupCurrentMemberAssignmentKey", Some(14)),
    MessageInfo::of::<share_group_current_member_assignment_value::ShareGroupCurrentMemberAssignmentValue>("ShareGroupCurrentMemberAssignmentValue", Some(14)),
    MessageInfo::of::<share_group_member_metadata_key::ShareGroupMemberMetadataKey>("ShareGroupMemberMetadataKey", Some(10)),
    MessageInfo::of::<share_group_member_metadata_value::ShareGroupMemberMetadataValue>("ShareGroupMemberMetadataValue", Some(10)),
    MessageInfo::of::<share_group_metadata_key::ShareGroupMetadataKey>("ShareGroupMetadataKey", Some(11)),
    MessageInfo::of::<share_group_metadata_value::ShareGroupMetadataValue>("ShareGroupMetadataValue", Some(11)),
    MessageInfo::of::<share_group_state_partition_metadata_key::ShareGroupStatePartitionMetadataKey>("ShareGroupStatePartitionMetadataKey", Some(15)),
    MessageInfo::of::<share_group_state_partition_metadata_value::ShareGroupStatePartitionMetadataValue>("ShareGroupStatePartitionMetadataValue", Some(15)),
    MessageInfo::of::<share_group_target_assignment_member_key::ShareGroupTargetAssignmentMemberKey>("ShareGroupTargetAssignmentMemberKey", Some(13)),
    MessageInfo::of::<share_group_target_assignment_member_value::ShareGroupTargetAssignmentMemberValue>("ShareGroupTargetAssignmentMemberValue", Some(13)),
    MessageInfo::of::<share_group_target_assignment_metadata_key::ShareGroupTargetAssignmentMetadataKey>("ShareGroupTargetAssignmentMetadataKey", Some(12)),
    MessageInfo::of::<share_group_target_assignment_metadata_value::ShareGroupTargetAssignmentMetadataValue>("ShareGroupTargetAssignmentMetadataValue", Some(12)),
    MessageInfo::of::<share_snapshot_key::ShareSnapshotKey>("ShareSnapshotKey", Some(0)),
    MessageInfo::of::<share_snapshot_value::ShareSnapshotValue>("ShareSnapshotValue", Some(0)),
    MessageInfo::of::<share_update_key::ShareUpdateKey>("ShareUpdateKey", Some(1)),
    MessageInfo::of::<share_update_value::ShareUpdateValue>("ShareUpdateValue", Some(1)),
    MessageInfo::of::<snapshot_footer_record::SnapshotFooterRecord>("SnapshotFooterRecord", None),
    MessageInfo::of::<snapshot_header_record::SnapshotHeaderRecord>("SnapshotHeaderRecord", None),
    MessageInfo::of::<streams_group_current_member_assignment_key::StreamsGroupCurrentMemberAssignmentKey>("StreamsGroupCurrentMemberAssignmentKey", Some(22)),
    MessageInfo::of::<streams_group_current_member_assignment_value::StreamsGroupCurrentMemberAssignmentValue>("StreamsGroupCurrentMemberAssignmentValue", Some(22)),
    MessageInfo::of::<streams_group_member_metadata_key::StreamsGroupMemberMetadataKey>("StreamsGroupMemberMetadataKey", Some(19)),
    MessageInfo::of::<streams_group_member_metadata_value::StreamsGroupMemberMetadataValue>("StreamsGroupMemberMetadataValue", Some(19)),
    MessageInfo::of::<streams_group_metadata_key::StreamsGroupMetadataKey>("StreamsGroupMetadataKey", Some(17)),
    MessageInfo::of::<streams_group_metadata_value::StreamsGroupMetadataValue>("StreamsGroupMetadataValue", Some(17)),
    MessageInfo::of::<streams_group_target_assignment_member_key::StreamsGroupTargetAssignmentMemberKey>("StreamsGroupTargetAssignmentMemberKey", Some(21)),
    MessageInfo::of::<streams_group_target_assignment_member_value::StreamsGroupTargetAssignmentMemberValue>("StreamsGroupTargetAssignmentMemberValue", Some(21)),
    MessageInfo::of::<streams_group_target_assignment_metadata_key::StreamsGroupTargetAssignmentMetadataKey>("StreamsGroupTargetAssignmentMetadataKey", Some(20)),
    MessageInfo::of::<streams_group_target_assignment_metadata_value::StreamsGroupTargetAssignmentMetadataValue>("StreamsGroupTargetAssignmentMetadataValue", Some(20)),
    MessageInfo::of::<streams_group_topology_key::StreamsGroupTopologyKey>("StreamsGroupTopologyKey", Some(23)),
    MessageInfo::of::<streams_group_topology_value::StreamsGroupTopologyValue>("StreamsGroupTopologyValue", Some(23)),
    MessageInfo::of::<transaction_log_key::TransactionLogKey>("TransactionLogKey", Some(0)),
    MessageInfo::of::<transaction_log_value::TransactionLogValue>("TransactionLogValue", Some(0)),
    MessageInfo::of::<voters_record::VotersRecord>("VotersRecord", None),
];
