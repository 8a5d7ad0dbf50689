//! Milena's own operations: the state of a cluster's brokers, and killing and restarting them one
//! by one, to test failures or to repair one. docs/operations/msk-api.md describes them.
//!
//! A change is recorded when the operation returns; the cluster's reconciler makes it true soon
//! after, which the brokers' state shows.

use milena_store::Txn;
use milena_types::{BrokerEpoch, BrokerId};
use serde::Serialize;

use super::context::Api;
use crate::{
    error::ApiError,
    record::{ManagedBroker, ManagedCluster},
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BrokerStatus {
    broker_id: i32,
    zone: String,
    /// `SERVING`, `STARTING`, `STOPPING` (it is to be down), or `DOWN` (it was killed).
    state: &'static str,
    endpoint: Option<String>,
    is_controller: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BrokerList {
    brokers: Vec<BrokerStatus>,
}

impl Api {
    pub(super) async fn list_brokers(&self, arn: &str) -> Result<BrokerList, ApiError> {
        let cluster = self.cluster(arn).await?;
        let metadata = self.cluster_metadata(&cluster);
        let alive = metadata.brokers().await?;
        let serving = metadata.serving().await?;
        let controller = metadata.controller().await?;
        let state = |node: &ManagedBroker| match (node.down, alive.contains_key(&node.id)) {
            (true, true) => "STOPPING",
            (true, false) => "DOWN",
            (false, true) if serving.contains(&node.id) => "SERVING",
            (false, _) => "STARTING",
        };
        let status = |node: &ManagedBroker| BrokerStatus {
            broker_id: node.id.0,
            zone: node.zone.clone(),
            state: state(node),
            endpoint: node.address.as_ref().map(|address| address.endpoint()),
            is_controller: controller.as_ref().is_some_and(|seen| seen.value.broker == node.id),
        };
        Ok(BrokerList { brokers: cluster.nodes.iter().map(status).collect() })
    }

    pub(super) async fn kill_broker(
        &self,
        arn: &str,
        broker: &str,
    ) -> Result<BrokerList, ApiError> {
        self.set_down(arn, broker, true).await
    }

    pub(super) async fn restart_broker(
        &self,
        arn: &str,
        broker: &str,
    ) -> Result<BrokerList, ApiError> {
        self.set_down(arn, broker, false).await
    }

    async fn set_down(&self, arn: &str, broker: &str, down: bool) -> Result<BrokerList, ApiError> {
        let change = |record: &mut ManagedCluster| {
            let name = record.name.clone();
            let node = node_mut(record, broker)?;
            if node.down == down {
                let message = if down {
                    format!(
                        "broker {broker} of cluster '{name}' was killed already: restart it first"
                    )
                } else {
                    format!(
                        "broker {broker} of cluster '{name}' is not down: RebootBroker restarts \
                         one that runs"
                    )
                };
                return Err(ApiError::bad_request(message));
            }
            node.down = down;
            Ok(())
        };
        self.change_brokers(arn, change).await?;
        tracing::info!(cluster = arn, broker, down, "a broker is to be killed or started again");
        self.list_brokers(arn).await
    }

    pub(super) async fn accept_lost_log(
        &self,
        arn: &str,
        broker: &str,
        epoch: BrokerEpoch,
    ) -> Result<BrokerList, ApiError> {
        let cluster = self.cluster(arn).await?;
        let metadata = self.cluster_metadata(&cluster);
        let id = node_mut(&mut cluster.clone(), broker)?.id;
        let serving = metadata.serving().await?;
        let nodes = metadata.nodes().await?;
        if serving.contains(&id) {
            return Err(ApiError::bad_request(format!(
                "broker {broker} of cluster '{}' serves: its log is not lost",
                cluster.name
            )));
        }
        // A later epoch's log cannot have been lost yet.
        if nodes.get(&id).and_then(|node| node.value.epoch).is_none_or(|newest| epoch > newest) {
            return Err(ApiError::bad_request(format!(
                "broker {broker} of cluster '{}' has had no epoch {epoch}: give the number that is \
                 logged",
                cluster.name
            )));
        }
        let change = |record: &mut ManagedCluster| {
            let node = node_mut(record, broker)?;
            node.lost_log_accepted = node.lost_log_accepted.max(Some(epoch));
            Ok(())
        };
        self.change_brokers(arn, change).await?;
        tracing::warn!(cluster = arn, broker, %epoch, "the loss of a write-ahead log is accepted");
        self.list_brokers(arn).await
    }

    /// Records a change of brokers of a cluster that has them.
    async fn change_brokers(
        &self,
        arn: &str,
        change: impl Fn(&mut ManagedCluster) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let changed = self.modify_cluster(arn, "clusterArn", |record| {
            if !record.state.has_brokers() {
                let (name, state) = (&record.name, record.state);
                return Err(ApiError::bad_request(format!(
                    "cluster '{name}' is {state}: its brokers are killed and restarted while it is \
                     ACTIVE"
                )));
            }
            change(record)?;
            Ok(((), Txn::new()))
        });
        changed.await
    }
}

fn node_mut<'a>(
    record: &'a mut ManagedCluster,
    broker: &str,
) -> Result<&'a mut ManagedBroker, ApiError> {
    let ids: Vec<String> = record.nodes.iter().map(|node| node.id.to_string()).collect();
    let name = record.name.clone();
    let id = broker.parse().map(BrokerId).ok();
    let found = record.nodes.iter_mut().find(|node| Some(node.id) == id);
    found.ok_or_else(|| {
        ApiError::NotFound(format!(
            "cluster '{name}' has no broker '{broker}'; it has {}",
            ids.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests;
