//! The configuration of groups, read at the broker's start, as Kafka does.

use milena_coordinator::groups::GroupConfig;
use milena_kafka_config::EffectiveConfig;

/// The configuration that all shards of a broker share.
#[derive(Clone, Debug)]
pub(super) struct ShardConfig {
    pub(super) groups: GroupConfig,
    /// `offsets.retention.check.interval.ms`.
    pub(super) expiry_interval_ms: u64,
    /// See [`crate::BrokerTuning::group_log_growth_bytes`].
    pub(super) log_growth_bytes: u64,
}

impl ShardConfig {
    pub(super) fn new(config: EffectiveConfig<'_>, log_growth_bytes: u64) -> Self {
        let groups = GroupConfig {
            min_session_timeout_ms: config.group_min_session_timeout_ms(),
            max_session_timeout_ms: config.group_max_session_timeout_ms(),
            initial_rebalance_delay_ms: config.group_initial_rebalance_delay_ms(),
            max_size: config.group_max_size(),
            offset_metadata_max_bytes: config.offset_metadata_max_bytes(),
            offsets_retention_ms: config.offsets_retention_minutes().saturating_mul(60_000),
            ..GroupConfig::default()
        };
        Self {
            groups,
            expiry_interval_ms: config.offsets_retention_check_interval_ms(),
            log_growth_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use milena_kafka_config::{Configs, KafkaConfig};

    #[test]
    fn settings_are_read_by_kafkas_names_and_units() {
        let set = [
            ("group.initial.rebalance.delay.ms", "0"),
            ("offsets.retention.minutes", "2"),
            ("group.max.size", "7"),
        ];
        let set: Configs =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let configs =
            KafkaConfig::new("3.9".parse().expect("a version"), &set).expect("valid settings");
        let settings = ShardConfig::new(configs.at_start(), 5);
        let groups = &settings.groups;
        assert_eq!((groups.initial_rebalance_delay_ms, groups.offsets_retention_ms), (0, 120_000));
        assert_eq!((groups.max_size, groups.max_session_timeout_ms), (7, 1_800_000));
        assert_eq!((settings.expiry_interval_ms, settings.log_growth_bytes), (600_000, 5));
    }
}
