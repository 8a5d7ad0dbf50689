//! Deleting records, retention, long histories.

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
    assert!(storage.refers_to(id(0)).await.expect("readable"));
    storage.delete_partitions(&[id(0)]).await.expect("deleted");
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
