//! A broker that starts where its write-ahead directory is missing: not mounted, emptied, removed,
//! or replaced by another.
//!
//! The catalog knows which epochs may have chunks that are in no segment. While the directory has
//! no marker of such an epoch, the start is refused, and nothing is created there that the next
//! start would take for the log. An operator who knows that the directory is lost accepts the loss
//! of the epochs up to one, by its number. Later epochs are unaffected.

use std::{path::PathBuf, sync::Arc};

use milena_runtime::Runtime;
use milena_store::Versioned;
use milena_types::{BrokerEpoch, BrokerId};

use crate::{
    catalog::{
        records::{LogId, WalRecord},
        storage_catalog::{CatalogError, StorageCatalog},
    },
    disk::file_system::Disk,
    log::{
        backend::HeldEpoch,
        local::{directory::LogDirectory, epoch_markers::EpochMarkers},
    },
    recovery::{errors::StorageError, sealed_logs::SealedLogs},
};

/// Whether the directory alone may have chunks of an epoch that `flusher` has to flush.
fn is_needed(log: LogId, record: &WalRecord, flusher: Option<BrokerId>) -> bool {
    let role = flusher.is_none_or(|flusher| record.flusher_of(log).broker == flusher);
    record.tail_end.is_none() || (role && record.unflushed().is_some())
}

/// The epochs that need a directory with other markers than these, oldest first. If `flusher` is
/// given, sealed epochs count only if it has to flush them.
pub(crate) fn missing_epochs(
    recorded: &[(LogId, Versioned<WalRecord>)],
    markers: &EpochMarkers,
    flusher: Option<BrokerId>,
) -> Vec<LogId> {
    let is_missing = |log: LogId, record: &WalRecord| {
        // Releases before this one left no marker.
        let there = if record.signed { markers.has_epoch(log.epoch) } else { markers.has_log() };
        !there && is_needed(log, record, flusher)
    };
    let missing = recorded.iter().filter(|(log, seen)| is_missing(*log, &seen.value));
    missing.map(|(log, _)| *log).collect()
}

/// Checks that the directory a broker starts in is the one its epochs began in. Returns the missing
/// epochs, all of which are accepted as lost.
pub(crate) async fn check_directory(
    dir: PathBuf,
    accepted: Option<BrokerEpoch>,
    disk: &Arc<dyn Disk>,
    catalog: &StorageCatalog,
    runtime: &Runtime,
) -> Result<Vec<LogId>, StorageError> {
    let broker = catalog.own().broker;
    let recorded = catalog.epochs_of(broker).await?;
    let (read, disk) = (dir.clone(), disk.clone());
    let markers = runtime.spawn_blocking(move || EpochMarkers::read(&read, &*disk)).await;
    let markers = markers.map_err(|_| StorageError::Stopping)??;
    let missing = missing_epochs(&recorded, &markers, None);
    match missing.last() {
        Some(newest) if accepted.is_none_or(|accepted| accepted < newest.epoch) => {
            Err(StorageError::LogLost { broker, epoch: newest.epoch, dir })
        }
        _ => Ok(missing),
    }
}

/// Abandons the chunks of missing epochs that were accepted as lost. This epoch has begun.
pub(crate) async fn abandon_missing(
    catalog: &StorageCatalog,
    logs: &SealedLogs,
    directory: &LogDirectory,
    missing: &[LogId],
) -> Result<(), CatalogError> {
    for log in missing {
        // `None`: it was flushed meanwhile.
        let Some(seen) = catalog.epoch(*log).await? else { continue };
        let (broker, epoch, dir) = (log.broker, log.epoch, directory.config().dir.display());
        let from = seen.value.floor_end;
        match seen.value.unflushed() {
            // It is sealed with what the directory has, like any other.
            None if seen.value.tail_end.is_none() => tracing::warn!(
                %broker, %epoch, %dir, %from,
                "the write-ahead directory is lost, as the operator accepted: the records of this \
                 epoch in chunks from this one on are lost"
            ),
            None => {}
            Some(chunks) => {
                let whole = |held: &HeldEpoch| {
                    held.chunks.start <= chunks.start && held.chunks.end >= chunks.end
                };
                let held = directory.held().into_iter().find(|held| held.epoch == log.epoch);
                if held.as_ref().is_some_and(whole) || logs.has(*log, &chunks) {
                    continue;
                }
                catalog.abandon_chunks(*log, &seen).await?;
                tracing::warn!(
                    %broker, %epoch, %dir, %from, to = %chunks.end,
                    "the write-ahead directory is lost, as the operator accepted: the records of \
                     this epoch in these chunks are lost"
                );
            }
        }
    }
    Ok(())
}
