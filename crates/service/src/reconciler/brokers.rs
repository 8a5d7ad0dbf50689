//! Starting, stopping and restarting a cluster's brokers through the provisioner.

use futures_util::future::join_all;
use milena_metadata::ClusterRecord;
use milena_types::BrokerId;

use super::context::ReconcileContext;
use crate::{
    error::ApiError,
    provisioner::{BrokerSpec, ProvisionError},
    record::{ManagedBroker, ManagedCluster},
};

/// Starts all brokers at once that do not serve, but for `except` and those that are to be down,
/// which are killed if they serve.
pub(super) async fn start_brokers(
    context: &ReconcileContext,
    record: &ManagedCluster,
    except: &[BrokerId],
) -> Result<(), ApiError> {
    let cluster = record.cluster_id();
    let mut idle = Vec::new();
    for node in record.nodes.iter().filter(|node| !except.contains(&node.id)) {
        match (context.provisioner.is_serving(&cluster, node.id).await, node.down) {
            (false, false) => idle.push(node),
            (true, true) => {
                let killed = context.provisioner.kill(&cluster, node.id).await;
                killed.map_err(|error| broker_failure(record, "killing", node.id, &error))?;
            }
            _ => {}
        }
    }
    if idle.is_empty() {
        return Ok(());
    }
    let Some(found) = context.cluster_metadata(record).cluster().await? else {
        let name = &record.name;
        return Err(ApiError::Internal(format!(
            "the metadata of cluster '{name}' is gone; restore the metadata store"
        )));
    };
    let specs = idle.into_iter().map(|node| broker_spec(record, node, &found.value));
    let specs = specs.collect::<Result<Vec<_>, _>>()?;
    let outcomes = join_all(specs.iter().map(|spec| context.provisioner.start(spec))).await;
    for (spec, outcome) in specs.iter().zip(outcomes) {
        outcome.map_err(|error| broker_failure(record, "starting", spec.broker, &error))?;
    }
    Ok(())
}

fn broker_spec(
    record: &ManagedCluster,
    node: &ManagedBroker,
    cluster: &ClusterRecord,
) -> Result<BrokerSpec, ApiError> {
    let address = node.address.clone().ok_or_else(|| {
        let name = &record.name;
        ApiError::Internal(format!("broker {} of cluster '{name}' has no address", node.id))
    })?;
    Ok(BrokerSpec {
        cluster: record.cluster_id(),
        cluster_name: record.name.clone(),
        broker: node.id,
        zone: node.zone.clone(),
        address,
        wrapped_data_key: cluster.wrapped_data_key.clone(),
        kafka_release: cluster.kafka_version.clone(),
        lost_log_accepted: node.lost_log_accepted,
    })
}

/// Stops all brokers at once.
pub(super) async fn stop_brokers(
    context: &ReconcileContext,
    record: &ManagedCluster,
) -> Result<(), ApiError> {
    let stops = record.nodes.iter().map(|node| stop_broker(context, record, node.id));
    join_all(stops).await.into_iter().collect()
}

pub(super) async fn stop_broker(
    context: &ReconcileContext,
    record: &ManagedCluster,
    broker: BrokerId,
) -> Result<(), ApiError> {
    let stopped = context.provisioner.stop(&record.cluster_id(), broker).await;
    stopped.map_err(|error| broker_failure(record, "stopping", broker, &error))
}

pub(super) async fn restart_broker(
    context: &ReconcileContext,
    record: &ManagedCluster,
    broker: BrokerId,
) -> Result<(), ApiError> {
    stop_broker(context, record, broker).await?;
    start_brokers(context, record, &[]).await
}

/// Whether all brokers serve, after starting those that do not, and every partition has a leader:
/// only then one is stopped for an update, and only then the update ends.
pub(super) async fn is_healthy(
    context: &ReconcileContext,
    record: &ManagedCluster,
) -> Result<bool, ApiError> {
    start_brokers(context, record, &[]).await?;
    Ok(context.cluster_metadata(record).broker_assignments().await?.leaderless == 0)
}

fn broker_failure(
    record: &ManagedCluster,
    verb: &str,
    broker: BrokerId,
    error: &ProvisionError,
) -> ApiError {
    let name = &record.name;
    ApiError::Unavailable(format!("{verb} broker {broker} of cluster '{name}' failed: {error}"))
}
