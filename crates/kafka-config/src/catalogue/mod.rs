//! The catalogue of Kafka's configurations: rows for all releases, and what one release has.
//!
//! A row is `type(name, default)`, then what a value must satisfy, which releases have it and what
//! they changed, whether it can change at run time, its effect here, and its documentation. A name
//! has two rows where releases give it two meanings. The tables are `rustfmt::skip`, since rustfmt
//! would break a row after every call.

mod brokers;
mod topics;

use std::collections::BTreeMap;

use milena_protocol::KafkaVersion;

use crate::{definition::Definition, error::ConfigError, value::Configs};

/// The configurations that topics and brokers of one Kafka release have.
#[derive(Clone, Debug)]
pub struct Catalogue {
    version: KafkaVersion,
    topics: BTreeMap<&'static str, Definition>,
    brokers: BTreeMap<&'static str, Definition>,
}

impl Catalogue {
    /// Those of `version`.
    pub fn new(version: KafkaVersion) -> Self {
        let by_name = |definition: Definition| (definition.name, definition);
        let in_release = |row: &Definition| row.in_release(version);
        let topics: BTreeMap<_, _> =
            topics::TOPICS.iter().filter_map(in_release).map(by_name).collect();
        let of_topics = topics.values().filter_map(|topic| topic.of_server());
        let own = brokers::all().filter_map(in_release);
        let brokers = of_topics.chain(own).map(by_name).collect();
        Self { version, topics, brokers }
    }

    /// The release.
    pub fn version(&self) -> KafkaVersion {
        self.version
    }

    /// A topic's configuration.
    pub fn topic(&self, name: &str) -> Option<&Definition> {
        self.topics.get(name)
    }

    /// A broker's configuration.
    pub fn broker(&self, name: &str) -> Option<&Definition> {
        self.brokers.get(name)
    }

    /// All of topics, by name.
    pub fn topics(&self) -> impl Iterator<Item = &Definition> {
        self.topics.values()
    }

    /// All of brokers, by name. The defaults of topic configurations are among them.
    pub fn brokers(&self) -> impl Iterator<Item = &Definition> {
        self.brokers.values()
    }

    /// Checks everything that is to be set for a topic together, and returns it in plain form.
    ///
    /// Errors: the first that cannot be set.
    pub fn check_topic(&self, configs: &Configs) -> Result<Configs, ConfigError> {
        let mut checked = Configs::new();
        for (name, value) in configs {
            let definition =
                self.topic(name).ok_or_else(|| ConfigError::UnknownTopicConfig(name.clone()))?;
            checked.insert(name.clone(), definition.check(value)?);
        }
        let number = |name: &str| -> Option<i64> {
            let set = checked.get(name).map(String::as_str);
            set.or_else(|| self.topic(name)?.default)?.parse().ok()
        };
        if number("min.compaction.lag.ms") > number("max.compaction.lag.ms") {
            let message = "min.compaction.lag.ms cannot be larger than max.compaction.lag.ms";
            return Err(ConfigError::Conflict(message.to_owned()));
        }
        if checked.get("remote.storage.enable").is_some_and(|value| value == "true") {
            let message =
                "remote.storage.enable cannot be true: this cluster has no tiered storage";
            return Err(ConfigError::Conflict(message.to_owned()));
        }
        Ok(checked)
    }
}
