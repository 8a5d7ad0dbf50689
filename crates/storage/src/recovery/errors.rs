//! Why a broker's storage, or a partition in it, could not be opened.

use std::path::PathBuf;

use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, LeaderEpoch, Offset, TopicPartition};

use crate::{
    catalog::storage_catalog::CatalogError,
    catalog::{manifests::ManifestError, pages::PageError},
    log::backend::LogError,
    partition::producers::snapshot::SnapshotError,
    recovery::sealed_logs::SealedError,
    segment::{block_error::BlockError, segment_error::SegmentError},
};

/// Why a broker's storage could not be opened.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum StorageError {
    /// The write-ahead log: in use by another process, damaged, of a newer format, or the disk
    /// fails.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A chunk of an older epoch cannot be read.
    #[error(transparent)]
    Chunk(#[from] SegmentError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// An epoch of this broker began in another directory, and may have acknowledged chunks that
    /// are in no segment. [`StorageConfig::lost_log_accepted`] has the broker start without them.
    ///
    /// [`StorageConfig::lost_log_accepted`]: crate::StorageConfig::lost_log_accepted
    #[error(
        "the write-ahead directory {dir} shows nothing of broker epoch {epoch}, which may have \
         acknowledged records that are nowhere else: mount or restore it and broker {broker} \
         starts by itself; if it is gone for good, accept that epoch {epoch} is lost"
    )]
    LogLost {
        broker: BrokerId,
        /// The newest of the broker's epochs that is missing.
        epoch: BrokerEpoch,
        dir: PathBuf,
    },
    /// Acknowledged chunks are not in the directory.
    #[error(
        "the write-ahead log lacks chunks {from} to {to} of broker epoch {epoch}, which are in no \
         segment: restore its directory"
    )]
    ChunksLost {
        epoch: BrokerEpoch,
        from: ChunkSeq,
        /// The first chunk that is there, or the tail.
        to: ChunkSeq,
    },
    /// The log has acknowledged chunks of an epoch without a record in the metadata store.
    #[error(
        "the write-ahead log has chunks of broker epoch {epoch}, which the metadata store does not \
         know: it is older than the log; restore the newer one, or move the log's directory away \
         to discard what is not flushed"
    )]
    UnknownEpoch { epoch: BrokerEpoch },
    /// The process is stopping.
    #[error("storage is shutting down")]
    Stopping,
}

/// Why a partition could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenPartitionError {
    /// It is open in another leader epoch.
    #[error(
        "partition {partition} is open in leader epoch {current}: close it before it is opened in \
         another"
    )]
    AlreadyOpen { partition: TopicPartition, current: LeaderEpoch },
    #[error("partition {partition} was deleted: a topic that is made again has another id")]
    Deleted { partition: TopicPartition },
    /// The broker epoch has ended.
    #[error("this broker's epoch has ended: register again and open storage again")]
    Sealed,
    /// Segments and chunks do not fit together.
    #[error(
        "partition {partition} has no records between {from} and {to}: restore the objects that \
         had them"
    )]
    Gap { partition: TopicPartition, from: Offset, to: Offset },
    /// The metadata store, or a newer leader.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A segment's footer cannot be read.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A page or snapshot cannot be read.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The chunks of a sealed epoch cannot be read.
    #[error(transparent)]
    SealedEpoch(#[from] SealedError),
    /// A producer snapshot has another format.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl From<ManifestError> for OpenPartitionError {
    fn from(error: ManifestError) -> Self {
        match error {
            ManifestError::Catalog(error) => error.into(),
            ManifestError::Page(error) => error.into(),
            ManifestError::Gap { partition, from, to } => Self::Gap { partition, from, to },
        }
    }
}
