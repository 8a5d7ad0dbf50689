use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::{
    api::tests::{api, bad_request},
    error::ApiError,
    testing::{TestService, create_request, encode, store},
};

async fn version(service: &TestService, label: &str) -> Value {
    service.get(&format!("/v1/clusters/{label}")).await["clusterInfo"]["currentVersion"].take()
}

async fn operation(service: &TestService, started: &Value) -> Value {
    let arn = started["clusterOperationArn"].as_str().unwrap();
    service.get(&format!("/v1/operations/{}", encode(arn))).await["clusterOperationInfo"].take()
}

#[tokio::test]
async fn a_configuration_update_restarts_the_brokers_and_is_recorded() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    let before = service.wait_for_state(&label, "ACTIVE").await["currentVersion"].take();
    let arn = service.configure("fast", "num.io.threads=9").await;
    let path = format!("/v1/clusters/{label}/configuration");
    let request =
        json!({"configurationInfo": {"arn": arn, "revision": 1}, "currentVersion": before});
    let started = service.json(Method::PUT, &path, request.clone()).await;
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(info["currentBrokerSoftwareInfo"]["configurationRevision"], 1);
    assert_ne!(info["currentVersion"], before, "an update makes a new version");
    let done = operation(&service, &started).await;
    let step = |name| json!({"stepInfo": {"stepStatus": "COMPLETED"}, "stepName": name});
    let expected = json!({
        "clientRequestId": "0a1b2c3d",
        "clusterArn": started["clusterArn"],
        "creationTime": done["creationTime"],
        "endTime": done["endTime"],
        "operationArn": started["clusterOperationArn"],
        "operationState": "UPDATE_COMPLETE",
        "operationSteps": [
            step("INITIALIZE_UPDATE"),
            step("UPDATE_CLUSTER_CONFIGURATION"),
            step("FINALIZE_UPDATE"),
        ],
        "operationType": "UPDATE_CLUSTER_CONFIGURATION",
        "sourceClusterInfo": {},
        "targetClusterInfo": {"configurationInfo": {"arn": arn, "revision": 1}},
    });
    assert_eq!(done, expected);
    assert_eq!(service.brokers.starts(), 6, "every broker was restarted once");
    let error = service.call(Method::PUT, &path, request).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "currentVersion");
    // A revision with the same properties restarts no broker.
    let configuration = format!("/v1/configurations/{}", encode(&arn));
    let same = json!({"serverProperties": "bnVtLmlvLnRocmVhZHM6OQ=="});
    service.json(Method::PUT, &configuration, same).await;
    let current = version(&service, &label).await;
    let request =
        json!({"configurationInfo": {"arn": arn, "revision": 2}, "currentVersion": current});
    let started = service.json(Method::PUT, &path, request).await;
    service.wait_for_state(&label, "ACTIVE").await;
    let done = operation(&service, &started).await;
    assert_eq!(
        done["sourceClusterInfo"],
        json!({"configurationInfo": {"arn": arn, "revision": 1}})
    );
    assert_eq!(service.brokers.starts(), 6);
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn a_configuration_that_brokers_do_not_start_with_is_taken_back() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    let current = service.wait_for_state(&label, "ACTIVE").await["currentVersion"].take();
    let arn = service.configure("bad", "num.io.threads=9").await;
    // The first restart fails as often as it is tried before the update is given up.
    service.brokers.refuse_starts(5, "too many threads");
    let request =
        json!({"configurationInfo": {"arn": arn, "revision": 1}, "currentVersion": current});
    let path = format!("/v1/clusters/{label}/configuration");
    let started = service.json(Method::PUT, &path, request).await;
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(info["currentBrokerSoftwareInfo"], json!({"kafkaVersion": "3.9.x.kraft"}));
    let done = operation(&service, &started).await;
    assert_eq!(
        (&done["operationState"], &done["errorInfo"]["errorCode"]),
        (&json!("UPDATE_FAILED"), &json!("UPDATE_FAILED"))
    );
    assert!(
        done["errorInfo"]["errorString"].as_str().unwrap().contains("too many threads"),
        "{done}"
    );
    assert_eq!(service.brokers.running(), 3);
    service
        .json(Method::DELETE, &format!("/v1/configurations/{}", encode(&arn)), Value::Null)
        .await;
    service.runtime.shutdown().await;
}

/// The Kafka releases that the brokers look like.
fn releases(service: &TestService) -> BTreeSet<String> {
    let running = service.brokers.running.lock().unwrap();
    running.values().map(|spec| spec.kafka_release.clone()).collect()
}

#[tokio::test]
async fn a_version_update_restarts_the_brokers_as_the_new_release() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    let before = service.wait_for_state(&label, "ACTIVE").await["currentVersion"].take();
    assert_eq!(releases(&service), ["3.9".to_owned()].into());
    let path = format!("/v1/clusters/{label}/version");
    let request = json!({"currentVersion": before, "targetKafkaVersion": "4.0.x.kraft"});
    let started = service.json(Method::PUT, &path, request.clone()).await;
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(info["currentBrokerSoftwareInfo"], json!({"kafkaVersion": "4.0.x.kraft"}));
    assert_eq!(releases(&service), ["4.0".to_owned()].into());
    assert_eq!((service.brokers.starts(), service.brokers.running()), (6, 3));
    let done = operation(&service, &started).await;
    assert_eq!(
        (&done["operationType"], &done["operationState"]),
        (&json!("UPDATE_CLUSTER_KAFKA_VERSION"), &json!("UPDATE_COMPLETE"))
    );
    assert_eq!(
        (&done["sourceClusterInfo"], &done["targetClusterInfo"]),
        (&json!({"kafkaVersion": "3.9.x.kraft"}), &json!({"kafkaVersion": "4.0.x.kraft"}))
    );
    let error = service.call(Method::PUT, &path, request).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "targetKafkaVersion");

    // The first restart fails as often as it is tried before the update is given up.
    service.brokers.refuse_starts(5, "it does not start");
    let request =
        json!({"currentVersion": info["currentVersion"], "targetKafkaVersion": "4.1.x.kraft"});
    let started = service.json(Method::PUT, &path, request).await;
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(info["currentBrokerSoftwareInfo"], json!({"kafkaVersion": "4.0.x.kraft"}));
    assert_eq!(releases(&service), ["4.0".to_owned()].into());
    assert_eq!(operation(&service, &started).await["operationState"], "UPDATE_FAILED");
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn a_version_update_takes_the_configuration_along_if_it_fits() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let only = json!({
        "name": "only",
        "kafkaVersions": ["3.9.x.kraft"],
        "serverProperties": "bnVtLmlvLnRocmVhZHM9OQ==",
    });
    let only = service.json(Method::POST, "/v1/configurations", only).await["arn"].take();
    let any = service.configure("any", "num.io.threads=10").await;
    let mut request = create_request("orders");
    request["configurationInfo"] = json!({"arn": only, "revision": 1});
    let created = service.json(Method::POST, "/v1/clusters", request).await;
    let label = encode(created["clusterArn"].as_str().unwrap());
    let current = service.wait_for_state(&label, "ACTIVE").await["currentVersion"].take();
    let path = format!("/v1/clusters/{label}/version");
    for (change, parameter, words) in [
        (json!({}), "targetKafkaVersion", "required"),
        (json!({"targetKafkaVersion": "5"}), "targetKafkaVersion", "not offered"),
        (json!({"targetKafkaVersion": "3.8.x.kraft"}), "targetKafkaVersion", "4.1.x.kraft"),
        (json!({"targetKafkaVersion": "3.9.x"}), "targetKafkaVersion", "cannot be upgraded"),
        (json!({"targetKafkaVersion": "4.1.x.kraft"}), "configurationInfo.arn", "3.9.x.kraft"),
        (
            json!({"targetKafkaVersion": "4.1.x.kraft", "currentVersion": "KX",
                "configurationInfo": {"arn": any, "revision": 1}}),
            "currentVersion",
            "not the current",
        ),
    ] {
        let mut request = json!({"currentVersion": current});
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = service.call(Method::PUT, &path, request).await.unwrap_err();
        let (message, named) = bad_request(&error);
        assert!(named == parameter && message.contains(words), "{message}");
    }
    let wanted = json!({"arn": any, "revision": 1});
    let request = json!({
        "currentVersion": current, "targetKafkaVersion": "4.1.x.kraft", "configurationInfo": wanted,
    });
    let started = service.json(Method::PUT, &path, request).await;
    let info = service.wait_for_state(&label, "ACTIVE").await;
    let software = &info["currentBrokerSoftwareInfo"];
    assert_eq!(
        (&software["configurationArn"], &software["kafkaVersion"]),
        (&json!(any), &json!("4.1.x.kraft"))
    );
    let done = operation(&service, &started).await;
    assert_eq!(
        done["targetClusterInfo"],
        json!({"kafkaVersion": "4.1.x.kraft", "configurationInfo": wanted})
    );
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn brokers_come_and_go_evenly_over_the_zones() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    let path = format!("/v1/clusters/{label}/nodes/count");
    let mut addresses = Vec::new();
    for (target, kind) in [(9, "INCREASE_BROKER_COUNT"), (6, "DECREASE_BROKER_COUNT")] {
        let current = version(&service, &label).await;
        let request = json!({"currentVersion": current, "targetNumberOfBrokerNodes": target});
        let started = service.json(Method::PUT, &path, request).await;
        let info = service.wait_for_state(&label, "ACTIVE").await;
        assert_eq!(
            (&info["numberOfBrokerNodes"], service.brokers.running()),
            (&json!(target), target)
        );
        assert_ne!(info["currentVersion"], current);
        let done = operation(&service, &started).await;
        assert_eq!(
            (&done["operationState"], &done["operationType"]),
            (&json!("UPDATE_COMPLETE"), &json!(kind))
        );
        addresses.push((done["sourceClusterInfo"].clone(), done["targetClusterInfo"].clone()));
    }
    let up = json!({
        "brokerCountUpdateInfo": {"createdBrokerIds": [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]},
        "numberOfBrokerNodes": 9,
    });
    assert_eq!(addresses[0], (json!({"numberOfBrokerNodes": 3}), up));
    let down = json!({
        "brokerCountUpdateInfo": {"deletedBrokerIds": [7.0, 8.0, 9.0]},
        "numberOfBrokerNodes": 6,
    });
    assert_eq!(addresses[1], (json!({"numberOfBrokerNodes": 9}), down));
    let nodes = service.get(&format!("/v1/clusters/{label}/nodes")).await;
    let subnets: Vec<&Value> = nodes["nodeInfoList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| &n["brokerNodeInfo"]["clientSubnet"])
        .collect();
    assert_eq!(subnets, ["subnet-a", "subnet-b", "subnet-c", "subnet-a", "subnet-b", "subnet-c"]);
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn brokers_that_cannot_be_added_are_taken_back() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    let current = service.wait_for_state(&label, "ACTIVE").await["currentVersion"].take();
    // Three at a time, five times.
    service.brokers.refuse_starts(15, "the disk is full");
    let request = json!({"currentVersion": current, "targetNumberOfBrokerNodes": 6});
    let path = format!("/v1/clusters/{label}/nodes/count");
    let started = service.json(Method::PUT, &path, request).await;
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!((&info["numberOfBrokerNodes"], service.brokers.running()), (&json!(3), 3));
    let done = operation(&service, &started).await;
    assert_eq!(done["operationState"], "UPDATE_FAILED");
    assert!(
        done["errorInfo"]["errorString"].as_str().unwrap().contains("the disk is full"),
        "{done}"
    );
    let statuses = done["operationSteps"].as_array().unwrap().iter();
    let statuses: Vec<&Value> = statuses.map(|step| &step["stepInfo"]["stepStatus"]).collect();
    assert_eq!(statuses, ["COMPLETED", "CANCELLED", "CANCELLED"]);
    // Their ids and addresses are free again.
    let current = version(&service, &label).await;
    let request = json!({"currentVersion": current, "targetNumberOfBrokerNodes": 6});
    service.json(Method::PUT, &path, request).await;
    assert_eq!(service.wait_for_state(&label, "ACTIVE").await["numberOfBrokerNodes"], 6);
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_update_is_named() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    let current = service.wait_for_state(&label, "ACTIVE").await["currentVersion"].take();
    let path = format!("/v1/clusters/{label}/nodes/count");
    let count =
        |count: Value| json!({"currentVersion": current, "targetNumberOfBrokerNodes": count});
    let cases = [
        (json!({"currentVersion": current}), "targetNumberOfBrokerNodes", "required"),
        (json!({"targetNumberOfBrokerNodes": 6}), "currentVersion", "required"),
        (
            json!({"currentVersion": "KX", "targetNumberOfBrokerNodes": 6}),
            "currentVersion",
            "not the current",
        ),
        (count(json!(3)), "targetNumberOfBrokerNodes", "3 brokers already"),
        (count(json!(4)), "targetNumberOfBrokerNodes", "multiple of the 3"),
        (count(json!(0)), "targetNumberOfBrokerNodes", "1 to 60"),
        (count(json!(63)), "targetNumberOfBrokerNodes", "1 to 60"),
    ];
    for (request, parameter, words) in cases {
        let error = service.call(Method::PUT, &path, request).await.unwrap_err();
        let (message, named) = bad_request(&error);
        assert_eq!(named, parameter, "{message}");
        assert!(message.contains(words), "{message}");
    }
    let unknown =
        "arn:aws:kafka:us-east-1:000000000000:cluster/x/0a1b2c3d-0000-4000-8000-000000000001-3";
    let unknown = format!("/v1/clusters/{}", encode(unknown));
    let error = service
        .call(Method::PUT, &format!("{unknown}/nodes/count"), count(json!(6)))
        .await
        .unwrap_err();
    assert_eq!(bad_request(&error).1, "clusterArn");
    let arn = service.configure("fast", "").await;
    let request = json!({"configurationInfo": {"arn": arn, "revision": 1}, "currentVersion": "K"});
    let outcome = service.call(Method::PUT, &format!("{unknown}/configuration"), request).await;
    assert!(matches!(outcome, Err(ApiError::NotFound(_))), "{outcome:?}");
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn an_update_waits_for_the_one_before() {
    let (_dir, service) = api();
    let label = service.create("orders").await;
    let request =
        json!({"currentVersion": version(&service, &label).await, "targetNumberOfBrokerNodes": 6});
    let error = service
        .call(Method::PUT, &format!("/v1/clusters/{label}/nodes/count"), request)
        .await
        .unwrap_err();
    assert!(bad_request(&error).0.contains("CREATING"), "{error}");
}
