use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::Method;
use milena_metadata::{ClusterMetadata, ListenerRecord, NewBroker, NewTopic, Placement};
use milena_runtime::Runtime;
use milena_store::MetadataStore;
use milena_types::BrokerId;
use serde_json::{Value, json};

use super::{keys, run_until_crash, state};
use crate::testing::{TestService, store};

async fn newest_operation(service: &TestService, label: &str) -> Value {
    service.get(&format!("/v1/clusters/{label}/operations")).await["clusterOperationInfoList"][0]
        .take()
}

async fn current_version(service: &TestService, label: &str) -> Value {
    service.get(&format!("/v1/clusters/{label}")).await["clusterInfo"]["currentVersion"].take()
}

/// An ACTIVE cluster whose service has stopped.
async fn active_cluster(metadata: &Arc<dyn MetadataStore>) -> String {
    let service = TestService::begin(metadata.clone());
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    service.runtime.shutdown().await;
    label
}

async fn cluster(metadata: &Arc<dyn MetadataStore>) -> ClusterMetadata {
    let keys = keys(metadata, "clusters/").await;
    let id = keys[0].split('/').nth(1).unwrap().parse().unwrap();
    ClusterMetadata::new(metadata.clone(), id, Runtime::system())
}

/// Starts an operation, lets the service crash in each of its transactions, and checks the end
/// state after the next start.
async fn crash_in_every_transaction(
    ask: impl AsyncFn(&TestService, &str),
    check: impl AsyncFn(&TestService, &str),
    least: usize,
) {
    let mut crashes = 0;
    for number in 1.. {
        let mut crashed = false;
        for applied in [false, true] {
            let (_dir, metadata) = store();
            let label = active_cluster(&metadata).await;
            ask(&TestService::idle(Runtime::system(), metadata.clone()), &label).await;
            let active = async |service: &TestService| state(service, &label).await == "ACTIVE";
            crashed = run_until_crash(&metadata, (number, applied), active).await;
            let service = TestService::begin(metadata.clone());
            let info = service.wait_for_state(&label, "ACTIVE").await;
            assert_eq!(info.get("activeOperationArn"), None);
            let done = newest_operation(&service, &label).await;
            assert_eq!(done["operationState"], "UPDATE_COMPLETE", "{done}");
            check(&service, &label).await;
            service.runtime.shutdown().await;
        }
        if !crashed {
            break;
        }
        crashes += 1;
    }
    assert!(crashes >= least, "there are transactions to crash in, but only {crashes} were seen");
}

#[tokio::test]
async fn a_configuration_update_goes_on_after_a_crash_in_any_of_its_transactions() {
    let ask = async |service: &TestService, label: &str| {
        let arn = service.configure("fast", "num.io.threads=9").await;
        let current = current_version(service, label).await;
        let request =
            json!({"configurationInfo": {"arn": arn, "revision": 1}, "currentVersion": current});
        service.json(Method::PUT, &format!("/v1/clusters/{label}/configuration"), request).await;
    };
    let check = async |service: &TestService, label: &str| {
        service.wait_for(label, |_| service.brokers.running() == 3).await;
        let info = service.get(&format!("/v1/clusters/{label}")).await["clusterInfo"].take();
        assert_eq!(info["currentBrokerSoftwareInfo"]["configurationRevision"], 1);
        let written = cluster(&service.api.metadata).await.cluster().await.unwrap().unwrap().value;
        assert_eq!(written.server_properties["default.replication.factor"], "3");
        assert_eq!(written.server_properties["num.io.threads"], "9");
    };
    crash_in_every_transaction(ask, check, 6).await;
}

#[tokio::test]
async fn a_version_update_goes_on_after_a_crash_in_any_of_its_transactions() {
    let ask = async |service: &TestService, label: &str| {
        let current = current_version(service, label).await;
        let request = json!({"targetKafkaVersion": "4.1.x.kraft", "currentVersion": current});
        service.json(Method::PUT, &format!("/v1/clusters/{label}/version"), request).await;
    };
    let check = async |service: &TestService, label: &str| {
        service.wait_for(label, |_| service.brokers.running() == 3).await;
        let info = service.get(&format!("/v1/clusters/{label}")).await["clusterInfo"].take();
        assert_eq!(info["currentBrokerSoftwareInfo"]["kafkaVersion"], "4.1.x.kraft");
        let running = service.brokers.running.lock().unwrap();
        assert!(running.values().all(|spec| spec.kafka_release == "4.1"), "{running:?}");
    };
    crash_in_every_transaction(ask, check, 6).await;
}

#[tokio::test]
async fn brokers_are_added_after_a_crash_in_any_transaction() {
    let ask = async |service: &TestService, label: &str| {
        let version = current_version(service, label).await;
        let request = json!({"currentVersion": version, "targetNumberOfBrokerNodes": 6});
        service.json(Method::PUT, &format!("/v1/clusters/{label}/nodes/count"), request).await;
    };
    let check = async |service: &TestService, label: &str| {
        service
            .wait_for(label, |info| {
                info["numberOfBrokerNodes"] == 6 && service.brokers.running() == 6
            })
            .await;
        assert_eq!(
            keys(&service.api.metadata, "service/addresses/").await.len(),
            6,
            "addresses are taken once"
        );
    };
    crash_in_every_transaction(ask, check, 2).await;
}

#[tokio::test]
async fn brokers_are_removed_after_a_crash_in_any_transaction() {
    let ask = async |service: &TestService, label: &str| {
        let (api, metadata) = (service, service.api.metadata.clone());
        let count = async |service: &TestService, target: i32| {
            let current = current_version(service, label).await;
            let request = json!({"currentVersion": current, "targetNumberOfBrokerNodes": target});
            service.json(Method::PUT, &format!("/v1/clusters/{label}/nodes/count"), request).await;
        };
        let service = TestService::begin(metadata);
        count(&service, 6).await;
        service.wait_for_state(label, "ACTIVE").await;
        service.runtime.shutdown().await;
        count(api, 3).await;
    };
    let check = async |service: &TestService, label: &str| {
        service
            .wait_for(label, |info| {
                info["numberOfBrokerNodes"] == 3 && service.brokers.running() == 3
            })
            .await;
        assert_eq!(
            keys(&service.api.metadata, "service/addresses/").await.len(),
            3,
            "addresses are released"
        );
    };
    crash_in_every_transaction(ask, check, 2).await;
}

#[tokio::test]
async fn a_broker_that_still_holds_something_is_not_stopped() {
    let (_dir, metadata) = store();
    let label = active_cluster(&metadata).await;
    let service = TestService::begin(metadata.clone());
    let path = format!("/v1/clusters/{label}/nodes/count");
    let version = current_version(&service, &label).await;
    let request = json!({"currentVersion": version, "targetNumberOfBrokerNodes": 6});
    service.json(Method::PUT, &path, request).await;
    service.wait_for_state(&label, "ACTIVE").await;
    let cluster = cluster(&metadata).await;
    for id in 1..=6 {
        let listener =
            ListenerRecord { name: "PLAINTEXT".to_owned(), host: "h".to_owned(), port: 9092 };
        let broker = NewBroker { id: BrokerId(id), listeners: vec![listener], rack: None };
        cluster.register_broker(&broker, Duration::from_secs(600)).await.unwrap();
    }
    let topic = NewTopic {
        name: "t".parse().unwrap(),
        placement: Placement::Manual(vec![vec![BrokerId(5), BrokerId(1)]]),
        configs: BTreeMap::new(),
    };
    let created = cluster.create_topic(&topic).await.unwrap();
    let version = current_version(&service, &label).await;
    let request = json!({"currentVersion": version, "targetNumberOfBrokerNodes": 3});
    service.json(Method::PUT, &path, request).await;
    let draining = async || {
        let nodes = cluster.nodes().await.unwrap();
        nodes
            .into_iter()
            .filter(|(_, node)| node.value.draining)
            .map(|(id, _)| id.0)
            .collect::<Vec<_>>()
    };
    while draining().await != [4, 5, 6] {
        tokio::task::yield_now().await;
    }
    assert_eq!((state(&service, &label).await, service.brokers.running()), (json!("UPDATING"), 6));
    cluster.delete_topic(&topic.name, created.id).await.unwrap();
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!((&info["numberOfBrokerNodes"], service.brokers.running()), (&json!(3), 3));
    assert_eq!(
        cluster.nodes().await.unwrap().into_keys().map(|id| id.0).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    service.runtime.shutdown().await;
}
