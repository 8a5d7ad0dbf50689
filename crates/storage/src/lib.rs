//! One broker's durable bytes: write-ahead log, segments, tail cache, block cache, manifests,
//! flush, retention, producer state, encryption at rest. Knows partitions, not Kafka requests.
//!
//! How a batch is written: [`Partition::append`] checks it, assigns its offsets and puts it into
//! the broker's open chunk; the write-ahead log's thread builds the chunk (encrypted, grouped by
//! partition), syncs it, and commits it; the high watermark moves and the future resolves. The
//! chunk's plaintext stays in the tail cache until a flush has put its records into segments in the
//! object store. Reads come from the tail or through the block cache.
//!
//! State that must survive and be agreed upon is in the metadata store, below a prefix of storage's
//! own (`catalog/`). Not here: replication (the stores provide durability), and the choice of a
//! partition's leader.
//!
//! Folders, each of which knows only those before it: `disk`, `objects`, `cache`, `log`, `catalog`
//! (records in the metadata store), `chunk` (from append to commit), `partition`,
//! `recovery` (opening, takeover), `flush`.

mod cache;
mod catalog;
mod chunk;
pub mod disk;
pub mod encryption;
mod flush;
mod format_level;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod log;
pub mod objects;
mod partition;
mod recovery;
mod segment;
mod storage;
mod storage_config;
mod sweep;
#[cfg(test)]
mod testing;
mod tuning;

pub use cache::{
    block_cache::BlockCache,
    object_reads::{ObjectRead, ObjectReads},
};
pub use catalog::{lives::Lives, storage_catalog::CatalogError};
pub use chunk::{
    admission::{AdmitError, BudgetPermit},
    record_pool::{RecordPool, RecordPoolLimits},
    ticket::{AppendFuture, CommitError, CommittedAppend},
};
pub use flush::errors::FlushError;
pub use log::backend::LogError;
pub use partition::{
    append::{AppendError, AppendOptions, Origin},
    bounds::{Bounds, Isolation},
    errors::MaintenanceError,
    options::PartitionOptions,
    partition::{Partition, WatchGuard},
    producers::state::SequenceError,
    read::{Missing, ReadData, ReadError, ReadRequest},
    watch::Waiter,
};
pub use recovery::{
    errors::StorageError, opening::LeaderTerm, seal::SealBrokerError, sealed_logs::SealedLogs,
};
pub use storage::{CloseOutcome, ClosedPartition, Storage};
pub use storage_config::StorageConfig;
pub use tuning::{FlushPolicy, MemoryBudget};
