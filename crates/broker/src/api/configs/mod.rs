//! Configurations of topics and brokers.

mod alter_configs;
mod changes;
mod describe_configs;
mod incremental_alter_configs;
mod resources;
#[cfg(test)]
mod testing;

use super::handled::family;
use crate::shared::BrokerShared;

family!(BrokerShared: describe_configs, alter_configs, incremental_alter_configs);
