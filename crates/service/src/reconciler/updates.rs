//! The steps of operations that change a running cluster: server properties, and how many brokers
//! it has.
//!
//! No broker is stopped before all serve and every partition is led ([`is_whole`]), so that there
//! is one at most that others stand in for. Nothing is copied when brokers come or go: what they
//! hold is given away and taken over in the metadata, by the cluster's controller.

use std::collections::BTreeMap;

use milena_metadata::Txn;
use milena_types::BrokerId;

use super::{
    Tools,
    steps::{Next, in_trouble, metadata, start_brokers},
};
use crate::{
    addresses,
    cluster_store::{ClusterStore, Seen},
    configuration::ConfigurationRef,
    error::{ApiError, from_metadata},
    record::{
        self, BrokerNode, ClusterRecord, ClusterState, Configuring, Leaving, Standing, Step,
        Trouble, random_version,
    },
};

/// The server properties of a cluster with that configuration: MSK's defaults, what the cluster was
/// made with, and what the configuration says.
pub(super) async fn server_properties(
    tools: &Tools,
    record: &ClusterRecord,
    configuration: Option<&ConfigurationRef>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut properties = (tools.default_properties)(record.spec.zones.len());
    properties.extend(record.spec.server_properties.clone());
    if let Some(ConfigurationRef { uid, revision, arn }) = configuration {
        let found = tools.store.configuration_revision(uid, *revision).await?;
        let found = found.ok_or_else(|| {
            ApiError::Internal(format!(
                "revision {revision} of {arn} is gone; restore the metadata store"
            ))
        })?;
        properties.extend(found.properties());
    }
    Ok(properties)
}

/// Writes the properties of an update, and decides which brokers are to be restarted for them: all
/// or, when nothing changes, none.
pub(super) async fn write_properties(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    update: &Configuring,
) -> Result<Next, ApiError> {
    let record = &seen.record;
    let before = server_properties(tools, record, record.spec.configuration.as_ref()).await?;
    let after = server_properties(tools, record, update.target.as_ref()).await?;
    // What is taken back may have reached some brokers.
    let changes = before != after || update.failure.is_some();
    let cluster = metadata(tools, record);
    let written =
        cluster.update_cluster(|brokers| brokers.server_properties.clone_from(&after)).await;
    written.map_err(from_metadata)?;
    let all = record.nodes.iter().map(|node| node.id);
    let brokers: Vec<BrokerId> = if changes { all.collect() } else { Vec::new() };
    let mut record = record.clone();
    record.step = Step::Roll { update: update.clone(), brokers };
    let also = reach(tools, &update.operation, 1, Txn::new()).await?;
    tools.store.replace(seen.revision, &record, also).await?;
    Ok(Next::Step)
}

/// Restarts the next broker of an update, or ends the operation.
pub(super) async fn roll(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    update: &Configuring,
    brokers: &[BrokerId],
) -> Result<Next, ApiError> {
    let mut record = seen.record.clone();
    if !is_whole(tools, &record).await? {
        return Ok(Next::Wait(tools.retry.settle_every));
    }
    if let Some((&broker, rest)) = brokers.split_first() {
        restart(tools, &record, broker).await?;
        record.step = Step::Roll { update: update.clone(), brokers: rest.to_vec() };
        tools.store.replace(seen.revision, &record, Txn::new()).await?;
        return Ok(Next::Step);
    }
    record.spec.configuration.clone_from(&update.target);
    finish(tools, seen, record, &update.operation, update.failure.as_ref(), Txn::new()).await
}

/// Whether all brokers serve and every partition is led: only then one is stopped, and only then an
/// operation ends.
pub(super) async fn is_whole(tools: &Tools, record: &ClusterRecord) -> Result<bool, ApiError> {
    start_brokers(tools, record, &[]).await?;
    Ok(metadata(tools, record).holdings().await.map_err(from_metadata)?.leaderless == 0)
}

/// Restarts one broker.
pub(super) async fn restart(
    tools: &Tools,
    record: &ClusterRecord,
    broker: BrokerId,
) -> Result<(), ApiError> {
    let stopped = tools.provisioner.stop(&record.cluster_id(), broker).await;
    stopped.map_err(|error| in_trouble(record, &format!("stopping broker {broker}"), &error))?;
    start_brokers(tools, record, &[]).await
}

/// Gives joining brokers addresses.
pub(super) async fn allocate_joining(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    operation: &str,
) -> Result<Next, ApiError> {
    let mut record = seen.record.clone();
    let addresses = tools.store.addresses().await?;
    let take = tools.addresses.allocate(&addresses, &mut record, addresses::probe)?;
    record.step = Step::StartJoining { operation: operation.to_owned() };
    let also = reach(tools, operation, 1, take).await?;
    tools.store.replace(seen.revision, &record, also).await?;
    Ok(Next::Step)
}

/// Starts joining brokers and ends the operation. The controller gives them their share.
pub(super) async fn start_joining(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    operation: &str,
) -> Result<Next, ApiError> {
    let mut record = seen.record.clone();
    start_brokers(tools, &record, &[]).await?;
    record.nodes.iter_mut().for_each(|node| node.standing = Standing::Member);
    finish(tools, seen, record, operation, None, Txn::new()).await
}

/// Waits until the controller has given away all that leaving brokers hold. They serve until then.
pub(super) async fn drain(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    leaving: &Leaving,
) -> Result<Next, ApiError> {
    let record = &seen.record;
    let cluster = metadata(tools, record);
    let known = cluster.nodes().await.map_err(from_metadata)?;
    let ids: Vec<BrokerId> = leaving_nodes(record).map(|node| node.id).collect();
    for id in &ids {
        // One that could not be started is not known, and holds nothing.
        if known.get(id).is_some_and(|node| !node.record.draining) {
            cluster.set_draining(*id, true).await.map_err(from_metadata)?;
        }
    }
    if leaving.failure.is_none() {
        start_brokers(tools, record, &[]).await?;
    } else {
        start_brokers(tools, record, &ids).await?;
    }
    let holdings = cluster.holdings().await.map_err(from_metadata)?;
    if ids.iter().any(|id| holdings.holds(*id)) {
        return Ok(Next::Wait(tools.retry.settle_every));
    }
    let mut record = record.clone();
    record.step = Step::Dismiss(leaving.clone());
    let also = reach(tools, &leaving.operation, 1, Txn::new()).await?;
    tools.store.replace(seen.revision, &record, also).await?;
    Ok(Next::Step)
}

/// Stops leaving brokers, forgets them, and ends the operation.
pub(super) async fn dismiss(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    leaving: &Leaving,
) -> Result<Next, ApiError> {
    let record = &seen.record;
    let (id, cluster) = (record.cluster_id(), metadata(tools, record));
    let holdings = cluster.holdings().await.map_err(from_metadata)?;
    if leaving_nodes(record).any(|node| holdings.holds(node.id)) {
        // Somebody placed something on one by hand in the last moment.
        let mut record = record.clone();
        record.step = Step::Drain(leaving.clone());
        tools.store.replace(seen.revision, &record, Txn::new()).await?;
        return Ok(Next::Step);
    }
    for node in leaving_nodes(record) {
        let stopped = tools.provisioner.stop(&id, node.id).await;
        stopped
            .map_err(|error| in_trouble(record, &format!("stopping broker {}", node.id), &error))?;
        cluster.remove_node(node.id).await.map_err(from_metadata)?;
    }
    let stays =
        |broker| record.nodes.iter().any(|n| n.id == broker && n.standing == Standing::Member);
    let release = ClusterStore::release_addresses(record, stays);
    let mut after = record.clone();
    after.nodes.retain(|node| node.standing == Standing::Member);
    finish(tools, seen, after, &leaving.operation, leaving.failure.as_ref(), release).await
}

fn leaving_nodes(record: &ClusterRecord) -> impl Iterator<Item = &BrokerNode> {
    record.nodes.iter().filter(|node| node.standing == Standing::Leaving)
}

/// What to do instead of an update that goes on failing: take it back. `None` where that is what
/// fails, or where there is nothing to go back to.
pub(super) fn instead(record: &ClusterRecord, failure: Trouble) -> Option<ClusterRecord> {
    let mut record = record.clone();
    let failure = Some(failure);
    record.step = match &record.step {
        Step::WriteProperties(update) | Step::Roll { update, .. } if update.failure.is_none() => {
            let (operation, target) = (update.operation.clone(), record.spec.configuration.clone());
            Step::WriteProperties(Configuring { operation, target, failure })
        }
        Step::AllocateJoining { operation } | Step::StartJoining { operation } => {
            let operation = operation.clone();
            for node in record.nodes.iter_mut().filter(|node| node.standing == Standing::Joining) {
                node.standing = Standing::Leaving;
            }
            Step::Drain(Leaving { operation, failure })
        }
        _ => return None,
    };
    Some(record)
}

/// Shows the cluster as ACTIVE at a new version, and its operation as ended.
pub(super) async fn finish(
    tools: &Tools,
    seen: &Seen<ClusterRecord>,
    mut record: ClusterRecord,
    operation: &str,
    failure: Option<&Trouble>,
    mut also: Txn,
) -> Result<Next, ApiError> {
    let rebooted = record.state == ClusterState::RebootingBroker;
    record.step = Step::Run;
    record.state = ClusterState::Active;
    record.trouble = None;
    record.active_operation = None;
    if !rebooted {
        record.version = random_version(&tools.runtime);
    }
    if let Some(mut done) = tools.store.operation(operation).await? {
        done.end(tools.runtime.wall_ms(), failure);
        tracing::info!(
            cluster = record.name,
            operation = done.kind,
            state = done.state,
            "an operation ended"
        );
        also = also.put(operation, record::encode(&done));
    }
    tools.store.replace(seen.revision, &record, also).await?;
    Ok(Next::Step)
}

/// `also`, and what shows that an operation has come to its step of that number.
async fn reach(tools: &Tools, operation: &str, number: usize, also: Txn) -> Result<Txn, ApiError> {
    let Some(mut found) = tools.store.operation(operation).await? else { return Ok(also) };
    found.reach(number);
    Ok(also.put(operation, record::encode(&found)))
}
