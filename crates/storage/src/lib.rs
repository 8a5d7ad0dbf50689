//! One broker's durable bytes: write-ahead log, segments, tail cache, block cache, manifests,
//! flush, retention, producer state, encryption at rest. Knows partitions, not Kafka requests.
//!
//! A batch's way: [`Partition::append`] checks it, gives it offsets and puts it into the broker's
//! open chunk; the write-ahead log's thread builds the chunk (encrypted, grouped by partition),
//! syncs it, and completes it; the high watermark moves and the future resolves. The chunk's
//! plaintext stays in the tail cache until a flush has put its records into segments in the object
//! store. Reads come from the tail or through the block cache.
//!
//! What must survive and be agreed upon goes through [`Decisions`], which the broker implements on
//! its metadata store. What this is not: replication (the stores carry durability), and who leads a
//! partition.

mod catalog;
mod chunk;
mod decisions;
pub mod disk;
pub mod encryption;
mod flush;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod ledger;
pub mod log;
pub mod objects;
mod partition;
mod recovery;
pub mod segment;
mod shared;
mod storage;
mod sweep;
#[cfg(test)]
mod testing;
mod tuning;

pub use catalog::{leader_epochs::EpochHistory, pages::PageError};
pub use chunk::{
    admission::Admission,
    ticket::{AppendFuture, Appended, CommitError},
};
pub use decisions::{DecisionError, Decisions, Entry, Expect, MemoryDecisions, Txn};
pub use encryption::{DataKey, KeyId, KeyRing};
pub use flush::flusher::FlushError;
pub use ledger::LedgerError;
pub use log::WalError;
pub use objects::Objects;
pub use partition::{
    append::{AppendError, AppendOptions, Origin},
    partition_log::{Bounds, Partition},
    producers::{
        snapshot::SnapshotError,
        state::{ActiveProducer, CachedBatch, SequenceError},
    },
    read::{Isolation, ReadData, ReadError, ReadRequest},
    times::TimestampOffset,
    upkeep::UpkeepError,
    watch::{Waiter, WatchGuard},
};
pub use recovery::{
    sealed::{SealedError, SealedLogs},
    takeover::{SealBrokerError, SealedBroker},
};
pub use segment::blocks::{BlockCache, BlockError};
pub use storage::{OpenPartitionError, Storage, StorageError};
pub use tuning::{FlushPolicy, MemoryBudget, PartitionOptions, StorageConfig};
