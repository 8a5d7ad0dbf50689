use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::{
    api::tests::{api, bad_request},
    testing::{TestService, create_request, encode, store},
};

#[test]
fn configs_are_json_or_lines() {
    let expected = BTreeMap::from([("a.b".to_owned(), "1".to_owned())]);
    assert_eq!(decoded_configs(&STANDARD.encode(" {\"a.b\": \"1\"}")).unwrap(), expected);
    assert_eq!(decoded_configs(&STANDARD.encode("a.b=1\n")).unwrap(), expected);
    for text in ["%", &STANDARD.encode("{\"a\": 1}"), &STANDARD.encode([0xff])] {
        assert!(decoded_configs(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_topic_request_is_named() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    let path = format!("/v1/clusters/{label}/topics");
    let topic = |partitions: Value, replicas: Value, configs: Value| {
        json!({
            "topicName": "t",
            "partitionCount": partitions,
            "replicationFactor": replicas,
            "configs": configs,
        })
    };
    let cases = [
        (json!({}), "topicName", "required"),
        (topic(Value::Null, json!(3), Value::Null), "partitionCount", "required"),
        (topic(json!(0), json!(3), Value::Null), "partitionCount", "1 to"),
        (topic(json!(1), Value::Null, Value::Null), "replicationFactor", "required"),
        (topic(json!(1), json!(40000), Value::Null), "replicationFactor", "too large"),
        (topic(json!(1), json!(3), json!("%")), "configs", "Base64"),
        (
            json!({"topicName": "x".repeat(32 << 10), "partitionCount": 1, "replicationFactor": 3}),
            "topicName",
            "249 characters",
        ),
    ];
    for (request, parameter, words) in cases {
        let error = service.call(Method::POST, &path, request).await.unwrap_err();
        let (message, named) = bad_request(&error);
        assert_eq!(named, parameter, "{message}");
        assert!(message.contains(words), "{message}");
    }
    let both = json!({"configs": "e30=", "partitionCount": 3});
    for request in [json!({}), both] {
        let error = service.call(Method::PUT, &format!("{path}/t"), request).await.unwrap_err();
        assert!(bad_request(&error).0.contains("exactly one"), "{error}");
    }
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn clusters_without_topic_operations_say_so_and_unreachable_brokers_too() {
    let (_dir, service) = api();
    let mut old = create_request("old");
    old["kafkaVersion"] = json!("3.5.1");
    let old = service.json(Method::POST, "/v1/clusters", old).await;
    let old = encode(old["clusterArn"].as_str().unwrap());
    let error = service
        .call(Method::GET, &format!("/v1/clusters/{old}/topics"), Value::Null)
        .await
        .unwrap_err();
    assert!(bad_request(&error).0.contains("3.6.0"), "{error}");
    let creating = service.create("creating").await;
    let path = format!("/v1/clusters/{creating}/topics/t");
    let error = service.call(Method::GET, &path, Value::Null).await.unwrap_err();
    assert!(bad_request(&error).0.contains("CREATING"), "{error}");
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    let path = format!("/v1/clusters/{label}/topics");
    let outcome =
        service.call(Method::DELETE, &format!("{path}/t"), Value::Null).await.unwrap_err();
    assert!(matches!(outcome, ApiError::ClusterConnectivity(_)), "{outcome:?}");
    let outcome = service.call(Method::GET, &path, Value::Null).await.unwrap_err();
    assert!(matches!(outcome, ApiError::Unavailable(_)), "{outcome:?}");
    service.runtime.shutdown().await;
}
