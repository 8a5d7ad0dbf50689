//! The catalogue, what is in force, and changes.

use milena_protocol::KafkaVersion;
use milena_records::{Compression, TimestampType};

use crate::{
    AlterOperation, AlterTarget, Catalogue, CleanupPolicy, ConfigEntry, ConfigError, ConfigSource,
    Configs, EffectiveConfig, KafkaConfig, StoredCompression, Update, apply, msk, replace,
};

fn version(text: &str) -> KafkaVersion {
    text.parse().expect("a version")
}

fn configs(pairs: &[(&str, &str)]) -> Configs {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn server(properties: &[(&str, &str)]) -> KafkaConfig {
    KafkaConfig::new(version("3.9"), &configs(properties)).expect("properties")
}

fn synonyms(described: &ConfigEntry<'_>) -> Vec<(String, Option<String>, ConfigSource)> {
    described.synonyms.iter().map(|s| (s.name.clone(), s.value.clone(), s.source)).collect()
}

fn find<'a>(all: Vec<ConfigEntry<'a>>, name: &str) -> ConfigEntry<'a> {
    all.into_iter().find(|d| d.definition.name == name).expect("described")
}

#[test]
fn every_default_keeps_to_its_own_rule_in_every_release() {
    for release in ["2.8", "3.3", "3.6", "3.9", "4.0", "4.2"] {
        let catalogue = Catalogue::new(version(release));
        for definition in catalogue.topics().chain(catalogue.brokers()) {
            if let Some(default) = definition.default {
                assert_eq!(
                    definition.check(default).as_deref(),
                    Ok(default),
                    "{}",
                    definition.name
                );
            }
            assert!(definition.doc.ends_with('.'), "{} has documentation", definition.name);
        }
        for definition in catalogue.topics() {
            let Some(server) = definition.server_default else { continue };
            let server = catalogue.broker(server.name).expect("the broker has it too");
            assert_eq!(server.kind, definition.kind, "{}", server.name);
            assert_eq!(server.update, Update::ClusterWide);
        }
    }
}

#[test]
fn releases_have_their_own_names_and_defaults() {
    let has = |release, name| Catalogue::new(version(release)).topic(name).is_some();
    assert!(has("2.8", "message.format.version") && !has("4.0", "message.format.version"));
    assert!(
        !has("3.5", "message.timestamp.after.max.ms")
            && has("3.6", "message.timestamp.after.max.ms")
    );
    assert!(!has("3.7", "compression.zstd.level") && has("3.8", "compression.zstd.level"));
    let after = |release| {
        Catalogue::new(version(release))
            .topic("message.timestamp.after.max.ms")
            .and_then(|d| d.default)
    };
    assert_eq!(after("3.9"), Some("9223372036854775807"));
    assert_eq!(after("4.0"), Some("3600000"));
}

#[test]
fn all_that_msk_lets_customers_set_is_known() {
    let catalogue = Catalogue::new(version("3.9"));
    for name in msk::CONFIGURABLE {
        assert!(catalogue.broker(name).is_some(), "{name}");
    }
    for zones in [2, 3] {
        let server = KafkaConfig::new(version("4.1"), &msk::default_properties(zones))
            .expect("MSK's defaults");
        assert_eq!(
            server.at_start().broker_value("min.insync.replicas"),
            Some((zones - 1).to_string())
        );
        assert!(!server.at_start().auto_create_topics_enable());
        for name in msk::default_properties(zones).keys() {
            assert!(server.catalogue().broker(name).is_some(), "{name}");
        }
    }
}

#[test]
fn values_are_checked_as_kafka_checks_them() {
    let catalogue = Catalogue::new(version("3.9"));
    let read = |name: &str, value: &str| catalogue.topic(name).expect("known").check(value).ok();
    assert_eq!(read("retention.ms", " 100 "), Some("100".to_owned()));
    assert_eq!(read("retention.ms", "-1"), Some("-1".to_owned()));
    assert_eq!(read("retention.ms", "-2"), None);
    assert_eq!(read("retention.ms", "1.5"), None);
    assert_eq!(read("retention.ms", ""), None);
    assert_eq!(read("segment.bytes", "4294967296"), None, "larger than 32 bits");
    assert_eq!(read("segment.bytes", "13"), None);
    assert_eq!(read("preallocate", "TRUE"), Some("true".to_owned()));
    assert_eq!(read("preallocate", "yes"), None);
    assert_eq!(read("cleanup.policy", "compact , delete"), Some("compact,delete".to_owned()));
    assert_eq!(read("cleanup.policy", "compact,remove"), None);
    assert_eq!(read("compression.type", "lz4"), Some("lz4".to_owned()));
    assert_eq!(read("compression.type", "none"), None, "it is called uncompressed");
    assert_eq!(read("min.cleanable.dirty.ratio", "1"), Some("1.0".to_owned()));
    assert_eq!(read("min.cleanable.dirty.ratio", "1.1"), None);
    assert_eq!(read("min.cleanable.dirty.ratio", "NaN"), None);
    assert_eq!(read("compression.gzip.level", "-1"), Some("-1".to_owned()));
    assert_eq!(read("compression.gzip.level", "0"), None);
    assert_eq!(
        read("leader.replication.throttled.replicas", "0:1, 1:2"),
        Some("0:1,1:2".to_owned())
    );
    assert_eq!(read("leader.replication.throttled.replicas", "*"), Some("*".to_owned()));
    assert_eq!(read("leader.replication.throttled.replicas", "0-1"), None);
    let hosts = catalogue.broker("max.connections.per.ip.overrides").expect("known");
    assert!(
        hosts.check("a:1,127.0.0.1:2").is_ok()
            && hosts.check("").is_ok()
            && hosts.check("a").is_err()
    );
    let refused = catalogue.topic("retention.ms").expect("known").check("soon").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "invalid value 'soon' for retention.ms: a whole number from -9223372036854775808 to \
         9223372036854775807 is needed"
    );
}

#[test]
fn secrets_are_never_shown() {
    let server = server(&[("ssl.keystore.password", "hunter2")]);
    let described = find(server.at_start().describe_broker(), "ssl.keystore.password");
    assert_eq!((described.value.as_deref(), described.source), (None, ConfigSource::StaticBroker));
    assert_eq!(
        synonyms(&described),
        [("ssl.keystore.password".to_owned(), None, ConfigSource::StaticBroker)]
    );
}

#[test]
fn the_nearest_place_where_a_value_was_set_counts() {
    let server = server(&[("log.segment.bytes", "1000")]);
    let (broker, cluster) =
        (configs(&[("log.segment.bytes", "3000")]), configs(&[("log.segment.bytes", "2000")]));
    let topic = configs(&[("segment.bytes", "4000")]);
    let none = Configs::new();
    let bytes =
        |config: EffectiveConfig<'_>, topic| config.topic_values(topic)["segment.bytes"].clone();
    assert_eq!(
        bytes(KafkaConfig::new(version("3.9"), &none).unwrap().at_start(), &none),
        "1073741824"
    );
    assert_eq!(bytes(server.at_start(), &none), "1000");
    assert_eq!(bytes(server.effective(None, Some(&cluster)), &none), "2000");
    assert_eq!(bytes(server.effective(Some(&broker), Some(&cluster)), &none), "3000");
    assert_eq!(bytes(server.effective(Some(&broker), Some(&cluster)), &topic), "4000");
}

#[test]
fn coarser_units_count_where_the_finer_one_is_not_set() {
    let none = Configs::new();
    let retention = |properties: &[(&str, &str)], cluster: &[(&str, &str)]| {
        let cluster = configs(cluster);
        server(properties).effective(None, Some(&cluster)).topic_config(&none).retention_ms
    };
    assert_eq!(retention(&[], &[]), Some(604_800_000));
    assert_eq!(retention(&[("log.retention.hours", "2")], &[]), Some(7_200_000));
    assert_eq!(
        retention(&[("log.retention.hours", "2"), ("log.retention.minutes", "3")], &[]),
        Some(180_000)
    );
    let all =
        [("log.retention.hours", "2"), ("log.retention.minutes", "3"), ("log.retention.ms", "4")];
    assert_eq!(retention(&all, &[]), Some(4));
    assert_eq!(retention(&all, &[("log.retention.ms", "5")]), Some(5));
    assert_eq!(retention(&[("log.retention.hours", "-1")], &[]), None);
    let values = server(&[("log.roll.hours", "1")]).at_start().topic_values(&none);
    assert_eq!(values["segment.ms"], "3600000");
}

#[test]
fn a_topics_configuration_is_typed() {
    let topic = configs(&[
        ("cleanup.policy", "compact"),
        ("compression.type", "uncompressed"),
        ("message.timestamp.type", "LogAppendTime"),
        ("max.message.bytes", "5"),
        ("message.timestamp.difference.max.ms", "9"),
        ("message.timestamp.after.max.ms", "7"),
    ]);
    let config = server(&[]).at_start().topic_config(&topic);
    assert_eq!(config.cleanup_policy, CleanupPolicy { compact: true, delete: false });
    assert_eq!(config.retention_ms, None, "only the delete policy removes by age");
    assert_eq!(config.compression_type, StoredCompression::Fixed(Compression::None));
    assert_eq!(config.message_timestamp_type, TimestampType::LogAppendTime);
    assert_eq!(config.max_message_bytes, 5);
    assert_eq!(
        (config.message_timestamp_before_max_ms, config.message_timestamp_after_max_ms),
        (9, 7)
    );
    assert!(config.message_downconversion_enable);

    let default = server(&[]).at_start().topic_config(&Configs::new());
    assert_eq!(default.compression_type, StoredCompression::Producer);
    assert_eq!((default.retention_bytes, default.max_message_bytes), (None, 1_048_588));
    let newer = KafkaConfig::new(version("4.1"), &Configs::new()).unwrap();
    let newer = newer.at_start().topic_config(&Configs::new());
    assert!(!newer.message_downconversion_enable);
    assert_eq!(newer.message_timestamp_after_max_ms, 3_600_000);
    let old = KafkaConfig::new(version("2.8"), &Configs::new()).unwrap();
    assert_eq!(
        old.at_start().topic_config(&topic).message_timestamp_after_max_ms,
        9,
        "2.8 has only the difference"
    );
}

#[test]
fn values_in_force_go_by_the_topics_names() {
    let values = server(&[("message.max.bytes", "77")])
        .at_start()
        .topic_values(&configs(&[("segment.ms", "1")]));
    assert_eq!(values.get("max.message.bytes").map(String::as_str), Some("77"));
    assert_eq!(values.get("segment.ms").map(String::as_str), Some("1"));
    assert_eq!(values.get("retention.ms").map(String::as_str), Some("604800000"));
}

#[test]
fn b16_a_topic_is_described_with_all_the_places_its_value_could_be_from() {
    let server = server(&[("log.segment.bytes", "1000")]);
    let cluster = configs(&[("log.segment.bytes", "2000")]);
    let layers = server.effective(None, Some(&cluster));
    let described =
        find(layers.describe_topic(&configs(&[("segment.bytes", "4000")])), "segment.bytes");
    assert_eq!((described.value.as_deref(), described.source), (Some("4000"), ConfigSource::Topic));
    assert!(!described.read_only);
    let own = |name: &str, value: &str, source| (name.to_owned(), Some(value.to_owned()), source);
    assert_eq!(
        synonyms(&described),
        [
            own("segment.bytes", "4000", ConfigSource::Topic),
            own("log.segment.bytes", "2000", ConfigSource::DynamicDefaultBroker),
            own("log.segment.bytes", "1000", ConfigSource::StaticBroker),
            own("log.segment.bytes", "1073741824", ConfigSource::Default),
        ]
    );
    let described = find(layers.describe_topic(&Configs::new()), "segment.bytes");
    assert_eq!(
        (described.value.as_deref(), described.source),
        (Some("2000"), ConfigSource::DynamicDefaultBroker)
    );
    let described = find(layers.describe_topic(&Configs::new()), "flush.messages");
    assert_eq!(described.source, ConfigSource::Default);
    assert_eq!(synonyms(&described).len(), 1);
    // Kafka shows no synonyms where the finest unit is not set, though a coarser one is in force.
    let described = find(layers.describe_topic(&Configs::new()), "retention.ms");
    assert_eq!(
        (described.value.as_deref(), described.source),
        (Some("604800000"), ConfigSource::Default)
    );
    assert_eq!(synonyms(&described), []);
}

#[test]
fn b16_a_broker_is_described_with_what_can_change_and_what_cannot() {
    let server = server(&[("num.io.threads", "9"), ("broker.id", "2")]);
    let broker = configs(&[("num.io.threads", "10")]);
    let layers = server.effective(Some(&broker), None);
    let threads = find(layers.describe_broker(), "num.io.threads");
    assert_eq!(
        (threads.value.as_deref(), threads.source),
        (Some("10"), ConfigSource::DynamicBroker)
    );
    assert!(!threads.read_only);
    assert_eq!(synonyms(&threads).len(), 3);
    let id = find(layers.describe_broker(), "broker.id");
    assert_eq!(
        (id.value.as_deref(), id.source, id.read_only),
        (Some("2"), ConfigSource::StaticBroker, true)
    );
    let retention = find(layers.describe_broker(), "log.retention.ms");
    assert_eq!((retention.value, retention.source), (None, ConfigSource::Default));
    assert!(layers.describe_cluster().is_empty());

    let cluster = configs(&[("num.io.threads", "11")]);
    let all = server.effective(Some(&broker), Some(&cluster)).describe_cluster();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].value.as_deref(), all[0].source),
        (Some("11"), ConfigSource::DynamicDefaultBroker)
    );
    assert_eq!(all[0].synonyms.len(), 1);
}

fn operation(name: &str, operation: AlterOperation) -> [(String, AlterOperation); 1] {
    [(name.to_owned(), operation)]
}

#[test]
fn b17_incremental_changes_leave_the_rest_and_replacing_does_not() {
    let catalogue = Catalogue::new(version("3.9"));
    let current = configs(&[("retention.ms", "1"), ("segment.ms", "2")]);
    let set = operation("retention.ms", AlterOperation::Set("3".to_owned()));
    let changed = apply(&catalogue, AlterTarget::Topic, &current, &set).unwrap();
    assert_eq!(changed, configs(&[("retention.ms", "3"), ("segment.ms", "2")]));
    let replaced =
        replace(&catalogue, AlterTarget::Topic, &current, &configs(&[("retention.ms", "3")]))
            .unwrap();
    assert_eq!(replaced, configs(&[("retention.ms", "3")]));
    let deleted = apply(
        &catalogue,
        AlterTarget::Topic,
        &current,
        &operation("segment.ms", AlterOperation::Delete),
    )
    .unwrap();
    assert_eq!(deleted, configs(&[("retention.ms", "1")]));
    let nothing = apply(
        &catalogue,
        AlterTarget::Topic,
        &current,
        &operation("no.such", AlterOperation::Delete),
    )
    .unwrap();
    assert_eq!(nothing, current);
}

#[test]
fn names_that_an_upgrade_left_on_a_topic_stay_until_they_are_deleted() {
    let catalogue = Catalogue::new(version("4.1"));
    let left = configs(&[
        ("message.format.version", "3.0-IV1"),
        ("message.timestamp.difference.max.ms", "5"),
    ]);
    let alter = |operation: AlterOperation, name: &str| {
        apply(&catalogue, AlterTarget::Topic, &left, &[(name.to_owned(), operation)])
    };
    let set = |value: &str| AlterOperation::Set(value.to_owned());
    let mut expected = left.clone();
    expected.insert("retention.ms".to_owned(), "7".to_owned());
    assert_eq!(alter(set("7"), "retention.ms"), Ok(expected));
    let one = configs(&[("message.timestamp.difference.max.ms", "5")]);
    assert_eq!(alter(AlterOperation::Delete, "message.format.version"), Ok(one));
    // They cannot be set.
    for (name, value) in [("message.format.version", "3.1"), ("retention.ms", "x")] {
        assert!(alter(set(value), name).is_err(), "{name}");
    }
    let other = configs(&[("message.format.version", "3.1")]);
    assert!(replace(&catalogue, AlterTarget::Topic, &left, &other).is_err());
}

#[test]
fn b17_lists_are_appended_to_and_subtracted_from() {
    let catalogue = Catalogue::new(version("3.9"));
    let policy = |current: &[(&str, &str)], change: AlterOperation| {
        let changed = apply(
            &catalogue,
            AlterTarget::Topic,
            &configs(current),
            &operation("cleanup.policy", change),
        )
        .unwrap();
        changed["cleanup.policy"].clone()
    };
    let compact = || "compact".to_owned();
    assert_eq!(
        policy(&[], AlterOperation::Append(compact())),
        "delete,compact",
        "the default counts"
    );
    assert_eq!(
        policy(&[("cleanup.policy", "compact")], AlterOperation::Append(compact())),
        "compact"
    );
    let both = [("cleanup.policy", "delete,compact")];
    assert_eq!(policy(&both, AlterOperation::Subtract("delete".to_owned())), "compact");
    assert_eq!(policy(&both, AlterOperation::Subtract("delete,compact".to_owned())), "");

    let number = operation("retention.ms", AlterOperation::Append("1".to_owned()));
    let refused = apply(&catalogue, AlterTarget::Topic, &Configs::new(), &number);
    assert_eq!(refused, Err(ConfigError::NotAList("retention.ms".to_owned())));
}

#[test]
fn a_value_has_at_most_as_many_bytes_as_in_kafka() {
    const LIST: &str = "leader.replication.throttled.replicas";
    let catalogue = Catalogue::new(version("3.9"));
    let pairs = |count: usize| {
        let pairs: Vec<String> = (0..count).map(|n| format!("{n:07}:1")).collect();
        pairs.join(",")
    };
    let longest = pairs(3276);
    assert_eq!(longest.len(), 32_759);
    let set = configs(&[(LIST, &longest)]);
    assert_eq!(catalogue.check_topic(&set), Ok(set.clone()));
    for (name, target) in [(LIST, AlterTarget::Topic), ("a.plugins.own", AlterTarget::Cluster)] {
        let refused = apply(
            &catalogue,
            target,
            &Configs::new(),
            &operation(name, AlterOperation::Set(pairs(3277))),
        );
        assert!(matches!(refused, Err(ConfigError::InvalidValue(_))), "{refused:?}");
    }
    let append = operation(LIST, AlterOperation::Append("8000000:1".to_owned()));
    let refused = apply(&catalogue, AlterTarget::Topic, &set, &append);
    assert!(matches!(refused, Err(ConfigError::InvalidValue(_))), "{refused:?}");
}

#[test]
fn b14_what_a_topic_cannot_have_is_refused() {
    let catalogue = Catalogue::new(version("3.9"));
    let refused = |pairs: &[(&str, &str)]| catalogue.check_topic(&configs(pairs)).unwrap_err();
    assert_eq!(
        refused(&[("retention", "1")]),
        ConfigError::UnknownTopicConfig("retention".to_owned())
    );
    assert!(matches!(refused(&[("retention.ms", "x")]), ConfigError::InvalidValue(_)));
    let lag = [("min.compaction.lag.ms", "2"), ("max.compaction.lag.ms", "1")];
    assert!(matches!(refused(&lag), ConfigError::Conflict(_)));
    assert!(matches!(refused(&[("remote.storage.enable", "true")]), ConfigError::Conflict(_)));
    let plain = catalogue
        .check_topic(&configs(&[("preallocate", " FALSE"), ("cleanup.policy", "")]))
        .unwrap();
    assert_eq!(plain, configs(&[("preallocate", "false"), ("cleanup.policy", "")]));
}

#[test]
fn b17_what_a_running_broker_cannot_change_is_refused() {
    let catalogue = Catalogue::new(version("3.9"));
    let set = |target, name: &str, value: &str| {
        let operations = operation(name, AlterOperation::Set(value.to_owned()));
        apply(&catalogue, target, &Configs::new(), &operations)
    };
    assert_eq!(
        set(AlterTarget::Cluster, "log.retention.ms", "5").unwrap(),
        configs(&[("log.retention.ms", "5")])
    );
    assert_eq!(
        set(AlterTarget::Broker, "num.io.threads", "5").unwrap(),
        configs(&[("num.io.threads", "5")])
    );
    assert_eq!(
        set(AlterTarget::Broker, "broker.id", "5"),
        Err(ConfigError::ReadOnly("broker.id".to_owned()))
    );
    assert_eq!(
        set(AlterTarget::Broker, "ssl.keystore.location", "f"),
        Err(ConfigError::PerListener("ssl.keystore.location".to_owned()))
    );
    assert_eq!(
        set(AlterTarget::Cluster, "sasl.jaas.config", "x"),
        Err(ConfigError::PerBroker("sasl.jaas.config".to_owned()))
    );
    assert!(set(AlterTarget::Broker, "sasl.jaas.config", "x").is_ok());
    assert!(matches!(
        set(AlterTarget::Cluster, "num.io.threads", "0"),
        Err(ConfigError::InvalidValue(_))
    ));
}

#[test]
fn properties_that_are_not_allowed_are_refused_and_unknown_ones_stay() {
    let refused = KafkaConfig::new(version("3.9"), &configs(&[("num.partitions", "0")]));
    assert!(matches!(refused, Err(ConfigError::InvalidValue(_))));
    server(&[("my.plugin.setting", "x")]);
}

#[test]
fn a_configuration_of_msk_is_told_every_property_that_cannot_be() {
    let names = |release: Option<&str>, pairs: &[(&str, &str)]| -> Vec<String> {
        let checked = msk::check_properties(release.map(version), &configs(pairs));
        checked.err().unwrap_or_default().into_iter().map(|error| error.name).collect()
    };
    let good = [
        ("auto.create.topics.enable", "TRUE"),
        ("log.retention.hours", "8"),
        ("log.roll.ms", "600000"),
    ];
    assert!(names(Some("3.9"), &good).is_empty() && names(None, &good).is_empty());
    let bad =
        [("broker.id", "5"), ("no.such", "x"), ("num.partitions", "0"), ("num.io.threads", "8")];
    assert_eq!(names(Some("3.9"), &bad), ["broker.id", "no.such", "num.partitions"]);
    let zookeeper = [("zookeeper.session.timeout.ms", "18000")];
    assert!(names(Some("3.9"), &zookeeper).is_empty() && names(None, &zookeeper).is_empty());
    assert_eq!(names(Some("4.1"), &zookeeper), ["zookeeper.session.timeout.ms"]);
    for value in ["1000", "2000", "18000"] {
        assert!(names(Some("3.9"), &[("zookeeper.connection.timeout.ms", value)]).is_empty());
    }
    for (name, value) in [
        ("replica.lag.time.max.ms", "9999"),
        ("replica.selector.class", "com.example.Selector"),
        ("zookeeper.connection.timeout.ms", "999"),
        ("zookeeper.connection.timeout.ms", "18001"),
    ] {
        assert_eq!(names(Some("3.9"), &[(name, value)]), [name]);
        let errors = msk::check_properties(None, &configs(&[(name, value)])).unwrap_err();
        assert!(
            errors[0].reason.contains(name) && errors[0].reason.contains(value),
            "{}",
            errors[0]
        );
    }
}

#[test]
fn names_of_plugins_and_listeners_are_kept_and_shown_without_their_values() {
    let catalogue = Catalogue::new(version("4.1"));
    let set = |target, name: &str, value: &str| {
        let operations = operation(name, AlterOperation::Set(value.to_owned()));
        apply(&catalogue, target, &Configs::new(), &operations)
    };
    let kept = set(AlterTarget::Cluster, "my.plugin.secret", "x").unwrap();
    let server = server(&[("my.other.plugin", "y")]);
    let layers = server.effective(None, Some(&kept));
    for name in ["my.plugin.secret", "my.other.plugin"] {
        let described =
            layers.describe_broker().into_iter().find(|d| d.name == name).expect("described");
        assert_eq!((described.value, described.read_only), (None, true));
        assert!(
            described.definition.is_sensitive()
                && described.synonyms.iter().all(|s| s.value.is_none())
        );
    }
    assert_eq!(layers.describe_cluster().len(), 1);

    let of_listener = "listener.name.plaintext.ssl.keystore.type";
    assert_eq!(
        set(AlterTarget::Cluster, of_listener, "PEM"),
        Err(ConfigError::PerBroker(of_listener.to_owned()))
    );
    let kept = set(AlterTarget::Broker, of_listener, "PEM").unwrap();
    let described = server.effective(Some(&kept), None).describe_broker();
    let described = described.into_iter().find(|d| d.name == of_listener).expect("described");
    assert_eq!(described.value.as_deref(), Some("PEM"));
    let secret = "listener.name.plaintext.ssl.key.password";
    let kept = set(AlterTarget::Broker, secret, "hunter2").unwrap();
    let described = server.effective(Some(&kept), None).describe_broker();
    assert_eq!(described.into_iter().find(|d| d.name == secret).expect("described").value, None);
}

#[test]
fn limits_of_replication_are_told_of_once_they_are_set() {
    let name = "leader.replication.throttled.rate";
    let server = server(&[]);
    assert!(!server.at_start().describe_broker().iter().any(|described| described.name == name));
    let set = configs(&[(name, "100")]);
    let described = find(server.effective(Some(&set), None).describe_broker(), name);
    assert_eq!((described.value.as_deref(), described.read_only), (Some("100"), true));
}
