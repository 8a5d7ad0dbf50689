//! What a topic's configuration asks of the records that are written to it.

use std::collections::BTreeMap;

use milena_records::{RecordRules, TimestampType};

/// The settings of one topic that produce looks at, parsed once per change of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicRules {
    /// `max.message.bytes`: the size of a batch as sent.
    pub(crate) batch_bytes_max: usize,
    /// `message.timestamp.type`.
    pub(crate) timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub(crate) timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub(crate) timestamp_after_max_ms: i64,
    /// `cleanup.policy` includes `compact`.
    pub(crate) compacted: bool,
}

impl Default for TopicRules {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            batch_bytes_max: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compacted: false,
        }
    }
}

impl TopicRules {
    /// The rules under `configs`, by Kafka's names. What is not set, or cannot be read, is Kafka's default: values are
    /// checked when they are set.
    pub(crate) fn of(configs: &BTreeMap<String, String>) -> Self {
        let default = Self::default();
        let number = |name: &str| configs.get(name).and_then(|text| text.trim().parse::<i64>().ok());
        let text = |name: &str| configs.get(name).map(|text| text.trim());
        // Before KIP-937 one setting was both limits; MSK's older Kafka versions know no other.
        let difference = number("message.timestamp.difference.max.ms");
        Self {
            batch_bytes_max: number("max.message.bytes")
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(default.batch_bytes_max),
            timestamp_type: match text("message.timestamp.type") {
                Some("LogAppendTime") => TimestampType::LogAppendTime,
                _ => default.timestamp_type,
            },
            timestamp_before_max_ms: number("message.timestamp.before.max.ms")
                .or(difference)
                .unwrap_or(default.timestamp_before_max_ms),
            timestamp_after_max_ms: number("message.timestamp.after.max.ms")
                .or(difference)
                .unwrap_or(default.timestamp_after_max_ms),
            compacted: text("cleanup.policy")
                .is_some_and(|policy| policy.split(',').any(|p| p.trim() == "compact")),
        }
    }

    /// What each record has to keep to when it arrives at `now_ms`.
    pub(crate) fn records(&self, now_ms: i64) -> RecordRules {
        let timestamps = (self.timestamp_type == TimestampType::CreateTime).then(|| {
            let earliest = now_ms.saturating_sub(self.timestamp_before_max_ms);
            earliest..=now_ms.saturating_add(self.timestamp_after_max_ms)
        });
        RecordRules { key_required: self.compacted, timestamps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn settings_are_read_by_kafkas_names() {
        let rules = TopicRules::of(&configs(&[
            ("max.message.bytes", "100"),
            ("message.timestamp.type", "LogAppendTime"),
            ("message.timestamp.before.max.ms", "5"),
            ("cleanup.policy", "delete, compact"),
        ]));
        assert_eq!(rules.batch_bytes_max, 100);
        assert_eq!(rules.timestamp_type, TimestampType::LogAppendTime);
        assert_eq!(rules.timestamp_before_max_ms, 5);
        assert!(rules.compacted);
        assert_eq!(TopicRules::of(&configs(&[])), TopicRules::default());
    }

    #[test]
    fn the_older_difference_limits_both_directions() {
        let rules = TopicRules::of(&configs(&[("message.timestamp.difference.max.ms", "10")]));
        let bounds = rules.records(100).timestamps.expect("create time is checked");
        assert_eq!(bounds, 90..=110);
    }

    #[test]
    fn log_append_time_checks_no_timestamps() {
        let rules = TopicRules { timestamp_type: TimestampType::LogAppendTime, ..TopicRules::default() };
        assert_eq!(rules.records(0).timestamps, None);
    }
}
