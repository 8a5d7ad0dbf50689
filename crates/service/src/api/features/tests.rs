use http::Method;
use serde_json::{Value, json};

use crate::{
    api::tests::bad_request,
    error::ApiError,
    testing::{TestService, encode, store},
};

async fn active() -> (tempfile::TempDir, TestService, String, Value) {
    let (dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    let version = service.wait_for_state(&label, "ACTIVE").await["currentVersion"].take();
    (dir, service, label, version)
}

async fn operation(service: &TestService, started: &Value) -> Value {
    let arn = encode(started["clusterOperationArn"].as_str().unwrap());
    service.get(&format!("/v1/operations/{arn}")).await["clusterOperationInfo"].take()
}

#[tokio::test]
async fn what_is_not_turned_on_is_recorded_and_shown() {
    let (_dir, service, label, version) = active().await;
    let starts = service.brokers.starts();
    let logging = json!({"brokerLogs": {"s3": {"enabled": false, "bucket": "logs"}}});
    let request = json!({
        "currentVersion": version, "enhancedMonitoring": "DEFAULT", "loggingInfo": logging,
    });
    let path = format!("/v1/clusters/{label}/monitoring");
    let started = service.json(Method::PUT, &path, request).await;
    let done = operation(&service, &started).await;
    assert_eq!(
        (&done["operationType"], &done["operationState"]),
        (&json!("UPDATE_MONITORING"), &json!("UPDATE_COMPLETE"))
    );
    assert_eq!(done["sourceClusterInfo"], json!({"enhancedMonitoring": "DEFAULT"}));
    assert_eq!(
        done["targetClusterInfo"],
        json!({"enhancedMonitoring": "DEFAULT", "loggingInfo": logging})
    );
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(info["loggingInfo"], logging);
    assert_ne!(info["currentVersion"], version);

    let open = json!({"unauthenticated": {"enabled": true}});
    let request = json!({
        "currentVersion": info["currentVersion"],
        "clientAuthentication": open,
        "encryptionInfo": {"encryptionInTransit": {"clientBroker": "PLAINTEXT"}},
    });
    let path = format!("/v1/clusters/{label}/security");
    let started = service.json(Method::PATCH, &path, request).await;
    let done = operation(&service, &started).await;
    assert_eq!(done["targetClusterInfo"], json!({"clientAuthentication": open}));
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!((&info["clientAuthentication"], &info["loggingInfo"]), (&open, &logging));
    assert_eq!(service.brokers.starts(), starts, "no broker is restarted");
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn what_this_release_does_not_have_is_refused_by_its_member() {
    let (_dir, service, label, version) = active().await;
    let exporter = json!({"prometheus": {"jmxExporter": {"enabledInBroker": true}}});
    let logs = json!({"brokerLogs": {"cloudWatchLogs": {"enabled": true, "logGroup": "x"}}});
    let in_transit = |member: &str, value: Value| json!({"encryptionInTransit": {member: value}});
    let monitoring = [
        (json!({}), ""),
        (json!({"enhancedMonitoring": "PER_BROKER"}), "enhancedMonitoring"),
        (json!({"enhancedMonitoring": "ALL"}), "enhancedMonitoring"),
        (
            json!({"openMonitoring": exporter}),
            "openMonitoring.prometheus.jmxExporter.enabledInBroker",
        ),
        (json!({"loggingInfo": logs}), "loggingInfo.brokerLogs.cloudWatchLogs.enabled"),
    ];
    let security = [
        (json!({}), ""),
        (
            json!({"clientAuthentication": {"sasl": {"iam": {"enabled": true}}}}),
            "clientAuthentication.sasl.iam",
        ),
        (
            json!({"encryptionInfo": in_transit("clientBroker", json!("TLS"))}),
            "encryptionInfo.encryptionInTransit.clientBroker",
        ),
        (
            json!({"encryptionInfo": in_transit("inCluster", json!(true))}),
            "encryptionInfo.encryptionInTransit.inCluster",
        ),
        (
            json!({"encryptionInfo": {"encryptionAtRest": {"dataVolumeKMSKeyId": "k"}}}),
            "encryptionInfo.encryptionAtRest",
        ),
    ];
    let monitoring = monitoring.map(|case| (Method::PUT, "monitoring", case));
    let security = security.map(|case| (Method::PATCH, "security", case));
    for (method, path, (mut request, member)) in monitoring.into_iter().chain(security) {
        request["currentVersion"] = version.clone();
        let path = format!("/v1/clusters/{label}/{path}");
        let error = service.call(method, &path, request).await.unwrap_err();
        assert_eq!(bad_request(&error).1, member, "{error}");
    }
    let stale = json!({"currentVersion": "KX", "enhancedMonitoring": "DEFAULT"});
    let path = format!("/v1/clusters/{label}/monitoring");
    let error = service.call(Method::PUT, &path, stale).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "currentVersion");
    let unchanged = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(unchanged["currentVersion"], version);

    // UpdateMonitoring declares no NotFoundException.
    let gone = label.replace("orders", "others");
    let request = json!({"currentVersion": version, "enhancedMonitoring": "DEFAULT"});
    let path = format!("/v1/clusters/{gone}/monitoring");
    let error = service.call(Method::PUT, &path, request).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "clusterArn");
    let request = json!({"currentVersion": version, "clientAuthentication": {}});
    let path = format!("/v1/clusters/{gone}/security");
    let outcome = service.call(Method::PATCH, &path, request).await;
    assert!(matches!(outcome, Err(ApiError::NotFound(_))), "{outcome:?}");
    service.runtime.shutdown().await;
}
