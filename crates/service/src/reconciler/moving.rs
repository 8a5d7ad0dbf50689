//! Giving the brokers of existing clusters other addresses, before any of them starts: where they
//! listen was set otherwise than when the cluster was created.

use std::collections::BTreeSet;

use super::addresses::{no_free_address, probe};
use crate::{
    addresses::{AddressPlan, BrokerAddress},
    cluster_store::ClusterStore,
    error::ApiError,
    record::ManagedCluster,
};

/// Gives every broker whose address is not one of `plan` another one, and returns the names of the
/// clusters that this changed. No broker may be running. A cluster whose record cannot be read
/// stays as it is.
pub(crate) async fn move_brokers(
    store: &ClusterStore,
    plan: &AddressPlan,
) -> Result<Vec<String>, ApiError> {
    let (uids, _) = store.uids().await?;
    let mut moved = Vec::new();
    for uid in uids {
        let seen = match store.cluster(&uid).await {
            Ok(Some(seen)) => seen,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(cluster = %uid, %error, "the addresses of a cluster are kept");
                continue;
            }
        };
        let mut changed = seen.value.clone();
        assign(plan, store.addresses().await?.taken, &mut changed).map_err(|error| {
            let name = &seen.value.name;
            ApiError::Unavailable(format!("the brokers of cluster '{name}' cannot move: {error}"))
        })?;
        if changed == seen.value {
            continue;
        }
        let exchange = ClusterStore::exchange_addresses(&seen.value, &changed);
        if store.replace(seen.revision, &changed, exchange).await? {
            tracing::info!(cluster = changed.name, "the brokers get other addresses");
            moved.push(changed.name);
        }
    }
    moved.sort_unstable();
    Ok(moved)
}

/// `taken` has the addresses of all brokers, those of `record` included.
fn assign(
    plan: &AddressPlan,
    mut taken: BTreeSet<String>,
    record: &mut ManagedCluster,
) -> Result<(), ApiError> {
    let mut free = (0..plan.count()).filter_map(|index| plan.address(index));
    for node in &mut record.nodes {
        let Some(before) = node.address.take_if(|address| !plan.has(address)) else { continue };
        let own = before.endpoint();
        let is_free = |address: &BrokerAddress| {
            let endpoint = address.endpoint();
            (endpoint == own || !taken.contains(&endpoint)) && probe(address.bind).is_ok()
        };
        let same_port = plan.at_port(before.bind.port()).filter(is_free);
        let address =
            same_port.or_else(|| free.find(is_free)).ok_or_else(|| no_free_address(plan))?;
        taken.insert(address.endpoint());
        node.address = Some(address);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

    use http::Method;
    use milena_runtime::Runtime;

    use super::*;
    use crate::{
        addresses::LoopbackNetwork,
        testing::{TestService, create_request, encode, store},
    };

    fn ports(bind: impl Into<IpAddr>, host: &str, first: u16) -> AddressPlan {
        AddressPlan::Ports { bind: bind.into(), host: host.to_owned(), first }
    }

    fn free_port() -> u16 {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
    }

    async fn endpoints(store: &ClusterStore) -> Vec<String> {
        let clusters = store.clusters().await.unwrap();
        let nodes = clusters.iter().flat_map(|cluster| &cluster.nodes);
        nodes.map(|node| node.address.as_ref().unwrap().endpoint()).collect()
    }

    /// The store has the smallest limits.
    #[tokio::test]
    async fn the_largest_cluster_is_created_moved_and_removed() {
        let (_dir, metadata) = store();
        let service = TestService::begin(metadata.clone());
        let mut request = create_request("orders");
        request["numberOfBrokerNodes"] = 60.into();
        let created = service.json(Method::POST, "/v1/clusters", request).await;
        let label = encode(created["clusterArn"].as_str().unwrap());
        service.wait_for_state(&label, "ACTIVE").await;
        service.runtime.shutdown().await;
        let store = ClusterStore::new(metadata.clone(), Runtime::system());
        let network: LoopbackNetwork = "127.93.6.0/24".parse().unwrap();
        let moved = move_brokers(&store, &AddressPlan::Loopbacks(network)).await.unwrap();
        assert_eq!(moved, ["orders"]);
        let now: BTreeSet<String> = endpoints(&store).await.into_iter().collect();
        assert!(now.len() == 60 && now.iter().all(|endpoint| endpoint.starts_with("127.93.6.")));
        assert_eq!(store.addresses().await.unwrap().taken, now);
        let service = TestService::begin(metadata);
        service.delete(&label).await;
        service.wait_until_gone(&label).await;
        assert!(store.addresses().await.unwrap().taken.is_empty());
        service.runtime.shutdown().await;
    }

    #[tokio::test]
    async fn brokers_move_to_another_plan_and_stay_where_they_fit() {
        let (_dir, metadata) = store();
        let service = TestService::begin(metadata.clone());
        let label = service.create("orders").await;
        service.wait_for_state(&label, "ACTIVE").await;
        service.runtime.shutdown().await;

        let store = ClusterStore::new(metadata, Runtime::system());
        let before = endpoints(&store).await;
        assert!(before[0].starts_with("kafka.example:"), "{before:?}");
        // Another host: the ports stay.
        let renamed = ports(Ipv4Addr::LOCALHOST, "other.example", 40_000);
        assert_eq!(move_brokers(&store, &renamed).await.unwrap(), ["orders"]);
        let expected: Vec<String> =
            before.iter().map(|at| at.replace("kafka.example", "other.example")).collect();
        assert_eq!(endpoints(&store).await, expected);
        assert_eq!(store.addresses().await.unwrap().taken, expected.iter().cloned().collect());
        // It fits now.
        assert!(move_brokers(&store, &renamed).await.unwrap().is_empty());
        // An address each, and back to ports of an IPv6 address.
        let network: LoopbackNetwork = "127.93.5.0/24".parse().unwrap();
        move_brokers(&store, &AddressPlan::Loopbacks(network)).await.unwrap();
        let expected = ["127.93.5.1:9092", "127.93.5.2:9092", "127.93.5.3:9092"];
        assert_eq!(endpoints(&store).await, expected);
        let first = free_port().max(9093);
        let plan = ports(Ipv6Addr::LOCALHOST, "::1", first);
        if probe((Ipv6Addr::LOCALHOST, 0).into()).is_ok() {
            move_brokers(&store, &plan).await.unwrap();
            let now = endpoints(&store).await;
            assert!(now.iter().all(|endpoint| endpoint.starts_with("[::1]:")), "{now:?}");
            assert_eq!(now.iter().collect::<BTreeSet<_>>().len(), 3, "{now:?}");
        }
    }
}
