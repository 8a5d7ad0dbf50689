use serde_json::json;

use crate::api::tests::api;

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
