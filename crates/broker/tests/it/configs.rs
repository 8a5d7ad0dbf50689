//! Behaviours 16 to 18 over the wire, and that configurations take effect.

use std::time::Duration;

use milena_broker::BrokerTuning;
use milena_protocol::{
    ErrorCode,
    messages::{
        alter_configs_request::{self, AlterConfigsRequest},
        delete_topics_request::DeleteTopicsRequest,
        describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
        describe_configs_response::DescribeConfigsResponse,
        incremental_alter_configs_request::{
            AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
        },
        incremental_alter_configs_response::IncrementalAlterConfigsResponse,
    },
};

use milena_storage::FlushPolicy;

use crate::{
    cluster::{Cluster, ClusterOptions, eventually},
    wire::{Client, batch, batches_in},
};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

const SET: i8 = 0;
const APPEND: i8 = 2;

fn describe_request(resource_type: i8, name: &str) -> DescribeConfigsRequest {
    let resource = DescribeConfigsResource {
        resource_type,
        resource_name: name.into(),
        configuration_keys: None,
    };
    DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: true,
        include_documentation: true,
    }
}

/// Value and source of one configuration.
fn value(response: &DescribeConfigsResponse, name: &str) -> Option<(Option<String>, i8)> {
    assert_eq!(response.results[0].error_code, 0);
    let config = response.results[0].configs.iter().find(|config| config.name == *name)?;
    Some((config.value.as_ref().map(|v| v.to_string()), config.config_source))
}

async fn alter(
    client: &mut Client,
    resources: &[(i8, &str, &'static str, i8, &str)],
) -> IncrementalAlterConfigsResponse {
    let resource = |(resource_type, resource, name, config_operation, value): &(
        i8,
        &str,
        &'static str,
        i8,
        &str,
    )| {
        let config = AlterableConfig {
            name: (*name).into(),
            config_operation: *config_operation,
            value: Some((*value).into()),
        };
        AlterConfigsResource {
            resource_type: *resource_type,
            resource_name: (*resource).into(),
            configs: vec![config],
        }
    };
    let request = IncrementalAlterConfigsRequest {
        resources: resources.iter().map(resource).collect(),
        validate_only: false,
    };
    client.call(1, &request).await
}

/// Sets one configuration of a topic.
pub async fn set_topic(client: &mut Client, topic: &str, name: &'static str, value: &str) {
    let response = alter(client, &[(2, topic, name, 0, value)]).await;
    assert_eq!(codes(&response), [ErrorCode::None]);
}

fn codes(response: &IncrementalAlterConfigsResponse) -> Vec<ErrorCode> {
    response.responses.iter().map(|answer| ErrorCode::from_code(answer.error_code)).collect()
}

#[tokio::test]
async fn b16_every_version_describes_topics_and_brokers() {
    let kafka_config = [("log.segment.bytes".to_owned(), "2000".to_owned())].into();
    let options = ClusterOptions { brokers: 1, kafka_config, ..ClusterOptions::default() };
    let cluster = Cluster::start_with(options).await;
    cluster.create_topic_with("t", 1, &[("retention.ms", "77")]).await;
    let mut client = cluster.connect(1).await;
    for version in 1..=4 {
        let topic = client.call(version, &describe_request(TOPIC, "t")).await;
        assert_eq!(
            value(&topic, "retention.ms"),
            Some((Some("77".to_owned()), 1)),
            "version {version}"
        );
        assert_eq!(value(&topic, "segment.bytes"), Some((Some("2000".to_owned()), 4)));
        let broker = client.call(version, &describe_request(BROKER, "1")).await;
        assert_eq!(value(&broker, "broker.id"), Some((Some("1".to_owned()), 4)));
        assert_eq!(value(&broker, "broker.rack"), Some((Some("zone-a".to_owned()), 4)));
        assert_eq!(value(&broker, "log.retention.hours"), Some((Some("168".to_owned()), 5)));
    }
    let oldest = client.call(0, &describe_request(TOPIC, "t")).await;
    let is_default = |name: &str| {
        oldest.results[0]
            .configs
            .iter()
            .find(|config| config.name == *name)
            .expect("described")
            .is_default
    };
    assert!(!is_default("retention.ms") && is_default("cleanup.policy"));
    cluster.stop().await;
}

#[tokio::test]
async fn b17_a_topics_configuration_takes_effect() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let records = batch(&["a"]).into_bytes();
    assert_eq!(client.produce(9, "t", 0, records.clone()).await.error_code, 0);

    let changed = alter(&mut client, &[(TOPIC, "t", "max.message.bytes", SET, "10")]).await;
    assert_eq!(codes(&changed), [ErrorCode::None]);
    let described = client.call(4, &describe_request(TOPIC, "t")).await;
    assert_eq!(value(&described, "max.message.bytes"), Some((Some("10".to_owned()), 1)));
    await_refusal(&cluster, &records).await;

    // Replacing everything with something else takes the limit off again.
    let resource = alter_configs_request::AlterConfigsResource {
        resource_type: TOPIC,
        resource_name: "t".into(),
        configs: vec![alter_configs_request::AlterableConfig {
            name: "message.timestamp.type".into(),
            value: Some("LogAppendTime".into()),
        }],
    };
    let replaced = client
        .call(2, &AlterConfigsRequest { resources: vec![resource], validate_only: false })
        .await;
    assert_eq!(replaced.responses[0].error_code, 0);
    eventually("the broker's time is given to records", || async {
        let mut client = cluster.connect(1).await;
        let produced = client.produce(9, "t", 0, records.clone()).await;
        produced.error_code == 0 && produced.log_append_time_ms > 0
    })
    .await;
    let fetched = client.fetch(12, "t", 0, 1).await;
    assert!(batches_in(&fetched).iter().all(|batch| batch.verify_crc().is_ok()));
    cluster.stop().await;
}

/// Kafka 3.2 was the first to refuse it.
#[tokio::test]
async fn of_a_name_given_twice_old_releases_take_the_last() {
    for (version, refused) in [("2.8", false), ("3.9", true)] {
        let cluster = Cluster::of_version(version).await;
        cluster.create_topic("t", 1).await;
        let mut client = cluster.connect(1).await;
        let config = |value: &'static str| alter_configs_request::AlterableConfig {
            name: "retention.ms".into(),
            value: Some(value.into()),
        };
        let resource = alter_configs_request::AlterConfigsResource {
            resource_type: TOPIC,
            resource_name: "t".into(),
            configs: vec![config("1000"), config("2000")],
        };
        let request = AlterConfigsRequest { resources: vec![resource], validate_only: false };
        let response = client.call(1, &request).await;
        let expected = if refused { ErrorCode::InvalidRequest } else { ErrorCode::None };
        assert_eq!(response.responses[0].error_code, expected.code(), "{version}");
        let described = client.call(1, &describe_request(TOPIC, "t")).await;
        let set = value(&described, "retention.ms").and_then(|(value, _)| value);
        assert_eq!(set.as_deref() == Some("2000"), !refused, "{version}: {set:?}");
        cluster.stop().await;
    }
}

#[tokio::test]
async fn b17_what_is_set_for_all_brokers_is_in_force_for_their_topics() {
    let mut cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let records = batch(&["a"]).into_bytes();
    let changed = alter(&mut client, &[(BROKER, "", "message.max.bytes", SET, "10")]).await;
    assert_eq!(codes(&changed), [ErrorCode::None]);
    let described = client.call(4, &describe_request(TOPIC, "t")).await;
    assert_eq!(value(&described, "max.message.bytes"), Some((Some("10".to_owned()), 3)));
    await_refusal(&cluster, &records).await;
    // It is kept.
    cluster.restart_broker(1).await;
    await_refusal(&cluster, &records).await;
    cluster.stop().await;
}

async fn await_refusal(cluster: &Cluster, records: &bytes::Bytes) {
    eventually("larger batches are refused", || async {
        let mut client = cluster.connect(1).await;
        let produced = client.produce(9, "t", 0, records.clone()).await;
        ErrorCode::from_code(produced.error_code) == ErrorCode::MessageTooLarge
    })
    .await;
}

#[tokio::test]
async fn b18_each_entry_is_answered_in_its_place() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let answered = alter(
        &mut client,
        &[
            (TOPIC, "missing", "retention.ms", SET, "1"),
            (TOPIC, "t", "cleanup.policy", APPEND, "compact"),
            (BROKER, "1", "broker.id", SET, "9"),
            (BROKER, "", "no.such", SET, "9"),
            (BROKER, "7", "num.io.threads", SET, "9"),
        ],
    )
    .await;
    let expected = [
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::None,
        ErrorCode::InvalidRequest,
        ErrorCode::None,
        ErrorCode::InvalidRequest,
    ];
    assert_eq!(codes(&answered), expected);
    let names: Vec<_> =
        answered.responses.iter().map(|answer| answer.resource_name.as_str()).collect();
    assert_eq!(names, ["missing", "t", "1", "", "7"]);
    assert!(answered.responses.iter().all(|a| (a.error_code == 0) == a.error_message.is_none()));
    let described = client.call(4, &describe_request(TOPIC, "t")).await;
    assert_eq!(value(&described, "cleanup.policy"), Some((Some("delete,compact".to_owned()), 1)));
    cluster.stop().await;
}

/// A broker with this configuration, whose records are put into segments at once.
async fn with_config(kafka_config: &[(&str, &str)]) -> Cluster {
    let kafka_config =
        kafka_config.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let flush = FlushPolicy { bytes: 1, age: Duration::from_millis(1), ..FlushPolicy::default() };
    let tuning = BrokerTuning { flush, ..BrokerTuning::default() };
    let options = ClusterOptions {
        brokers: 1,
        kafka_config: kafka_config.collect(),
        tuning,
        ..Default::default()
    };
    Cluster::start_with(options).await
}

#[tokio::test]
async fn properties_take_effect() {
    let set = [
        ("delete.topic.enable", "false"),
        ("fetch.max.bytes", "1024"),
        ("log.retention.check.interval.ms", "10"),
        ("log.message.timestamp.before.max.ms", "9223372036854775807"),
    ];
    let cluster = with_config(&set).await;
    cluster.create_topic("t", 1).await;
    cluster.create_topic_with("old", 1, &[("retention.ms", "1")]).await;
    let mut client = cluster.connect(1).await;

    let delete = DeleteTopicsRequest {
        topic_names: vec!["t".into()],
        timeout_ms: 1000,
        ..Default::default()
    };
    let refused = client.call(4, &delete).await;
    assert_eq!(refused.responses[0].error_code, ErrorCode::TopicDeletionDisabled.code());

    // The client would take 1 MiB, and there are 2000 bytes and more.
    let large = "x".repeat(500);
    for _ in 0..4 {
        assert_eq!(client.produce(9, "t", 0, batch(&[&large]).into_bytes()).await.error_code, 0);
    }
    assert_eq!(
        batches_in(&client.fetch(12, "t", 0, 0).await).len(),
        1,
        "what fits into 1024 bytes"
    );

    // Two segments, so that one is old enough and not the newest.
    eventually("old records go without being asked for", || async {
        let mut client = cluster.connect(1).await;
        let old = batch(&["a"]).into_bytes();
        assert_eq!(client.produce(9, "old", 0, old).await.error_code, 0);
        client.fetch(12, "old", 0, 0).await.log_start_offset > 0
    })
    .await;
    cluster.stop().await;
}

#[tokio::test]
async fn connections_are_limited_as_the_configuration_says_at_that_moment() {
    let cluster = Cluster::single().await;
    let mut client = cluster.connect(1).await;
    let changed = alter(&mut client, &[(BROKER, "", "max.connections.per.ip", SET, "1")]).await;
    assert_eq!(codes(&changed), [ErrorCode::None]);
    assert!(cluster.connect(1).await.is_closed_by_broker().await, "one is open");
    let changed = alter(&mut client, &[(BROKER, "1", "max.connections.per.ip", SET, "2")]).await;
    assert_eq!(codes(&changed), [ErrorCode::None], "who is there stays");
    let mut second = cluster.connect(1).await;
    let described = second.call(4, &describe_request(BROKER, "1")).await;
    assert_eq!(value(&described, "max.connections.per.ip"), Some((Some("2".to_owned()), 2)));
    cluster.stop().await;
}
