//! A broker that starts where its write-ahead directory is gone: not mounted, emptied, removed, or
//! another one.
//!
//! The ledger knows which epochs may have chunks that are in no segment. While the directory does
//! not show that such an epoch began in it, the start is refused, and nothing is made there that
//! the next start would take for the log. An operator who knows that the directory is gone for good
//! accepts the loss of the epochs up to one, by its number: later ones are not meant, so that the
//! word is given once and has no effect after.

use std::sync::Arc;

use milena_runtime::Runtime;
use milena_types::BrokerId;

use crate::{
    disk::file_system::Disk,
    ledger::{Ledger, LedgerError, LogId, Versioned, WalRecord},
    log::local::{directory::WalDirectory, epoch_markers::Signs},
    shared::Shared,
    storage::StorageError,
    tuning::StorageConfig,
};

/// Whether only the directory may have chunks of an epoch that `flusher` is to put into segments.
fn is_needed(log: LogId, record: &WalRecord, flusher: Option<BrokerId>) -> bool {
    let role = flusher.is_none_or(|flusher| record.flusher_of(log).broker == flusher);
    record.tail_end.is_none() || (role && record.unflushed().is_some())
}

/// The epochs whose directory this is not although they need it; only sealed ones that `flusher`
/// has to flush count, if it is given. The newest is the last.
pub(crate) fn epochs_lost(
    recorded: &[(LogId, Versioned<WalRecord>)],
    signs: &Signs,
    flusher: Option<BrokerId>,
) -> Vec<LogId> {
    let lost = |log: LogId, record: &WalRecord| {
        // Releases before this one left no sign.
        let there = if record.signed { signs.of_epoch(log.epoch) } else { signs.of_log() };
        !there && is_needed(log, record, flusher)
    };
    recorded.iter().filter(|(log, seen)| lost(*log, &seen.record)).map(|(log, _)| *log).collect()
}

/// Looks whether the directory that a broker is to start in is the one it had. Answers the epochs
/// that are lost and that it was told to go on without.
pub(crate) async fn check(
    config: &StorageConfig,
    disk: &Arc<dyn Disk>,
    ledger: &Ledger,
    runtime: &Runtime,
) -> Result<Vec<LogId>, StorageError> {
    let recorded = ledger.epochs_of(config.broker).await?;
    let (dir, disk) = (config.wal.dir.clone(), disk.clone());
    let signs = runtime.spawn_blocking(move || Signs::read(&dir, &*disk)).await;
    let signs = signs.map_err(|_| StorageError::Stopping)??;
    let lost = epochs_lost(&recorded, &signs, None);
    match lost.last() {
        Some(newest) if config.lost_log_accepted.is_none_or(|accepted| accepted < newest.epoch) => {
            let (broker, epoch, dir) = (config.broker, newest.epoch, config.wal.dir.clone());
            Err(StorageError::LogLost { broker, epoch, dir })
        }
        _ => Ok(lost),
    }
}

/// Gives up what was only in the directory of epochs that [`check`] answered. This epoch has begun.
pub(crate) async fn give_up(
    shared: &Shared,
    directory: &WalDirectory,
    lost: &[LogId],
) -> Result<(), LedgerError> {
    for log in lost {
        // Else it was flushed meanwhile.
        let Some(seen) = shared.ledger.epoch(*log).await? else { continue };
        let (broker, epoch, dir) = (log.broker, log.epoch, directory.config().dir.display());
        let from = seen.record.floor_end;
        match seen.record.unflushed() {
            // It is sealed with what the directory has, like any other.
            None if seen.record.tail_end.is_none() => tracing::warn!(
                %broker, %epoch, %dir, %from,
                "the write-ahead directory is lost, which was accepted: given up are all records that this epoch acknowledged in chunks from this one on"
            ),
            None => {}
            Some(chunks) => {
                let held = directory.held().into_iter().find(|held| held.epoch == log.epoch);
                let whole = |held: &crate::log::HeldEpoch| {
                    held.chunks.start <= chunks.start && held.chunks.end >= chunks.end
                };
                if held.as_ref().is_some_and(whole) || shared.config.sealed_logs.has(*log, &chunks)
                {
                    continue;
                }
                shared.ledger.give_up_chunks(*log, &seen).await?;
                tracing::warn!(
                    %broker, %epoch, %dir, %from, to = %chunks.end,
                    "the write-ahead directory is lost, which was accepted: given up are the records in these chunks of this epoch"
                );
            }
        }
    }
    Ok(())
}
