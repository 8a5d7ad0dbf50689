//! Keeping the brokers of an ACTIVE or HEALING cluster running, also after a restart of the
//! process.

use milena_store::{Txn, Versioned};

use super::{
    brokers::start_brokers,
    context::ReconcileContext,
    progress::{StepOutcome, StepResult, record_progress},
};
use crate::record::{ClusterState, ManagedCluster};

pub(super) async fn run(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    start_brokers(context, &seen.value, &[]).await?;
    if seen.value.state == ClusterState::Healing {
        tracing::info!(cluster = seen.value.name, "the cluster is healed");
        let mut changed = seen.value.clone();
        changed.state = ClusterState::Active;
        changed.failure = None;
        return record_progress(context, seen, &changed, Txn::new()).await;
    }
    Ok(StepOutcome::Wait(context.retry.check_every))
}
