//! Errors of requests to groups, and of appends to their partition.

/// Why a request failed: Kafka's error code of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The coordinator cannot reply now.
    #[error("the coordinator is not available; retry")]
    CoordinatorNotAvailable,
    /// The group's partition is still being read.
    #[error("the coordinator is loading; retry")]
    CoordinatorLoadInProgress,
    /// Another broker owns the group's partition.
    #[error("this broker is not the group's coordinator; find it again")]
    NotCoordinator,
    /// The member is not in the group.
    #[error("the group does not know this member; join again with an empty member id")]
    UnknownMemberId,
    /// The request is from another generation.
    #[error("the generation is not the group's current one; join again")]
    IllegalGeneration,
    /// No protocol is common to all members, or its type or name is another than the group's.
    #[error(
        "the protocols have none in common with the group's other members; use an assignor they \
         all have"
    )]
    InconsistentGroupProtocol,
    /// The group id is empty where one is needed.
    #[error("the group id is not valid; set group.id")]
    InvalidGroupId,
    /// The session timeout is outside of what the broker allows.
    #[error(
        "the session timeout is outside group.min.session.timeout.ms and \
         group.max.session.timeout.ms"
    )]
    InvalidSessionTimeout,
    /// The members must join again.
    #[error("the group is rebalancing; join again")]
    RebalanceInProgress,
    /// The member must join again with the id it was given (KIP-394).
    #[error("join again with the member id given")]
    MemberIdRequired,
    /// The group has `group.max.size` members.
    #[error("the group has as many members as group.max.size allows")]
    GroupMaxSizeReached,
    /// Another member took over the instance id.
    #[error("another member uses this group.instance.id; give each member its own")]
    FencedInstanceId,
    /// The metadata of a committed offset is too long.
    #[error("the offset's metadata is longer than offset.metadata.max.bytes")]
    OffsetMetadataTooLarge,
    /// The commit does not fit into a batch.
    #[error("the commit is larger than a batch may be; commit fewer partitions at once")]
    InvalidCommitOffsetSize,
    /// The group does not exist.
    #[error("the group does not exist")]
    GroupIdNotFound,
    /// The group has members.
    #[error("the group has members; stop them first")]
    NonEmptyGroup,
    /// The group's members subscribe to the topic.
    #[error("the group subscribes to the topic; stop its members first")]
    GroupSubscribedToTopic,
    /// A transaction that is not decided yet has an offset for the partition (KIP-447).
    #[error("an undecided transaction has an offset for this partition; retry")]
    UnstableOffsetCommit,
    /// None of the above.
    #[error("the coordinator could not do this")]
    UnknownServerError,
}

/// How an append to the group's partition failed: nothing of it is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The broker no longer leads the partition.
    #[error("the broker does not lead the partition any more")]
    NotLeader,
    /// The bytes could not be stored, now.
    #[error("the log could not be written")]
    Storage,
    /// The log does not take more at the moment, or the broker is stopping.
    #[error("the log does not accept appends now")]
    Unavailable,
    /// The batch is larger than the partition allows.
    #[error("the batch is too large")]
    TooLarge,
}

impl AppendError {
    /// The error of members that wait for a group record.
    pub(crate) const fn for_group(self) -> GroupError {
        match self {
            Self::NotLeader | Self::Storage => GroupError::NotCoordinator,
            Self::Unavailable => GroupError::CoordinatorNotAvailable,
            Self::TooLarge => GroupError::UnknownServerError,
        }
    }

    /// The error of commits and deletions of offsets.
    pub(crate) const fn for_offsets(self) -> GroupError {
        match self {
            Self::TooLarge => GroupError::InvalidCommitOffsetSize,
            other => other.for_group(),
        }
    }
}
