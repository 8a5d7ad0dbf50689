//! Values: their types, and the rules they are checked by.

use std::collections::BTreeMap;

use crate::message_format_version::is_known;

/// Names to values.
pub type Configs = BTreeMap<String, String>;

/// The longest value, as in KRaft since KAFKA-18907.
const VALUE_BYTES_MAX: usize = i16::MAX as usize;

/// The type of a value, numbered as in DescribeConfigs v3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// Not in the catalogue.
    Unknown = 0,
    /// `true` or `false`.
    Boolean = 1,
    String = 2,
    /// 32 bits.
    Int = 3,
    /// 16 bits.
    Short = 4,
    /// 64 bits.
    Long = 5,
    /// A decimal number.
    Double = 6,
    /// Texts separated by commas.
    List = 7,
    /// The name of a Java class.
    Class = 8,
    /// A secret, never shown.
    Password = 9,
}

/// A value that its configuration does not allow (INVALID_CONFIG).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid value '{value}' for {name}: {reason}")]
pub struct InvalidValue {
    /// The configuration.
    pub name: String,
    /// As given; a secret is hidden.
    pub value: String,
    /// The allowed values.
    pub reason: String,
}

/// A constraint on a value beyond its type.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    Any,
    /// Both included; `i64::MAX` for no upper bound.
    Between(i64, i64),
    /// A decimal number; both included.
    Ratio(f64, f64),
    OneOf(&'static [&'static str]),
    OneOfAnyCase(&'static [&'static str]),
    NotEmpty,
    ListOf(&'static [&'static str]),
    /// -1 for the codec's own choice, or a number between these.
    Level(i64, i64),
    /// Empty, `*` or partition:broker pairs.
    ThrottledReplicas,
    /// A name of `message.format.version` up to this release.
    Release(u32, u32),
    /// host:count pairs.
    HostLimits,
}

impl Rule {
    /// The constraint in words, for `docs/compatibility.md`.
    pub fn allowed(self) -> String {
        match self {
            Self::Any => String::new(),
            Self::Between(min, i64::MAX) => format!("at least {min}"),
            Self::Between(min, max) => format!("{min} to {max}"),
            Self::Ratio(min, max) => format!("{min} to {max}"),
            Self::OneOf(allowed) | Self::OneOfAnyCase(allowed) => allowed.join(", "),
            Self::NotEmpty => "not empty".to_owned(),
            Self::ListOf(allowed) => format!("a list of {}", allowed.join(", ")),
            Self::Level(min, max) => format!("-1 or {min} to {max}"),
            Self::ThrottledReplicas => "partition:broker pairs or *".to_owned(),
            Self::Release(major, minor) => format!("a Kafka release up to {major}.{minor}"),
            Self::HostLimits => "host:count pairs".to_owned(),
        }
    }

    /// Returns the value in plain form, or what is allowed.
    pub(crate) fn check(self, kind: ConfigType, value: &str) -> Result<String, String> {
        let value = value.trim();
        if value.len() > VALUE_BYTES_MAX {
            return Err(format!("it may have {VALUE_BYTES_MAX} bytes at most"));
        }
        match kind {
            ConfigType::Boolean => match value.to_ascii_lowercase().as_str() {
                plain @ ("true" | "false") => Ok(plain.to_owned()),
                _ => Err("true or false is needed".to_owned()),
            },
            ConfigType::Short => self.number(value, i64::from(i16::MIN), i64::from(i16::MAX)),
            ConfigType::Int => self.number(value, i64::from(i32::MIN), i64::from(i32::MAX)),
            ConfigType::Long => self.number(value, i64::MIN, i64::MAX),
            ConfigType::Double => self.decimal(value),
            ConfigType::List => self.list(value),
            ConfigType::String | ConfigType::Class | ConfigType::Password | ConfigType::Unknown => {
                self.text(value)
            }
        }
    }

    fn number(self, value: &str, type_min: i64, type_max: i64) -> Result<String, String> {
        let whole = || format!("a whole number from {type_min} to {type_max} is needed");
        let number: i64 = value.parse().map_err(|_| whole())?;
        if !(type_min..=type_max).contains(&number) {
            return Err(whole());
        }
        match self {
            Self::Between(min, max) if number < min => Err(bounds(min, max)),
            Self::Between(min, max) if number > max => Err(bounds(min, max)),
            Self::Level(min, max) if number != -1 && !(min..=max).contains(&number) => {
                Err(format!("-1 or a number from {min} to {max} is needed"))
            }
            _ => Ok(number.to_string()),
        }
    }

    fn decimal(self, value: &str) -> Result<String, String> {
        let number: f64 = value.parse().map_err(|_| "a decimal number is needed")?;
        match self {
            _ if !number.is_finite() => Err("a finite number is needed".to_owned()),
            Self::Ratio(min, max) if !(min..=max).contains(&number) => {
                Err(format!("a number from {min} to {max} is needed"))
            }
            // As Java writes it: 1.0, not 1; 1E308, not 1e308.
            _ => Ok(format!("{number:?}").to_uppercase()),
        }
    }

    fn text(self, value: &str) -> Result<String, String> {
        match self {
            Self::OneOf(allowed) if !allowed.contains(&value) => {
                Err(format!("one of {} is needed", allowed.join(", ")))
            }
            Self::OneOfAnyCase(allowed)
                if !allowed.iter().any(|a| a.eq_ignore_ascii_case(value)) =>
            {
                Err(format!("one of {} is needed", allowed.join(", ")))
            }
            Self::NotEmpty if value.is_empty() => Err("it must not be empty".to_owned()),
            Self::Release(major, minor) if !is_known(value, (major, minor)) => Err(format!(
                "a Kafka release from 0.8.0 to {major}.{minor} is needed, such as 0.10.2 or 2.0-IV1"
            )),
            Self::HostLimits if !value.split(',').all(is_host_limit) => {
                Err("hosts with their limits are needed, such as host1:10,127.0.0.1:20".to_owned())
            }
            _ => Ok(value.to_owned()),
        }
    }

    fn list(self, value: &str) -> Result<String, String> {
        let items: Vec<&str> = list_items(value).collect();
        match self {
            Self::ListOf(allowed) if !items.iter().all(|item| allowed.contains(item)) => {
                Err(format!("a list of {} is needed", allowed.join(", ")))
            }
            Self::ThrottledReplicas
                if !(items == ["*"] || items.iter().all(|item| is_replica(item))) =>
            {
                Err("* or pairs of partition and broker are needed, such as 0:1,0:2".to_owned())
            }
            _ => Ok(items.join(",")),
        }
    }
}

/// The items of a list value.
pub(crate) fn list_items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn bounds(min: i64, max: i64) -> String {
    match (min, max) {
        (min, i64::MAX) => format!("a number of at least {min} is needed"),
        (min, max) => format!("a number from {min} to {max} is needed"),
    }
}

fn is_replica(item: &str) -> bool {
    item.split_once(':').is_some_and(|(partition, broker)| {
        partition.parse::<u32>().is_ok() && broker.parse::<u32>().is_ok()
    })
}

fn is_host_limit(item: &str) -> bool {
    let item = item.trim();
    item.is_empty()
        || item
            .rsplit_once(':')
            .is_some_and(|(host, limit)| !host.is_empty() && limit.parse::<u32>().is_ok())
}
