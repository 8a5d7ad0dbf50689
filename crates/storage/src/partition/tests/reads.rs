//! Reads, and look-ups by timestamp.

use std::time::Duration;

use milena_records::{BatchBuilder, Compression, NewRecord, TimestampType};
use milena_types::{LeaderEpoch, Offset, PartitionIndex, Timestamp};

use crate::partition::{
    bounds::Isolation,
    read::{ReadError, ReadRequest},
};
use crate::{AppendOptions, PartitionOptions, Waiter, testing::*};

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
async fn a_read_tells_whether_there_is_more() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let size = batch(&[10, 20]).size();
    for _ in 0..4 {
        append(&partition, batch(&[10, 20])).await;
        storage.flush().await.expect("a flush");
    }
    let read = async |from, max_bytes| {
        let request = ReadRequest {
            from: Offset(from),
            max_bytes,
            at_least_one: true,
            isolation: Isolation::Uncommitted,
        };
        let data = partition.read(&request).await.expect("a read");
        (data.bytes, data.is_cut)
    };
    assert_eq!(read(0, 3 * size).await, (3 * size, true), "from the tail");
    assert_eq!(read(0, 9 * size).await, (4 * size, false));
    assert_eq!(read(7, 9 * size).await, (size, false), "within the last run");
    partition.lock().tail.clear();
    assert_eq!(read(0, 3 * size).await, (3 * size, true), "from segments");
    assert_eq!(read(0, 9 * size).await, (4 * size, false));
    assert_eq!(read(2, 9 * size).await, (3 * size, false));
    assert_eq!(read(0, 0).await, (size, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_ends_where_records_are_deleted_meanwhile() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let size = batch(&[10, 20]).size();
    for _ in 0..4 {
        append(&partition, batch(&[10, 20])).await;
        storage.flush().await.expect("a flush");
    }
    partition.lock().tail.clear();
    let request = ReadRequest {
        from: Offset(0),
        max_bytes: 9 * size,
        at_least_one: true,
        isolation: Isolation::Uncommitted,
    };
    let mut read = std::pin::pin!(partition.read(&request));
    assert!(futures_util::poll!(read.as_mut()).is_pending(), "it opens the first segment");
    partition.delete_records(Some(Offset(6))).await.expect("in range");
    let ended = read.await;
    assert!(matches!(ended, Err(ReadError::OutOfRange { .. })), "nothing behind a hole");
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
async fn a_search_by_time_gives_others_their_turn_within_a_batch() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let mut builder = BatchBuilder::new(Compression::Zstd);
    let zeros = vec![0; 16 << 20];
    for (timestamp, value) in [(10, &zeros[..]), (20, b"found")] {
        let timestamp = Timestamp(timestamp);
        builder.push(&NewRecord { timestamp, value: Some(value), ..NewRecord::default() });
    }
    append(&partition, builder.build().expect("a batch")).await;
    // Both are polled in turn.
    let turns = std::cell::Cell::new(0);
    let others = async {
        loop {
            turns.set(turns.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    let search = partition.offset_for_timestamp(Timestamp(11), Isolation::Uncommitted);
    let found = tokio::select! {
        biased;
        () = others => unreachable!(),
        found = search => found.expect("it is readable").expect("there is one"),
    };
    assert_eq!((found.offset, found.timestamp), (Offset(1), Timestamp(20)));
    assert!(turns.get() > 200, "{} turns", turns.get());
}
