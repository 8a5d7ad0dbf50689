//! Sealing the epochs of a broker that has ended.
//!
//! The *recoverer* of a dead broker takes the lock of its directory, makes its newest chunk
//! durable, and records seal and tail of its epochs. That makes the recoverer their flusher, and
//! also of everything the dead broker was to flush for others. A broker that comes back does the
//! same for its own epochs. Every step is one conditional write: of two concurrent recoverers one
//! is first and the other reads what it wrote; the one that lost the role of flusher pins from then
//! on.

use std::{path::PathBuf, sync::Arc};

use milena_store::Versioned;
use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, Revision};

use crate::{
    catalog::deletion::DeletedPartitions,
    catalog::{
        records::{LogId, WalRecord},
        storage_catalog::CatalogError,
    },
    log::{
        backend::{HeldEpoch, LogError},
        local::{
            directory::{LogConfig, LogDirectory},
            epoch_markers::EpochMarkers,
            frame_writer::make_newest_durable,
        },
    },
    recovery::{
        epoch_chunks::EpochChunks, errors::StorageError, missing_log::missing_epochs,
        sealed_epochs::SealedEpochs, sealed_logs::SealedError,
    },
};

/// How often a step that conflicts with another is repeated.
const ATTEMPTS: usize = 8;

type SealedRecords = Vec<(LogId, Versioned<WalRecord>)>;

/// A broker all of whose epochs up to one are sealed. See [`crate::Storage::seal_broker`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBroker {
    pub broker: BrokerId,
    /// The newest sealed epoch: what the broker led in lives up to this one may be given to others.
    pub sealed: BrokerEpoch,
    /// The key of the record of the seal, below storage's prefix.
    pub key: String,
    /// The record's revision. It changes only when a later epoch is sealed, so a change of leaders
    /// depends on it.
    pub revision: Revision,
}

/// Why a broker could not be sealed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum SealBrokerError {
    /// Its directory is locked: it is alive, is starting, or another recoverer is at work.
    #[error(
        "broker {broker} still has its write-ahead directory, or another recovers it: try again \
         when it has ended"
    )]
    Alive { broker: BrokerId },
    /// It has begun a later life.
    #[error("broker {broker} has begun epoch {current}, after {asked}: it recovers by itself")]
    Superseded { broker: BrokerId, asked: BrokerEpoch, current: BrokerEpoch },
    /// Epochs of it are not sealed, so its directory existed, and now it does not. An empty one
    /// would not tell the tail.
    #[error(
        "the write-ahead directory of broker {broker} is gone ({dir}): mount or restore it; if it \
         is gone for good, the broker's own start says how to accept that"
    )]
    NoDirectory { broker: BrokerId, dir: PathBuf },
    /// A broker recovers itself only by starting.
    #[error("broker {broker} cannot seal itself: stop it, or let another do it")]
    SelfSeal { broker: BrokerId },
    /// Its chunks cannot be read.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// Its log, or the catalog, as at a start.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<CatalogError> for SealBrokerError {
    fn from(error: CatalogError) -> Self {
        Self::Storage(error.into())
    }
}

/// Seals the epochs of brokers that have ended.
pub(crate) struct Recoverer {
    pub(crate) sealed: Arc<SealedEpochs>,
    /// How this broker's own log is opened; others are opened alike.
    pub(crate) log_config: LogConfig,
}

impl Recoverer {
    /// See [`crate::Storage::seal_broker`].
    pub(crate) async fn seal_broker(
        &self,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> Result<SealedBroker, SealBrokerError> {
        let sealed_epochs = &self.sealed;
        let catalog = &sealed_epochs.manifests.catalog;
        if broker == catalog.own().broker {
            return Err(SealBrokerError::SelfSeal { broker });
        }
        let mut kept = Vec::new();
        let (key, revision) = {
            let directory = self.open_directory(broker).await?;
            let ours = |log: LogId, record: &WalRecord| {
                record.tail_end.is_none() || record.flusher_of(log).broker == broker
            };
            let sealed = self.seal_epochs(&directory, broker, epoch, true, ours).await?;
            let noted = catalog.note_sealed(broker, epoch).await?;
            // Read while the directory is open; kept in memory until they are queued.
            for (log, seen) in &sealed {
                if let Some(chunks) = seen.value.unflushed() {
                    let core = &sealed_epochs.core;
                    let loaded = sealed_epochs.logs.load_from(core, &directory, *log, chunks);
                    kept.push(loaded.await?);
                }
            }
            noted
        };
        sealed_epochs.take_flusher_roles(broker, None).await?;
        sealed_epochs.lock().unsettled = true;
        // When this fails, the task that settles does the rest.
        if let Err(error) = sealed_epochs.settle().await {
            tracing::warn!(%error, %broker, "the sealed epochs are queued later");
        }
        drop(kept);
        sealed_epochs.logs.notify();
        tracing::info!(%broker, %epoch, "sealed");
        Ok(SealedBroker { broker, sealed: epoch, key, revision })
    }

    async fn open_directory(&self, broker: BrokerId) -> Result<Arc<LogDirectory>, SealBrokerError> {
        let (disk, dir) = self.sealed.logs.directory_of(broker)?;
        let recorded = self.sealed.manifests.catalog.epochs_of(broker).await?;
        let config = LogConfig { dir: dir.clone(), ..self.log_config.clone() };
        let open = move || {
            let markers = EpochMarkers::read(&config.dir, &*disk)?;
            let missing = missing_epochs(&recorded, &markers, Some(broker));
            if missing.is_empty() { LogDirectory::open(config, disk).map(Some) } else { Ok(None) }
        };
        let opened = self.sealed.core.runtime.spawn_blocking(open).await;
        match opened.map_err(|_| SealedError::Stopping)? {
            Err(LogError::InUse { .. }) => Err(SealBrokerError::Alive { broker }),
            Err(error) => Err(StorageError::from(error).into()),
            Ok(None) => Err(SealBrokerError::NoDirectory { broker, dir }),
            Ok(Some(directory)) => Ok(directory),
        }
    }

    /// Seals the epochs of `broker` up to `newest` that `select` picks, and makes this broker their
    /// flusher. Returns those with unflushed chunks. The caller has the broker's directory open;
    /// its newest chunk is durable, or made so here.
    async fn seal_epochs(
        &self,
        directory: &Arc<LogDirectory>,
        broker: BrokerId,
        newest: BrokerEpoch,
        make_durable: bool,
        select: impl Fn(LogId, &WalRecord) -> bool,
    ) -> Result<SealedRecords, SealBrokerError> {
        let (core, catalog) = (&self.sealed.core, &self.sealed.manifests.catalog);
        let mut attempt = 0;
        let mut durable = !make_durable;
        loop {
            let recorded = catalog.epochs_of(broker).await?;
            if let Some((later, _)) =
                recorded.last().filter(|(log, _)| log.epoch > newest && make_durable)
            {
                let current = later.epoch;
                return Err(SealBrokerError::Superseded { broker, asked: newest, current });
            }
            let unsealed = recorded.iter().any(|(_, seen)| seen.value.tail_end.is_none());
            if unsealed && !std::mem::replace(&mut durable, true) {
                let directory = directory.clone();
                let made =
                    core.runtime.spawn_blocking(move || make_newest_durable(&directory)).await;
                made.map_err(|_| SealedError::Stopping)?.map_err(StorageError::from)?;
            }
            let recorded = recorded.into_iter().filter(|(log, _)| log.epoch <= newest).collect();
            let sealed = self.try_seal_epochs(directory, broker, newest, recorded, &select).await;
            match sealed {
                // Its flusher committed a flush first.
                Err(StorageError::Catalog(CatalogError::Conflict(_))) if attempt < ATTEMPTS => {
                    attempt += 1;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    async fn try_seal_epochs(
        &self,
        directory: &Arc<LogDirectory>,
        broker: BrokerId,
        newest: BrokerEpoch,
        mut recorded: SealedRecords,
        select: impl Fn(LogId, &WalRecord) -> bool,
    ) -> Result<SealedRecords, StorageError> {
        let catalog = &self.sealed.manifests.catalog;
        let retired = catalog.newest_retired(broker).await?;
        let mut sealed = Vec::new();
        for held in directory.held().into_iter().filter(|held| held.epoch <= newest) {
            let (epoch, log) = (held.epoch, LogId { broker, epoch: held.epoch });
            let index = recorded.iter().position(|(known, _)| *known == log);
            let Some(seen) = index.map(|index| recorded.remove(index).1) else {
                if retired.is_none_or(|retired| epoch > retired) {
                    return Err(StorageError::UnknownEpoch { epoch });
                }
                // Flushed and retired; only the directory had not released it.
                directory.release(epoch, held.chunks.end);
                continue;
            };
            if !select(log, &seen.value) {
                continue;
            }
            let tail_end = tail_of_held(&held, &seen.value)?;
            let floor = seen.value.floor_end;
            sealed.push((log, catalog.seal_epoch(log, &seen, tail_end).await?));
            directory.release(epoch, floor);
        }
        for (log, seen) in recorded {
            if !select(log, &seen.value) {
                continue;
            }
            let floor = seen.value.floor_end;
            let tail_end = seen.value.tail_end.unwrap_or(floor);
            let in_memory = || self.sealed.logs.has(log, &(floor..tail_end));
            if tail_end > floor && !in_memory() {
                let (epoch, from, to) = (log.epoch, floor, tail_end);
                return Err(StorageError::ChunksLost { epoch, from, to });
            }
            sealed.push((log, catalog.seal_epoch(log, &seen, tail_end).await?));
        }
        for (log, seen) in &sealed {
            if seen.value.unflushed().is_none() {
                directory.release(log.epoch, seen.value.floor_end);
                catalog.retire_epoch(*log).await?;
            }
        }
        sealed.retain(|(_, seen)| seen.value.unflushed().is_some());
        Ok(sealed)
    }

    /// Reads the chunks of this broker's older epochs that are in no segment yet, before anything is
    /// written: a damaged log is left as it is.
    pub(crate) async fn load_own(
        &self,
        directory: &Arc<LogDirectory>,
    ) -> Result<Vec<Arc<EpochChunks>>, StorageError> {
        let SealedEpochs { core, manifests, logs, .. } = &*self.sealed;
        let mut loaded = Vec::new();
        let held = directory.held();
        for (log, seen) in manifests.catalog.epochs_of(core.id.broker).await? {
            let Some(held) = held.iter().find(|held| held.epoch == log.epoch) else { continue };
            let floor = seen.value.floor_end;
            let end = seen.value.tail_end.unwrap_or(held.chunks.end).min(held.chunks.end);
            if held.chunks.start <= floor && floor < end {
                let epoch = logs.load_from(core, directory, log, floor..end).await;
                loaded.push(epoch.map_err(|error| start_error(error.into()))?);
            }
        }
        Ok(loaded)
    }

    /// Seals the older epochs of this broker at its start, and queues them to be flushed.
    pub(crate) async fn recover_own(
        &self,
        directory: &Arc<LogDirectory>,
        deleted: &DeletedPartitions,
    ) -> Result<(), StorageError> {
        let SealedEpochs { core, manifests, logs, .. } = &*self.sealed;
        let own = core.id;
        let newest = BrokerEpoch(own.epoch.0 - 1);
        let sealed = self.seal_epochs(directory, own.broker, newest, false, |_, _| true).await;
        for (log, seen) in sealed.map_err(start_error)? {
            let chunks = seen.value.unflushed().unwrap_or(ChunkSeq(0)..ChunkSeq(0));
            let loaded = logs.load_from(core, directory, log, chunks).await;
            let epoch = loaded.map_err(|error| start_error(error.into()))?;
            self.sealed.enqueue(log, &seen.value, epoch);
        }
        manifests.load_deleted(deleted).await?;
        let recorded = manifests.catalog.epochs_of(own.broker).await?;
        let known = recorded.iter().map(|(log, _)| log.epoch).collect();
        let directory = directory.clone();
        let tidied = core.runtime.spawn_blocking(move || directory.keep_epoch_markers(&known));
        tidied.await.map_err(|_| StorageError::Stopping)?;
        // For other brokers' epochs that an earlier life was to flush.
        self.sealed.lock().unsettled = true;
        logs.notify();
        Ok(())
    }
}

/// The tail of an epoch of which the directory has these chunks; an error if any that are not in
/// segments are missing.
fn tail_of_held(held: &HeldEpoch, record: &WalRecord) -> Result<ChunkSeq, StorageError> {
    let (epoch, floor) = (held.epoch, record.floor_end);
    let tail_end = record.tail_end.unwrap_or(held.chunks.end.max(floor));
    if tail_end > floor && held.chunks.start > floor {
        return Err(StorageError::ChunksLost { epoch, from: floor, to: held.chunks.start });
    }
    if tail_end > floor && held.chunks.end < tail_end {
        return Err(StorageError::ChunksLost { epoch, from: held.chunks.end, to: tail_end });
    }
    Ok(tail_end)
}

fn start_error(error: SealBrokerError) -> StorageError {
    match error {
        SealBrokerError::Storage(error) => error,
        SealBrokerError::Sealed(SealedError::Log(error)) => error.into(),
        SealBrokerError::Sealed(SealedError::Chunk(error)) => error.into(),
        SealBrokerError::Sealed(SealedError::Stopping) => StorageError::Stopping,
        error => unreachable!("a broker's own directory is open and nobody else's: {error}"),
    }
}
