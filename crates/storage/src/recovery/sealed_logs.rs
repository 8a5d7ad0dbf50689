//! The sealed epochs that the brokers of one process share: where each broker's write-ahead
//! directory is, and one copy of each sealed epoch's chunks that is in memory.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, Weak, mpsc},
    thread,
    time::Duration,
};

use bytes::Bytes;
use milena_types::{BrokerId, ChunkSeq};
use tokio::sync::watch;

use crate::{
    catalog::records::LogId,
    chunk::log_core::{ChunkReader, LogCore},
    disk::file_system::Disk,
    log::{
        backend::LogError,
        local::{directory::LogDirectory, sealed_chunks::SealedChunks},
    },
    recovery::epoch_chunks::EpochChunks,
    segment::segment_error::SegmentError,
};

/// Why the chunks of a sealed epoch cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// They were released meanwhile, or are being moved: read again where the records are.
    #[error("chunk {seq} of {log} is not in its directory: restore it if it does not come back")]
    Gone { log: String, seq: ChunkSeq },
    /// They are still being read, or the disk hangs.
    #[error("the chunks of {log} are being read: wait, or see why its directory does not respond")]
    Loading { log: String },
    /// Somebody else's attempt to read them failed, or this one.
    #[error("the chunks of {log} cannot be read: {reason}")]
    Unreadable { log: String, reason: String },
    /// This process does not know the directory of that broker.
    #[error(
        "the write-ahead directory of broker {broker} is not known here: start the broker that has \
         it"
    )]
    Elsewhere { broker: BrokerId },
    /// The directory cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A chunk cannot be decrypted or is damaged.
    #[error(transparent)]
    Chunk(#[from] SegmentError),
    /// The process is stopping.
    #[error("storage is shutting down")]
    Stopping,
}

/// Why a load failed, for all that wait for it.
#[derive(Clone, Debug)]
enum LoadFailure {
    Gone(ChunkSeq),
    Unreadable(String),
}

type LoadOutcome = Result<Arc<EpochChunks>, LoadFailure>;

/// The chunks of a sealed epoch that are being read, by a thread that belongs to nobody: the disk may
/// hang, and whoever waits may go.
#[derive(Clone)]
struct Load {
    chunks: Range<ChunkSeq>,
    /// In monotonic time.
    begun: Duration,
    /// Without a value and closed: it was given up.
    outcome: watch::Receiver<Option<LoadOutcome>>,
}

/// How long an opening waits for the chunks of a sealed epoch, from when their load began. It is
/// repeated; the openings of others that are tried with it wait as long.
const LOAD_WAIT_MAX: Duration = Duration::from_secs(2);

/// The write-ahead logs of the brokers of one cluster that run in one process. Clones share it.
#[derive(Clone)]
pub struct SealedLogs(Arc<ProcessLogs>);

struct ProcessLogs {
    disk: Option<Arc<dyn Disk>>,
    dir_of: Box<dyn Fn(BrokerId) -> Option<PathBuf> + Send + Sync>,
    epochs: Mutex<HashMap<LogId, Weak<EpochChunks>>>,
    /// The loads under way, so that an epoch is loaded once. One that hangs keeps nobody from loading
    /// another epoch.
    loading: Mutex<HashMap<LogId, Load>>,
    /// Epochs whose flush a broker waits for.
    requested: Mutex<BTreeSet<LogId>>,
    /// Sent to when an epoch was sealed or flushed, or its flush is requested.
    changed: watch::Sender<u64>,
}

impl fmt::Debug for SealedLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedLogs").finish_non_exhaustive()
    }
}

impl Default for SealedLogs {
    /// For a broker that knows no other broker's directory.
    fn default() -> Self {
        Self::with(None, Box::new(|_| None))
    }
}

impl SealedLogs {
    /// `dir_of` returns the write-ahead directory of each broker of the cluster on `disk`.
    pub fn new(
        disk: Arc<dyn Disk>,
        dir_of: impl Fn(BrokerId) -> PathBuf + Send + Sync + 'static,
    ) -> Self {
        Self::with(Some(disk), Box::new(move |broker| Some(dir_of(broker))))
    }

    fn with(
        disk: Option<Arc<dyn Disk>>,
        dir_of: Box<dyn Fn(BrokerId) -> Option<PathBuf> + Send + Sync>,
    ) -> Self {
        Self(Arc::new(ProcessLogs {
            disk,
            dir_of,
            epochs: Mutex::default(),
            loading: Mutex::default(),
            requested: Mutex::default(),
            changed: watch::Sender::new(0),
        }))
    }

    /// The disk and directory of a broker's log.
    pub(crate) fn directory_of(
        &self,
        broker: BrokerId,
    ) -> Result<(Arc<dyn Disk>, PathBuf), SealedError> {
        let dir = (self.0.dir_of)(broker);
        self.0.disk.clone().zip(dir).ok_or(SealedError::Elsewhere { broker })
    }

    /// Has all brokers of the process look at the catalog.
    pub(crate) fn notify(&self) {
        self.0.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Asks the epoch's flusher, if it is in this process, to put its chunks into segments.
    pub(crate) fn request_flush(&self, log: LogId) {
        if self.requested().insert(log) {
            self.notify();
        }
    }

    pub(crate) fn is_flush_requested(&self, log: LogId) -> bool {
        self.requested().contains(&log)
    }

    /// The epoch's chunks are in segments.
    pub(crate) fn epoch_retired(&self, log: LogId) {
        self.requested().remove(&log);
        self.notify();
    }

    fn requested(&self) -> MutexGuard<'_, BTreeSet<LogId>> {
        self.0.requested.lock().expect("no panic while requested epochs are listed")
    }

    fn epochs(&self) -> MutexGuard<'_, HashMap<LogId, Weak<EpochChunks>>> {
        self.0.epochs.lock().expect("no panic while sealed epochs are listed")
    }

    /// Whether these chunks are in memory.
    pub(crate) fn has(&self, log: LogId, chunks: &Range<ChunkSeq>) -> bool {
        self.in_memory(log, chunks).is_some()
    }

    /// The chunks, if they are in memory.
    pub(crate) fn in_memory(
        &self,
        log: LogId,
        chunks: &Range<ChunkSeq>,
    ) -> Option<Arc<EpochChunks>> {
        let epoch = self.epochs().get(&log)?.upgrade()?;
        (epoch.first <= chunks.start && chunks.end <= epoch.end()).then_some(epoch)
    }

    fn keep(&self, epoch: Arc<EpochChunks>) -> Arc<EpochChunks> {
        let mut epochs = self.epochs();
        epochs.retain(|_, held| held.strong_count() > 0);
        epochs.insert(epoch.log, Arc::downgrade(&epoch));
        epoch
    }

    /// The chunks of a directory that the caller has open.
    pub(crate) async fn load_from(
        &self,
        core: &Arc<LogCore>,
        directory: &Arc<LogDirectory>,
        log: LogId,
        chunks: Range<ChunkSeq>,
    ) -> Result<Arc<EpochChunks>, SealedError> {
        if let Some(epoch) = self.in_memory(log, &chunks) {
            return Ok(epoch);
        }
        let (runtime, reader) = (core.runtime.clone(), core.chunk_reader());
        let directory = directory.clone();
        let read =
            move || read_epoch(&reader, log, chunks, |seq| Ok(directory.read(log.epoch, seq)?));
        let epoch = runtime.spawn_blocking(read).await.map_err(|_| SealedError::Stopping)??;
        Ok(self.keep(epoch))
    }

    /// The chunks, from memory or read in place, however long that takes.
    pub(crate) async fn load(
        &self,
        core: &Arc<LogCore>,
        log: LogId,
        chunks: Range<ChunkSeq>,
    ) -> Result<Arc<EpochChunks>, SealedError> {
        loop {
            if let Some(epoch) = self.in_memory(log, &chunks) {
                return Ok(epoch);
            }
            if let Some(outcome) = self.join_load(core, log, &chunks)?.wait().await {
                return outcome.map_err(|failure| failure.of(log));
            }
            // It was another broker's, which has ended, or of fewer chunks.
            tokio::task::yield_now().await;
        }
    }

    /// As [`SealedLogs::load`], for a bounded time. The load goes on.
    pub(crate) async fn load_within(
        &self,
        core: &Arc<LogCore>,
        log: LogId,
        chunks: Range<ChunkSeq>,
    ) -> Result<Arc<EpochChunks>, SealedError> {
        if let Some(epoch) = self.in_memory(log, &chunks) {
            return Ok(epoch);
        }
        let begun = self.join_load(core, log, &chunks)?.begun;
        let left = (begun + LOAD_WAIT_MAX).saturating_sub(core.runtime.monotonic());
        let loaded = tokio::time::timeout(left, self.load(core, log, chunks)).await;
        loaded.unwrap_or_else(|_| Err(SealedError::Loading { log: log.to_string() }))
    }

    /// The load of an epoch's chunks: the one under way, or a new one.
    fn join_load(
        &self,
        core: &Arc<LogCore>,
        log: LogId,
        chunks: &Range<ChunkSeq>,
    ) -> Result<Load, SealedError> {
        let (disk, dir) = self.directory_of(log.broker)?;
        let mut loading = self.loading();
        if let Some(load) = loading.get(&log).filter(|load| load.is_of(chunks)) {
            return Ok(load.clone());
        }
        let (done, outcome) = watch::channel(None);
        let begun = core.runtime.monotonic();
        let load = Load { chunks: chunks.clone(), begun, outcome };
        loading.insert(log, load.clone());
        drop(loading);
        let (logs, reader, chunks) = (self.clone(), core.chunk_reader(), chunks.clone());
        let runtime = core.runtime.clone();
        let ours = load.outcome.clone();
        let read = move || {
            let found = SealedChunks::find(&*disk, &dir, log.epoch, &chunks);
            let gone = |seq| SealedError::Gone { log: log.to_string(), seq };
            let read = |found: SealedChunks| {
                read_epoch(&reader, log, chunks, |seq| found.read(seq).ok_or_else(|| gone(seq)))
            };
            let outcome = found.map_err(SealedError::from).and_then(read);
            let outcome = outcome.map(|epoch| logs.keep(epoch)).map_err(LoadFailure::from);
            done.send_replace(Some(outcome));
            logs.loading().retain(|_, load| !load.outcome.same_channel(&ours));
        };
        if runtime.is_on_one_thread() {
            drop(runtime.spawn_blocking(read));
        } else if let Err(error) = runtime.spawn_thread("sealed-log", read) {
            let (log, reason) = (log.to_string(), error.to_string());
            return Err(SealedError::Unreadable { log, reason });
        }
        Ok(load)
    }

    fn loading(&self) -> MutexGuard<'_, HashMap<LogId, Load>> {
        self.0.loading.lock().expect("no panic while loads are listed")
    }
}

impl Load {
    /// Whether it is under way and reads these chunks.
    fn is_of(&self, chunks: &Range<ChunkSeq>) -> bool {
        let is_running = self.outcome.has_changed().is_ok() && self.outcome.borrow().is_none();
        is_running && self.chunks.start <= chunks.start && chunks.end <= self.chunks.end
    }

    /// The outcome; none if it was given up.
    async fn wait(mut self) -> Option<LoadOutcome> {
        let outcome = self.outcome.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}

impl From<SealedError> for LoadFailure {
    fn from(error: SealedError) -> Self {
        match error {
            SealedError::Gone { seq, .. } => Self::Gone(seq),
            error => Self::Unreadable(error.to_string()),
        }
    }
}

impl LoadFailure {
    fn of(self, log: LogId) -> SealedError {
        let log = log.to_string();
        match self {
            Self::Gone(seq) => SealedError::Gone { log, seq },
            Self::Unreadable(reason) => SealedError::Unreadable { log, reason },
        }
    }
}

/// Reads and decrypts chunks: one is read while the one before is decrypted, where there are threads.
/// Blocks.
fn read_epoch(
    reader: &ChunkReader,
    log: LogId,
    chunks: Range<ChunkSeq>,
    read: impl Fn(ChunkSeq) -> Result<Bytes, SealedError> + Sync,
) -> Result<Arc<EpochChunks>, SealedError> {
    let (read, numbers) = (&read, || (chunks.start.0..chunks.end.0).map(ChunkSeq));
    let decrypt = |seq, bytes: Bytes| Ok(Arc::new(reader.read_back(log, seq, &bytes)?));
    let one_by_one = || numbers().map(|seq| decrypt(seq, read(seq)?)).collect();
    let all: Result<Vec<_>, SealedError> = thread::scope(|scope| {
        if reader.is_on_one_thread() {
            return one_by_one();
        }
        // Without room: no more than two chunks are in memory besides the decrypted ones.
        let (sender, receiver) = mpsc::sync_channel(0);
        let read_all = || numbers().try_for_each(move |seq| sender.send((seq, read(seq))));
        let ahead = thread::Builder::new().name("log-reader".to_owned());
        match ahead.spawn_scoped(scope, read_all) {
            Ok(_) => receiver.into_iter().map(|(seq, bytes)| decrypt(seq, bytes?)).collect(),
            Err(_) => one_by_one(),
        }
    });
    Ok(Arc::new(EpochChunks::new(log, chunks.start, all?)))
}
