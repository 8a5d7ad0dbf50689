//! The broker's configuration of groups.

/// The default of [`GroupConfig::member_bytes_max`].
pub const MEMBER_BYTES_MAX: usize = 2 << 20;
/// The default for all members of a group.
pub const GROUP_BYTES_MAX: usize = 12 << 20;

/// Kafka's broker settings for groups, under their names. Durations are in milliseconds.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`: how long the first rebalance of an empty group waits
    /// for more members.
    pub initial_rebalance_delay_ms: u64,
    /// `group.max.size`, in members.
    pub max_size: usize,
    /// What a member may say of itself: the metadata of all its protocols. Also its assignment.
    pub member_bytes_max: usize,
    /// What all members of a group may say of themselves, and all their assignments. A group is one
    /// record of the log.
    pub group_bytes_max: usize,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// The longest wait of a new member for its first JoinGroup response; it is removed then, since
    /// its client may have disconnected.
    pub new_member_join_timeout_ms: u64,
}

impl Default for GroupConfig {
    /// Kafka's defaults, and bounds where it has none.
    fn default() -> Self {
        Self {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: i32::MAX as usize,
            member_bytes_max: MEMBER_BYTES_MAX,
            group_bytes_max: GROUP_BYTES_MAX,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_ms: 7 * 24 * 60 * 60 * 1_000,
            new_member_join_timeout_ms: 5 * 60 * 1_000,
        }
    }
}
