use std::sync::Arc;

use http::Method;
use milena_runtime::Runtime;
use milena_store::{FaultyStore, MemoryStore, Txn};
use serde_json::{Value, json};

use crate::{
    api::tests::{api, bad_request, members},
    error::ApiError,
    record::{ManagedCluster, ReconcileStep},
    testing::{TestService, create_request, encode, store},
};

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut request = create_request("orders");
    change(&mut request);
    request
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
            "encryptionAtRest": {
                "dataVolumeKMSKeyId": "arn:aws:kms:us-east-1:000000000000:alias/aws/kafka",
            },
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
            "kafka.m7g.{large,",
        ),
        (
            group("instanceType", json!("kafka.z9.huge")),
            "brokerNodeGroupInfo.instanceType",
            "not an instance type",
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
        // As AWS's documentation asks for mutual TLS.
        (
            top("clientAuthentication", json!({"tls": {"certificateAuthorityArnList": ["arn:x"]}})),
            "clientAuthentication.tls",
            "not offered in this release",
        ),
        (
            group("zoneIds", json!(["use1-az1", "use1-az2", "use1-az6"])),
            "brokerNodeGroupInfo.zoneIds",
            "use1-az1, use1-az2, use1-az4",
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
        (
            top(
                "loggingInfo",
                json!({"brokerLogs": {}, "authorizerLogs": {"s3": {"enabled": true}}}),
            ),
            "loggingInfo.authorizerLogs.s3.enabled",
            "delivery of authorizer logs is not offered",
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

/// The store applies the creation and does not say so; before it is asked again, the reconciler has
/// changed the cluster's record.
#[tokio::test]
async fn a_cluster_whose_creation_was_not_confirmed_does_not_conflict_with_itself() {
    let runtime = Runtime::system();
    let metadata = FaultyStore::new(MemoryStore::new(&runtime));
    let service = TestService::idle(runtime, Arc::new(metadata.clone()));
    metadata.lose_responses(1);
    let reconciler = async {
        let uid = loop {
            match service.api.store.cluster_named("orders").await.unwrap() {
                Some(record) => break record.uid,
                None => tokio::task::yield_now().await,
            }
        };
        let next = |record: &mut ManagedCluster| {
            record.step = ReconcileStep::WriteMetadata;
            Ok(((), Txn::new()))
        };
        service.api.store.modify(&uid, next).await.unwrap().unwrap();
    };
    let request = service.call(Method::POST, "/v1/clusters", create_request("orders"));
    let (created, ()) = tokio::join!(request, reconciler);
    created.unwrap();
    let record = service.api.store.cluster_named("orders").await.unwrap().unwrap();
    assert_eq!(record.step, ReconcileStep::WriteMetadata);
}

/// Nothing that a client asks for makes a transaction that the store does not take.
#[tokio::test]
async fn all_that_is_set_for_a_cluster_fits_into_a_transaction() {
    let (_dir, service) = api();
    let groups = |count: usize| {
        let mut request = create_request("orders");
        let group = "x".repeat(1000);
        request["brokerNodeGroupInfo"]["securityGroups"] = json!(vec![group; count]);
        request
    };
    let error = service.call(Method::POST, "/v1/clusters", groups(300)).await.unwrap_err();
    assert!(bad_request(&error).0.contains("more than 262144"), "{error}");
    let created = service.json(Method::POST, "/v1/clusters", groups(250)).await;
    let label = encode(created["clusterArn"].as_str().unwrap());
    let tags: serde_json::Map<String, Value> =
        (0..50).map(|n| (format!("k{n}"), json!("v".repeat(256)))).collect();
    let path = format!("/v1/tags/{label}");
    let error = service.call(Method::POST, &path, json!({ "tags": tags })).await.unwrap_err();
    assert!(bad_request(&error).0.contains("more than 262144"), "{error}");
    service.call(Method::POST, &path, json!({"tags": {"a": "b"}})).await.unwrap();
}

/// The record grows by the deletion, whose state has a longer name.
#[tokio::test]
async fn a_cluster_for_which_no_more_can_be_set_can_be_deleted() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let mut request = create_request("orders");
    request["brokerNodeGroupInfo"]["securityGroups"] = json!(vec!["x".repeat(1000); 250]);
    let created = service.json(Method::POST, "/v1/clusters", request).await;
    let label = encode(created["clusterArn"].as_str().unwrap());
    service.wait_for_state(&label, "ACTIVE").await;
    let path = format!("/v1/tags/{label}");
    let tag = async |name: String, length: usize| {
        let tags = json!({ "tags": { (name): "v".repeat(length) } });
        service.call(Method::POST, &path, tags).await.is_ok()
    };
    let mut tags = 0;
    while tag(tags.to_string(), 256).await {
        tags += 1;
    }
    assert!(tags < 49, "{tags} tags are refused for another reason");
    // To the last byte.
    let mut length = 255;
    while !tag("last".to_owned(), length).await {
        length -= 1;
    }
    service.delete(&label).await;
    service.wait_until_gone(&label).await;
    service.runtime.shutdown().await;
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
