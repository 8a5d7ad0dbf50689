//! Configurations: DescribeConfigs, AlterConfigs, IncrementalAlterConfigs.

pub(crate) mod alter_configs;
mod changes;
pub(crate) mod describe_configs;
pub(crate) mod incremental_alter_configs;
mod resources;
#[cfg(test)]
mod testing;
