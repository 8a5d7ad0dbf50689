//! Sealed epochs on one broker: it flushes those it is the flusher of, and pins the others until
//! segments have their records.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use milena_runtime::FailureLog;
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
        epoch_queue::{EpochQueue, PinnedEpoch, QueuedEpoch},
        sealed_logs::{SealedError, SealedLogs},
    },
};

/// How often the catalog is read while a change is expected there.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

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
    pub(crate) async fn settle(&self) -> Result<(), SettleError> {
        let settled = self.try_settle().await;
        if settled.is_err() {
            self.lock().unsettled = true;
        }
        settled
    }

    async fn try_settle(&self) -> Result<(), SettleError> {
        let _serialised = self.settling.lock().await;
        let catalog = &self.manifests.catalog;
        let own = catalog.own();
        if std::mem::take(&mut self.lock().unsettled) {
            self.take_flusher_roles(own.broker, Some(own.epoch)).await?;
        }
        let epochs = catalog.all_epochs().await?;
        for (log, seen) in &epochs {
            let mine = *log != own && seen.value.flusher_of(*log) == own;
            if !mine || self.lock().is_queued(*log) {
                continue;
            }
            match seen.value.unflushed() {
                Some(chunks) => {
                    let epoch = self.logs.load(&self.core, *log, chunks).await?;
                    self.enqueue(*log, &seen.value, epoch).await?;
                }
                // Its flusher died between flushing the last of it and retiring it.
                None => catalog.retire_epoch(*log).await?,
            }
        }
        let pinned: Vec<LogId> = self.lock().pinned.keys().copied().collect();
        for log in pinned {
            let record =
                epochs.iter().find(|(known, _)| *known == log).map(|(_, seen)| &seen.value);
            if record.and_then(WalRecord::unflushed).is_none() {
                self.unpin_epoch(log, |_| {}).await?;
                self.logs.epoch_retired(log);
            }
        }
        self.core.request_flush();
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
    pub(crate) async fn enqueue(
        &self,
        log: LogId,
        record: &WalRecord,
        epoch: Arc<EpochChunks>,
    ) -> Result<(), ManifestError> {
        let queued = QueuedEpoch {
            order: record.order,
            log,
            chunks: Some(epoch),
            floor_end: record.floor_end,
            tail_end: record.tail_end.expect("only sealed epochs are flushed by others"),
            charged: log.broker == self.core.id.broker,
            since: self.core.runtime.monotonic(),
        };
        self.unpin_epoch(log, |sealed| {
            if !sealed.is_queued(log) {
                if queued.charged {
                    self.core.budget.add_unflushed(queued.bytes());
                }
                sealed.enqueue(queued);
            }
        })
        .await
    }

    /// Has the partitions that pinned an epoch take the present segments, then unpins it, and does
    /// `then` under the same lock: at no moment is the epoch in neither.
    async fn unpin_epoch(
        &self,
        log: LogId,
        then: impl FnOnce(&mut EpochQueue),
    ) -> Result<(), ManifestError> {
        let mut reloaded: BTreeSet<TopicPartition> = BTreeSet::new();
        let mut to_fold = Vec::new();
        loop {
            let missing: Vec<TopicPartition> = {
                let _nobody_opens = self.manifests.flush_gate.write().await;
                let mut sealed = self.lock();
                let pinned = sealed.pinned.get(&log).into_iter();
                let missing = pinned.flat_map(|epoch| epoch.partitions.difference(&reloaded));
                let missing: Vec<_> = missing.copied().collect();
                if missing.is_empty() {
                    sealed.pinned.remove(&log);
                    then(&mut sealed);
                    break;
                }
                missing
            };
            let open: Vec<Arc<Partition>> =
                missing.iter().filter_map(|id| self.partitions.get(*id)).collect();
            reload_all(&self.manifests, &open).await?;
            reloaded.extend(missing);
            to_fold.extend(open);
        }
        self.core.request_flush();
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
        let _nobody_opens = self.manifests.flush_gate.write().await;
        let has_runs = |partition: &Arc<Partition>| {
            partition.lock().tail.iter().any(|run| run.sealed == Some(log))
        };
        let open = self.partitions.all();
        let pinning = open.iter().filter(|partition| has_runs(partition));
        let partitions: BTreeSet<TopicPartition> =
            pinning.map(|partition| partition.id()).collect();
        let mut sealed = self.lock();
        if let Some(index) = sealed.queue.iter().position(|queued| queued.log == log) {
            let queued = sealed.queue.remove(index);
            if queued.charged {
                self.core.budget.remove_unflushed(queued.bytes());
            }
            if !partitions.is_empty() {
                self.logs.request_flush(log);
            }
            if let Some(chunks) = queued.chunks {
                let pinned = PinnedEpoch { order: queued.order, chunks, partitions };
                sealed.pinned.insert(log, pinned);
            }
        }
        drop(sealed);
        tracing::info!(%log, "another broker flushes this epoch");
        Ok(())
    }

    /// Whether an epoch's turn has come: all that were sealed before it are in segments, and
    /// applied here.
    pub(crate) async fn may_flush(&self, order: u64, log: LogId) -> Result<bool, CatalogError> {
        let earlier = |other_order: u64, other: LogId| (other_order, other) < (order, log);
        let pins_earlier =
            self.lock().pinned.iter().any(|(other, epoch)| earlier(epoch.order, *other));
        if pins_earlier {
            return Ok(false);
        }
        let epochs = self.manifests.catalog.all_epochs().await?;
        let before = epochs.iter().find(|(other, seen)| {
            *other != log && earlier(seen.value.order, *other) && seen.value.unflushed().is_some()
        });
        if let Some((before, _)) = before {
            self.logs.request_flush(*before);
        }
        Ok(before.is_none())
    }
}
