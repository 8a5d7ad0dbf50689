//! DescribeClusterOperation(V2), ListClusterOperations(V2).

use milena_security::timestamp::iso8601;

use super::{context::Api, query::Query};
use crate::{
    arn::Arn,
    error::ApiError,
    operation::{OperationRecord, OperationStep},
    record::{FailureReason, ManagedCluster},
    wire::{
        ClusterOperationInfo, ClusterOperationStep, ClusterOperationStepInfo, ClusterOperationV2,
        ClusterOperationV2Provisioned, DescribeClusterOperationResponse,
        DescribeClusterOperationV2Response, ErrorInfo, ListClusterOperationsResponse,
        ListClusterOperationsV2Response,
    },
};

impl Api {
    pub(super) async fn describe_cluster_operation(
        &self,
        arn: &str,
    ) -> Result<DescribeClusterOperationResponse, ApiError> {
        let (cluster, operation) = self.operation(arn).await?;
        Ok(DescribeClusterOperationResponse {
            cluster_operation_info: Some(v1(&cluster, operation)),
        })
    }

    pub(super) async fn describe_cluster_operation_v2(
        &self,
        arn: &str,
    ) -> Result<DescribeClusterOperationV2Response, ApiError> {
        let (cluster, operation) = self.operation(arn).await?;
        let provisioned = Some(ClusterOperationV2Provisioned {
            operation_steps: Some(steps(&operation)),
            source_cluster_info: Some(operation.source.clone()),
            target_cluster_info: Some(operation.target.clone()),
        });
        let error_info = operation.error.clone().map(error_info);
        let shape = ClusterOperationV2 { provisioned, error_info, ..summary(&cluster, &operation) };
        Ok(DescribeClusterOperationV2Response { cluster_operation_info: Some(shape) })
    }

    pub(super) async fn list_cluster_operations(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<ListClusterOperationsResponse, ApiError> {
        let cluster = self.cluster_or_bad_request(arn).await?;
        let (page, next_token) = self.operation_page(&cluster, query, "operations").await?;
        let list = page.into_iter().map(|operation| v1(&cluster, operation)).collect();
        Ok(ListClusterOperationsResponse { cluster_operation_info_list: Some(list), next_token })
    }

    pub(super) async fn list_cluster_operations_v2(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<ListClusterOperationsV2Response, ApiError> {
        let cluster = self.cluster(arn).await?;
        let (page, next_token) = self.operation_page(&cluster, query, "operations-v2").await?;
        let list = page.iter().map(|operation| summary(&cluster, operation)).collect();
        Ok(ListClusterOperationsV2Response { cluster_operation_info_list: Some(list), next_token })
    }

    async fn operation_page(
        &self,
        cluster: &ManagedCluster,
        query: &Query,
        list: &str,
    ) -> Result<(Vec<OperationRecord>, Option<String>), ApiError> {
        let operations = self.store.operations(&cluster.uid).await?;
        // Newest first: a key that falls with the time.
        let key = |operation: &OperationRecord| {
            format!("{:020}-{}", i64::MAX - operation.created_ms, operation.id)
        };
        let mut operations: Vec<OperationRecord> =
            operations.into_iter().map(|(_, operation)| operation).collect();
        operations.sort_by_key(key);
        query.page(&format!("{list}/{}", cluster.uid), operations, key)
    }

    /// The operation of an ARN, and its cluster.
    async fn operation(&self, arn: &str) -> Result<(ManagedCluster, OperationRecord), ApiError> {
        let unknown = || ApiError::NotFound(format!("there is no cluster operation {arn}"));
        let parsed = Arn::parse(arn, "clusterOperationArn")?;
        let Some((_, uid, Some(id))) =
            parsed.cluster().filter(|_| parsed.kind == "cluster-operation")
        else {
            return Err(unknown());
        };
        let cluster = self.store.cluster(&uid).await?.ok_or_else(unknown)?.value;
        let operations = self.store.operations(&uid).await?;
        let found =
            operations.into_iter().map(|(_, operation)| operation).find(|o| o.id.to_string() == id);
        let found = found.filter(|_| cluster.arn_of("cluster-operation", Some(id)) == arn);
        found.map(|operation| (cluster, operation)).ok_or_else(unknown)
    }
}

fn v1(cluster: &ManagedCluster, operation: OperationRecord) -> ClusterOperationInfo {
    ClusterOperationInfo {
        operation_steps: Some(steps(&operation)),
        client_request_id: Some(operation.request_id),
        cluster_arn: Some(cluster.arn()),
        creation_time: Some(iso8601(operation.created_ms)),
        end_time: operation.ended_ms.map(iso8601),
        error_info: operation.error.map(error_info),
        operation_arn: Some(cluster.arn_of("cluster-operation", Some(&operation.id.to_string()))),
        operation_state: Some(operation.state),
        operation_type: Some(operation.kind),
        source_cluster_info: Some(operation.source),
        target_cluster_info: Some(operation.target),
    }
}

fn summary(cluster: &ManagedCluster, operation: &OperationRecord) -> ClusterOperationV2 {
    ClusterOperationV2 {
        cluster_arn: Some(cluster.arn()),
        cluster_type: Some("PROVISIONED".to_owned()),
        start_time: Some(iso8601(operation.created_ms)),
        end_time: operation.ended_ms.map(iso8601),
        error_info: None,
        operation_arn: Some(cluster.arn_of("cluster-operation", Some(&operation.id.to_string()))),
        operation_state: Some(operation.state.clone()),
        operation_type: Some(operation.kind.clone()),
        provisioned: None,
    }
}

fn steps(operation: &OperationRecord) -> Vec<ClusterOperationStep> {
    let shape = |step: &OperationStep| ClusterOperationStep {
        step_info: Some(ClusterOperationStepInfo { step_status: Some(step.status.clone()) }),
        step_name: Some(step.name.clone()),
    };
    operation.steps.iter().map(shape).collect()
}

fn error_info(error: FailureReason) -> ErrorInfo {
    ErrorInfo { error_code: Some(error.code), error_string: Some(error.message) }
}

#[cfg(test)]
mod tests;
