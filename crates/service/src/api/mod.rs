//! The operations of the MSK API: from a routed request to the answer's shape.
//!
//! Each file has the operations of one kind of resource. They read and write records only; what
//! they ask for is made true by the reconcilers.

mod brokers;
mod cluster_operations;
mod clusters;
mod configurations;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod fuzzing;
mod nodes;
mod operations;
mod query;
mod tags;
pub(crate) mod topic_errors;
mod topics;
mod updates;
mod versions;

pub(crate) use nodes::bootstrap_string;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, StatusCode};
use milena_metadata::{ClusterMetadata, MetadataStore};
use milena_runtime::Runtime;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    account::AccountScope,
    arn::{Arn, ClusterUid},
    cluster_store::ClusterStore,
    configuration::CheckProperties,
    error::ApiError,
    record::ManagedCluster,
};
use operations::Operation;
use query::Query;

/// What the operations work with.
pub(crate) struct Api {
    pub(crate) runtime: Runtime,
    pub(crate) store: ClusterStore,
    pub(crate) scope: AccountScope,
    pub(crate) check_properties: CheckProperties,
    /// How long a topic operation may take with its brokers.
    pub(crate) kafka_timeout: Duration,
    /// Where the brokers of all clusters have their records.
    pub(crate) metadata: Arc<dyn MetadataStore>,
}

/// A request as it came, its signature accepted.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) raw_path: String,
    pub(crate) raw_query: String,
    pub(crate) body: Bytes,
    /// The id that the answer carries.
    pub(crate) request_id: String,
}

/// A successful answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// JSON, unless the answer has no body.
    pub(crate) body: Option<Vec<u8>>,
}

impl Answer {
    fn json<T: Serialize>(shape: &T) -> Result<Self, ApiError> {
        let body =
            serde_json::to_vec(shape).map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(Self { status: StatusCode::OK, body: Some(body) })
    }

    fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None }
    }
}

impl Api {
    /// Carries out one request.
    pub(crate) async fn call(self: &Arc<Self>, request: &Request) -> Result<Answer, ApiError> {
        let (operation, labels) = operations::route(&request.method, &request.raw_path)?;
        let query = Query::parse(&request.raw_query)?;
        let label = labels.first().map_or("", String::as_str);
        let second = labels.get(1).map_or("", String::as_str);
        let third = labels.get(2).map_or("", String::as_str);
        let body = &request.body;
        match operation {
            Operation::CreateCluster => Answer::json(&self.create_cluster(body).await?),
            Operation::CreateClusterV2 => Answer::json(&self.create_cluster_v2(body).await?),
            Operation::DescribeCluster => Answer::json(&self.describe_cluster(label).await?),
            Operation::DescribeClusterV2 => Answer::json(&self.describe_cluster_v2(label).await?),
            Operation::ListClusters => Answer::json(&self.list_clusters(&query).await?),
            Operation::ListClustersV2 => Answer::json(&self.list_clusters_v2(&query).await?),
            Operation::DeleteCluster => Answer::json(&self.delete_cluster(label, &query).await?),
            Operation::GetBootstrapBrokers => Answer::json(&self.bootstrap_brokers(label).await?),
            Operation::ListNodes => Answer::json(&self.list_nodes(label, &query).await?),
            Operation::ListKafkaVersions => Answer::json(&versions::list(&query)?),
            Operation::GetCompatibleKafkaVersions => {
                Answer::json(&self.compatible_versions(&query).await?)
            }
            Operation::RebootBroker => {
                Answer::json(&self.reboot_broker(label, body, &request.request_id).await?)
            }
            Operation::UpdateClusterConfiguration => Answer::json(
                &self.update_cluster_configuration(label, body, &request.request_id).await?,
            ),
            Operation::UpdateBrokerCount => {
                Answer::json(&self.update_broker_count(label, body, &request.request_id).await?)
            }
            Operation::CreateConfiguration => Answer::json(&self.create_configuration(body).await?),
            Operation::UpdateConfiguration => {
                Answer::json(&self.update_configuration(label, body).await?)
            }
            Operation::DeleteConfiguration => {
                Answer::json(&self.delete_configuration(label).await?)
            }
            Operation::DescribeConfiguration => {
                Answer::json(&self.describe_configuration(label).await?)
            }
            Operation::DescribeConfigurationRevision => {
                Answer::json(&self.describe_configuration_revision(label, second).await?)
            }
            Operation::ListConfigurations => Answer::json(&self.list_configurations(&query).await?),
            Operation::ListConfigurationRevisions => {
                Answer::json(&self.list_configuration_revisions(label, &query).await?)
            }
            Operation::CreateTopic => Answer::json(&self.create_topic(label, body).await?),
            Operation::DescribeTopic => Answer::json(&self.describe_topic(label, second).await?),
            Operation::DescribeTopicPartitions => {
                Answer::json(&self.describe_topic_partitions(label, second, &query).await?)
            }
            Operation::ListTopics => Answer::json(&self.list_topics(label, &query).await?),
            Operation::UpdateTopic => Answer::json(&self.update_topic(label, second, body).await?),
            Operation::DeleteTopic => Answer::json(&self.delete_topic(label, second).await?),
            Operation::DescribeClusterOperation => {
                Answer::json(&self.describe_operation(label).await?)
            }
            Operation::DescribeClusterOperationV2 => {
                Answer::json(&self.describe_operation_v2(label).await?)
            }
            Operation::ListClusterOperations => {
                Answer::json(&self.list_operations(label, &query).await?)
            }
            Operation::ListClusterOperationsV2 => {
                Answer::json(&self.list_operations_v2(label, &query).await?)
            }
            Operation::Brokers => Answer::json(&self.brokers(label).await?),
            Operation::KillBroker => Answer::json(&self.kill_broker(label, second).await?),
            Operation::RestartBroker => Answer::json(&self.restart_broker(label, second).await?),
            Operation::AcceptLostLog => {
                Answer::json(&self.accept_lost_log(label, second, third).await?)
            }
            Operation::TagResource => self.tag_resource(label, body).await,
            Operation::UntagResource => self.untag_resource(label, &query).await,
            Operation::ListTagsForResource => Answer::json(&self.list_tags(label).await?),
            Operation::Absent(name) => {
                let message = format!(
                    "{name} is not offered in this release of Milena; its README lists what is"
                );
                Err(ApiError::bad_request(message))
            }
        }
    }

    /// The cluster of an ARN. NotFound when there is none.
    async fn cluster(&self, arn: &str) -> Result<ManagedCluster, ApiError> {
        let uid = cluster_uid(arn, "clusterArn")?;
        let found = self
            .store
            .cluster(&uid)
            .await?
            .map(|seen| seen.record)
            .filter(|record| record.arn() == arn);
        found.ok_or_else(|| no_cluster(arn))
    }

    /// What the brokers of a cluster have recorded.
    fn cluster_metadata(&self, cluster: &ManagedCluster) -> ClusterMetadata {
        ClusterMetadata::new(self.metadata.clone(), cluster.cluster_id(), self.runtime.clone())
    }

    /// The same for the operations that declare no NotFound: they answer BadRequest.
    async fn cluster_or_bad_request(&self, arn: &str) -> Result<ManagedCluster, ApiError> {
        self.cluster(arn).await.map_err(|error| match error {
            ApiError::NotFound(message) => ApiError::invalid("clusterArn", message),
            other => other,
        })
    }
}

/// The uid in a cluster's ARN. A well-formed ARN of something else is NotFound.
fn cluster_uid(arn: &str, parameter: &str) -> Result<ClusterUid, ApiError> {
    let parsed = Arn::parse(arn, parameter)?;
    match parsed.cluster() {
        Some((_, uid, None)) if parsed.kind == "cluster" => Ok(uid),
        _ => Err(no_cluster(arn)),
    }
}

fn no_cluster(arn: &str) -> ApiError {
    ApiError::NotFound(format!("there is no cluster {arn}; ListClusters shows those there are"))
}

/// The body as a shape. An error names the member and the place in the text.
fn body<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    // An array would be read as the members in order, which no client means.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::bad_request(
            "the request body is not the JSON it must be: an object was expected",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        // The reader's names for the whole, and for a place in it that it could not make out.
        if path == "." || path == "?" {
            ApiError::bad_request(format!("the request body is not the JSON it must be: {error}"))
        } else {
            ApiError::invalid(
                path.clone(),
                format!("the request body is not the JSON it must be, at {path}: {error}"),
            )
        }
    })?;
    let rest = reader.end();
    rest.map_err(|error| {
        ApiError::bad_request(format!("the request body goes on after its JSON: {error}"))
    })?;
    Ok(parsed)
}

#[cfg(test)]
mod tests;
