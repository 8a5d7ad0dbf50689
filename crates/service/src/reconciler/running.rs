//! Keeping the brokers of an ACTIVE or HEALING cluster running, also after a restart of the
//! process.

use milena_store::Txn;

use super::{
    brokers::start_brokers,
    context::ReconcileContext,
    progress::{StepOutcome, StepResult, record_progress},
};
use crate::{
    cluster_store::Seen,
    record::{ClusterState, ManagedCluster},
};

pub(super) async fn run(context: &ReconcileContext, seen: &Seen<ManagedCluster>) -> StepResult {
    start_brokers(context, &seen.record, &[]).await?;
    if seen.record.state == ClusterState::Healing {
        tracing::info!(cluster = seen.record.name, "the cluster is healed");
        let mut changed = seen.record.clone();
        changed.state = ClusterState::Active;
        changed.failure = None;
        return record_progress(context, seen, &changed, Txn::new()).await;
    }
    Ok(StepOutcome::Wait(context.retry.check_every))
}
