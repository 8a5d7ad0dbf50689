//! The steps of a cluster's life. Each may be taken again after it was taken half or whole.

use std::time::Duration;

use futures_util::future::join_all;
use milena_metadata::{ClusterMetadata, ClusterRecord, MetadataError, Txn, cluster_prefix};
use milena_security::local_key::DataKey;
use milena_types::BrokerId;

use super::{ReconcileContext, updates};
use crate::{
    addresses,
    arn::random_uuid,
    cluster_store::Seen,
    error::{ApiError, from_metadata},
    provisioner::{BrokerSpec, ProvisionError},
    record::{ClusterState, ManagedBroker, ManagedCluster, ReconcileStep},
};

/// How a reconciler goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// With the next step.
    NextStep,
    /// With the next change of the record, or after this time.
    Wait(Duration),
    /// The cluster is gone.
    Gone,
}

/// A cluster that is left alone is looked at this often all the same.
const REST: Duration = Duration::from_secs(60);

/// Takes the step that the record names.
pub(super) async fn run_step(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
) -> Result<Progress, ApiError> {
    let record = &seen.record;
    match &record.step {
        ReconcileStep::AllocateAddresses => allocate_addresses(context, seen).await,
        ReconcileStep::WriteMetadata => {
            write_metadata(context, record).await?;
            advance_to(context, seen, |record| record.step = ReconcileStep::StartBrokers).await
        }
        ReconcileStep::StartBrokers => {
            start_brokers(context, record, &[]).await?;
            advance_to(context, seen, |record| record.step = ReconcileStep::Activate).await
        }
        ReconcileStep::Activate => {
            tracing::info!(cluster = record.name, "the cluster is active");
            advance_to(context, seen, |record| {
                record.step = ReconcileStep::Run;
                record.state = ClusterState::Active;
                record.failure = None;
            })
            .await
        }
        ReconcileStep::Run => run(context, seen).await,
        ReconcileStep::Reboot { operation, brokers } => {
            reboot(context, seen, operation, brokers).await
        }
        ReconcileStep::WriteProperties(update) => {
            updates::write_properties(context, seen, update).await
        }
        ReconcileStep::Roll { update, brokers } => {
            updates::roll(context, seen, update, brokers).await
        }
        ReconcileStep::AllocateJoining { operation } => {
            updates::allocate_joining(context, seen, operation).await
        }
        ReconcileStep::StartJoining { operation } => {
            updates::start_joining(context, seen, operation).await
        }
        ReconcileStep::Drain(leaving) => updates::drain(context, seen, leaving).await,
        ReconcileStep::Dismiss(leaving) => updates::dismiss(context, seen, leaving).await,
        ReconcileStep::StopFailedBrokers => {
            stop_brokers(context, record).await?;
            advance_to(context, seen, |record| record.step = ReconcileStep::Idle).await
        }
        ReconcileStep::Idle => Ok(Progress::Wait(REST)),
        ReconcileStep::StopBrokers => {
            stop_brokers(context, record).await?;
            advance_to(context, seen, |record| record.step = ReconcileStep::RemoveData).await
        }
        ReconcileStep::RemoveData => {
            let removed = context.provisioner.remove_data(&record.cluster_id()).await;
            removed.map_err(|error| broker_failure(record, "removing the data", &error))?;
            advance_to(context, seen, |record| record.step = ReconcileStep::RemoveMetadata).await
        }
        ReconcileStep::RemoveMetadata => {
            let gone = context.store.remove(seen, &cluster_prefix(&record.cluster_id())).await?;
            if gone {
                tracing::info!(cluster = record.name, "the cluster is deleted");
            }
            Ok(if gone { Progress::Gone } else { Progress::NextStep })
        }
    }
}

/// Records the next step. Where the record has changed meanwhile, the step is decided on anew.
async fn advance_to(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    change: impl FnOnce(&mut ManagedCluster),
) -> Result<Progress, ApiError> {
    let mut record = seen.record.clone();
    change(&mut record);
    context.store.replace(seen.revision, &record, Txn::new()).await?;
    Ok(Progress::NextStep)
}

async fn allocate_addresses(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
) -> Result<Progress, ApiError> {
    let mut record = seen.record.clone();
    let addresses = context.store.addresses().await?;
    let take = context.addresses.allocate(&addresses, &mut record, addresses::probe)?;
    record.step = ReconcileStep::WriteMetadata;
    context.store.replace(seen.revision, &record, take).await?;
    Ok(Progress::NextStep)
}

/// Writes what the brokers of the cluster read, once: the data key must stay the one that data is
/// encrypted with.
async fn write_metadata(
    context: &ReconcileContext,
    record: &ManagedCluster,
) -> Result<(), ApiError> {
    let cluster = record.cluster_id();
    let data_key = DataKey::generate(&context.runtime);
    let wrapped_data_key = context.local_key.wrap(&data_key, cluster.as_str(), &context.runtime);
    let server_properties =
        updates::server_properties(context, record, record.spec.configuration.as_ref()).await?;
    let brokers_record = ClusterRecord {
        kafka_version: record.spec.kafka_version.release().to_owned(),
        incarnation: random_uuid(&context.runtime).simple().to_string(),
        wrapped_data_key,
        server_properties,
        zones: record.spec.zones.clone(),
        created_ms: record.created_ms,
    };
    match metadata(context, record).create_cluster(&brokers_record).await {
        Ok(_) | Err(MetadataError::ClusterExists(_)) => Ok(()),
        Err(error) => Err(from_metadata(error)),
    }
}

pub(super) fn metadata(context: &ReconcileContext, record: &ManagedCluster) -> ClusterMetadata {
    ClusterMetadata::new(context.metadata.clone(), record.cluster_id(), context.runtime.clone())
}

/// Starts every broker that does not serve, all at once, except those named and those that are to
/// be down: these are killed if they serve.
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
                killed.map_err(|error| {
                    broker_failure(record, &format!("killing broker {}", node.id), &error)
                })?;
            }
            _ => {}
        }
    }
    if idle.is_empty() {
        return Ok(());
    }
    let found = metadata(context, record).cluster().await.map_err(from_metadata)?;
    let Some(found) = found else {
        let name = &record.name;
        return Err(ApiError::Internal(format!(
            "the metadata of cluster '{name}' is gone; restore the metadata store"
        )));
    };
    let orders = idle.into_iter().map(|node| order(record, node, &found.record));
    let orders = orders.collect::<Result<Vec<_>, _>>()?;
    let outcomes = join_all(orders.iter().map(|order| context.provisioner.start(order))).await;
    for (order, outcome) in orders.iter().zip(outcomes) {
        outcome.map_err(|error| {
            broker_failure(record, &format!("starting broker {}", order.broker), &error)
        })?;
    }
    Ok(())
}

fn order(
    record: &ManagedCluster,
    node: &ManagedBroker,
    brokers: &ClusterRecord,
) -> Result<BrokerSpec, ApiError> {
    let address = node.address.clone().ok_or_else(|| {
        ApiError::Internal(format!(
            "broker {} of cluster '{}' has no address",
            node.id, record.name
        ))
    })?;
    Ok(BrokerSpec {
        cluster: record.cluster_id(),
        cluster_name: record.name.clone(),
        broker: node.id,
        zone: node.zone.clone(),
        address,
        wrapped_data_key: brokers.wrapped_data_key.clone(),
        kafka_release: brokers.kafka_version.clone(),
        lost_log_accepted: node.lost_log_accepted,
    })
}

async fn stop_brokers(context: &ReconcileContext, record: &ManagedCluster) -> Result<(), ApiError> {
    let cluster = record.cluster_id();
    let outcomes =
        join_all(record.nodes.iter().map(|node| context.provisioner.stop(&cluster, node.id))).await;
    for (node, outcome) in record.nodes.iter().zip(outcomes) {
        outcome.map_err(|error| {
            broker_failure(record, &format!("stopping broker {}", node.id), &error)
        })?;
    }
    Ok(())
}

/// Keeps the brokers running, after a restart too.
async fn run(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
) -> Result<Progress, ApiError> {
    start_brokers(context, &seen.record, &[]).await?;
    if seen.record.state == ClusterState::Healing {
        tracing::info!(cluster = seen.record.name, "the cluster is healed");
        return advance_to(context, seen, |record| {
            record.state = ClusterState::Active;
            record.failure = None;
        })
        .await;
    }
    Ok(Progress::Wait(context.retry.check_every))
}

/// Restarts the next broker of a reboot, or ends the operation.
async fn reboot(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    operation: &str,
    brokers: &[BrokerId],
) -> Result<Progress, ApiError> {
    let mut record = seen.record.clone();
    // A broker that is to be rebooted may well be one that does not serve.
    let next: Vec<BrokerId> = brokers.first().copied().into_iter().collect();
    start_brokers(context, &record, &next).await?;
    if let Some((&broker, rest)) = brokers.split_first() {
        updates::restart(context, &record, broker).await?;
        record.step =
            ReconcileStep::Reboot { operation: operation.to_owned(), brokers: rest.to_vec() };
        context.store.replace(seen.revision, &record, Txn::new()).await?;
        return Ok(Progress::NextStep);
    }
    updates::finish(context, seen, record, operation, None, Txn::new()).await
}

pub(super) fn broker_failure(
    record: &ManagedCluster,
    doing: &str,
    error: &ProvisionError,
) -> ApiError {
    ApiError::Unavailable(format!("{doing} of cluster '{}' failed: {error}", record.name))
}
