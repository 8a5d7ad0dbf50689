use super::*;
use crate::api::configs::testing::{TestConfigs, configs};

fn set(name: &str, value: &str) -> Alteration {
    Alteration::Apply(vec![(name.to_owned(), AlterOperation::Set(value.to_owned()))])
}

fn entry(resource_type: i8, resource_name: &str, changes: Alteration) -> ResourceAlteration {
    ResourceAlteration {
        resource_type,
        resource_name: resource_name.into(),
        alteration: Ok(changes),
    }
}

struct AlterOutcome {
    codes: Vec<ErrorCode>,
    topic: Configs,
    broker: Option<Configs>,
    cluster: Option<Configs>,
}

async fn alter(
    cluster: &TestConfigs,
    entries: &[ResourceAlteration],
    validate_only: bool,
) -> AlterOutcome {
    let image = cluster.image(None).await;
    let metadata = (!validate_only).then_some(&cluster.cluster.metadata);
    let (results, revision) = alter_all(&cluster.view(&image), metadata, entries, || false).await;
    let image = cluster.image(revision).await;
    AlterOutcome {
        codes: results
            .into_iter()
            .map(|a| a.err().map_or(ErrorCode::None, |error| error.code))
            .collect(),
        topic: image.topic("orders").expect("the topic").configs().as_ref().clone(),
        broker: image.broker_configs(Some(milena_types::BrokerId(1))).map(|c| c.as_ref().clone()),
        cluster: image.broker_configs(None).map(|c| c.as_ref().clone()),
    }
}

#[tokio::test]
async fn b17_alter_configs_replaces_the_whole_set_and_incremental_does_not() {
    let cluster = TestConfigs::new().await;
    let outcome = alter(&cluster, &[entry(2, "orders", set("retention.ms", "7"))], false).await;
    assert_eq!(outcome.codes, [ErrorCode::None]);
    assert_eq!(outcome.topic, configs(&[("retention.ms", "7"), ("segment.ms", "5")]));

    let replace = Alteration::Replace(configs(&[("retention.bytes", "9")]));
    let outcome = alter(&cluster, &[entry(2, "orders", replace)], false).await;
    assert_eq!(outcome.topic, configs(&[("retention.bytes", "9")]));

    let delete = Alteration::Apply(vec![("retention.bytes".to_owned(), AlterOperation::Delete)]);
    assert!(alter(&cluster, &[entry(2, "orders", delete)], false).await.topic.is_empty());
}

#[tokio::test]
async fn nothing_is_altered_once_the_request_is_over() {
    let cluster = TestConfigs::new().await;
    let image = cluster.image(None).await;
    let entries = [
        entry(4, "1", set("num.io.threads", "3")),
        entry(2, "orders", set("retention.ms", "7")),
        entry(2, "orders-2", set("retention.ms", "7")),
    ];
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let is_over = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0;
    let metadata = Some(&cluster.cluster.metadata);
    let (results, revision) = alter_all(&cluster.view(&image), metadata, &entries, is_over).await;
    let codes: Vec<_> =
        results.iter().map(|result| result.as_ref().err().map(|e| e.code)).collect();
    let late = Some(ErrorCode::RequestTimedOut);
    assert_eq!(codes, [None, late, late]);
    let image = cluster.image(revision).await;
    let topic = image.topic("orders").expect("the topic");
    assert!(topic.configs().get("retention.ms").is_none_or(|value| value != "7"));
}

#[tokio::test]
async fn b17_brokers_have_configuration_of_their_own_and_of_all() {
    let cluster = TestConfigs::new().await;
    let entries =
        [entry(4, "1", set("num.io.threads", "3")), entry(4, "", set("message.max.bytes", "1000"))];
    let outcome = alter(&cluster, &entries, false).await;
    assert_eq!(outcome.codes, [ErrorCode::None; 2]);
    assert_eq!(outcome.broker, Some(configs(&[("num.io.threads", "3")])));
    assert_eq!(outcome.cluster, Some(configs(&[("message.max.bytes", "1000")])));
    let image = cluster.image(None).await;
    let config = cluster.view(&image).kafka_config.topic_config(&Configs::new());
    assert_eq!(config.max_message_bytes, 1000, "topics follow what is set for all brokers");
}

#[tokio::test]
async fn b17_validate_only_answers_the_same_and_changes_nothing() {
    let cluster = TestConfigs::new().await;
    let entries = [
        entry(2, "orders", set("retention.ms", "7")),
        entry(4, "1", set("broker.id", "7")),
        entry(4, "", set("num.io.threads", "seven")),
    ];
    let expected = [ErrorCode::None, ErrorCode::InvalidRequest, ErrorCode::InvalidConfig];
    let outcome = alter(&cluster, &entries, true).await;
    assert_eq!(outcome.codes, expected);
    assert_eq!(outcome.topic, configs(&[("segment.ms", "5")]));
    let outcome = alter(&cluster, &entries, false).await;
    assert_eq!(outcome.codes, expected);
    assert_eq!(
        (outcome.broker, outcome.cluster),
        (None, None),
        "a refused alteration changes nothing"
    );
    assert_eq!(outcome.topic, configs(&[("retention.ms", "7"), ("segment.ms", "5")]));
}

#[tokio::test]
async fn b17_a_resource_named_twice_is_an_invalid_request_for_both_entries() {
    let cluster = TestConfigs::new().await;
    let entries = [
        entry(2, "orders", set("retention.ms", "7")),
        entry(4, "1", set("num.io.threads", "3")),
        entry(2, "orders", set("retention.bytes", "7")),
    ];
    let outcome = alter(&cluster, &entries, false).await;
    assert_eq!(
        outcome.codes,
        [ErrorCode::InvalidRequest, ErrorCode::None, ErrorCode::InvalidRequest]
    );
    assert_eq!(outcome.topic, configs(&[("segment.ms", "5")]));
}

#[tokio::test]
async fn b17_each_mistake_has_its_code() {
    let cluster = TestConfigs::new().await;
    let entries = [
        entry(2, "missing", set("retention.ms", "7")),
        entry(2, "not a topic", set("retention.ms", "7")),
        entry(2, "orders", set("retention.ms", "soon")),
        entry(4, "2", set("num.io.threads", "7")),
        entry(16, "metrics", set("interval.ms", "7")),
        entry(2, "", set("retention.ms", "7")),
    ];
    let outcome = alter(&cluster, &entries, false).await;
    let expected = [
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::InvalidTopic,
        ErrorCode::InvalidConfig,
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidRequest,
    ];
    assert_eq!(outcome.codes, expected);
}

#[tokio::test]
async fn resource_types_without_configuration_are_named() {
    let cluster = TestConfigs::new().await;
    let image = cluster.image(None).await;
    for (number, name) in [(8, "BROKER_LOGGER"), (16, "CLIENT_METRICS"), (32, "GROUP"), (5, "5")] {
        let refused = cluster.view(&image).resource(number, "1", Operation::DescribeConfigs);
        let error = refused.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        let text = format!("{error:?}");
        assert!(text.contains(&format!("resource type {name} has no configuration")), "{text}");
    }
}

#[tokio::test]
async fn an_entry_is_changed_whole_or_not_at_all() {
    let cluster = TestConfigs::new().await;
    let changes = Alteration::Apply(vec![
        ("retention.ms".to_owned(), AlterOperation::Set("7".to_owned())),
        ("cleanup.policy".to_owned(), AlterOperation::Set("burn".to_owned())),
    ]);
    let outcome = alter(&cluster, &[entry(2, "orders", changes)], false).await;
    assert_eq!(outcome.codes, [ErrorCode::InvalidConfig]);
    assert_eq!(outcome.topic, configs(&[("segment.ms", "5")]));
}

#[test]
fn b17_doubles_and_nulls_are_invalid_requests() {
    let names = ["a", "b", "a"].map(KString::from);
    assert_eq!(check_distinct(names.iter()).unwrap_err().code, ErrorCode::InvalidRequest);
    assert_eq!(check_distinct(names[1..].iter()), Ok(()));
    assert_eq!(required(&names[0], None).unwrap_err().code, ErrorCode::InvalidRequest);
    assert_eq!(required(&names[0], Some(&names[1])), Ok("b".to_owned()));
}
