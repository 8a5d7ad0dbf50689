//! Resources of MSK that this release has none of: the lists of them are empty, and what describes
//! one finds none. The cluster that they would belong to must exist.

use super::{context::Api, query::Query};
use crate::{
    error::ApiError,
    wire::{
        ListAssessmentsResponse, ListChannelsResponse, ListClientVpcConnectionsResponse,
        ListReplicatorsResponse, ListScramSecretsResponse, ListTopicReassignmentsResponse,
        ListVpcConnectionsResponse,
    },
};

/// What an operation returns that always fails.
type Never = super::call::NoContent;

impl Api {
    pub(super) async fn list_scram_secrets(
        &self,
        cluster: &str,
        query: &Query,
    ) -> Result<ListScramSecretsResponse, ApiError> {
        self.cluster(cluster).await?;
        Ok(ListScramSecretsResponse { secret_arn_list: Some(query.empty_page()?) })
    }

    pub(super) async fn get_cluster_policy(&self, cluster: &str) -> Result<Never, ApiError> {
        self.cluster(cluster).await?;
        Err(ApiError::NotFound(format!("the cluster {cluster} has no policy")))
    }

    pub(super) async fn list_vpc_connections(
        &self,
        query: &Query,
    ) -> Result<ListVpcConnectionsResponse, ApiError> {
        Ok(ListVpcConnectionsResponse { vpc_connections: Some(query.empty_page()?) })
    }

    pub(super) async fn describe_vpc_connection(&self, arn: &str) -> Result<Never, ApiError> {
        Err(none("VPC connection", arn))
    }

    pub(super) async fn list_client_vpc_connections(
        &self,
        cluster: &str,
        query: &Query,
    ) -> Result<ListClientVpcConnectionsResponse, ApiError> {
        self.cluster_or_bad_request(cluster).await?;
        let client_vpc_connections = Some(query.empty_page()?);
        Ok(ListClientVpcConnectionsResponse { client_vpc_connections })
    }

    pub(super) async fn list_channels(
        &self,
        cluster: &str,
        query: &Query,
    ) -> Result<ListChannelsResponse, ApiError> {
        self.cluster(cluster).await?;
        Ok(ListChannelsResponse { channels: Some(query.empty_page()?) })
    }

    pub(super) async fn describe_channel(
        &self,
        cluster: &str,
        arn: &str,
    ) -> Result<Never, ApiError> {
        self.cluster(cluster).await?;
        Err(none("channel", arn))
    }

    pub(super) async fn list_assessments(
        &self,
        cluster: &str,
        query: &Query,
    ) -> Result<ListAssessmentsResponse, ApiError> {
        self.cluster(cluster).await?;
        Ok(ListAssessmentsResponse { assessments: Some(query.empty_page()?) })
    }

    pub(super) async fn describe_assessment(
        &self,
        cluster: &str,
        arn: &str,
    ) -> Result<Never, ApiError> {
        self.cluster(cluster).await?;
        Err(none("assessment", arn))
    }

    pub(super) async fn list_assessment_findings(
        &self,
        cluster: &str,
        arn: &str,
    ) -> Result<Never, ApiError> {
        self.cluster(cluster).await?;
        Err(none("assessment", arn))
    }

    pub(super) async fn list_topic_reassignments(
        &self,
        cluster: &str,
        query: &Query,
    ) -> Result<ListTopicReassignmentsResponse, ApiError> {
        self.cluster(cluster).await?;
        Ok(ListTopicReassignmentsResponse { reassignments: Some(query.empty_page()?) })
    }

    pub(super) async fn describe_topic_reassignment(
        &self,
        cluster: &str,
        arn: &str,
    ) -> Result<Never, ApiError> {
        self.cluster(cluster).await?;
        Err(none("topic reassignment", arn))
    }

    pub(super) async fn list_replicators(
        &self,
        query: &Query,
    ) -> Result<ListReplicatorsResponse, ApiError> {
        Ok(ListReplicatorsResponse { replicators: Some(query.empty_page()?) })
    }

    pub(super) async fn describe_replicator(&self, arn: &str) -> Result<Never, ApiError> {
        Err(none("replicator", arn))
    }
}

fn none(kind: &str, arn: &str) -> ApiError {
    let shown: String = arn.chars().take(300).collect();
    ApiError::NotFound(format!(
        "there is no {kind} {shown}: this release of Milena has none, see \
         docs/operations/msk-api.md"
    ))
}

#[cfg(test)]
mod tests;
