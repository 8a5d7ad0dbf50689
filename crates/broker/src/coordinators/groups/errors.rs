//! The one table from the errors of groups to Kafka's error codes.

use milena_coordinator::groups::{AppendError, GroupError};
use milena_protocol::ErrorCode;
use milena_storage::CommitError;

use crate::errors::ToErrorCode;

impl ToErrorCode for GroupError {
    fn error_code(&self) -> ErrorCode {
        match self {
            Self::CoordinatorNotAvailable => ErrorCode::CoordinatorNotAvailable,
            Self::CoordinatorLoadInProgress => ErrorCode::CoordinatorLoadInProgress,
            Self::NotCoordinator => ErrorCode::NotCoordinator,
            Self::UnknownMemberId => ErrorCode::UnknownMemberId,
            Self::IllegalGeneration => ErrorCode::IllegalGeneration,
            Self::InconsistentGroupProtocol => ErrorCode::InconsistentGroupProtocol,
            Self::InvalidGroupId => ErrorCode::InvalidGroupId,
            Self::InvalidSessionTimeout => ErrorCode::InvalidSessionTimeout,
            Self::RebalanceInProgress => ErrorCode::RebalanceInProgress,
            Self::MemberIdRequired => ErrorCode::MemberIdRequired,
            Self::GroupMaxSizeReached => ErrorCode::GroupMaxSizeReached,
            Self::FencedInstanceId => ErrorCode::FencedInstanceId,
            Self::OffsetMetadataTooLarge => ErrorCode::OffsetMetadataTooLarge,
            Self::InvalidCommitOffsetSize => ErrorCode::InvalidCommitOffsetSize,
            Self::GroupIdNotFound => ErrorCode::GroupIdNotFound,
            Self::NonEmptyGroup => ErrorCode::NonEmptyGroup,
            Self::GroupSubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
            Self::UnstableOffsetCommit => ErrorCode::UnstableOffsetCommit,
            Self::UnknownServerError => ErrorCode::UnknownServerError,
        }
    }
}

/// Kafka's code of an outcome.
pub(crate) fn code_of<T>(outcome: &Result<T, GroupError>) -> i16 {
    outcome.as_ref().err().map_or(ErrorCode::None, ToErrorCode::error_code).code()
}

/// The group error for an append that was refused.
pub(super) fn append_error(error: &milena_storage::AppendError) -> AppendError {
    use milena_storage::AppendError as StorageError;
    match error {
        StorageError::Closed | StorageError::LeaderEpoch { .. } => AppendError::NotLeader,
        StorageError::TooLarge { .. } => AppendError::TooLarge,
        // Of clients' batches only; a coordinator's have no sequences and are not empty.
        StorageError::Sequence(_) | StorageError::Empty | StorageError::Batch(_) => {
            AppendError::Unavailable
        }
    }
}

/// The group error for an append that was accepted and not committed.
pub(super) fn commit_error(error: CommitError) -> AppendError {
    match error {
        CommitError::Refused | CommitError::Stalled => AppendError::Storage,
        CommitError::Closed => AppendError::NotLeader,
    }
}
