//! Deleting records, retention, long histories.

use std::time::Duration;

use milena_store::Limits;
use milena_types::{Offset, Timestamp};

use crate::partition::{
    bounds::Isolation,
    errors::MaintenanceError,
    read::{ReadError, ReadRequest},
};
use crate::{PartitionOptions, testing::*};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delete_records_moves_the_log_start_for_good() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..6 {
        append(&partition, batch(&[time, time])).await;
    }
    let above = partition.delete_records(Some(Offset(13))).await;
    assert!(matches!(above, Err(MaintenanceError::OutOfRange { .. })));
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

/// Each step is one transaction of any metadata store, and a move of the log start by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_start_moves_past_any_number_of_segments() {
    const SEGMENTS: i64 = 150;
    let mut broker = Broker::with_limits(Limits::MIN);
    let mut config = broker.config();
    config.delete_grace = Duration::ZERO;
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..SEGMENTS {
        append(&partition, sequenced(7, time as i32, &[time])).await;
        storage.flush().await.expect("a flush");
    }
    let moved = partition.delete_records(Some(Offset(SEGMENTS - 1))).await.expect("in range");
    assert_eq!(moved, Offset(SEGMENTS - 1));
    storage.sweeper.remove_garbage().await.expect("a sweep");
    assert_eq!(check_references(&broker).await, 2, "a segment and a snapshot");
    assert_eq!(read_all(&partition, SEGMENTS - 1, 500).await, [(SEGMENTS - 1, SEGMENTS - 1)]);
}

/// What was announced for a change that could not be prepared is not kept until the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_cannot_be_stored_leaves_no_announcement() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, sequenced(7, 0, &[1])).await;
    storage.flush().await.expect("a flush");
    // Where the snapshot of the producer's state is to go.
    let snapshots = broker.dir.path().join("objects/inc/producers");
    std::fs::write(&snapshots, b"").expect("a file");
    partition.delete_records(None).await.expect_err("no snapshot");
    assert_eq!(broker.entries("uploads/").await.len(), 0);
    std::fs::remove_file(&snapshots).expect("removed");
    assert_eq!(partition.delete_records(None).await.expect("deleted"), Offset(1));
    check_references(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_start_that_moved_a_part_of_the_way_goes_on_from_there() {
    const SEGMENTS: i64 = 80;
    let mut broker = Broker::with_limits(Limits::MIN);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..SEGMENTS {
        append(&partition, batch(&[time])).await;
        storage.flush().await.expect("a flush");
    }
    broker.metadata.fail_after_putting("garbage/");
    partition.delete_records(None).await.expect_err("the store is away after a step");
    drop((partition, storage));
    broker.metadata.set_unavailable(false);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    let start = partition.bounds().log_start;
    assert!(Offset(0) < start && start < Offset(SEGMENTS), "{start}");
    let left = read_all(&partition, start.0, 500).await;
    assert_eq!(left.len() as i64, SEGMENTS - start.0);
    assert_eq!(partition.delete_records(None).await.expect("all"), Offset(SEGMENTS));
    check_references(&broker).await;
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
    storage.delete_partitions(&[id(0)]).await.expect_err("stopped after the first step");
    broker.metadata.set_unavailable(false);
    assert_eq!(pages().await, Some(before - 1));
    assert_eq!(storage.referring(&[id(0), id(1)]).await.expect("readable"), [id(0)]);
    storage.delete_partitions(&[id(0)]).await.expect("deleted");
    assert_eq!(pages().await, None);
    assert!(storage.referring(&[id(0)]).await.expect("readable").is_empty());
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
