//! What is in force, from what was set where.

use milena_protocol::KafkaVersion;

use super::{Catalogue, ConfigError, Configs, Definition, Source};

/// A broker's names for one thing, finest unit first, with how many of the first's units theirs
/// are.
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

/// The names that mean the same as `name`, in other units.
fn units(name: &str) -> Option<&'static [(&'static str, i64)]> {
    UNITS.into_iter().find(|names| names.iter().any(|(other, _)| *other == name))
}

/// The names whose values count for `name`, itself among them.
pub(super) fn synonyms(name: &str) -> Vec<&str> {
    units(name).map_or_else(|| vec![name], |names| names.iter().map(|(name, _)| *name).collect())
}

/// The configurations of a release, and the properties that a broker was started with.
#[derive(Clone, Debug)]
pub struct ServerConfigs {
    catalogue: Catalogue,
    pub(super) properties: Configs,
}

impl ServerConfigs {
    /// Checks the properties and keeps them in plain form. Names that are not known stay, as Kafka
    /// leaves them, and have no effect.
    ///
    /// Errors: [`ConfigError::InvalidValue`] for the first value that is not allowed.
    pub fn new(version: KafkaVersion, properties: &Configs) -> Result<Self, ConfigError> {
        let catalogue = Catalogue::new(version);
        let mut plain = Configs::new();
        for (name, value) in properties {
            let value = match catalogue.broker(name) {
                Some(definition) => definition.read(value)?,
                None => value.clone(),
            };
            plain.insert(name.clone(), value);
        }
        Ok(Self { catalogue, properties: plain })
    }

    /// The configurations there are.
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// With what was set at run time for this broker and for all brokers.
    pub const fn with<'a>(
        &'a self,
        broker: Option<&'a Configs>,
        cluster: Option<&'a Configs>,
    ) -> Layers<'a> {
        Layers { server: self, broker, cluster }
    }

    /// With nothing set at run time.
    pub const fn alone(&self) -> Layers<'_> {
        self.with(None, None)
    }
}

/// Everything that was set for a broker: answers what is in force.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    pub(super) server: &'a ServerConfigs,
    pub(super) broker: Option<&'a Configs>,
    pub(super) cluster: Option<&'a Configs>,
}

impl<'a> Layers<'a> {
    /// The configurations there are.
    pub fn catalogue(&self) -> &'a Catalogue {
        &self.server.catalogue
    }

    /// The value of exactly this broker configuration in one place.
    pub(super) fn value_in(&self, source: Source, name: &str) -> Option<&'a str> {
        let set = match source {
            Source::DynamicBroker => self.broker?.get(name),
            Source::DynamicDefaultBroker => self.cluster?.get(name),
            Source::StaticBroker => self.server.properties.get(name),
            Source::Topic => None,
            Source::Default => return self.catalogue().broker(name)?.default,
        };
        set.map(String::as_str)
    }

    /// The value of exactly this broker configuration, without its synonyms; what DescribeConfigs
    /// shows.
    pub(super) fn own_value(&self, name: &str) -> Option<&'a str> {
        Source::OF_BROKER.into_iter().find_map(|source| self.value_in(source, name))
    }

    /// What is in force of a broker configuration, synonyms counted, in plain form. `None`: null.
    pub fn broker_value(&self, name: &str) -> Option<String> {
        let Some(units) = units(name) else { return self.own_value(name).map(str::to_owned) };
        Source::OF_BROKER.into_iter().find_map(|source| {
            units.iter().find_map(|(synonym, unit)| {
                let value: i64 = self.value_in(source, synonym)?.parse().ok()?;
                // Any negative time is "for ever", in every unit.
                let value = if value < 0 { -1 } else { value.saturating_mul(*unit) };
                Some(value.to_string())
            })
        })
    }

    /// A number that is in force for the broker.
    ///
    /// Panics when there is no such configuration or it has no number: the name is ours.
    pub fn number(&self, name: &str) -> i64 {
        let value = self.broker_value(name).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("{name} is a number with a default"))
    }

    /// A switch that is in force for the broker.
    ///
    /// Panics when there is no such configuration: the name is ours.
    pub fn flag(&self, name: &str) -> bool {
        let value = self.own_value(name).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("{name} is true or false and has a default"))
    }

    /// What is in force of a topic's configuration, where `topic` was set for it.
    pub(super) fn topic_value(&self, definition: &Definition, topic: &Configs) -> Option<String> {
        let set = topic.get(definition.name).and_then(|value| definition.read(value).ok());
        let of_server = || {
            let server = definition.server?;
            self.broker_value(server.name)
        };
        set.or_else(of_server).or_else(|| definition.default.map(str::to_owned))
    }

    /// Everything that is in force for a topic, where `topic` was set for it.
    pub fn topic_values(&self, topic: &Configs) -> Configs {
        let value = |definition: &Definition| {
            Some((definition.name.to_owned(), self.topic_value(definition, topic)?))
        };
        self.catalogue().topics().filter_map(value).collect()
    }
}
