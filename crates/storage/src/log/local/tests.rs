//! The local write-ahead log: the conformance suite, and what is particular to files.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use milena_runtime::Runtime;
use milena_types::{BrokerEpoch, ChunkSeq};

use super::frame::{FileId, FrameHeader};
use crate::{
    disk::{file_system::BLOCK_BYTES, local::LocalDisk, memory::MemoryDisk},
    log::{
        backend::{ChunkSource, HeldEpoch, LogBackend, LogError},
        conformance,
        conformance::{Fault, LogHarness, ScriptedSource},
        local::{
            directory::{LogConfig, LogDirectory},
            local_log::LocalLog,
        },
    },
};

mod damage;
mod faults;
mod lengths;

const DIR: &str = "/wal";
const DEADLINE: Duration = Duration::from_secs(20);

fn config(dir: &Path) -> LogConfig {
    LogConfig {
        file_bytes: 64 << 10,
        chunk_bytes_max: 20 << 10,
        retry_delay: Duration::from_millis(1),
        ..LogConfig::new(dir)
    }
}

fn open(disk: &MemoryDisk) -> Result<Arc<LogDirectory>, LogError> {
    LogDirectory::open(config(Path::new(DIR)), disk.process())
}

fn start(disk: &MemoryDisk, epoch: i64) -> (Arc<ScriptedSource>, Arc<LocalLog>) {
    let source = ScriptedSource::new();
    let log = LocalLog::start(
        open(disk).unwrap(),
        BrokerEpoch(epoch),
        source.clone(),
        &Runtime::system(),
    );
    (source, log.unwrap())
}

async fn commit(source: &ScriptedSource, log: &LocalLog, chunk: &[u8]) {
    let end = source.open(chunk);
    log.notify();
    source.wait("the commit", |state| state.committed >= end).await;
}

/// A disk on which epoch 1 has committed these chunks, and where it stopped.
async fn disk_with(chunks: &[&[u8]]) -> MemoryDisk {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    for (i, chunk) in chunks.iter().enumerate() {
        source.open(*chunk);
        log.notify();
        source.wait("the commit", |state| state.committed == i as u64 + 1).await;
    }
    disk.kill();
    disk
}

fn wal_files(disk: &MemoryDisk) -> Vec<PathBuf> {
    disk.paths(Path::new(DIR))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "wal"))
        .collect()
}

fn held(disk: &MemoryDisk) -> Result<Vec<(i64, u64, u64)>, LogError> {
    let held = open(&disk.fork())?.held();
    Ok(held
        .into_iter()
        .map(|held| (held.epoch.0, held.chunks.start.0, held.chunks.end.0))
        .collect())
}

struct MemoryHarness {
    disk: MemoryDisk,
    epoch: AtomicI64,
    runtime: Runtime,
}

/// Blocking work takes 100 µs.
struct ShortPace;

impl milena_runtime::Pace for ShortPace {
    fn pause(&self) -> Duration {
        Duration::from_micros(100)
    }
}

struct FixedEnvironment;

impl milena_runtime::Clock for FixedEnvironment {
    fn wall_ms(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl milena_runtime::Random for FixedEnvironment {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl MemoryHarness {
    fn new() -> Self {
        Self { disk: MemoryDisk::default(), epoch: AtomicI64::new(0), runtime: Runtime::system() }
    }

    fn on_one_thread() -> Self {
        let runtime = Runtime::on_one_thread(
            Arc::new(FixedEnvironment),
            Arc::new(FixedEnvironment),
            Arc::new(ShortPace),
        );
        Self { runtime, ..Self::new() }
    }
}

#[async_trait]
impl LogHarness for MemoryHarness {
    async fn start(&self, source: Arc<dyn ChunkSource>) -> Result<Arc<dyn LogBackend>, LogError> {
        let epoch = BrokerEpoch(self.epoch.fetch_add(1, Ordering::Relaxed));
        Ok(LocalLog::start(open(&self.disk)?, epoch, source, &self.runtime)?)
    }

    async fn crash(&self, seed: u64) {
        self.heal();
        self.disk.crash(seed);
    }

    fn inject(&self, fault: Fault) {
        match fault {
            Fault::Write => self.disk.fail_writes(1),
            Fault::Writes => self.disk.fail_writes(3),
            Fault::Sync => self.disk.fail_syncs(1),
            Fault::Syncs => self.disk.fail_syncs(3),
            Fault::Space => self.disk.limit_space(Some(0)),
        }
    }

    fn heal(&self) {
        self.disk.fail_writes(0);
        self.disk.fail_syncs(0);
        self.disk.limit_space(None);
    }
}

struct LocalHarness {
    dir: tempfile::TempDir,
    epoch: AtomicI64,
}

#[async_trait]
impl LogHarness for LocalHarness {
    async fn start(&self, source: Arc<dyn ChunkSource>) -> Result<Arc<dyn LogBackend>, LogError> {
        let epoch = BrokerEpoch(self.epoch.fetch_add(1, Ordering::Relaxed));
        let directory =
            LogDirectory::open(config(&self.dir.path().join("a/wal")), Arc::new(LocalDisk))?;
        Ok(LocalLog::start(directory, epoch, source, &Runtime::system())?)
    }

    // The log is dropped, which is as much as one process can do to itself.
    async fn crash(&self, _seed: u64) {}

    fn inject(&self, _fault: Fault) {}

    fn heal(&self) {}
}

#[tokio::test]
async fn the_local_log_conforms_on_a_memory_disk() {
    conformance::run(MemoryHarness::new).await;
}

#[tokio::test]
async fn the_local_log_conforms_without_threads() {
    conformance::run(MemoryHarness::on_one_thread).await;
    for seed in 0..4 {
        let harness = MemoryHarness::on_one_thread();
        conformance::run_with_faults(&harness, seed, 12).await;
        assert_eq!(
            harness.disk.syncs_after_failure(),
            0,
            "a file whose sync failed is never synced again"
        );
    }
}

#[tokio::test]
async fn the_local_log_conforms_on_a_disk_that_writes_short() {
    conformance::run(|| {
        let harness = MemoryHarness::new();
        harness.disk.write_short(true);
        harness
    })
    .await;
}

#[tokio::test]
async fn the_local_log_conforms_on_the_file_system() {
    conformance::run(|| LocalHarness {
        dir: tempfile::tempdir().unwrap(),
        epoch: AtomicI64::new(0),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committed_chunks_outlive_every_fault() {
    for seed in 0..40 {
        let harness = MemoryHarness::new();
        conformance::run_with_faults(&harness, seed, 12).await;
        assert_eq!(
            harness.disk.syncs_after_failure(),
            0,
            "a file whose sync failed is never synced again"
        );
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_leaves_no_gap_behind_it() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    let chunk = [7; 19 << 10];
    for i in 0..9_u64 {
        source.open(chunk);
        log.notify();
        source.wait("the commit", |state| state.committed == i + 1).await;
    }
    log.release(BrokerEpoch(1), ChunkSeq(7)).await;
    disk.fail_removes(1);
    let directory = log.shared.directory.clone();
    drop((source, log)); // At its end the log removes what is free.
    assert_eq!(held(&disk).unwrap(), [(1, 0, 9)], "nothing is missing in between");
    directory.remove_free();
    assert_eq!(held(&disk).unwrap(), [(1, 6, 9)], "the next time it goes");
}

#[tokio::test]
async fn old_frames_of_a_reused_file_are_never_read() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    let chunk = [1; 15 << 10];
    for i in 0..40_u64 {
        source.open(chunk);
        log.notify();
        source.wait("the commit", |state| state.committed == i + 1).await;
        log.release(BrokerEpoch(1), ChunkSeq(i)).await;
    }
    assert!(wal_files(&disk).len() <= 5, "files are used again: {:?}", wal_files(&disk));
    let held_before = log.held();
    drop((source, log));
    // Of the last file only its first frames are new; behind them stand whole frames of its earlier
    // life.
    let found = held(&disk).unwrap();
    assert_eq!((found.len(), found[0].2), (1, 40));
    assert!(found[0].1 <= held_before[0].chunks.start.0);
    for file in wal_files(&disk) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let id = FileId::of_file_name(name).unwrap();
        let positions = (0..64 << 10).step_by(BLOCK_BYTES);
        let headers = disk.edit(&file, |bytes| {
            let header = |at: usize| FrameHeader::decode(bytes[at..].first_chunk().unwrap(), id);
            positions.filter_map(header).collect::<Vec<_>>()
        });
        assert!(headers.windows(2).all(|pair| pair[0].seq.next() == pair[1].seq), "{headers:?}");
    }
}

#[tokio::test]
async fn the_last_chunk_found_at_a_start_is_made_durable_before_anything_else() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    commit(&source, &log, b"kept").await;
    disk.fail_syncs(u32::MAX);
    source.open(*b"readable, not durable");
    log.notify();
    source.wait("the stall", |state| !state.stalled.is_empty()).await;
    disk.kill(); // The page cache still has it, clean; no later sync would write it.
    drop((source, log));
    let (source, log) = start(&disk, 2);
    let found = log.held()[0].chunks.clone();
    disk.crash(0);
    drop((source, log));
    assert_eq!(
        held(&disk).unwrap()[0],
        (1, found.start.0, found.end.0),
        "what was found once is found again"
    );
}

#[tokio::test]
async fn a_directory_has_one_owner() {
    let disk = MemoryDisk::default();
    let (_source, log) = start(&disk, 1);
    assert!(matches!(open(&disk), Err(LogError::InUse { .. })));
    log.seal().await;
    assert!(matches!(open(&disk), Err(LogError::InUse { .. })), "a sealed log still reads");
    drop(log);
    open(&disk).unwrap();
}

#[tokio::test]
async fn another_broker_reads_sealed_chunks_in_place() {
    let disk = disk_with(&[b"one", b"two"]).await;
    let directory = open(&disk).unwrap();
    assert_eq!(
        directory.held(),
        [HeldEpoch { epoch: BrokerEpoch(1), chunks: ChunkSeq(0)..ChunkSeq(2) }]
    );
    assert_eq!(directory.read(BrokerEpoch(1), ChunkSeq(1)).unwrap(), &b"two"[..]);
    let again =
        LocalLog::start(directory, BrokerEpoch(1), ScriptedSource::new(), &Runtime::system());
    assert!(matches!(again, Err(LogError::Sealed { .. })), "an epoch is not gone on with");
}

/// Panics when it builds its `panics_at`th chunk.
#[derive(Debug, Default)]
struct PanickingSource {
    panics_at: u64,
    begun: AtomicU64,
    open: AtomicBool,
    sealed: std::sync::OnceLock<ChunkSeq>,
}

impl ChunkSource for PanickingSource {
    fn open_bytes(&self) -> usize {
        if self.open.load(Ordering::Relaxed) { 20 << 10 } else { 0 }
    }

    fn next_bytes_max(&self) -> Option<usize> {
        Some(1)
    }

    fn build(&self, seq: ChunkSeq, _: &mut crate::disk::WriteBuffer) -> bool {
        self.begun.fetch_add(1, Ordering::Relaxed);
        assert!(seq.0 < self.panics_at, "a bug in building chunks");
        self.open.swap(false, Ordering::Relaxed)
    }

    fn committed(&self, _: ChunkSeq) {
        assert_eq!(self.sealed.get(), None);
    }

    fn fail_open(&self) {}

    fn fail_built(&self, _: ChunkSeq) {}

    fn sealed(&self, end: ChunkSeq) {
        self.sealed.set(end).unwrap();
    }
}

impl PanickingSource {
    fn open(&self, log: &LocalLog) {
        self.open.store(true, Ordering::Relaxed);
        log.notify();
    }
}

#[tokio::test]
async fn a_panic_while_a_chunk_is_built_ends_the_epoch_and_every_wait() {
    for panics_at in 0..2 {
        let disk = MemoryDisk::default();
        let source = Arc::new(PanickingSource { panics_at, ..PanickingSource::default() });
        let directory = open(&disk).unwrap();
        let log =
            LocalLog::start(directory, BrokerEpoch(1), source.clone(), &Runtime::system()).unwrap();
        disk.hold_syncs(panics_at > 0);
        source.open(&log);
        if panics_at > 0 {
            disk.wait_for_held_sync();
            source.open(&log);
            let begun = async {
                while source.begun.load(Ordering::Relaxed) < 2 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(DEADLINE, begun).await.unwrap();
            disk.hold_syncs(false);
        }
        let sealed = tokio::time::timeout(DEADLINE, log.seal()).await;
        let end = ChunkSeq(panics_at); // A running sync finishes.
        assert_eq!((sealed, source.sealed.get()), (Ok(end), Some(&end)));
    }
}

#[tokio::test]
async fn recovery_reads_on_where_an_earlier_life_gave_a_file_up() {
    // Chunk 1 is whole in the file that was given up and in the one after it; chunk 2 follows
    // there.
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    commit(&source, &log, b"zero").await;
    disk.fail_syncs(1);
    commit(&source, &log, b"one").await;
    commit(&source, &log, b"two").await;
    disk.kill();
    drop((source, log));
    assert_eq!(wal_files(&disk).len(), 2, "the file given up and the current one");
    assert_eq!(held(&disk).unwrap(), [(1, 0, 3)]);
}
