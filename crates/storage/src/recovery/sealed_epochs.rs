//! Sealed epochs on one broker: it flushes those it is the flusher of, and pins the others until
//! segments have their records.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use milena_runtime::{Backoff, FailureLog, Retry};
use milena_types::{BrokerEpoch, BrokerId, Timestamp, TopicPartition};

use crate::{
    catalog::manifests::{ManifestError, Manifests},
    catalog::{
        records::{LogId, WalRecord},
        storage_catalog::CatalogError,
    },
    chunk::log_core::LogCore,
    partition::{
        fold::{fold_due, reload_all},
        partition::Partition,
        registry::OpenPartitions,
    },
    recovery::{
        epoch_chunks::EpochChunks,
        epoch_queue::{EpochQueue, QueuedEpoch},
        sealed_logs::{SealedError, SealedLogs},
    },
};

/// How often the catalog is read while a change is expected there.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The pauses between attempts to load a sealed epoch.
const LOAD_RETRY: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(5));

/// Why the catalog could not be followed. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettleError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Sealed(#[from] SealedError),
    #[error(transparent)]
    Reload(#[from] ManifestError),
}

/// The sealed epochs of one broker, and what flushing and pinning them takes.
pub(crate) struct SealedEpochs {
    pub(crate) logs: SealedLogs,
    pub(crate) core: Arc<LogCore>,
    pub(crate) manifests: Arc<Manifests>,
    partitions: Arc<OpenPartitions>,
    queue: Mutex<EpochQueue>,
    settling: tokio::sync::Mutex<()>,
}

impl SealedEpochs {
    pub(crate) fn new(
        logs: SealedLogs,
        core: Arc<LogCore>,
        manifests: Arc<Manifests>,
        partitions: Arc<OpenPartitions>,
    ) -> Arc<Self> {
        let (queue, settling) = (Mutex::default(), tokio::sync::Mutex::default());
        Arc::new(Self { logs, core, manifests, partitions, queue, settling })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, EpochQueue> {
        self.queue.lock().expect("no panic while sealed epochs are listed")
    }

    pub(crate) fn clear(&self) {
        *self.lock() = EpochQueue::default();
    }

    /// Follows the catalog until the scope stops: takes over what earlier lives of this broker were
    /// to flush, and the segments of pinned epochs.
    pub(crate) async fn run(self: Arc<Self>) {
        let stopping = self.core.runtime.stopping().clone();
        let mut changes = self.logs.changes();
        let mut failures = FailureLog::default();
        loop {
            let expecting = {
                let sealed = self.lock();
                sealed.unsettled || !sealed.pinned.is_empty()
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = changes.changed() => {}
                () = self.core.runtime.sleep(POLL_INTERVAL), if expecting => {}
            }
            if self.core.is_sealed() {
                return;
            }
            match self.settle().await {
                Ok(()) => failures.clear(),
                Err(error) if failures.is_news(&error) => {
                    tracing::warn!(
                        %error,
                        "the state of sealed epochs cannot be read; trying again"
                    );
                }
                Err(_) => {}
            }
        }
    }

    /// Brings the queue and the pinned epochs in line with the catalog.
    pub(crate) async fn settle(self: &Arc<Self>) -> Result<(), SettleError> {
        let settled = self.try_settle().await;
        if settled.is_err() {
            self.lock().unsettled = true;
        }
        settled
    }

    async fn try_settle(self: &Arc<Self>) -> Result<(), SettleError> {
        let _serialised = self.settling.lock().await;
        let catalog = &self.manifests.catalog;
        let own = catalog.own();
        if std::mem::take(&mut self.lock().unsettled) {
            self.take_flusher_roles(own.broker, Some(own.epoch)).await?;
        }
        // Before the records: what is pinned was sealed by then.
        let pinned: Vec<LogId> = self.lock().pinned.keys().copied().collect();
        let epochs = catalog.all_epochs().await?;
        let mut settled = Ok(());
        for (log, seen) in &epochs {
            let mine = *log != own && seen.value.flusher_of(*log) == own;
            if !mine || self.lock().is_queued(*log) {
                continue;
            }
            match seen.value.unflushed() {
                Some(chunks) => match self.logs.in_memory(*log, &chunks) {
                    Some(epoch) => self.enqueue(*log, &seen.value, epoch),
                    None => self.begin_loading(*log),
                },
                // Its flusher died between flushing the last of it and retiring it.
                None => {
                    let retired = catalog.retire_epoch(*log).await;
                    settled = settled.and(retired.map_err(SettleError::from));
                }
            }
        }
        for log in pinned {
            let record =
                epochs.iter().find(|(known, _)| *known == log).map(|(_, seen)| &seen.value);
            let is_flushed = record.and_then(WalRecord::unflushed).is_none();
            if is_flushed || self.lock().is_queued(log) {
                match self.unpin_epoch(log).await {
                    Ok(()) if is_flushed => self.logs.epoch_retired(log),
                    Ok(()) => {}
                    // What fails for one is no reason to keep the others. It is told to nobody: who
                    // is told tries again at once.
                    Err(error) => settled = settled.and(Err(error.into())),
                }
            }
        }
        self.core.request_flush();
        settled
    }

    /// Loads an epoch in a task of its own, until this broker can flush it or does not have to any more.
    fn begin_loading(self: &Arc<Self>, log: LogId) {
        if !self.lock().loading.insert(log) {
            return;
        }
        let this = self.clone();
        self.core.runtime.spawn_seal(async move {
            let stopping = this.core.runtime.stopping().clone();
            tokio::select! {
                () = stopping.cancelled() => {}
                () = this.load_and_enqueue(log) => {}
            }
            {
                let mut sealed = this.lock();
                sealed.loading.remove(&log);
                // It may have become this broker's again since the task saw that it was not.
                sealed.unsettled = true;
            }
            this.logs.notify();
        });
    }

    async fn load_and_enqueue(&self, log: LogId) {
        let mut retry = Retry::new(&self.core.runtime, LOAD_RETRY);
        loop {
            match self.try_load_and_enqueue(log).await {
                Ok(()) => return,
                Err(error) if retry.is_news(&error) => tracing::warn!(
                    %error, %log, "a sealed epoch cannot be put into segments yet; trying again"
                ),
                Err(_) => {}
            }
            if retry.pause().await.is_err() {
                return;
            }
        }
    }

    async fn try_load_and_enqueue(&self, log: LogId) -> Result<(), SettleError> {
        let catalog = &self.manifests.catalog;
        let Some(seen) = catalog.epoch(log).await? else { return Ok(()) };
        let mine = seen.value.flusher_of(log) == catalog.own();
        let Some(chunks) = seen.value.unflushed().filter(|_| mine) else { return Ok(()) };
        let epoch = self.logs.load(&self.core, log, chunks).await?;
        // Another may have become the flusher meanwhile: the first flush finds out.
        self.enqueue(log, &seen.value, epoch);
        // Of partitions that have pinned it.
        self.logs.notify();
        Ok(())
    }

    /// Makes this broker epoch the flusher of what lives of `broker` (before `before`) were to
    /// flush for others.
    pub(crate) async fn take_flusher_roles(
        &self,
        broker: BrokerId,
        before: Option<BrokerEpoch>,
    ) -> Result<(), CatalogError> {
        let catalog = &self.manifests.catalog;
        for (log, seen) in catalog.all_epochs().await? {
            let flusher = seen.value.flusher_of(log);
            let theirs =
                flusher.broker == broker && before.is_none_or(|before| flusher.epoch < before);
            let Some(tail_end) = seen.value.tail_end.filter(|_| theirs && log.broker != broker)
            else {
                continue;
            };
            match catalog.seal_epoch(log, &seen, tail_end).await {
                // Its own broker came back, or another recoverer was first.
                Ok(_) | Err(CatalogError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes this broker flush the epoch. The catalog already names it the flusher: no other does.
    pub(crate) fn enqueue(&self, log: LogId, record: &WalRecord, epoch: Arc<EpochChunks>) {
        let queued = QueuedEpoch {
            log,
            chunks: Some(epoch),
            floor_end: record.floor_end,
            tail_end: record.tail_end.expect("only sealed epochs are flushed by others"),
            charged: log.broker == self.core.id.broker,
            since: self.core.runtime.monotonic(),
        };
        let mut sealed = self.lock();
        if !sealed.is_queued(log) {
            if queued.charged {
                self.core.budget.add_unflushed(queued.bytes());
            }
            sealed.queue.push(queued);
        }
        drop(sealed);
        self.core.request_flush();
    }

    /// Has the partitions that pinned an epoch take the present segments. Its flushes are from now on
    /// this broker's, or there are none.
    async fn unpin_epoch(&self, log: LogId) -> Result<(), ManifestError> {
        let mut reloaded: BTreeMap<TopicPartition, u64> = BTreeMap::new();
        let mut to_fold = Vec::new();
        loop {
            let missing = {
                let mut sealed = self.lock();
                let missing = sealed.pinned_since(log, &reloaded);
                if missing.is_empty() {
                    sealed.pinned.remove(&log);
                    break;
                }
                missing
            };
            let open: Vec<Arc<Partition>> =
                missing.keys().filter_map(|id| self.partitions.get(*id)).collect();
            reload_all(&self.manifests, &open).await?;
            reloaded.extend(missing);
            to_fold.extend(open);
        }
        fold_due(&self.manifests, Timestamp(self.core.runtime.wall_ms()), to_fold).await;
        Ok(())
    }

    /// Removes an epoch from the queue if another broker flushes it or it is retired. What
    /// partitions here have of it is pinned from then on.
    pub(crate) async fn yield_epoch(&self, log: LogId) -> Result<(), CatalogError> {
        let catalog = &self.manifests.catalog;
        let seen = catalog.epoch(log).await?;
        if let Some(seen) = seen.filter(|seen| seen.value.flusher_of(log) == catalog.own()) {
            // It is not queued any more when the storage was ended meanwhile.
            if let Some(queued) = self.lock().queued_mut(log) {
                queued.floor_end = seen.value.floor_end;
            }
            return Ok(());
        }
        let queued = {
            let mut sealed = self.lock();
            let index = sealed.queue.iter().position(|queued| queued.log == log);
            index.map(|index| sealed.queue.remove(index))
        };
        let Some(queued) = queued else { return Ok(()) };
        if queued.charged {
            self.core.budget.remove_unflushed(queued.bytes());
        }
        // Who is opened from now on pins it itself.
        let has_runs =
            |partition: &Partition| partition.lock().tail.iter().any(|run| run.sealed == Some(log));
        let open = self.partitions.all();
        for partition in open.iter().filter(|partition| has_runs(partition)) {
            if let Some(chunks) = &queued.chunks {
                self.lock().pin_epoch(chunks, partition.id());
                self.logs.request_flush(log);
            }
        }
        tracing::info!(%log, "another broker flushes this epoch");
        Ok(())
    }
}
