//! What Milena has beyond MSK: brokers that are looked at, killed and started again one by one, to
//! see what a failure does, or to mend one. Signed like the rest, below `/milena/v1`, where MSK's
//! API has nothing:
//!
//! - `GET /milena/v1/clusters/ARN/brokers`: the state of each broker;
//! - `POST /milena/v1/clusters/ARN/brokers/ID/kill`: ends a broker as a crash would; it stays down,
//!   also when milena is started again;
//! - `POST /milena/v1/clusters/ARN/brokers/ID/restart`: starts one that was killed. One that runs
//!   is restarted with RebootBroker, which hands over what it leads first;
//! - `POST /milena/v1/clusters/ARN/brokers/ID/accept-lost-log/EPOCH`: an operator's word that the
//!   broker's write-ahead log is gone for good, up to the epoch that its refused start has named.
//!   What was only there is given up at the next start, and the word means nothing after: a later
//!   epoch is another one.
//!
//! A kill, a restart or that word is recorded when it is answered, and done soon after: the state
//! tells when.

use milena_types::{BrokerEpoch, BrokerId};
use serde::Serialize;

use super::Api;
use crate::{
    cluster_store::Seen,
    error::{ApiError, from_metadata},
    record::{ClusterState, ManagedBroker, ManagedCluster},
};

/// How often a record is changed again when others were faster.
const ATTEMPTS: usize = 16;

/// A broker as this API shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerStatus {
    broker_id: i32,
    zone: String,
    /// `SERVING`, `STARTING`, `STOPPING` (it is to be down), or `DOWN` (it was killed).
    state: &'static str,
    endpoint: Option<String>,
    is_controller: bool,
}

/// The brokers of a cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerList {
    brokers: Vec<BrokerStatus>,
}

impl Api {
    pub(super) async fn brokers(&self, arn: &str) -> Result<BrokerList, ApiError> {
        let cluster = self.cluster(arn).await?;
        let metadata = self.cluster_metadata(&cluster);
        let alive = metadata.brokers().await.map_err(from_metadata)?;
        let serving = metadata.serving().await.map_err(from_metadata)?;
        let controller = metadata.controller().await.map_err(from_metadata)?;
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
            is_controller: controller.as_ref().is_some_and(|seen| seen.record.broker == node.id),
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
                        "broker {broker} of cluster '{name}' is not down: RebootBroker restarts one that runs"
                    )
                };
                return Err(ApiError::bad_request(message));
            }
            node.down = down;
            Ok(())
        };
        let changed = self.change(arn, change).await?;
        tracing::info!(cluster = arn, broker, down, "a broker is to be killed or started again");
        Ok(changed)
    }

    pub(super) async fn accept_lost_log(
        &self,
        arn: &str,
        broker: &str,
        epoch: &str,
    ) -> Result<BrokerList, ApiError> {
        let accepted = epoch.parse().ok().map(BrokerEpoch).ok_or_else(|| {
            ApiError::bad_request(format!(
                "'{epoch}' is not a broker epoch: give the number that is logged"
            ))
        })?;
        let cluster = self.cluster(arn).await?;
        let metadata = self.cluster_metadata(&cluster);
        let id = node_mut(&mut cluster.clone(), broker)?.id;
        let serving = metadata.serving().await.map_err(from_metadata)?;
        let nodes = metadata.nodes().await.map_err(from_metadata)?;
        if serving.contains(&id) {
            return Err(ApiError::bad_request(format!(
                "broker {broker} of cluster '{}' serves: its log is not lost",
                cluster.name
            )));
        }
        // A word for epochs to come would not be one about a loss that was seen.
        if nodes.get(&id).and_then(|node| node.record.epoch).is_none_or(|newest| accepted > newest)
        {
            return Err(ApiError::bad_request(format!(
                "broker {broker} of cluster '{}' has had no epoch {epoch}: give the number that is logged",
                cluster.name
            )));
        }
        let change = |record: &mut ManagedCluster| {
            let node = node_mut(record, broker)?;
            node.lost_log_accepted = node.lost_log_accepted.max(Some(accepted));
            Ok(())
        };
        let changed = self.change(arn, change).await?;
        tracing::warn!(cluster = arn, broker, epoch, "the loss of a write-ahead log is accepted");
        Ok(changed)
    }

    /// Records a change of brokers while the cluster is one that has them.
    async fn change(
        &self,
        arn: &str,
        change: impl Fn(&mut ManagedCluster) -> Result<(), ApiError>,
    ) -> Result<BrokerList, ApiError> {
        for _ in 0..ATTEMPTS {
            let cluster = self.cluster(arn).await?;
            let Some(Seen { mut record, revision }) = self.store.cluster(&cluster.uid).await?
            else {
                continue;
            };
            if matches!(
                record.state,
                ClusterState::Creating | ClusterState::Deleting | ClusterState::Failed
            ) {
                let state = record.state;
                return Err(ApiError::bad_request(format!(
                    "cluster '{}' is {state}: its brokers are killed and restarted while it is ACTIVE",
                    record.name
                )));
            }
            change(&mut record)?;
            if self.store.replace(revision, &record, Default::default()).await? {
                return self.brokers(arn).await;
            }
        }
        Err(ApiError::Unavailable(format!("{arn} changes all the time: try again")))
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
