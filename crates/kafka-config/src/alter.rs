//! Changing set values: AlterConfigs replaces all of them, IncrementalAlterConfigs (KIP-339) those
//! that it names.

use crate::{
    catalogue::Catalogue,
    definition::{UNKNOWN, Update, without_listener},
    error::ConfigError,
    value::{ConfigType, Configs, list_items},
};

/// A change of one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterOperation {
    /// To this value.
    Set(String),
    /// Back to what is in force without it.
    Delete,
    /// Adds items to a list.
    Append(String),
    /// Removes items from a list.
    Subtract(String),
}

/// The resource whose configuration changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlterTarget {
    /// Of one topic.
    Topic,
    /// Of one broker.
    Broker,
    /// Of all brokers.
    Cluster,
}

/// Returns what is set for `target` after `operations` on `current`, checked as a whole and in
/// plain form.
///
/// Errors: the first that cannot be set. Deleting what is not set is none, whatever its name.
pub fn apply(
    catalogue: &Catalogue,
    target: AlterTarget,
    current: &Configs,
    operations: &[(String, AlterOperation)],
) -> Result<Configs, ConfigError> {
    let mut configs = current.clone();
    for (name, operation) in operations {
        match operation {
            AlterOperation::Delete => {
                configs.remove(name);
            }
            AlterOperation::Set(value) => {
                configs.insert(name.clone(), value.clone());
            }
            AlterOperation::Append(items) => {
                let mut list = list(catalogue, target, &configs, name)?;
                for item in list_items(items) {
                    if !list.iter().any(|existing| existing == item) {
                        list.push(item.to_owned());
                    }
                }
                configs.insert(name.clone(), list.join(","));
            }
            AlterOperation::Subtract(items) => {
                let mut list = list(catalogue, target, &configs, name)?;
                list.retain(|existing| list_items(items).all(|item| item != existing));
                configs.insert(name.clone(), list.join(","));
            }
        }
    }
    check(catalogue, target, &configs, current)
}

/// Returns what is set for `target` when `configs` replace all that is set in `current`.
///
/// Errors: as [`apply`].
pub fn replace(
    catalogue: &Catalogue,
    target: AlterTarget,
    current: &Configs,
    configs: &Configs,
) -> Result<Configs, ConfigError> {
    check(catalogue, target, configs, current)
}

fn check(
    catalogue: &Catalogue,
    target: AlterTarget,
    configs: &Configs,
    current: &Configs,
) -> Result<Configs, ConfigError> {
    if target == AlterTarget::Topic {
        // After an upgrade a topic may have names that the release does not know.
        let is_left = |(name, value): &(&String, &String)| {
            catalogue.topic(name).is_none() && current.get(*name) == Some(*value)
        };
        let (left, known): (Vec<_>, Vec<_>) = configs.iter().partition(is_left);
        let owned = |(name, value): (&String, &String)| (name.clone(), value.clone());
        let mut checked = catalogue.check_topic(&known.into_iter().map(owned).collect())?;
        checked.extend(left.into_iter().map(owned));
        return Ok(checked);
    }
    let mut checked = Configs::new();
    for (name, value) in configs {
        // A value that an earlier release accepted does not prevent other changes.
        if current.get(name) == Some(value) {
            checked.insert(name.clone(), value.clone());
            continue;
        }
        checked.insert(name.clone(), check_broker(catalogue, target, name, value)?);
    }
    Ok(checked)
}

/// A broker's value in plain form. Names outside the catalogue are accepted, as Kafka does for its
/// plugins.
fn check_broker(
    catalogue: &Catalogue,
    target: AlterTarget,
    name: &str,
    value: &str,
) -> Result<String, ConfigError> {
    let listener = without_listener(name);
    let definition = catalogue.broker(listener.unwrap_or(name)).unwrap_or(&UNKNOWN);
    let is_for_all = target == AlterTarget::Cluster;
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
    Ok(definition.check(value)?)
}

/// The items that a list has now: those set, or the default's.
fn list(
    catalogue: &Catalogue,
    target: AlterTarget,
    configs: &Configs,
    name: &str,
) -> Result<Vec<String>, ConfigError> {
    let definition = match target {
        AlterTarget::Topic => {
            catalogue.topic(name).ok_or_else(|| ConfigError::UnknownTopicConfig(name.to_owned()))?
        }
        AlterTarget::Broker | AlterTarget::Cluster => catalogue.broker(name).unwrap_or(&UNKNOWN),
    };
    if definition.kind != ConfigType::List {
        return Err(ConfigError::NotAList(name.to_owned()));
    }
    let value = configs.get(name).map(String::as_str).or(definition.default).unwrap_or_default();
    Ok(list_items(value).map(str::to_owned).collect())
}
