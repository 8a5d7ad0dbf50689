//! Logs, beyond what topics can set: where they are, how they are cleaned, and the defaults of new topics.

use super::super::{
    definition::{ConfigType, Definition, double, flag, int, long, min, text, unset},
    value::Rule,
};

pub(super) const LOGS: &[Definition] = &[
    text("log.dir", "/tmp/kafka-logs", Rule::Any, "The directory of logs, where log.dirs names none."),
    unset("log.dirs", ConfigType::String, Rule::Any, "The directories of logs."),
    int("num.partitions", "1", min(1), "How many partitions a topic gets when nobody says."),
    int("default.replication.factor", "1", Rule::Any, "How many replicas a topic gets when nobody says."),
    int(
        "log.retention.hours",
        "168",
        Rule::Any,
        "How long records are kept, in hours, where no finer unit is set.",
    ),
    unset(
        "log.retention.minutes",
        ConfigType::Int,
        Rule::Any,
        "How long records are kept, in minutes, where log.retention.ms is not set.",
    ),
    long(
        "log.retention.check.interval.ms",
        "300000",
        min(1),
        "How often it is looked for records that have expired, in ms.",
    ),
    int(
        "log.roll.hours",
        "168",
        min(1),
        "After how many hours a segment closes, where log.roll.ms is not set.",
    ),
    int(
        "log.roll.jitter.hours",
        "0",
        min(0),
        "By how many hours at most a segment closes earlier, where log.roll.jitter.ms is not set.",
    ),
    long(
        "log.flush.scheduler.interval.ms",
        "9223372036854775807",
        Rule::Any,
        "How often it is looked whether a log must be flushed, in ms.",
    ),
    int(
        "log.flush.offset.checkpoint.interval.ms",
        "60000",
        min(0),
        "How often recovery points are written, in ms.",
    ),
    int(
        "log.flush.start.offset.checkpoint.interval.ms",
        "60000",
        min(0),
        "How often log start offsets are written, in ms.",
    ),
    flag("log.cleaner.enable", "true", "Whether compacted topics are cleaned."),
    int("log.cleaner.threads", "1", min(0), "Threads that clean compacted topics.").cluster_wide(),
    long("log.cleaner.backoff.ms", "15000", min(0), "How long a cleaner with nothing to do waits, in ms.")
        .cluster_wide(),
    long(
        "log.cleaner.dedupe.buffer.size",
        "134217728",
        Rule::Any,
        "The memory of all cleaners for keys, in bytes.",
    )
    .cluster_wide(),
    int("log.cleaner.io.buffer.size", "524288", min(0), "The memory of all cleaners for reading, in bytes.")
        .cluster_wide(),
    double(
        "log.cleaner.io.buffer.load.factor",
        "0.9",
        Rule::Any,
        "How full the cleaners' memory for keys may become.",
    )
    .cluster_wide(),
    double(
        "log.cleaner.io.max.bytes.per.second",
        "1.7976931348623157E308",
        Rule::Any,
        "How much all cleaners together may read and write in a second.",
    )
    .cluster_wide(),
    flag(
        "remote.log.storage.system.enable",
        "false",
        "Whether topics may move old records to remote storage (remote.storage.enable).",
    )
    .since(3, 6),
    int("remote.log.reader.threads", "10", min(1), "Threads that read from remote storage.")
        .cluster_wide()
        .since(3, 6),
    long(
        "remote.log.index.file.cache.total.size.bytes",
        "1073741824",
        min(1),
        "How much of remote storage's indexes is cached, in bytes.",
    )
    .cluster_wide()
    .since(3, 6),
];
