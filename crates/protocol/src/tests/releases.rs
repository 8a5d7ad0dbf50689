//! The API versions of each Kafka release.

use crate::{ApiKey, KafkaVersion};

fn version(text: &str) -> KafkaVersion {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn names_of_msk_find_their_release() {
    for (text, fetch) in [
        ("2.8.1", 12),
        ("2.8.2.tiered", 12),
        ("3.1.1", 12),
        ("3.4.0", 13),
        ("3.5.1", 15),
        ("3.6.0", 15),
        ("3.7.x", 16),
        ("3.7.x.kraft", 16),
        ("3.9.x", 17),
        ("3.9.x.kraft", 17),
        ("4.0.x.kraft", 17),
        ("4.1.x.kraft", 18),
        ("9.0", 18),
    ] {
        let range = version(text).api_range(ApiKey::Fetch).expect("every release fetches");
        assert_eq!(*range.end(), fetch, "{text}");
    }
    assert!(version("3.9.x") < version("4.0.x.kraft"));
    assert!(version("3.10.0") > version("3.9.x"));
}

#[test]
fn other_texts_are_refused_with_what_to_write_instead() {
    for text in
        ["", "3", "three.one", "3.7.y", "3.7.x.zookeeper", "3.7.x.kraft.more", "3.-1", "300.1"]
    {
        let error = text.parse::<KafkaVersion>().expect_err(text);
        assert!(error.to_string().contains("3.9.x"), "{error}");
    }
    assert!("2.2.1".parse::<KafkaVersion>().expect_err("too old").to_string().contains("2.8"));
}

#[test]
fn an_api_that_came_later_is_not_offered() {
    assert_eq!(version("3.6.0").api_range(ApiKey::ConsumerGroupHeartbeat), None);
    assert_eq!(version("4.0").api_range(ApiKey::ConsumerGroupHeartbeat), Some(0..=1));
    assert_eq!(version("3.9.x").api_range(ApiKey::DescribeTopicPartitions), Some(0..=0));
}

/// Behaviour 5: librdkafka turns compression off where Produce does not begin at 0 (KAFKA-18659).
#[test]
fn from_4_0_on_produce_is_advertised_from_0_and_served_from_3() {
    for text in ["4.0", "4.1.x.kraft", "4.3"] {
        let version = version(text);
        let advertised = version.advertised(&[ApiKey::Produce]);
        assert_eq!(*advertised[0].1.start(), 0, "{text}");
        assert_eq!(version.api_range(ApiKey::Produce).map(|r| *r.start()), Some(3), "{text}");
    }
    assert_eq!(version("3.9.x").api_range(ApiKey::Produce).map(|r| *r.start()), Some(0));
}

#[test]
fn only_what_is_implemented_is_advertised_in_order_of_keys() {
    let implemented =
        [ApiKey::ApiVersions, ApiKey::Fetch, ApiKey::ShareFetch, ApiKey::Fetch, ApiKey::Produce];
    let keys = |v: &str| {
        version(v).advertised(&implemented).into_iter().map(|(k, _)| k).collect::<Vec<_>>()
    };
    assert_eq!(keys("3.6.0"), [ApiKey::Produce, ApiKey::Fetch, ApiKey::ApiVersions]);
    assert_eq!(
        keys("4.2"),
        [ApiKey::Produce, ApiKey::Fetch, ApiKey::ApiVersions, ApiKey::ShareFetch]
    );
}

#[test]
fn every_offered_version_has_a_schema() {
    for text in ["2.8", "3.3", "3.5", "3.6", "3.7", "3.8", "3.9", "4.0", "4.1", "4.2", "4.3"] {
        for (key, range) in version(text).advertised(ApiKey::ALL) {
            let known = key.known_versions();
            assert!(
                known.contains(range.start()) && known.contains(range.end()),
                "{key} of {text}"
            );
        }
    }
}
