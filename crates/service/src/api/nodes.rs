//! GetBootstrapBrokers, ListNodes.

use milena_security::timestamp::iso8601;

use super::{clusters::software, context::Api, query::Query};
use crate::{
    error::ApiError,
    record::{ManagedBroker, ManagedCluster, NodeState},
    wire::{BrokerNodeInfo, GetBootstrapBrokersResponse, ListNodesResponse, NodeInfo},
};

/// Brokers in a bootstrap string.
const BOOTSTRAP_BROKERS_MAX: usize = 3;

impl Api {
    pub(super) async fn get_bootstrap_brokers(
        &self,
        arn: &str,
    ) -> Result<GetBootstrapBrokersResponse, ApiError> {
        let record = self.cluster_or_bad_request(arn).await?;
        if !record.state.has_brokers() {
            let (name, state) = (&record.name, record.state);
            let message = format!(
                "the cluster '{name}' is {state}; it has bootstrap brokers once it is ACTIVE"
            );
            return Err(ApiError::Conflict(message));
        }
        Ok(GetBootstrapBrokersResponse { bootstrap_broker_string: Some(bootstrap_string(&record)) })
    }

    pub(super) async fn list_nodes(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<ListNodesResponse, ApiError> {
        let record = self.cluster(arn).await?;
        let nodes = record.shown_nodes().filter(|node| node.address.is_some()).collect();
        let key = |node: &&ManagedBroker| format!("{:08}", node.id.0);
        let (page, next_token) = query.page(&format!("nodes/{arn}"), nodes, key)?;
        let node_info_list = Some(page.into_iter().map(|node| node_info(&record, node)).collect());
        Ok(ListNodesResponse { next_token, node_info_list })
    }
}

/// Endpoints of up to three brokers in order of ids, leaving ones last. The first three ids are in
/// different zones.
pub(crate) fn bootstrap_string(record: &ManagedCluster) -> String {
    let (members, leaving): (Vec<_>, Vec<_>) =
        record.shown_nodes().partition(|node| node.state == NodeState::Member);
    let (members, leaving) = (members.into_iter(), leaving.into_iter());
    let endpoints = members
        .chain(leaving)
        .filter_map(|node| node.address.as_ref())
        .map(|address| address.endpoint());
    endpoints.take(BOOTSTRAP_BROKERS_MAX).collect::<Vec<_>>().join(",")
}

fn node_info(record: &ManagedCluster, node: &ManagedBroker) -> NodeInfo {
    let host = node.address.as_ref().map(|address| address.host.clone());
    let instance_type = record.spec.instance_type.clone();
    let broker = BrokerNodeInfo {
        attached_eni_id: Some(format!("eni-{}", &node.uuid.simple().to_string()[..17])),
        broker_id: Some(f64::from(node.id.0)),
        client_subnet: Some(node.subnet.clone()),
        client_vpc_ip_address: node.address.as_ref().map(|address| address.bind.ip().to_string()),
        current_broker_software_info: Some(software(record)),
        endpoints: Some(host.into_iter().collect()),
    };
    NodeInfo {
        added_to_cluster_time: Some(iso8601(node.added_ms.unwrap_or(record.created_ms))),
        broker_node_info: Some(broker),
        // MSK leaves the family out here.
        instance_type: Some(
            instance_type.strip_prefix("kafka.").unwrap_or(&instance_type).to_owned(),
        ),
        node_arn: Some(record.arn_of("broker", Some(&node.uuid.to_string()))),
        node_type: Some("BROKER".to_owned()),
    }
}

#[cfg(test)]
mod tests;
