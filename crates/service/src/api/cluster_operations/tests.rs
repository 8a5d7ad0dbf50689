use http::Method;
use serde_json::{Value, json};

use crate::{
    api::tests::bad_request,
    error::ApiError,
    testing::{TestService, encode, store},
};

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
