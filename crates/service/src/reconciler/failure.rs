//! The cluster's state and next step after a failed step.

use milena_store::{Txn, Versioned};
use milena_types::shortened_to;

use super::context::ReconcileContext;
use crate::{
    error::ApiError,
    record::{
        ClusterState, ConfigUpdate, FailureReason, ManagedCluster, NodeState, ReconcileStep,
        ScaleIn,
    },
};

/// The longest text of an error that is stored.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Records why a cluster is not as it should be, after that many failures of its step in a row.
/// Returns the cluster as it then is, unless somebody else has changed it, and whether another step
/// takes the place of the failing one.
pub(super) async fn record_failure(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    error: &ApiError,
    failures: u32,
) -> Result<(ManagedCluster, bool), ApiError> {
    let given_up = failures >= context.retry.failures_max;
    let changed = after_failure(&seen.value, error, given_up);
    if changed == seen.value {
        return Ok((changed, false));
    }
    let recorded = context.store.replace(seen.revision, &changed, Txn::new()).await?;
    let is_replaced = recorded && changed.step != seen.value.step;
    Ok((changed, is_replaced))
}

fn after_failure(record: &ManagedCluster, error: &ApiError, given_up: bool) -> ManagedCluster {
    let message = shortened_to(error.to_string(), MESSAGE_BYTES_MAX);
    let failure = |code: &str| FailureReason { code: code.to_owned(), message: message.clone() };
    let mut changed = record.clone();
    match record.state {
        ClusterState::Creating if given_up => {
            changed.state = ClusterState::Failed;
            changed.step = ReconcileStep::StopFailedBrokers;
            changed.failure = Some(failure("CREATION_FAILED"));
        }
        // Shown while it is tried again: the owner may be who can help.
        ClusterState::Creating => changed.failure = Some(failure("RETRYING")),
        // Shown from the first failure on.
        ClusterState::Active | ClusterState::Healing => {
            changed.state = ClusterState::Healing;
            changed.failure = Some(failure("BROKER_DOWN"));
        }
        ClusterState::Updating if given_up => {
            match compensating_step(&mut changed, failure("UPDATE_FAILED")) {
                Some(step) => changed.step = step,
                None => changed.failure = Some(failure("RETRYING")),
            }
        }
        ClusterState::Deleting | ClusterState::RebootingBroker | ClusterState::Failed
            if given_up =>
        {
            changed.failure = Some(failure("RETRYING"));
        }
        _ => {}
    }
    changed
}

/// The step that compensates an update that keeps failing. `None` where a compensation fails
/// itself, or where there is nothing to go back to.
fn compensating_step(record: &mut ManagedCluster, failure: FailureReason) -> Option<ReconcileStep> {
    match &record.step {
        ReconcileStep::WriteProperties(update) | ReconcileStep::Roll { update, .. }
            if update.failure.is_none() =>
        {
            Some(ReconcileStep::WriteProperties(ConfigUpdate {
                operation: update.operation.clone(),
                target: record.spec.configuration.clone(),
                kafka_version: update.kafka_version.map(|_| record.spec.kafka_version),
                failure: Some(failure),
            }))
        }
        ReconcileStep::AllocateJoining { operation }
        | ReconcileStep::StartJoining { operation } => {
            let scale_in = ScaleIn { operation: operation.clone(), failure: Some(failure) };
            for node in record.nodes.iter_mut().filter(|node| node.state == NodeState::Joining) {
                node.state = NodeState::Leaving;
            }
            Some(ReconcileStep::Drain(scale_in))
        }
        _ => None,
    }
}
