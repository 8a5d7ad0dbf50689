//! The JSON shapes of the MSK API, as they go over the wire: lower camel case with MSK's own
//! irregularities, absent instead of null. Every member is optional here; `validation` knows which
//! a request must have.
//!
//! Source: the AWS operations' input and output shapes (API version 2018-11-14).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Declares shapes whose members are all optional; `as` gives a wire name other than camel case.
macro_rules! shapes {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$note:meta])* $field:ident $(as $wire:literal)?: $type:ty,)* }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
            #[serde(rename_all = "camelCase", default)]
            pub(crate) struct $name {
                $(
                    $(#[$note])*
                    $(#[serde(rename = $wire)])?
                    #[serde(skip_serializing_if = "Option::is_none")]
                    pub(crate) $field: Option<$type>,
                )*
            }
        )*
    };
}

pub(crate) type Tags = BTreeMap<String, String>;

// In requests and responses.
shapes! {
    BrokerNodeGroupInfo {
        broker_az_distribution as "brokerAZDistribution": String,
        client_subnets: Vec<String>,
        instance_type: String,
        security_groups: Vec<String>,
        storage_info: StorageInfo,
        connectivity_info: ConnectivityInfo,
        zone_ids: Vec<String>,
    }
    StorageInfo { ebs_storage_info: EbsStorageInfo, }
    EbsStorageInfo { provisioned_throughput: ProvisionedThroughput, volume_size: i64, }
    ProvisionedThroughput { enabled: bool, volume_throughput: i64, }
    ConnectivityInfo {
        public_access: PublicAccess,
        vpc_connectivity: VpcConnectivity,
        network_type: String,
    }
    PublicAccess { r#type: String, }
    VpcConnectivity { client_authentication: ClientAuthentication, }
    Rebalancing { status: String, }
    ClientAuthentication { sasl: Sasl, tls: Tls, unauthenticated: Switch, }
    Sasl { scram: Switch, iam: Switch, }
    Tls { certificate_authority_arn_list: Vec<String>, enabled: bool, }
    Switch { enabled: bool, }
    ConfigurationInfo { arn: String, revision: i64, }
    EncryptionInfo {
        encryption_at_rest: EncryptionAtRest,
        encryption_in_transit: EncryptionInTransit,
    }
    EncryptionAtRest { data_volume_kms_key_id as "dataVolumeKMSKeyId": String, }
    EncryptionInTransit { client_broker: String, in_cluster: bool, }
    OpenMonitoring { prometheus: Prometheus, }
    Prometheus { jmx_exporter: Exporter, node_exporter: Exporter, }
    Exporter { enabled_in_broker: bool, }
    LoggingInfo { authorizer_logs: LogDestinations, broker_logs: LogDestinations, }
    LogDestinations { cloud_watch_logs: CloudWatchLogs, firehose: Firehose, s3: S3Logs, }
    CloudWatchLogs { enabled: bool, log_group: String, }
    Firehose { delivery_stream: String, enabled: bool, }
    S3Logs { bucket: String, enabled: bool, prefix: String, }
    StateInfo { code: String, message: String, }
    BrokerEbsVolumeInfo {
        kafka_broker_node_id: String,
        provisioned_throughput: ProvisionedThroughput,
        volume_size_gb as "volumeSizeGB": i64,
    }
    BrokerSoftwareInfo {
        configuration_arn: String,
        configuration_revision: i64,
        kafka_version: String,
    }
}

// Requests.
shapes! {
    /// CreateCluster's and CreateClusterV2's `provisioned` members.
    ProvisionedRequest {
        broker_node_group_info: BrokerNodeGroupInfo,
        rebalancing: Rebalancing,
        client_authentication: ClientAuthentication,
        configuration_info: ConfigurationInfo,
        encryption_info: EncryptionInfo,
        enhanced_monitoring: String,
        open_monitoring: OpenMonitoring,
        kafka_version: String,
        logging_info: LoggingInfo,
        number_of_broker_nodes: i64,
        storage_mode: String,
    }
    /// The members of CreateCluster beside [`ProvisionedRequest`]'s, in the same object.
    CreateClusterRequest { cluster_name: String, tags: Tags, }
    CreateClusterV2Request {
        cluster_name: String,
        tags: Tags,
        provisioned: ProvisionedRequest,
        serverless: serde_json::Value,
    }
    RebootBrokerRequest { broker_ids: Vec<String>, }
    UpdateClusterConfigurationRequest {
        configuration_info: ConfigurationInfo,
        current_version: String,
    }
    UpdateClusterKafkaVersionRequest {
        configuration_info: ConfigurationInfo,
        current_version: String,
        target_kafka_version: String,
    }
    UpdateBrokerCountRequest { current_version: String, target_number_of_broker_nodes: i64, }
    UpdateBrokerStorageRequest {
        current_version: String,
        target_broker_ebs_volume_info as "targetBrokerEBSVolumeInfo": Vec<BrokerEbsVolumeInfo>,
    }
    UpdateBrokerTypeRequest {
        current_version: String,
        target_instance_type: String,
        topic_reassignment: String,
    }
    UpdateMonitoringRequest {
        current_version: String,
        enhanced_monitoring: String,
        open_monitoring: OpenMonitoring,
        logging_info: LoggingInfo,
    }
    UpdateSecurityRequest {
        current_version: String,
        client_authentication: ClientAuthentication,
        encryption_info: EncryptionInfo,
    }
    CreateConfigurationRequest {
        description: String,
        kafka_versions: Vec<String>,
        name: String,
        /// Base64.
        server_properties: String,
    }
    CreateTopicRequest {
        /// Base64.
        configs: String,
        partition_count: i64,
        replication_factor: i64,
        topic_name: String,
    }
    UpdateTopicRequest {
        /// Base64.
        configs: String,
        partition_count: i64,
    }
    UpdateConfigurationRequest { description: String, server_properties: String, }
    TagResourceRequest { tags: Tags, }
}

// Responses.
shapes! {
    CreateClusterResponse {
        cluster_arn: String,
        cluster_name: String,
        state: String,
        cluster_type: String,
    }
    DeleteClusterResponse { cluster_arn: String, state: String, }
    DescribeClusterResponse { cluster_info: ClusterInfo, }
    DescribeClusterV2Response { cluster_info: Cluster, }
    ListClustersResponse { cluster_info_list: Vec<ClusterInfo>, next_token: String, }
    ListClustersV2Response { cluster_info_list: Vec<Cluster>, next_token: String, }
    ClusterInfo {
        active_operation_arn: String,
        broker_node_group_info: BrokerNodeGroupInfo,
        rebalancing: Rebalancing,
        client_authentication: ClientAuthentication,
        cluster_arn: String,
        cluster_name: String,
        creation_time: String,
        current_broker_software_info: BrokerSoftwareInfo,
        current_version: String,
        encryption_info: EncryptionInfo,
        enhanced_monitoring: String,
        open_monitoring: OpenMonitoring,
        logging_info: LoggingInfo,
        number_of_broker_nodes: i64,
        state: String,
        state_info: StateInfo,
        tags: Tags,
        storage_mode: String,
        customer_action_status: String,
    }
    Cluster {
        active_operation_arn: String,
        cluster_type: String,
        cluster_arn: String,
        cluster_name: String,
        creation_time: String,
        current_version: String,
        state: String,
        state_info: StateInfo,
        tags: Tags,
        provisioned: Provisioned,
    }
    Provisioned {
        broker_node_group_info: BrokerNodeGroupInfo,
        rebalancing: Rebalancing,
        current_broker_software_info: BrokerSoftwareInfo,
        client_authentication: ClientAuthentication,
        encryption_info: EncryptionInfo,
        enhanced_monitoring: String,
        open_monitoring: OpenMonitoring,
        logging_info: LoggingInfo,
        number_of_broker_nodes: i64,
        storage_mode: String,
        customer_action_status: String,
    }
    GetBootstrapBrokersResponse { bootstrap_broker_string: String, }
    ListNodesResponse { next_token: String, node_info_list: Vec<NodeInfo>, }
    NodeInfo {
        added_to_cluster_time: String,
        broker_node_info: BrokerNodeInfo,
        instance_type: String,
        node_arn as "nodeARN": String,
        node_type: String,
    }
    BrokerNodeInfo {
        attached_eni_id as "attachedENIId": String,
        broker_id: f64,
        client_subnet: String,
        client_vpc_ip_address: String,
        current_broker_software_info: BrokerSoftwareInfo,
        endpoints: Vec<String>,
    }
    ListKafkaVersionsResponse { kafka_versions: Vec<ListedKafkaVersion>, next_token: String, }
    ListedKafkaVersion { version: String, status: String, }
    GetCompatibleKafkaVersionsResponse { compatible_kafka_versions: Vec<CompatibleKafkaVersion>, }
    CompatibleKafkaVersion { source_version: String, target_versions: Vec<String>, }
    UpdateResponse { cluster_arn: String, cluster_operation_arn: String, }
    DescribeClusterOperationResponse { cluster_operation_info: ClusterOperationInfo, }
    DescribeClusterOperationV2Response { cluster_operation_info: ClusterOperationV2, }
    ListClusterOperationsResponse {
        cluster_operation_info_list: Vec<ClusterOperationInfo>,
        next_token: String,
    }
    ListClusterOperationsV2Response {
        cluster_operation_info_list: Vec<ClusterOperationV2>,
        next_token: String,
    }
    ClusterOperationInfo {
        client_request_id: String,
        cluster_arn: String,
        creation_time: String,
        end_time: String,
        error_info: ErrorInfo,
        operation_arn: String,
        operation_state: String,
        operation_steps: Vec<ClusterOperationStep>,
        operation_type: String,
        source_cluster_info: MutableClusterInfo,
        target_cluster_info: MutableClusterInfo,
    }
    /// Also the summary in lists, which then lacks `provisioned` and `error_info`.
    ClusterOperationV2 {
        cluster_arn: String,
        cluster_type: String,
        start_time: String,
        end_time: String,
        error_info: ErrorInfo,
        operation_arn: String,
        operation_state: String,
        operation_type: String,
        provisioned: ClusterOperationV2Provisioned,
    }
    ClusterOperationV2Provisioned {
        operation_steps: Vec<ClusterOperationStep>,
        source_cluster_info: MutableClusterInfo,
        target_cluster_info: MutableClusterInfo,
    }
    ErrorInfo { error_code: String, error_string: String, }
    ClusterOperationStep { step_info: ClusterOperationStepInfo, step_name: String, }
    ClusterOperationStepInfo { step_status: String, }
    /// MSK shows a reboot, which changes nothing, with two empty objects.
    MutableClusterInfo {
        broker_count_update_info: BrokerCountUpdateInfo,
        broker_ebs_volume_info as "brokerEBSVolumeInfo": Vec<BrokerEbsVolumeInfo>,
        configuration_info: ConfigurationInfo,
        number_of_broker_nodes: i64,
        instance_type: String,
        kafka_version: String,
        enhanced_monitoring: String,
        open_monitoring: OpenMonitoring,
        logging_info: LoggingInfo,
        client_authentication: ClientAuthentication,
    }
    BrokerCountUpdateInfo { created_broker_ids: Vec<f64>, deleted_broker_ids: Vec<f64>, }
    CreateConfigurationResponse {
        arn: String,
        creation_time: String,
        latest_revision: ConfigurationRevision,
        name: String,
        state: String,
    }
    UpdateConfigurationResponse { arn: String, latest_revision: ConfigurationRevision, }
    DeleteConfigurationResponse { arn: String, state: String, }
    /// Also DescribeConfiguration's response.
    Configuration {
        arn: String,
        creation_time: String,
        description: String,
        kafka_versions: Vec<String>,
        latest_revision: ConfigurationRevision,
        name: String,
        state: String,
    }
    ConfigurationRevision { creation_time: String, description: String, revision: i64, }
    DescribeConfigurationRevisionResponse {
        arn: String,
        creation_time: String,
        description: String,
        revision: i64,
        /// Base64.
        server_properties: String,
    }
    ListConfigurationsResponse { configurations: Vec<Configuration>, next_token: String, }
    ListConfigurationRevisionsResponse {
        next_token: String,
        revisions: Vec<ConfigurationRevision>,
    }
    /// For every change of a topic.
    TopicResponse { topic_arn: String, topic_name: String, status: String, }
    DescribeTopicResponse {
        topic_arn: String,
        topic_name: String,
        replication_factor: i64,
        partition_count: i64,
        /// Base64.
        configs: String,
        status: String,
    }
    DescribeTopicPartitionsResponse { partitions: Vec<TopicPartitionInfo>, next_token: String, }
    TopicPartitionInfo { partition: i64, leader: i64, replicas: Vec<i64>, isr: Vec<i64>, }
    ListTopicsResponse { topics: Vec<TopicInfo>, next_token: String, }
    TopicInfo {
        topic_arn: String,
        topic_name: String,
        replication_factor: i64,
        partition_count: i64,
        out_of_sync_replica_count: i64,
    }
    ListTagsForResourceResponse { tags: Tags, }
    ErrorBody { invalid_parameter: String, message: String, }
}
