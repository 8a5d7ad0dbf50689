use milena_protocol::{
    KString, Message, messages::describe_configs_response::DescribeConfigsResponse,
};

use super::*;

fn describe(view: &ConfigsView<'_>, request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request.resources.iter().map(|resource| describe_one(view, request, resource));
    DescribeConfigsResponse { throttle_time_ms: 0, results: results.collect() }
}
use crate::api::configs::testing::{TestConfigs, configs};

fn describe_request(resources: &[(i8, &str, Option<&[&'static str]>)]) -> DescribeConfigsRequest {
    let resource = |(resource_type, name, keys): &(i8, &str, Option<&[&'static str]>)| {
        DescribeConfigsResource {
            resource_type: *resource_type,
            resource_name: (*name).into(),
            configuration_keys: keys
                .map(|keys| keys.iter().map(|key| KString::from(*key)).collect()),
        }
    };
    let resources = resources.iter().map(resource).collect();
    DescribeConfigsRequest { resources, include_synonyms: true, include_documentation: true }
}

fn find<'a>(result: &'a DescribeConfigsResult, name: &str) -> &'a DescribeConfigsResourceResult {
    result.configs.iter().find(|config| config.name == name).expect("described")
}

#[tokio::test]
async fn b16_values_come_with_source_type_documentation_and_synonyms() {
    let cluster = TestConfigs::new().await;
    let image = cluster.image(None).await;
    let response =
        describe(&cluster.view(&image), &describe_request(&[(2, "orders", None), (4, "1", None)]));
    let (topic, broker) = (&response.results[0], &response.results[1]);
    assert_eq!((topic.error_code, broker.error_code), (0, 0));

    let own = find(topic, "segment.ms");
    assert_eq!((own.value.as_deref(), own.config_source, own.is_default), (Some("5"), 1, false));
    assert_eq!((own.config_type, own.read_only, own.is_sensitive), (5, false, false));
    assert!(own.documentation.as_ref().is_some_and(|text| !text.is_empty()));
    let from_server = find(topic, "segment.bytes");
    assert_eq!((from_server.value.as_deref(), from_server.config_source), (Some("1000"), 4));
    let synonyms: Vec<_> =
        from_server.synonyms.iter().map(|s| (s.name.as_str(), s.source)).collect();
    assert_eq!(synonyms, [("log.segment.bytes", 4), ("log.segment.bytes", 5)]);
    let default = find(topic, "cleanup.policy");
    assert_eq!(
        (default.value.as_deref(), default.config_source, default.is_default),
        (Some("delete"), 5, true)
    );

    let id = find(broker, "broker.id");
    assert_eq!((id.value.as_deref(), id.config_source, id.read_only), (Some("1"), 4, true));
    assert!(!find(broker, "log.retention.ms").read_only);
    let secret = find(broker, "ssl.keystore.password");
    assert_eq!((secret.value.as_deref(), secret.is_sensitive, secret.config_type), (None, true, 9));
    assert!(broker.configs.len() > 100, "a broker has many: {}", broker.configs.len());
}

#[tokio::test]
async fn b16_synonyms_and_documentation_are_left_out_unless_asked_for() {
    let cluster = TestConfigs::new().await;
    let image = cluster.image(None).await;
    let mut request = describe_request(&[(2, "orders", Some(&["segment.bytes"]))]);
    (request.include_synonyms, request.include_documentation) = (false, false);
    let response = describe(&cluster.view(&image), &request);
    let config = find(&response.results[0], "segment.bytes");
    assert!(config.synonyms.is_empty() && config.documentation.is_none());
    assert_eq!(config.config_source, 4);
}

#[tokio::test]
async fn b16_every_version_can_carry_the_answer() {
    let cluster = TestConfigs::new().await;
    let image = cluster.image(None).await;
    let response =
        describe(&cluster.view(&image), &describe_request(&[(2, "orders", None), (4, "1", None)]));
    for version in DescribeConfigsResponse::VERSIONS {
        let mut encoder = milena_protocol::Encoder::new();
        response.encode(&mut encoder, version);
        let mut decoder = milena_protocol::Decoder::new(encoder.into_bytes());
        let read = DescribeConfigsResponse::decode(&mut decoder, version).unwrap();
        let segment_ms = find(&read.results[0], "segment.ms");
        assert_eq!(segment_ms.value.as_deref(), Some("5"));
        if version == 0 {
            assert!(!segment_ms.is_default);
            assert!(find(&read.results[0], "cleanup.policy").is_default);
        } else {
            assert_eq!(segment_ms.config_source, 1);
        }
        assert_eq!(segment_ms.config_type, if version >= 3 { 5 } else { 0 });
    }
}

#[tokio::test]
async fn b18_one_result_per_entry_in_the_order_asked_for() {
    let cluster = TestConfigs::new().await;
    let image = cluster.image(None).await;
    let request = describe_request(&[
        (4, "2", None),
        (2, "orders", Some(&["retention.ms", "no.such"])),
        (2, "missing", None),
        (2, "not a topic", None),
        (2, "orders", Some(&[])),
        (8, "1", None),
        (4, "", None),
        (4, "one", None),
    ]);
    let response = describe(&cluster.view(&image), &request);
    let answers: Vec<_> = response
        .results
        .iter()
        .map(|r| (r.resource_type, r.resource_name.as_str(), r.error_code))
        .collect();
    let codes = [
        (4, "2", ErrorCode::InvalidRequest),
        (2, "orders", ErrorCode::None),
        (2, "missing", ErrorCode::UnknownTopicOrPartition),
        (2, "not a topic", ErrorCode::InvalidTopic),
        (2, "orders", ErrorCode::None),
        (8, "1", ErrorCode::InvalidRequest),
        (4, "", ErrorCode::None),
        (4, "one", ErrorCode::InvalidRequest),
    ];
    assert_eq!(answers, codes.map(|(kind, name, code)| (kind, name, code.code())));
    let names: Vec<_> =
        response.results[1].configs.iter().map(|config| config.name.as_str()).collect();
    assert_eq!(names, ["retention.ms"]);
    assert!(response.results[4].configs.len() > 20, "no names mean all");
    assert!(response.results.iter().all(|r| r.error_code == 0 || r.error_message.is_some()));
}

#[tokio::test]
async fn b16_the_empty_broker_name_means_what_was_set_for_all_brokers() {
    let cluster = TestConfigs::new().await;
    let image = cluster.image(None).await;
    let response = describe(&cluster.view(&image), &describe_request(&[(4, "", None)]));
    assert!(response.results[0].configs.is_empty(), "nothing was set yet");

    let set =
        |configs: &mut milena_kafka_config::Configs| -> Result<(), milena_metadata::MetadataError> {
            *configs = self::configs(&[("log.segment.bytes", "2000")]);
            Ok(())
        };
    let revision = cluster.cluster.metadata.alter_broker_configs(None, set).await.unwrap();
    let image = cluster.image(Some(revision)).await;
    let response = describe(
        &cluster.view(&image),
        &describe_request(&[(4, "", None), (2, "orders", None), (4, "1", None)]),
    );
    let all = &response.results[0].configs;
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].value.as_deref(), all[0].config_source), (Some("2000"), 3));
    for result in &response.results[1..] {
        let name = if result.resource_type == 2 { "segment.bytes" } else { "log.segment.bytes" };
        let config = find(result, name);
        assert_eq!((config.value.as_deref(), config.config_source), (Some("2000"), 3));
    }
}

#[tokio::test]
async fn what_a_client_may_not_see_is_refused() {
    let cluster = TestConfigs::new().await;
    let image = cluster.image(None).await;
    let allows = |operation, resource: Resource<'_>| {
        assert_eq!(operation, Operation::DescribeConfigs);
        matches!(resource, Resource::Topic("orders"))
    };
    let request = describe_request(&[(2, "orders", None), (2, "missing", None), (4, "1", None)]);
    let response = describe(&cluster.view_of(&image, &allows), &request);
    let codes: Vec<_> =
        response.results.iter().map(|r| ErrorCode::from_code(r.error_code)).collect();
    let expected = [
        ErrorCode::None,
        ErrorCode::TopicAuthorizationFailed,
        ErrorCode::ClusterAuthorizationFailed,
    ];
    assert_eq!(codes, expected);
}
