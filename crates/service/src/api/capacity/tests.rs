use http::Method;
use serde_json::{Value, json};

use crate::{
    api::tests::bad_request,
    testing::{TestService, encode, store},
};

async fn active(service: &TestService) -> (String, Value) {
    let label = service.create("orders").await;
    let info = service.wait_for_state(&label, "ACTIVE").await;
    (label, info)
}

#[expect(clippy::needless_pass_by_value, reason = "made where it is passed")]
fn volumes(entries: Value, version: &Value) -> Value {
    json!({"currentVersion": version, "targetBrokerEBSVolumeInfo": entries})
}

#[tokio::test]
async fn storage_and_type_are_updated_with_an_operation_that_is_complete_at_once() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let (label, info) = active(&service).await;
    let starts = service.brokers.starts();
    let entry = |size| json!([{"kafkaBrokerNodeId": "All", "volumeSizeGB": size}]);
    let request = volumes(entry(250), &info["currentVersion"]);
    let path = format!("/v1/clusters/{label}/nodes/storage");
    let started = service.json(Method::PUT, &path, request).await;
    let arn = encode(started["clusterOperationArn"].as_str().unwrap());
    let done = service.get(&format!("/v1/operations/{arn}")).await["clusterOperationInfo"].take();
    assert_eq!(done["operationType"], "UPDATE_BROKER_STORAGE");
    assert_eq!(done["operationState"], "UPDATE_COMPLETE");
    assert!(done["endTime"].is_string(), "{done}");
    let shown = |size| json!({"brokerEBSVolumeInfo": entry(size)});
    assert_eq!(
        (&done["sourceClusterInfo"], &done["targetClusterInfo"]),
        (&shown(100), &shown(250))
    );

    let after = service.wait_for_state(&label, "ACTIVE").await;
    let size = &after["brokerNodeGroupInfo"]["storageInfo"]["ebsStorageInfo"]["volumeSize"];
    assert_eq!(*size, 250);
    assert_ne!(after["currentVersion"], info["currentVersion"]);
    let request = json!({
        "currentVersion": after["currentVersion"],
        "targetInstanceType": "kafka.m5.xlarge",
    });
    let path = format!("/v1/clusters/{label}/nodes/type");
    let started = service.json(Method::PUT, &path, request).await;
    let arn = encode(started["clusterOperationArn"].as_str().unwrap());
    let done =
        service.get(&format!("/api/v2/operations/{arn}")).await["clusterOperationInfo"].take();
    assert_eq!(done["operationType"], "UPDATE_BROKER_TYPE");
    assert_eq!(
        done["provisioned"]["targetClusterInfo"],
        json!({"instanceType": "kafka.m5.xlarge"})
    );
    let after = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(after["brokerNodeGroupInfo"]["instanceType"], "kafka.m5.xlarge");
    assert_eq!(service.brokers.starts(), starts, "no broker is restarted");
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_size_or_a_type_is_named() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let (label, info) = active(&service).await;
    let version = &info["currentVersion"];
    let of_all = |size: i64| json!([{"kafkaBrokerNodeId": "All", "volumeSizeGB": size}]);
    let throughput = json!([{
        "kafkaBrokerNodeId": "All",
        "volumeSizeGB": 200,
        "provisionedThroughput": {"enabled": true, "volumeThroughput": 250},
    }]);
    let storage = [
        (volumes(json!([]), version), "one entry"),
        (volumes(json!([{"kafkaBrokerNodeId": "1", "volumeSizeGB": 200}]), version), "'All'"),
        (volumes(json!([{"kafkaBrokerNodeId": "All"}]), version), "required"),
        (volumes(of_all(100), version), "only grow"),
        (volumes(of_all(99), version), "only grow"),
        (volumes(of_all(16_385), version), "1 to 16384"),
        (volumes(throughput, version), "provisioned throughput"),
        (volumes(of_all(200), &json!("KX")), "not the current"),
    ];
    let kind = |name: &str| json!({"currentVersion": version, "targetInstanceType": name});
    let mode = |mode: &str| {
        let wanted = "kafka.m5.xlarge";
        json!({"currentVersion": version, "targetInstanceType": wanted, "topicReassignment": mode})
    };
    let types = [
        (kind("kafka.m7g.large"), "already"),
        (kind("kafka.z9.huge"), "kafka.m7g.{large"),
        (kind("express.m7g.large"), "another class"),
        (json!({"currentVersion": version}), "required"),
        (mode("MANUAL"), "topicReassignment is for upgrades"),
        (mode("SOME"), "AUTO or MANUAL"),
    ];
    let cases = storage.into_iter().map(|case| ("storage", case));
    for (path, (request, words)) in cases.chain(types.into_iter().map(|case| ("type", case))) {
        let path = format!("/v1/clusters/{label}/nodes/{path}");
        let error = service.call(Method::PUT, &path, request).await.unwrap_err();
        assert!(bad_request(&error).0.contains(words), "{error}");
    }
    service.runtime.shutdown().await;
}
