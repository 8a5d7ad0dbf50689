use std::time::Duration;

use http::{Method, StatusCode};
use milena_metadata::{ClusterMetadata, NewBroker};
use milena_runtime::Runtime;
use serde_json::{Value, json};

use crate::{
    error::ApiError,
    testing::{TestService, create_request, encode, store},
};

/// An API that nobody reconciles for.
pub(super) fn api() -> (tempfile::TempDir, TestService) {
    let (dir, metadata) = store();
    (dir, TestService::idle(Runtime::system(), metadata))
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut request = create_request("orders");
    change(&mut request);
    request
}

pub(super) fn bad_request(error: &ApiError) -> (&str, &str) {
    match error {
        ApiError::BadRequest { message, parameter } => {
            (message, parameter.as_deref().unwrap_or_default())
        }
        other => panic!("{other:?} is not a BadRequest"),
    }
}

pub(super) fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_new_cluster_is_described_with_everything_filled_in_and_nothing_null() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let request = with(|r| r["tags"] = json!({"team": "data"}));
    let created = service.json(Method::POST, "/v1/clusters", request).await;
    assert_eq!(
        (&created["clusterName"], &created["state"]),
        (&json!("orders"), &json!("CREATING"))
    );
    assert_eq!(members(&created), ["clusterArn", "clusterName", "state"]);
    let arn = created["clusterArn"].as_str().unwrap().to_owned();
    let info = service.wait_for_state(&encode(&arn), "ACTIVE").await;
    assert!(!info.to_string().contains("null"), "{info}");
    let version = info["currentVersion"].as_str().unwrap();
    assert!(version.len() == 14 && version.starts_with('K'), "{version}");
    let expected = json!({
        "brokerNodeGroupInfo": {
            "brokerAZDistribution": "DEFAULT",
            "clientSubnets": ["subnet-a", "subnet-b", "subnet-c"],
            "instanceType": "kafka.m7g.large",
            "storageInfo": {"ebsStorageInfo": {"volumeSize": 100}},
            "connectivityInfo": {"publicAccess": {"type": "DISABLED"}},
            "zoneIds": ["use1-az1", "use1-az2", "use1-az4"],
        },
        "clusterArn": arn,
        "clusterName": "orders",
        "creationTime": info["creationTime"],
        "currentBrokerSoftwareInfo": {"kafkaVersion": "3.9.x.kraft"},
        "currentVersion": version,
        "encryptionInfo": {
            "encryptionAtRest": {"dataVolumeKMSKeyId": "arn:aws:kms:us-east-1:000000000000:alias/aws/kafka"},
            "encryptionInTransit": {"clientBroker": "PLAINTEXT", "inCluster": true},
        },
        "enhancedMonitoring": "DEFAULT",
        "openMonitoring": {"prometheus": {
            "jmxExporter": {"enabledInBroker": false},
            "nodeExporter": {"enabledInBroker": false},
        }},
        "numberOfBrokerNodes": 3,
        "state": "ACTIVE",
        "tags": {"team": "data"},
        "storageMode": "LOCAL",
        "customerActionStatus": "NONE",
    });
    assert_eq!(info, expected);
    let v2 = service.get(&format!("/api/v2/clusters/{}", encode(&arn))).await["clusterInfo"].take();
    let head = [
        "clusterArn",
        "clusterName",
        "clusterType",
        "creationTime",
        "currentVersion",
        "provisioned",
        "state",
        "tags",
    ];
    assert_eq!(members(&v2), head);
    for block in [
        "brokerNodeGroupInfo",
        "encryptionInfo",
        "currentBrokerSoftwareInfo",
        "numberOfBrokerNodes",
    ] {
        assert_eq!(v2["provisioned"][block], expected[block]);
    }
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn bootstrap_brokers_and_nodes_are_told_once_the_cluster_is_active() {
    let (_dir, metadata) = store();
    let idle = TestService::idle(Runtime::system(), metadata.clone());
    let label = idle.create("orders").await;
    let early = idle
        .call(Method::GET, &format!("/v1/clusters/{label}/bootstrap-brokers"), Value::Null)
        .await;
    assert!(matches!(early, Err(ApiError::Conflict(_))), "{early:?}");
    assert_eq!(idle.get(&format!("/v1/clusters/{label}/nodes")).await, json!({"nodeInfoList": []}));
    let service = TestService::begin(metadata);
    service.wait_for_state(&label, "ACTIVE").await;
    let strings = service.get(&format!("/v1/clusters/{label}/bootstrap-brokers")).await;
    assert_eq!(members(&strings), ["bootstrapBrokerString"]);
    let endpoints: Vec<&str> =
        strings["bootstrapBrokerString"].as_str().unwrap().split(',').collect();
    assert!(
        endpoints.len() == 3 && endpoints.iter().all(|e| e.starts_with("kafka.example:4")),
        "{endpoints:?}"
    );
    let first = service.get(&format!("/v1/clusters/{label}/nodes?maxResults=2")).await;
    let token = first["nextToken"].as_str().unwrap();
    let rest =
        service.get(&format!("/v1/clusters/{label}/nodes?maxResults=2&nextToken={token}")).await;
    assert_eq!(
        (
            first["nodeInfoList"].as_array().unwrap().len(),
            rest["nodeInfoList"].as_array().unwrap().len()
        ),
        (2, 1)
    );
    let node = &rest["nodeInfoList"][0];
    // The number is a JSON double, as MSK writes it.
    assert_eq!(node["brokerNodeInfo"]["brokerId"].to_string(), "3.0");
    assert_eq!(node["brokerNodeInfo"]["clientSubnet"], "subnet-c");
    assert_eq!(node["brokerNodeInfo"]["endpoints"], json!(["kafka.example"]));
    assert_eq!((&node["nodeType"], &node["instanceType"]), (&json!("BROKER"), &json!("m7g.large")));
    assert!(node["nodeARN"].as_str().unwrap().contains(":broker/orders/"));
    assert!(node["brokerNodeInfo"]["attachedENIId"].as_str().unwrap().starts_with("eni-"));
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named_with_its_member() {
    let (_dir, service) = api();
    let group = |member: &'static str, value: Value| {
        with(move |r| r["brokerNodeGroupInfo"][member] = value)
    };
    let top = |member: &'static str, value: Value| with(move |r| r[member] = value);
    let cases = [
        (top("clusterName", Value::Null), "clusterName", "required"),
        (top("clusterName", json!("a b")), "clusterName", "letters"),
        (top("clusterName", json!("x".repeat(65))), "clusterName", "64"),
        (top("kafkaVersion", json!("1.2.3")), "kafkaVersion", "3.9.x.kraft"),
        (top("numberOfBrokerNodes", json!(4)), "numberOfBrokerNodes", "multiple of the 3"),
        (top("numberOfBrokerNodes", json!(0)), "numberOfBrokerNodes", "1 to 60"),
        (top("numberOfBrokerNodes", json!("3")), "numberOfBrokerNodes", "invalid type"),
        (top("brokerNodeGroupInfo", Value::Null), "brokerNodeGroupInfo", "required"),
        (
            group("clientSubnets", json!(["subnet-a"])),
            "brokerNodeGroupInfo.clientSubnets",
            "2 or 3",
        ),
        (
            group("clientSubnets", json!(["subnet-a", 5])),
            "brokerNodeGroupInfo.clientSubnets[1]",
            "invalid type",
        ),
        (
            group("clientSubnets", json!(["subnet-a", "subnet-a"])),
            "brokerNodeGroupInfo.clientSubnets",
            "twice",
        ),
        (
            group("clientSubnets", json!(["subnet-a", "b"])),
            "brokerNodeGroupInfo.clientSubnets",
            "subnet id",
        ),
        (
            group("instanceType", json!("m5.large")),
            "brokerNodeGroupInfo.instanceType",
            "kafka.m7g.large",
        ),
        (
            group("storageInfo", json!({"ebsStorageInfo": {"volumeSize": 20000}})),
            "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize",
            "16384",
        ),
        (
            group("connectivityInfo", json!({"publicAccess": {"type": "SERVICE_PROVIDED_EIPS"}})),
            "brokerNodeGroupInfo.connectivityInfo.publicAccess.type",
            "DISABLED",
        ),
        (
            top("encryptionInfo", json!({"encryptionInTransit": {"clientBroker": "TLS"}})),
            "encryptionInfo.encryptionInTransit.clientBroker",
            "set it to PLAINTEXT",
        ),
        (
            top("clientAuthentication", json!({"sasl": {"iam": {"enabled": true}}})),
            "clientAuthentication.sasl.iam",
            "not offered in this release",
        ),
        (top("configurationInfo", json!({"revision": 1})), "configurationInfo.arn", "required"),
        (top("storageMode", json!("TIERED")), "storageMode", "not offered"),
        (top("enhancedMonitoring", json!("SOME")), "enhancedMonitoring", "PER_BROKER"),
        (top("openMonitoring", json!({})), "openMonitoring.prometheus", "required"),
        (
            top("loggingInfo", json!({"brokerLogs": {"s3": {}}})),
            "loggingInfo.brokerLogs.s3.enabled",
            "required",
        ),
        (top("rebalancing", json!({"status": "ACTIVE"})), "rebalancing", "Express"),
        (top("tags", json!({"aws:x": "y"})), "tags", "reserved"),
    ];
    for (request, parameter, words) in cases {
        let error = service.call(Method::POST, "/v1/clusters", request).await.unwrap_err();
        let (message, named) = bad_request(&error);
        assert_eq!(named, parameter, "{message}");
        assert!(message.contains(words) && message.contains(parameter), "{message}");
    }
    assert_eq!(service.get("/v1/clusters").await, json!({"clusterInfoList": []}));
}

#[tokio::test]
async fn v2_nests_what_is_provisioned_and_refuses_serverless() {
    let (_dir, service) = api();
    let mut block = create_request("");
    block.as_object_mut().unwrap().remove("clusterName");
    let request = json!({"clusterName": "orders", "provisioned": block});
    let created = service.json(Method::POST, "/api/v2/clusters", request).await;
    assert_eq!(created["clusterType"], "PROVISIONED");
    block["numberOfBrokerNodes"] = json!(5);
    let wrong = json!({"clusterName": "x", "provisioned": block});
    let error = service.call(Method::POST, "/api/v2/clusters", wrong).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "provisioned.numberOfBrokerNodes");
    let serverless = json!({"clusterName": "x", "serverless": {"vpcConfigs": []}});
    let error = service.call(Method::POST, "/api/v2/clusters", serverless).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "serverless");
    let neither = service
        .call(Method::POST, "/api/v2/clusters", json!({"clusterName": "x"}))
        .await
        .unwrap_err();
    assert!(bad_request(&neither).0.contains("exactly one"));
    let list = service.get("/api/v2/clusters?clusterTypeFilter=SERVERLESS").await;
    assert_eq!(list, json!({"clusterInfoList": []}));
}

#[tokio::test]
async fn a_name_is_taken_until_its_cluster_is_gone() {
    let (_dir, service) = api();
    service.create("orders").await;
    let again = service.call(Method::POST, "/v1/clusters", create_request("orders")).await;
    assert!(matches!(again, Err(ApiError::Conflict(_))), "{again:?}");
}

#[tokio::test]
async fn two_who_ask_for_one_name_at_once_get_one_cluster() {
    let (_dir, service) = api();
    let ask = || service.call(Method::POST, "/v1/clusters", create_request("orders"));
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    assert_eq!([one, two, three].iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn lists_are_by_name_filtered_by_prefix_and_paged() {
    let (_dir, service) = api();
    for name in ["web-2", "orders", "web-1", "web-3"] {
        service.create(name).await;
    }
    let names = |list: &Value| -> Vec<String> {
        let clusters = list["clusterInfoList"].as_array().unwrap();
        clusters.iter().map(|cluster| cluster["clusterName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&service.get("/v1/clusters").await), ["orders", "web-1", "web-2", "web-3"]);
    let first = service.get("/api/v2/clusters?clusterNameFilter=web&maxResults=2").await;
    assert_eq!(names(&first), ["web-1", "web-2"]);
    let token = first["nextToken"].as_str().unwrap();
    let path = format!("/api/v2/clusters?clusterNameFilter=web&maxResults=2&nextToken={token}");
    let last = service.get(&path).await;
    assert_eq!((names(&last), last.get("nextToken")), (vec!["web-3".to_owned()], None));
    for path in [
        "/v1/clusters?nextToken=x",
        &format!("/v1/clusters?nextToken={token}"),
        "/v1/clusters?maxResults=101",
    ] {
        let error = service.call(Method::GET, path, Value::Null).await.unwrap_err();
        bad_request(&error);
    }
}

#[tokio::test]
async fn a_cluster_is_deleted_only_at_its_current_version_and_in_a_fit_state() {
    let (_dir, metadata) = store();
    let idle = TestService::idle(Runtime::system(), metadata.clone());
    let label = idle.create("orders").await;
    let path = format!("/v1/clusters/{label}");
    let error = idle.call(Method::DELETE, &path, Value::Null).await.unwrap_err();
    assert!(bad_request(&error).0.contains("CREATING"));
    let service = TestService::begin(metadata);
    let info = service.wait_for_state(&label, "ACTIVE").await;
    let stale = format!("{path}?currentVersion=K3AEGXETSR30VB");
    let error = service.call(Method::DELETE, &stale, Value::Null).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "currentVersion");
    let current = format!("{path}?currentVersion={}", info["currentVersion"].as_str().unwrap());
    let deleted = service.json(Method::DELETE, &current, Value::Null).await;
    assert_eq!(deleted["state"], "DELETING");
    service.wait_until_gone(&label).await;
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn unknown_clusters_answer_as_each_operation_declares() {
    let (_dir, service) = api();
    let unknown = encode(
        "arn:aws:kafka:us-east-1:000000000000:cluster/x/0a1b2c3d-0000-4000-8000-000000000001-3",
    );
    for path in ["", "/nodes"] {
        let outcome =
            service.call(Method::GET, &format!("/v1/clusters/{unknown}{path}"), Value::Null).await;
        assert!(matches!(outcome, Err(ApiError::NotFound(_))), "{path}");
    }
    for path in ["/bootstrap-brokers", "/operations"] {
        let error = service
            .call(Method::GET, &format!("/v1/clusters/{unknown}{path}"), Value::Null)
            .await
            .unwrap_err();
        assert_eq!(bad_request(&error).1, "clusterArn", "{path}");
    }
    let error = service.call(Method::GET, "/v1/clusters/orders", Value::Null).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "clusterArn");
    // A cluster of another region or name is another cluster.
    let label = service.create("orders").await;
    let other = label.replace("us%2Deast%2D1", "eu%2Dwest%2D1");
    assert_ne!(other, label);
    let outcome = service.call(Method::GET, &format!("/v1/clusters/{other}"), Value::Null).await;
    assert!(matches!(outcome, Err(ApiError::NotFound(_))));
}

#[tokio::test]
async fn tags_are_added_replaced_and_removed_without_a_new_version() {
    let (_dir, service) = api();
    let label = service.create("orders").await;
    let path = format!("/v1/tags/{label}");
    let version =
        service.get(&format!("/v1/clusters/{label}")).await["clusterInfo"]["currentVersion"].take();
    let answer =
        service.call(Method::POST, &path, json!({"tags": {"a b": "1", "c": "2"}})).await.unwrap();
    assert_eq!((answer.status, answer.body), (StatusCode::NO_CONTENT, None));
    service.call(Method::POST, &path, json!({"tags": {"c": "3", "d": "4"}})).await.unwrap();
    assert_eq!(service.get(&path).await, json!({"tags": {"a b": "1", "c": "3", "d": "4"}}));
    service
        .call(Method::DELETE, &format!("{path}?tagKeys=a%20b&tagKeys=d&tagKeys=x"), Value::Null)
        .await
        .unwrap();
    assert_eq!(service.get(&path).await, json!({"tags": {"c": "3"}}));
    assert_eq!(
        service.get(&format!("/v1/clusters/{label}")).await["clusterInfo"]["currentVersion"],
        version
    );
    let error = service.call(Method::DELETE, &path, Value::Null).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "tagKeys");
    let many: serde_json::Map<String, Value> =
        (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
    let error = service.call(Method::POST, &path, json!({"tags": many})).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "tags");
}

#[tokio::test]
async fn a_reboot_is_recorded_as_an_operation_of_both_shapes() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    let path = format!("/v1/clusters/{label}/reboot-broker");
    let error = service.call(Method::PUT, &path, json!({"brokerIds": ["9"]})).await.unwrap_err();
    assert!(bad_request(&error).0.contains("1, 2, 3"));
    let started = service.json(Method::PUT, &path, json!({"brokerIds": ["2"]})).await;
    let arn = started["clusterOperationArn"].as_str().unwrap();
    service.wait_for_state(&label, "ACTIVE").await;
    let v1 = service.get(&format!("/v1/operations/{}", encode(arn))).await["clusterOperationInfo"]
        .take();
    let expected = json!({
        "clientRequestId": "0a1b2c3d",
        "clusterArn": started["clusterArn"],
        "creationTime": v1["creationTime"],
        "endTime": v1["endTime"],
        "operationArn": arn,
        "operationState": "REBOOT_COMPLETE",
        "operationSteps": [{"stepInfo": {"stepStatus": "COMPLETED"}, "stepName": "REBOOT_NODE"}],
        "operationType": "REBOOT_NODE",
        "sourceClusterInfo": {},
        "targetClusterInfo": {},
    });
    assert_eq!(v1, expected);
    let v2 =
        service.get(&format!("/api/v2/operations/{}", encode(arn))).await["clusterOperationInfo"]
            .take();
    assert_eq!(v2["provisioned"]["operationSteps"], expected["operationSteps"]);
    assert_eq!(v2["startTime"], v1["creationTime"]);
    let second = service.json(Method::PUT, &path, json!({"brokerIds": ["1"]})).await;
    service.wait_for_state(&label, "ACTIVE").await;
    for version in ["v1", "api/v2"] {
        let list =
            service.get(&format!("/{version}/clusters/{label}/operations?maxResults=1")).await;
        let newest = &list["clusterOperationInfoList"][0];
        assert_eq!(newest["operationArn"], second["clusterOperationArn"]);
        assert!(list["nextToken"].is_string());
    }
    let unknown = encode(&format!("{}x", &arn[..arn.len() - 1]));
    let outcome =
        service.call(Method::GET, &format!("/v1/operations/{unknown}"), Value::Null).await;
    assert!(matches!(outcome, Err(ApiError::NotFound(_))));
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn versions_are_listed_with_what_they_lead_to() {
    let (_dir, service) = api();
    let list = service.get("/v1/kafka-versions").await;
    let versions = list["kafkaVersions"].as_array().unwrap();
    assert!(versions.contains(&json!({"version": "4.1.x.kraft", "status": "ACTIVE"})), "{list}");
    assert!(versions.contains(&json!({"version": "2.8.1", "status": "DEPRECATED"})), "{list}");
    let label = service.create("orders").await;
    let row = service.get(&format!("/v1/compatible-kafka-versions?clusterArn={label}")).await;
    let expected =
        json!([{"sourceVersion": "3.9.x.kraft", "targetVersions": ["4.0.x.kraft", "4.1.x.kraft"]}]);
    assert_eq!(row["compatibleKafkaVersions"], expected);
    let all = service.get("/v1/compatible-kafka-versions").await;
    assert_eq!(all["compatibleKafkaVersions"].as_array().unwrap().len(), versions.len());
}

#[tokio::test]
async fn what_is_not_offered_is_refused_by_its_name() {
    let (_dir, service) = api();
    let label = service.create("orders").await;
    for (method, path, name) in [
        (Method::PUT, format!("/v1/clusters/{label}/nodes/storage"), "UpdateBrokerStorage"),
        (Method::PATCH, format!("/v1/clusters/{label}/security"), "UpdateSecurity"),
        (Method::GET, "/replication/v1/replicators".to_owned(), "ListReplicators"),
    ] {
        let error = service.call(method, &path, Value::Null).await.unwrap_err();
        assert!(bad_request(&error).0.starts_with(name), "{error}");
    }
}

#[tokio::test]
async fn a_broken_body_is_refused_with_its_place() {
    let (_dir, service) = api();
    let deep = "[".repeat(10_000);
    for (body, words) in [
        ("", "line 1 column 0"),
        ("{\"clusterName\": \"x\",", "line 1 column 20"),
        ("{} {}", "goes on"),
        ("[]", "expected"),
        (deep.as_str(), "expected"),
        ("{\"clusterName\": 5}", "clusterName"),
        ("{\"clusterName\": \"\u{0}\"}", "control character"),
    ] {
        let error = service.call_raw(Method::POST, "/v1/clusters", body).await.unwrap_err();
        let (message, _) = bad_request(&error);
        assert!(message.contains(words), "{message}");
    }
}

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
    let order = service.brokers.running.lock().unwrap()[&(cluster, broker)].clone();
    assert_eq!(order.lost_log_accepted, Some(life_of_broker.epoch));
    service.runtime.shutdown().await;
}
