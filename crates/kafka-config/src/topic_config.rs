//! The topic configurations that Milena acts on, typed.

use milena_records::{Compression, TimestampType, legacy::MessageFormat};

use crate::{
    effective::EffectiveConfig,
    message_format_version::old_format,
    value::{Configs, list_items},
};

/// `cleanup.policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Every record needs a key.
    pub compact: bool,
    /// Retention applies.
    pub delete: bool,
}

/// `compression.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredCompression {
    /// As the producer sent them.
    Producer,
    /// With this codec.
    Fixed(Compression),
}

/// The topic configurations that Milena acts on: named like the configuration with `_` for `.`.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    pub cleanup_policy: CleanupPolicy,
    pub compression_type: StoredCompression,
    /// `compression.gzip.level` or `compression.zstd.level`, by the codec; `None` for the codec's
    /// default.
    pub compression_level: Option<i32>,
    pub max_message_bytes: usize,
    /// False in releases without it: they do not convert.
    pub message_downconversion_enable: bool,
    /// The old format that readers get; `None` for batches. Without effect from Kafka 3.0 on
    /// (KIP-724).
    pub message_format_version: Option<MessageFormat>,
    pub message_timestamp_type: TimestampType,
    /// `message.timestamp.difference.max.ms` where only that is set.
    pub message_timestamp_before_max_ms: i64,
    /// `message.timestamp.difference.max.ms` where only that is set.
    pub message_timestamp_after_max_ms: i64,
    /// `None` for no limit, also without the delete policy.
    pub retention_bytes: Option<u64>,
    /// `None` for ever, also without the delete policy.
    pub retention_ms: Option<i64>,
}

impl EffectiveConfig<'_> {
    /// The configuration in force for a topic, where `topic` is set for it.
    pub fn topic_config(&self, topic: &Configs) -> TopicConfig {
        let values = TopicValues { config: self, topic };
        let cleanup_policy = values.cleanup_policy();
        let limit = |name| values.number(name).filter(|limit| cleanup_policy.delete && *limit >= 0);
        // Before KIP-937 one configuration limited both directions; it still does where the newer
        // ones are not set.
        let difference = values.number("message.timestamp.difference.max.ms");
        let timestamp_max = |name| {
            let set = values.number(name).filter(|ms| *ms != i64::MAX);
            set.or(difference).unwrap_or(i64::MAX)
        };
        let compression_type = values.compression_type();
        TopicConfig {
            cleanup_policy,
            compression_type,
            compression_level: values.compression_level(compression_type),
            max_message_bytes: values
                .number("max.message.bytes")
                .map(|bytes| usize::try_from(bytes).unwrap_or(0))
                .expect("every release has a default of max.message.bytes"),
            message_downconversion_enable: values.is("message.downconversion.enable", "true"),
            message_format_version: values.message_format_version(),
            message_timestamp_type: match values.is("message.timestamp.type", "LogAppendTime") {
                true => TimestampType::LogAppendTime,
                false => TimestampType::CreateTime,
            },
            message_timestamp_before_max_ms: timestamp_max("message.timestamp.before.max.ms"),
            message_timestamp_after_max_ms: timestamp_max("message.timestamp.after.max.ms"),
            retention_bytes: limit("retention.bytes").and_then(|bytes| u64::try_from(bytes).ok()),
            retention_ms: limit("retention.ms"),
        }
    }
}

/// The values in force for a topic, by name.
struct TopicValues<'a> {
    config: &'a EffectiveConfig<'a>,
    topic: &'a Configs,
}

impl TopicValues<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.config.topic_value(self.config.catalogue().topic(name)?, self.topic)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.text(name).as_deref() == Some(value)
    }

    fn cleanup_policy(&self) -> CleanupPolicy {
        let policy = self.text("cleanup.policy").unwrap_or_default();
        let has = |wanted| list_items(&policy).any(|item| item == wanted);
        CleanupPolicy { compact: has("compact"), delete: has("delete") }
    }

    fn compression_type(&self) -> StoredCompression {
        match self.text("compression.type").as_deref() {
            Some("uncompressed") => StoredCompression::Fixed(Compression::None),
            Some(name) => Compression::from_name(name)
                .map_or(StoredCompression::Producer, StoredCompression::Fixed),
            None => StoredCompression::Producer,
        }
    }

    fn compression_level(&self, compression: StoredCompression) -> Option<i32> {
        let name = match compression {
            StoredCompression::Fixed(Compression::Gzip) => "compression.gzip.level",
            StoredCompression::Fixed(Compression::Zstd) => "compression.zstd.level",
            _ => return None,
        };
        let level = self.number(name).and_then(|level| i32::try_from(level).ok());
        // Gzip has no level below 0; -1 stands for its default.
        level.filter(|level| {
            *level >= 0 || compression == StoredCompression::Fixed(Compression::Zstd)
        })
    }

    fn message_format_version(&self) -> Option<MessageFormat> {
        if self.config.catalogue().version().is_at_least(3, 0) {
            return None;
        }
        old_format(&self.text("message.format.version")?)
    }
}
