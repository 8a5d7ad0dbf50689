//! The steps of a cluster's life. Each may be taken again after it was taken half or whole.

use std::time::Duration;

use futures_util::future::join_all;
use milena_metadata::{
    ClusterMetadata, ClusterRecord as BrokersRecord, MetadataError, Txn, cluster_prefix,
};
use milena_security::local_key::DataKey;
use milena_types::BrokerId;

use super::{Tools, updates};
use crate::{
    addresses,
    arn::random_uuid,
    cluster_store::Seen,
    error::{ApiError, from_metadata},
    provisioner::{BrokerOrder, ProvisionError},
    record::{BrokerNode, ClusterRecord, ClusterState, Step},
};

/// How a reconciler goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the next step.
    Step,
    /// With the next change of the record, or after this time.
    Wait(Duration),
    /// The cluster is gone.
    Gone,
}

/// A cluster that is left alone is looked at this often all the same.
const REST: Duration = Duration::from_secs(60);

/// Takes the step that the record names.
pub(super) async fn take(tools: &Tools, seen: &Seen<ClusterRecord>) -> Result<Next, ApiError> {
    let record = &seen.record;
    match &record.step {
        Step::AllocateAddresses => allocate_addresses(tools, seen).await,
        Step::WriteMetadata => {
            write_metadata(tools, record).await?;
            go_on(tools, seen, |record| record.step = Step::StartBrokers).await
        }
        Step::StartBrokers => {
            start_brokers(tools, record, &[]).await?;
            go_on(tools, seen, |record| record.step = Step::Activate).await
        }
        Step::Activate => {
            tracing::info!(cluster = record.name, "the cluster is active");
            go_on(tools, seen, |record| {
                record.step = Step::Run;
                record.state = ClusterState::Active;
                record.trouble = None;
            })
            .await
        }
        Step::Run => run(tools, seen).await,
        Step::Reboot { operation, brokers } => reboot(tools, seen, operation, brokers).await,
        Step::WriteProperties(update) => updates::write_properties(tools, seen, update).await,
        Step::Roll { update, brokers } => updates::roll(tools, seen, update, brokers).await,
        Step::AllocateJoining { operation } => {
            updates::allocate_joining(tools, seen, operation).await
        }
        Step::StartJoining { operation } => updates::start_joining(tools, seen, operation).await,
        Step::Drain(leaving) => updates::drain(tools, seen, leaving).await,
        Step::Dismiss(leaving) => updates::dismiss(tools, seen, leaving).await,
        Step::GiveUp => {
            stop_brokers(tools, record).await?;
            go_on(tools, seen, |record| record.step = Step::Rest).await
        }
        Step::Rest => Ok(Next::Wait(REST)),
        Step::StopBrokers => {
            stop_brokers(tools, record).await?;
            go_on(tools, seen, |record| record.step = Step::RemoveData).await
        }
        Step::RemoveData => {
            let removed = tools.provisioner.remove_data(&record.cluster_id()).await;
            removed.map_err(|error| in_trouble(record, "removing the data", &error))?;
            go_on(tools, seen, |record| record.step = Step::RemoveMetadata).await
        }
        Step::RemoveMetadata => {
            let gone = tools.store.remove(seen, &cluster_prefix(&record.cluster_id())).await?;
            if gone {
                tracing::info!(cluster = record.name, "the cluster is deleted");
            }
            Ok(if gone { Next::Gone } else { Next::Step })
        }
    }
}

/// Records the next step. Where the record has changed meanwhile, the step is decided on anew.
async fn go_on(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    change: impl FnOnce(&mut ClusterRecord),
) -> Result<Next, ApiError> {
    let mut record = seen.record.clone();
    change(&mut record);
    tools.store.replace(seen.revision, &record, Txn::new()).await?;
    Ok(Next::Step)
}

async fn allocate_addresses(tools: &Tools, seen: &Seen<ClusterRecord>) -> Result<Next, ApiError> {
    let mut record = seen.record.clone();
    let addresses = tools.store.addresses().await?;
    let take = tools.addresses.allocate(&addresses, &mut record, addresses::probe)?;
    record.step = Step::WriteMetadata;
    tools.store.replace(seen.revision, &record, take).await?;
    Ok(Next::Step)
}

/// Writes what the brokers of the cluster read, once: the data key must stay the one that data is
/// encrypted with.
async fn write_metadata(tools: &Tools, record: &ClusterRecord) -> Result<(), ApiError> {
    let cluster = record.cluster_id();
    let data_key = DataKey::generate(&tools.runtime);
    let wrapped_data_key = tools.local_key.wrap(&data_key, cluster.as_str(), &tools.runtime);
    let server_properties =
        updates::server_properties(tools, record, record.spec.configuration.as_ref()).await?;
    let brokers_record = BrokersRecord {
        kafka_version: record.spec.kafka_version.release().to_owned(),
        incarnation: random_uuid(&tools.runtime).simple().to_string(),
        wrapped_data_key,
        server_properties,
        zones: record.spec.zones.clone(),
        created_ms: record.created_ms,
    };
    match metadata(tools, record).create_cluster(&brokers_record).await {
        Ok(_) | Err(MetadataError::ClusterExists(_)) => Ok(()),
        Err(error) => Err(from_metadata(error)),
    }
}

pub(super) fn metadata(tools: &Tools, record: &ClusterRecord) -> ClusterMetadata {
    ClusterMetadata::new(tools.metadata.clone(), record.cluster_id(), tools.runtime.clone())
}

/// Starts every broker that does not serve, all at once, except those named and those that are to
/// be down: these are killed if they serve.
pub(super) async fn start_brokers(
    tools: &Tools,
    record: &ClusterRecord,
    except: &[BrokerId],
) -> Result<(), ApiError> {
    let cluster = record.cluster_id();
    let mut idle = Vec::new();
    for node in record.nodes.iter().filter(|node| !except.contains(&node.id)) {
        match (tools.provisioner.is_serving(&cluster, node.id).await, node.down) {
            (false, false) => idle.push(node),
            (true, true) => {
                let killed = tools.provisioner.kill(&cluster, node.id).await;
                killed.map_err(|error| {
                    in_trouble(record, &format!("killing broker {}", node.id), &error)
                })?;
            }
            _ => {}
        }
    }
    if idle.is_empty() {
        return Ok(());
    }
    let found = metadata(tools, record).cluster().await.map_err(from_metadata)?;
    let Some(found) = found else {
        let name = &record.name;
        return Err(ApiError::Internal(format!(
            "the metadata of cluster '{name}' is gone; restore the metadata store"
        )));
    };
    let orders = idle.into_iter().map(|node| order(record, node, &found.record));
    let orders = orders.collect::<Result<Vec<_>, _>>()?;
    let outcomes = join_all(orders.iter().map(|order| tools.provisioner.start(order))).await;
    for (order, outcome) in orders.iter().zip(outcomes) {
        outcome.map_err(|error| {
            in_trouble(record, &format!("starting broker {}", order.broker), &error)
        })?;
    }
    Ok(())
}

fn order(
    record: &ClusterRecord,
    node: &BrokerNode,
    brokers: &BrokersRecord,
) -> Result<BrokerOrder, ApiError> {
    let address = node.address.clone().ok_or_else(|| {
        ApiError::Internal(format!(
            "broker {} of cluster '{}' has no address",
            node.id, record.name
        ))
    })?;
    Ok(BrokerOrder {
        cluster: record.cluster_id(),
        cluster_name: record.name.clone(),
        broker: node.id,
        zone: node.zone.clone(),
        address,
        wrapped_data_key: brokers.wrapped_data_key.clone(),
        kafka_release: brokers.kafka_version.clone(),
        lost_log_accepted: node.lost_log_accepted,
    })
}

async fn stop_brokers(tools: &Tools, record: &ClusterRecord) -> Result<(), ApiError> {
    let cluster = record.cluster_id();
    let outcomes =
        join_all(record.nodes.iter().map(|node| tools.provisioner.stop(&cluster, node.id))).await;
    for (node, outcome) in record.nodes.iter().zip(outcomes) {
        outcome
            .map_err(|error| in_trouble(record, &format!("stopping broker {}", node.id), &error))?;
    }
    Ok(())
}

/// Keeps the brokers running, after a restart too.
async fn run(tools: &Tools, seen: &Seen<ClusterRecord>) -> Result<Next, ApiError> {
    start_brokers(tools, &seen.record, &[]).await?;
    if seen.record.state == ClusterState::Healing {
        tracing::info!(cluster = seen.record.name, "the cluster is healed");
        return go_on(tools, seen, |record| {
            record.state = ClusterState::Active;
            record.trouble = None;
        })
        .await;
    }
    Ok(Next::Wait(tools.retry.check_every))
}

/// Restarts the next broker of a reboot, or ends the operation.
async fn reboot(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    operation: &str,
    brokers: &[BrokerId],
) -> Result<Next, ApiError> {
    let mut record = seen.record.clone();
    // A broker that is to be rebooted may well be one that does not serve.
    let next: Vec<BrokerId> = brokers.first().copied().into_iter().collect();
    start_brokers(tools, &record, &next).await?;
    if let Some((&broker, rest)) = brokers.split_first() {
        updates::restart(tools, &record, broker).await?;
        record.step = Step::Reboot { operation: operation.to_owned(), brokers: rest.to_vec() };
        tools.store.replace(seen.revision, &record, Txn::new()).await?;
        return Ok(Next::Step);
    }
    updates::finish(tools, seen, record, operation, None, Txn::new()).await
}

pub(super) fn in_trouble(record: &ClusterRecord, doing: &str, error: &ProvisionError) -> ApiError {
    ApiError::Unavailable(format!("{doing} of cluster '{}' failed: {error}", record.name))
}
