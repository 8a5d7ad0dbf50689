//! What DescribeConfigs tells: the value in force, where it is from, and what else was set.

use std::collections::BTreeSet;

use crate::{
    Configs, Definition, Layers, Update,
    definition::{UNKNOWN, of_listener},
    layers::synonyms,
};

/// Where a value is from, numbered as DescribeConfigs v1 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Set for the topic.
    Topic = 1,
    /// Set at run time for this broker.
    DynamicBroker = 2,
    /// Set at run time for all brokers.
    DynamicDefaultBroker = 3,
    /// In the broker's properties.
    StaticBroker = 4,
    /// Nobody set it.
    Default = 5,
}

impl Source {
    /// Those of broker configurations, the first that has a value counts.
    pub(super) const OF_BROKER: [Self; 4] =
        [Self::DynamicBroker, Self::DynamicDefaultBroker, Self::StaticBroker, Self::Default];
}

/// A value that was set, or would be in force if those before it were not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// Under which name.
    pub name: String,
    /// The value; `None` when it is a secret.
    pub value: Option<String>,
    /// Where.
    pub source: Source,
}

/// One configuration as DescribeConfigs tells it.
#[derive(Clone, Debug)]
pub struct Described<'a> {
    /// Its name, which may have a listener's before it.
    pub name: &'a str,
    /// What is known of it.
    pub definition: &'a Definition,
    /// The value in force; `None` when it is null or a secret.
    pub value: Option<String>,
    /// Where the value is from.
    pub source: Source,
    /// Whether it cannot be changed while the broker runs.
    pub read_only: bool,
    /// What was set, the value in force first.
    pub synonyms: Vec<Synonym>,
}

impl<'a> Layers<'a> {
    /// All configurations of a topic, where `topic` was set for it.
    pub fn describe_topic(&self, topic: &Configs) -> Vec<Described<'a>> {
        let describe = |definition: &'a Definition| {
            let value = self.topic_value(definition, topic);
            let mut synonyms =
                definition.server.map_or_else(Vec::new, |server| self.synonyms(server.name));
            if topic.contains_key(definition.name) {
                let name = definition.name.to_owned();
                synonyms.insert(0, Synonym { name, value: value.clone(), source: Source::Topic });
            }
            Described {
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
    pub fn describe_broker(&self) -> Vec<Described<'a>> {
        let describe = |definition: &'a Definition| {
            let synonyms = self.synonyms(definition.name);
            let value = self.own_value(definition.name).filter(|_| !definition.is_sensitive());
            described(definition.name, definition, value, synonyms)
        };
        let known = self.catalogue().brokers().map(describe);
        let is_told = |described: &Described<'_>| {
            !described.definition.hidden || described.source != Source::Default
        };
        let known = known.filter(is_told);
        known.chain(self.others().into_iter().map(|name| self.describe_other(name))).collect()
    }

    /// The configurations that were set for all brokers at run time.
    pub fn describe_cluster(&self) -> Vec<Described<'a>> {
        let describe = |(name, value): (&'a String, &'a String)| {
            let definition = self.definition(name);
            let mut synonyms = self.synonyms(name);
            synonyms.retain(|synonym| synonym.source == Source::DynamicDefaultBroker);
            let value = Some(value.as_str()).filter(|_| !definition.is_sensitive());
            described(name, definition, value, synonyms)
        };
        self.cluster.into_iter().flatten().map(describe).collect()
    }

    /// What was set for the broker that the catalogue has not: names of plugins, and those with a
    /// listener's before.
    fn others(&self) -> BTreeSet<&'a str> {
        let set = [self.broker, self.cluster, Some(&self.server.properties)];
        let names =
            set.into_iter().flatten().flat_map(|configs| configs.keys().map(String::as_str));
        names.filter(|name| self.catalogue().broker(name).is_none()).collect()
    }

    fn describe_other(&self, name: &'a str) -> Described<'a> {
        let definition = self.definition(name);
        let value = self.own_value(name).filter(|_| !definition.is_sensitive());
        described(name, definition, value, self.synonyms(name))
    }

    /// What is known of a broker's configuration, which may have a listener's name before it.
    fn definition(&self, name: &str) -> &'a Definition {
        let catalogue = self.catalogue();
        let of_listener = || catalogue.broker(of_listener(name)?);
        catalogue.broker(name).or_else(of_listener).unwrap_or(&UNKNOWN)
    }

    /// Everything set for a broker configuration under any of its names. What precedes the name
    /// itself is left out, and all of it when the name itself has no value: Kafka does, and
    /// tools show what it shows.
    fn synonyms(&self, name: &str) -> Vec<Synonym> {
        let is_sensitive = self.definition(name).is_sensitive();
        let names = synonyms(name);
        let all = Source::OF_BROKER.into_iter().flat_map(|source| {
            names.iter().filter_map(move |name| {
                let value = self.value_in(source, name)?.to_owned();
                let value = Some(value).filter(|_| !is_sensitive);
                Some(Synonym { name: (*name).to_owned(), value, source })
            })
        });
        all.skip_while(|synonym| synonym.name != name).collect()
    }
}

fn described<'a>(
    name: &'a str,
    definition: &'a Definition,
    value: Option<&str>,
    synonyms: Vec<Synonym>,
) -> Described<'a> {
    Described {
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

fn first_source(synonyms: &[Synonym]) -> Source {
    synonyms.first().map_or(Source::Default, |synonym| synonym.source)
}
