use std::time::Duration;

use http::Method;
use milena_metadata::{ClusterMetadata, NewBroker};
use milena_runtime::Runtime;
use serde_json::{Value, json};

use crate::testing::{TestService, store};

#[tokio::test]
async fn a_killed_broker_stays_down_until_it_is_restarted_or_rebooted() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata.clone());
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    let brokers = format!("/milena/v1/clusters/{label}/brokers");
    service.json(Method::POST, &format!("{brokers}/2/kill"), Value::Null).await;
    service.wait_for(&label, |_| service.brokers.running() == 2).await;
    assert_eq!(service.get(&brokers).await["brokers"][1]["state"], "DOWN");
    let again =
        service.call(Method::POST, &format!("{brokers}/2/kill"), Value::Null).await.unwrap_err();
    assert!(
        again.to_string().contains("broker 2 of cluster 'orders' was killed already"),
        "{again}"
    );
    let unknown =
        service.call(Method::POST, &format!("{brokers}/7/kill"), Value::Null).await.unwrap_err();
    assert!(unknown.to_string().contains("has no broker '7'; it has 1, 2, 3"), "{unknown}");
    let runs =
        service.call(Method::POST, &format!("{brokers}/1/restart"), Value::Null).await.unwrap_err();
    assert!(runs.to_string().contains("is not down: RebootBroker"), "{runs}");
    service.runtime.shutdown().await;

    let service = TestService::begin(metadata);
    service.wait_for(&label, |_| service.brokers.running() == 2).await;
    assert_eq!(
        service.get(&brokers).await["brokers"][1]["state"],
        "DOWN",
        "also after a restart of the process"
    );
    service.json(Method::POST, &format!("{brokers}/2/restart"), Value::Null).await;
    service.wait_for(&label, |_| service.brokers.running() == 3).await;
    service.json(Method::POST, &format!("{brokers}/3/kill"), Value::Null).await;
    service.wait_for(&label, |_| service.brokers.running() == 2).await;
    service
        .json(
            Method::PUT,
            &format!("/v1/clusters/{label}/reboot-broker"),
            json!({"brokerIds": ["3"]}),
        )
        .await;
    service.wait_for_state(&label, "ACTIVE").await;
    service.wait_for(&label, |_| service.brokers.running() == 3).await;
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn the_loss_of_a_brokers_log_is_accepted_up_to_an_epoch_that_it_has_had() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata.clone());
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    let (cluster, broker) = service.brokers.running.lock().unwrap().keys().nth(1).unwrap().clone();
    let records = ClusterMetadata::new(metadata, cluster.clone(), Runtime::system());
    let registering = NewBroker { id: broker, listeners: Vec::new(), rack: None };
    let life_of_broker =
        records.register_broker(&registering, Duration::from_secs(60)).await.unwrap();
    let accept = |epoch: &str| {
        format!("/milena/v1/clusters/{label}/brokers/{broker}/accept-lost-log/{epoch}")
    };
    for wrong in ["x", "2"] {
        let refused = service.call(Method::POST, &accept(wrong), Value::Null).await.unwrap_err();
        assert!(refused.to_string().contains("give the number that is logged"), "{refused}");
    }
    records.begin_serving(&life_of_broker).await.unwrap();
    let serves = service.call(Method::POST, &accept("1"), Value::Null).await.unwrap_err();
    assert!(serves.to_string().contains("its log is not lost"), "{serves}");
    records.deregister(&life_of_broker).await.unwrap();
    service.json(Method::POST, &accept("1"), Value::Null).await;
    service.brokers.running.lock().unwrap().remove(&(cluster.clone(), broker));
    service.wait_for(&label, |_| service.brokers.running() == 3).await;
    let spec = service.brokers.running.lock().unwrap()[&(cluster, broker)].clone();
    assert_eq!(spec.lost_log_accepted, Some(life_of_broker.epoch));
    service.runtime.shutdown().await;
}
