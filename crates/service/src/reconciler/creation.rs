//! Creating a cluster: its addresses, the records that its brokers read, the brokers, and then
//! ACTIVE. Where that is given up ([`super::failure`]), its brokers are stopped, and the cluster is
//! left as FAILED for its owner to delete.

use std::time::Duration;

use milena_metadata::{ClusterRecord, MetadataError};
use milena_security::local_key::ClusterDataKey;
use milena_store::{Txn, Versioned};

use super::{
    addresses,
    brokers::{start_brokers, stop_brokers},
    cluster_properties::server_properties,
    context::ReconcileContext,
    progress::{StepOutcome, StepResult, advance_to, record_progress},
};
use crate::{
    arn::random_uuid,
    record::{ClusterState, ManagedCluster, ReconcileStep},
};

/// Between two checks of a cluster that could not be created.
const IDLE_WAIT: Duration = Duration::from_secs(60);

pub(super) async fn allocate_addresses(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    let mut changed = seen.value.clone();
    let addresses = addresses::allocate(context, &mut changed).await?;
    changed.step = ReconcileStep::WriteMetadata;
    record_progress(context, seen, &changed, addresses).await
}

/// Writes the records that the brokers of the cluster read, once: the data key must stay the one
/// that data is encrypted with.
pub(super) async fn write_metadata(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    let record = &seen.value;
    let cluster = record.cluster_id();
    let data_key = ClusterDataKey::generate(&context.runtime);
    let wrapped_data_key = context.local_key.wrap(&data_key, cluster.as_str(), &context.runtime);
    let server_properties =
        server_properties(context, record, record.spec.configuration.as_ref()).await?;
    let cluster_record = ClusterRecord {
        kafka_version: record.spec.kafka_version.release().to_string(),
        incarnation: random_uuid(&context.runtime).simple().to_string(),
        wrapped_data_key,
        server_properties,
        zones: record.spec.zones.clone(),
        created_ms: record.created_ms,
    };
    match context.cluster_metadata(record).create_cluster(&cluster_record).await {
        Ok(_) | Err(MetadataError::ClusterExists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    advance_to(context, seen, ReconcileStep::StartBrokers).await
}

pub(super) async fn start(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    start_brokers(context, &seen.value, &[]).await?;
    advance_to(context, seen, ReconcileStep::Activate).await
}

pub(super) async fn activate(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    tracing::info!(cluster = seen.value.name, "the cluster is active");
    let mut changed = seen.value.clone();
    changed.step = ReconcileStep::Run;
    changed.state = ClusterState::Active;
    changed.failure = None;
    record_progress(context, seen, &changed, Txn::new()).await
}

/// After a creation was given up.
pub(super) async fn stop_failed_brokers(
    context: &ReconcileContext,
    seen: &Versioned<ManagedCluster>,
) -> StepResult {
    stop_brokers(context, &seen.value).await?;
    advance_to(context, seen, ReconcileStep::Idle).await
}

/// Nothing is to be done until the owner deletes the cluster.
pub(super) fn idle() -> StepOutcome {
    StepOutcome::Wait(IDLE_WAIT)
}
