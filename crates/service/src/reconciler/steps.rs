//! From the step that a record names to the code that runs it.

use milena_store::Versioned;

use super::{
    config_update, context::ReconcileContext, creation, deletion, progress::StepResult, reboot,
    running, scaling,
};
use crate::record::{ManagedCluster, ReconcileStep as Step};

pub(super) async fn run_step(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    match &seen.value.step {
        // CreateCluster.
        Step::AllocateAddresses => creation::allocate_addresses(context, seen).await,
        Step::WriteMetadata => creation::write_metadata(context, seen).await,
        Step::StartBrokers => creation::start(context, seen).await,
        Step::Activate => creation::activate(context, seen).await,
        Step::StopFailedBrokers => creation::stop_failed_brokers(context, seen).await,
        Step::Idle => Ok(creation::idle()),
        // Between operations.
        Step::Run => running::run(context, seen).await,
        // RebootBroker.
        Step::Reboot { operation, brokers } => {
            reboot::reboot(context, seen, operation, brokers).await
        }
        // UpdateClusterConfiguration.
        Step::WriteProperties(update) => {
            config_update::write_properties(context, seen, update).await
        }
        Step::Roll { update, brokers } => config_update::roll(context, seen, update, brokers).await,
        // UpdateBrokerCount, to more brokers and to fewer.
        Step::AllocateJoining { operation } => {
            scaling::allocate_joining(context, seen, operation).await
        }
        Step::StartJoining { operation } => scaling::start_joining(context, seen, operation).await,
        Step::Drain(scale_in) => scaling::drain(context, seen, scale_in).await,
        Step::RemoveLeaving(scale_in) => scaling::remove_leaving(context, seen, scale_in).await,
        // DeleteCluster.
        Step::StopBrokers => deletion::stop(context, seen).await,
        Step::RemoveData => deletion::remove_data(context, seen).await,
        Step::RemoveMetadata => deletion::remove_metadata(context, seen).await,
    }
}
