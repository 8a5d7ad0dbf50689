//! Kafka's configurations of topics and brokers: their definitions, allowed values, and the values
//! in force.
//!
//! A topic configuration's value is the first of: set for the topic; set at run time for the
//! broker, then for all brokers, under the broker's name for it (`log.retention.ms` for
//! `retention.ms`); in the broker's properties; the default. Some broker configurations have older
//! names in coarser units (`log.retention.hours`), which count in the same place as the finer one,
//! after it.
//!
//! ```text
//! value            types, rules, checking a value
//! definition       a row of the catalogue; effect: its effect in Milena
//! catalogue/       the rows; Catalogue: those of one release
//! effective        KafkaConfig (a broker's release and properties) → EffectiveConfig (in force)
//! broker_values    the broker configurations Milena reads: a typed method of EffectiveConfig each
//! topic_config     the topic configurations Milena reads: a typed field of TopicConfig each
//! describe         the entries of DescribeConfigs
//! alter            the changes of AlterConfigs and IncrementalAlterConfigs, checked
//! msk              the configurations that MSK lets its customers set, and its defaults
//! ```
//!
//! Every path from a value to its reader leads through `broker_values` or `topic_config`.
//!
//! Not here: where configurations are kept (`milena-metadata`), the APIs (`milena-broker`).

mod alter;
mod broker_values;
mod catalogue;
mod definition;
mod describe;
mod effect;
mod effective;
mod error;
mod message_format_version;
pub mod msk;
mod topic_config;
mod value;

#[cfg(test)]
mod tests;

pub use alter::{AlterOperation, AlterTarget, apply, replace};
pub use catalogue::Catalogue;
pub use definition::{Definition, ServerDefault, Update};
pub use describe::{ConfigEntry, ConfigSynonym};
pub use effect::Effect;
pub use effective::{ConfigSource, EffectiveConfig, KafkaConfig};
pub use error::ConfigError;
pub use topic_config::{CleanupPolicy, StoredCompression, TopicConfig};
pub use value::{ConfigType, Configs, InvalidValue, Rule};
