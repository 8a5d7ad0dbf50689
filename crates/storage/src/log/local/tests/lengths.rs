//! The lengths of files: short at first, longer where much is written.

use std::{os::unix::fs::MetadataExt, path::Path};

use milena_runtime::Runtime;
use milena_types::{BrokerEpoch, ChunkSeq};

use super::*;

/// The space that a directory takes, as `du` says.
fn space(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap();
    files.map(|entry| entry.unwrap().metadata().unwrap().blocks() * 512).sum()
}

fn start_in(dir: &Path, epoch: i64) -> (Arc<ScriptedSource>, Arc<LocalLog>) {
    let (source, runtime) = (ScriptedSource::new(), Runtime::system());
    let directory = LogDirectory::open(LogConfig::new(dir), Arc::new(LocalDisk)).unwrap();
    let log = LocalLog::start(directory, BrokerEpoch(epoch), source.clone(), &runtime);
    (source, log.unwrap())
}

#[tokio::test]
async fn a_log_that_is_little_used_takes_little_space() {
    let dir = tempfile::tempdir().unwrap();
    let (source, log) = start_in(dir.path(), 1);
    assert!(space(dir.path()) <= 2 << 20, "{} bytes at the start", space(dir.path()));
    for round in 1..=200_u64 {
        commit(&source, &log, &[1; 50_000]).await;
        // As after a flush, now and then.
        if round.is_multiple_of(5) {
            log.release(BrokerEpoch(1), ChunkSeq(round)).await;
        }
    }
    assert!(space(dir.path()) <= 4 << 20, "{} bytes after 10 MB", space(dir.path()));
    drop((source, log));
    let (source, log) = start_in(dir.path(), 2);
    commit(&source, &log, &[1; 50_000]).await;
    assert!(space(dir.path()) <= 4 << 20, "{} bytes after a start", space(dir.path()));
}

#[tokio::test]
async fn files_grow_with_what_is_written_and_the_short_ones_go() {
    let disk = MemoryDisk::default();
    let (source, runtime) = (ScriptedSource::new(), Runtime::system());
    let config = LogConfig { first_file_bytes: 4 << 10, ..config(Path::new(DIR)) };
    let directory = LogDirectory::open(config.clone(), disk.process()).unwrap();
    let log = LocalLog::start(directory, BrokerEpoch(1), source.clone(), &runtime).unwrap();
    let lengths = || {
        let process = disk.process();
        let length = |path: &PathBuf| process.open(path).unwrap().bytes().unwrap() >> 10;
        wal_files(&disk).iter().map(length).collect::<Vec<_>>()
    };
    assert_eq!(lengths(), [4]);
    for _ in 0..45_u64 {
        commit(&source, &log, &[1; 3_000]).await;
    }
    assert_eq!(lengths(), [4, 8, 16, 32, 64, 64, 64], "twice as long each time");
    disk.crash(3);
    drop((source, log));
    let directory = LogDirectory::open(config, disk.process()).unwrap();
    assert_eq!(directory.held()[0].chunks, ChunkSeq(0)..ChunkSeq(45), "what was committed");
    let source = ScriptedSource::new();
    let log = LocalLog::start(directory, BrokerEpoch(2), source.clone(), &runtime).unwrap();
    log.release(BrokerEpoch(1), ChunkSeq(45)).await;
    // They fit into none of the short ones.
    for _ in 0..3 {
        commit(&source, &log, &[2; 20 << 10]).await;
    }
    for seq in 0..3 {
        let chunk = log.read(BrokerEpoch(2), ChunkSeq(seq)).await.unwrap();
        assert_eq!(chunk, &[2; 20 << 10][..]);
    }
    assert!(lengths().iter().all(|length| *length >= 16), "{:?}", lengths());
}
