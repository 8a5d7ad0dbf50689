use std::time::Duration;

use milena_records::TimestampType;
use milena_types::{LeaderEpoch, Offset, PartitionIndex, Timestamp};

use crate::partition::{
    append::{AppendError, Origin},
    bounds::Isolation,
    errors::UpkeepError,
    read::{ReadError, ReadRequest},
};
use crate::{
    AppendOptions, CommitError, PartitionOptions, SequenceError, Waiter, disk::MemoryDisk,
    testing::*,
};

mod model;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_crash_and_after_a_flush() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    for i in 0..10 {
        let appended = append(&partition, batch(&[i * 10, i * 10 + 1])).await;
        assert_eq!(appended.base_offset, Offset(i * 2));
    }
    let written = read_all(&partition, 0, 200).await;
    assert_eq!(written.len(), 20);
    drop((partition, storage));

    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 200).await, written);
    storage.flush().await.expect("a flush");
    append(&partition, batch(&[1000])).await;
    assert_eq!(read_all(&partition, 0, 200).await[..20], written);
    drop((partition, storage));

    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 3).await;
    assert_eq!(read_all(&partition, 0, 200).await[..20], written);
    assert_eq!(partition.bounds().high_watermark, Offset(21));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_directory_has_one_owner() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let config = broker.config();
    let second = crate::Storage::open(
        config,
        broker.disk(),
        broker.objects(),
        broker.keyspace(),
        &broker.runtime,
    );
    let refused = second.await.err().expect("the directory is in use");
    assert!(refused.to_string().contains("in use"), "{refused}");
    drop(storage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metadata_store_older_than_the_log_is_refused() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    append(&open_partition(&storage, 0, 1).await, batch(&[1])).await;
    drop(storage);
    let forgetful = Broker::new().keyspace();
    let (config, objects) = (broker.config(), broker.objects());
    let opened =
        crate::Storage::open(config, broker.disk(), objects, forgetful, &broker.runtime).await;
    assert!(matches!(opened.err(), Some(crate::StorageError::UnknownEpoch { .. })));
    let storage = broker.open().await;
    assert_eq!(
        read_all(&*open_partition(&storage, 0, 2).await, 0, 100).await,
        [(0, 1)],
        "nothing was lost by it"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_waited_for_and_nothing_is_shown_before() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    disk.hold_syncs(true);
    let accepted = partition.append(&[batch(&[1, 2])], &CLIENT).expect("accepted");
    disk.wait_for_held_sync();
    assert_eq!(accepted.now(), None);
    assert_eq!(partition.bounds().high_watermark, Offset(0));
    assert_eq!(partition.pending_end(), Offset(2));
    assert!(read_all(&partition, 0, 1000).await.is_empty());
    disk.hold_syncs(false);
    assert_eq!(accepted.await.expect("committed").last_offset, Offset(1));
    assert_eq!(partition.bounds().high_watermark, Offset(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_of_a_pending_batch_waits_for_it() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[0])).await;
    disk.hold_syncs(true);
    let first = partition.append(&[sequenced(7, 0, &[1])], &CLIENT).expect("accepted");
    disk.wait_for_held_sync();
    let again = partition.append(&[sequenced(7, 0, &[1])], &CLIENT).expect("a duplicate");
    assert_eq!(again.now(), None);
    disk.hold_syncs(false);
    let (first, again) = (first.await.expect("committed"), again.await.expect("with the first"));
    assert_eq!((first.base_offset, first.duplicate), (Offset(1), false));
    assert_eq!((again.base_offset, again.duplicate), (Offset(1), true));
    assert_eq!(read_all(&partition, 0, 1000).await.len(), 2);
    let committed = partition.append(&[sequenced(7, 0, &[1])], &CLIENT).expect("a duplicate");
    assert!(committed.now().is_some(), "a duplicate of a committed batch need not wait");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_fails_the_produce_it_hits_and_passes_by() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, sequenced(7, 0, &[1])).await;
    disk.limit_space(Some(0));
    // What is set aside already is used up first.
    let big = vec![9; 20_000];
    let mut sequence = 1;
    let mut kept = 1;
    let failed = loop {
        let accepted =
            partition.append(&[sequenced(7, sequence, &big)], &CLIENT).expect("accepted");
        match accepted.await {
            Ok(appended) => kept = appended.last_offset.0 + 1,
            Err(error) => break error,
        }
        sequence += 20_000;
    };
    assert_eq!(failed, CommitError::Storage);
    assert_eq!(partition.pending_end(), Offset(kept), "a failed commit reverts what was pending");
    assert_eq!(read_all(&partition, 0, 1 << 20).await.len() as i64, kept, "reads go on");
    disk.limit_space(None);
    let appended = append(&partition, sequenced(7, sequence, &big)).await;
    assert_eq!(
        appended.base_offset,
        Offset(kept),
        "the sequence is accepted again, the offset used again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_were_given_a_sequence_number_never_change() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, sequenced(7, 0, &[0])).await;
    // The log writes the chunk again, to another file, until it is durable: nobody notices but
    // those who waited.
    disk.fail_syncs(4);
    let stalled = partition.append(&[sequenced(7, 1, &[1])], &CLIENT).expect("accepted");
    assert_eq!(stalled.await, Err(CommitError::Storage));
    let retried = partition
        .append(&[sequenced(7, 1, &[1])], &CLIENT)
        .expect("a duplicate, pending or committed");
    let retried = retried.await.expect("the same bytes were committed in the end");
    assert_eq!((retried.base_offset, retried.duplicate), (Offset(1), true));
    assert_eq!(disk.syncs_after_failure(), 0, "a file whose sync failed is never synced again");
    assert_eq!(read_all(&partition, 0, 1000).await, [(0, 0), (1, 1)]);
    drop((partition, storage));
    disk.crash(3);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 1000).await, [(0, 0), (1, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producers_wait_for_a_log_that_is_slow_and_are_refused_by_one_that_fails() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let large = batch(&vec![1; 100_000]);
    disk.hold_syncs(true);
    let mut accepted = Vec::new();
    loop {
        let admitted =
            tokio::time::timeout(Duration::from_millis(100), storage.admit(large.size())).await;
        let Ok(room) = admitted else { break };
        accepted.push(partition.append(std::slice::from_ref(&large), &CLIENT).expect("accepted"));
        drop(room);
        assert!(
            accepted.len() * large.size() < 20 << 20,
            "more waits for the log than it writes in a moment"
        );
    }
    assert!(accepted.len() * large.size() > 8 << 20, "the log would have too little to do");
    disk.fail_syncs(u32::MAX);
    disk.hold_syncs(false);
    let outcomes = futures_util::future::join_all(accepted).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Err(CommitError::Storage)), "{outcomes:?}");
    for _ in 0..3 {
        let room = storage.admit(large.size()).await;
        let refused = partition.append(std::slice::from_ref(&large), &CLIENT).expect("accepted");
        drop(room);
        assert_eq!(refused.await, Err(CommitError::Storage), "not left to wait");
    }
    disk.fail_syncs(0);
    // What had its number is committed, and everything behind it goes on.
    eventually("the log goes on", || partition.bounds().high_watermark > Offset(0)).await;
    append(&partition, large).await;
    assert_eq!(partition.core.budget.in_log(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_invariant_ends_the_epoch_and_leaves_nobody_waiting() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let (broken, other) =
        (open_partition(&storage, 0, 1).await, open_partition(&storage, 1, 1).await);
    append(&broken, batch(&[1])).await;
    broken.lock().high_watermark = Offset(7);
    let accepted = broken.append(&[batch(&[1])], &CLIENT).expect("accepted");
    assert_eq!(accepted.await, Err(CommitError::Closed));
    eventually("the epoch has ended", || storage.is_sealed() && other.is_closed()).await;
    assert!(matches!(other.append(&[batch(&[1])], &CLIENT), Err(AppendError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producer_state_survives_restart_from_chunks_from_footers_and_from_a_snapshot() {
    let mut broker = Broker::new();
    let mut next = 0;
    for (epoch, folds) in [(1, 0), (2, 1), (3, 12), (4, 0)] {
        let storage = broker.open().await;
        let partition = open_partition(&storage, 0, epoch).await;
        if next > 0 {
            for back in 1..=next.min(5) {
                let retry = sequenced(7, next - back, &[1]);
                let answer = partition
                    .append(&[retry], &CLIENT)
                    .expect("a duplicate")
                    .await
                    .expect("committed");
                assert_eq!(
                    (answer.base_offset.0, answer.duplicate),
                    (i64::from(next - back), true)
                );
            }
            let gap = partition.append(&[sequenced(7, next + 1, &[1])], &CLIENT);
            assert!(matches!(gap, Err(AppendError::Sequence(SequenceError::OutOfOrder { .. }))));
        }
        for _ in 0..3 {
            append(&partition, sequenced(7, next, &[1])).await;
            next += 1;
        }
        for _ in 0..folds {
            append(&partition, sequenced(7, next, &[1])).await;
            next += 1;
            storage.flush().await.expect("a flush");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_or_damaged_snapshot_of_producers_is_made_up_for_from_the_segments() {
    let mut broker = Broker::new();
    for (epoch, damage) in
        [(1, None), (2, Some(b"MLNABLB1 but no more".as_slice())), (3, Some(b""))]
    {
        let snapshots = broker.dir.path().join("objects");
        for snapshot in
            files_below(&snapshots).filter(|path| path.to_string_lossy().contains("/producers/"))
        {
            match damage {
                Some(b"") | None => std::fs::remove_file(snapshot).unwrap(),
                Some(bytes) => std::fs::write(snapshot, bytes).unwrap(),
            }
        }
        let storage = broker.open().await;
        let partition = open_partition(&storage, 0, epoch).await;
        if epoch == 1 {
            for sequence in 0..12 {
                append(&partition, sequenced(7, sequence, &[1])).await;
                storage.flush().await.expect("a flush");
            }
            let found =
                files_below(&snapshots).any(|path| path.to_string_lossy().contains("/producers/"));
            assert!(found, "there is a snapshot to damage");
        }
        let retry = partition.append(&[sequenced(7, 11, &[1])], &CLIENT).expect("a duplicate");
        assert_eq!(retry.await.expect("committed").base_offset, Offset(11));
    }
}

fn files_below(dir: &std::path::Path) -> Box<dyn Iterator<Item = std::path::PathBuf>> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    Box::new(entries.flat_map(|path| match path.is_dir() {
        true => files_below(&path),
        false => Box::new(std::iter::once(path)),
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handed_over_partition_needs_nothing_of_its_last_leader() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, sequenced(7, 0, &[1, 2])).await;
    storage.close_partition(partition.id()).await.expect("a hand-over");
    assert!(matches!(partition.append(&[batch(&[1])], &CLIENT), Err(AppendError::Closed)));
    // Another directory, the same metadata and objects.
    let mut config = broker.config();
    config.broker = milena_types::BrokerId(2);
    config.log = crate::log::local::directory::LogConfig {
        dir: broker.dir.path().join("other"),
        ..config.log
    };
    let other = broker.open_with(config).await;
    let partition = open_partition(&other, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 1000).await, [(0, 1), (1, 2)]);
    let retry = partition.append(&[sequenced(7, 0, &[1, 2])], &CLIENT).expect("a duplicate");
    assert!(retry.await.expect("committed").duplicate);
    assert_eq!(append(&partition, sequenced(7, 2, &[3])).await.base_offset, Offset(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leader_epochs_are_checked_and_their_ends_known_after_a_restart() {
    let mut broker = Broker::new();
    for (epoch, flush) in [(1, false), (3, true), (5, false), (8, false)] {
        let storage = broker.open().await;
        let partition = open_partition(&storage, 0, epoch).await;
        append(&partition, batch(&[1, 2])).await;
        let stale = AppendOptions { leader_epoch: Some(LeaderEpoch(epoch - 1)), ..CLIENT };
        let refused = partition.append(&[batch(&[1])], &stale);
        assert!(
            matches!(refused, Err(AppendError::LeaderEpoch { current, .. }) if current.0 == epoch)
        );
        if flush {
            storage.flush().await.expect("a flush");
        }
    }
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 9).await;
    let end_of =
        |epoch| partition.end_offset_for_epoch(LeaderEpoch(epoch)).map(|(e, end)| (e.0, end.0));
    assert_eq!(end_of(1), Some((1, 2)));
    assert_eq!(end_of(4), Some((3, 4)));
    assert_eq!(end_of(5), Some((5, 6)));
    assert_eq!(end_of(8), Some((8, 8)));
    assert_eq!(end_of(9), Some((9, 8)), "the new leader's epoch begins at the end");
    assert_eq!(end_of(10), None);
    assert_eq!(partition.epoch_at(Offset(3)), Some(LeaderEpoch(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timestamps_are_found_exact_to_the_record() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let find = async |time| {
        let found = partition.offset_for_timestamp(Timestamp(time), Isolation::Uncommitted).await;
        found
            .expect("a search")
            .map(|found| (found.offset.0, found.timestamp.0, found.leader_epoch.0))
    };
    let largest = async || {
        let found = partition.max_timestamp(Isolation::Uncommitted).await.expect("a search");
        found.map(|found| (found.offset.0, found.timestamp.0))
    };
    assert_eq!((find(0).await, largest().await), (None, None));
    append(&partition, batch(&[100, 300, 200])).await;
    append(&partition, batch(&[250, 400])).await;
    for flushed in [false, true] {
        if flushed {
            storage.flush().await.expect("a flush");
        }
        assert_eq!(find(0).await, Some((0, 100, 1)));
        assert_eq!(find(100).await, Some((0, 100, 1)));
        assert_eq!(find(101).await, Some((1, 300, 1)));
        assert_eq!(find(301).await, Some((4, 400, 1)));
        assert_eq!(find(401).await, None);
        assert_eq!(largest().await, Some((4, 400)));
    }
    append(&partition, batch(&[350, 500])).await;
    assert_eq!(find(401).await, Some((6, 500, 1)));
    partition.delete_records(Some(Offset(2))).await.expect("below the end");
    assert_eq!(find(0).await, Some((2, 200, 1)), "not below the log start");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_append_time_is_the_time_of_every_record() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let options = PartitionOptions {
        timestamp_type: TimestampType::LogAppendTime,
        ..PartitionOptions::default()
    };
    let partition = storage.open_partition(id(0), LeaderEpoch(1), options).await.expect("opens");
    let appended = append(&partition, sequenced(7, 0, &[1, 2])).await;
    assert_eq!(appended.log_append_time, Timestamp(5_000));
    assert_eq!(read_all(&partition, 0, 1000).await, [(0, 5_000), (1, 5_000)]);
    let later = AppendOptions { now: Timestamp(9_000), ..CLIENT };
    let retry = partition.append(&[sequenced(7, 0, &[1, 2])], &later).expect("a duplicate").await;
    assert_eq!(retry.expect("committed").log_append_time, Timestamp(5_000));
    storage.flush().await.expect("a flush");
    let found = partition.offset_for_timestamp(Timestamp(4_000), Isolation::Uncommitted).await;
    assert_eq!(found.expect("a search").map(|found| found.timestamp), Some(Timestamp(5_000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_keep_to_their_limits_and_to_the_log() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let size = batch(&[10, 20]).size();
    for _ in 0..4 {
        append(&partition, batch(&[10, 20])).await;
    }
    for flushed in [false, true] {
        if flushed {
            storage.flush().await.expect("a flush");
        }
        let read = async |from, max_bytes, at_least_one| {
            let request = ReadRequest {
                from: Offset(from),
                max_bytes,
                at_least_one,
                isolation: Isolation::Uncommitted,
            };
            partition.read(&request).await.map(|data| data.bytes)
        };
        assert_eq!(
            read(0, 1, true).await.expect("a read"),
            size,
            "one whole batch even if it is larger"
        );
        assert_eq!(read(0, 1, false).await.expect("a read"), 0);
        assert_eq!(
            read(3, size, false).await.expect("a read"),
            size,
            "the first batch begins below"
        );
        assert_eq!(read(1, 3 * size - 1, true).await.expect("a read"), 2 * size);
        assert_eq!(read(0, 1 << 20, true).await.expect("a read"), 4 * size);
        assert_eq!(read(8, 1 << 20, true).await.expect("the end is no error"), 0);
        assert!(matches!(read(9, 1, true).await, Err(ReadError::OutOfRange { .. })));
        assert!(matches!(read(-1, 1, true).await, Err(ReadError::OutOfRange { .. })));
    }
    partition.close();
    let request = ReadRequest {
        from: Offset(0),
        max_bytes: 1,
        at_least_one: true,
        isolation: Isolation::Uncommitted,
    };
    assert!(matches!(partition.read(&request).await, Err(ReadError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_larger_than_the_topic_allows_is_refused() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let large = batch(&vec![1; 1000]);
    partition.set_options(PartitionOptions {
        batch_bytes_max: large.size() - 1,
        ..PartitionOptions::default()
    });
    let refused = partition.append(std::slice::from_ref(&large), &CLIENT);
    assert!(matches!(refused, Err(AppendError::TooLarge { .. })));
    let coordinator = AppendOptions { origin: Origin::Coordinator, ..CLIENT };
    assert!(partition.append(&[large], &coordinator).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_records_moves_the_log_start_for_good() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..6 {
        append(&partition, batch(&[time, time])).await;
    }
    let above = partition.delete_records(Some(Offset(13))).await;
    assert!(matches!(above, Err(UpkeepError::OutOfRange { .. })));
    assert_eq!(partition.delete_records(Some(Offset(5))).await.expect("in range"), Offset(5));
    assert_eq!(
        partition.delete_records(Some(Offset(3))).await.expect("in range"),
        Offset(5),
        "never back"
    );
    assert_eq!(read_all(&partition, 5, 1000).await.len(), 7);
    drop((partition, storage));
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(partition.bounds().log_start, Offset(5));
    storage.flush().await.expect("a flush");
    assert_eq!(partition.delete_records(None).await.expect("all of it"), Offset(12));
    assert_eq!(partition.size_bytes(), 0);
    assert_eq!(append(&partition, batch(&[1])).await.base_offset, Offset(12));
    drop((partition, storage));
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 3).await;
    assert_eq!(read_all(&partition, 12, 1000).await, [(12, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_takes_the_oldest_segments_by_time_and_by_size() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let now = broker.runtime.wall_ms();
    for age in [9_000_000, 5_000_000, 4_000_000, 0] {
        append(&partition, batch(&[now - age; 10])).await;
        storage.flush().await.expect("a flush");
    }
    storage.sweeper.enforce_retention().await.expect("retention");
    assert_eq!(partition.bounds().log_start, Offset(0), "seven days by default");
    let options = PartitionOptions { retention_ms: Some(6_000_000), ..PartitionOptions::default() };
    partition.set_options(options);
    storage.sweeper.enforce_retention().await.expect("retention");
    assert_eq!(partition.bounds().log_start, Offset(10));
    let size = partition.size_bytes();
    let options = PartitionOptions {
        retention_ms: None,
        retention_bytes: Some(size / 3),
        ..PartitionOptions::default()
    };
    partition.set_options(options);
    storage.sweeper.enforce_retention().await.expect("retention");
    assert_eq!(partition.bounds().log_start, Offset(30));
    assert_eq!(read_all(&partition, 30, 1000).await.len(), 10);
    let request = ReadRequest {
        from: Offset(29),
        max_bytes: 1,
        at_least_one: true,
        isolation: Isolation::Uncommitted,
    };
    assert!(matches!(partition.read(&request).await, Err(ReadError::OutOfRange { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_timestamp_is_that_of_what_remains() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let largest = async || {
        let found = partition.max_timestamp(Isolation::Uncommitted).await.expect("a search");
        found.map(|found| (found.offset.0, found.timestamp.0))
    };
    append(&partition, batch(&[900, 300, 200])).await;
    append(&partition, batch(&[250, 100])).await;
    append(&partition, batch(&[150])).await;
    for (before, expected) in [(0, (0, 900)), (1, (1, 300)), (2, (3, 250)), (4, (5, 150))] {
        partition.delete_records(Some(Offset(before))).await.expect("in range");
        assert_eq!(largest().await, Some(expected), "in the log from {before} on");
        storage.flush().await.expect("a flush");
        partition.lock().tail.clear();
        assert_eq!(largest().await, Some(expected), "in segments from {before} on");
    }
    partition.delete_records(None).await.expect("in range");
    assert_eq!(largest().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_is_deleted_in_steps_that_go_on_where_one_failed() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..330 {
        append(&partition, sequenced(7, time, &[i64::from(time)])).await;
        storage.flush().await.expect("a flush");
    }
    let pages = async || {
        let manifest = broker.catalog().manifest(id(0)).await.expect("readable");
        manifest.map(|seen| seen.value.pages.len())
    };
    let before = pages().await.expect("a manifest");
    assert!(before >= 3, "{before} pages");
    broker.metadata.fail_after_putting("deleted/");
    storage.delete_partition(id(0)).await.expect_err("stopped after the first step");
    broker.metadata.set_unavailable(false);
    assert_eq!(pages().await, Some(before - 1));
    assert!(storage.refers_to(id(0)).await.expect("readable"));
    storage.delete_partition(id(0)).await.expect("deleted");
    assert_eq!(pages().await, None);
    assert!(!storage.refers_to(id(0)).await.expect("readable"));
    drop((partition, storage));
    let mut config = broker.config();
    config.delete_grace = std::time::Duration::ZERO;
    let storage = broker.open_with(config).await;
    storage.sweeper.remove_garbage().await.expect("a sweep");
    assert_eq!(check_references(&broker).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_is_paged_and_read_back() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..170 {
        append(&partition, sequenced(7, time, &[i64::from(time)])).await;
        storage.flush().await.expect("a flush");
    }
    let expected: Vec<_> = (0..170).map(|i| (i, i)).collect();
    drop((partition, storage));
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    let pages = || partition.lock().manifest.record.pages.clone();
    assert_eq!(pages().len(), 2);
    assert_eq!(read_all(&partition, 0, 300).await, expected);
    let found = partition.offset_for_timestamp(Timestamp(40), Isolation::Uncommitted).await;
    assert_eq!(found.expect("a search").map(|found| found.offset), Some(Offset(40)));
    partition.delete_records(Some(Offset(40))).await.expect("in range");
    assert_eq!(read_all(&partition, 40, 300).await, expected[40..]);
    assert_eq!(
        (pages()[0].base, pages()[0].segments),
        (Offset(40), 88),
        "what is deleted leaves its page"
    );
    partition.delete_records(Some(Offset(140))).await.expect("in range");
    assert_eq!(
        (pages().len(), pages()[0].base),
        (1, Offset(140)),
        "and takes the page along in the end"
    );
    assert_eq!(read_all(&partition, 140, 300).await, expected[140..]);
    drop(storage);
    check_references(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_wake_when_enough_arrived_and_when_the_partition_closes() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let size = batch(&[1]).size();
    let waiter = Waiter::new(2 * size);
    let guard = partition.watch(&waiter);
    let woken = async |waiter: &Waiter| {
        tokio::time::timeout(Duration::from_secs(10), waiter.woken()).await.expect("woken in time");
    };
    append(&partition, batch(&[1])).await;
    let early = tokio::time::timeout(Duration::from_millis(20), waiter.woken()).await;
    assert!(early.is_err(), "half of what is wanted wakes nobody");
    append(&partition, batch(&[1])).await;
    woken(&waiter).await;
    drop(guard);
    let waiter = Waiter::new(1 << 20);
    let _guard = partition.watch(&waiter);
    storage.close_partition(partition.id()).await.expect("closed");
    woken(&waiter).await;
    let other = crate::Storage::partition(&storage, id(0));
    assert!(other.is_none());
    assert_eq!(id(1).partition, PartitionIndex(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_holds_the_last_stable_offset() {
    use milena_records::control::{EndTransactionMarker, TransactionResult};
    use milena_types::{ProducerEpoch, ProducerId};
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    append(&partition, transactional(7, 0, &[2, 3])).await;
    append(&partition, batch(&[4])).await;
    let bounds = partition.bounds();
    assert_eq!((bounds.last_stable, bounds.high_watermark), (Offset(1), Offset(4)));
    let request = ReadRequest {
        from: Offset(0),
        max_bytes: 1 << 20,
        at_least_one: true,
        isolation: Isolation::Committed,
    };
    let data = partition.read(&request).await.expect("a read");
    assert_eq!(data.bytes, batch(&[1]).size());
    drop((partition, storage));
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(partition.bounds().last_stable, Offset(1), "also after a restart");
    let marker = EndTransactionMarker { result: TransactionResult::Commit, coordinator_epoch: 3 };
    let marker = marker.batch(ProducerId(7), ProducerEpoch(0), Timestamp(9)).expect("a marker");
    let coordinator = AppendOptions { origin: Origin::Coordinator, ..CLIENT };
    partition.append(&[marker], &coordinator).expect("accepted").await.expect("committed");
    assert_eq!(partition.bounds().last_stable, Offset(5));
}
