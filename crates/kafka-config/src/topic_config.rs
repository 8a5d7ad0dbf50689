//! A topic's configuration, typed, for whoever acts on it.

use milena_records::{Compression, TimestampType, legacy::MessageFormat};

use super::{Configs, Layers, format_version::old_format, value::list_items};

const MESSAGE_FORMAT: &str = "message.format.version";
/// The release that stores batches whatever a topic asks for (KIP-724).
const FIRST_WITHOUT_FORMATS: (u8, u8) = (3, 0);

/// How records are stored (`compression.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredCompression {
    /// As the producer sent them.
    Producer,
    /// With this codec.
    Fixed(Compression),
}

/// What is in force for a topic. Times are in ms.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy` includes delete: retention applies.
    pub deletes: bool,
    /// `cleanup.policy` includes compact: every record needs a key.
    pub compacts: bool,
    /// `compression.type`.
    pub compression: StoredCompression,
    /// `compression.gzip.level` or `compression.zstd.level`, by the codec; `None` for the codec's
    /// default.
    pub compression_level: Option<i32>,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u64,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: i64,
    /// `max.message.bytes`.
    pub max_message_bytes: usize,
    /// `message.downconversion.enable`; releases without it do not convert.
    pub message_downconversion: bool,
    /// `message.format.version`: the old format that readers get; none for batches. From Kafka 3.0
    /// on it has no effect (KIP-724).
    pub message_format: Option<MessageFormat>,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`, or the older difference.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`, or the older difference.
    pub timestamp_after_max_ms: i64,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: i64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
    /// `retention.bytes`; `None` for no limit, also without the delete policy.
    pub retention_bytes: Option<u64>,
    /// `retention.ms`; `None` for ever, also without the delete policy.
    pub retention_ms: Option<i64>,
    /// `segment.bytes`.
    pub segment_bytes: u64,
    /// `segment.ms`.
    pub segment_ms: i64,
}

impl Layers<'_> {
    /// The configuration of a topic, where `topic` was set for it.
    pub fn topic_config(&self, topic: &Configs) -> TopicConfig {
        let values = InForce { layers: self, topic };
        let policy = values.text("cleanup.policy").unwrap_or_default();
        let has = |wanted| list_items(&policy).any(|item| item == wanted);
        let deletes = has("delete");
        let limit = |name| values.number(name).filter(|limit| deletes && *limit >= 0);
        // Before KIP-937 one setting limited both directions; it still does where the newer ones
        // say nothing.
        let difference = values.number("message.timestamp.difference.max.ms");
        let bound = |name| {
            let set = values.number(name).filter(|ms| *ms != i64::MAX);
            set.or(difference).unwrap_or(i64::MAX)
        };
        let compression = values.compression();
        TopicConfig {
            deletes,
            compacts: has("compact"),
            compression,
            compression_level: values.compression_level(compression),
            delete_retention_ms: values.known("delete.retention.ms"),
            index_interval_bytes: values.size("index.interval.bytes"),
            max_compaction_lag_ms: values.known("max.compaction.lag.ms"),
            max_message_bytes: usize::try_from(values.known("max.message.bytes")).unwrap_or(0),
            message_downconversion: values.text("message.downconversion.enable").as_deref()
                == Some("true"),
            message_format: values.message_format(),
            timestamp_type: match values.text("message.timestamp.type").as_deref() {
                Some("LogAppendTime") => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            timestamp_before_max_ms: bound("message.timestamp.before.max.ms"),
            timestamp_after_max_ms: bound("message.timestamp.after.max.ms"),
            min_cleanable_dirty_ratio: values
                .text("min.cleanable.dirty.ratio")
                .and_then(|ratio| ratio.parse().ok())
                .unwrap_or(0.5),
            min_compaction_lag_ms: values.known("min.compaction.lag.ms"),
            min_insync_replicas: i32::try_from(values.known("min.insync.replicas")).unwrap_or(1),
            retention_bytes: limit("retention.bytes").and_then(|bytes| u64::try_from(bytes).ok()),
            retention_ms: limit("retention.ms"),
            segment_bytes: values.size("segment.bytes"),
            segment_ms: values.known("segment.ms"),
        }
    }
}

/// A topic's values by name.
struct InForce<'a> {
    layers: &'a Layers<'a>,
    topic: &'a Configs,
}

impl InForce<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.layers.topic_value(self.layers.catalogue().topic(name)?, self.topic)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// A number that every release has.
    fn known(&self, name: &str) -> i64 {
        self.number(name).unwrap_or_else(|| panic!("{name} is a number with a default"))
    }

    fn size(&self, name: &str) -> u64 {
        u64::try_from(self.known(name)).unwrap_or(0)
    }

    fn message_format(&self) -> Option<MessageFormat> {
        let until = self.layers.catalogue().topic(MESSAGE_FORMAT)?.until;
        (until <= FIRST_WITHOUT_FORMATS)
            .then(|| self.text(MESSAGE_FORMAT))
            .flatten()
            .and_then(|v| old_format(&v))
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

    fn compression(&self) -> StoredCompression {
        match self.text("compression.type").as_deref() {
            Some("uncompressed") => StoredCompression::Fixed(Compression::None),
            Some(name) => Compression::from_name(name)
                .map_or(StoredCompression::Producer, StoredCompression::Fixed),
            None => StoredCompression::Producer,
        }
    }
}
