//! Giving a running cluster another configuration or Kafka version: properties and version are
//! written where the brokers find them, and then the brokers restart one after the other.

use milena_store::{Txn, Versioned};
use milena_types::BrokerId;

use super::{
    brokers::{is_healthy, restart_broker},
    cluster_properties::server_properties,
    context::ReconcileContext,
    progress::{
        StepOutcome, StepResult, advance_to, finish_operation, mark_step_reached, record_progress,
    },
};
use crate::record::{ConfigUpdate, ManagedCluster, ReconcileStep};

/// Writes properties and version, and decides which brokers restart for them: all or, where nothing
/// changes, none.
pub(super) async fn write_properties(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    update: &ConfigUpdate,
) -> StepResult {
    let record = &seen.value;
    let before = server_properties(context, record, record.spec.configuration.as_ref()).await?;
    let after = server_properties(context, record, update.target.as_ref()).await?;
    let version = update.kafka_version.unwrap_or(record.spec.kafka_version);
    // The update that this one compensates may have reached some brokers.
    let restarts =
        before != after || version != record.spec.kafka_version || update.failure.is_some();
    let cluster = context.cluster_metadata(record);
    let release = version.release().to_string();
    let written = cluster.update_cluster(|cluster| {
        cluster.server_properties.clone_from(&after);
        cluster.kafka_version.clone_from(&release);
    });
    written.await?;
    let all = record.nodes.iter().map(|node| node.id);
    let brokers: Vec<BrokerId> = if restarts { all.collect() } else { Vec::new() };
    let step = ReconcileStep::Roll { update: update.clone(), brokers };
    let changed = ManagedCluster { step, ..record.clone() };
    let also = mark_step_reached(context, &update.operation, 1, Txn::new()).await?;
    record_progress(context, seen, &changed, also).await
}

/// Restarts the first of `brokers`, or ends the operation when none is left.
pub(super) async fn roll(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    update: &ConfigUpdate,
    brokers: &[BrokerId],
) -> StepResult {
    if !is_healthy(context, &seen.value).await? {
        return Ok(StepOutcome::Wait(context.retry.poll_every));
    }
    if let Some((&broker, left)) = brokers.split_first() {
        restart_broker(context, &seen.value, broker).await?;
        let next = ReconcileStep::Roll { update: update.clone(), brokers: left.to_vec() };
        return advance_to(context, seen, next).await;
    }
    let mut changed = seen.value.clone();
    changed.spec.configuration.clone_from(&update.target);
    changed.spec.kafka_version = update.kafka_version.unwrap_or(changed.spec.kafka_version);
    let (operation, failure) = (&update.operation, update.failure.as_ref());
    finish_operation(context, seen, changed, operation, failure, Txn::new()).await
}
