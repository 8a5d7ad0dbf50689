use http::Method;
use milena_runtime::Runtime;
use serde_json::{Value, json};

use crate::{
    api::tests::members,
    error::ApiError,
    testing::{TestService, store},
};

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
