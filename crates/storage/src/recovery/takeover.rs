//! What becomes of epochs that have ended: sealed by whoever recovers them, flushed by one broker,
//! borrowed by the others until then, retired.
//!
//! The *recoverer* of a dead broker takes the lock of its directory, makes its newest chunk
//! durable, and records seal and tail of its epochs; that makes the recoverer their flusher, and
//! also of everything the dead broker was to flush for others. A broker that comes back does the
//! same for its own epochs. Every step is one conditional write, so of two that do it at once one
//! is first and the other reads that; whoever lost the role of flusher borrows from then on.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, Revision, TopicPartition};

use crate::{
    ledger::{LedgerError, LogId, Versioned, WalRecord},
    log::{
        backend::WalError,
        local::{
            directory::{WalConfig, WalDirectory},
            epoch_markers::Signs,
            local_log::make_newest_durable,
        },
    },
    partition::{
        change::{fold_due, reload_all},
        partition_log::Partition,
        upkeep::UpkeepError,
    },
    recovery::{
        missing_log, opening,
        sealed::{Borrowed, EpochChunks, Queued, Sealed, SealedError},
    },
    shared::Shared,
    storage::StorageError,
};

/// How often something that others were faster with is tried.
const ATTEMPTS: usize = 8;

/// How often the ledger is looked at while something is expected there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A broker all of whose epochs up to one are sealed. See [`crate::Storage::seal_broker`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBroker {
    /// The broker.
    pub broker: BrokerId,
    /// The newest sealed epoch: what it led in lives up to this one may be given to others.
    pub sealed: BrokerEpoch,
    /// The key of the record that says so, below the prefix of storage's [`crate::Decisions`].
    pub key: String,
    /// Its revision. It changes only when a later epoch is sealed, so it is what a change of
    /// leaders depends on.
    pub revision: Revision,
}

/// Why a broker could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealBrokerError {
    /// Its directory is locked: it still lives, is starting, or another recoverer is at it. Try
    /// again soon.
    #[error(
        "broker {broker} still has its write-ahead directory, or somebody recovers it: try again when it has ended"
    )]
    Alive {
        /// The broker.
        broker: BrokerId,
    },
    /// It has begun a later life.
    #[error("broker {broker} has begun epoch {current}, after {asked}: it recovers by itself")]
    Superseded {
        /// The broker.
        broker: BrokerId,
        /// The epoch that was to be sealed.
        asked: BrokerEpoch,
        /// The epoch that has begun.
        current: BrokerEpoch,
    },
    /// Epochs of it are not sealed, so its directory was there once, and now it is not. What would
    /// be found in an empty one is not the tail.
    #[error(
        "the write-ahead directory of broker {broker} is gone ({dir}): mount or restore it; if it is gone for good, the broker's own start says how to accept that"
    )]
    NoDirectory {
        /// The broker.
        broker: BrokerId,
        /// Where it was.
        dir: PathBuf,
    },
    /// A broker does not recover itself, except by starting.
    #[error("broker {broker} cannot seal itself: stop it, or let another do it")]
    Oneself {
        /// The broker.
        broker: BrokerId,
    },
    /// Its chunks cannot be had.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// Its log, or the ledger, as at a start.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<LedgerError> for SealBrokerError {
    fn from(error: LedgerError) -> Self {
        Self::Storage(error.into())
    }
}

/// See [`crate::Storage::seal_broker`].
pub(crate) async fn seal_broker(
    shared: &Arc<Shared>,
    broker: BrokerId,
    epoch: BrokerEpoch,
) -> Result<SealedBroker, SealBrokerError> {
    if broker == shared.config.broker {
        return Err(SealBrokerError::Oneself { broker });
    }
    let mut kept = Vec::new();
    let (key, revision) = {
        let directory = open_directory(shared, broker).await?;
        let ours = |log: LogId, record: &WalRecord| {
            record.tail_end.is_none() || record.flusher_of(log).broker == broker
        };
        let sealed = seal_epochs(shared, &directory, broker, epoch, true, ours).await?;
        let noted = shared.ledger.note_sealed(broker, epoch).await?;
        // Read while the directory is still at hand; kept until they are in the queue.
        for (log, seen) in &sealed {
            if let Some(chunks) = seen.record.unflushed() {
                kept.push(
                    shared.config.sealed_logs.load_from(shared, &directory, *log, chunks).await?,
                );
            }
        }
        noted
    };
    take_roles_of(shared, broker, None).await?;
    shared.sealed_epochs().unsettled = true;
    // What is left of it when this fails is done by the task that settles.
    if let Err(error) = settle(shared).await {
        tracing::warn!(%error, %broker, "the sealed epochs are taken in later");
    }
    drop(kept);
    shared.config.sealed_logs.notify();
    tracing::info!(%broker, %epoch, "sealed");
    Ok(SealedBroker { broker, sealed: epoch, key, revision })
}

async fn open_directory(
    shared: &Arc<Shared>,
    broker: BrokerId,
) -> Result<Arc<WalDirectory>, SealBrokerError> {
    let (disk, dir) = shared.config.sealed_logs.directory_of(broker)?;
    let recorded = shared.ledger.epochs_of(broker).await?;
    let config = WalConfig { dir: dir.clone(), ..shared.config.wal.clone() };
    let open = move || {
        let signs = Signs::read(&config.dir, &*disk)?;
        let lost = missing_log::epochs_lost(&recorded, &signs, Some(broker));
        if lost.is_empty() { WalDirectory::open(config, disk).map(Some) } else { Ok(None) }
    };
    match shared.runtime.spawn_blocking(open).await.map_err(|_| SealedError::Stopping)? {
        Err(WalError::InUse { .. }) => Err(SealBrokerError::Alive { broker }),
        Ok(None) => Err(SealBrokerError::NoDirectory { broker, dir }),
        outcome => Ok(outcome.map_err(StorageError::from)?.expect("none is an answer of its own")),
    }
}

/// Seals the epochs of `broker` up to `newest` that `select` picks, and makes this broker their
/// flusher. Answers them. The caller has the broker's directory open; its newest chunk is durable,
/// or made so here.
pub(crate) async fn seal_epochs(
    shared: &Arc<Shared>,
    directory: &Arc<WalDirectory>,
    broker: BrokerId,
    newest: BrokerEpoch,
    make_durable: bool,
    select: impl Fn(LogId, &WalRecord) -> bool,
) -> Result<Vec<(LogId, Versioned<WalRecord>)>, SealBrokerError> {
    let mut attempt = 0;
    let mut durable = !make_durable;
    loop {
        let recorded = shared.ledger.epochs_of(broker).await?;
        if let Some((later, _)) =
            recorded.last().filter(|(log, _)| log.epoch > newest && make_durable)
        {
            let current = later.epoch;
            return Err(SealBrokerError::Superseded { broker, asked: newest, current });
        }
        let unsealed = recorded.iter().any(|(_, seen)| seen.record.tail_end.is_none());
        if unsealed && !std::mem::replace(&mut durable, true) {
            let directory = directory.clone();
            let made = shared.runtime.spawn_blocking(move || make_newest_durable(&directory)).await;
            made.map_err(|_| SealedError::Stopping)?.map_err(StorageError::from)?;
        }
        let recorded = recorded.into_iter().filter(|(log, _)| log.epoch <= newest).collect();
        match try_seal_epochs(shared, directory, broker, newest, recorded, &select).await {
            // Its flusher was faster with a flush.
            Err(StorageError::Ledger(LedgerError::Conflict(_))) if attempt < ATTEMPTS => {
                attempt += 1
            }
            outcome => return Ok(outcome?),
        }
    }
}

async fn try_seal_epochs(
    shared: &Arc<Shared>,
    directory: &Arc<WalDirectory>,
    broker: BrokerId,
    newest: BrokerEpoch,
    mut recorded: Vec<(LogId, Versioned<WalRecord>)>,
    select: impl Fn(LogId, &WalRecord) -> bool,
) -> Result<Vec<(LogId, Versioned<WalRecord>)>, StorageError> {
    let ledger = &shared.ledger;
    let retired = ledger.newest_retired(broker).await?;
    let mut sealed = Vec::new();
    for held in directory.held().into_iter().filter(|held| held.epoch <= newest) {
        let (epoch, log) = (held.epoch, LogId { broker, epoch: held.epoch });
        let record =
            recorded.iter().position(|(known, _)| *known == log).map(|i| recorded.remove(i).1);
        let Some(record) = record else {
            if retired.is_none_or(|retired| epoch > retired) {
                return Err(StorageError::UnknownEpoch { epoch });
            }
            // Flushed and retired; only the directory had not let go of it.
            directory.release(epoch, held.chunks.end);
            continue;
        };
        if !select(log, &record.record) {
            continue;
        }
        let floor = record.record.floor_end;
        let tail_end = record.record.tail_end.unwrap_or(held.chunks.end.max(floor));
        if tail_end > floor && (held.chunks.start > floor || held.chunks.end < tail_end) {
            let (from, to) = if held.chunks.start > floor {
                (floor, held.chunks.start)
            } else {
                (held.chunks.end, tail_end)
            };
            return Err(StorageError::ChunksLost { epoch, from, to });
        }
        let record = ledger.seal_epoch(log, &record, tail_end).await?;
        directory.release(epoch, floor);
        sealed.push((log, record));
    }
    for (log, record) in recorded {
        if !select(log, &record.record) {
            continue;
        }
        let floor = record.record.floor_end;
        let tail_end = record.record.tail_end.unwrap_or(floor);
        let in_memory = || shared.config.sealed_logs.has(log, &(floor..tail_end));
        if tail_end > floor && !in_memory() {
            return Err(StorageError::ChunksLost { epoch: log.epoch, from: floor, to: tail_end });
        }
        sealed.push((log, ledger.seal_epoch(log, &record, tail_end).await?));
    }
    for (log, seen) in &sealed {
        if seen.record.unflushed().is_none() {
            directory.release(log.epoch, seen.record.floor_end);
            ledger.retire_epoch(*log).await?;
        }
    }
    sealed.retain(|(_, seen)| seen.record.unflushed().is_some());
    Ok(sealed)
}

/// Makes this broker epoch the flusher of what lives of `broker` (before `before`) were to flush
/// for others.
async fn take_roles_of(
    shared: &Arc<Shared>,
    broker: BrokerId,
    before: Option<BrokerEpoch>,
) -> Result<(), LedgerError> {
    for (log, seen) in shared.ledger.all_epochs().await? {
        let flusher = seen.record.flusher_of(log);
        let theirs = flusher.broker == broker && before.is_none_or(|before| flusher.epoch < before);
        let Some(tail_end) = seen.record.tail_end.filter(|_| theirs && log.broker != broker) else {
            continue;
        };
        match shared.ledger.seal_epoch(log, &seen, tail_end).await {
            // Its own broker came back, or another recoverer was first.
            Ok(_) | Err(LedgerError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Follows what becomes of sealed epochs until the scope stops: takes over what earlier lives of
/// this broker were to flush, and takes the segments of epochs that were borrowed from.
pub(crate) async fn run(shared: Arc<Shared>) {
    let stopping = shared.runtime.stopping().clone();
    let mut changes = shared.config.sealed_logs.changes();
    let mut told = false;
    loop {
        let expecting = {
            let sealed = shared.sealed_epochs();
            sealed.unsettled || !sealed.borrowed.is_empty()
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = changes.changed() => {}
            () = shared.runtime.sleep(LOOK_EVERY), if expecting => {}
        }
        if shared.is_sealed() {
            return;
        }
        match settle(&shared).await {
            Ok(()) => told = false,
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "what has become of sealed epochs is not known yet; looking again");
                }
            }
        }
    }
}

/// Why the ledger could not be followed. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettleError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Sealed(#[from] SealedError),
    #[error(transparent)]
    Reload(#[from] UpkeepError),
}

/// Brings what is queued and borrowed here in line with the ledger.
pub(crate) async fn settle(shared: &Arc<Shared>) -> Result<(), SettleError> {
    let settled = try_settle(shared).await;
    if settled.is_err() {
        shared.sealed_epochs().unsettled = true;
    }
    settled
}

async fn try_settle(shared: &Arc<Shared>) -> Result<(), SettleError> {
    let _one_at_a_time = shared.settling.lock().await;
    let own = shared.ledger.own();
    if std::mem::take(&mut shared.sealed_epochs().unsettled) {
        take_roles_of(shared, own.broker, Some(own.epoch)).await?;
    }
    let epochs = shared.ledger.all_epochs().await?;
    for (log, seen) in &epochs {
        let mine = *log != own && seen.record.flusher_of(*log) == own;
        if !mine || shared.sealed_epochs().is_queued(*log) {
            continue;
        }
        match seen.record.unflushed() {
            Some(chunks) => {
                let epoch = shared.config.sealed_logs.load(shared, *log, chunks).await?;
                enqueue(shared, *log, &seen.record, epoch).await?;
            }
            // Whoever flushed the last of it died before it was retired.
            None => shared.ledger.retire_epoch(*log).await?,
        }
    }
    let borrowed: Vec<LogId> = shared.sealed_epochs().borrowed.keys().copied().collect();
    for log in borrowed {
        let record = epochs.iter().find(|(known, _)| *known == log).map(|(_, seen)| &seen.record);
        if record.and_then(WalRecord::unflushed).is_none() {
            end_borrowing(shared, log, |_| {}).await?;
            shared.config.sealed_logs.retired(log);
        }
    }
    shared.flush_wanted.notify_one();
    Ok(())
}

/// This broker flushes the epoch from now on. The ledger says so already, so nobody else does.
async fn enqueue(
    shared: &Arc<Shared>,
    log: LogId,
    record: &WalRecord,
    epoch: Arc<EpochChunks>,
) -> Result<(), UpkeepError> {
    let tail_end = record.tail_end.expect("only sealed epochs are flushed by others");
    let counted = log.broker == shared.config.broker;
    let since = shared.runtime.monotonic();
    let (order, floor_end) = (record.order, record.floor_end);
    let queued = Queued { order, log, epoch: Some(epoch), floor_end, tail_end, counted, since };
    end_borrowing(shared, log, |sealed| {
        if !sealed.is_queued(log) {
            if counted {
                shared.budget.add_unflushed(queued.bytes());
            }
            sealed.enqueue(queued);
        }
    })
    .await
}

/// Has the partitions that borrow from an epoch take the segments there are now, then forgets that
/// it was borrowed from, and does `then` in the same moment: whoever looks in between must not find
/// the epoch nowhere.
async fn end_borrowing(
    shared: &Arc<Shared>,
    log: LogId,
    then: impl FnOnce(&mut Sealed),
) -> Result<(), UpkeepError> {
    let mut reloaded: BTreeSet<TopicPartition> = BTreeSet::new();
    let mut to_fold = Vec::new();
    loop {
        let missing: Vec<TopicPartition> = {
            let _nobody_opens = shared.flush_commit.write().await;
            let mut sealed = shared.sealed_epochs();
            let borrowed = sealed.borrowed.get(&log);
            let missing =
                borrowed.into_iter().flat_map(|borrowed| borrowed.partitions.difference(&reloaded));
            let missing: Vec<_> = missing.copied().collect();
            if missing.is_empty() {
                sealed.borrowed.remove(&log);
                then(&mut sealed);
                break;
            }
            missing
        };
        let open: Vec<Arc<Partition>> =
            missing.iter().filter_map(|id| shared.partition(*id)).collect();
        reload_all(shared, &open).await?;
        reloaded.extend(missing);
        to_fold.extend(open);
    }
    shared.flush_wanted.notify_one();
    fold_due(shared, to_fold).await;
    Ok(())
}

/// Somebody else flushes a queued epoch, or it is retired: gives it up. What partitions here have
/// of it is borrowed.
pub(crate) async fn give_up(shared: &Arc<Shared>, log: LogId) -> Result<(), LedgerError> {
    let seen = shared.ledger.epoch(log).await?;
    if let Some(seen) = seen.filter(|seen| seen.record.flusher_of(log) == shared.ledger.own()) {
        let mut sealed = shared.sealed_epochs();
        // Nothing is queued any more when the storage was ended meanwhile.
        if let Some(queued) = sealed.queue.iter_mut().find(|queued| queued.log == log) {
            queued.floor_end = seen.record.floor_end;
        }
        return Ok(());
    }
    let _nobody_opens = shared.flush_commit.write().await;
    let partitions: Vec<Arc<Partition>> = shared.partitions().values().cloned().collect();
    let of_log = |partition: &&Arc<Partition>| {
        partition.lock().tail.iter().any(|run| run.sealed == Some(log))
    };
    let partitions: BTreeSet<TopicPartition> =
        partitions.iter().filter(of_log).map(|partition| partition.id()).collect();
    let mut sealed = shared.sealed_epochs();
    if let Some(index) = sealed.queue.iter().position(|queued| queued.log == log) {
        let queued = sealed.queue.remove(index);
        if queued.counted {
            shared.budget.remove_unflushed(queued.bytes());
        }
        if !partitions.is_empty() {
            shared.config.sealed_logs.want(log);
        }
        if let Some(epoch) = queued.epoch {
            sealed.borrowed.insert(log, Borrowed { order: queued.order, epoch, partitions });
        }
    }
    drop(sealed);
    tracing::info!(%log, "another broker flushes this epoch");
    Ok(())
}

/// Whether an epoch's turn has come: all that were sealed before it are in segments, and known to
/// be here.
pub(crate) async fn may_flush(
    shared: &Shared,
    order: u64,
    log: LogId,
) -> Result<bool, LedgerError> {
    let earlier = |other_order: u64, other: LogId| (other_order, other) < (order, log);
    if shared
        .sealed_epochs()
        .borrowed
        .iter()
        .any(|(other, borrowed)| earlier(borrowed.order, *other))
    {
        return Ok(false);
    }
    let epochs = shared.ledger.all_epochs().await?;
    let before = epochs.iter().find(|(other, seen)| {
        *other != log && earlier(seen.record.order, *other) && seen.record.unflushed().is_some()
    });
    if let Some((before, _)) = before {
        shared.config.sealed_logs.want(*before);
    }
    Ok(before.is_none())
}

/// Seals the older epochs of this broker at its start, and takes them in to be flushed.
pub(crate) async fn recover(
    shared: &Arc<Shared>,
    directory: &Arc<WalDirectory>,
) -> Result<(), StorageError> {
    let own = shared.ledger.own();
    let newest = BrokerEpoch(own.epoch.0 - 1);
    let sealed = seal_epochs(shared, directory, own.broker, newest, false, |_, _| true).await;
    for (log, seen) in sealed.map_err(start_error)? {
        let chunks = seen.record.unflushed().unwrap_or(ChunkSeq(0)..ChunkSeq(0));
        let loaded = shared.config.sealed_logs.load_from(shared, directory, log, chunks).await;
        let epoch = loaded.map_err(|error| start_error(error.into()))?;
        let queued = enqueue(shared, log, &seen.record, epoch).await;
        queued.expect("no partition is open that could have to be read again");
    }
    opening::recover_deleted(shared).await?;
    let recorded = shared.ledger.epochs_of(own.broker).await?;
    let (known, of_log) = (recorded.iter().map(|(log, _)| log.epoch).collect(), directory.clone());
    let tidied = shared.runtime.spawn_blocking(move || of_log.keep_signs(&known)).await;
    tidied.map_err(|_| StorageError::Stopping)?;
    // For other brokers' epochs that an earlier life was to flush.
    shared.sealed_epochs().unsettled = true;
    shared.config.sealed_logs.notify();
    Ok(())
}

fn start_error(error: SealBrokerError) -> StorageError {
    match error {
        SealBrokerError::Storage(error) => error,
        SealBrokerError::Sealed(SealedError::Wal(error)) => error.into(),
        SealBrokerError::Sealed(SealedError::Chunk(error)) => error.into(),
        SealBrokerError::Sealed(SealedError::Stopping) => StorageError::Stopping,
        error => unreachable!("a broker's own directory is open and nobody else's: {error}"),
    }
}
