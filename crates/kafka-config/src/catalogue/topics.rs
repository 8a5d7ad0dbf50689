//! The configurations of topics.

use crate::{
    definition::{Change, Definition, LONG_MAX, double, flag, int, list, long, text},
    effect::{CLEANER, FOLLOWERS, SEGMENTS, SYNCED, TIERS},
    value::Rule,
};

#[rustfmt::skip]
pub(super) const TOPICS: &[Definition] = &[
    list("cleanup.policy", "delete").list_of(&["compact", "delete"]).server("log.cleanup.policy")
        .partly("a_record_without_a_key_on_a_compacted_topic_refuses_the_whole_batch",
            "compacted topics are not cleaned yet: all their records stay")
        .doc("What happens to old records: delete removes them by age and size, compact keeps the \
            newest of each key. Both may be given."),
    int("compression.gzip.level", "-1").rule(Rule::Level(1, 9)).since(3, 8)
        .server("compression.gzip.level").read_as("compression_level")
        .honoured("a_topic_compresses_at_the_level_of_its_codec")
        .doc("The level when the broker compresses with gzip."),
    int("compression.lz4.level", "9").between(1, 17).since(3, 8).server("compression.lz4.level")
        .meaningless("LZ4 has one level here")
        .doc("The level when the broker compresses with lz4."),
    text("compression.type", "producer")
        .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"])
        .server("compression.type").honoured("a_topic_with_a_codec_of_its_own_stores_records_in_it")
        .doc("The codec that records are stored with; producer keeps the one the producer chose."),
    int("compression.zstd.level", "3").between(-131_072, 22).since(3, 8)
        .server("compression.zstd.level").read_as("compression_level")
        .honoured("a_topic_compresses_at_the_level_of_its_codec")
        .doc("The level when the broker compresses with zstd."),
    long("delete.retention.ms", "86400000").at_least(0).server("log.cleaner.delete.retention.ms")
        .effect(CLEANER)
        .doc("How long a compacted topic keeps the marker of a deleted key, in ms, so that a \
            consumer reading from the start sees the deletion."),
    long("file.delete.delay.ms", "60000").at_least(0).server("log.segment.delete.delay.ms")
        .meaningless("an object goes when no reader can still need it")
        .doc("How long the bytes of removed records may stay, in ms."),
    long("flush.messages", LONG_MAX).at_least(1).server("log.flush.interval.messages")
        .effect(SYNCED)
        .doc("After how many records they are forced to disk. Here every acknowledged record \
            already is."),
    long("flush.ms", LONG_MAX).at_least(0).server_null("log.flush.interval.ms").effect(SYNCED)
        .doc("After how many ms records are forced to disk. Here every acknowledged record already \
            is."),
    list("follower.replication.throttled.replicas", "").rule(Rule::ThrottledReplicas)
        .effect(FOLLOWERS)
        .doc("The replicas whose followers are slowed, as partition:broker pairs, or * for all."),
    int("index.interval.bytes", "4096").at_least(0).server("log.index.interval.bytes")
        .effect(SEGMENTS)
        .doc("About how many bytes lie between two entries of the index."),
    list("leader.replication.throttled.replicas", "").rule(Rule::ThrottledReplicas)
        .effect(FOLLOWERS)
        .doc("The replicas whose leaders are slowed, as partition:broker pairs, or * for all."),
    long("local.retention.bytes", "-2").at_least(-2).since(3, 6).server("log.local.retention.bytes")
        .effect(TIERS)
        .doc("How many bytes of a tiered partition stay on the brokers; -2 takes retention.bytes."),
    long("local.retention.ms", "-2").at_least(-2).since(3, 6).server("log.local.retention.ms")
        .effect(TIERS)
        .doc("How long a tiered partition's records stay on the brokers, in ms; -2 takes \
            retention.ms."),
    long("max.compaction.lag.ms", LONG_MAX).at_least(1).server("log.cleaner.max.compaction.lag.ms")
        .effect(CLEANER)
        .doc("After how many ms a record of a compacted topic can no longer escape compaction."),
    int("max.message.bytes", "1048588").at_least(0).server("message.max.bytes")
        .honoured("a_batch_larger_than_the_topic_allows_is_message_too_large")
        .doc("How large a record batch may be, in bytes, compressed as it is sent."),
    flag("message.downconversion.enable", "true").until(4, 0)
        .server("log.message.downconversion.enable")
        .honoured("a_topic_without_down_conversion_refuses_old_consumers")
        .doc("Whether consumers of old formats get records converted; otherwise they are refused."),
    text("message.format.version", "2.8-IV1").rule(Rule::Release(2, 8)).until(3, 0)
        .server("log.message.format.version")
        .honoured("kafka_2_8_gives_readers_the_format_that_a_topic_asks_for")
        .doc("The release whose message format readers get: before 0.10 messages have no \
            timestamp, before 0.11 they have no headers and no idempotent producers. The log holds \
            batches whatever it is."),
    text("message.format.version", "3.0-IV1").rule(Rule::Release(3, 9)).since(3, 0).until(4, 0)
        .server("log.message.format.version")
        .meaningless("records are stored in one format, which is the newest of Kafka's")
        .doc("The format records were stored in, once. It has no effect."),
    long("message.timestamp.after.max.ms", LONG_MAX).at_least(0).since(3, 6)
        .changes(&[(4, 0, Change::Default("3600000"))]).server("log.message.timestamp.after.max.ms")
        .honoured("timestamps_beyond_the_limit_are_invalid_timestamp")
        .doc("How far a producer's timestamp may be ahead of the broker's clock, in ms."),
    long("message.timestamp.before.max.ms", LONG_MAX).at_least(0).since(3, 6)
        .server("log.message.timestamp.before.max.ms")
        .honoured("timestamps_beyond_the_limit_are_invalid_timestamp")
        .doc("How far a producer's timestamp may be behind the broker's clock, in ms."),
    long("message.timestamp.difference.max.ms", LONG_MAX).at_least(0).until(4, 0)
        .server("log.message.timestamp.difference.max.ms")
        .read_as("message_timestamp_after_max_ms").honoured("a_topics_configuration_is_typed")
        .doc("How far a producer's timestamp may be from the broker's clock in both directions, in \
            ms."),
    text("message.timestamp.type", "CreateTime").one_of(&["CreateTime", "LogAppendTime"])
        .server("log.message.timestamp.type")
        .honoured("log_append_time_replaces_timestamps_and_is_answered")
        .doc("Whether records keep their producer's time or get the broker's."),
    double("min.cleanable.dirty.ratio", "0.5").rule(Rule::Ratio(0.0, 1.0))
        .server("log.cleaner.min.cleanable.ratio").effect(CLEANER)
        .doc("How much of a compacted log must be uncleaned before it is cleaned again."),
    long("min.compaction.lag.ms", "0").at_least(0).server("log.cleaner.min.compaction.lag.ms")
        .effect(CLEANER)
        .doc("For how many ms a record of a compacted topic stays whatever comes after it."),
    int("min.insync.replicas", "1").at_least(1).server("min.insync.replicas")
        .meaningless("a record is in the storage that all brokers share before it is acknowledged; \
            the setting is shown and refuses nothing")
        .doc("How many replicas must have a record before acks=all is answered. Here the storage \
            makes records durable, and the setting is only reported."),
    flag("preallocate", "false").server("log.preallocate")
        .meaningless("the write-ahead log always has its space set aside")
        .doc("Whether files get their full size at once."),
    flag("remote.log.copy.disable", "false").since(3, 9).effect(TIERS)
        .doc("Whether a tiered topic stops copying to remote storage and only reads what is \
            there."),
    flag("remote.log.delete.on.disable", "false").since(3, 9).effect(TIERS)
        .doc("Whether what is in remote storage is deleted when a topic stops being tiered."),
    flag("remote.storage.enable", "false").since(3, 6)
        .meaningless("there is no tier to move records to; true is refused, as Kafka does without \
            one")
        .doc("Whether old records move to remote storage."),
    long("retention.bytes", "-1").server("log.retention.bytes")
        .honoured("retention_takes_the_oldest_segments_by_time_and_by_size")
        .doc("How many bytes a partition keeps before its oldest records are deleted; -1 for no \
            limit."),
    long("retention.ms", "604800000").at_least(-1).server_null("log.retention.ms")
        .honoured("retention_takes_the_oldest_segments_by_time_and_by_size")
        .doc("How long records are kept before they are deleted, in ms; -1 for ever."),
    int("segment.bytes", "1073741824").at_least(14)
        .changes(&[(4, 0, Change::Rule(Rule::Between(1_048_576, i64::MAX)))])
        .server("log.segment.bytes").effect(SEGMENTS)
        .doc("How large a log segment may become, in bytes."),
    int("segment.index.bytes", "10485760").at_least(4).server("log.index.size.max.bytes")
        .effect(SEGMENTS)
        .doc("How large a segment's index may become, in bytes."),
    long("segment.jitter.ms", "0").at_least(0).server_null("log.roll.jitter.ms").effect(SEGMENTS)
        .doc("By how many ms at most a segment closes earlier than segment.ms, so that not all \
            close at once."),
    long("segment.ms", "604800000").at_least(1).server_null("log.roll.ms").effect(SEGMENTS)
        .doc("After how many ms a segment closes even when it is not full."),
    flag("unclean.leader.election.enable", "false").server("unclean.leader.election.enable")
        .meaningless("no replica can be behind: whoever leads reads the same storage")
        .doc("Whether a replica that is behind may become leader. Here none can be: the setting is \
            only reported."),
];
