//! Topic and broker configuration by Kafka's names: what there is, what a value may be, what is in
//! force.
//!
//! A setting of a topic is in force as the first of: set for the topic; set at run time for the
//! broker, then for all brokers, under the broker's name for it (`log.retention.ms` for
//! `retention.ms`); in the broker's properties; the default. Some of the broker's have older names
//! in coarser units (`log.retention.hours`), which count in the same place as the finer one, after
//! it.
//!
//! - [`Catalogue`]: the [`Definition`]s of one Kafka release. The tables are in `topics.rs` and
//!   `brokers/`.
//! - [`ServerConfigs`]: the catalogue with the broker's properties; [`Layers`] adds what was set at
//!   run time, and answers what is in force, as text, as [`TopicConfig`], or as DescribeConfigs
//!   tells it.
//! - [`change`]: setting, deleting, appending and subtracting, checked.
//!
//! Not here: where configurations are kept (`milena-metadata`), the three APIs (`milena-broker`).

mod brokers;
pub mod change;
mod definition;
mod describe;
mod effect;
mod format_version;
mod layers;
mod msk;
mod topic_config;
mod topics;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use milena_protocol::KafkaVersion;

pub use definition::{ConfigType, Definition, Server, Update};
pub use describe::{Described, Source, Synonym};
pub use effect::{Effect, Proof};
pub use layers::{Layers, ServerConfigs};
pub use msk::{MSK_CONFIGURABLE, PropertyError, check_msk_properties, is_dynamic, msk_defaults};
pub use topic_config::{StoredCompression, TopicConfig};
pub use value::{InvalidValue, Rule};

/// Names to values.
pub type Configs = BTreeMap<String, String>;

/// A configuration that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A topic has no such configuration (INVALID_CONFIG).
    #[error("unknown topic config name: {0}")]
    UnknownTopicConfig(String),
    /// The value is not allowed (INVALID_CONFIG).
    #[error(transparent)]
    InvalidValue(#[from] InvalidValue),
    /// Two values do not fit (INVALID_CONFIG), or one is not to be had here.
    #[error("{0}")]
    Conflict(String),
    /// Appending and subtracting are for lists (INVALID_CONFIG).
    #[error("{0} is not a list: set it instead of appending to it or subtracting from it")]
    NotAList(String),
    /// The broker reads it at start only (INVALID_REQUEST).
    #[error("{0} cannot be changed while the broker runs")]
    ReadOnly(String),
    /// It can only be set for one broker (INVALID_REQUEST).
    #[error("{0} cannot be set for all brokers: set it for each")]
    PerBroker(String),
    /// It can only be set for one listener (INVALID_REQUEST).
    #[error("{0} can be set for a listener only: put listener.name.NAME. before it")]
    PerListener(String),
}

/// The configurations that topics and brokers of one Kafka release have.
#[derive(Clone, Debug)]
pub struct Catalogue {
    topics: BTreeMap<&'static str, Definition>,
    brokers: BTreeMap<&'static str, Definition>,
}

impl Catalogue {
    /// Those of `version`.
    pub fn new(version: KafkaVersion) -> Self {
        let by_name = |definition: Definition| (definition.name, definition);
        let topics: BTreeMap<_, _> =
            topics::TOPICS.iter().filter(|d| d.is_in(version)).copied().map(by_name).collect();
        let of_topics = topics.values().filter_map(|d| d.of_server());
        let own = brokers::all().filter(|d| d.is_in(version)).copied();
        let brokers = of_topics.chain(own).map(by_name).collect();
        Self { topics, brokers }
    }

    /// A topic's configuration.
    pub fn topic(&self, name: &str) -> Option<&Definition> {
        self.topics.get(name)
    }

    /// A broker's configuration.
    pub fn broker(&self, name: &str) -> Option<&Definition> {
        self.brokers.get(name)
    }

    /// All of a topic's, by name.
    pub fn topics(&self) -> impl Iterator<Item = &Definition> {
        self.topics.values()
    }

    /// All of a broker's, by name.
    pub fn brokers(&self) -> impl Iterator<Item = &Definition> {
        self.brokers.values()
    }

    /// Checks what is to be set for a topic, all of it together (CreateTopics, and what [`change`]
    /// leads to), and brings values into their plain form.
    ///
    /// Errors: the first that cannot be set.
    pub fn check_topic(&self, configs: &Configs) -> Result<Configs, ConfigError> {
        let mut checked = Configs::new();
        for (name, value) in configs {
            let definition =
                self.topic(name).ok_or_else(|| ConfigError::UnknownTopicConfig(name.clone()))?;
            checked.insert(name.clone(), definition.read(value)?);
        }
        let number = |name: &str| -> Option<i64> {
            checked
                .get(name)
                .map(String::as_str)
                .or_else(|| self.topic(name)?.default)?
                .parse()
                .ok()
        };
        if number("min.compaction.lag.ms") > number("max.compaction.lag.ms") {
            let message = "min.compaction.lag.ms cannot be larger than max.compaction.lag.ms";
            return Err(ConfigError::Conflict(message.to_owned()));
        }
        if checked.get("remote.storage.enable").is_some_and(|v| v == "true") {
            let message =
                "remote.storage.enable cannot be true: this cluster has no tiered storage";
            return Err(ConfigError::Conflict(message.to_owned()));
        }
        Ok(checked)
    }
}
