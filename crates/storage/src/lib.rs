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

mod admission;
mod blocks;
mod decisions;
pub mod disk;
pub mod encryption;
mod epochs;
mod flush;
mod flushes;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod ledger;
mod lost;
mod manifest;
pub mod objects;
mod open_chunk;
mod opening;
mod options;
mod pages;
mod partition;
mod producers;
mod scan;
mod sealed;
pub mod segment;
mod shared;
mod storage;
mod sweep;
mod tail;
mod takeover;
#[cfg(test)]
mod testing;
mod ticket;
pub mod wal;
mod watch;

pub use admission::Admission;
pub use blocks::{BlockCache, BlockError};
pub use decisions::{DecisionError, Decisions, Entry, Expect, MemoryDecisions, Txn};
pub use encryption::{DataKey, KeyId, KeyRing};
pub use epochs::EpochHistory;
pub use flush::FlushError;
pub use ledger::LedgerError;
pub use objects::Objects;
pub use options::{FlushPolicy, MemoryBudget, PartitionOptions, StorageConfig};
pub use pages::PageError;
pub use partition::{
    AppendError, AppendOptions, Bounds, Isolation, Origin, Partition, ReadData, ReadError,
    ReadRequest, TimestampOffset, UpkeepError,
};
pub use producers::{ActiveProducer, CachedBatch, SequenceError, SnapshotError};
pub use sealed::{SealedError, SealedLogs};
pub use storage::{OpenPartitionError, Storage, StorageError};
pub use takeover::{SealBrokerError, SealedBroker};
pub use ticket::{AppendFuture, Appended, CommitError};
pub use watch::{Waiter, WatchGuard};
