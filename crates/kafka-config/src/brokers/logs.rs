//! Logs, beyond what topics can set: where they are, how they are cleaned, and the defaults of new
//! topics.

use crate::{
    definition::{ConfigType, Definition, double, flag, int, list, long, min, text, unset},
    effect::{CLEANER, Effect, SEGMENTS, SERVICE, SYNCED, TIERS, honoured},
    value::Rule,
};

pub(super) const LOGS: &[Definition] = &[
    text(
        "log.dir",
        "/tmp/kafka-logs",
        Rule::Any,
        "The directory of logs, where log.dirs names none.",
    )
    .until(4, 2)
    .does(SERVICE),
    list(
        "log.dir",
        "/tmp/kafka-logs",
        Rule::Any,
        "The directory of logs, where log.dirs names none.",
    )
    .since(4, 2)
    .does(SERVICE),
    unset("log.dirs", ConfigType::String, Rule::Any, "The directories of logs.")
        .until(4, 2)
        .does(SERVICE),
    unset("log.dirs", ConfigType::List, Rule::Any, "The directories of logs.")
        .since(4, 2)
        .does(SERVICE),
    int("num.partitions", "1", min(1), "How many partitions a topic gets when nobody says.")
        .does(honoured("broker/src/topics/mod.rs", "defaults_stand_in_for_minus_one")),
    int(
        "default.replication.factor",
        "1",
        Rule::Any,
        "How many replicas a topic gets when nobody says.",
    )
    .does(honoured("broker/src/topics/mod.rs", "defaults_stand_in_for_minus_one")),
    int(
        "log.retention.hours",
        "168",
        Rule::Any,
        "How long records are kept, in hours, where no finer unit is set.",
    )
    .does(honoured(
        "kafka-config/src/layers.rs",
        "coarser_units_count_where_the_finer_one_is_not_set",
    )),
    unset(
        "log.retention.minutes",
        ConfigType::Int,
        Rule::Any,
        "How long records are kept, in minutes, where log.retention.ms is not set.",
    )
    .does(honoured(
        "kafka-config/src/layers.rs",
        "coarser_units_count_where_the_finer_one_is_not_set",
    )),
    long(
        "log.retention.check.interval.ms",
        "300000",
        min(1),
        "How often it is looked for records that have expired, in ms.",
    )
    .does(honoured("broker/src/broker.rs", "properties_take_effect")),
    int(
        "log.roll.hours",
        "168",
        min(1),
        "After how many hours a segment closes, where log.roll.ms is not set.",
    )
    .does(SEGMENTS),
    int(
        "log.roll.jitter.hours",
        "0",
        min(0),
        "By how many hours at most a segment closes earlier, where log.roll.jitter.ms is not set.",
    )
    .does(SEGMENTS),
    long(
        "log.flush.scheduler.interval.ms",
        "9223372036854775807",
        Rule::Any,
        "How often it is looked whether a log must be flushed, in ms.",
    )
    .does(SYNCED),
    int(
        "log.flush.offset.checkpoint.interval.ms",
        "60000",
        min(0),
        "How often recovery points are written, in ms.",
    )
    .does(Effect::Meaningless("the write-ahead log itself says where recovery begins")),
    int(
        "log.flush.start.offset.checkpoint.interval.ms",
        "60000",
        min(0),
        "How often log start offsets are written, in ms.",
    )
    .does(Effect::Meaningless("log start offsets are decisions in the metadata store")),
    flag("log.cleaner.enable", "true", "Whether compacted topics are cleaned.").does(CLEANER),
    int("log.cleaner.threads", "1", min(0), "Threads that clean compacted topics.")
        .cluster_wide()
        .does(CLEANER),
    long(
        "log.cleaner.backoff.ms",
        "15000",
        min(0),
        "How long a cleaner with nothing to do waits, in ms.",
    )
    .cluster_wide()
    .does(CLEANER),
    long(
        "log.cleaner.dedupe.buffer.size",
        "134217728",
        Rule::Any,
        "The memory of all cleaners for keys, in bytes.",
    )
    .cluster_wide()
    .does(CLEANER),
    int(
        "log.cleaner.io.buffer.size",
        "524288",
        min(0),
        "The memory of all cleaners for reading, in bytes.",
    )
    .cluster_wide()
    .does(CLEANER),
    double(
        "log.cleaner.io.buffer.load.factor",
        "0.9",
        Rule::Any,
        "How full the cleaners' memory for keys may become.",
    )
    .cluster_wide()
    .does(CLEANER),
    double(
        "log.cleaner.io.max.bytes.per.second",
        "1.7976931348623157E308",
        Rule::Any,
        "How much all cleaners together may read and write in a second.",
    )
    .cluster_wide()
    .does(CLEANER),
    flag(
        "remote.log.storage.system.enable",
        "false",
        "Whether topics may move old records to remote storage (remote.storage.enable).",
    )
    .since(3, 6)
    .does(TIERS),
    int("remote.log.reader.threads", "10", min(1), "Threads that read from remote storage.")
        .since(3, 6)
        .until(4, 0)
        .does(TIERS),
    int("remote.log.reader.threads", "10", min(1), "Threads that read from remote storage.")
        .cluster_wide()
        .since(4, 0)
        .does(TIERS),
    long(
        "remote.log.index.file.cache.total.size.bytes",
        "1073741824",
        min(1),
        "How much of remote storage's indexes is cached, in bytes.",
    )
    .cluster_wide()
    .since(3, 7)
    .does(TIERS),
    int(
        "remote.fetch.max.wait.ms",
        "500",
        min(1),
        "How long a fetch waits for remote storage, in ms.",
    )
    .cluster_wide()
    .since(3, 8)
    .does(TIERS),
    long(
        "remote.list.offsets.request.timeout.ms",
        "30000",
        min(1),
        "How long a search for an offset in remote storage may take, in ms.",
    )
    .cluster_wide()
    .since(4, 0)
    .does(TIERS),
    int(
        "remote.log.manager.copier.thread.pool.size",
        "-1",
        Rule::Any,
        "Threads that copy to remote storage.",
    )
    .since(3, 9)
    .until(4, 0)
    .does(TIERS),
    int(
        "remote.log.manager.copier.thread.pool.size",
        "10",
        min(1),
        "Threads that copy to remote storage.",
    )
    .cluster_wide()
    .since(4, 0)
    .does(TIERS),
    int(
        "remote.log.manager.expiration.thread.pool.size",
        "-1",
        Rule::Any,
        "Threads that delete in remote storage.",
    )
    .since(3, 9)
    .until(4, 0)
    .does(TIERS),
    int(
        "remote.log.manager.expiration.thread.pool.size",
        "10",
        min(1),
        "Threads that delete in remote storage.",
    )
    .cluster_wide()
    .since(4, 0)
    .does(TIERS),
    long(
        "remote.log.manager.copy.max.bytes.per.second",
        "9223372036854775807",
        min(1),
        "How many bytes a second a broker copies to remote storage.",
    )
    .cluster_wide()
    .since(3, 8)
    .does(TIERS),
    long(
        "remote.log.manager.fetch.max.bytes.per.second",
        "9223372036854775807",
        min(1),
        "How many bytes a second a broker reads from remote storage.",
    )
    .cluster_wide()
    .since(3, 8)
    .does(TIERS),
];
