//! `/health` and `/ready`, for supervision of the process: from loopback addresses, without a
//! signature.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{HeaderMap, Method, StatusCode};
use serde_json::json;

use super::origin::OwnHosts;
use crate::{
    api::ApiResponse,
    cluster_store::ClusterStore,
    error::ApiError,
    provisioner::Provisioner,
    record::{ClusterState, ManagedCluster, NodeState},
};

/// What the probes look at.
pub(crate) struct Probes {
    pub(crate) store: ClusterStore,
    pub(crate) provisioner: Arc<dyn Provisioner>,
    /// Every cluster that the start makes is recorded.
    pub(crate) started: AtomicBool,
    pub(crate) own_hosts: OwnHosts,
}

impl Probes {
    /// The response to an unsigned request, where it is for a probe and from a loopback address.
    /// Prometheus asks for `/metrics`, and learns that there are none.
    pub(super) async fn unsigned(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        peer: IpAddr,
    ) -> Option<Result<ApiResponse, ApiError>> {
        if path == "/metrics" {
            let message = "/metrics is not offered in this release of Milena";
            return Some(Err(ApiError::UnknownOperation(message.to_owned())));
        }
        if !is_probe(method, path) || !peer.to_canonical().is_loopback() {
            return None;
        }
        if let Err(error) = self.own_hosts.check_host(headers) {
            return Some(Err(error));
        }
        self.response(method, path).await
    }

    /// The response, where the request is for a probe.
    pub(super) async fn response(
        &self,
        method: &Method,
        path: &str,
    ) -> Option<Result<ApiResponse, ApiError>> {
        if !is_probe(method, path) {
            return None;
        }
        Some(if path == "/health" { Ok(health()) } else { self.ready().await })
    }

    /// 200 when every cluster is as it should be, else 503. Both name what is not.
    async fn ready(&self) -> Result<ApiResponse, ApiError> {
        let mut waits_for = Vec::new();
        if !self.started.load(Ordering::Acquire) {
            waits_for.push(json!({"reason": "milena is starting"}));
        }
        for cluster in self.store.clusters().await? {
            if !self.is_ready(&cluster).await {
                let (name, state) = (&cluster.name, cluster.state.name());
                waits_for.push(json!({"clusterName": name, "state": state}));
            }
        }
        let status =
            if waits_for.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let body = json!({"ready": waits_for.is_empty(), "waitsFor": waits_for});
        Ok(ApiResponse { status, body: Some(body.to_string().into_bytes()) })
    }

    /// Whether a cluster that should serve does so. One that could not be created or is to be
    /// deleted should not; an operation restarts one broker after the other, and one that was
    /// killed on request should not serve.
    async fn is_ready(&self, cluster: &ManagedCluster) -> bool {
        let absent_max = match cluster.state {
            ClusterState::Creating | ClusterState::Healing => return false,
            ClusterState::Failed | ClusterState::Deleting => return true,
            ClusterState::Updating | ClusterState::RebootingBroker => 1,
            ClusterState::Active => 0,
        };
        let id = cluster.cluster_id();
        let members = cluster.nodes.iter().filter(|node| node.state == NodeState::Member);
        let mut absent = 0;
        for node in members.filter(|node| !node.down) {
            absent += usize::from(!self.provisioner.is_serving(&id, node.id).await);
        }
        absent <= absent_max
    }
}

fn is_probe(method: &Method, path: &str) -> bool {
    matches!(path, "/health" | "/ready") && matches!(*method, Method::GET | Method::HEAD)
}

fn health() -> ApiResponse {
    let body = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")});
    ApiResponse { status: StatusCode::OK, body: Some(body.to_string().into_bytes()) }
}
