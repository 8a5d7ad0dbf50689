//! One broker's storage: opened with a new broker epoch, closed when that epoch ends.

mod deletion;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use milena_runtime::{BoxFuture, Runtime};
use milena_store::Keyspace;
use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, TopicPartition};

use crate::{
    cache::object_cache::ObjectCache,
    catalog::{
        deletion::DeletedPartitions, lives::Lives, manifests::Manifests, object_names::ObjectNames,
        pages::Pages,
    },
    catalog::{
        records::LogId,
        storage_catalog::{CatalogError, StorageCatalog},
    },
    chunk::{
        admission::{AdmitError, BudgetPermit},
        log_core::{LogCore, LogMemory},
        source::CoreSource,
    },
    disk::file_system::Disk,
    flush::{errors::FlushError, flusher::Flusher},
    log::{
        backend::{LogBackend, LogError},
        local::{
            directory::{LogConfig, LogDirectory},
            local_log::LocalLog,
        },
    },
    objects::store::Objects,
    partition::{
        errors::MaintenanceError,
        fold::{fold_closed, fold_now},
        options::PartitionOptions,
        partition::Partition,
        registry::OpenPartitions,
    },
    recovery::{
        errors::{OpenPartitionError, StorageError},
        missing_log::{abandon_missing, check_directory},
        opening::{LeaderTerm, PartitionOpener},
        seal::{Recoverer, SealBrokerError, SealedBroker},
        sealed_epochs::SealedEpochs,
    },
    segment::blocks::Segments,
    storage_config::StorageConfig,
    sweep::Sweeper,
};

/// How long a broker that starts waits for a recoverer of its earlier life.
const LOCKED_WAIT_MAX: Duration = Duration::from_secs(5);
const LOCKED_RETRY: Duration = Duration::from_millis(10);

/// Whether a closed partition's records were flushed. Partitions that are closed together share the
/// error.
pub type CloseOutcome = Result<ClosedPartition, Arc<FlushError>>;

/// A partition that another broker can lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedPartition {
    /// Its manifest has all its records: its next leader needs no log, and no flush record.
    pub folded: bool,
}

/// One broker's storage. Dropping it without [`Storage::shutdown`] is a crash as far as the disk is
/// concerned: what was acknowledged is there at the next start.
pub struct Storage {
    pub(crate) core: Arc<LogCore>,
    pub(crate) manifests: Arc<Manifests>,
    partitions: Arc<OpenPartitions>,
    deleted: Arc<DeletedPartitions>,
    pub(crate) sealed: Arc<SealedEpochs>,
    pub(crate) flusher: Arc<Flusher>,
    opener: PartitionOpener,
    recoverer: Recoverer,
    pub(crate) sweeper: Arc<Sweeper>,
    /// Taken at shutdown, so that its directory is free although requests still refer to this.
    log: Mutex<Option<Arc<LocalLog>>>,
    runtime: Runtime,
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.runtime.stop();
    }
}

/// Opens this broker's own directory. A recoverer of an earlier life holds its lock while it seals,
/// so one that is in use is tried again for a while.
async fn open_directory(
    config: &LogConfig,
    broker: BrokerId,
    disk: &Arc<dyn Disk>,
    runtime: &Runtime,
) -> Result<Arc<LogDirectory>, StorageError> {
    let deadline = runtime.monotonic() + LOCKED_WAIT_MAX;
    loop {
        let (config, disk) = (config.clone(), disk.clone());
        let opened = runtime.spawn_blocking(move || LogDirectory::open(config, disk)).await;
        match opened.map_err(|_| StorageError::Stopping)? {
            Err(LogError::InUse { .. }) if runtime.monotonic() < deadline => {
                tracing::debug!(%broker, "the write-ahead directory is in use; trying again");
                runtime.sleep(LOCKED_RETRY).await;
            }
            outcome => return Ok(outcome?),
        }
    }
}

impl Storage {
    /// How long [`Storage::shutdown`] may take, after its flush and the seal, to record that the
    /// epoch left nothing behind.
    pub const END_RECORD_MAX: Duration = Duration::from_millis(100);

    /// Opens the storage of a broker epoch: checks that the directory is the broker's, takes its
    /// lock (which a recoverer of this broker may hold for a moment), seals this broker's older
    /// epochs, reads their chunks that are not in segments yet, and starts the write-ahead log.
    /// Reads nothing else, so its duration depends on the write-ahead log alone. `disk` has the
    /// write-ahead log.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub fn open(
        config: StorageConfig,
        disk: Arc<dyn Disk>,
        objects: Objects,
        keyspace: Keyspace,
        runtime: &Runtime,
    ) -> BoxFuture<'_, Result<Self, StorageError>> {
        Box::pin(Self::open_epoch(config, disk, objects, keyspace, runtime.child()))
    }

    async fn open_epoch(
        config: StorageConfig,
        disk: Arc<dyn Disk>,
        objects: Objects,
        keyspace: Keyspace,
        runtime: Runtime,
    ) -> Result<Self, StorageError> {
        let catalog =
            StorageCatalog::new(keyspace, runtime.clone(), config.broker, config.broker_epoch);
        let (dir, accepted) = (config.log.dir.clone(), config.lost_log_accepted);
        let missing = check_directory(dir, accepted, &disk, &catalog, &runtime).await?;
        let directory = open_directory(&config.log, config.broker, &disk, &runtime).await?;
        let (marked, epoch) = (directory.clone(), config.broker_epoch);
        let marking = runtime.spawn_blocking(move || marked.write_epoch_marker(epoch)).await;
        marking.map_err(|_| StorageError::Stopping)??;
        let storage = Self::assemble(&config, objects, catalog, runtime);
        storage.manifests.catalog.open_epoch().await?;
        if let Err(error) = storage.recover(&directory, &missing).await {
            storage.forget_epoch(&directory).await;
            return Err(error);
        }

        storage.runtime.spawn(storage.flusher.clone().run());
        storage.runtime.spawn(storage.sweeper.clone().run());
        storage.runtime.spawn_seal(storage.sealed.clone().run());
        Ok(storage)
    }

    /// Starts the log and takes over what older epochs of this broker left.
    async fn recover(
        &self,
        directory: &Arc<LogDirectory>,
        missing: &[LogId],
    ) -> Result<(), StorageError> {
        let _loaded = self.recoverer.load_own(directory).await?;
        // The log first writes the newest chunk again; only then is it durable for certain and may
        // count as the tail.
        self.start_log(directory).await?;
        let (catalog, logs) = (&self.manifests.catalog, &self.sealed.logs);
        abandon_missing(catalog, logs, directory, missing).await?;
        self.recoverer.recover_own(directory, &self.deleted).await?;
        catalog.abandon_uploads().await?;
        Ok(())
    }

    /// Removes what an epoch without a chunk has in the catalog and the directory: a start that fails
    /// is repeated until its cause is mended, however long that takes. Other epochs are left alone:
    /// the catalog may be the wrong one.
    async fn forget_epoch(&self, directory: &Arc<LogDirectory>) {
        let (directory, epoch) = (directory.clone(), self.core.id.epoch);
        let forgotten = async {
            self.manifests.catalog.forget_epoch().await?;
            let removed = move || directory.remove_epoch_marker(epoch);
            let removed = self.runtime.spawn_blocking(removed).await;
            Ok::<_, StorageError>(removed.map_err(|_| StorageError::Stopping)??)
        };
        let forgotten = tokio::time::timeout(Self::END_RECORD_MAX, forgotten).await;
        if !matches!(forgotten, Ok(Ok(()))) {
            tracing::debug!(?forgotten, "a start that failed has left its broker epoch");
        }
    }

    /// The parts of storage, before its log runs.
    fn assemble(
        config: &StorageConfig,
        objects: Objects,
        catalog: StorageCatalog,
        runtime: Runtime,
    ) -> Self {
        let names = Arc::new(ObjectNames::new(&config.incarnation, catalog.own()));
        let core = LogCore::new(
            catalog.own(),
            runtime.clone(),
            config.keys.clone(),
            names.clone(),
            config.log.chunk_bytes_max,
            LogMemory {
                budget: config.memory,
                pool: &config.pool,
                flush_bytes: config.flush.bytes,
            },
        );
        let cache =
            ObjectCache::new(config.cluster.clone(), config.blocks.clone(), runtime.clone());
        let (keys, pages_cache) = (config.keys.clone(), cache.clone());
        let pages = Pages::new(objects.clone(), keys.clone(), pages_cache, runtime.clone());
        let manifests = Arc::new(Manifests::new(catalog, pages, names));
        let partitions = Arc::new(OpenPartitions::default());
        let deleted = Arc::new(DeletedPartitions::default());
        let sealed = SealedEpochs::new(
            config.sealed_logs.clone(),
            core.clone(),
            manifests.clone(),
            partitions.clone(),
        );
        let flusher = Flusher::new(
            config.flush,
            sealed.clone(),
            partitions.clone(),
            deleted.clone(),
            objects.clone(),
        );
        let opener = PartitionOpener {
            core: core.clone(),
            manifests: manifests.clone(),
            segments: Arc::new(Segments::new(objects.clone(), keys, cache)),
            partitions: partitions.clone(),
            deleted: deleted.clone(),
            sealed: sealed.clone(),
            producer_expiration: config.producer_expiration,
        };
        let recoverer = Recoverer { sealed: sealed.clone(), log_config: config.log.clone() };
        let sweeper = Sweeper {
            core: core.clone(),
            manifests: manifests.clone(),
            partitions: partitions.clone(),
            objects,
            interval: config.retention_interval,
            delete_grace: config.delete_grace,
            producer_expiration: config.producer_expiration,
        };
        Self {
            core,
            manifests,
            partitions,
            deleted,
            sealed,
            flusher,
            opener,
            recoverer,
            sweeper: Arc::new(sweeper),
            log: Mutex::default(),
            runtime,
        }
    }

    async fn start_log(&self, directory: &Arc<LogDirectory>) -> Result<(), StorageError> {
        let partitions = self.partitions.clone();
        let close = move || partitions.all().iter().for_each(|partition| partition.close());
        let source = CoreSource::new(self.core.clone(), close);
        let (epoch, scope, directory) =
            (self.core.id.epoch, self.runtime.clone(), directory.clone());
        let start = move || LocalLog::start(directory, epoch, Arc::new(source), &scope);
        let log =
            self.runtime.spawn_blocking(start).await.map_err(|_| StorageError::Stopping)??;
        let backend: Arc<dyn LogBackend> = log.clone();
        self.core.set_log(Arc::downgrade(&backend));
        *self.log.lock().expect("no panic while it is set") = Some(log);
        Ok(())
    }

    /// Waits until `bytes` of records may be accepted: back-pressure while flushing falls behind.
    /// The caller holds the permit until the records were appended. Cancel-safe.
    pub async fn admit(&self, bytes: usize) -> BudgetPermit {
        match self.try_admit(bytes) {
            Some(permit) => permit,
            None => self.core.budget.admit(bytes as u64, || self.core.request_flush()).await,
        }
    }

    /// As [`Storage::admit`], if that need not wait.
    pub fn try_admit(&self, bytes: usize) -> Option<BudgetPermit> {
        self.core.budget.try_admit(bytes as u64)
    }

    /// As [`Storage::admit`], for at most so long.
    ///
    /// # Errors
    /// [`AdmitError`].
    pub async fn admit_within(
        &self,
        bytes: usize,
        wait_max: Duration,
    ) -> Result<BudgetPermit, AdmitError> {
        if let Some(permit) = self.try_admit(bytes) {
            return Ok(permit);
        }
        tokio::select! {
            biased;
            permit = self.admit(bytes) => Ok(permit),
            () = self.runtime.sleep(wait_max) => Err(self.core.budget.why_not_admitted()),
        }
    }

    /// The used share of the memory for unflushed records, from 0 to 1 (and above for a single huge
    /// request). Throttle times are computed from it.
    pub fn pressure(&self) -> f64 {
        self.core.budget.pressure()
    }

    /// Whether the broker epoch has ended because the log failed or was sealed by another: nothing
    /// is acknowledged any more, and the broker must register again.
    pub fn is_sealed(&self) -> bool {
        self.core.is_sealed()
    }

    /// Opens a partition that this broker leads from now on: its manifest, flushes that are not in
    /// it yet, chunks of this broker and of the sealed epochs that the term names which are not
    /// flushed; producer state from the newest snapshot and what follows it. A partition without
    /// records is new and empty. A partition that is open in the same leader epoch is returned as it
    /// is.
    ///
    /// # Errors
    /// See `OpenPartitionError`.
    pub fn open_partition(
        &self,
        id: TopicPartition,
        term: impl Into<LeaderTerm>,
        options: PartitionOptions,
    ) -> BoxFuture<'_, Result<Arc<Partition>, OpenPartitionError>> {
        let term = term.into();
        Box::pin(async move { self.opener.open(id, &term, options).await })
    }

    /// What is known of the lives of all brokers of the cluster.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub fn lives(&self) -> BoxFuture<'_, Result<Lives, CatalogError>> {
        Box::pin(self.manifests.catalog.lives())
    }

    /// The partition, if it is open here.
    pub fn partition(&self, id: TopicPartition) -> Option<Arc<Partition>> {
        self.partitions.get(id)
    }

    /// All partitions that are open here.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.partitions.all()
    }

    /// Seals all epochs of `broker` up to `epoch`, so that they acknowledge nothing more, and takes
    /// over what they left. Called once the broker is known to be gone (its life in this process
    /// has ended, or its lease). After it has returned, others may open what the broker led: they
    /// read its chunks in place. This broker flushes them in the background, and everything the
    /// dead one was to flush for others.
    ///
    /// May be repeated, and called by two at once.
    ///
    /// # Errors
    /// [`SealBrokerError::Alive`] while its directory is locked; [`SealBrokerError::Superseded`]
    /// when it is back; else what keeps a start from reading the directory.
    pub fn seal_broker(
        &self,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> BoxFuture<'_, Result<SealedBroker, SealBrokerError>> {
        Box::pin(self.recoverer.seal_broker(broker, epoch))
    }

    /// The brokers that have to put chunks of sealed epochs into segments, with the newest known
    /// epoch of each. Partitions on others may wait for that, so one of them that is gone has to be
    /// recovered even if it leads nothing.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn flushers(&self) -> Result<BTreeMap<BrokerId, BrokerEpoch>, CatalogError> {
        let epochs = self.manifests.catalog.all_epochs().await?;
        let left = epochs.iter().filter(|(_, seen)| seen.value.unflushed().is_some());
        let flushers: Vec<LogId> = left.map(|(log, seen)| seen.value.flusher_of(*log)).collect();
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

    /// Ends what brokers left behind that are neither `alive` nor this one: uploads that they
    /// announced and did not commit, and garbage. One that is alive all the same repeats its upload.
    /// May be repeated, and called by two at once.
    ///
    /// # Errors
    /// See [`MaintenanceError`]; what is left is done the next time.
    pub fn sweep_absent<'a>(
        &'a self,
        alive: &'a BTreeSet<BrokerId>,
    ) -> BoxFuture<'a, Result<(), MaintenanceError>> {
        let own = self.core.id.broker;
        let is_gone = move |broker| broker != own && !alive.contains(&broker);
        Box::pin(self.sweeper.sweep_for(is_gone))
    }

    /// The first half of a handoff: flushes and folds what is committed while the partitions still
    /// accept, so that [`Storage::close_partitions`] has little left to do.
    ///
    /// # Errors
    /// See [`FlushError`].
    pub fn prepare_close<'a>(
        &'a self,
        ids: &'a [TopicPartition],
    ) -> BoxFuture<'a, Result<(), FlushError>> {
        Box::pin(async move {
            self.flusher.flush_own().await?;
            let open = self.partitions.get_each(ids.iter().copied());
            fold_now(&self.manifests, open.into_iter().flatten().collect()).await;
            Ok(())
        })
    }

    /// The second half of a handoff: closes the partitions, commits what is pending, flushes it, so
    /// that their next leader needs no chunk of this broker's own log, and folds. Returns the outcome
    /// of each, in the order given; one that is not open here has only to be flushed. All of them are
    /// closed also when this fails, or when the broker epoch ends meanwhile. Then their next leader
    /// must be this broker again, which opens them as after a start, or its recoverer.
    pub fn close_partitions<'a>(
        &'a self,
        ids: &'a [TopicPartition],
    ) -> BoxFuture<'a, Vec<(TopicPartition, CloseOutcome)>> {
        Box::pin(self.flush_and_close(ids))
    }

    async fn flush_and_close(&self, ids: &[TopicPartition]) -> Vec<(TopicPartition, CloseOutcome)> {
        let open: Vec<Arc<Partition>> = ids.iter().filter_map(|id| self.partition(*id)).collect();
        open.iter().for_each(|partition| partition.close());
        for partition in &open {
            partition.settled().await;
        }
        // A chunk that the end of the epoch left in doubt may have records of them: it counts if it
        // reached the disk, which the recoverer finds out.
        let flushed = match self.is_sealed() {
            true => Err(FlushError::Stopping),
            false => self.flusher.flush_own().await,
        };
        if flushed.is_ok() {
            // Nobody else folds before the next leader has read the manifests.
            fold_closed(&self.manifests, open.clone()).await;
        }
        for partition in &open {
            partition.manifest_unchanging().await;
        }
        let folded = open.iter().filter(|partition| partition.is_folded());
        let folded: BTreeSet<TopicPartition> = folded.map(|partition| partition.id()).collect();
        let flushed = flushed.map_err(Arc::new);
        ids.iter().for_each(|id| self.partitions.remove(*id));
        let outcome = |id: &TopicPartition| {
            let closed = ClosedPartition { folded: folded.contains(id) };
            (*id, flushed.clone().map(|()| closed))
        };
        ids.iter().map(outcome).collect()
    }

    /// Like [`Storage::close_partitions`], for one.
    ///
    /// # Errors
    /// See [`FlushError`].
    pub async fn close_partition(&self, id: TopicPartition) -> CloseOutcome {
        self.close_partitions(&[id]).await.remove(0).1
    }

    /// Ends the broker epoch as a kill does, inside the process: the log is sealed at once (a
    /// running sync is waited for, and what it makes durable is acknowledged; nothing later is),
    /// nothing is flushed, the tasks end, and the directory is unlocked. A recoverer finds what was
    /// acknowledged.
    pub fn crash(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }

    /// Puts everything committed into segments now, and folds it into the manifests.
    ///
    /// # Errors
    /// See [`FlushError`].
    pub async fn flush(&self) -> Result<(), FlushError> {
        self.flusher.flush_all().await?;
        fold_now(&self.manifests, self.partitions()).await;
        Ok(())
    }

    /// Ends the broker epoch: commits what was accepted, flushes as far as that goes within
    /// `patience`, seals the log, stops the tasks, and unlocks the directory. What is not flushed
    /// by then is read back at the next start; if nothing is left, the next start does not need the
    /// directory.
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
            self.flusher.flush_all().await
        };
        let flushed = tokio::time::timeout(patience, finish).await;
        if let Ok(Err(error)) = &flushed {
            tracing::warn!(%error, "stopped with records that are in the write-ahead log only");
        }
        let tail_end = self.seal().await;
        if let Some(tail_end) = tail_end.filter(|_| self.core.tail.oldest_unflushed().is_none()) {
            // So that a directory in which nothing was left is not missed.
            let recorded = self.manifests.catalog.end_epoch(tail_end);
            if let Ok(Err(error)) = tokio::time::timeout(Self::END_RECORD_MAX, recorded).await {
                tracing::debug!(%error, "the next start finds out that nothing is left in the log");
            }
        }
        self.end().await;
    }

    /// Ends the log. Returns its tail if it was not ended before.
    async fn seal(&self) -> Option<ChunkSeq> {
        let log = self.log.lock().expect("no panic while it is taken").take();
        match log {
            Some(log) => Some(log.seal().await),
            None => None,
        }
    }

    async fn end(&self) {
        self.seal().await;
        self.runtime.shutdown().await;
        self.partitions.clear();
        self.sealed.clear();
    }
}
