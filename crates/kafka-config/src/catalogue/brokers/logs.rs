//! Logs, beyond what topics can set: where they are, how they are cleaned, and the defaults of new
//! topics.

use crate::{
    definition::{Change, Definition, LONG_MAX, Update, double, flag, int, long, text, unset},
    effect::{CLEANER, SEGMENTS, SERVICE, SYNCED, TIERS},
    value::{ConfigType, Rule},
};

#[rustfmt::skip]
pub(super) const LOGS: &[Definition] = &[
    text("log.dir", "/tmp/kafka-logs").changes(&[(4, 2, Change::Type(ConfigType::List))])
        .effect(SERVICE)
        .doc("The directory of logs, where log.dirs names none."),
    unset("log.dirs", ConfigType::String).changes(&[(4, 2, Change::Type(ConfigType::List))])
        .effect(SERVICE)
        .doc("The directories of logs."),
    int("num.partitions", "1").at_least(1).honoured("defaults_stand_in_for_minus_one")
        .doc("The partitions of a topic that is created without a number of them."),
    int("default.replication.factor", "1").honoured("defaults_stand_in_for_minus_one")
        .doc("The replicas of a topic that is created without a number of them."),
    int("log.retention.hours", "168").read_as("retention_ms")
        .honoured("coarser_units_count_where_the_finer_one_is_not_set")
        .doc("How long records are kept, in hours, where no finer unit is set."),
    unset("log.retention.minutes", ConfigType::Int).read_as("retention_ms")
        .honoured("coarser_units_count_where_the_finer_one_is_not_set")
        .doc("How long records are kept, in minutes, where log.retention.ms is not set."),
    long("log.retention.check.interval.ms", "300000").at_least(1).honoured("properties_take_effect")
        .doc("How often expired records are searched for, in ms."),
    int("log.roll.hours", "168").at_least(1).effect(SEGMENTS)
        .doc("After how many hours a segment closes, where log.roll.ms is not set."),
    int("log.roll.jitter.hours", "0").at_least(0).effect(SEGMENTS)
        .doc("By how many hours at most a segment closes earlier, where log.roll.jitter.ms is not \
            set."),
    long("log.flush.scheduler.interval.ms", LONG_MAX).effect(SYNCED)
        .doc("How often logs are checked for a flush that is due, in ms."),
    int("log.flush.offset.checkpoint.interval.ms", "60000").at_least(0)
        .meaningless("the write-ahead log itself says where recovery begins")
        .doc("How often recovery points are written, in ms."),
    int("log.flush.start.offset.checkpoint.interval.ms", "60000").at_least(0)
        .meaningless("log start offsets are decisions in the metadata store")
        .doc("How often log start offsets are written, in ms."),
    flag("log.cleaner.enable", "true").effect(CLEANER)
        .doc("Whether compacted topics are cleaned."),
    int("log.cleaner.threads", "1").at_least(0).cluster_wide().effect(CLEANER)
        .doc("Threads that clean compacted topics."),
    long("log.cleaner.backoff.ms", "15000").at_least(0).cluster_wide().effect(CLEANER)
        .doc("How long a cleaner with nothing to do waits, in ms."),
    long("log.cleaner.dedupe.buffer.size", "134217728").cluster_wide().effect(CLEANER)
        .doc("The memory of all cleaners for keys, in bytes."),
    int("log.cleaner.io.buffer.size", "524288").at_least(0).cluster_wide().effect(CLEANER)
        .doc("The memory of all cleaners for reading, in bytes."),
    double("log.cleaner.io.buffer.load.factor", "0.9").cluster_wide().effect(CLEANER)
        .doc("How full the cleaners' memory for keys may become."),
    double("log.cleaner.io.max.bytes.per.second", "1.7976931348623157E308").cluster_wide()
        .effect(CLEANER)
        .doc("How much all cleaners together may read and write in a second."),
    flag("remote.log.storage.system.enable", "false").since(3, 6).effect(TIERS)
        .doc("Whether topics may move old records to remote storage (remote.storage.enable)."),
    int("remote.log.reader.threads", "10").at_least(1).since(3, 6)
        .changes(&[(4, 0, Change::Update(Update::ClusterWide))]).effect(TIERS)
        .doc("Threads that read from remote storage."),
    long("remote.log.index.file.cache.total.size.bytes", "1073741824").at_least(1).since(3, 7)
        .cluster_wide().effect(TIERS)
        .doc("How much of remote storage's indexes is cached, in bytes."),
    int("remote.fetch.max.wait.ms", "500").at_least(1).since(3, 8).cluster_wide().effect(TIERS)
        .doc("How long a fetch waits for remote storage, in ms."),
    long("remote.list.offsets.request.timeout.ms", "30000").at_least(1).since(4, 0).cluster_wide()
        .effect(TIERS)
        .doc("How long a search for an offset in remote storage may take, in ms."),
    int("remote.log.manager.copier.thread.pool.size", "-1").since(3, 9)
        .changes(&[
            (4, 0, Change::Default("10")), (4, 0, Change::Rule(Rule::Between(1, i64::MAX))),
            (4, 0, Change::Update(Update::ClusterWide)),
        ])
        .effect(TIERS)
        .doc("Threads that copy to remote storage."),
    int("remote.log.manager.expiration.thread.pool.size", "-1").since(3, 9)
        .changes(&[
            (4, 0, Change::Default("10")), (4, 0, Change::Rule(Rule::Between(1, i64::MAX))),
            (4, 0, Change::Update(Update::ClusterWide)),
        ])
        .effect(TIERS)
        .doc("Threads that delete in remote storage."),
    long("remote.log.manager.copy.max.bytes.per.second", LONG_MAX).at_least(1).since(3, 8)
        .cluster_wide().effect(TIERS)
        .doc("How many bytes a second a broker copies to remote storage."),
    long("remote.log.manager.fetch.max.bytes.per.second", LONG_MAX).at_least(1).since(3, 8)
        .cluster_wide().effect(TIERS)
        .doc("How many bytes a second a broker reads from remote storage."),
];
