//! The sealed epochs that the brokers of one process share: where each broker's write-ahead
//! directory is, and one copy of each sealed epoch's chunks that is in memory.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, Weak},
};

use bytes::Bytes;
use milena_types::{BrokerId, ChunkSeq};
use tokio::sync::watch;

use crate::{
    catalog::records::LogId,
    chunk::log_core::LogCore,
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

/// The write-ahead logs of the brokers of one cluster that run in one process. Clones share it.
#[derive(Clone)]
pub struct SealedLogs(Arc<ProcessLogs>);

struct ProcessLogs {
    disk: Option<Arc<dyn Disk>>,
    dir_of: Box<dyn Fn(BrokerId) -> Option<PathBuf> + Send + Sync>,
    epochs: Mutex<HashMap<LogId, Weak<EpochChunks>>>,
    /// Serialises loads, so that an epoch is loaded once.
    loading: tokio::sync::Mutex<()>,
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
            loading: tokio::sync::Mutex::default(),
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

    fn in_memory(&self, log: LogId, chunks: &Range<ChunkSeq>) -> Option<Arc<EpochChunks>> {
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
        let directory = directory.clone();
        let read = move |seq| Ok(directory.read(log.epoch, seq)?);
        self.load_with(core, log, chunks, move || Ok(read)).await
    }

    /// The chunks, from memory or read in place.
    pub(crate) async fn load(
        &self,
        core: &Arc<LogCore>,
        log: LogId,
        chunks: Range<ChunkSeq>,
    ) -> Result<Arc<EpochChunks>, SealedError> {
        if let Some(epoch) = self.in_memory(log, &chunks) {
            return Ok(epoch);
        }
        let (disk, dir) = self.directory_of(log.broker)?;
        let wanted = chunks.clone();
        let reader = move || {
            let found = SealedChunks::find(&*disk, &dir, log.epoch, &wanted)?;
            let gone = move |seq| SealedError::Gone { log: log.to_string(), seq };
            Ok(move |seq| found.read(seq).ok_or_else(|| gone(seq)))
        };
        self.load_with(core, log, chunks, reader).await
    }

    async fn load_with<R>(
        &self,
        core: &Arc<LogCore>,
        log: LogId,
        chunks: Range<ChunkSeq>,
        reader: impl FnOnce() -> Result<R, SealedError> + Send + 'static,
    ) -> Result<Arc<EpochChunks>, SealedError>
    where
        R: Fn(ChunkSeq) -> Result<Bytes, SealedError>,
    {
        let _serialised = self.0.loading.lock().await;
        if let Some(epoch) = self.in_memory(log, &chunks) {
            return Ok(epoch);
        }
        let (runtime, core) = (core.runtime.clone(), core.clone());
        let read = move || {
            let read = reader()?;
            let numbers = (chunks.start.0..chunks.end.0).map(ChunkSeq);
            let all = numbers.map(|seq| Ok(Arc::new(core.read_back(log, seq, &read(seq)?)?)));
            let all: Vec<_> = all.collect::<Result<_, SealedError>>()?;
            Ok::<_, SealedError>(Arc::new(EpochChunks::new(log, chunks.start, all)))
        };
        let epoch = runtime.spawn_blocking(read).await.map_err(|_| SealedError::Stopping)??;
        Ok(self.keep(epoch))
    }
}
