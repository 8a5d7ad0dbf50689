//! Sealed epochs: chunks that nobody adds to any more and that are not all in segments yet.
//!
//! [`SealedLogs`] is what the brokers of one process share: where each broker's write-ahead
//! directory is, and one copy of each sealed chunk that is in memory. [`Sealed`] is what one broker
//! does with them: it flushes those it is the *flusher* of (the ledger says so), and *borrows* from
//! the others: its partitions read their runs until segments have them.
//!
//! Invariants:
//!  - epochs are flushed in the order they were sealed in, over all brokers, and a broker's own
//!    chunks after all that its partitions borrow: so a partition's segments are recorded in offset
//!    order;
//!  - an epoch is in the queue or borrowed from, never both.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use milena_types::{BrokerId, ChunkSeq, TopicPartition};
use tokio::sync::watch;

use crate::{
    chunk::tail::TailChunk,
    disk::file_system::Disk,
    ledger::LogId,
    log::{
        backend::WalError,
        local::{directory::WalDirectory, sealed_chunks::SealedChunks},
    },
    objects::store::ObjectId,
    partition::state::TailRun,
    segment::{footer::PartitionFooter, reader::SegmentError},
    shared::Shared,
};

/// Why the chunks of a sealed epoch cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// They were released meanwhile, or are being moved: what says where the records are has to be
    /// read again.
    #[error("chunk {seq} of {log} is not in its directory: restore it if it does not come back")]
    Gone {
        /// Whose chunk: broker and epoch.
        log: String,
        /// Which.
        seq: ChunkSeq,
    },
    /// This process does not know the directory of that broker.
    #[error(
        "the write-ahead directory of broker {broker} is not known here: start the broker that has it"
    )]
    Elsewhere {
        /// The broker.
        broker: BrokerId,
    },
    /// The directory cannot be read.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// A chunk cannot be read.
    #[error(transparent)]
    Chunk(#[from] SegmentError),
    /// The process is stopping.
    #[error("storage is shutting down")]
    Stopping,
}

/// What the brokers of one cluster in one process know of each other's write-ahead logs. Clones are
/// the same.
#[derive(Clone)]
pub struct SealedLogs(Arc<Inner>);

struct Inner {
    disk: Option<Arc<dyn Disk>>,
    dir_of: Box<dyn Fn(BrokerId) -> Option<PathBuf> + Send + Sync>,
    epochs: Mutex<HashMap<LogId, Weak<EpochChunks>>>,
    /// One that loads is enough; the others find what it loaded.
    loading: tokio::sync::Mutex<()>,
    /// Epochs that somebody waits for to be flushed.
    wanted: Mutex<BTreeSet<LogId>>,
    /// Sent to when an epoch was sealed or flushed, or is wanted.
    changed: watch::Sender<u64>,
}

impl fmt::Debug for SealedLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedLogs").finish_non_exhaustive()
    }
}

impl Default for SealedLogs {
    /// Of a broker that is alone: it knows no other's directory.
    fn default() -> Self {
        Self::with(None, Box::new(|_| None))
    }
}

impl SealedLogs {
    /// `dir_of` answers the write-ahead directory of each broker of the cluster on `disk`.
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
        Self(Arc::new(Inner {
            disk,
            dir_of,
            epochs: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
            wanted: Mutex::default(),
            changed: watch::Sender::new(0),
        }))
    }

    /// Where a broker's log is.
    pub(crate) fn directory_of(
        &self,
        broker: BrokerId,
    ) -> Result<(Arc<dyn Disk>, PathBuf), SealedError> {
        let dir = (self.0.dir_of)(broker);
        self.0.disk.clone().zip(dir).ok_or(SealedError::Elsewhere { broker })
    }

    /// Tells all brokers of the process to look at the ledger.
    pub(crate) fn notify(&self) {
        self.0.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Somebody waits for the epoch's chunks to be in segments.
    pub(crate) fn want(&self, log: LogId) {
        if self.wanted().insert(log) {
            self.notify();
        }
    }

    pub(crate) fn is_wanted(&self, log: LogId) -> bool {
        self.wanted().contains(&log)
    }

    /// The epoch's chunks are in segments.
    pub(crate) fn retired(&self, log: LogId) {
        self.wanted().remove(&log);
        self.notify();
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeSet<LogId>> {
        self.0.wanted.lock().expect("no panic while wanted epochs are listed")
    }

    fn epochs(&self) -> MutexGuard<'_, HashMap<LogId, Weak<EpochChunks>>> {
        self.0.epochs.lock().expect("no panic while sealed epochs are listed")
    }

    /// Whether these chunks are in memory.
    pub(crate) fn has(&self, log: LogId, chunks: &Range<ChunkSeq>) -> bool {
        self.in_memory(log, chunks).is_some()
    }

    /// The chunks, if they are in memory already.
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
        shared: &Arc<Shared>,
        directory: &Arc<WalDirectory>,
        log: LogId,
        chunks: Range<ChunkSeq>,
    ) -> Result<Arc<EpochChunks>, SealedError> {
        let directory = directory.clone();
        let read = move |seq| Ok(directory.read(log.epoch, seq)?);
        self.load_with(shared, log, chunks, move || Ok(read)).await
    }

    /// The chunks, from memory or read in place.
    pub(crate) async fn load(
        &self,
        shared: &Arc<Shared>,
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
        self.load_with(shared, log, chunks, reader).await
    }

    async fn load_with<R>(
        &self,
        shared: &Arc<Shared>,
        log: LogId,
        chunks: Range<ChunkSeq>,
        reader: impl FnOnce() -> Result<R, SealedError> + Send + 'static,
    ) -> Result<Arc<EpochChunks>, SealedError>
    where
        R: Fn(ChunkSeq) -> Result<bytes::Bytes, SealedError>,
    {
        let _one_at_a_time = self.0.loading.lock().await;
        if let Some(epoch) = self.in_memory(log, &chunks) {
            return Ok(epoch);
        }
        let (scope, of) = (shared.runtime.clone(), shared.clone());
        let read = move || {
            let read = reader()?;
            let since = of.runtime.monotonic();
            let numbers = (chunks.start.0..chunks.end.0).map(ChunkSeq);
            let all = numbers.map(|seq| {
                let sealed = read(seq)?;
                let object: ObjectId = of.chunk_object(log, seq);
                Ok(Arc::new(TailChunk::read_back(
                    log,
                    seq,
                    &object,
                    &sealed,
                    &of.config.keys,
                    since,
                )?))
            });
            let all: Vec<_> = all.collect::<Result<_, SealedError>>()?;
            Ok::<_, SealedError>(Arc::new(EpochChunks::new(log, chunks.start, all)))
        };
        let epoch = scope.spawn_blocking(read).await.map_err(|_| SealedError::Stopping)??;
        Ok(self.keep(epoch))
    }
}

/// The chunks of one sealed epoch from some number to its tail.
#[derive(Debug)]
pub(crate) struct EpochChunks {
    pub(crate) log: LogId,
    pub(crate) first: ChunkSeq,
    pub(crate) chunks: Vec<Arc<TailChunk>>,
    /// In which chunks a partition has a share, and the how manieth of the footer it is.
    shares: HashMap<TopicPartition, Vec<(u32, u32)>>,
}

impl EpochChunks {
    fn new(log: LogId, first: ChunkSeq, chunks: Vec<Arc<TailChunk>>) -> Self {
        let mut shares: HashMap<TopicPartition, Vec<(u32, u32)>> = HashMap::new();
        for (number, chunk) in chunks.iter().enumerate() {
            for (index, part) in chunk.footer.partitions.iter().enumerate() {
                shares.entry(part.partition).or_default().push((number as u32, index as u32));
            }
        }
        Self { log, first, chunks, shares }
    }

    fn end(&self) -> ChunkSeq {
        ChunkSeq(self.first.0 + self.chunks.len() as u64)
    }

    /// The partition's runs, in offset order, with what the footers say of them.
    pub(crate) fn runs_of(
        &self,
        partition: TopicPartition,
    ) -> impl Iterator<Item = (TailRun, &PartitionFooter)> {
        let shares = self.shares.get(&partition).into_iter().flatten();
        shares.map(|(number, index)| {
            let (chunk, index) = (&self.chunks[*number as usize], *index as usize);
            (
                TailRun { sealed: Some(self.log), ..chunk.run(index) },
                &chunk.footer.partitions[index],
            )
        })
    }

    /// The chunks from `from` on.
    fn from(&self, from: ChunkSeq) -> &[Arc<TailChunk>] {
        let skipped = from.0.saturating_sub(self.first.0).min(self.chunks.len() as u64);
        &self.chunks[skipped as usize..]
    }
}

/// An epoch this broker flushes.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) order: u64,
    pub(crate) log: LogId,
    pub(crate) epoch: Option<Arc<EpochChunks>>,
    /// The first chunk that is not in segments.
    pub(crate) floor_end: ChunkSeq,
    pub(crate) tail_end: ChunkSeq,
    /// What it counts for in the budget: own epochs only. The memory of others' was theirs.
    pub(crate) counted: bool,
    pub(crate) since: Duration,
}

impl Queued {
    /// The oldest chunks, about `bytes_max` of them.
    pub(crate) fn oldest(&self, bytes_max: u64) -> Vec<Arc<TailChunk>> {
        let mut bytes = 0;
        let unflushed = self.unflushed().iter();
        let fits = |chunk: &&Arc<TailChunk>| {
            let first = bytes == 0;
            bytes += chunk.charged;
            first || bytes <= bytes_max
        };
        unflushed.take_while(fits).cloned().collect()
    }

    pub(crate) fn unflushed(&self) -> &[Arc<TailChunk>] {
        self.epoch.as_ref().map_or(&[], |epoch| epoch.from(self.floor_end))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.unflushed().iter().map(|chunk| chunk.charged).sum()
    }
}

/// An epoch that somebody else flushes and that partitions here have runs of.
#[derive(Debug)]
pub(crate) struct Borrowed {
    pub(crate) order: u64,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "held, so that it is in memory once for all of them")
    )]
    pub(crate) epoch: Arc<EpochChunks>,
    pub(crate) partitions: BTreeSet<TopicPartition>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    /// In the order they are flushed in.
    pub(crate) queue: Vec<Queued>,
    pub(crate) borrowed: BTreeMap<LogId, Borrowed>,
    /// The ledger could not be followed: look again soon.
    pub(crate) unsettled: bool,
}

impl Sealed {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn enqueue(&mut self, queued: Queued) {
        self.queue.push(queued);
        self.queue.sort_by_key(|queued| (queued.order, queued.log));
    }

    pub(crate) fn is_queued(&self, log: LogId) -> bool {
        self.queue.iter().any(|queued| queued.log == log)
    }

    /// A partition here has runs of an epoch that others flush.
    pub(crate) fn borrow(
        &mut self,
        order: u64,
        epoch: &Arc<EpochChunks>,
        partition: TopicPartition,
    ) {
        let partitions = BTreeSet::new();
        let borrowed = self.borrowed.entry(epoch.log).or_insert_with(|| Borrowed {
            order,
            epoch: epoch.clone(),
            partitions,
        });
        borrowed.partitions.insert(partition);
    }

    /// The first epoch that partitions here wait for.
    pub(crate) fn borrows(&self) -> Option<LogId> {
        self.borrowed
            .iter()
            .find(|(_, borrowed)| !borrowed.partitions.is_empty())
            .map(|(log, _)| *log)
    }

    /// Bytes that wait for a flush, and since when the oldest do.
    pub(crate) fn waiting(&self) -> (u64, Option<Duration>) {
        (
            self.queue.iter().map(Queued::bytes).sum(),
            self.queue.iter().map(|queued| queued.since).min(),
        )
    }
}
