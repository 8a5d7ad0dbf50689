use http::Method;
use milena_runtime::Runtime;
use serde_json::Value;

use crate::{
    error::ApiError,
    testing::{TestService, encode, store},
};

/// An API without reconcilers.
pub(super) fn api() -> (tempfile::TempDir, TestService) {
    let (dir, metadata) = store();
    (dir, TestService::idle(Runtime::system(), metadata))
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
async fn what_is_not_offered_is_refused_by_its_name() {
    let (_dir, service) = api();
    let label = service.create("orders").await;
    for (method, path, name) in [
        (Method::PUT, format!("/v1/clusters/{label}/storage"), "UpdateStorage"),
        (Method::PUT, format!("/v1/clusters/{label}/connectivity"), "UpdateConnectivity"),
        (Method::POST, "/replication/v1/replicators".to_owned(), "CreateReplicator"),
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
