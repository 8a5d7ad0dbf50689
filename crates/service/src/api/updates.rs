//! Operations that change a running cluster: RebootBroker, UpdateClusterConfiguration,
//! UpdateClusterKafkaVersion, UpdateBrokerCount; UpdateBrokerStorage and UpdateBrokerType are in
//! [super::capacity], UpdateMonitoring and UpdateSecurity in [super::features].
//!
//! Each is one transaction: the cluster leaves ACTIVE, its record names the first step, and the
//! operation's record is written. The reconciler does the rest. An operation that has no steps
//! beyond its transaction is complete with it, and the cluster stays ACTIVE.

use std::collections::BTreeSet;

use milena_store::Txn;
use milena_types::BrokerId;

use super::{
    clusters::{check_version, new_nodes},
    context::{Api, cluster_uid},
};
use crate::{
    arn::random_uuid,
    cluster_store::{operation_key, uses},
    configuration::ConfigurationRef,
    error::ApiError,
    kafka_versions::MskVersion,
    operation::{OperationRecord, OperationStep},
    record::{
        self, ClusterState, ConfigUpdate, ManagedCluster, NodeState, ReconcileStep, ScaleIn,
        random_version,
    },
    validation::{self, required},
    wire::{
        BrokerCountUpdateInfo, ConfigurationInfo, MutableClusterInfo, RebootBrokerRequest,
        UpdateBrokerCountRequest, UpdateClusterConfigurationRequest,
        UpdateClusterKafkaVersionRequest, UpdateResponse,
    },
};

pub(super) struct OperationStart<'a> {
    pub(super) kind: &'a str,
    /// While the operation runs; `None` where its transaction completes it.
    pub(super) state: Option<ClusterState>,
    pub(super) steps: &'a [&'a str],
    pub(super) request_id: &'a str,
}

impl Api {
    pub(super) async fn reboot_broker(
        &self,
        arn: &str,
        request: RebootBrokerRequest,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let wanted = request.broker_ids.unwrap_or_default();
        if wanted.is_empty() {
            return Err(ApiError::invalid(
                "brokerIds",
                "brokerIds must name at least one broker, such as [\"1\"]",
            ));
        }
        let (state, steps) = (Some(ClusterState::RebootingBroker), &["REBOOT_NODE"]);
        let start = OperationStart { kind: "REBOOT_NODE", state, steps, request_id };
        self.start_operation(arn, start, |record, _, key| {
            let brokers = broker_ids(record, &wanted)?;
            // One that was killed is started again.
            for node in record.nodes.iter_mut().filter(|node| brokers.contains(&node.id)) {
                node.down = false;
            }
            record.step = ReconcileStep::Reboot { operation: key.to_owned(), brokers };
            Ok(Txn::new())
        })
        .await
    }

    pub(super) async fn update_cluster_configuration(
        &self,
        arn: &str,
        request: UpdateClusterConfigurationRequest,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let info = required(request.configuration_info, "configurationInfo")?;
        let version = required(request.current_version, "currentVersion")?;
        let kafka_version = self.cluster(arn).await?.spec.kafka_version;
        let target = self.configuration_for(info, kafka_version, "configurationInfo").await?;
        let steps = &["INITIALIZE_UPDATE", "UPDATE_CLUSTER_CONFIGURATION", "FINALIZE_UPDATE"];
        let (kind, state) = ("UPDATE_CLUSTER_CONFIGURATION", Some(ClusterState::Updating));
        self.start_operation(
            arn,
            OperationStart { kind, state, steps, request_id },
            |record, operation, key| {
                check_version(record, Some(&version))?;
                operation.source.configuration_info =
                    record.spec.configuration.as_ref().map(configuration_shape);
                operation.target.configuration_info = Some(configuration_shape(&target));
                let target = Some(target.clone());
                let also = uses(target.as_ref());
                record.step = ReconcileStep::WriteProperties(ConfigUpdate {
                    operation: key.to_owned(),
                    target,
                    kafka_version: None,
                    failure: None,
                });
                Ok(also)
            },
        )
        .await
    }

    /// Only upwards. Without a configuration in the request the cluster keeps its own, which must
    /// be one for the new version too.
    pub(super) async fn update_cluster_kafka_version(
        &self,
        arn: &str,
        request: UpdateClusterKafkaVersionRequest,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let version = required(request.current_version, "currentVersion")?;
        let target = validation::kafka_version(request.target_kafka_version, TARGET_VERSION)?;
        let spec = self.cluster(arn).await?.spec;
        check_upgrade(spec.kafka_version, target)?;
        let own = spec.configuration.as_ref().map(configuration_shape);
        let configuration = match request.configuration_info.or(own) {
            Some(info) => Some(self.configuration_for(info, target, "configurationInfo").await?),
            None => None,
        };
        let steps = &["INITIALIZE_UPDATE", "UPDATE_CLUSTER_KAFKA_VERSION", "FINALIZE_UPDATE"];
        let (kind, state) = ("UPDATE_CLUSTER_KAFKA_VERSION", Some(ClusterState::Updating));
        self.start_operation(
            arn,
            OperationStart { kind, state, steps, request_id },
            |record, operation, key| {
                check_version(record, Some(&version))?;
                let shown = |version: MskVersion, configuration: Option<&ConfigurationRef>| {
                    MutableClusterInfo {
                        kafka_version: Some(version.name().to_owned()),
                        configuration_info: configuration.map(configuration_shape),
                        ..MutableClusterInfo::default()
                    }
                };
                let spec = &record.spec;
                operation.source = shown(spec.kafka_version, spec.configuration.as_ref());
                operation.target = shown(target, configuration.as_ref());
                record.step = ReconcileStep::WriteProperties(ConfigUpdate {
                    operation: key.to_owned(),
                    target: configuration.clone(),
                    kafka_version: Some(target),
                    failure: None,
                });
                Ok(uses(configuration.as_ref()))
            },
        )
        .await
    }

    pub(super) async fn update_broker_count(
        &self,
        arn: &str,
        request: UpdateBrokerCountRequest,
        request_id: &str,
    ) -> Result<UpdateResponse, ApiError> {
        let version = required(request.current_version, "currentVersion")?;
        let target = required(request.target_number_of_broker_nodes, TARGET)?;
        let cluster = self.cluster_or_bad_request(arn).await?;
        let before = cluster.nodes.len();
        let count = validation::broker_target(&cluster.spec, before, target, TARGET)?;
        let grows = count > before;
        if grows {
            self.check_account_quota(count - before, TARGET).await?;
        }
        let (kind, step) = if grows {
            ("INCREASE_BROKER_COUNT", "ADD_BROKERS")
        } else {
            self.check_replicas(&cluster, count).await?;
            ("DECREASE_BROKER_COUNT", "REMOVE_BROKERS")
        };
        let (state, steps) =
            (Some(ClusterState::Updating), &["INITIALIZE_UPDATE", step, "FINALIZE_UPDATE"]);
        self.start_operation(
            arn,
            OperationStart { kind, state, steps, request_id },
            |record, operation, key| {
                check_version(record, Some(&version))?;
                let operation_key = key.to_owned();
                let numbers =
                    |ids: &[BrokerId]| Some(ids.iter().map(|id| f64::from(id.0)).collect());
                let mut info = BrokerCountUpdateInfo::default();
                if grows {
                    let joining = new_nodes(record, count - before, &self.runtime);
                    let ids: Vec<BrokerId> = joining.iter().map(|node| node.id).collect();
                    info.created_broker_ids = numbers(&ids);
                    record.nodes.extend(joining);
                    record.step = ReconcileStep::AllocateJoining { operation: operation_key };
                } else {
                    let ids = leaving_brokers(record, before - count);
                    info.deleted_broker_ids = numbers(&ids);
                    for node in record.nodes.iter_mut().filter(|node| ids.contains(&node.id)) {
                        node.state = NodeState::Leaving;
                    }
                    record.step =
                        ReconcileStep::Drain(ScaleIn { operation: operation_key, failure: None });
                }
                let number = |count: usize| MutableClusterInfo {
                    number_of_broker_nodes: Some(count as i64),
                    ..MutableClusterInfo::default()
                };
                operation.source = number(before);
                operation.target =
                    MutableClusterInfo { broker_count_update_info: Some(info), ..number(count) };
                Ok(Txn::new())
            },
        )
        .await
        .map_err(|error| error.not_found_as_invalid("clusterArn"))
    }

    /// Starts an operation on an ACTIVE cluster. `change` gets the cluster's record, the
    /// operation's and the operation's key; it sets the first step and what else the operation
    /// changes at once.
    pub(super) async fn start_operation<F>(
        &self,
        arn: &str,
        start: OperationStart<'_>,
        mut change: F,
    ) -> Result<UpdateResponse, ApiError>
    where
        F: FnMut(&mut ManagedCluster, &mut OperationRecord, &str) -> Result<Txn, ApiError>,
    {
        let uid = cluster_uid(arn, "clusterArn")?;
        let reboots = start.state == Some(ClusterState::RebootingBroker);
        let step =
            |name: &&str| OperationStep { name: (*name).to_owned(), status: "PENDING".to_owned() };
        let mut operation = OperationRecord {
            id: random_uuid(&self.runtime),
            kind: start.kind.to_owned(),
            state: if reboots { "REBOOT_IN_PROGRESS" } else { "UPDATE_IN_PROGRESS" }.to_owned(),
            created_ms: self.runtime.wall_ms(),
            ended_ms: None,
            request_id: start.request_id.to_owned(),
            steps: start.steps.iter().map(step).collect(),
            error: None,
            source: MutableClusterInfo::default(),
            target: MutableClusterInfo::default(),
        };
        operation.mark_step_reached(0);
        let key = operation_key(&uid, &operation);
        let started = self.modify_cluster(arn, "clusterArn", |record| {
            if record.state != ClusterState::Active {
                let state = record.state;
                let message =
                    format!("the cluster is {state}; operations on it can begin once it is ACTIVE");
                return Err(ApiError::invalid("clusterArn", message));
            }
            let also = change(record, &mut operation, &key)?;
            match start.state {
                Some(state) => {
                    record.state = state;
                    record.active_operation = Some(key.clone());
                }
                None => {
                    record.version = random_version(&self.runtime);
                    operation.end(self.runtime.wall_ms(), None);
                }
            }
            record.failure = None;
            let operation_arn = record.arn_of("cluster-operation", Some(&operation.id.to_string()));
            Ok((operation_arn, also.put(&key, record::encode(&operation))))
        });
        let operation_arn = started.await?;
        tracing::info!(cluster = arn, operation = operation.kind, "an operation starts");
        Ok(UpdateResponse {
            cluster_arn: Some(arn.to_owned()),
            cluster_operation_arn: Some(operation_arn),
        })
    }

    /// Fewer brokers than a partition has replicas cannot hold it.
    async fn check_replicas(&self, cluster: &ManagedCluster, count: usize) -> Result<(), ApiError> {
        let replicas = self.cluster_metadata(cluster).broker_assignments().await?.replicas_max;
        if replicas > count {
            let message = format!(
                "{TARGET}: there is a topic with {replicas} replicas, which {count} brokers cannot \
                 hold; give its partitions fewer replicas or ask for more brokers"
            );
            return Err(ApiError::invalid(TARGET, message));
        }
        Ok(())
    }
}

const TARGET: &str = "targetNumberOfBrokerNodes";
const TARGET_VERSION: &str = "targetKafkaVersion";

fn check_upgrade(now: MskVersion, target: MskVersion) -> Result<(), ApiError> {
    if now.targets().any(|possible| possible == target) {
        return Ok(());
    }
    let possible: Vec<&str> = now.targets().map(MskVersion::name).collect();
    let (now, target, possible) = (now.name(), target.name(), possible.join(", "));
    let remedy = if possible.is_empty() {
        "it is the newest of its kind".to_owned()
    } else {
        format!("choose one of {possible}")
    };
    let message = format!("{TARGET_VERSION}: {now} cannot be upgraded to {target}; {remedy}");
    Err(ApiError::invalid(TARGET_VERSION, message))
}

fn configuration_shape(found: &ConfigurationRef) -> ConfigurationInfo {
    ConfigurationInfo { arn: Some(found.arn.clone()), revision: Some(found.revision) }
}

/// The brokers to remove: the newest of each zone, so that the zones stay even.
fn leaving_brokers(record: &ManagedCluster, count: usize) -> Vec<BrokerId> {
    let per_zone = count / record.spec.zones.len().max(1);
    let of_zone = |zone: &String| {
        let mut ids: Vec<BrokerId> =
            record.nodes.iter().filter(|node| node.zone == *zone).map(|node| node.id).collect();
        ids.sort_unstable();
        ids.into_iter().rev().take(per_zone).collect::<Vec<_>>()
    };
    let mut ids: Vec<BrokerId> = record.spec.zones.iter().flat_map(of_zone).collect();
    ids.sort_unstable();
    ids
}

/// Parses `brokerIds` and drops repeated ones.
fn broker_ids(record: &ManagedCluster, texts: &[String]) -> Result<Vec<BrokerId>, ApiError> {
    let known: BTreeSet<BrokerId> = record.nodes.iter().map(|node| node.id).collect();
    let parse = |text: &String| {
        let id = text.parse().ok().map(BrokerId).filter(|id| known.contains(id));
        id.ok_or_else(|| {
            let ids: Vec<String> = known.iter().map(BrokerId::to_string).collect();
            let message = format!(
                "brokerIds: the cluster has no broker '{text}'; its brokers are {}",
                ids.join(", ")
            );
            ApiError::invalid("brokerIds", message)
        })
    };
    texts.iter().map(parse).collect::<Result<BTreeSet<_>, _>>().map(|ids| ids.into_iter().collect())
}

#[cfg(test)]
mod tests;
