//! Group settings under Kafka's names. The broker reads them at its start, as Kafka does.

use milena_coordinator::groups::GroupConfig;

use milena_kafka_config::Layers;

/// The settings of a broker's groups.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The rules of groups.
    pub(super) groups: GroupConfig,
    /// `offsets.retention.check.interval.ms`.
    pub(super) expiry_interval_ms: u64,
    /// See [`crate::Limits::group_log_growth_bytes`].
    pub(super) log_growth_bytes: u64,
}

impl Settings {
    pub(super) fn new(layers: Layers<'_>, log_growth_bytes: u64) -> Self {
        let ms = |name: &str| u64::try_from(layers.number(name)).unwrap_or(0);
        let timeout_ms = |name: &str| i32::try_from(layers.number(name)).unwrap_or(i32::MAX);
        let count = |name: &str| usize::try_from(layers.number(name)).unwrap_or(0);
        let groups = GroupConfig {
            min_session_timeout_ms: timeout_ms("group.min.session.timeout.ms"),
            max_session_timeout_ms: timeout_ms("group.max.session.timeout.ms"),
            initial_rebalance_delay_ms: ms("group.initial.rebalance.delay.ms"),
            max_size: count("group.max.size"),
            offset_metadata_max_bytes: count("offset.metadata.max.bytes"),
            offsets_retention_ms: layers.number("offsets.retention.minutes").saturating_mul(60_000),
            ..GroupConfig::default()
        };
        Self {
            groups,
            expiry_interval_ms: ms("offsets.retention.check.interval.ms"),
            log_growth_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use milena_kafka_config::{Configs, ServerConfigs};

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
            ServerConfigs::new("3.9".parse().expect("a version"), &set).expect("valid settings");
        let settings = Settings::new(configs.alone(), 5);
        let groups = &settings.groups;
        assert_eq!((groups.initial_rebalance_delay_ms, groups.offsets_retention_ms), (0, 120_000));
        assert_eq!((groups.max_size, groups.max_session_timeout_ms), (7, 1_800_000));
        assert_eq!((settings.expiry_interval_ms, settings.log_growth_bytes), (600_000, 5));
    }
}
