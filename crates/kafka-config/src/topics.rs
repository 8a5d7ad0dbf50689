//! The configurations of topics.

use crate::{
    definition::{Definition, between, double, flag, int, list, long, min, text},
    effect::{CLEANER, Effect, FOLLOWERS, SEGMENTS, SYNCED, TIERS, honoured, partly},
    value::Rule,
};

/// The largest 64-bit number, which is "never" and "no limit".
const MAX: &str = "9223372036854775807";

/// Every one, by name. One name has two rows where releases differ in its default or rule.
pub(super) const TOPICS: &[Definition] = &[
    list(
        "cleanup.policy",
        "delete",
        Rule::ListOf(&["compact", "delete"]),
        "What happens to old records: delete removes them by age and size, compact keeps the \
         newest of each key. Both may be given.",
    )
    .server("log.cleanup.policy")
    .does(partly(
        "kafka-config/src/topic_config.rs",
        "a_record_without_a_key_on_a_compacted_topic_refuses_the_whole_batch",
        "compacted topics are not cleaned yet: all their records stay",
    )),
    int("compression.gzip.level", "-1", Rule::Level(1, 9), "The level when the broker compresses with gzip.")
        .server("compression.gzip.level")
        .since(3, 8)
        .does(honoured("kafka-config/src/topic_config.rs", "a_topic_compresses_at_the_level_of_its_codec")),
    int("compression.lz4.level", "9", between(1, 17), "The level when the broker compresses with lz4.")
        .server("compression.lz4.level")
        .since(3, 8)
        .does(Effect::Meaningless("LZ4 has one level here")),
    text(
        "compression.type",
        "producer",
        Rule::OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        "The codec that records are stored with; producer keeps the one the producer chose.",
    )
    .server("compression.type")
    .does(honoured("kafka-config/src/topic_config.rs", "a_topic_with_a_codec_of_its_own_stores_records_in_it")),
    int(
        "compression.zstd.level",
        "3",
        between(-131_072, 22),
        "The level when the broker compresses with zstd.",
    )
    .server("compression.zstd.level")
    .since(3, 8)
    .does(honoured("kafka-config/src/topic_config.rs", "a_topic_compresses_at_the_level_of_its_codec")),
    long(
        "delete.retention.ms",
        "86400000",
        min(0),
        "How long a compacted topic keeps the marker of a deleted key, in ms, so that a \
         consumer reading from the start sees the deletion.",
    )
    .server("log.cleaner.delete.retention.ms")
    .does(CLEANER),
    long("file.delete.delay.ms", "60000", min(0), "How long the bytes of removed records may stay, in ms.")
        .server("log.segment.delete.delay.ms")
        .does(Effect::Meaningless("an object goes when no reader can still need it")),
    long(
        "flush.messages",
        MAX,
        min(1),
        "After how many records they are forced to disk. Here every acknowledged record already is.",
    )
    .server("log.flush.interval.messages")
    .does(SYNCED),
    long(
        "flush.ms",
        MAX,
        min(0),
        "After how many ms records are forced to disk. Here every acknowledged record already is.",
    )
    .server_null("log.flush.interval.ms")
    .does(SYNCED),
    list(
        "follower.replication.throttled.replicas",
        "",
        Rule::ThrottledReplicas,
        "The replicas whose followers are slowed, as partition:broker pairs, or * for all.",
    )
    .does(FOLLOWERS),
    int("index.interval.bytes", "4096", min(0), "About how many bytes lie between two entries of the index.")
        .server("log.index.interval.bytes")
        .does(SEGMENTS),
    list(
        "leader.replication.throttled.replicas",
        "",
        Rule::ThrottledReplicas,
        "The replicas whose leaders are slowed, as partition:broker pairs, or * for all.",
    )
    .does(FOLLOWERS),
    long(
        "local.retention.bytes",
        "-2",
        min(-2),
        "How many bytes of a tiered partition stay on the brokers; -2 takes retention.bytes.",
    )
    .server("log.local.retention.bytes")
    .since(3, 6)
    .does(TIERS),
    long(
        "local.retention.ms",
        "-2",
        min(-2),
        "How long a tiered partition's records stay on the brokers, in ms; -2 takes retention.ms.",
    )
    .server("log.local.retention.ms")
    .since(3, 6)
    .does(TIERS),
    long(
        "max.compaction.lag.ms",
        MAX,
        min(1),
        "After how many ms a record of a compacted topic can no longer escape compaction.",
    )
    .server("log.cleaner.max.compaction.lag.ms")
    .does(CLEANER),
    int(
        "max.message.bytes",
        "1048588",
        min(0),
        "How large a record batch may be, in bytes, compressed as it is sent.",
    )
    .server("message.max.bytes")
    .does(honoured("kafka-config/src/topic_config.rs", "a_batch_larger_than_the_topic_allows_is_message_too_large")),
    flag(
        "message.downconversion.enable",
        "true",
        "Whether consumers of old formats get records converted; otherwise they are refused.",
    )
    .server("log.message.downconversion.enable")
    .until(4, 0)
    .does(honoured("kafka-config/src/topic_config.rs", "a_topic_without_down_conversion_refuses_old_consumers")),
    text(
        "message.format.version",
        "2.8-IV1",
        Rule::Release(2, 8),
        "The release whose message format readers get: before 0.10 messages have no timestamp, \
         before 0.11 they have no headers and no idempotent producers. The log holds batches \
         whatever it is.",
    )
    .server("log.message.format.version")
    .until(3, 0)
    .does(honoured("kafka-config/src/topic_config.rs", "kafka_2_8_gives_readers_the_format_that_a_topic_asks_for")),
    text(
        "message.format.version",
        "3.0-IV1",
        Rule::Release(3, 9),
        "The format records were stored in, once. It has no effect.",
    )
    .server("log.message.format.version")
    .since(3, 0)
    .until(4, 0)
    .does(Effect::Meaningless("records are stored in one format, which is the newest of Kafka's")),
    long(
        "message.timestamp.after.max.ms",
        MAX,
        min(0),
        "How far a producer's timestamp may be ahead of the broker's clock, in ms.",
    )
    .server("log.message.timestamp.after.max.ms")
    .since(3, 6)
    .until(4, 0)
    .does(honoured("kafka-config/src/topic_config.rs", "timestamps_beyond_the_limit_are_invalid_timestamp")),
    long(
        "message.timestamp.after.max.ms",
        "3600000",
        min(0),
        "How far a producer's timestamp may be ahead of the broker's clock, in ms.",
    )
    .server("log.message.timestamp.after.max.ms")
    .since(4, 0)
    .does(honoured("kafka-config/src/topic_config.rs", "timestamps_beyond_the_limit_are_invalid_timestamp")),
    long(
        "message.timestamp.before.max.ms",
        MAX,
        min(0),
        "How far a producer's timestamp may be behind the broker's clock, in ms.",
    )
    .server("log.message.timestamp.before.max.ms")
    .since(3, 6)
    .does(honoured("kafka-config/src/topic_config.rs", "timestamps_beyond_the_limit_are_invalid_timestamp")),
    long(
        "message.timestamp.difference.max.ms",
        MAX,
        min(0),
        "How far a producer's timestamp may be from the broker's clock in both directions, in ms.",
    )
    .server("log.message.timestamp.difference.max.ms")
    .until(4, 0)
    .does(honoured("kafka-config/src/topic_config.rs", "a_topics_configuration_is_typed")),
    text(
        "message.timestamp.type",
        "CreateTime",
        Rule::OneOf(&["CreateTime", "LogAppendTime"]),
        "Whether records keep their producer's time or get the broker's.",
    )
    .server("log.message.timestamp.type")
    .does(honoured("kafka-config/src/topic_config.rs", "log_append_time_replaces_timestamps_and_is_answered")),
    double(
        "min.cleanable.dirty.ratio",
        "0.5",
        Rule::Ratio(0.0, 1.0),
        "How much of a compacted log must be uncleaned before it is cleaned again.",
    )
    .server("log.cleaner.min.cleanable.ratio")
    .does(CLEANER),
    long(
        "min.compaction.lag.ms",
        "0",
        min(0),
        "For how many ms a record of a compacted topic stays whatever comes after it.",
    )
    .server("log.cleaner.min.compaction.lag.ms")
    .does(CLEANER),
    int(
        "min.insync.replicas",
        "1",
        min(1),
        "How many replicas must have a record before acks=all is answered. Here the storage \
         makes records durable, and the setting is only reported.",
    )
    .server("min.insync.replicas")
    .does(Effect::Meaningless(
        "a record is in the storage that all brokers share before it is acknowledged; the \
         setting is shown and refuses nothing",
    )),
    flag("preallocate", "false", "Whether files get their full size at once.")
        .server("log.preallocate")
        .does(Effect::Meaningless("the write-ahead log always has its space set aside")),
    flag(
        "remote.log.copy.disable",
        "false",
        "Whether a tiered topic stops copying to remote storage and only reads what is there.",
    )
    .since(3, 9)
    .does(TIERS),
    flag(
        "remote.log.delete.on.disable",
        "false",
        "Whether what is in remote storage is deleted when a topic stops being tiered.",
    )
    .since(3, 9)
    .does(TIERS),
    flag("remote.storage.enable", "false", "Whether old records move to remote storage.").since(3, 6).does(
        Effect::Meaningless(
            "there is no tier to move records to; true is refused, as Kafka does without one",
        ),
    ),
    long(
        "retention.bytes",
        "-1",
        Rule::Any,
        "How many bytes a partition keeps before its oldest records are deleted; -1 for no limit.",
    )
    .server("log.retention.bytes")
    .does(honoured("kafka-config/src/topic_config.rs", "retention_takes_the_oldest_segments_by_time_and_by_size")),
    long(
        "retention.ms",
        "604800000",
        min(-1),
        "How long records are kept before they are deleted, in ms; -1 for ever.",
    )
    .server_null("log.retention.ms")
    .does(honoured("kafka-config/src/topic_config.rs", "retention_takes_the_oldest_segments_by_time_and_by_size")),
    int("segment.bytes", "1073741824", min(14), "How large a log segment may become, in bytes.")
        .server("log.segment.bytes")
        .until(4, 0)
        .does(SEGMENTS),
    int("segment.bytes", "1073741824", min(1_048_576), "How large a log segment may become, in bytes.")
        .server("log.segment.bytes")
        .since(4, 0)
        .does(SEGMENTS),
    int("segment.index.bytes", "10485760", min(4), "How large a segment's index may become, in bytes.")
        .server("log.index.size.max.bytes")
        .does(SEGMENTS),
    long(
        "segment.jitter.ms",
        "0",
        min(0),
        "By how many ms at most a segment closes earlier than segment.ms, so that not all close at once.",
    )
    .server_null("log.roll.jitter.ms")
    .does(SEGMENTS),
    long("segment.ms", "604800000", min(1), "After how many ms a segment closes even when it is not full.")
        .server_null("log.roll.ms")
        .does(SEGMENTS),
    flag(
        "unclean.leader.election.enable",
        "false",
        "Whether a replica that is behind may become leader. Here none can be: the setting is \
         only reported.",
    )
    .server("unclean.leader.election.enable")
    .does(Effect::Meaningless("no replica can be behind: whoever leads reads the same storage")),
];
