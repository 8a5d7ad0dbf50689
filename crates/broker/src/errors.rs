//! The one table from the errors of storage and metadata to Kafka's error codes.
//!
//! Exhaustive on purpose: a new variant below does not compile until it has a code.

use milena_metadata::MetadataError;
use milena_protocol::ErrorCode;
use milena_records::BatchError;
use milena_storage::{AdmitError, AppendError, CommitError, ReadError, SequenceError};
use milena_store::StoreError;
use milena_types::shortened;

/// The error of a request, or of a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: ErrorCode,
    /// For responses with a message field: the next action, where that helps.
    pub(crate) message: Option<String>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(shortened(message.into())) }
    }

    /// With the text that Kafka has for the code.
    pub(crate) fn with_kafkas_message(code: ErrorCode) -> Self {
        Self::new(code, code.message())
    }

    pub(crate) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_else(|| self.code.message())
    }
}

/// Without a message.
impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: None }
    }
}

impl From<MetadataError> for ApiError {
    fn from(error: MetadataError) -> Self {
        let code = error.error_code();
        if matches!(code, ErrorCode::RequestTimedOut | ErrorCode::UnknownServerError) {
            tracing::warn!(%error, "a change of the cluster's metadata failed");
        }
        Self::new(code, error.to_string())
    }
}

/// The code under which clients see an error.
pub(crate) trait ToErrorCode {
    /// Kafka's code.
    fn error_code(&self) -> ErrorCode;
}

impl ToErrorCode for AppendError {
    fn error_code(&self) -> ErrorCode {
        match self {
            Self::Closed => ErrorCode::NotLeaderOrFollower,
            Self::LeaderEpoch { asked, current } if asked < current => ErrorCode::FencedLeaderEpoch,
            Self::LeaderEpoch { .. } => ErrorCode::UnknownLeaderEpoch,
            Self::Sequence(error) => error.error_code(),
            Self::TooLarge { .. } => ErrorCode::MessageTooLarge,
            Self::Empty => ErrorCode::InvalidRecord,
            Self::Batch(error) => error.error_code(),
        }
    }
}

impl ToErrorCode for AdmitError {
    fn error_code(&self) -> ErrorCode {
        match self {
            Self::TimedOut => ErrorCode::RequestTimedOut,
            Self::Stalled { .. } => ErrorCode::KafkaStorageError,
        }
    }
}

impl ToErrorCode for BatchError {
    fn error_code(&self) -> ErrorCode {
        match self {
            Self::Truncated { .. }
            | Self::Length { .. }
            | Self::Checksum { .. }
            | Self::Compression { .. } => ErrorCode::CorruptMessage,
            Self::Magic { magic: 0..=2 } | Self::Invalid { .. } | Self::Record { .. } => {
                ErrorCode::InvalidRecord
            }
            Self::Magic { .. } => ErrorCode::CorruptMessage,
            Self::TimestampType => ErrorCode::InvalidTimestamp,
            Self::Codec { .. } => ErrorCode::UnsupportedCompressionType,
            Self::TooLarge { .. } => ErrorCode::MessageTooLarge,
        }
    }
}

impl ToErrorCode for SequenceError {
    fn error_code(&self) -> ErrorCode {
        match self {
            Self::OutOfOrder { .. } => ErrorCode::OutOfOrderSequenceNumber,
            Self::InvalidEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        }
    }
}

impl ToErrorCode for CommitError {
    fn error_code(&self) -> ErrorCode {
        match self {
            Self::Refused | Self::Stalled => ErrorCode::KafkaStorageError,
            Self::Closed => ErrorCode::NotLeaderOrFollower,
        }
    }
}

impl ToErrorCode for ReadError {
    fn error_code(&self) -> ErrorCode {
        match self {
            Self::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            Self::Closed => ErrorCode::NotLeaderOrFollower,
            Self::Block(_) | Self::Page(_) => ErrorCode::KafkaStorageError,
            Self::Batch(_) => ErrorCode::CorruptMessage,
        }
    }
}

impl ToErrorCode for MetadataError {
    fn error_code(&self) -> ErrorCode {
        match self {
            Self::Store(error) => error.error_code(),
            Self::Invalid(_) => ErrorCode::UnknownServerError,
            Self::TooLarge { .. } => ErrorCode::InvalidConfig,
            // Another writer came first at every attempt; the client may retry.
            Self::Contended { .. } | Self::Outdated => ErrorCode::RequestTimedOut,
            Self::BadRecord { .. } | Self::NewerRecord { .. } => ErrorCode::UnknownServerError,
            Self::ClusterExists(_) | Self::UnknownCluster(_) => ErrorCode::UnknownServerError,
            Self::TopicExists(_) => ErrorCode::TopicAlreadyExists,
            Self::UnknownTopic(_) => ErrorCode::UnknownTopicOrPartition,
            Self::Superseded { .. } => ErrorCode::StaleBrokerEpoch,
            Self::InvalidReplicationFactor { .. } => ErrorCode::InvalidReplicationFactor,
            Self::InvalidPartitions { .. } => ErrorCode::InvalidPartitions,
            Self::InvalidAssignment { .. } => ErrorCode::InvalidReplicaAssignment,
        }
    }
}

impl ToErrorCode for StoreError {
    fn error_code(&self) -> ErrorCode {
        match self {
            // Retriable: the store may be back, and whether the change was made can be seen then.
            Self::Unavailable { .. } | Self::OutcomeUnknown { .. } => ErrorCode::RequestTimedOut,
            Self::NoSpace { .. } => ErrorCode::KafkaStorageError,
            Self::Closed | Self::LeaseNotFound(_) => ErrorCode::NotController,
            Self::Invalid { .. } | Self::Corrupt { .. } => ErrorCode::UnknownServerError,
        }
    }
}
