//! Deleting a cluster: its brokers, their files, and last its records.

use milena_metadata::cluster_prefix;

use milena_store::Versioned;

use super::{
    brokers::stop_brokers,
    context::ReconcileContext,
    progress::{StepOutcome, StepResult, advance_to},
};
use crate::{
    error::ApiError,
    record::{ManagedCluster, ReconcileStep},
};

pub(super) async fn stop(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    stop_brokers(context, &seen.value).await?;
    advance_to(context, seen, ReconcileStep::RemoveData).await
}

pub(super) async fn remove_data(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    let record = &seen.value;
    let removed = context.provisioner.remove_data(&record.cluster_id()).await;
    removed.map_err(|error| {
        let name = &record.name;
        ApiError::Unavailable(format!("removing the data of cluster '{name}' failed: {error}"))
    })?;
    advance_to(context, seen, ReconcileStep::RemoveMetadata).await
}

pub(super) async fn remove_metadata(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    let prefix = cluster_prefix(&seen.value.cluster_id());
    if !context.store.remove(seen, &prefix).await? {
        return Ok(StepOutcome::NextStep);
    }
    tracing::info!(cluster = seen.value.name, "the cluster is deleted");
    Ok(StepOutcome::Gone)
}
