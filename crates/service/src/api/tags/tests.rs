use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    api::tests::{api, bad_request},
    testing::encode,
};

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
async fn a_configuration_has_no_tags_and_says_so() {
    let (_dir, service) = api();
    let arn = service.configure("fast", "").await;
    let path = format!("/v1/tags/{}", encode(&arn));
    for (method, path, body) in [
        (Method::GET, path.clone(), Value::Null),
        (Method::POST, path.clone(), json!({"tags": {"a": "1"}})),
        (Method::DELETE, format!("{path}?tagKeys=a"), Value::Null),
    ] {
        let error = service.call(method, &path, body).await.unwrap_err();
        let (message, parameter) = bad_request(&error);
        assert!(parameter == "resourceArn" && message.contains("configuration"), "{message}");
    }
}
