//! Configurations of topics and brokers.

mod alter_configs;
pub(crate) mod apis;
mod changes;
mod describe_configs;
mod incremental_alter_configs;
mod resources;
#[cfg(test)]
mod testing;

use self::apis::ConfigApis;
use super::handled::family;

family!(ConfigApis: describe_configs, alter_configs, incremental_alter_configs);
