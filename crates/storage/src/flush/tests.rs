//! The content and time of flushes, and the memory they release.

mod deletion;
mod failures;
mod folds;
mod levels;
mod pressure;

use std::time::Duration;

use milena_store::Limits;
use milena_types::{LeaderEpoch, Offset};

use crate::{
    FlushPolicy, Isolation, MemoryBudget, PartitionOptions, ReadRequest, Storage,
    catalog::object_names::ObjectKind, disk::MemoryDisk, recovery::errors::OpenPartitionError,
    testing::*,
};

fn unflushed(storage: &Storage) -> u64 {
    let sealed: u64 = storage.sealed.lock().queue.iter().map(|queued| queued.bytes()).sum();
    storage.core.tail.waiting().0 + sealed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_partitions_share_a_segment_and_a_large_one_gets_its_own() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.flush.own_segment_bytes = 2_000;
    let storage = broker.open_with(config).await;
    for partition in 0..3 {
        let partition = open_partition(&storage, partition, 1).await;
        append(&partition, batch(&[1, 2, 3])).await;
    }
    let large = open_partition(&storage, 3, 1).await;
    append(&large, batch(&vec![5; 500])).await;
    storage.flush().await.expect("a flush");
    let object_of = |partition| {
        let partition = storage.partition(id(partition)).expect("open");
        let state = partition.lock();
        state.manifest.newer().map(|segment| segment.object.clone()).collect::<Vec<_>>()
    };
    assert_eq!((object_of(0), object_of(0).len()), (object_of(1), 1));
    assert_eq!(object_of(0), object_of(2));
    assert_ne!(object_of(0), object_of(3));
    assert_eq!(check_references(&broker).await, 2);
    assert_eq!(
        broker.catalog().flush_records().await.expect("records").len(),
        0,
        "all of it is folded"
    );
}

/// One transaction commits a flush; one that is too large would never be committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_has_no_more_partitions_than_a_transaction_takes() {
    let mut broker = Broker::with_limits(Limits { bytes: 64 << 10, ..Limits::MIN });
    let storage = broker.open().await;
    for index in 0..500 {
        let partition = open_partition(&storage, index, 1).await;
        append(&partition, batch(&[1])).await;
    }
    storage.flush().await.expect("several flushes");
    assert_eq!(unflushed(&storage), 0);
    storage.flush().await.expect("nothing is left");
    let partition = storage.partition(id(499)).expect("open");
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1)]);
    check_references(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_leaves_the_tail_cache_only_when_a_segment_has_it() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.memory.tail_bytes = 0;
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..20 {
        append(&partition, batch(&[time])).await;
    }
    storage.flusher.evict();
    assert_eq!(partition.lock().tail.len(), 20, "no segment has them");
    storage.flush().await.expect("a flush");
    assert_eq!(partition.lock().tail.len(), 0, "there is no memory for them any more");
    let request = ReadRequest {
        from: Offset(0),
        max_bytes: 10,
        at_least_one: true,
        isolation: Isolation::Uncommitted,
    };
    assert!(partition.try_read(&request).expect("in range").is_none());
    assert_eq!(read_all(&partition, 0, 500).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_data_stays_in_the_tail_cache_while_there_is_room() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    storage.flush().await.expect("a flush");
    let request = ReadRequest {
        from: Offset(0),
        max_bytes: 10,
        at_least_one: true,
        isolation: Isolation::Uncommitted,
    };
    assert!(partition.try_read(&request).expect("in range").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushes_happen_by_bytes_and_by_age() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.flush = FlushPolicy { bytes: 5_000, ..FlushPolicy::default() };
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&vec![1; 100])).await;
    assert!(unflushed(&storage) > 0);
    append(&partition, batch(&vec![1; 1_000])).await;
    eventually("flushed by bytes", || unflushed(&storage) == 0).await;
    drop((partition, storage));
    let mut config = broker.config();
    config.flush = FlushPolicy { age: Duration::from_millis(50), ..FlushPolicy::default() };
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 2).await;
    append(&partition, batch(&[1])).await;
    eventually("flushed by age", || unflushed(&storage) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_flushes_and_the_next_start_finds_an_empty_log() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let accepted = partition.append(&[batch(&[1])], &CLIENT).expect("accepted");
    storage.shutdown(Duration::from_secs(10)).await;
    assert_eq!(accepted.await.expect("committed before the end").base_offset, Offset(0));
    drop(partition);
    let storage = broker.open().await;
    assert_eq!(unflushed(&storage), 0);
    assert_eq!(
        broker.catalog().all_epochs().await.expect("epochs").len(),
        1,
        "the old epoch is retired"
    );
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_record_can_be_read_at_rest() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let times: Vec<_> = (0..200).map(|_| 31_415_926_535).collect();
    append(&partition, batch(&times)).await;
    storage.flush().await.expect("a flush");
    let (mut dirs, mut files) = (vec![broker.dir.path().to_owned()], 0);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).expect("a file");
            let clear = bytes.windows(11).any(|window| window == b"31415926535");
            assert!(!clear, "{} holds a record in the clear", path.display());
        }
    }
    assert!(files >= 3, "the log's files and a segment");
}
