use serde_json::json;

use super::*;

#[test]
fn the_names_in_stored_records_stay() {
    let steps = [
        (ReconcileStep::StopFailedBrokers, json!("give-up")),
        (ReconcileStep::Idle, json!("rest")),
        (ReconcileStep::AllocateAddresses, json!("allocate-addresses")),
        (
            ReconcileStep::Reboot { operation: "o".to_owned(), brokers: vec![BrokerId(2)] },
            json!({"reboot": {"operation": "o", "brokers": [2]}}),
        ),
        (
            ReconcileStep::WriteProperties(ConfigUpdate {
                operation: "o".to_owned(),
                target: None,
                kafka_version: None,
                failure: None,
            }),
            json!({"write-properties": {"operation": "o", "target": null, "failure": null}}),
        ),
        (
            ReconcileStep::WriteProperties(ConfigUpdate {
                operation: "o".to_owned(),
                target: None,
                kafka_version: Some(MskVersion::RECOMMENDED),
                failure: None,
            }),
            json!({"write-properties": {
                "operation": "o", "target": null, "kafka_version": "3.9.x.kraft", "failure": null,
            }}),
        ),
        (
            ReconcileStep::Drain(ScaleIn {
                operation: "o".to_owned(),
                failure: Some(FailureReason { code: "C".to_owned(), message: "m".to_owned() }),
            }),
            json!({"drain": {"operation": "o", "failure": {"code": "C", "message": "m"}}}),
        ),
    ];
    for (step, stored) in steps {
        assert_eq!(serde_json::to_value(&step).unwrap(), stored);
        assert_eq!(serde_json::from_value::<ReconcileStep>(stored).unwrap(), step);
    }
    let broker = json!({
        "id": 3,
        "zone": "use1-az1",
        "subnet": "subnet-a",
        "uuid": "0a1b2c3d-0000-4000-8000-000000000001",
        "address": null,
        "standing": "leaving",
        "down": false,
        "added_ms": null,
    });
    let read: ManagedBroker = serde_json::from_value(broker.clone()).unwrap();
    assert_eq!(read.state, NodeState::Leaving);
    assert_eq!(serde_json::to_value(&read).unwrap(), broker);
}
