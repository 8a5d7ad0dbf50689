//! The broker configurations that Milena acts on, typed.

use std::{fmt::Debug, str::FromStr};

use crate::effective::EffectiveConfig;

macro_rules! accessors {
    ($($accessor:ident: $type:ty = $name:literal;)*) => {
        /// The broker configurations that Milena acts on: dots become `_`. A number outside the
        /// range of the type becomes the nearest in it.
        impl EffectiveConfig<'_> {$(
            #[doc = concat!("`", $name, "`")]
            pub fn $accessor(&self) -> $type {
                Accessor::read(self, $name)
            }
        )*}
    };
}

accessors! {
    auto_create_topics_enable: bool = "auto.create.topics.enable";
    auto_leader_rebalance_enable: bool = "auto.leader.rebalance.enable";
    connections_max_idle_ms: u64 = "connections.max.idle.ms";
    default_replication_factor: i32 = "default.replication.factor";
    delete_topic_enable: bool = "delete.topic.enable";
    fetch_max_bytes: usize = "fetch.max.bytes";
    group_initial_rebalance_delay_ms: u64 = "group.initial.rebalance.delay.ms";
    group_max_session_timeout_ms: i32 = "group.max.session.timeout.ms";
    group_max_size: usize = "group.max.size";
    group_min_session_timeout_ms: i32 = "group.min.session.timeout.ms";
    log_retention_check_interval_ms: u64 = "log.retention.check.interval.ms";
    max_connections: usize = "max.connections";
    max_connections_per_ip: usize = "max.connections.per.ip";
    max_connections_per_ip_overrides: String = "max.connections.per.ip.overrides";
    max_incremental_fetch_session_cache_slots: usize = "max.incremental.fetch.session.cache.slots";
    max_request_partition_size_limit: i64 = "max.request.partition.size.limit";
    num_partitions: i32 = "num.partitions";
    offset_metadata_max_bytes: usize = "offset.metadata.max.bytes";
    offsets_retention_check_interval_ms: u64 = "offsets.retention.check.interval.ms";
    offsets_retention_minutes: i64 = "offsets.retention.minutes";
    offsets_topic_num_partitions: i32 = "offsets.topic.num.partitions";
    offsets_topic_replication_factor: i16 = "offsets.topic.replication.factor";
    offsets_topic_segment_bytes: i32 = "offsets.topic.segment.bytes";
    producer_id_expiration_ms: Option<u64> = "producer.id.expiration.ms";
    queued_max_request_bytes: i64 = "queued.max.request.bytes";
    socket_request_max_bytes: usize = "socket.request.max.bytes";
    transaction_state_log_min_isr: i32 = "transaction.state.log.min.isr";
    transaction_state_log_num_partitions: i32 = "transaction.state.log.num.partitions";
    transaction_state_log_replication_factor: i16 = "transaction.state.log.replication.factor";
    transaction_state_log_segment_bytes: i32 = "transaction.state.log.segment.bytes";
}

/// A type that a broker configuration is read as. Panics when the release does not have it, or has
/// no default of that type; an `Option` is `None` then.
trait Accessor {
    fn read(config: &EffectiveConfig<'_>, name: &str) -> Self;
}

fn known<T: FromStr<Err: Debug>>(config: &EffectiveConfig<'_>, name: &str) -> T {
    let value = config.broker_value(name).and_then(|value| value.parse().ok());
    value.unwrap_or_else(|| panic!("{name} has a default of its type"))
}

fn integer<T: TryFrom<i64>>(config: &EffectiveConfig<'_>, name: &str, min: T, max: T) -> T {
    let number: i64 = known(config, name);
    T::try_from(number).unwrap_or(if number < 0 { min } else { max })
}

macro_rules! integers {
    ($($type:ident)*) => {$(
        impl Accessor for $type {
            fn read(config: &EffectiveConfig<'_>, name: &str) -> Self {
                integer(config, name, $type::MIN, $type::MAX)
            }
        }
    )*};
}

integers!(i16 i32 i64 u64 usize);

impl Accessor for bool {
    fn read(config: &EffectiveConfig<'_>, name: &str) -> Self {
        known(config, name)
    }
}

impl Accessor for String {
    fn read(config: &EffectiveConfig<'_>, name: &str) -> Self {
        known(config, name)
    }
}

impl Accessor for Option<u64> {
    fn read(config: &EffectiveConfig<'_>, name: &str) -> Self {
        config.broker_value(name)?.parse().ok()
    }
}
