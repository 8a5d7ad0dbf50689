//! Why a cluster's metadata was not changed or read.

use milena_store::{DecodeError, RecordError, StoreError};
use milena_types::{BrokerEpoch, BrokerId, ClusterId, TopicName};

/// Why a change of a cluster's metadata was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others kept changing the same records.
    #[error("the metadata at '{key}' is changed by others all the time; try again")]
    Contended {
        /// Which records.
        key: String,
    },
    /// A record cannot be read.
    #[error("the metadata record '{key}' is damaged: {reason}")]
    BadRecord {
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A later release wrote a record.
    #[error(
        "the metadata record '{key}' has format {found}, known is {known}; start a newer release"
    )]
    NewerRecord {
        /// Its key.
        key: String,
        /// The level it has.
        found: u32,
        /// The newest known level.
        known: u32,
    },
    /// There is such a cluster already.
    #[error("cluster {0} exists already")]
    ClusterExists(ClusterId),
    /// There is no such cluster.
    #[error("there is no cluster {0}")]
    UnknownCluster(ClusterId),
    /// There is such a topic already.
    #[error("topic '{0}' already exists")]
    TopicExists(TopicName),
    /// There is no such topic (any more).
    #[error("there is no topic '{0}'")]
    UnknownTopic(TopicName),
    /// The broker's life is over: its lease has ended or another life of it has begun.
    #[error("broker {broker} is no longer registered with epoch {epoch}; register again")]
    Superseded {
        /// Which broker.
        broker: BrokerId,
        /// Which life.
        epoch: BrokerEpoch,
    },
    /// What a change was decided on no longer holds.
    #[error(
        "the decision is outdated: somebody else decides now, or it was decided already; look again"
    )]
    Outdated,
    /// So many replicas cannot be had.
    #[error("{reason}")]
    InvalidReplicationFactor {
        /// Why.
        reason: String,
    },
    /// So many partitions cannot be had.
    #[error("{reason}")]
    InvalidPartitions {
        /// Why.
        reason: String,
    },
    /// Replicas cannot be placed like that.
    #[error("{reason}")]
    InvalidAssignment {
        /// Why.
        reason: String,
    },
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
