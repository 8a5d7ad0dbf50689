//! One broker's storage: opened with a new broker epoch, closed when that epoch ends.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use milena_runtime::{BoxFuture, Runtime};
use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, LeaderEpoch, Offset, TopicPartition};

use crate::{
    catalog::pages::PageError,
    chunk::admission::Admission,
    decisions::Decisions,
    disk::{file_system::Disk, local::LocalDisk},
    flush::{flusher, flusher::FlushError},
    ledger::{Ledger, LedgerError, LogId},
    log::{
        backend::{WalError, WriteAheadLog},
        local::{directory::WalDirectory, local_log::LocalWal},
    },
    objects::store::Objects,
    partition::{
        change::fold_now, partition_log::Partition, producers::snapshot::SnapshotError,
        upkeep::UpkeepError,
    },
    recovery::{
        missing_log, opening,
        sealed::SealedError,
        takeover,
        takeover::{SealBrokerError, SealedBroker},
    },
    segment::{
        blocks::{BlockError, Segments},
        reader::SegmentError,
    },
    shared::{Shared, Source},
    sweep,
    tuning::{PartitionOptions, StorageConfig},
};

/// How long a broker that starts waits for those who recover its earlier life.
const RECOVERED_WITHIN: Duration = Duration::from_secs(5);
const TRY_EVERY: Duration = Duration::from_millis(10);
/// How long the metadata store gets to hear that an epoch left nothing behind.
const ENDED_MAX: Duration = Duration::from_millis(100);

/// Why a broker's storage could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The write-ahead log: in use by another process, damaged, of a newer format, or the disk
    /// fails.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// A chunk of an older epoch cannot be read.
    #[error(transparent)]
    Chunk(#[from] SegmentError),
    /// The metadata store.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The directory is not the one that an epoch of this broker began in which may have
    /// acknowledged chunks that are in no segment. [`StorageConfig::lost_log_accepted`] has it
    /// start without them.
    #[error(
        "the write-ahead directory {dir} shows nothing of broker epoch {epoch}, which may have acknowledged records that are nowhere else: mount or restore it and broker {broker} starts by itself; if it is gone for good, accept that epoch {epoch} is lost"
    )]
    LogLost {
        /// The broker.
        broker: BrokerId,
        /// The newest of its epochs that is missing.
        epoch: BrokerEpoch,
        /// The directory.
        dir: PathBuf,
    },
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
    /// The chunks of a sealed epoch cannot be had.
    #[error(transparent)]
    SealedEpoch(#[from] SealedError),
    /// A snapshot of producers cannot be understood.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// See the module's documentation. Dropping it without [`Storage::shutdown`] is a crash as far as
/// what is on disk goes: what was acknowledged is there at the next start.
pub struct Storage {
    pub(crate) shared: Arc<Shared>,
    /// Taken out when it is shut down, so that its directory is free although requests still refer
    /// to this.
    wal: Mutex<Option<Arc<LocalWal>>>,
    runtime: Runtime,
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.runtime.stop();
    }
}

/// Opens this broker's own directory. Whoever recovers an earlier life of it has the directory for
/// as long as sealing takes, so one that is in use is tried again for a while.
async fn open_directory(
    config: &StorageConfig,
    disk: &Arc<dyn Disk>,
    runtime: &Runtime,
) -> Result<Arc<WalDirectory>, StorageError> {
    let deadline = runtime.monotonic() + RECOVERED_WITHIN;
    loop {
        let (wal, disk) = (config.wal.clone(), disk.clone());
        let opened = runtime.spawn_blocking(move || WalDirectory::open(wal, disk)).await;
        match opened.map_err(|_| StorageError::Stopping)? {
            Err(WalError::InUse { .. }) if runtime.monotonic() < deadline => {
                tracing::debug!(broker = %config.broker, "the write-ahead directory is in use; trying again");
                runtime.sleep(TRY_EVERY).await;
            }
            outcome => return Ok(outcome?),
        }
    }
}

impl Storage {
    /// Opens the storage of a broker epoch: makes sure that the directory is the broker's, takes
    /// its lock (which a recoverer of this broker may have for a moment), seals this broker's
    /// older epochs, reads their chunks that are not in segments yet, and starts the
    /// write-ahead log. Reads nothing else, so its duration depends on the write-ahead log
    /// alone.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub fn open(
        config: StorageConfig,
        objects: Objects,
        decisions: Arc<dyn Decisions>,
        runtime: &Runtime,
    ) -> BoxFuture<'_, Result<Self, StorageError>> {
        Self::open_on(config, Arc::new(LocalDisk), objects, decisions, runtime)
    }

    /// Like [`Storage::open`], on another disk: tests hand in one that fails.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub fn open_on(
        config: StorageConfig,
        disk: Arc<dyn Disk>,
        objects: Objects,
        decisions: Arc<dyn Decisions>,
        runtime: &Runtime,
    ) -> BoxFuture<'_, Result<Self, StorageError>> {
        Box::pin(Self::open_epoch(config, disk, objects, decisions, runtime.child()))
    }

    async fn open_epoch(
        config: StorageConfig,
        disk: Arc<dyn Disk>,
        objects: Objects,
        decisions: Arc<dyn Decisions>,
        runtime: Runtime,
    ) -> Result<Self, StorageError> {
        let ledger = Ledger::new(decisions, runtime.clone(), config.broker, config.broker_epoch);
        let segments = Segments::new(
            config.cluster.clone(),
            objects,
            config.keys.clone(),
            config.blocks.clone(),
            runtime.clone(),
        );
        let lost = missing_log::check(&config, &disk, &ledger, &runtime).await?;
        let directory = open_directory(&config, &disk, &runtime).await?;
        let (signed, epoch) = (directory.clone(), config.broker_epoch);
        let signing = runtime.spawn_blocking(move || signed.sign(epoch)).await;
        signing.map_err(|_| StorageError::Stopping)??;
        let shared = Shared::new(config, runtime.clone(), ledger, segments);
        shared.ledger.open_epoch().await?;

        // The log first writes the newest chunk again; only then is it durable for sure and may
        // count as the tail.
        let (source, epoch, scope) =
            (Source(shared.clone()), shared.config.broker_epoch, runtime.clone());
        let of_log = directory.clone();
        let start = move || LocalWal::start(of_log, epoch, Arc::new(source), &scope);
        let wal = runtime.spawn_blocking(start).await.map_err(|_| StorageError::Stopping)??;
        let log: Arc<dyn WriteAheadLog> = wal.clone();
        assert!(shared.wal.set(Arc::downgrade(&log)).is_ok(), "the log is started once");
        missing_log::give_up(&shared, &directory, &lost).await?;
        takeover::recover(&shared, &directory).await?;
        shared.ledger.abandon_uploads().await?;

        runtime.spawn(flusher::run(shared.clone()));
        runtime.spawn(sweep::run(shared.clone()));
        runtime.spawn(takeover::run(shared.clone()));
        Ok(Self { shared, wal: Mutex::new(Some(wal)), runtime })
    }

    /// Waits until `bytes` of records may be accepted: back-pressure while flushing falls behind.
    /// Hold what it answers until the records were appended. Cancel-safe.
    pub async fn admit(&self, bytes: usize) -> Admission {
        let budget = &self.shared.budget;
        if let Some(admission) = budget.try_admit(bytes as u64) {
            return admission;
        }
        budget.admit(bytes as u64, || self.shared.flush_wanted.notify_one()).await
    }

    /// How much of the memory for unflushed records is used, from 0 to 1 (and above for a single
    /// huge request): what a throttle time is made from.
    pub fn pressure(&self) -> f64 {
        self.shared.budget.unflushed() as f64 / self.shared.budget.limit().max(1) as f64
    }

    /// Whether the broker epoch has ended because the log failed or was sealed by another: nothing
    /// is acknowledged any more, and the broker must register anew.
    pub fn is_sealed(&self) -> bool {
        self.shared.is_sealed()
    }

    /// Opens a partition that this broker leads from now on: its manifest, flushes that are not in
    /// it yet, chunks of this broker and of sealed epochs of any that are not flushed; producer
    /// state from the newest snapshot and what follows it. A partition nobody wrote to is new
    /// and empty. Opening one that is open in the same term gives it back.
    ///
    /// # Errors
    /// See [`OpenPartitionError`].
    pub fn open_partition(
        &self,
        id: TopicPartition,
        leader_epoch: LeaderEpoch,
        options: PartitionOptions,
    ) -> BoxFuture<'_, Result<Arc<Partition>, OpenPartitionError>> {
        Box::pin(opening::open(&self.shared, id, leader_epoch, options))
    }

    /// The partition, if it is open here.
    pub fn partition(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        self.shared.partition(id)
    }

    /// All partitions that are open here.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.shared.partitions().values().cloned().collect()
    }

    /// Makes sure that no epoch of `broker` up to `epoch` acknowledges anything any more, and takes
    /// in what it left: the recoverer's job, once the broker is known to be gone (its life in
    /// this process has ended, or its lease). From when this has answered, others may open what
    /// it led: they read its chunks in place. This broker flushes them in the background, and
    /// so it does with everything the dead one was to flush for others.
    ///
    /// May be repeated, and done by two at once.
    ///
    /// # Errors
    /// [`SealBrokerError::Alive`] while its directory is locked; [`SealBrokerError::Superseded`]
    /// when it is back; else what keeps a start from reading the directory.
    pub fn seal_broker(
        &self,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> BoxFuture<'_, Result<SealedBroker, SealBrokerError>> {
        Box::pin(takeover::seal_broker(&self.shared, broker, epoch))
    }

    /// The brokers that are to put chunks of sealed epochs into segments, with the newest life of
    /// each that is known: partitions on others may wait for that, so one of them that is gone
    /// has to be recovered also when it leads nothing.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub async fn flushers(&self) -> Result<BTreeMap<BrokerId, BrokerEpoch>, LedgerError> {
        let epochs = self.shared.ledger.all_epochs().await?;
        let left = epochs.iter().filter(|(_, seen)| seen.record.unflushed().is_some());
        let flushers: Vec<LogId> = left.map(|(log, seen)| seen.record.flusher_of(*log)).collect();
        let lives = epochs.iter().map(|(log, _)| *log).chain(flushers.iter().copied());
        let mut newest: BTreeMap<BrokerId, BrokerEpoch> = BTreeMap::new();
        for life in
            lives.filter(|life| flushers.iter().any(|flusher| flusher.broker == life.broker))
        {
            let epoch = newest.entry(life.broker).or_insert(life.epoch);
            *epoch = life.epoch.max(*epoch);
        }
        Ok(newest)
    }

    /// The first half of handing partitions over: puts what is committed into segments while they
    /// still accept, so that [`Storage::close_partitions`] has little left to do. Waits for a
    /// bounded time while partitions here borrow from a sealed epoch of another broker.
    ///
    /// # Errors
    /// See [`FlushError`].
    pub fn prepare_close(&self) -> BoxFuture<'_, Result<(), FlushError>> {
        Box::pin(flusher::flush_all(&self.shared))
    }

    /// Hands partitions over: accepts nothing more for them, commits what is pending, and puts it
    /// into segments, so that their next leader needs nothing of this broker. Answers for each,
    /// in the order given; one that is not open here has only to be flushed. All of them are
    /// closed here also when this fails, or when the broker epoch ends meanwhile; then their
    /// next leader must be this broker again, which opens them as if it had started anew, or
    /// whoever recovers it.
    pub fn close_partitions<'a>(
        &'a self,
        ids: &'a [TopicPartition],
    ) -> BoxFuture<'a, Vec<(TopicPartition, Result<(), UpkeepError>)>> {
        Box::pin(self.flush_and_close(ids))
    }

    async fn flush_and_close(
        &self,
        ids: &[TopicPartition],
    ) -> Vec<(TopicPartition, Result<(), UpkeepError>)> {
        let open: Vec<Arc<Partition>> = ids.iter().filter_map(|id| self.partition(*id)).collect();
        open.iter().for_each(|partition| partition.close());
        for partition in &open {
            partition.settled().await;
        }
        // A chunk that the end of the epoch left in doubt may have records of them: it counts if it
        // reached the disk, which is for the recoverer to find out.
        let flushed = match self.is_sealed() {
            true => Err(FlushError::Stopping),
            // The next leader finds the flush records, so manifests need not follow.
            false => flusher::flush_all(&self.shared).await,
        };
        for partition in &open {
            partition.unchanging().await;
        }
        let flushed = flushed.map_err(Arc::new);
        let mut partitions = self.shared.partitions();
        let mut outcome = |id: &TopicPartition| {
            partitions.remove(id);
            flushed.clone().map_err(UpkeepError::Handoff)
        };
        ids.iter().map(|id| (*id, outcome(id))).collect()
    }

    /// Like [`Storage::close_partitions`], for one.
    ///
    /// # Errors
    /// See [`UpkeepError`].
    pub async fn close_partition(&self, id: TopicPartition) -> Result<(), UpkeepError> {
        self.close_partitions(&[id]).await.remove(0).1
    }

    /// Ends the broker epoch as a kill does, inside the process: the log is sealed at once (a sync
    /// that runs is waited for, and what it makes durable is acknowledged; nothing later is),
    /// nothing is flushed, the tasks end, and the directory is free. What was acknowledged is
    /// there for whoever recovers it.
    pub fn crash(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }

    /// Deletes a partition's records for good, whether it is open here or not. What it referred to
    /// is removed from the object store after the grace time.
    ///
    /// # Errors
    /// [`UpkeepError`]; repeat it then.
    pub fn delete_partition(&self, id: TopicPartition) -> BoxFuture<'_, Result<(), UpkeepError>> {
        Box::pin(self.close_and_delete(id))
    }

    async fn close_and_delete(&self, id: TopicPartition) -> Result<(), UpkeepError> {
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

    /// Whether a manifest or a flush refers to objects of a partition, led here or not.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn refers_to(&self, id: TopicPartition) -> Result<bool, LedgerError> {
        let flushes = self.shared.flushes.read(&self.shared.ledger).await?;
        Ok(!flushes.of(id).is_empty() || self.shared.ledger.manifest(id).await?.is_some())
    }

    /// Puts everything committed into segments now, and folds it into the manifests.
    ///
    /// # Errors
    /// See [`FlushError`].
    pub async fn flush(&self) -> Result<(), FlushError> {
        flusher::flush_all(&self.shared).await?;
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

    /// Ends the broker epoch: commits what was accepted, flushes as far as that goes within
    /// `patience`, seals the log, stops the tasks, and lets go of the directory. What
    /// is not flushed by then is read back at the next start; if nothing is left, the directory is
    /// not needed for that.
    pub fn shutdown(&self, patience: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.flush_and_end(patience))
    }

    async fn flush_and_end(&self, patience: Duration) {
        let partitions = self.partitions();
        for partition in &partitions {
            partition.close();
        }
        let finish = async {
            for partition in &partitions {
                partition.settled().await;
            }
            flusher::flush_all(&self.shared).await
        };
        let flushed = tokio::time::timeout(patience, finish).await;
        if let Ok(Err(error)) = &flushed {
            tracing::warn!(%error, "stopped with records that are in the write-ahead log only");
        }
        if let (Ok(Ok(())), Some(tail_end)) = (flushed, self.seal().await) {
            // So that nobody misses a directory in which nothing was left.
            let noted = self.shared.ledger.end_epoch(tail_end);
            if let Ok(Err(error)) = tokio::time::timeout(ENDED_MAX, noted).await {
                tracing::debug!(%error, "the next start finds out that nothing is left in the log");
            }
        }
        self.end().await;
    }

    /// Ends the log; answers its tail if it was not ended before.
    async fn seal(&self) -> Option<ChunkSeq> {
        let wal = self.wal.lock().expect("no panic while it is taken").take();
        match wal {
            Some(wal) => Some(wal.seal().await),
            None => None,
        }
    }

    async fn end(&self) {
        self.seal().await;
        self.runtime.shutdown().await;
        self.shared.partitions().clear();
        self.shared.sealed_epochs().clear();
    }
}
