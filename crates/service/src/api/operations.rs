//! The table of operations: the name, the route, and the method of [`Api`] that carries it out.
//! Routing, the calls and the tables in docs/operations/msk-api.md are made from it.

use futures_util::future::BoxFuture;
use http::Method;

use super::{
    call::{ApiRequest, ApiResponse, Call, IntoResponse},
    context::Api,
    path::{self, PathParameters},
    query::Query,
};
use crate::error::ApiError;

type Handler = for<'a> fn(&'a Api, &'a Call<'a>) -> BoxFuture<'a, Result<ApiResponse, ApiError>>;

/// An operation of the API.
#[derive(Debug)]
pub(super) struct ApiOperation {
    pub(super) name: &'static str,
    method: Method,
    path: &'static str,
    /// `None`: MSK has it and this release does not. It is refused by its name.
    handler: Option<Handler>,
}

/// Rows of `name: method "path" => handler(arguments);` or, for an operation that is refused,
/// `name: method "path";`. The handler is a method of [`Api`], an argument a method of [`Call`] or a
/// text.
macro_rules! operations {
    ($($name:ident: $method:ident $path:literal $(=> $handler:ident($($argument:tt),*))?;)*) => {
        &[$(ApiOperation {
            name: stringify!($name),
            method: Method::$method,
            path: $path,
            handler: operations!(@handler $($handler($($argument),*))?),
        }),*]
    };
    (@handler) => { None };
    (@handler $handler:ident($($argument:tt),*)) => {{
        fn handle<'a>(
            api: &'a Api,
            call: &'a Call<'a>,
        ) -> BoxFuture<'a, Result<ApiResponse, ApiError>> {
            Box::pin(async move {
                let outcome = api.$handler($(operations!(@argument call $argument)),*).await;
                outcome?.into_response()
            })
        }
        Some(handle)
    }};
    (@argument $call:ident $argument:ident) => { $call.$argument()? };
    (@argument $call:ident $text:literal) => { $text };
}

/// The MSK API, but for [`NONE`].
static MSK: &[ApiOperation] = operations! {
    CreateCluster: POST "/v1/clusters"
        => create_cluster(body, body);
    CreateClusterV2: POST "/api/v2/clusters"
        => create_cluster_v2(body);
    ListClusters: GET "/v1/clusters"
        => list_clusters(query);
    ListClustersV2: GET "/api/v2/clusters"
        => list_clusters_v2(query);
    DescribeCluster: GET "/v1/clusters/{clusterArn}"
        => describe_cluster(cluster_arn);
    DescribeClusterV2: GET "/api/v2/clusters/{clusterArn}"
        => describe_cluster_v2(cluster_arn);
    DeleteCluster: DELETE "/v1/clusters/{clusterArn}"
        => delete_cluster(cluster_arn, query);
    GetBootstrapBrokers: GET "/v1/clusters/{clusterArn}/bootstrap-brokers"
        => get_bootstrap_brokers(cluster_arn);
    ListNodes: GET "/v1/clusters/{clusterArn}/nodes"
        => list_nodes(cluster_arn, query);
    ListKafkaVersions: GET "/v1/kafka-versions"
        => list_kafka_versions(query);
    GetCompatibleKafkaVersions: GET "/v1/compatible-kafka-versions"
        => get_compatible_kafka_versions(query);

    RebootBroker: PUT "/v1/clusters/{clusterArn}/reboot-broker"
        => reboot_broker(cluster_arn, body, request_id);
    UpdateBrokerCount: PUT "/v1/clusters/{clusterArn}/nodes/count"
        => update_broker_count(cluster_arn, body, request_id);
    UpdateClusterConfiguration: PUT "/v1/clusters/{clusterArn}/configuration"
        => update_cluster_configuration(cluster_arn, body, request_id);
    UpdateBrokerStorage: PUT "/v1/clusters/{clusterArn}/nodes/storage"
        => update_broker_storage(cluster_arn, body, request_id);
    UpdateBrokerType: PUT "/v1/clusters/{clusterArn}/nodes/type"
        => update_broker_type(cluster_arn, body, request_id);
    UpdateStorage: PUT "/v1/clusters/{clusterArn}/storage";
    UpdateClusterKafkaVersion: PUT "/v1/clusters/{clusterArn}/version"
        => update_cluster_kafka_version(cluster_arn, body, request_id);
    UpdateMonitoring: PUT "/v1/clusters/{clusterArn}/monitoring"
        => update_monitoring(cluster_arn, body, request_id);
    UpdateConnectivity: PUT "/v1/clusters/{clusterArn}/connectivity";
    UpdateSecurity: PATCH "/v1/clusters/{clusterArn}/security"
        => update_security(cluster_arn, body, request_id);
    UpdateRebalancing: PUT "/v1/clusters/{clusterArn}/rebalancing";

    DescribeClusterOperation: GET "/v1/operations/{clusterOperationArn}"
        => describe_cluster_operation(cluster_operation_arn);
    DescribeClusterOperationV2: GET "/api/v2/operations/{clusterOperationArn}"
        => describe_cluster_operation_v2(cluster_operation_arn);
    ListClusterOperations: GET "/v1/clusters/{clusterArn}/operations"
        => list_cluster_operations(cluster_arn, query);
    ListClusterOperationsV2: GET "/api/v2/clusters/{clusterArn}/operations"
        => list_cluster_operations_v2(cluster_arn, query);

    TagResource: POST "/v1/tags/{resourceArn}"
        => tag_resource(resource_arn, body);
    UntagResource: DELETE "/v1/tags/{resourceArn}"
        => untag_resource(resource_arn, query);
    ListTagsForResource: GET "/v1/tags/{resourceArn}"
        => list_tags_for_resource(resource_arn);

    CreateConfiguration: POST "/v1/configurations"
        => create_configuration(body);
    UpdateConfiguration: PUT "/v1/configurations/{arn}"
        => update_configuration(arn, body);
    DeleteConfiguration: DELETE "/v1/configurations/{arn}"
        => delete_configuration(arn);
    DescribeConfiguration: GET "/v1/configurations/{arn}"
        => describe_configuration(arn);
    DescribeConfigurationRevision: GET "/v1/configurations/{arn}/revisions/{revision}"
        => describe_configuration_revision(arn, revision);
    ListConfigurations: GET "/v1/configurations"
        => list_configurations(query);
    ListConfigurationRevisions: GET "/v1/configurations/{arn}/revisions"
        => list_configuration_revisions(arn, query);

    CreateTopic: POST "/v1/clusters/{clusterArn}/topics"
        => create_topic(cluster_arn, body);
    DescribeTopic: GET "/v1/clusters/{clusterArn}/topics/{topicName}"
        => describe_topic(cluster_arn, topic_name);
    DescribeTopicPartitions: GET "/v1/clusters/{clusterArn}/topics/{topicName}/partitions"
        => describe_topic_partitions(cluster_arn, topic_name, query);
    ListTopics: GET "/v1/clusters/{clusterArn}/topics"
        => list_topics(cluster_arn, query);
    UpdateTopic: PUT "/v1/clusters/{clusterArn}/topics/{topicName}"
        => update_topic(cluster_arn, topic_name, body);
    DeleteTopic: DELETE "/v1/clusters/{clusterArn}/topics/{topicName}"
        => delete_topic(cluster_arn, topic_name);

    BatchAssociateScramSecret: POST "/v1/clusters/{clusterArn}/scram-secrets";
    BatchDisassociateScramSecret: PATCH "/v1/clusters/{clusterArn}/scram-secrets";
    PutClusterPolicy: PUT "/v1/clusters/{clusterArn}/policy";
    DeleteClusterPolicy: DELETE "/v1/clusters/{clusterArn}/policy";

    CreateVpcConnection: POST "/v1/vpc-connection";
    DeleteVpcConnection: DELETE "/v1/vpc-connection/{arn}";
    RejectClientVpcConnection: PUT "/v1/clusters/{clusterArn}/client-vpc-connection";

    CreateChannel: POST "/v1/clusters/{clusterArn}/channels";
    UpdateChannel: PUT "/v1/clusters/{clusterArn}/channels/{channelArn}";
    DeleteChannel: DELETE "/v1/clusters/{clusterArn}/channels/{channelArn}";

    CreateAssessment: POST "/v1/clusters/{clusterArn}/assessments";
    DeleteAssessment: DELETE "/v1/clusters/{clusterArn}/assessments/{assessmentArn}";

    StartTopicReassignment: POST "/v1/clusters/{clusterArn}/topic-reassignments";
    StopTopicReassignment: POST
        "/v1/clusters/{clusterArn}/topic-reassignments/{topicReassignmentOperationArn}/stop";

    CreateReplicator: POST "/replication/v1/replicators";
    UpdateReplicationInfo: PUT "/replication/v1/replicators/{replicatorArn}/replication-info";
    DeleteReplicator: DELETE "/replication/v1/replicators/{replicatorArn}";
};

/// Operations of MSK on resources that this release has none of: see [`super::none`].
static NONE: &[ApiOperation] = operations! {
    ListScramSecrets: GET "/v1/clusters/{clusterArn}/scram-secrets"
        => list_none(path, query, "secretArnList");
    GetClusterPolicy: GET "/v1/clusters/{clusterArn}/policy"
        => find_none(path, "policy of the cluster", "clusterArn");
    DescribeVpcConnection: GET "/v1/vpc-connection/{arn}"
        => find_none(path, "VPC connection", "arn");
    ListVpcConnections: GET "/v1/vpc-connections"
        => list_none(path, query, "vpcConnections");
    ListClientVpcConnections: GET "/v1/clusters/{clusterArn}/client-vpc-connections"
        => list_client_vpc_connections(path, query);
    DescribeChannel: GET "/v1/clusters/{clusterArn}/channels/{channelArn}"
        => find_none(path, "channel", "channelArn");
    ListChannels: GET "/v1/clusters/{clusterArn}/channels"
        => list_none(path, query, "channels");
    DescribeAssessment: GET "/v1/clusters/{clusterArn}/assessments/{assessmentArn}"
        => find_none(path, "assessment", "assessmentArn");
    ListAssessments: GET "/v1/clusters/{clusterArn}/assessments"
        => list_none(path, query, "assessments");
    ListAssessmentFindings: GET "/v1/clusters/{clusterArn}/assessments/{assessmentArn}/findings"
        => find_none(path, "assessment", "assessmentArn");
    DescribeTopicReassignment: GET
        "/v1/clusters/{clusterArn}/topic-reassignments/{topicReassignmentOperationArn}"
        => find_none(path, "topic reassignment", "topicReassignmentOperationArn");
    ListTopicReassignments: GET "/v1/clusters/{clusterArn}/topic-reassignments"
        => list_none(path, query, "reassignments");
    DescribeReplicator: GET "/replication/v1/replicators/{replicatorArn}"
        => find_none(path, "replicator", "replicatorArn");
    ListReplicators: GET "/replication/v1/replicators"
        => list_none(path, query, "replicators");
};

/// Operations beyond MSK: see [`super::brokers`].
static MILENA: &[ApiOperation] = operations! {
    ListBrokers: GET "/milena/v1/clusters/{clusterArn}/brokers"
        => list_brokers(cluster_arn);
    KillBroker: POST "/milena/v1/clusters/{clusterArn}/brokers/{brokerId}/kill"
        => kill_broker(cluster_arn, broker_id);
    RestartBroker: POST "/milena/v1/clusters/{clusterArn}/brokers/{brokerId}/restart"
        => restart_broker(cluster_arn, broker_id);
    AcceptLostLog: POST
        "/milena/v1/clusters/{clusterArn}/brokers/{brokerId}/accept-lost-log/{epoch}"
        => accept_lost_log(cluster_arn, broker_id, broker_epoch);
};

impl Api {
    /// Carries out one request.
    pub(crate) async fn call(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let (operation, path) = route(&request.method, &request.raw_path)?;
        let query = Query::parse(&request.raw_query)?;
        let Some(handler) = operation.handler else {
            let name = operation.name;
            return Err(ApiError::bad_request(format!(
                "{name} is not offered in this release of Milena; see docs/operations/msk-api.md"
            )));
        };
        handler(self, &Call { path, query, request }).await
    }
}

/// The operation of a request, and the parameters of its path.
pub(super) fn route(
    method: &Method,
    raw_path: &str,
) -> Result<(&'static ApiOperation, PathParameters), ApiError> {
    let mut other_methods = Vec::new();
    for operation in MSK.iter().chain(NONE).chain(MILENA) {
        let Some(raw) = path::match_template(operation.path, raw_path) else { continue };
        if *method == operation.method {
            return Ok((operation, path::decode(raw)?));
        }
        other_methods.push(operation.method.as_str());
    }
    let shown: String = raw_path.chars().take(200).collect();
    Err(ApiError::UnknownOperation(if other_methods.is_empty() {
        format!(
            "{shown} is not a path of the MSK API; an ARN in a path must be percent-encoded as one \
             label"
        )
    } else {
        format!("{method} is not a method of {shown}; use {}", other_methods.join(" or "))
    }))
}

#[cfg(test)]
mod tests;
