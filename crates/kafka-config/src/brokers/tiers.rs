//! Remote storage of tiered topics, beyond what a running broker can change.

use crate::{
    definition::{ConfigType, Definition, int, long, min, text, unset},
    effect::TIERS,
    value::Rule,
};

pub(super) const TIERS_OF_STORAGE: &[Definition] = &[
    int(
        "remote.log.manager.copy.quota.window.num",
        "11",
        min(1),
        "Over how many windows copying to remote storage is measured.",
    )
    .since(3, 7)
    .does(TIERS),
    int(
        "remote.log.manager.copy.quota.window.size.seconds",
        "1",
        min(1),
        "How long such a window is, in seconds.",
    )
    .since(3, 7)
    .does(TIERS),
    int(
        "remote.log.manager.fetch.quota.window.num",
        "11",
        min(1),
        "Over how many windows reading from remote storage is measured.",
    )
    .since(3, 7)
    .does(TIERS),
    int(
        "remote.log.manager.fetch.quota.window.size.seconds",
        "1",
        min(1),
        "How long such a window is, in seconds.",
    )
    .since(3, 7)
    .does(TIERS),
    long(
        "remote.log.manager.task.interval.ms",
        "30000",
        min(1),
        "How often it is looked for what can be copied to or deleted from remote storage, in ms.",
    )
    .since(3, 6)
    .does(TIERS),
    int(
        "remote.log.manager.thread.pool.size",
        "10",
        min(1),
        "Threads for remote storage altogether.",
    )
    .since(3, 6)
    .until(4, 0)
    .does(TIERS),
    int(
        "remote.log.manager.thread.pool.size",
        "2",
        min(1),
        "Threads for remote storage altogether.",
    )
    .since(4, 0)
    .does(TIERS),
    int(
        "remote.log.metadata.custom.metadata.max.bytes",
        "128",
        min(0),
        "How much a plugin of remote storage may note about a segment, in bytes.",
    )
    .since(3, 6)
    .does(TIERS),
    text(
        "remote.log.metadata.manager.class.name",
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
        Rule::NotEmpty,
        "The class that keeps account of remote storage.",
    )
    .since(3, 6)
    .does(TIERS),
    unset(
        "remote.log.metadata.manager.class.path",
        ConfigType::String,
        Rule::Any,
        "Where that class is loaded from.",
    )
    .since(3, 6)
    .does(TIERS),
    text(
        "remote.log.metadata.manager.impl.prefix",
        "rlmm.config.",
        Rule::NotEmpty,
        "What the names of that class's own settings begin with.",
    )
    .since(3, 6)
    .does(TIERS),
    unset(
        "remote.log.metadata.manager.listener.name",
        ConfigType::String,
        Rule::NotEmpty,
        "The listener that this class connects to.",
    )
    .since(3, 6)
    .does(TIERS),
    int(
        "remote.log.reader.max.pending.tasks",
        "100",
        min(1),
        "How many reads from remote storage may wait.",
    )
    .since(3, 6)
    .does(TIERS),
    unset(
        "remote.log.storage.manager.class.name",
        ConfigType::String,
        Rule::NotEmpty,
        "The class that copies to and reads from remote storage.",
    )
    .since(3, 6)
    .does(TIERS),
    unset(
        "remote.log.storage.manager.class.path",
        ConfigType::String,
        Rule::Any,
        "Where that class is loaded from.",
    )
    .since(3, 6)
    .does(TIERS),
    text(
        "remote.log.storage.manager.impl.prefix",
        "rsm.config.",
        Rule::NotEmpty,
        "What the names of that class's own settings begin with.",
    )
    .since(3, 6)
    .does(TIERS),
];
