//! One broker's storage: opened with a new broker epoch, closed when that epoch ends.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use milena_runtime::Runtime;
use milena_types::{BrokerEpoch, ChunkSeq, LeaderEpoch, Offset, TopicPartition};

use crate::{
    Decisions, Partition, PartitionOptions, StorageConfig,
    admission::Admission,
    blocks::{BlockError, Segments},
    disk::{Disk, LocalDisk},
    flush::{self, FlushError},
    ledger::{Ledger, LedgerError},
    objects::Objects,
    opening,
    pages::PageError,
    partition::{UpkeepError, fold_now},
    producers::SnapshotError,
    segment::SegmentError,
    shared::{Shared, Source},
    sweep,
    tail::TailChunk,
    wal::{LocalWal, WalDirectory, WalError, WriteAheadLog},
};

/// Why a broker's storage could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The write-ahead log: in use by another process, damaged, of a newer format, or the disk fails.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// A chunk of an older epoch cannot be read.
    #[error(transparent)]
    Chunk(#[from] SegmentError),
    /// The metadata store.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Acknowledged chunks are not in the directory.
    #[error(
        "the write-ahead log lacks chunks {from} to {to} of broker epoch {epoch}, which are in no segment: restore its directory"
    )]
    ChunksLost {
        /// The epoch.
        epoch: BrokerEpoch,
        /// The first that is missing.
        from: ChunkSeq,
        /// The first that is there, or the tail.
        to: ChunkSeq,
    },
    /// The log has acknowledged chunks that the metadata store has never heard of.
    #[error(
        "the write-ahead log has chunks of broker epoch {epoch}, which the metadata store does not know: it is older than the log; restore the newer one, or move the log's directory away to give up what is not flushed"
    )]
    UnknownEpoch {
        /// The epoch.
        epoch: BrokerEpoch,
    },
    /// The process is stopping.
    #[error("storage is shutting down")]
    Stopping,
}

/// Why a partition could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenPartitionError {
    /// It is open already, in another term: close it first.
    #[error(
        "partition {partition} is open in leader epoch {current}: close it before it is opened in another"
    )]
    AlreadyOpen {
        /// The partition.
        partition: TopicPartition,
        /// The term it is open in.
        current: LeaderEpoch,
    },
    /// It was deleted.
    #[error("partition {partition} was deleted: a topic that is made again has another id")]
    Deleted {
        /// The partition.
        partition: TopicPartition,
    },
    /// The broker epoch has ended.
    #[error("this broker's epoch has ended: register anew and open storage again")]
    Sealed,
    /// What segments and chunks have does not fit together.
    #[error(
        "partition {partition} has no records between {from} and {to}: restore the objects that had them"
    )]
    Gap {
        /// The partition.
        partition: TopicPartition,
        /// The first offset missing.
        from: Offset,
        /// The first offset found again.
        to: Offset,
    },
    /// The metadata store, or a newer leader.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A segment's footer cannot be read.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A page or snapshot cannot be read.
    #[error(transparent)]
    Page(#[from] PageError),
    /// A snapshot of producers cannot be understood.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// See the module's documentation. Dropping it without [`Storage::shutdown`] is a crash as far as what is on disk
/// goes: what was acknowledged is there at the next start.
pub struct Storage {
    pub(crate) shared: Arc<Shared>,
    /// Taken out when it is shut down, so that its directory is free although requests still refer to this.
    wal: Mutex<Option<Arc<LocalWal>>>,
    runtime: Runtime,
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.runtime.stop();
    }
}

impl Storage {
    /// Opens the storage of a broker epoch: takes the directory's lock, seals this broker's older epochs, reads
    /// their chunks that are not in segments yet, and starts the write-ahead log. Reads nothing else, so its
    /// duration depends on the write-ahead log alone.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn open(
        config: StorageConfig,
        objects: Objects,
        decisions: Arc<dyn Decisions>,
        runtime: &Runtime,
    ) -> Result<Self, StorageError> {
        Self::open_on(config, Arc::new(LocalDisk), objects, decisions, runtime).await
    }

    /// Like [`Storage::open`], on another disk: tests hand in one that fails.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn open_on(
        config: StorageConfig,
        disk: Arc<dyn Disk>,
        objects: Objects,
        decisions: Arc<dyn Decisions>,
        runtime: &Runtime,
    ) -> Result<Self, StorageError> {
        let runtime = runtime.child();
        let ledger = Ledger::new(decisions, runtime.clone(), config.broker, config.broker_epoch);
        let segments = Segments::new(
            config.cluster.clone(),
            objects,
            config.keys.clone(),
            config.blocks.clone(),
            runtime.clone(),
        );
        let wal_config = config.wal.clone();
        let directory = runtime.spawn_blocking(move || WalDirectory::open(wal_config, disk)).await;
        let directory = directory.map_err(|_| StorageError::Stopping)??;
        let shared = Shared::new(config, runtime.clone(), ledger, segments);
        shared.ledger.open_epoch().await?;

        // The log first writes the newest chunk again; only then is it durable for sure and may count as the tail.
        let (source, epoch, scope) = (Source(shared.clone()), shared.config.broker_epoch, runtime.clone());
        let of_log = directory.clone();
        let start = move || LocalWal::start(of_log, epoch, Arc::new(source), &scope);
        let wal = runtime.spawn_blocking(start).await.map_err(|_| StorageError::Stopping)??;
        let log: Arc<dyn WriteAheadLog> = wal.clone();
        assert!(shared.wal.set(Arc::downgrade(&log)).is_ok(), "the log is started once");
        recover(&shared, &directory).await?;
        shared.ledger.abandon_uploads().await?;

        runtime.spawn(flush::run(shared.clone()));
        runtime.spawn(sweep::run(shared.clone()));
        Ok(Self { shared, wal: Mutex::new(Some(wal)), runtime })
    }

    /// Waits until `bytes` of records may be accepted: back-pressure while flushing falls behind. Hold what it
    /// answers until the records were appended. Cancel-safe.
    pub async fn admit(&self, bytes: usize) -> Admission {
        let budget = &self.shared.budget;
        if let Some(admission) = budget.try_admit(bytes as u64) {
            return admission;
        }
        budget.admit(bytes as u64, || self.shared.flush_wanted.notify_one()).await
    }

    /// How much of the memory for unflushed records is used, from 0 to 1 (and above for a single huge request):
    /// what a throttle time is made from.
    pub fn pressure(&self) -> f64 {
        self.shared.budget.unflushed() as f64 / self.shared.budget.limit().max(1) as f64
    }

    /// Whether the broker epoch has ended because the log failed or was sealed by another: nothing is acknowledged
    /// any more, and the broker must register anew.
    pub fn is_sealed(&self) -> bool {
        self.shared.is_sealed()
    }

    /// Opens a partition that this broker leads from now on: its manifest, flushes that are not in it yet, chunks
    /// of this broker that are not flushed; producer state from the newest snapshot and what follows it. A
    /// partition nobody wrote to is new and empty. Opening one that is open in the same term gives it back.
    ///
    /// # Errors
    /// See [`OpenPartitionError`].
    pub async fn open_partition(
        &self,
        id: TopicPartition,
        leader_epoch: LeaderEpoch,
        options: PartitionOptions,
    ) -> Result<Arc<Partition>, OpenPartitionError> {
        opening::open(&self.shared, id, leader_epoch, options).await
    }

    /// The partition, if it is open here.
    pub fn partition(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        self.shared.partition(id)
    }

    /// All partitions that are open here.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.shared.partitions().values().cloned().collect()
    }

    /// Hands a partition over: accepts nothing more for it, commits what is pending, flushes it and folds it into
    /// its manifest, so that its next leader needs nothing of this broker. The partition is closed here also when
    /// this fails; then its next leader must be this broker again.
    ///
    /// # Errors
    /// [`FlushError`], or [`UpkeepError`] from folding.
    pub async fn close_partition(&self, id: TopicPartition) -> Result<(), UpkeepError> {
        let Some(partition) = self.partition(id) else { return Ok(()) };
        partition.close();
        partition.settled().await;
        let outcome = match flush::flush_all(&self.shared).await {
            Ok(()) => partition.fold(true).await,
            Err(error) => Err(error.into()),
        };
        self.shared.partitions().remove(&id);
        outcome
    }

    /// Deletes a partition's records for good, whether it is open here or not. What it referred to is removed from
    /// the object store after the grace time.
    ///
    /// # Errors
    /// [`UpkeepError`]; repeat it then.
    pub async fn delete_partition(&self, id: TopicPartition) -> Result<(), UpkeepError> {
        if let Some(partition) = self.partition(id) {
            partition.close();
            partition.settled().await;
        }
        let until = self.shared.log().map_or(ChunkSeq(0), |wal| wal.committed_end());
        self.shared.deleted().insert(id, until);
        let deleted = opening::delete(&self.shared, id, until).await;
        if deleted.is_ok() {
            self.shared.partitions().remove(&id);
        }
        deleted
    }

    /// Puts everything committed into segments now, and folds it into the manifests.
    ///
    /// # Errors
    /// See [`FlushError`].
    pub async fn flush(&self) -> Result<(), FlushError> {
        flush::flush_all(&self.shared).await?;
        fold_now(&self.shared, self.partitions()).await;
        Ok(())
    }

    /// Enforces retention now, for all partitions.
    ///
    /// # Errors
    /// The first error; the other partitions were still looked at.
    pub async fn enforce_retention(&self) -> Result<(), UpkeepError> {
        sweep::enforce_retention(&self.shared).await
    }

    /// Removes objects that nothing has referred to for the grace time. Answers how many.
    ///
    /// # Errors
    /// See [`UpkeepError`].
    pub async fn sweep(&self) -> Result<usize, UpkeepError> {
        sweep::sweep(&self.shared).await
    }

    /// Ends the broker epoch: commits what was accepted, flushes as far as that goes within `patience`, seals the
    /// log, stops the tasks, and lets go of the directory. What
    /// is not flushed by then is read back at the next start.
    pub async fn shutdown(&self, patience: Duration) {
        let partitions = self.partitions();
        for partition in &partitions {
            partition.close();
        }
        let finish = async {
            for partition in &partitions {
                partition.settled().await;
            }
            flush::flush_all(&self.shared).await
        };
        if let Ok(Err(error)) = tokio::time::timeout(patience, finish).await {
            tracing::warn!(%error, "stopped with records that are in the write-ahead log only");
        }
        let wal = self.wal.lock().expect("no panic while it is taken").take();
        if let Some(wal) = wal {
            wal.seal().await;
            drop(wal);
        }
        self.runtime.shutdown().await;
        self.shared.partitions().clear();
    }
}

/// Seals the older epochs of this broker and reads their unflushed chunks into the tail.
async fn recover(shared: &Arc<Shared>, directory: &Arc<WalDirectory>) -> Result<(), StorageError> {
    let ours = shared.config.broker_epoch;
    let mut recorded = shared.ledger.epochs().await?;
    recorded.retain(|(epoch, _)| *epoch < ours);
    let retired = shared.ledger.newest_retired().await?;
    for held in directory.held().into_iter().filter(|held| held.epoch < ours) {
        let epoch = held.epoch;
        let record = recorded.iter().position(|(known, _)| *known == epoch).map(|i| recorded.remove(i).1);
        let Some(record) = record else {
            if retired.is_none_or(|retired| epoch > retired) {
                return Err(StorageError::UnknownEpoch { epoch });
            }
            // Flushed and retired; only the directory had not let go of it.
            directory.release(epoch, held.chunks.end);
            continue;
        };
        let floor = record.record.floor_end;
        let tail_end = record.record.tail_end.unwrap_or(held.chunks.end.max(floor));
        if held.chunks.start > floor || held.chunks.end < tail_end {
            let (from, to) = if held.chunks.start > floor {
                (floor, held.chunks.start)
            } else {
                (held.chunks.end, tail_end)
            };
            return Err(StorageError::ChunksLost { epoch, from, to });
        }
        shared.ledger.seal_epoch(epoch, Some(&record), tail_end).await?;
        directory.release(epoch, floor);
        read_chunks(shared, directory, epoch, floor..tail_end).await?;
    }
    for (epoch, record) in recorded {
        let floor = record.record.floor_end;
        let tail_end = record.record.tail_end.unwrap_or(floor);
        if tail_end > floor {
            return Err(StorageError::ChunksLost { epoch, from: floor, to: tail_end });
        }
        shared.ledger.seal_epoch(epoch, Some(&record), tail_end).await?;
        shared.ledger.retire_epoch(epoch).await?;
    }
    opening::recover_deleted(shared).await?;
    Ok(())
}

async fn read_chunks(
    shared: &Arc<Shared>,
    directory: &Arc<WalDirectory>,
    epoch: BrokerEpoch,
    chunks: std::ops::Range<ChunkSeq>,
) -> Result<(), StorageError> {
    if chunks.is_empty() {
        // Everything is in segments already; there is nothing to flush that would retire it.
        directory.release(epoch, chunks.end);
        return Ok(shared.ledger.retire_epoch(epoch).await?);
    }
    let (shared, directory, scope) = (shared.clone(), directory.clone(), shared.runtime.clone());
    let read = move || {
        let since = shared.runtime.monotonic();
        for seq in (chunks.start.0..chunks.end.0).map(ChunkSeq) {
            let sealed = directory.read(epoch, seq)?;
            let object = shared.chunk_object(epoch, seq);
            let keys = &shared.config.keys;
            let chunk = TailChunk::read_back(epoch, seq, &object, &sealed, keys, since)?;
            shared.budget.add_unflushed(chunk.charged);
            shared.tail.push(Arc::new(chunk));
        }
        Ok::<_, StorageError>(())
    };
    scope.spawn_blocking(read).await.map_err(|_| StorageError::Stopping)?
}
