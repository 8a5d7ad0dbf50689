//! CreateCluster(V2), DescribeCluster(V2), ListClusters(V2), DeleteCluster.

use milena_runtime::Runtime;
use milena_security::timestamp::iso8601;
use milena_store::Txn;
use milena_types::BrokerId;

use super::{context::Api, query::Query};
use crate::{
    arn::{ClusterUid, random_uuid},
    cluster_store::uses,
    error::ApiError,
    record::{
        ClusterSpec, ClusterState, ManagedBroker, ManagedCluster, NodeState, ReconcileStep,
        random_version,
    },
    validation,
    wire::{
        BrokerNodeGroupInfo, BrokerSoftwareInfo, Cluster, ClusterInfo, ConnectivityInfo,
        CreateClusterRequest, CreateClusterResponse, CreateClusterV2Request, DeleteClusterResponse,
        DescribeClusterResponse, DescribeClusterV2Response, EbsStorageInfo, ListClustersResponse,
        ListClustersV2Response, Provisioned, ProvisionedRequest, PublicAccess, StateInfo,
        StorageInfo, Tags,
    },
};

/// MSK's quota.
const BROKERS_PER_ACCOUNT_MAX: usize = 90;

impl Api {
    /// `head` and `provisioned` are parts of one body, so that each names its members in its own
    /// errors.
    pub(super) async fn create_cluster(
        &self,
        head: CreateClusterRequest,
        provisioned: ProvisionedRequest,
    ) -> Result<CreateClusterResponse, ApiError> {
        self.create(head.cluster_name, head.tags, provisioned, "").await
    }

    pub(super) async fn create_cluster_v2(
        &self,
        request: CreateClusterV2Request,
    ) -> Result<CreateClusterResponse, ApiError> {
        let provisioned = match (request.provisioned, request.serverless) {
            (Some(provisioned), None) => provisioned,
            (None, Some(_)) => {
                let message = "serverless clusters are not offered in this release of Milena; give \
                    'provisioned' instead";
                return Err(ApiError::invalid("serverless", message));
            }
            _ => {
                return Err(ApiError::bad_request(
                    "exactly one of provisioned and serverless is required",
                ));
            }
        };
        let mut response =
            self.create(request.cluster_name, request.tags, provisioned, "provisioned.").await?;
        response.cluster_type = Some("PROVISIONED".to_owned());
        Ok(response)
    }

    async fn create(
        &self,
        name: Option<String>,
        tags: Option<Tags>,
        request: ProvisionedRequest,
        prefix: &str,
    ) -> Result<CreateClusterResponse, ApiError> {
        let name = validation::cluster_name(name)?;
        let tags = validation::tags(tags)?;
        let configuration = request.configuration_info.clone();
        let (mut spec, brokers) = validation::cluster_spec(request, &self.scope, prefix)?;
        if let Some(info) = configuration {
            let path = format!("{prefix}configurationInfo");
            let found = self.configuration_for(info, spec.kafka_version, &path).await;
            // CreateCluster declares no NotFoundException.
            spec.configuration = Some(found.map_err(|error| match error {
                ApiError::NotFound(message) => {
                    ApiError::invalid(&path, format!("{path}: {message}"))
                }
                other => other,
            })?);
        }
        let record = self.create_from(name, tags, spec, brokers).await?;
        Ok(CreateClusterResponse {
            cluster_arn: Some(record.arn()),
            cluster_name: Some(record.name),
            state: Some(record.state.name().to_owned()),
            cluster_type: None,
        })
    }

    /// Writes a new cluster's record, which its reconciler finds.
    pub(crate) async fn create_from(
        &self,
        name: String,
        tags: Tags,
        spec: ClusterSpec,
        brokers: i64,
    ) -> Result<ManagedCluster, ApiError> {
        self.check_account_quota(brokers as usize, "numberOfBrokerNodes").await?;
        let record = ManagedCluster {
            uid: ClusterUid::random(&self.runtime),
            name,
            region: self.scope.region.clone(),
            account: self.scope.account.clone(),
            created_ms: self.runtime.wall_ms(),
            version: random_version(&self.runtime),
            state: ClusterState::Creating,
            failure: None,
            step: ReconcileStep::AllocateAddresses,
            tags,
            nodes: (1..=brokers as usize)
                .map(|number| new_node(&spec, number, &self.runtime))
                .collect(),
            spec,
            active_operation: None,
        };
        self.store.create(&record, uses(record.spec.configuration.as_ref())).await?;
        tracing::info!(cluster = record.name, brokers, "a cluster is to be created");
        Ok(record)
    }

    /// Fails where this many more brokers exceed the account's quota. `path` is the member at
    /// fault.
    pub(super) async fn check_account_quota(
        &self,
        brokers: usize,
        path: &str,
    ) -> Result<(), ApiError> {
        let existing: usize =
            self.store.clusters().await?.iter().map(|record| record.nodes.len()).sum();
        if existing + brokers <= BROKERS_PER_ACCOUNT_MAX {
            return Ok(());
        }
        let message = format!(
            "{path}: {brokers} more brokers than the {existing} there are would be over the quota \
             of {BROKERS_PER_ACCOUNT_MAX}; delete a cluster or ask for fewer"
        );
        Err(ApiError::invalid(path, message))
    }

    pub(super) async fn describe_cluster(
        &self,
        arn: &str,
    ) -> Result<DescribeClusterResponse, ApiError> {
        let record = self.cluster(arn).await?;
        Ok(DescribeClusterResponse { cluster_info: Some(cluster_info(record)) })
    }

    pub(super) async fn describe_cluster_v2(
        &self,
        arn: &str,
    ) -> Result<DescribeClusterV2Response, ApiError> {
        let record = self.cluster(arn).await?;
        Ok(DescribeClusterV2Response { cluster_info: Some(cluster(record)) })
    }

    pub(super) async fn list_clusters(
        &self,
        query: &Query,
    ) -> Result<ListClustersResponse, ApiError> {
        let (page, next_token) = self.cluster_page(query, "clusters", true).await?;
        let cluster_info_list = Some(page.into_iter().map(cluster_info).collect());
        Ok(ListClustersResponse { cluster_info_list, next_token })
    }

    pub(super) async fn list_clusters_v2(
        &self,
        query: &Query,
    ) -> Result<ListClustersV2Response, ApiError> {
        let provisioned = match query.value("clusterTypeFilter") {
            None | Some("PROVISIONED") => true,
            Some("SERVERLESS") => false,
            Some(other) => {
                let message = format!(
                    "clusterTypeFilter: '{other}' is not allowed; use PROVISIONED or SERVERLESS"
                );
                return Err(ApiError::invalid("clusterTypeFilter", message));
            }
        };
        let (page, next_token) = self.cluster_page(query, "clusters-v2", provisioned).await?;
        let cluster_info_list = Some(page.into_iter().map(cluster).collect());
        Ok(ListClustersV2Response { cluster_info_list, next_token })
    }

    async fn cluster_page(
        &self,
        query: &Query,
        list: &str,
        provisioned: bool,
    ) -> Result<(Vec<ManagedCluster>, Option<String>), ApiError> {
        let prefix = query.value("clusterNameFilter").unwrap_or_default();
        let mut clusters = if provisioned { self.store.clusters().await? } else { Vec::new() };
        clusters.retain(|record| record.name.starts_with(prefix));
        query.page(&format!("{list}/{prefix}"), clusters, |record| record.name.clone())
    }

    pub(super) async fn delete_cluster(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<DeleteClusterResponse, ApiError> {
        let given = query.value("currentVersion");
        let deleted = self.modify_cluster(arn, "clusterArn", |record| {
            check_version(record, given)?;
            match record.state {
                ClusterState::Active | ClusterState::Failed | ClusterState::Healing => {}
                state => {
                    let message = format!(
                        "the cluster is {state} and can be deleted only when it is ACTIVE, HEALING \
                         or FAILED; wait for that"
                    );
                    return Err(ApiError::invalid("clusterArn", message));
                }
            }
            record.state = ClusterState::Deleting;
            record.step = ReconcileStep::StopBrokers;
            record.failure = None;
            Ok((record.name.clone(), Txn::new()))
        });
        let name = deleted.await?;
        tracing::info!(cluster = name, "a cluster is to be deleted");
        let state = Some(ClusterState::Deleting.name().to_owned());
        Ok(DeleteClusterResponse { cluster_arn: Some(arn.to_owned()), state })
    }
}

/// The API's optimistic lock.
pub(super) fn check_version(record: &ManagedCluster, given: Option<&str>) -> Result<(), ApiError> {
    match given {
        Some(given) if given != record.version => {
            let message = format!(
                "currentVersion: '{given}' is not the current version of the cluster; describe the \
                 cluster and use the version it has now"
            );
            Err(ApiError::invalid("currentVersion", message))
        }
        _ => Ok(()),
    }
}

/// The broker of that number, from 1. Brokers are spread evenly over the subnets.
fn new_node(spec: &ClusterSpec, number: usize, runtime: &Runtime) -> ManagedBroker {
    let index = (number - 1) % spec.subnets.len();
    ManagedBroker {
        id: BrokerId(number as i32),
        zone: spec.zones[index].clone(),
        subnet: spec.subnets[index].clone(),
        uuid: random_uuid(runtime),
        address: None,
        state: NodeState::Member,
        down: false,
        lost_log_accepted: None,
        added_ms: None,
    }
}

/// That many joining brokers for a cluster, with the lowest ids that are free.
pub(super) fn new_nodes(
    record: &ManagedCluster,
    count: usize,
    runtime: &Runtime,
) -> Vec<ManagedBroker> {
    let taken =
        |number: &usize| record.nodes.iter().any(|node| node.id == BrokerId(*number as i32));
    let free = (1..).filter(|number| !taken(number)).take(count);
    let added_ms = Some(runtime.wall_ms());
    free.map(|number| ManagedBroker {
        state: NodeState::Joining,
        down: false,
        added_ms,
        ..new_node(&record.spec, number, runtime)
    })
    .collect()
}

fn cluster_info(record: ManagedCluster) -> ClusterInfo {
    let active_operation_arn = active_operation_arn(&record);
    let (cluster_arn, provisioned) = (record.arn(), provisioned(&record));
    ClusterInfo {
        active_operation_arn,
        broker_node_group_info: provisioned.broker_node_group_info,
        rebalancing: provisioned.rebalancing,
        client_authentication: provisioned.client_authentication,
        cluster_arn: Some(cluster_arn),
        cluster_name: Some(record.name),
        creation_time: Some(iso8601(record.created_ms)),
        current_broker_software_info: provisioned.current_broker_software_info,
        current_version: Some(record.version),
        encryption_info: provisioned.encryption_info,
        enhanced_monitoring: provisioned.enhanced_monitoring,
        open_monitoring: provisioned.open_monitoring,
        logging_info: provisioned.logging_info,
        number_of_broker_nodes: provisioned.number_of_broker_nodes,
        state: Some(record.state.name().to_owned()),
        state_info: record
            .failure
            .map(|t| StateInfo { code: Some(t.code), message: Some(t.message) }),
        tags: Some(record.tags),
        storage_mode: provisioned.storage_mode,
        customer_action_status: provisioned.customer_action_status,
    }
}

fn cluster(record: ManagedCluster) -> Cluster {
    Cluster {
        active_operation_arn: active_operation_arn(&record),
        cluster_type: Some("PROVISIONED".to_owned()),
        cluster_arn: Some(record.arn()),
        provisioned: Some(provisioned(&record)),
        cluster_name: Some(record.name),
        creation_time: Some(iso8601(record.created_ms)),
        current_version: Some(record.version),
        state: Some(record.state.name().to_owned()),
        state_info: record
            .failure
            .map(|t| StateInfo { code: Some(t.code), message: Some(t.message) }),
        tags: Some(record.tags),
    }
}

fn active_operation_arn(record: &ManagedCluster) -> Option<String> {
    let key = record.active_operation.as_deref()?;
    // A key ends in the operation's UUID.
    let id = key.get(key.len().checked_sub(36)?..)?;
    Some(record.arn_of("cluster-operation", Some(id)))
}

fn provisioned(record: &ManagedCluster) -> Provisioned {
    let spec = record.spec.clone();
    let storage_info = spec.volume_size_gib.map(|size| StorageInfo {
        ebs_storage_info: Some(EbsStorageInfo {
            volume_size: Some(size),
            provisioned_throughput: None,
        }),
    });
    let public_access = Some(PublicAccess { r#type: Some("DISABLED".to_owned()) });
    let express = spec.instance_type.starts_with("express.");
    Provisioned {
        broker_node_group_info: Some(BrokerNodeGroupInfo {
            broker_az_distribution: Some("DEFAULT".to_owned()),
            client_subnets: Some(spec.subnets),
            instance_type: Some(spec.instance_type),
            security_groups: spec.security_groups,
            storage_info,
            connectivity_info: Some(ConnectivityInfo {
                public_access,
                ..ConnectivityInfo::default()
            }),
            zone_ids: Some(spec.zones),
        }),
        rebalancing: spec.rebalancing,
        current_broker_software_info: Some(software(record)),
        client_authentication: spec.client_authentication,
        encryption_info: Some(spec.encryption),
        enhanced_monitoring: Some(spec.enhanced_monitoring),
        open_monitoring: Some(spec.open_monitoring),
        logging_info: spec.logging,
        number_of_broker_nodes: Some(record.shown_nodes().count() as i64),
        storage_mode: (!express).then(|| "LOCAL".to_owned()),
        customer_action_status: Some("NONE".to_owned()),
    }
}

/// During an update, the software before it.
pub(super) fn software(record: &ManagedCluster) -> BrokerSoftwareInfo {
    let configuration = record.spec.configuration.as_ref();
    BrokerSoftwareInfo {
        configuration_arn: configuration.map(|found| found.arn.clone()),
        configuration_revision: configuration.map(|found| found.revision),
        kafka_version: Some(record.spec.kafka_version.name().to_owned()),
    }
}

#[cfg(test)]
mod tests;
