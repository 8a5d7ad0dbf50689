//! Changing what is set: AlterConfigs replaces all of it, IncrementalAlterConfigs (KIP-339) changes
//! what it names.

use crate::{
    Catalogue, ConfigError, ConfigType, Configs, Update,
    definition::{UNKNOWN, of_listener},
    value::list_items,
};

/// What to do with one configuration, numbered as IncrementalAlterConfigs has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Set it.
    Set(String),
    /// Set it no longer.
    Delete,
    /// Add these items to the list it is.
    Append(String),
    /// Take these items off the list it is.
    Subtract(String),
}

/// Whose configuration changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A topic's.
    Topic,
    /// One broker's.
    Broker,
    /// All brokers'.
    Cluster,
}

/// What is set for `target` once `operations` were done to `current`. All of it is checked, and
/// values are in plain form.
///
/// Errors: the first that cannot be set. Deleting what is not set is none, whatever its name.
pub fn apply(
    catalogue: &Catalogue,
    target: Target,
    current: &Configs,
    operations: &[(String, Operation)],
) -> Result<Configs, ConfigError> {
    let mut configs = current.clone();
    for (name, operation) in operations {
        match operation {
            Operation::Delete => {
                configs.remove(name);
            }
            Operation::Set(value) => {
                configs.insert(name.clone(), value.clone());
            }
            Operation::Append(items) => {
                let mut list = list(catalogue, target, &configs, name)?;
                for item in list_items(items) {
                    if !list.iter().any(|existing| existing == item) {
                        list.push(item.to_owned());
                    }
                }
                configs.insert(name.clone(), list.join(","));
            }
            Operation::Subtract(items) => {
                let mut list = list(catalogue, target, &configs, name)?;
                list.retain(|existing| list_items(items).all(|item| item != existing));
                configs.insert(name.clone(), list.join(","));
            }
        }
    }
    check(catalogue, target, &configs, current)
}

/// What is set for `target` when `configs` replace all that was set before.
///
/// Errors: as [`apply`].
pub fn replace(
    catalogue: &Catalogue,
    target: Target,
    current: &Configs,
    configs: &Configs,
) -> Result<Configs, ConfigError> {
    check(catalogue, target, configs, current)
}

fn check(
    catalogue: &Catalogue,
    target: Target,
    configs: &Configs,
    current: &Configs,
) -> Result<Configs, ConfigError> {
    if target == Target::Topic {
        return catalogue.check_topic(configs);
    }
    let mut checked = Configs::new();
    for (name, value) in configs {
        // What an earlier release let pass does not stop other changes.
        if current.get(name) == Some(value) {
            checked.insert(name.clone(), value.clone());
            continue;
        }
        checked.insert(name.clone(), check_broker(catalogue, target, name, value)?);
    }
    Ok(checked)
}

/// A broker's value in plain form. Names that nobody knows are taken, as Kafka does for its
/// plugins.
fn check_broker(
    catalogue: &Catalogue,
    target: Target,
    name: &str,
    value: &str,
) -> Result<String, ConfigError> {
    let listener = of_listener(name);
    let definition = catalogue.broker(listener.unwrap_or(name)).unwrap_or(&UNKNOWN);
    let is_for_all = target == Target::Cluster;
    match definition.update {
        Update::ClusterWide => {}
        _ if listener.is_some() && is_for_all => {
            return Err(ConfigError::PerBroker(name.to_owned()));
        }
        _ if definition.kind == ConfigType::Unknown || listener.is_some() => {}
        Update::ReadOnly => return Err(ConfigError::ReadOnly(name.to_owned())),
        Update::PerBroker if is_for_all => return Err(ConfigError::PerBroker(name.to_owned())),
        Update::PerBroker => {}
        Update::PerListener => return Err(ConfigError::PerListener(name.to_owned())),
    }
    Ok(definition.read(value)?)
}

/// The items that a list has now: set, or the default's.
fn list(
    catalogue: &Catalogue,
    target: Target,
    configs: &Configs,
    name: &str,
) -> Result<Vec<String>, ConfigError> {
    let definition = match target {
        Target::Topic => {
            catalogue.topic(name).ok_or_else(|| ConfigError::UnknownTopicConfig(name.to_owned()))?
        }
        Target::Broker | Target::Cluster => catalogue.broker(name).unwrap_or(&UNKNOWN),
    };
    if definition.kind != ConfigType::List {
        return Err(ConfigError::NotAList(name.to_owned()));
    }
    let value = configs.get(name).map(String::as_str).or(definition.default).unwrap_or_default();
    Ok(list_items(value).map(str::to_owned).collect())
}
