use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use milena_runtime::Runtime;
use serde_json::{Value, json};

use crate::{
    api::tests::{api, bad_request, members},
    error::ApiError,
    testing::{TestService, create_request, encode, store},
};

fn request(name: &str, properties: &str) -> Value {
    json!({"name": name, "serverProperties": STANDARD.encode(properties)})
}

#[tokio::test]
async fn a_configuration_has_revisions_that_never_change() {
    let (_dir, service) = api();
    let mut asked = request("fast", "num.io.threads = 9\n");
    asked["description"] = json!("more threads");
    asked["kafkaVersions"] = json!(["3.8.x", "3.9.x.kraft"]);
    let created = service.json(Method::POST, "/v1/configurations", asked).await;
    assert_eq!(members(&created), ["arn", "creationTime", "latestRevision", "name", "state"]);
    let arn = created["arn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:kafka:us-east-1:000000000000:configuration/fast/"), "{arn}");
    assert_eq!(
        (&created["state"], &created["latestRevision"]["revision"]),
        (&json!("ACTIVE"), &json!(1))
    );
    let path = format!("/v1/configurations/{}", encode(arn));
    let update =
        json!({"serverProperties": STANDARD.encode("# none\n"), "description": "as before"});
    let updated = service.json(Method::PUT, &path, update).await;
    assert_eq!(
        (members(&updated), &updated["latestRevision"]["revision"]),
        (vec!["arn", "latestRevision"], &json!(2))
    );
    let described = service.get(&path).await;
    let expected = json!({
        "arn": arn,
        "creationTime": created["creationTime"],
        "description": "more threads",
        "kafkaVersions": ["3.8.x", "3.9.x.kraft"],
        "latestRevision": updated["latestRevision"],
        "name": "fast",
        "state": "ACTIVE",
    });
    assert_eq!(described, expected);
    assert_eq!(service.get("/v1/configurations").await, json!({"configurations": [expected]}));
    let first = service.get(&format!("{path}/revisions/1")).await;
    assert_eq!(first["serverProperties"], STANDARD.encode("num.io.threads = 9\n"));
    assert_eq!((&first["revision"], &first["description"]), (&json!(1), &json!("more threads")));
    let page = service.get(&format!("{path}/revisions?maxResults=1")).await;
    let token = page["nextToken"].as_str().unwrap();
    let rest = service.get(&format!("{path}/revisions?nextToken={token}")).await;
    assert_eq!(
        (&page["revisions"][0]["revision"], &rest["revisions"][0]["revision"]),
        (&json!(1), &json!(2))
    );
    let gone = service.json(Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone, json!({"arn": arn, "state": "DELETING"}));
    for path in [path.clone(), format!("{path}/revisions"), format!("{path}/revisions/1")] {
        let error = service.call(Method::GET, &path, Value::Null).await.unwrap_err();
        // Terraform goes by these words.
        let (message, parameter) = bad_request(&error);
        assert!(message.contains("Configuration ARN does not exist"), "{path}: {message}");
        assert_eq!(parameter, "arn", "{path}");
    }
    let error = service.call(Method::DELETE, &path, Value::Null).await.unwrap_err();
    assert!(bad_request(&error).0.contains("Configuration ARN does not exist"), "{error}");
    service.configure("fast", "").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_named() {
    let (_dir, service) = api();
    service.configure("taken", "").await;
    let with = |member: &'static str, value: Value| {
        let mut asked = request("fast", "num.io.threads=1");
        asked[member] = value;
        asked
    };
    let blob = |text: &str| with("serverProperties", json!(STANDARD.encode(text)));
    let cases = [
        (with("name", Value::Null), "name", "required"),
        (with("name", json!("-x")), "name", "letters"),
        (with("description", json!("x".repeat(1025))), "description", "1024"),
        (with("kafkaVersions", json!(["3.9.x", "1.0"])), "kafkaVersions", "'1.0'"),
        (with("serverProperties", Value::Null), "serverProperties", "required"),
        (with("serverProperties", json!("%")), "serverProperties", "Base64"),
        (blob("a=\\u12"), "serverProperties", "line 1"),
        (
            blob("broker.id=1\nlisteners=x"),
            "serverProperties",
            "broker.id cannot be set by a configuration: remove it; listeners",
        ),
        (blob(&"#".repeat((64 << 10) + 1)), "serverProperties", "65536"),
    ];
    for (asked, parameter, words) in cases {
        let error = service.call(Method::POST, "/v1/configurations", asked).await.unwrap_err();
        let (message, named) = bad_request(&error);
        assert_eq!(named, parameter, "{message}");
        assert!(message.contains(words), "{message}");
    }
    let again = service.call(Method::POST, "/v1/configurations", request("taken", "")).await;
    assert!(matches!(again, Err(ApiError::Conflict(_))), "{again:?}");
    // A property that only some releases have is accepted without `kafkaVersions`, and refused for
    // those without it.
    let mut older = request("older", "zookeeper.session.timeout.ms=18000");
    older["kafkaVersions"] = json!(["4.0.x.kraft", "3.9.x"]);
    let error = service.call(Method::POST, "/v1/configurations", older.clone()).await.unwrap_err();
    assert_eq!(bad_request(&error).1, "serverProperties");
    older["kafkaVersions"] = json!([]);
    service.json(Method::POST, "/v1/configurations", older).await;
}

#[tokio::test]
async fn quotas_end_how_many_there_may_be() {
    let (_dir, service) = api();
    let arn = service.configure("c-0", "").await;
    let path = format!("/v1/configurations/{}", encode(&arn));
    for _ in 2..=50 {
        service.json(Method::PUT, &path, json!({"serverProperties": ""})).await;
    }
    let error =
        service.call(Method::PUT, &path, json!({"serverProperties": ""})).await.unwrap_err();
    assert!(bad_request(&error).0.contains("50 revisions"));
    for number in 1..100 {
        service.configure(&format!("c-{number}"), "").await;
    }
    let error =
        service.call(Method::POST, "/v1/configurations", request("more", "")).await.unwrap_err();
    assert!(bad_request(&error).0.contains("100 configurations"));
}

#[tokio::test]
async fn a_cluster_is_made_only_with_a_revision_there_is_and_keeps_it_from_being_deleted() {
    let (_dir, metadata) = store();
    let service = TestService::idle(Runtime::system(), metadata);
    let arn = service.configure("fast", "num.io.threads=9").await;
    let older = service.configure("older", "zookeeper.session.timeout.ms=18000").await;
    let mut other = request("other", "");
    other["kafkaVersions"] = json!(["3.8.x"]);
    let other = service.json(Method::POST, "/v1/configurations", other).await["arn"].take();
    let unknown = arn.replace("fast", "slow");
    let cases = [
        (json!({"revision": 1}), "configurationInfo.arn", "required"),
        (json!({"arn": arn}), "configurationInfo.revision", "required"),
        (json!({"arn": "x", "revision": 1}), "configurationInfo.arn", "not an ARN"),
        (json!({"arn": unknown, "revision": 1}), "configurationInfo.arn", "does not exist"),
        (json!({"arn": arn, "revision": 2}), "configurationInfo", "no revision 2"),
        (json!({"arn": other, "revision": 1}), "configurationInfo.arn", "3.8.x"),
        (json!({"arn": older, "revision": 1}), "configurationInfo", "zookeeper.session.timeout.ms"),
    ];
    let mut asked = create_request("orders");
    asked["kafkaVersion"] = json!("4.0.x.kraft");
    for (info, parameter, words) in cases {
        asked["configurationInfo"] = info;
        let error = service.call(Method::POST, "/v1/clusters", asked.clone()).await.unwrap_err();
        let (message, named) = bad_request(&error);
        assert_eq!(named, parameter, "{message}");
        assert!(message.contains(words), "{message}");
    }
    asked["configurationInfo"] = json!({"arn": arn, "revision": 1});
    let created = service.json(Method::POST, "/v1/clusters", asked).await;
    let label = encode(created["clusterArn"].as_str().unwrap());
    let info = service.get(&format!("/v1/clusters/{label}")).await["clusterInfo"].take();
    let software =
        json!({"configurationArn": arn, "configurationRevision": 1, "kafkaVersion": "4.0.x.kraft"});
    assert_eq!(info["currentBrokerSoftwareInfo"], software);
    let path = format!("/v1/configurations/{}", encode(&arn));
    let error = service.call(Method::DELETE, &path, Value::Null).await.unwrap_err();
    assert!(bad_request(&error).0.contains("orders"), "{error}");
    service.json(Method::PUT, &path, json!({"serverProperties": ""})).await;
}
