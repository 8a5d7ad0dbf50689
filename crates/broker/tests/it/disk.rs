//! Requests while the disk of the write-ahead log is slow, full or broken.

use std::time::{Duration, Instant};

use milena_protocol::{
    ErrorCode,
    messages::{
        fetch_request::FetchRequest,
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestTopic},
        produce_request::ProduceRequest,
        produce_response::ProduceResponse,
    },
};
use milena_storage::disk::MemoryDisk;

use crate::{
    cluster::{Cluster, ClusterOptions, eventually},
    groups::coordinator,
    wire::{batch, fetch_request, only_fetched, produce_request, read_all, sequenced},
};

async fn cluster_on(disk: &MemoryDisk) -> Cluster {
    let options =
        ClusterOptions { brokers: 1, disk: Some(disk.clone()), ..ClusterOptions::default() };
    let cluster = Cluster::start_with(options).await;
    cluster.create_topic("t", 2).await;
    cluster
}

fn codes(response: &ProduceResponse) -> Vec<i16> {
    response.responses[0].partition_responses.iter().map(|partition| partition.error_code).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_or_shown_before_it_is_synced() {
    let disk = MemoryDisk::default();
    let cluster = cluster_on(&disk).await;
    let mut producer = cluster.connect(1).await;
    let mut consumer = cluster.connect(1).await;
    disk.hold_syncs(true);
    let produce = produce_request("t", &[(0, batch(&["a"]).into_bytes())], -1);
    let produced = producer.send(9, &produce).await;
    let mut fetch = fetch_request("t", &[(0, 0)]);
    fetch.max_wait_ms = 50;
    let waited = only_fetched(consumer.call(12, &fetch).await);
    assert_eq!((waited.high_watermark, waited.records.map(|records| records.len())), (0, Some(0)));

    fetch.max_wait_ms = 60_000;
    let fetched = consumer.send(12, &fetch).await;
    disk.hold_syncs(false);
    assert_eq!(codes(&producer.receive::<ProduceRequest>(9, produced).await), [0]);
    let woken = only_fetched(consumer.receive::<FetchRequest>(12, fetched).await);
    assert_eq!(woken.high_watermark, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_produce_whose_time_runs_out_is_told_so_for_every_partition_that_waits() {
    let disk = MemoryDisk::default();
    let cluster = cluster_on(&disk).await;
    let mut client = cluster.connect(1).await;
    disk.hold_syncs(true);
    let one = batch(&["a"]).into_bytes();
    let mut request = produce_request("t", &[(0, one.clone()), (7, one.clone()), (1, one)], -1);
    request.timeout_ms = 30;
    let timed_out = ErrorCode::RequestTimedOut.code();
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(codes(&client.call(9, &request).await), [timed_out, unknown, timed_out]);
    disk.hold_syncs(false);
    // The records were taken; a producer that is not idempotent may have them twice, as with Kafka.
    let again = client.call(9, &produce_request("t", &[(0, batch(&["a"]).into_bytes())], -1)).await;
    assert_eq!(
        (codes(&again), again.responses[0].partition_responses[0].base_offset),
        (vec![0], 1)
    );
}

#[allow(clippy::disallowed_methods)] // A test measures real time.
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_times_of_requests_in_flight_run_out_together() {
    let disk = MemoryDisk::default();
    let cluster = cluster_on(&disk).await;
    let mut client = cluster.connect(1).await;
    disk.hold_syncs(true);
    let mut request = produce_request("t", &[(0, batch(&["a"]).into_bytes())], -1);
    request.timeout_ms = 800;
    let begun = now();
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(client.send(9, &request).await);
    }
    for id in sent {
        let response = client.receive::<ProduceRequest>(9, id).await;
        assert_eq!(codes(&response), [ErrorCode::RequestTimedOut.code()]);
    }
    let elapsed = begun.elapsed();
    disk.hold_syncs(false);
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_while_the_first_attempt_waits_for_the_disk_is_answered_with_it() {
    let disk = MemoryDisk::default();
    let cluster = cluster_on(&disk).await;
    let mut first = cluster.connect(1).await;
    let mut second = cluster.connect(1).await;
    disk.hold_syncs(true);
    let request = produce_request("t", &[(0, sequenced(&["a"], 9, 0, 0).into_bytes())], -1);
    let first_id = first.send(9, &request).await;
    let second_id = second.send(9, &request).await;
    disk.hold_syncs(false);
    for (client, id) in [(&mut first, first_id), (&mut second, second_id)] {
        let response = client.receive::<ProduceRequest>(9, id).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset), (0, 0));
    }
    assert_eq!(read_all(&mut first, "t", 0, 0).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_refuses_writes_is_a_storage_error_until_it_takes_them_again() {
    let disk = MemoryDisk::default();
    let cluster = cluster_on(&disk).await;
    let mut client = cluster.connect(1).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["before"]).into_bytes()).await.error_code, 0);
    disk.fail_writes(u32::MAX);
    let refused = client.produce(9, "t", 0, batch(&["lost"]).into_bytes()).await;
    assert_eq!(refused.error_code, ErrorCode::KafkaStorageError.code());
    assert_eq!(read_all(&mut client, "t", 0, 0).await.len(), 1, "reads go on");
    disk.fail_writes(0);
    eventually("the broker takes records again", || async {
        let mut client = cluster.connect(1).await;
        let produced = client.produce(9, "t", 1, batch(&["after"]).into_bytes()).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        produced.error_code == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_waits_for_the_disk_ends_with_its_client_and_counts_all_the_same() {
    let disk = MemoryDisk::default();
    let cluster = cluster_on(&disk).await;
    coordinator(&cluster, "g").await;
    let mut client = cluster.connect(1).await;
    let partition = OffsetCommitRequestPartition { committed_offset: 5, ..Default::default() };
    let commit = OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: vec![partition],
            ..Default::default()
        }],
        ..Default::default()
    };
    disk.hold_syncs(true);
    let id = client.send(8, &commit).await;
    client.stop_sending().await;
    let response = client.receive::<OffsetCommitRequest>(8, id).await;
    let code = response.topics[0].partitions[0].error_code;
    assert_eq!(code, ErrorCode::CoordinatorNotAvailable.code());
    disk.hold_syncs(false);
    eventually("the offset is committed", || async {
        let topic = OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![0] };
        let fetch = OffsetFetchRequest {
            group_id: "g".into(),
            topics: Some(vec![topic]),
            ..Default::default()
        };
        let fetched = cluster.connect(1).await.call(7, &fetch).await;
        fetched.topics[0].partitions[0].committed_offset == 5
    })
    .await;
}
