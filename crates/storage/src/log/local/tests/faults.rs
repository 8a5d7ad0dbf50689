//! Syncs and writes that fail or wait.

use std::path::{Path, PathBuf};

use milena_runtime::Runtime;
use milena_types::{BrokerEpoch, ChunkSeq};

use super::*;
use crate::{
    disk::memory::MemoryDisk,
    log::{backend::LogBackend, conformance},
};

#[tokio::test]
async fn an_acknowledgement_means_one_sync_and_a_group_shares_it() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    let before = disk.syncs();
    for _ in 0..5 {
        source.open(*b"chunk");
    }
    log.notify();
    source.wait("the commits", |state| state.committed == 5).await;
    assert_eq!(disk.syncs() - before, 5);
}

#[tokio::test]
async fn nothing_is_acknowledged_before_the_sync_returns() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    disk.hold_syncs(true);
    source.open(*b"chunk");
    log.notify();
    disk.wait_for_held_sync();
    assert_eq!(source.state().built.len(), 1);
    assert_eq!(source.state().committed, 0);
    assert!(log.held().is_empty());
    disk.hold_syncs(false);
    source.wait("the commit", |state| state.committed == 1).await;
}

/// As much as is built ahead, in a file of 64 KiB that has room for three of them.
static MUCH: [u8; 19 << 10] = [5; 19 << 10];

/// A log that syncs chunk 0, and has built chunk 1 meanwhile.
async fn start_with_one_built_ahead(disk: &MemoryDisk) -> (Arc<ScriptedSource>, Arc<LocalLog>) {
    let (source, log) = start(disk, 1);
    disk.hold_syncs(true);
    source.open(*b"first");
    log.notify();
    disk.wait_for_held_sync();
    source.open(MUCH);
    log.notify();
    source.wait("building ahead", |state| state.built.len() == 2).await;
    (source, log)
}

#[tokio::test]
async fn the_next_chunk_is_built_and_not_written_while_one_is_synced() {
    let disk = MemoryDisk::default();
    let (source, log) = start_with_one_built_ahead(&disk).await;
    source.open(MUCH);
    log.notify();
    assert_eq!(source.state().committed, 0);
    assert_eq!(held(&disk).unwrap(), [(1, 0, 1)], "one frame is in flight");
    let before = disk.syncs();
    disk.hold_syncs(false);
    source.wait("the commits", |state| state.committed == 3).await;
    assert_eq!(disk.syncs() - before, 3);
    disk.crash(1);
    drop((source, log));
    let directory = open(&disk).unwrap();
    assert_eq!(directory.read(BrokerEpoch(1), ChunkSeq(0)).unwrap(), &b"first"[..]);
    assert_eq!(directory.read(BrokerEpoch(1), ChunkSeq(2)).unwrap(), &MUCH[..]);
}

#[tokio::test]
async fn what_opens_little_by_little_is_built_ahead_when_it_is_much() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    disk.hold_syncs(true);
    source.open(*b"first");
    log.notify();
    disk.wait_for_held_sync();
    let mut opened = 1;
    while source.state().built.len() == 1 {
        opened = source.open([7; 100]);
        log.notify();
        tokio::task::yield_now().await;
    }
    assert_eq!(source.state().committed, 0);
    disk.hold_syncs(false);
    source.wait("the commits", |state| state.committed == opened).await;
}

#[tokio::test]
async fn a_stall_fails_the_chunk_that_was_built_ahead_too() {
    let disk = MemoryDisk::default();
    let (source, log) = start_with_one_built_ahead(&disk).await;
    disk.fail_syncs(u32::MAX);
    disk.hold_syncs(false);
    source.wait("the stall", |state| state.stalled == [ChunkSeq(0), ChunkSeq(1)]).await;
    source.open(*b"is refused");
    log.notify();
    source.wait("the refusal", |state| state.refused == 1).await;
    assert_eq!((source.state().built.len(), log.committed_end()), (2, ChunkSeq(0)));
    disk.fail_syncs(0);
    source.wait("the commits", |state| state.committed == 2).await;
    commit(&source, &log, b"next").await;
    assert_eq!(log.read(BrokerEpoch(1), ChunkSeq(1)).await.unwrap(), &MUCH[..]);
    assert_eq!(source.state().stalled.len(), 2, "a stall is reported once for each chunk");
    assert_eq!(disk.syncs_after_failure(), 0);
}

#[tokio::test]
async fn a_chunk_that_was_built_ahead_is_discarded_when_the_epoch_is_sealed() {
    let disk = MemoryDisk::default();
    let (source, log) = start_with_one_built_ahead(&disk).await;
    let sealing = Runtime::system().spawn({
        let log = log.clone();
        async move { log.seal().await }
    });
    tokio::task::yield_now().await;
    disk.hold_syncs(false);
    assert_eq!(sealing.await.unwrap(), ChunkSeq(1), "the running sync finishes");
    let state = source.state();
    assert_eq!((state.committed, state.built.len(), state.sealed), (1, 2, Some(ChunkSeq(1))));
    drop(state);
    disk.kill();
    drop((source, log));
    assert_eq!(held(&disk).unwrap(), [(1, 0, 1)]);
}

#[tokio::test]
async fn the_space_of_the_frame_in_flight_is_not_given_to_the_next() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    disk.limit_space(Some(100 << 10)); // One file of 64 KiB.
    commit(&source, &log, &MUCH).await;
    commit(&source, &log, &MUCH).await;
    disk.hold_syncs(true);
    source.open(MUCH);
    log.notify();
    disk.wait_for_held_sync();
    source.open(MUCH);
    log.notify();
    source.wait("the refusal", |state| state.refused == 1).await;
    assert_eq!(source.state().built.len(), 3, "what has no space has no number");
    disk.hold_syncs(false);
    source.wait("the commit", |state| state.committed == 3).await;
    log.release(BrokerEpoch(1), ChunkSeq(3)).await;
    disk.limit_space(None);
    commit(&source, &log, b"again").await;
}

#[tokio::test]
async fn a_chunk_whose_sync_failed_is_written_unaltered_to_another_file() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    commit(&source, &log, b"before").await;
    disk.fail_syncs(1);
    commit(&source, &log, b"failed once").await;
    commit(&source, &log, b"after").await;
    assert_eq!(disk.syncs_after_failure(), 0);
    assert!(source.state().stalled.is_empty(), "the second try is made at once");
    disk.crash(1);
    drop((source, log));
    assert_eq!(held(&disk).unwrap(), [(1, 0, 3)]);
    let directory = open(&disk).unwrap();
    let places: Vec<_> =
        (0..3).map(|seq| directory.read(BrokerEpoch(1), ChunkSeq(seq)).unwrap()).collect();
    assert_eq!(places, [&b"before"[..], b"failed once", b"after"]);
}

#[tokio::test]
async fn a_chunk_that_cannot_be_written_stalls_and_is_committed_when_the_disk_is_back() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    disk.fail_writes(u32::MAX);
    source.open(*b"stalls");
    log.notify();
    source.wait("the stall", |state| state.stalled == [ChunkSeq(0)]).await;
    source.open(*b"is refused");
    log.notify();
    source.wait("the refusal", |state| state.refused == 1).await;
    assert_eq!(log.committed_end(), ChunkSeq(0));
    disk.fail_writes(0);
    source.wait("the commit", |state| state.committed == 1).await;
    commit(&source, &log, b"next").await;
    assert_eq!(log.read(BrokerEpoch(1), ChunkSeq(0)).await.unwrap(), &b"stalls"[..]);
    assert_eq!(source.state().stalled.len(), 1, "a stall is reported once");
    assert!(
        wal_files(&disk).len() <= 3,
        "files that were given up are removed: {:?}",
        wal_files(&disk)
    );
}

#[tokio::test]
async fn without_space_chunks_are_refused_and_accepted_when_space_returns() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    disk.limit_space(Some(100 << 10));
    let mut committed = 0;
    while source.state().refused == 0 {
        source.open([5; 19 << 10]);
        log.notify();
        let answered = move |state: &conformance::SourceState| {
            state.committed > committed || state.refused > 0
        };
        source.wait("an answer", answered).await;
        committed = source.state().committed;
    }
    assert_eq!(source.state().built.len() as u64, committed, "what is refused has no number");
    assert!(committed >= 1 && source.state().stalled.is_empty());
    // Releasing does as well as a larger disk.
    log.release(BrokerEpoch(1), ChunkSeq(committed)).await;
    disk.limit_space(None);
    commit(&source, &log, b"again").await;
    assert_eq!(log.committed_end(), ChunkSeq(committed + 1));
}

#[tokio::test]
async fn files_that_are_kept_for_later_are_given_back_when_others_have_no_space() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    for _ in 0..16 {
        commit(&source, &log, &[5; 19 << 10]).await;
    }
    log.release(BrokerEpoch(1), ChunkSeq(15)).await;
    commit(&source, &log, b"the next").await;
    // One is written to, and one is ready behind it.
    let given_back = || wal_files(&disk).len() <= 2;
    assert!(!given_back(), "{:?}", wal_files(&disk));
    log.give_back_space();
    let removed = async {
        while !given_back() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), removed).await.expect("they are removed");
    commit(&source, &log, b"and on").await;
    disk.crash(7);
    drop((source, log));
    // What was released may be back.
    let held = held(&disk).unwrap();
    assert!(matches!(held[..], [(1, ..=15, 18)]), "{held:?}");
}

/// A later file without an earlier one is damage for the next start.
#[tokio::test]
async fn files_that_are_given_back_while_the_log_ends_go_in_order() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    // Four files become free, as many as are kept, and the fifth needs no spare one yet.
    for _ in 0..13 {
        commit(&source, &log, &MUCH).await;
    }
    log.release(BrokerEpoch(1), ChunkSeq(12)).await;
    disk.hold_removal(true);
    log.seal().await;
    disk.wait_for_held_removal();
    let before = wal_files(&disk).len();
    log.give_back_space();
    let removed = async {
        while wal_files(&disk).len() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // It is to wait for the removal of the one before.
    let _ = tokio::time::timeout(Duration::from_millis(100), removed).await;
    disk.fail_removes(1);
    disk.hold_removal(false);
    drop(log);
    let next_start = async {
        loop {
            match open(&disk) {
                Err(LogError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(1)).await,
                opened => break opened,
            }
        }
    };
    let opened = tokio::time::timeout(DEADLINE, next_start).await.expect("nobody has it");
    let held = opened.expect("no damage").held();
    assert_eq!(held.last().map(|held| held.chunks.end), Some(ChunkSeq(13)));
}

/// The newest chunk has to be written again, which takes its own space at most.
#[tokio::test]
async fn a_log_starts_where_there_is_no_space_for_another_file() {
    for left in [0, 16 << 10] {
        let disk = MemoryDisk::default();
        let (source, log) = start(&disk, 1);
        commit(&source, &log, b"first").await;
        commit(&source, &log, &[5; 10_000]).await;
        disk.kill();
        drop((source, log));
        let process = disk.process();
        let bytes = |path: &PathBuf| process.open(path).and_then(|file| file.bytes()).unwrap();
        let used: u64 = disk.paths(Path::new(DIR)).iter().map(bytes).sum();
        disk.limit_space(Some(used + left));
        for epoch in 2..5 {
            let (source, log) = start(&disk, epoch);
            let chunk = log.read(BrokerEpoch(1), ChunkSeq(1)).await.unwrap();
            assert_eq!(chunk, &[5; 10_000][..]);
            source.open(*b"no space");
            log.notify();
            source.wait("the refusal", |state| state.refused == 1).await;
            disk.crash(7);
            drop((source, log));
            assert_eq!(held(&disk).unwrap(), [(1, 0, 2)]);
        }
        disk.limit_space(None);
        let (source, log) = start(&disk, 5);
        commit(&source, &log, b"space again").await;
        log.release(BrokerEpoch(1), ChunkSeq(2)).await;
        commit(&source, &log, b"and more").await;
    }
}

#[tokio::test]
async fn sealing_joins_the_running_sync() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    disk.hold_syncs(true);
    source.open(*b"in flight");
    source.open(*b"too late");
    log.notify();
    disk.wait_for_held_sync();
    let sealing = Runtime::system().spawn({
        let log = log.clone();
        async move { log.seal().await }
    });
    tokio::task::yield_now().await;
    assert!(!sealing.is_finished(), "the sync still runs");
    disk.hold_syncs(false);
    assert_eq!(sealing.await.unwrap(), ChunkSeq(1));
    let state = source.state();
    assert_eq!((state.committed, state.built.len(), state.sealed), (1, 1, Some(ChunkSeq(1))));
}

#[tokio::test]
async fn a_stalled_chunk_is_discarded_when_the_epoch_is_sealed() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    commit(&source, &log, b"kept").await;
    disk.fail_syncs(u32::MAX);
    source.open(*b"given up");
    log.notify();
    source.wait("the stall", |state| !state.stalled.is_empty()).await;
    assert_eq!(log.seal().await, ChunkSeq(1));
    assert_eq!(log.held()[0].chunks, ChunkSeq(0)..ChunkSeq(1));
}
