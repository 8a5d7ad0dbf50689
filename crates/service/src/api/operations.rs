//! RebootBroker, DescribeClusterOperation(V2), ListClusterOperations(V2).

use std::collections::BTreeSet;

use bytes::Bytes;
use milena_metadata::Txn;
use milena_security::moment::iso8601;
use milena_types::BrokerId;

use super::{Api, body, cluster_uid, no_cluster, query::Query};
use crate::{
    arn::{Arn, random_uuid},
    cluster_store::operation_key,
    error::ApiError,
    record::{self, ClusterRecord, ClusterState, OperationRecord, OperationStep, Step},
    wire::{
        ClusterOperationInfo, ClusterOperationStep, ClusterOperationStepInfo, ClusterOperationV2,
        ClusterOperationV2Provisioned, DescribeClusterOperationResponse, DescribeClusterOperationV2Response,
        ListClusterOperationsResponse, ListClusterOperationsV2Response, MutableClusterInfo,
        RebootBrokerRequest, UpdateResponse,
    },
};

impl Api {
    pub(super) async fn reboot_broker(
        &self,
        arn: &str,
        text: &Bytes,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let request: RebootBrokerRequest = body(text)?;
        let wanted = request.broker_ids.unwrap_or_default();
        if wanted.is_empty() {
            return Err(ApiError::invalid(
                "brokerIds",
                "brokerIds must name at least one broker, such as [\"1\"]",
            ));
        }
        let uid = cluster_uid(arn, "clusterArn")?;
        let operation = OperationRecord {
            id: random_uuid(&self.runtime),
            kind: "REBOOT_NODE".to_owned(),
            state: "REBOOT_IN_PROGRESS".to_owned(),
            created_ms: self.runtime.wall_ms(),
            ended_ms: None,
            request_id: request_id.to_owned(),
            steps: vec![OperationStep { name: "REBOOT_NODE".to_owned(), status: "IN_PROGRESS".to_owned() }],
        };
        let key = operation_key(&uid, &operation);
        let started = self.store.modify(&uid, |record| {
            if record.arn() != arn {
                return Err(no_cluster(arn));
            }
            if record.state != ClusterState::Active {
                let message =
                    format!("the cluster is {}; brokers can be rebooted once it is ACTIVE", record.state);
                return Err(ApiError::invalid("clusterArn", message));
            }
            let brokers = broker_ids(record, &wanted)?;
            record.state = ClusterState::RebootingBroker;
            record.step = Step::Reboot { operation: key.clone(), brokers };
            record.active_operation = Some(key.clone());
            let operation_arn = record.arn_of("cluster-operation", Some(&operation.id.to_string()));
            Ok((operation_arn, Txn::new().put(&key, record::encode(&operation))))
        });
        let operation_arn = started.await?.ok_or_else(|| no_cluster(arn))?;
        Ok(UpdateResponse { cluster_arn: Some(arn.to_owned()), cluster_operation_arn: Some(operation_arn) })
    }

    pub(super) async fn describe_operation(
        &self,
        arn: &str,
    ) -> Result<DescribeClusterOperationResponse, ApiError> {
        let (cluster, operation) = self.operation(arn).await?;
        Ok(DescribeClusterOperationResponse { cluster_operation_info: Some(v1(&cluster, operation)) })
    }

    pub(super) async fn describe_operation_v2(
        &self,
        arn: &str,
    ) -> Result<DescribeClusterOperationV2Response, ApiError> {
        let (cluster, operation) = self.operation(arn).await?;
        let provisioned = Some(ClusterOperationV2Provisioned {
            operation_steps: Some(steps(&operation)),
            source_cluster_info: Some(MutableClusterInfo::default()),
            target_cluster_info: Some(MutableClusterInfo::default()),
        });
        let shape = ClusterOperationV2 { provisioned, ..summary(&cluster, &operation) };
        Ok(DescribeClusterOperationV2Response { cluster_operation_info: Some(shape) })
    }

    pub(super) async fn list_operations(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<ListClusterOperationsResponse, ApiError> {
        let cluster = self.cluster_or_bad_request(arn).await?;
        let (page, next_token) = self.operation_page(&cluster, query, "operations").await?;
        let list = page.into_iter().map(|operation| v1(&cluster, operation)).collect();
        Ok(ListClusterOperationsResponse { cluster_operation_info_list: Some(list), next_token })
    }

    pub(super) async fn list_operations_v2(
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
        cluster: &ClusterRecord,
        query: &Query,
        list: &str,
    ) -> Result<(Vec<OperationRecord>, Option<String>), ApiError> {
        let operations = self.store.operations(&cluster.uid).await?;
        // Newest first: a key that falls with the time.
        let key =
            |operation: &OperationRecord| format!("{:020}-{}", i64::MAX - operation.created_ms, operation.id);
        let mut operations: Vec<OperationRecord> =
            operations.into_iter().map(|(_, operation)| operation).collect();
        operations.sort_by_key(key);
        query.page(&format!("{list}/{}", cluster.uid), operations, key)
    }

    /// The operation of an ARN with its cluster.
    async fn operation(&self, arn: &str) -> Result<(ClusterRecord, OperationRecord), ApiError> {
        let unknown = || ApiError::NotFound(format!("there is no cluster operation {arn}"));
        let parsed = Arn::parse(arn, "clusterOperationArn")?;
        let Some((_, uid, Some(id))) = parsed.cluster().filter(|_| parsed.kind == "cluster-operation") else {
            return Err(unknown());
        };
        let cluster = self.store.cluster(&uid).await?.ok_or_else(unknown)?.record;
        let operations = self.store.operations(&uid).await?;
        let found = operations.into_iter().map(|(_, operation)| operation).find(|o| o.id.to_string() == id);
        let found = found.filter(|_| cluster.arn_of("cluster-operation", Some(id)) == arn);
        found.map(|operation| (cluster, operation)).ok_or_else(unknown)
    }
}

/// The brokers of that cluster that the texts name.
fn broker_ids(record: &ClusterRecord, wanted: &[String]) -> Result<Vec<BrokerId>, ApiError> {
    let known: BTreeSet<BrokerId> = record.nodes.iter().map(|node| node.id).collect();
    let parse = |text: &String| {
        let id = text.parse().ok().map(BrokerId).filter(|id| known.contains(id));
        id.ok_or_else(|| {
            let ids: Vec<String> = known.iter().map(BrokerId::to_string).collect();
            let message =
                format!("brokerIds: the cluster has no broker '{text}'; its brokers are {}", ids.join(", "));
            ApiError::invalid("brokerIds", message)
        })
    };
    wanted.iter().map(parse).collect::<Result<BTreeSet<_>, _>>().map(|ids| ids.into_iter().collect())
}

fn v1(cluster: &ClusterRecord, operation: OperationRecord) -> ClusterOperationInfo {
    ClusterOperationInfo {
        operation_steps: Some(steps(&operation)),
        client_request_id: Some(operation.request_id),
        cluster_arn: Some(cluster.arn()),
        creation_time: Some(iso8601(operation.created_ms)),
        end_time: operation.ended_ms.map(iso8601),
        error_info: None,
        operation_arn: Some(cluster.arn_of("cluster-operation", Some(&operation.id.to_string()))),
        operation_state: Some(operation.state),
        operation_type: Some(operation.kind),
        source_cluster_info: Some(MutableClusterInfo::default()),
        target_cluster_info: Some(MutableClusterInfo::default()),
    }
}

fn summary(cluster: &ClusterRecord, operation: &OperationRecord) -> ClusterOperationV2 {
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
