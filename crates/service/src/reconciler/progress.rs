//! The ends of a step: a record that names the next one, or a wait.

use std::time::Duration;

use milena_store::{Txn, Versioned};

use super::context::ReconcileContext;
use crate::{
    error::ApiError,
    record::{self, ClusterState, FailureReason, ManagedCluster, ReconcileStep, random_version},
};

/// The reconciler's next action after a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StepOutcome {
    /// Reads the record again and runs the step that it names.
    NextStep,
    /// The same, after the record's next change or this time.
    Wait(Duration),
    /// Ends: the cluster is deleted.
    Gone,
}

pub(super) type StepResult = Result<StepOutcome, ApiError>;

/// Writes `changed` and `also` over the record `seen`. Where the record has changed meanwhile,
/// nothing is written: the step that the new record names comes next.
pub(super) async fn record_progress(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    changed: &ManagedCluster,
    also: Txn,
) -> StepResult {
    context.store.replace(seen.revision, changed, also).await?;
    Ok(StepOutcome::NextStep)
}

/// Records `step` as the next one.
pub(super) async fn advance_to(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    step: ReconcileStep,
) -> StepResult {
    let changed = ManagedCluster { step, ..seen.value.clone() };
    record_progress(context, seen, &changed, Txn::new()).await
}

/// `also`, and what shows that an operation has reached its step of that number, from 0.
pub(super) async fn mark_step_reached(
    context: &ReconcileContext,
    operation: &str,
    number: usize,
    also: Txn,
) -> Result<Txn, ApiError> {
    let Some(mut found) = context.store.operation(operation).await? else { return Ok(also) };
    found.mark_step_reached(number);
    Ok(also.put(operation, record::encode(&found)))
}

/// Shows the cluster as ACTIVE and its operation as ended. A new `currentVersion` tells that the
/// cluster was changed; a reboot changes nothing.
pub(super) async fn finish_operation(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    mut changed: ManagedCluster,
    operation: &str,
    failure: Option<&FailureReason>,
    mut also: Txn,
) -> StepResult {
    let rebooted = changed.state == ClusterState::RebootingBroker;
    changed.step = ReconcileStep::Run;
    changed.state = ClusterState::Active;
    changed.failure = None;
    changed.active_operation = None;
    if !rebooted {
        changed.version = random_version(&context.runtime);
    }
    if let Some(mut ended) = context.store.operation(operation).await? {
        ended.end(context.runtime.wall_ms(), failure);
        tracing::info!(
            cluster = changed.name,
            operation = ended.kind,
            state = ended.state,
            "an operation ended"
        );
        also = also.put(operation, record::encode(&ended));
    }
    record_progress(context, seen, &changed, also).await
}
