//! Remote storage of tiered topics, beyond what a running broker can change.

use crate::{
    definition::{Change, Definition, int, long, text, unset},
    effect::TIERS,
    value::{ConfigType, Rule},
};

#[rustfmt::skip]
pub(super) const TIERS_OF_STORAGE: &[Definition] = &[
    int("remote.log.manager.copy.quota.window.num", "11").at_least(1).since(3, 7).effect(TIERS)
        .doc("Over how many windows copying to remote storage is measured."),
    int("remote.log.manager.copy.quota.window.size.seconds", "1").at_least(1).since(3, 7)
        .effect(TIERS)
        .doc("How long such a window is, in seconds."),
    int("remote.log.manager.fetch.quota.window.num", "11").at_least(1).since(3, 7).effect(TIERS)
        .doc("Over how many windows reading from remote storage is measured."),
    int("remote.log.manager.fetch.quota.window.size.seconds", "1").at_least(1).since(3, 7)
        .effect(TIERS)
        .doc("How long such a window is, in seconds."),
    long("remote.log.manager.task.interval.ms", "30000").at_least(1).since(3, 6).effect(TIERS)
        .doc("How often copies to and deletions from remote storage that are due are searched for, \
            in ms."),
    int("remote.log.manager.thread.pool.size", "10").at_least(1).since(3, 6)
        .changes(&[(4, 0, Change::Default("2"))]).effect(TIERS)
        .doc("Threads for remote storage altogether."),
    int("remote.log.metadata.custom.metadata.max.bytes", "128").at_least(0).since(3, 6)
        .effect(TIERS)
        .doc("How much a plugin of remote storage may note about a segment, in bytes."),
    text("remote.log.metadata.manager.class.name",
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager")
        .rule(Rule::NotEmpty).since(3, 6).effect(TIERS)
        .doc("The class that keeps account of remote storage."),
    unset("remote.log.metadata.manager.class.path", ConfigType::String).since(3, 6).effect(TIERS)
        .doc("Where that class is loaded from."),
    text("remote.log.metadata.manager.impl.prefix", "rlmm.config.").rule(Rule::NotEmpty).since(3, 6)
        .effect(TIERS)
        .doc("What the names of that class's own settings begin with."),
    unset("remote.log.metadata.manager.listener.name", ConfigType::String).rule(Rule::NotEmpty)
        .since(3, 6).effect(TIERS)
        .doc("The listener that this class connects to."),
    int("remote.log.reader.max.pending.tasks", "100").at_least(1).since(3, 6).effect(TIERS)
        .doc("How many reads from remote storage may wait."),
    unset("remote.log.storage.manager.class.name", ConfigType::String).rule(Rule::NotEmpty)
        .since(3, 6).effect(TIERS)
        .doc("The class that copies to and reads from remote storage."),
    unset("remote.log.storage.manager.class.path", ConfigType::String).since(3, 6).effect(TIERS)
        .doc("Where that class is loaded from."),
    text("remote.log.storage.manager.impl.prefix", "rsm.config.").rule(Rule::NotEmpty).since(3, 6)
        .effect(TIERS)
        .doc("What the names of that class's own settings begin with."),
];
