// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! The requests, responses and stored records of Kafka 2.8 to 4.3, a module each.
//!
//! Field names and defaults are the schemas'; a field's doc gives its wire type and the
//! versions that have it. Messages that `schema/compiled.txt` does not name need the
//! feature `all-messages`, as do the lists of all messages (for tests and fuzzing).

#![allow(clippy::field_reassign_with_default)]
#![allow(clippy::manual_range_contains, clippy::single_match)]

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

#[cfg(any(test, feature = "all-messages"))]
macro_rules! info {
    ($module:ident::$name:ident, $key:expr $(,)?) => {
        MessageInfo::of::<$module::$name>(stringify!($name), $key)
    };
}

/// All requests.
#[cfg(any(test, feature = "all-messages"))]
pub const REQUESTS: &[MessageInfo] = &[
    info!(add_offsets_to_txn_request::AddOffsetsToTxnRequest, Some(25)),
    info!(add_partitions_to_txn_request::AddPartitionsToTxnRequest, Some(24)),
    info!(add_raft_voter_request::AddRaftVoterRequest, Some(80)),
    info!(allocate_producer_ids_request::AllocateProducerIdsRequest, Some(67)),
    info!(alter_client_quotas_request::AlterClientQuotasRequest, Some(49)),
    info!(alter_configs_request::AlterConfigsRequest, Some(33)),
    info!(alter_partition_reassignments_request::AlterPartitionReassignmentsRequest, Some(45)),
    info!(alter_partition_request::AlterPartitionRequest, Some(56)),
    info!(alter_replica_log_dirs_request::AlterReplicaLogDirsRequest, Some(34)),
    info!(alter_share_group_offsets_request::AlterShareGroupOffsetsRequest, Some(91)),
    info!(alter_user_scram_credentials_request::AlterUserScramCredentialsRequest, Some(51)),
    info!(api_versions_request::ApiVersionsRequest, Some(18)),
    info!(assign_replicas_to_dirs_request::AssignReplicasToDirsRequest, Some(73)),
    info!(begin_quorum_epoch_request::BeginQuorumEpochRequest, Some(53)),
    info!(broker_heartbeat_request::BrokerHeartbeatRequest, Some(63)),
    info!(broker_registration_request::BrokerRegistrationRequest, Some(62)),
    info!(consumer_group_describe_request::ConsumerGroupDescribeRequest, Some(69)),
    info!(consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest, Some(68)),
    info!(controller_registration_request::ControllerRegistrationRequest, Some(70)),
    info!(create_acls_request::CreateAclsRequest, Some(30)),
    info!(create_delegation_token_request::CreateDelegationTokenRequest, Some(38)),
    info!(create_partitions_request::CreatePartitionsRequest, Some(37)),
    info!(create_topics_request::CreateTopicsRequest, Some(19)),
    info!(delete_acls_request::DeleteAclsRequest, Some(31)),
    info!(delete_groups_request::DeleteGroupsRequest, Some(42)),
    info!(delete_records_request::DeleteRecordsRequest, Some(21)),
    info!(delete_share_group_offsets_request::DeleteShareGroupOffsetsRequest, Some(92)),
    info!(delete_share_group_state_request::DeleteShareGroupStateRequest, Some(86)),
    info!(delete_topics_request::DeleteTopicsRequest, Some(20)),
    info!(describe_acls_request::DescribeAclsRequest, Some(29)),
    info!(describe_client_quotas_request::DescribeClientQuotasRequest, Some(48)),
    info!(describe_cluster_request::DescribeClusterRequest, Some(60)),
    info!(describe_configs_request::DescribeConfigsRequest, Some(32)),
    info!(describe_delegation_token_request::DescribeDelegationTokenRequest, Some(41)),
    info!(describe_groups_request::DescribeGroupsRequest, Some(15)),
    info!(describe_log_dirs_request::DescribeLogDirsRequest, Some(35)),
    info!(describe_producers_request::DescribeProducersRequest, Some(61)),
    info!(describe_quorum_request::DescribeQuorumRequest, Some(55)),
    info!(describe_share_group_offsets_request::DescribeShareGroupOffsetsRequest, Some(90)),
    info!(describe_topic_partitions_request::DescribeTopicPartitionsRequest, Some(75)),
    info!(describe_transactions_request::DescribeTransactionsRequest, Some(65)),
    info!(describe_user_scram_credentials_request::DescribeUserScramCredentialsRequest, Some(50)),
    info!(elect_leaders_request::ElectLeadersRequest, Some(43)),
    info!(end_quorum_epoch_request::EndQuorumEpochRequest, Some(54)),
    info!(end_txn_request::EndTxnRequest, Some(26)),
    info!(envelope_request::EnvelopeRequest, Some(58)),
    info!(expire_delegation_token_request::ExpireDelegationTokenRequest, Some(40)),
    info!(fetch_request::FetchRequest, Some(1)),
    info!(fetch_snapshot_request::FetchSnapshotRequest, Some(59)),
    info!(find_coordinator_request::FindCoordinatorRequest, Some(10)),
    info!(get_telemetry_subscriptions_request::GetTelemetrySubscriptionsRequest, Some(71)),
    info!(heartbeat_request::HeartbeatRequest, Some(12)),
    info!(incremental_alter_configs_request::IncrementalAlterConfigsRequest, Some(44)),
    info!(init_producer_id_request::InitProducerIdRequest, Some(22)),
    info!(initialize_share_group_state_request::InitializeShareGroupStateRequest, Some(83)),
    info!(join_group_request::JoinGroupRequest, Some(11)),
    info!(leave_group_request::LeaveGroupRequest, Some(13)),
    info!(list_config_resources_request::ListConfigResourcesRequest, Some(74)),
    info!(list_groups_request::ListGroupsRequest, Some(16)),
    info!(list_offsets_request::ListOffsetsRequest, Some(2)),
    info!(list_partition_reassignments_request::ListPartitionReassignmentsRequest, Some(46)),
    info!(list_transactions_request::ListTransactionsRequest, Some(66)),
    info!(metadata_request::MetadataRequest, Some(3)),
    info!(offset_commit_request::OffsetCommitRequest, Some(8)),
    info!(offset_delete_request::OffsetDeleteRequest, Some(47)),
    info!(offset_fetch_request::OffsetFetchRequest, Some(9)),
    info!(offset_for_leader_epoch_request::OffsetForLeaderEpochRequest, Some(23)),
    info!(produce_request::ProduceRequest, Some(0)),
    info!(push_telemetry_request::PushTelemetryRequest, Some(72)),
    info!(read_share_group_state_request::ReadShareGroupStateRequest, Some(84)),
    info!(read_share_group_state_summary_request::ReadShareGroupStateSummaryRequest, Some(87)),
    info!(remove_raft_voter_request::RemoveRaftVoterRequest, Some(81)),
    info!(renew_delegation_token_request::RenewDelegationTokenRequest, Some(39)),
    info!(sasl_authenticate_request::SaslAuthenticateRequest, Some(36)),
    info!(sasl_handshake_request::SaslHandshakeRequest, Some(17)),
    info!(share_acknowledge_request::ShareAcknowledgeRequest, Some(79)),
    info!(share_fetch_request::ShareFetchRequest, Some(78)),
    info!(share_group_describe_request::ShareGroupDescribeRequest, Some(77)),
    info!(share_group_heartbeat_request::ShareGroupHeartbeatRequest, Some(76)),
    info!(streams_group_describe_request::StreamsGroupDescribeRequest, Some(89)),
    info!(streams_group_heartbeat_request::StreamsGroupHeartbeatRequest, Some(88)),
    info!(sync_group_request::SyncGroupRequest, Some(14)),
    info!(txn_offset_commit_request::TxnOffsetCommitRequest, Some(28)),
    info!(unregister_broker_request::UnregisterBrokerRequest, Some(64)),
    info!(update_features_request::UpdateFeaturesRequest, Some(57)),
    info!(update_raft_voter_request::UpdateRaftVoterRequest, Some(82)),
    info!(vote_request::VoteRequest, Some(52)),
    info!(write_share_group_state_request::WriteShareGroupStateRequest, Some(85)),
    info!(write_txn_markers_request::WriteTxnMarkersRequest, Some(27)),
];

/// All responses.
#[cfg(any(test, feature = "all-messages"))]
pub const RESPONSES: &[MessageInfo] = &[
    info!(add_offsets_to_txn_response::AddOffsetsToTxnResponse, Some(25)),
    info!(add_partitions_to_txn_response::AddPartitionsToTxnResponse, Some(24)),
    info!(add_raft_voter_response::AddRaftVoterResponse, Some(80)),
    info!(allocate_producer_ids_response::AllocateProducerIdsResponse, Some(67)),
    info!(alter_client_quotas_response::AlterClientQuotasResponse, Some(49)),
    info!(alter_configs_response::AlterConfigsResponse, Some(33)),
    info!(alter_partition_reassignments_response::AlterPartitionReassignmentsResponse, Some(45)),
    info!(alter_partition_response::AlterPartitionResponse, Some(56)),
    info!(alter_replica_log_dirs_response::AlterReplicaLogDirsResponse, Some(34)),
    info!(alter_share_group_offsets_response::AlterShareGroupOffsetsResponse, Some(91)),
    info!(alter_user_scram_credentials_response::AlterUserScramCredentialsResponse, Some(51)),
    info!(api_versions_response::ApiVersionsResponse, Some(18)),
    info!(assign_replicas_to_dirs_response::AssignReplicasToDirsResponse, Some(73)),
    info!(begin_quorum_epoch_response::BeginQuorumEpochResponse, Some(53)),
    info!(broker_heartbeat_response::BrokerHeartbeatResponse, Some(63)),
    info!(broker_registration_response::BrokerRegistrationResponse, Some(62)),
    info!(consumer_group_describe_response::ConsumerGroupDescribeResponse, Some(69)),
    info!(consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse, Some(68)),
    info!(controller_registration_response::ControllerRegistrationResponse, Some(70)),
    info!(create_acls_response::CreateAclsResponse, Some(30)),
    info!(create_delegation_token_response::CreateDelegationTokenResponse, Some(38)),
    info!(create_partitions_response::CreatePartitionsResponse, Some(37)),
    info!(create_topics_response::CreateTopicsResponse, Some(19)),
    info!(delete_acls_response::DeleteAclsResponse, Some(31)),
    info!(delete_groups_response::DeleteGroupsResponse, Some(42)),
    info!(delete_records_response::DeleteRecordsResponse, Some(21)),
    info!(delete_share_group_offsets_response::DeleteShareGroupOffsetsResponse, Some(92)),
    info!(delete_share_group_state_response::DeleteShareGroupStateResponse, Some(86)),
    info!(delete_topics_response::DeleteTopicsResponse, Some(20)),
    info!(describe_acls_response::DescribeAclsResponse, Some(29)),
    info!(describe_client_quotas_response::DescribeClientQuotasResponse, Some(48)),
    info!(describe_cluster_response::DescribeClusterResponse, Some(60)),
    info!(describe_configs_response::DescribeConfigsResponse, Some(32)),
    info!(describe_delegation_token_response::DescribeDelegationTokenResponse, Some(41)),
    info!(describe_groups_response::DescribeGroupsResponse, Some(15)),
    info!(describe_log_dirs_response::DescribeLogDirsResponse, Some(35)),
    info!(describe_producers_response::DescribeProducersResponse, Some(61)),
    info!(describe_quorum_response::DescribeQuorumResponse, Some(55)),
    info!(describe_share_group_offsets_response::DescribeShareGroupOffsetsResponse, Some(90)),
    info!(describe_topic_partitions_response::DescribeTopicPartitionsResponse, Some(75)),
    info!(describe_transactions_response::DescribeTransactionsResponse, Some(65)),
    info!(describe_user_scram_credentials_response::DescribeUserScramCredentialsResponse, Some(50)),
    info!(elect_leaders_response::ElectLeadersResponse, Some(43)),
    info!(end_quorum_epoch_response::EndQuorumEpochResponse, Some(54)),
    info!(end_txn_response::EndTxnResponse, Some(26)),
    info!(envelope_response::EnvelopeResponse, Some(58)),
    info!(expire_delegation_token_response::ExpireDelegationTokenResponse, Some(40)),
    info!(fetch_response::FetchResponse, Some(1)),
    info!(fetch_snapshot_response::FetchSnapshotResponse, Some(59)),
    info!(find_coordinator_response::FindCoordinatorResponse, Some(10)),
    info!(get_telemetry_subscriptions_response::GetTelemetrySubscriptionsResponse, Some(71)),
    info!(heartbeat_response::HeartbeatResponse, Some(12)),
    info!(incremental_alter_configs_response::IncrementalAlterConfigsResponse, Some(44)),
    info!(init_producer_id_response::InitProducerIdResponse, Some(22)),
    info!(initialize_share_group_state_response::InitializeShareGroupStateResponse, Some(83)),
    info!(join_group_response::JoinGroupResponse, Some(11)),
    info!(leave_group_response::LeaveGroupResponse, Some(13)),
    info!(list_config_resources_response::ListConfigResourcesResponse, Some(74)),
    info!(list_groups_response::ListGroupsResponse, Some(16)),
    info!(list_offsets_response::ListOffsetsResponse, Some(2)),
    info!(list_partition_reassignments_response::ListPartitionReassignmentsResponse, Some(46)),
    info!(list_transactions_response::ListTransactionsResponse, Some(66)),
    info!(metadata_response::MetadataResponse, Some(3)),
    info!(offset_commit_response::OffsetCommitResponse, Some(8)),
    info!(offset_delete_response::OffsetDeleteResponse, Some(47)),
    info!(offset_fetch_response::OffsetFetchResponse, Some(9)),
    info!(offset_for_leader_epoch_response::OffsetForLeaderEpochResponse, Some(23)),
    info!(produce_response::ProduceResponse, Some(0)),
    info!(push_telemetry_response::PushTelemetryResponse, Some(72)),
    info!(read_share_group_state_response::ReadShareGroupStateResponse, Some(84)),
    info!(read_share_group_state_summary_response::ReadShareGroupStateSummaryResponse, Some(87)),
    info!(remove_raft_voter_response::RemoveRaftVoterResponse, Some(81)),
    info!(renew_delegation_token_response::RenewDelegationTokenResponse, Some(39)),
    info!(sasl_authenticate_response::SaslAuthenticateResponse, Some(36)),
    info!(sasl_handshake_response::SaslHandshakeResponse, Some(17)),
    info!(share_acknowledge_response::ShareAcknowledgeResponse, Some(79)),
    info!(share_fetch_response::ShareFetchResponse, Some(78)),
    info!(share_group_describe_response::ShareGroupDescribeResponse, Some(77)),
    info!(share_group_heartbeat_response::ShareGroupHeartbeatResponse, Some(76)),
    info!(streams_group_describe_response::StreamsGroupDescribeResponse, Some(89)),
    info!(streams_group_heartbeat_response::StreamsGroupHeartbeatResponse, Some(88)),
    info!(sync_group_response::SyncGroupResponse, Some(14)),
    info!(txn_offset_commit_response::TxnOffsetCommitResponse, Some(28)),
    info!(unregister_broker_response::UnregisterBrokerResponse, Some(64)),
    info!(update_features_response::UpdateFeaturesResponse, Some(57)),
    info!(update_raft_voter_response::UpdateRaftVoterResponse, Some(82)),
    info!(vote_response::VoteResponse, Some(52)),
    info!(write_share_group_state_response::WriteShareGroupStateResponse, Some(85)),
    info!(write_txn_markers_response::WriteTxnMarkersResponse, Some(27)),
];

/// All stored records, headers and blobs.
#[cfg(any(test, feature = "all-messages"))]
pub const STORED: &[MessageInfo] = &[
    info!(
        consumer_group_current_member_assignment_key::ConsumerGroupCurrentMemberAssignmentKey,
        Some(8),
    ),
    info!(
        consumer_group_current_member_assignment_value::ConsumerGroupCurrentMemberAssignmentValue,
        Some(8),
    ),
    info!(consumer_group_member_metadata_key::ConsumerGroupMemberMetadataKey, Some(5)),
    info!(consumer_group_member_metadata_value::ConsumerGroupMemberMetadataValue, Some(5)),
    info!(consumer_group_metadata_key::ConsumerGroupMetadataKey, Some(3)),
    info!(consumer_group_metadata_value::ConsumerGroupMetadataValue, Some(3)),
    info!(consumer_group_partition_metadata_key::ConsumerGroupPartitionMetadataKey, Some(4)),
    info!(consumer_group_partition_metadata_value::ConsumerGroupPartitionMetadataValue, Some(4)),
    info!(consumer_group_regular_expression_key::ConsumerGroupRegularExpressionKey, Some(16)),
    info!(consumer_group_regular_expression_value::ConsumerGroupRegularExpressionValue, Some(16)),
    info!(
        consumer_group_target_assignment_member_key::ConsumerGroupTargetAssignmentMemberKey,
        Some(7),
    ),
    info!(
        consumer_group_target_assignment_member_value::ConsumerGroupTargetAssignmentMemberValue,
        Some(7),
    ),
    info!(
        consumer_group_target_assignment_metadata_key::ConsumerGroupTargetAssignmentMetadataKey,
        Some(6),
    ),
    info!(
        consumer_group_target_assignment_metadata_value::ConsumerGroupTargetAssignmentMetadataValue,
        Some(6),
    ),
    info!(consumer_protocol_assignment::ConsumerProtocolAssignment, None),
    info!(consumer_protocol_subscription::ConsumerProtocolSubscription, None),
    info!(control_record_type_schema::ControlRecordTypeSchema, None),
    info!(default_principal_data::DefaultPrincipalData, None),
    info!(end_txn_marker::EndTxnMarker, None),
    info!(group_metadata_key::GroupMetadataKey, Some(2)),
    info!(group_metadata_value::GroupMetadataValue, Some(2)),
    info!(k_raft_version_record::KRaftVersionRecord, None),
    info!(leader_change_message::LeaderChangeMessage, None),
    info!(legacy_offset_commit_key::LegacyOffsetCommitKey, Some(0)),
    info!(legacy_offset_commit_value::LegacyOffsetCommitValue, Some(0)),
    info!(offset_commit_key::OffsetCommitKey, Some(1)),
    info!(offset_commit_value::OffsetCommitValue, Some(1)),
    info!(producer_snapshot::ProducerSnapshot, None),
    info!(request_header::RequestHeader, None),
    info!(response_header::ResponseHeader, None),
    info!(
        share_group_current_member_assignment_key::ShareGroupCurrentMemberAssignmentKey,
        Some(14),
    ),
    info!(
        share_group_current_member_assignment_value::ShareGroupCurrentMemberAssignmentValue,
        Some(14),
    ),
    info!(share_group_member_metadata_key::ShareGroupMemberMetadataKey, Some(10)),
    info!(share_group_member_metadata_value::ShareGroupMemberMetadataValue, Some(10)),
    info!(share_group_metadata_key::ShareGroupMetadataKey, Some(11)),
    info!(share_group_metadata_value::ShareGroupMetadataValue, Some(11)),
    info!(share_group_state_partition_metadata_key::ShareGroupStatePartitionMetadataKey, Some(15)),
    info!(
        share_group_state_partition_metadata_value::ShareGroupStatePartitionMetadataValue,
        Some(15),
    ),
    info!(share_group_target_assignment_member_key::ShareGroupTargetAssignmentMemberKey, Some(13)),
    info!(
        share_group_target_assignment_member_value::ShareGroupTargetAssignmentMemberValue,
        Some(13),
    ),
    info!(
        share_group_target_assignment_metadata_key::ShareGroupTargetAssignmentMetadataKey,
        Some(12),
    ),
    info!(
        share_group_target_assignment_metadata_value::ShareGroupTargetAssignmentMetadataValue,
        Some(12),
    ),
    info!(share_snapshot_key::ShareSnapshotKey, Some(0)),
    info!(share_snapshot_value::ShareSnapshotValue, Some(0)),
    info!(share_update_key::ShareUpdateKey, Some(1)),
    info!(share_update_value::ShareUpdateValue, Some(1)),
    info!(snapshot_footer_record::SnapshotFooterRecord, None),
    info!(snapshot_header_record::SnapshotHeaderRecord, None),
    info!(
        streams_group_current_member_assignment_key::StreamsGroupCurrentMemberAssignmentKey,
        Some(22),
    ),
    info!(
        streams_group_current_member_assignment_value::StreamsGroupCurrentMemberAssignmentValue,
        Some(22),
    ),
    info!(streams_group_member_metadata_key::StreamsGroupMemberMetadataKey, Some(19)),
    info!(streams_group_member_metadata_value::StreamsGroupMemberMetadataValue, Some(19)),
    info!(streams_group_metadata_key::StreamsGroupMetadataKey, Some(17)),
    info!(streams_group_metadata_value::StreamsGroupMetadataValue, Some(17)),
    info!(
        streams_group_target_assignment_member_key::StreamsGroupTargetAssignmentMemberKey,
        Some(21),
    ),
    info!(
        streams_group_target_assignment_member_value::StreamsGroupTargetAssignmentMemberValue,
        Some(21),
    ),
    info!(
        streams_group_target_assignment_metadata_key::StreamsGroupTargetAssignmentMetadataKey,
        Some(20),
    ),
    info!(
        streams_group_target_assignment_metadata_value::StreamsGroupTargetAssignmentMetadataValue,
        Some(20),
    ),
    info!(streams_group_topology_key::StreamsGroupTopologyKey, Some(23)),
    info!(streams_group_topology_value::StreamsGroupTopologyValue, Some(23)),
    info!(transaction_log_key::TransactionLogKey, Some(0)),
    info!(transaction_log_value::TransactionLogValue, Some(0)),
    info!(voters_record::VotersRecord, None),
];
