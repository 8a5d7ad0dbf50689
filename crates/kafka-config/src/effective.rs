//! The values in force, from what was set where.

use milena_protocol::KafkaVersion;

use crate::{catalogue::Catalogue, definition::Definition, error::ConfigError, value::Configs};

/// Broker configurations that are one value in several units, the finest first, each with how many
/// of the finest unit its own is.
const UNITS: [&[(&str, i64)]; 4] = [
    &[
        ("log.retention.ms", 1),
        ("log.retention.minutes", 60_000),
        ("log.retention.hours", 3_600_000),
    ],
    &[("log.roll.ms", 1), ("log.roll.hours", 3_600_000)],
    &[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", 3_600_000)],
    &[("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)],
];

/// The names of the same value in other units, `name` among them.
fn units(name: &str) -> Option<&'static [(&'static str, i64)]> {
    UNITS.into_iter().find(|names| names.iter().any(|(other, _)| *other == name))
}

/// The broker configurations whose values count for `name`, itself among them.
pub(crate) fn synonyms(name: &str) -> Vec<&str> {
    units(name).map_or_else(|| vec![name], |names| names.iter().map(|(name, _)| *name).collect())
}

/// Where a value is set, numbered as in DescribeConfigs v1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    Topic = 1,
    /// At run time, for one broker.
    DynamicBroker = 2,
    /// At run time, for all brokers.
    DynamicDefaultBroker = 3,
    /// In the broker's properties.
    StaticBroker = 4,
    Default = 5,
}

impl ConfigSource {
    /// Those of broker configurations, the first that has a value counts.
    pub(crate) const OF_BROKER: [Self; 4] =
        [Self::DynamicBroker, Self::DynamicDefaultBroker, Self::StaticBroker, Self::Default];
}

/// The Kafka configuration that a broker was started with: the catalogue of its release and its
/// `server.properties`.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    catalogue: Catalogue,
    pub(crate) properties: Configs,
}

impl KafkaConfig {
    /// Checks the properties and keeps them in plain form. Names outside the catalogue are kept, as
    /// Kafka does, and have no effect.
    ///
    /// Errors: [`ConfigError::InvalidValue`] for the first value that is not allowed.
    pub fn new(version: KafkaVersion, properties: &Configs) -> Result<Self, ConfigError> {
        let catalogue = Catalogue::new(version);
        let mut plain = Configs::new();
        for (name, value) in properties {
            let value = match catalogue.broker(name) {
                Some(definition) => definition.check(value)?,
                None => value.clone(),
            };
            plain.insert(name.clone(), value);
        }
        Ok(Self { catalogue, properties: plain })
    }

    /// The configurations of its release.
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// With what is set at run time, for this broker and for all brokers.
    pub const fn effective<'a>(
        &'a self,
        broker: Option<&'a Configs>,
        cluster: Option<&'a Configs>,
    ) -> EffectiveConfig<'a> {
        EffectiveConfig { started_with: self, broker, cluster }
    }

    /// With nothing set at run time.
    pub const fn at_start(&self) -> EffectiveConfig<'_> {
        self.effective(None, None)
    }
}

/// The configuration in force for a broker, and for topics as far as they set none of their own.
#[derive(Clone, Copy, Debug)]
pub struct EffectiveConfig<'a> {
    pub(crate) started_with: &'a KafkaConfig,
    pub(crate) broker: Option<&'a Configs>,
    pub(crate) cluster: Option<&'a Configs>,
}

impl<'a> EffectiveConfig<'a> {
    /// The configurations of the broker's release.
    pub fn catalogue(&self) -> &'a Catalogue {
        &self.started_with.catalogue
    }

    /// The value of exactly this broker configuration in one place.
    pub(crate) fn value_in(&self, source: ConfigSource, name: &str) -> Option<&'a str> {
        let set = match source {
            ConfigSource::DynamicBroker => self.broker?.get(name),
            ConfigSource::DynamicDefaultBroker => self.cluster?.get(name),
            ConfigSource::StaticBroker => self.started_with.properties.get(name),
            ConfigSource::Topic => None,
            ConfigSource::Default => return self.catalogue().broker(name)?.default,
        };
        set.map(String::as_str)
    }

    /// The value of exactly this broker configuration, without its synonyms: what DescribeConfigs
    /// shows.
    pub(crate) fn own_value(&self, name: &str) -> Option<&'a str> {
        ConfigSource::OF_BROKER.into_iter().find_map(|source| self.value_in(source, name))
    }

    /// The value in force of a broker configuration, synonyms counted, in plain form. `None`: null.
    pub(crate) fn broker_value(&self, name: &str) -> Option<String> {
        let Some(units) = units(name) else { return self.own_value(name).map(str::to_owned) };
        ConfigSource::OF_BROKER.into_iter().find_map(|source| {
            units.iter().find_map(|(synonym, unit)| {
                let value: i64 = self.value_in(source, synonym)?.parse().ok()?;
                // Any negative time is "for ever", in every unit.
                let value = if value < 0 { -1 } else { value.saturating_mul(*unit) };
                Some(value.to_string())
            })
        })
    }

    /// The value in force of a topic configuration, where `topic` is set for the topic.
    pub(crate) fn topic_value(&self, definition: &Definition, topic: &Configs) -> Option<String> {
        let set = topic.get(definition.name).and_then(|value| definition.check(value).ok());
        let of_server = || self.broker_value(definition.server_default?.name);
        set.or_else(of_server).or_else(|| definition.default.map(str::to_owned))
    }

    /// All values in force for a topic, where `topic` is set for it.
    pub fn topic_values(&self, topic: &Configs) -> Configs {
        let value = |definition: &Definition| {
            Some((definition.name.to_owned(), self.topic_value(definition, topic)?))
        };
        self.catalogue().topics().filter_map(value).collect()
    }
}
