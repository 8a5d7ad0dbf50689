//! [`MetadataError`].

use milena_store::{DecodeError, InvalidTxn, RecordError, StoreError};
use milena_types::{BrokerEpoch, BrokerId, ClusterId, TopicName};

/// Why a cluster's metadata was not read or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Invalid(InvalidTxn),
    /// A record would be so large that it fits into no transaction.
    #[error(
        "the metadata record '{key}' would have {bytes} bytes, more than {max}: set fewer or \
         shorter values"
    )]
    TooLarge { key: String, bytes: usize, max: usize },
    /// Others kept changing the same records.
    #[error("the metadata at '{key}' is changed by others all the time; try again")]
    Contended { key: String },
    #[error("the metadata record '{key}' is damaged: {reason}")]
    BadRecord { key: String, reason: String },
    /// A later release wrote a record.
    #[error(
        "the metadata record '{key}' has format {found}, known is {known}; start a newer release"
    )]
    NewerRecord { key: String, found: u32, known: u32 },
    #[error("cluster {0} exists already")]
    ClusterExists(ClusterId),
    #[error("there is no cluster {0}")]
    UnknownCluster(ClusterId),
    #[error("topic '{0}' already exists")]
    TopicExists(TopicName),
    #[error("there is no topic '{0}'")]
    UnknownTopic(TopicName),
    /// The broker's life is over: its lease has ended or another life of it has begun.
    #[error("broker {broker} is no longer registered with epoch {epoch}; register again")]
    Superseded { broker: BrokerId, epoch: BrokerEpoch },
    /// A record that the change was decided on has changed.
    #[error("the decision is outdated: the records that it was made on have changed; decide again")]
    Outdated,
    #[error("{reason}")]
    InvalidReplicationFactor { reason: String },
    #[error("{reason}")]
    InvalidPartitions { reason: String },
    #[error("{reason}")]
    InvalidAssignment { reason: String },
}

impl From<StoreError> for MetadataError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(invalid) => Self::Invalid(invalid),
            error => Self::Store(error),
        }
    }
}

impl From<DecodeError> for MetadataError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Damaged { key, reason } => Self::BadRecord { key, reason },
            DecodeError::Newer { key, found, known } => Self::NewerRecord { key, found, known },
        }
    }
}

impl From<RecordError> for MetadataError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Store(error) => error.into(),
            RecordError::Decode(error) => error.into(),
        }
    }
}
