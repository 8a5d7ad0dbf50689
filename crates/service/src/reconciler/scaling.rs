//! Adding brokers to a running cluster and removing them. Nothing is copied: the cluster's
//! controller moves leadership and replicas in the metadata.

use milena_store::{Txn, Versioned};
use milena_types::BrokerId;

use super::{
    addresses,
    brokers::{start_brokers, stop_broker},
    context::ReconcileContext,
    progress::{
        StepOutcome, StepResult, advance_to, finish_operation, mark_step_reached, record_progress,
    },
};
use crate::{
    cluster_store::ClusterStore,
    record::{ManagedBroker, ManagedCluster, NodeState, ReconcileStep, ScaleIn},
};

/// First step of adding brokers: their addresses.
pub(super) async fn allocate_joining(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    operation: &str,
) -> StepResult {
    let mut changed = seen.value.clone();
    let addresses = addresses::allocate(context, &mut changed).await?;
    changed.step = ReconcileStep::StartJoining { operation: operation.to_owned() };
    let also = mark_step_reached(context, operation, 1, addresses).await?;
    record_progress(context, seen, &changed, also).await
}

/// Second and last step of adding brokers. The controller gives them their share of the partitions.
pub(super) async fn start_joining(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    operation: &str,
) -> StepResult {
    let mut changed = seen.value.clone();
    start_brokers(context, &changed, &[]).await?;
    changed.nodes.iter_mut().for_each(|node| node.state = NodeState::Member);
    finish_operation(context, seen, changed, operation, None, Txn::new()).await
}

/// First step of removing brokers: waits until the controller has given away all that they hold.
/// They serve until then, unless they leave because they could not be added.
pub(super) async fn drain(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    scale_in: &ScaleIn,
) -> StepResult {
    let record = &seen.value;
    let cluster = context.cluster_metadata(record);
    let registered = cluster.nodes().await?;
    let leaving: Vec<BrokerId> = leaving_nodes(record).map(|node| node.id).collect();
    for id in &leaving {
        // One that could not be started is not registered, and holds nothing.
        if registered.get(id).is_some_and(|node| !node.value.draining) {
            cluster.set_draining(*id, true).await?;
        }
    }
    let stay_down: &[BrokerId] = if scale_in.failure.is_some() { &leaving } else { &[] };
    start_brokers(context, record, stay_down).await?;
    let holdings = cluster.broker_assignments().await?;
    if leaving.iter().any(|id| holdings.holds(*id)) {
        return Ok(StepOutcome::Wait(context.retry.poll_every));
    }
    let step = ReconcileStep::RemoveLeaving(scale_in.clone());
    let changed = ManagedCluster { step, ..record.clone() };
    let also = mark_step_reached(context, &scale_in.operation, 1, Txn::new()).await?;
    record_progress(context, seen, &changed, also).await
}

/// Second and last step of removing brokers: stops them and removes their records.
pub(super) async fn remove_leaving(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    scale_in: &ScaleIn,
) -> StepResult {
    let record = &seen.value;
    let cluster = context.cluster_metadata(record);
    let holdings = cluster.broker_assignments().await?;
    if leaving_nodes(record).any(|node| holdings.holds(node.id)) {
        // An AlterPartitionReassignments placed something on one after it was drained.
        return advance_to(context, seen, ReconcileStep::Drain(scale_in.clone())).await;
    }
    for node in leaving_nodes(record) {
        stop_broker(context, record, node.id).await?;
        if !cluster.remove_node(node.id).await? {
            // Another broker's failover, or a reassignment, placed something on it meanwhile.
            return advance_to(context, seen, ReconcileStep::Drain(scale_in.clone())).await;
        }
    }
    let stays = |broker| {
        record.nodes.iter().any(|node| node.id == broker && node.state == NodeState::Member)
    };
    let release = ClusterStore::release_addresses(record, stays);
    let mut changed = record.clone();
    changed.nodes.retain(|node| node.state == NodeState::Member);
    let (operation, failure) = (&scale_in.operation, scale_in.failure.as_ref());
    finish_operation(context, seen, changed, operation, failure, release).await
}

fn leaving_nodes(record: &ManagedCluster) -> impl Iterator<Item = &ManagedBroker> {
    record.nodes.iter().filter(|node| node.state == NodeState::Leaving)
}
