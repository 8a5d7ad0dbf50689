//! Restarting brokers for RebootBroker, in the order of the request.

use milena_store::{Txn, Versioned};
use milena_types::BrokerId;

use super::{
    brokers::{restart_broker, start_brokers},
    context::ReconcileContext,
    progress::{StepResult, advance_to, finish_operation},
};
use crate::record::{ManagedCluster, ReconcileStep};

/// Restarts the first of `brokers`, or ends the operation when none is left. The others are to
/// serve meanwhile; the one to be restarted may well not.
pub(super) async fn reboot(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
    operation: &str,
    brokers: &[BrokerId],
) -> StepResult {
    let Some((&broker, left)) = brokers.split_first() else {
        start_brokers(context, &seen.value, &[]).await?;
        let record = seen.value.clone();
        return finish_operation(context, seen, record, operation, None, Txn::new()).await;
    };
    start_brokers(context, &seen.value, &[broker]).await?;
    restart_broker(context, &seen.value, broker).await?;
    let next = ReconcileStep::Reboot { operation: operation.to_owned(), brokers: left.to_vec() };
    advance_to(context, seen, next).await
}
