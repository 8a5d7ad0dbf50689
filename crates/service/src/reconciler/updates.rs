//! The steps of operations that change a running cluster: server properties, and how many brokers
//! it has.
//!
//! No broker is stopped before all serve and every partition is led ([`is_whole`]), so that there
//! is one at most that others stand in for. Nothing is copied when brokers come or go: what they
//! hold is given away and taken over in the metadata, by the cluster's controller.

use std::collections::BTreeMap;

use milena_metadata::Txn;
use milena_types::BrokerId;

use super::{
    ReconcileContext,
    steps::{Progress, broker_failure, metadata, start_brokers},
};
use crate::{
    addresses,
    cluster_store::{ClusterStore, Seen},
    configuration::ConfigurationRef,
    error::{ApiError, from_metadata},
    record::{
        self, ClusterState, ConfigUpdate, Failure, ManagedBroker, ManagedCluster, NodeState,
        ReconcileStep, ScaleIn, random_version,
    },
};

/// The server properties of a cluster with that configuration: MSK's defaults, what the cluster was
/// made with, and what the configuration says.
pub(super) async fn server_properties(
    context: &ReconcileContext,
    record: &ManagedCluster,
    configuration: Option<&ConfigurationRef>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut properties = (context.default_properties)(record.spec.zones.len());
    properties.extend(record.spec.server_properties.clone());
    if let Some(ConfigurationRef { uid, revision, arn }) = configuration {
        let found = context.store.configuration_revision(uid, *revision).await?;
        let found = found.ok_or_else(|| {
            ApiError::Internal(format!(
                "revision {revision} of {arn} is gone; restore the metadata store"
            ))
        })?;
        properties.extend(found.properties());
    }
    Ok(properties)
}

/// Writes the properties of an update, and decides which brokers are to be restarted for them: all
/// or, when nothing changes, none.
pub(super) async fn write_properties(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    update: &ConfigUpdate,
) -> Result<Progress, ApiError> {
    let record = &seen.record;
    let before = server_properties(context, record, record.spec.configuration.as_ref()).await?;
    let after = server_properties(context, record, update.target.as_ref()).await?;
    // What is taken back may have reached some brokers.
    let changes = before != after || update.failure.is_some();
    let cluster = metadata(context, record);
    let written =
        cluster.update_cluster(|brokers| brokers.server_properties.clone_from(&after)).await;
    written.map_err(from_metadata)?;
    let all = record.nodes.iter().map(|node| node.id);
    let brokers: Vec<BrokerId> = if changes { all.collect() } else { Vec::new() };
    let mut record = record.clone();
    record.step = ReconcileStep::Roll { update: update.clone(), brokers };
    let also = mark_step_reached(context, &update.operation, 1, Txn::new()).await?;
    context.store.replace(seen.revision, &record, also).await?;
    Ok(Progress::NextStep)
}

/// Restarts the next broker of an update, or ends the operation.
pub(super) async fn roll(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    update: &ConfigUpdate,
    brokers: &[BrokerId],
) -> Result<Progress, ApiError> {
    let mut record = seen.record.clone();
    if !is_whole(context, &record).await? {
        return Ok(Progress::Wait(context.retry.settle_every));
    }
    if let Some((&broker, rest)) = brokers.split_first() {
        restart(context, &record, broker).await?;
        record.step = ReconcileStep::Roll { update: update.clone(), brokers: rest.to_vec() };
        context.store.replace(seen.revision, &record, Txn::new()).await?;
        return Ok(Progress::NextStep);
    }
    record.spec.configuration.clone_from(&update.target);
    finish(context, seen, record, &update.operation, update.failure.as_ref(), Txn::new()).await
}

/// Whether all brokers serve and every partition is led: only then one is stopped, and only then an
/// operation ends.
pub(super) async fn is_whole(
    context: &ReconcileContext,
    record: &ManagedCluster,
) -> Result<bool, ApiError> {
    start_brokers(context, record, &[]).await?;
    Ok(metadata(context, record).holdings().await.map_err(from_metadata)?.leaderless == 0)
}

/// Restarts one broker.
pub(super) async fn restart(
    context: &ReconcileContext,
    record: &ManagedCluster,
    broker: BrokerId,
) -> Result<(), ApiError> {
    let stopped = context.provisioner.stop(&record.cluster_id(), broker).await;
    stopped
        .map_err(|error| broker_failure(record, &format!("stopping broker {broker}"), &error))?;
    start_brokers(context, record, &[]).await
}

/// Gives joining brokers addresses.
pub(super) async fn allocate_joining(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    operation: &str,
) -> Result<Progress, ApiError> {
    let mut record = seen.record.clone();
    let addresses = context.store.addresses().await?;
    let take = context.addresses.allocate(&addresses, &mut record, addresses::probe)?;
    record.step = ReconcileStep::StartJoining { operation: operation.to_owned() };
    let also = mark_step_reached(context, operation, 1, take).await?;
    context.store.replace(seen.revision, &record, also).await?;
    Ok(Progress::NextStep)
}

/// Starts joining brokers and ends the operation. The controller gives them their share.
pub(super) async fn start_joining(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    operation: &str,
) -> Result<Progress, ApiError> {
    let mut record = seen.record.clone();
    start_brokers(context, &record, &[]).await?;
    record.nodes.iter_mut().for_each(|node| node.state = NodeState::Member);
    finish(context, seen, record, operation, None, Txn::new()).await
}

/// Waits until the controller has given away all that leaving brokers hold. They serve until then.
pub(super) async fn drain(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    leaving: &ScaleIn,
) -> Result<Progress, ApiError> {
    let record = &seen.record;
    let cluster = metadata(context, record);
    let known = cluster.nodes().await.map_err(from_metadata)?;
    let ids: Vec<BrokerId> = leaving_nodes(record).map(|node| node.id).collect();
    for id in &ids {
        // One that could not be started is not known, and holds nothing.
        if known.get(id).is_some_and(|node| !node.record.draining) {
            cluster.set_draining(*id, true).await.map_err(from_metadata)?;
        }
    }
    if leaving.failure.is_none() {
        start_brokers(context, record, &[]).await?;
    } else {
        start_brokers(context, record, &ids).await?;
    }
    let holdings = cluster.holdings().await.map_err(from_metadata)?;
    if ids.iter().any(|id| holdings.holds(*id)) {
        return Ok(Progress::Wait(context.retry.settle_every));
    }
    let mut record = record.clone();
    record.step = ReconcileStep::Dismiss(leaving.clone());
    let also = mark_step_reached(context, &leaving.operation, 1, Txn::new()).await?;
    context.store.replace(seen.revision, &record, also).await?;
    Ok(Progress::NextStep)
}

/// Stops leaving brokers, forgets them, and ends the operation.
pub(super) async fn dismiss(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    leaving: &ScaleIn,
) -> Result<Progress, ApiError> {
    let record = &seen.record;
    let (id, cluster) = (record.cluster_id(), metadata(context, record));
    let holdings = cluster.holdings().await.map_err(from_metadata)?;
    if leaving_nodes(record).any(|node| holdings.holds(node.id)) {
        // Somebody placed something on one by hand in the last moment.
        let mut record = record.clone();
        record.step = ReconcileStep::Drain(leaving.clone());
        context.store.replace(seen.revision, &record, Txn::new()).await?;
        return Ok(Progress::NextStep);
    }
    for node in leaving_nodes(record) {
        let stopped = context.provisioner.stop(&id, node.id).await;
        stopped.map_err(|error| {
            broker_failure(record, &format!("stopping broker {}", node.id), &error)
        })?;
        cluster.remove_node(node.id).await.map_err(from_metadata)?;
    }
    let stays =
        |broker| record.nodes.iter().any(|n| n.id == broker && n.state == NodeState::Member);
    let release = ClusterStore::release_addresses(record, stays);
    let mut after = record.clone();
    after.nodes.retain(|node| node.state == NodeState::Member);
    finish(context, seen, after, &leaving.operation, leaving.failure.as_ref(), release).await
}

fn leaving_nodes(record: &ManagedCluster) -> impl Iterator<Item = &ManagedBroker> {
    record.nodes.iter().filter(|node| node.state == NodeState::Leaving)
}

/// What to do instead of an update that goes on failing: take it back. `None` where that is what
/// fails, or where there is nothing to go back to.
pub(super) fn compensating_step(
    record: &ManagedCluster,
    failure: Failure,
) -> Option<ManagedCluster> {
    let mut record = record.clone();
    let failure = Some(failure);
    record.step = match &record.step {
        ReconcileStep::WriteProperties(update) | ReconcileStep::Roll { update, .. }
            if update.failure.is_none() =>
        {
            let (operation, target) = (update.operation.clone(), record.spec.configuration.clone());
            ReconcileStep::WriteProperties(ConfigUpdate { operation, target, failure })
        }
        ReconcileStep::AllocateJoining { operation }
        | ReconcileStep::StartJoining { operation } => {
            let operation = operation.clone();
            for node in record.nodes.iter_mut().filter(|node| node.state == NodeState::Joining) {
                node.state = NodeState::Leaving;
            }
            ReconcileStep::Drain(ScaleIn { operation, failure })
        }
        _ => return None,
    };
    Some(record)
}

/// Shows the cluster as ACTIVE at a new version, and its operation as ended.
pub(super) async fn finish(
    context: &ReconcileContext,
    seen: &Seen<ManagedCluster>,
    mut record: ManagedCluster,
    operation: &str,
    failure: Option<&Failure>,
    mut also: Txn,
) -> Result<Progress, ApiError> {
    let rebooted = record.state == ClusterState::RebootingBroker;
    record.step = ReconcileStep::Run;
    record.state = ClusterState::Active;
    record.failure = None;
    record.active_operation = None;
    if !rebooted {
        record.version = random_version(&context.runtime);
    }
    if let Some(mut done) = context.store.operation(operation).await? {
        done.end(context.runtime.wall_ms(), failure);
        tracing::info!(
            cluster = record.name,
            operation = done.kind,
            state = done.state,
            "an operation ended"
        );
        also = also.put(operation, record::encode(&done));
    }
    context.store.replace(seen.revision, &record, also).await?;
    Ok(Progress::NextStep)
}

/// `also`, and what shows that an operation has come to its step of that number.
async fn mark_step_reached(
    context: &ReconcileContext,
    operation: &str,
    number: usize,
    also: Txn,
) -> Result<Txn, ApiError> {
    let Some(mut found) = context.store.operation(operation).await? else { return Ok(also) };
    found.mark_step_reached(number);
    Ok(also.put(operation, record::encode(&found)))
}
