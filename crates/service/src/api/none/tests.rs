use http::Method;
use serde_json::{Value, json};

use crate::{
    api::tests::{api, bad_request},
    error::ApiError,
    testing::encode,
};

#[tokio::test]
async fn lists_of_what_there_is_none_of_are_empty_and_descriptions_find_nothing() {
    let (_dir, service) = api();
    let label = service.create("orders").await;
    let cluster = format!("/v1/clusters/{label}");
    for (path, member) in [
        (format!("{cluster}/scram-secrets"), "secretArnList"),
        (format!("{cluster}/client-vpc-connections"), "clientVpcConnections"),
        (format!("{cluster}/channels"), "channels"),
        (format!("{cluster}/assessments"), "assessments"),
        (format!("{cluster}/topic-reassignments"), "reassignments"),
        ("/v1/vpc-connections".to_owned(), "vpcConnections"),
        ("/replication/v1/replicators?replicatorNameFilter=x".to_owned(), "replicators"),
    ] {
        assert_eq!(service.get(&path).await, json!({ member: [] }), "{path}");
        let separator = if path.contains('?') { '&' } else { '?' };
        let wrong = format!("{path}{separator}maxResults=0");
        let error = service.call(Method::GET, &wrong, Value::Null).await.unwrap_err();
        assert_eq!(bad_request(&error).1, "maxResults", "{path}");
    }
    let arn = encode("arn:aws:kafka:us-east-1:000000000000:replicator/x/y");
    for path in [
        format!("{cluster}/policy"),
        format!("{cluster}/channels/{arn}"),
        format!("{cluster}/assessments/{arn}"),
        format!("{cluster}/assessments/{arn}/findings"),
        format!("{cluster}/topic-reassignments/{arn}"),
        format!("/v1/vpc-connection/{arn}"),
        format!("/replication/v1/replicators/{arn}"),
    ] {
        let outcome = service.call(Method::GET, &path, Value::Null).await;
        assert!(matches!(outcome, Err(ApiError::NotFound(_))), "{path}: {outcome:?}");
    }
}

#[tokio::test]
async fn what_would_belong_to_a_cluster_asks_for_the_cluster() {
    let (_dir, service) = api();
    let unknown = encode(
        "arn:aws:kafka:us-east-1:000000000000:cluster/x/0a1b2c3d-0000-4000-8000-000000000001-3",
    );
    for rest in ["scram-secrets", "channels", "assessments", "topic-reassignments", "policy"] {
        let path = format!("/v1/clusters/{unknown}/{rest}");
        let outcome = service.call(Method::GET, &path, Value::Null).await;
        assert!(matches!(outcome, Err(ApiError::NotFound(_))), "{path}: {outcome:?}");
    }
    // It declares no NotFoundException.
    let path = format!("/v1/clusters/{unknown}/client-vpc-connections");
    let error = service.call(Method::GET, &path, Value::Null).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "clusterArn");
}
