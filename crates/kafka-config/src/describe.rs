//! DescribeConfigs entries: the value in force, where it is set, and its synonyms.

use std::collections::BTreeSet;

use crate::{
    definition::{Definition, UNKNOWN, Update, without_listener},
    effective::{ConfigSource, EffectiveConfig, synonyms},
    value::Configs,
};

/// A value that is set, or would be in force if those before it were not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    pub name: String,
    /// `None` when it is a secret.
    pub value: Option<String>,
    pub source: ConfigSource,
}

/// One configuration in DescribeConfigs.
#[derive(Clone, Debug)]
pub struct ConfigEntry<'a> {
    /// May have a listener's prefix.
    pub name: &'a str,
    pub definition: &'a Definition,
    /// In force; `None` when it is null or a secret.
    pub value: Option<String>,
    pub source: ConfigSource,
    /// Whether it cannot be changed while the broker runs.
    pub read_only: bool,
    /// The value in force first.
    pub synonyms: Vec<ConfigSynonym>,
}

impl<'a> EffectiveConfig<'a> {
    /// All configurations of a topic, where `topic` is set for it.
    pub fn describe_topic(&self, topic: &Configs) -> Vec<ConfigEntry<'a>> {
        let describe = |definition: &'a Definition| {
            let value = self.topic_value(definition, topic);
            let mut synonyms = definition
                .server_default
                .map_or_else(Vec::new, |server| self.synonyms(server.name));
            if topic.contains_key(definition.name) {
                let name = definition.name.to_owned();
                synonyms.insert(
                    0,
                    ConfigSynonym { name, value: value.clone(), source: ConfigSource::Topic },
                );
            }
            ConfigEntry {
                name: definition.name,
                definition,
                value,
                source: first_source(&synonyms),
                read_only: false,
                synonyms,
            }
        };
        self.catalogue().topics().map(describe).collect()
    }

    /// All configurations of the broker.
    pub fn describe_broker(&self) -> Vec<ConfigEntry<'a>> {
        let describe = |definition: &'a Definition| {
            let synonyms = self.synonyms(definition.name);
            let value = self.own_value(definition.name).filter(|_| !definition.is_sensitive());
            described(definition.name, definition, value, synonyms)
        };
        let known = self.catalogue().brokers().map(describe);
        let is_shown = |entry: &ConfigEntry<'_>| {
            !entry.definition.hidden || entry.source != ConfigSource::Default
        };
        let known = known.filter(is_shown);
        known.chain(self.others().into_iter().map(|name| self.describe_other(name))).collect()
    }

    /// The configurations that are set for all brokers at run time.
    pub fn describe_cluster(&self) -> Vec<ConfigEntry<'a>> {
        let describe = |(name, value): (&'a String, &'a String)| {
            let definition = self.definition(name);
            let mut synonyms = self.synonyms(name);
            synonyms.retain(|synonym| synonym.source == ConfigSource::DynamicDefaultBroker);
            let value = Some(value.as_str()).filter(|_| !definition.is_sensitive());
            described(name, definition, value, synonyms)
        };
        self.cluster.into_iter().flatten().map(describe).collect()
    }

    /// Names set for the broker that are not in the catalogue: those of plugins, and those with a
    /// listener's prefix.
    fn others(&self) -> BTreeSet<&'a str> {
        let set = [self.broker, self.cluster, Some(&self.started_with.properties)];
        let names =
            set.into_iter().flatten().flat_map(|configs| configs.keys().map(String::as_str));
        names.filter(|name| self.catalogue().broker(name).is_none()).collect()
    }

    fn describe_other(&self, name: &'a str) -> ConfigEntry<'a> {
        let definition = self.definition(name);
        let value = self.own_value(name).filter(|_| !definition.is_sensitive());
        described(name, definition, value, self.synonyms(name))
    }

    /// The definition of a broker configuration, whose name may have a listener's prefix.
    fn definition(&self, name: &str) -> &'a Definition {
        let catalogue = self.catalogue();
        let of_listener = || catalogue.broker(without_listener(name)?);
        catalogue.broker(name).or_else(of_listener).unwrap_or(&UNKNOWN)
    }

    /// Every value of a broker configuration under any of its names. Like Kafka, leaves out what
    /// precedes the name itself, and everything when the name itself has no value.
    fn synonyms(&self, name: &str) -> Vec<ConfigSynonym> {
        let is_sensitive = self.definition(name).is_sensitive();
        let names = synonyms(name);
        let all = ConfigSource::OF_BROKER.into_iter().flat_map(|source| {
            names.iter().filter_map(move |name| {
                let value = self.value_in(source, name)?.to_owned();
                let value = Some(value).filter(|_| !is_sensitive);
                Some(ConfigSynonym { name: (*name).to_owned(), value, source })
            })
        });
        all.skip_while(|synonym| synonym.name != name).collect()
    }
}

fn described<'a>(
    name: &'a str,
    definition: &'a Definition,
    value: Option<&str>,
    synonyms: Vec<ConfigSynonym>,
) -> ConfigEntry<'a> {
    ConfigEntry {
        name,
        definition,
        value: value.map(str::to_owned),
        source: first_source(&synonyms),
        read_only: definition.update == Update::ReadOnly
            || definition.hidden
            || definition.name != name,
        synonyms,
    }
}

fn first_source(synonyms: &[ConfigSynonym]) -> ConfigSource {
    synonyms.first().map_or(ConfigSource::Default, |synonym| synonym.source)
}
