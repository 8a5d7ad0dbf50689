//! Behaviours 13, 27, 28, 30 and 34: reading the log and waiting for it.

use std::time::{Duration, Instant};

use milena_broker::MemoryShares;
use milena_protocol::{
    ErrorCode,
    messages::{fetch_request::FetchRequest, fetch_response::FetchResponse},
};
use milena_records::{BatchBuilder, Compression, NewRecord};
use milena_storage::disk::MemoryDisk;

use crate::{
    cluster::{Cluster, ClusterOptions},
    wire::{
        Client, batch, batches_in, compressed, fetch_by_id, fetch_partition, fetch_request,
        only_fetched, only_produced, produce_request, records_in,
    },
};

async fn produce(client: &mut Client, topic: &str, partition: i32, values: &[&str]) {
    let produced = client.produce(9, topic, partition, batch(values).into_bytes()).await;
    assert_eq!(produced.error_code, 0);
}

#[tokio::test]
async fn every_version_reads_from_any_offset_of_a_batch() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    produce(&mut client, "t", 0, &["a", "b", "c"]).await;
    produce(&mut client, "t", 0, &["d"]).await;
    for version in 4..=12 {
        let data = client.fetch(version, "t", 0, 1).await;
        assert_eq!(data.error_code, 0);
        // The first batch is whole: clients skip records before the offset that they fetch.
        let values: Vec<_> = records_in(&data).into_iter().map(|(offset, _)| offset).collect();
        assert_eq!(values, [0, 1, 2, 3], "version {version}");
        assert_eq!(data.high_watermark, 4, "version {version}");
        assert_eq!(data.last_stable_offset, 4, "version {version}");
        if version >= 5 {
            assert_eq!(data.log_start_offset, 0, "version {version}");
        }
    }
}

#[tokio::test]
async fn nothing_to_read_is_zero_bytes_and_not_null() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    for version in 0..=12 {
        let data = only_fetched(client.call(version, &fetch_request("t", &[(0, 0)])).await);
        assert_eq!(data.error_code, 0, "version {version}");
        assert_eq!(data.records.map(|records| records.len()), Some(0), "version {version}");
        assert_eq!(data.high_watermark, 0, "version {version}");
    }
}

#[tokio::test]
async fn the_first_batch_is_answered_even_if_it_is_larger_than_all_limits() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 3).await;
    let mut client = cluster.connect(1).await;
    let large = "x".repeat(1000);
    for partition in 1..3 {
        produce(&mut client, "t", partition, &[&large]).await;
        produce(&mut client, "t", partition, &[&large]).await;
    }
    let mut request = fetch_request("t", &[(0, 0), (1, 0), (2, 0)]);
    request.max_bytes = 10;
    request.topics[0]
        .partitions
        .iter_mut()
        .for_each(|partition| partition.partition_max_bytes = 10);
    let response = client.call(12, &request).await;
    let counts: Vec<usize> =
        response.responses[0].partitions.iter().map(|data| batches_in(data).len()).collect();
    assert_eq!(counts, [0, 1, 0], "one batch of the first partition that has any");
}

#[tokio::test]
async fn limits_are_kept_and_partitions_served_in_the_order_asked() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 3).await;
    let mut client = cluster.connect(1).await;
    let value = "x".repeat(900);
    for partition in 0..3 {
        for _ in 0..5 {
            produce(&mut client, "t", partition, &[&value]).await;
        }
    }
    let mut request = fetch_request("t", &[(2, 0), (0, 0), (1, 0)]);
    request.max_bytes = 3000;
    request.topics[0]
        .partitions
        .iter_mut()
        .for_each(|partition| partition.partition_max_bytes = 2000);
    let response = client.call(12, &request).await;
    let partitions = &response.responses[0].partitions;
    let counts: Vec<_> =
        partitions.iter().map(|data| (data.partition_index, batches_in(data).len())).collect();
    assert_eq!(counts, [(2, 2), (0, 1), (1, 0)]);
}

#[tokio::test]
async fn a_fetch_waits_for_records_and_is_woken_by_them() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 2).await;
    let mut consumer = cluster.connect(1).await;
    let mut producer = cluster.connect(1).await;
    let mut request = fetch_request("t", &[(0, 0), (1, 0)]);
    request.max_wait_ms = 60_000;
    let id = consumer.send(12, &request).await;
    produce(&mut producer, "t", 1, &["a"]).await;
    let response: FetchResponse = consumer.receive::<FetchRequest>(12, id).await;
    let records: Vec<_> = response.responses[0].partitions.iter().map(records_in).collect();
    assert_eq!(records, [vec![], vec![(0, "a".to_owned())]]);
}

#[tokio::test]
async fn a_fetch_waits_for_min_bytes_or_its_time() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut consumer = cluster.connect(1).await;
    let mut producer = cluster.connect(1).await;
    produce(&mut producer, "t", 0, &["a"]).await;
    let mut request = fetch_request("t", &[(0, 0)]);
    request.min_bytes = 1_000_000;
    request.max_wait_ms = 100;
    let begun = now();
    let data = only_fetched(consumer.call(12, &request).await);
    assert!(begun.elapsed() >= Duration::from_millis(95), "it waits for its time");
    assert_eq!(records_in(&data).len(), 1, "and answers what there is");

    request.min_bytes = 150;
    request.max_wait_ms = 60_000;
    let id = consumer.send(12, &request).await;
    produce(&mut producer, "t", 0, &["b"]).await;
    produce(&mut producer, "t", 0, &["c"]).await;
    let data = only_fetched(consumer.receive::<FetchRequest>(12, id).await);
    assert!(data.records.is_some_and(|records| records.len() >= 150));
}

#[allow(clippy::disallowed_methods)] // A test measures real time.
fn now() -> Instant {
    Instant::now()
}

async fn with_response_bytes(response_bytes: usize, batches: usize) -> Cluster {
    let memory = MemoryShares { response_bytes, ..MemoryShares::default() };
    let options = ClusterOptions { brokers: 1, memory, ..ClusterOptions::default() };
    let cluster = Cluster::start_with(options).await;
    cluster.create_topic("t", 1).await;
    let mut producer = cluster.connect(1).await;
    let value = "x".repeat(100_000);
    for _ in 0..batches {
        produce(&mut producer, "t", 0, &[&value]).await;
    }
    cluster
}

fn wide_request(min_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    let mut request = fetch_request("t", &[(0, 0)]);
    request.topics[0].partitions[0].partition_max_bytes = i32::MAX;
    FetchRequest { min_bytes, max_wait_ms, ..request }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetches_that_wait_hold_no_room_that_others_need() {
    let cluster = with_response_bytes(2 << 20, 9).await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let mut client = cluster.connect(1).await;
        client.send(12, &wide_request(i32::MAX, 60_000)).await;
        waiting.push(client);
    }
    let mut client = cluster.connect(1).await;
    for round in 0..20 {
        let data = only_fetched(client.call(12, &wide_request(1, 500)).await);
        let bytes = data.records.map_or(0, |records| records.len());
        assert!(bytes > 900_000, "{bytes} in round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_gets_no_more_room_does_not_wait_for_more_records() {
    let cluster = with_response_bytes(2 << 20, 30).await;
    let mut client = cluster.connect(1).await;
    // It would have to wait longer than the test does.
    let data = only_fetched(client.call(12, &wide_request(i32::MAX, 60_000)).await);
    let bytes = data.records.map_or(0, |records| records.len());
    assert!((1_000_000..2 << 20).contains(&bytes), "{bytes}");
}

/// All that there is of a request and its response besides the batch comes on top of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_as_large_as_a_response_may_be_is_returned() {
    const BATCH_BYTES: usize = 100 << 20;
    let options = ClusterOptions {
        brokers: 1,
        disk: Some(MemoryDisk::default()),
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start_with(options).await;
    let size = BATCH_BYTES.to_string();
    let configs = [("max.message.bytes", size.as_str()), ("compression.type", "uncompressed")];
    cluster.create_topic_with("t", 1, &configs).await;
    let mut client = cluster.connect(1).await;
    client.patience = Duration::from_secs(60);
    let zeros = vec![0; BATCH_BYTES];
    // The header of the batch, the record's length and its fields.
    for (value_len, code) in
        [(BATCH_BYTES - 73, ErrorCode::MessageTooLarge), (BATCH_BYTES - 74, ErrorCode::None)]
    {
        let mut builder = BatchBuilder::new(Compression::Zstd);
        builder.push(&NewRecord { value: Some(&zeros[..value_len]), ..NewRecord::default() });
        let batch = builder.build().expect("a batch").into_bytes();
        let mut request = produce_request("t", &[(0, batch)], -1);
        request.timeout_ms = 25_000;
        assert_eq!(only_produced(client.call(9, &request).await).error_code, code.code());
    }
    let data = only_fetched(client.call(12, &fetch_request("t", &[(0, 0)])).await);
    assert_eq!(data.records.map(|records| records.len()), Some(BATCH_BYTES));
}

#[tokio::test]
async fn an_error_answers_at_once() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let mut request = fetch_request("t", &[(0, 0), (9, 0)]);
    request.max_wait_ms = 60_000;
    let response = client.call(12, &request).await;
    let codes: Vec<_> =
        response.responses[0].partitions.iter().map(|data| data.error_code).collect();
    assert_eq!(codes, [0, ErrorCode::UnknownTopicOrPartition.code()]);
}

#[tokio::test]
async fn an_offset_beyond_the_end_is_out_of_range_and_tells_where_the_log_is() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    produce(&mut client, "t", 0, &["a"]).await;
    for offset in [2, -1, i64::MAX] {
        let data = client.fetch(12, "t", 0, offset).await;
        assert_eq!(data.error_code, ErrorCode::OffsetOutOfRange.code(), "offset {offset}");
        assert_eq!((data.log_start_offset, data.high_watermark), (0, 1));
        assert_eq!(data.records.map(|records| records.len()), Some(0));
    }
    assert_eq!(client.fetch(12, "t", 0, 1).await.error_code, 0, "the end itself is in range");
}

#[tokio::test]
async fn topics_are_named_by_id_from_version_13_on() {
    let cluster = Cluster::of_version("4.1").await;
    let id = cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    produce(&mut client, "t", 0, &["a"]).await;
    for version in 13..=18 {
        let response = client.call(version, &fetch_by_id(id, 0, 0)).await;
        assert_eq!(response.responses[0].topic_id, id.0, "version {version}");
        assert_eq!(records_in(&only_fetched(response)).len(), 1, "version {version}");
    }
    let stale = milena_types::TopicId(milena_protocol::Uuid::from_u128(5));
    let data = only_fetched(client.call(13, &fetch_by_id(stale, 0, 0)).await);
    assert_eq!(data.error_code, ErrorCode::UnknownTopicId.code());
}

#[tokio::test]
async fn leader_epochs_are_checked() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    for (epoch, expected) in [(0, 0), (-1, 0), (1, ErrorCode::UnknownLeaderEpoch.code())] {
        let mut request = fetch_request("t", &[(0, 0)]);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        assert_eq!(
            only_fetched(client.call(12, &request).await).error_code,
            expected,
            "epoch {epoch}"
        );
    }
}

#[tokio::test]
async fn a_newer_term_fences_the_older_and_tells_where_logs_part() {
    let mut cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    produce(&mut client, "t", 0, &["a"]).await;
    cluster.restart_broker(1).await;
    cluster.served("t", 1).await;
    let mut client = cluster.connect(1).await;
    produce(&mut client, "t", 0, &["b"]).await;

    let mut request = fetch_request("t", &[(0, 0)]);
    request.topics[0].partitions[0].current_leader_epoch = 0;
    let data = only_fetched(client.call(12, &request).await);
    assert_eq!(data.error_code, ErrorCode::FencedLeaderEpoch.code());

    // A client that believes to have two records of epoch 0, which ended after one.
    request.topics[0].partitions[0] = milena_protocol::messages::fetch_request::FetchPartition {
        last_fetched_epoch: 0,
        current_leader_epoch: 1,
        ..fetch_partition(0, 2)
    };
    request.max_wait_ms = 60_000;
    let data = only_fetched(client.call(12, &request).await);
    assert_eq!(data.error_code, 0);
    assert_eq!((data.diverging_epoch.epoch, data.diverging_epoch.end_offset), (0, 1));
    assert_eq!(data.records.map(|records| records.len()), Some(0));
}

#[tokio::test]
async fn zstd_is_for_version_10_on() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    client.produce(9, "t", 0, compressed(&["a"], Compression::Zstd).into_bytes()).await;
    let unsupported = ErrorCode::UnsupportedCompressionType.code();
    for version in [2, 4, 9] {
        assert_eq!(
            client.fetch(version, "t", 0, 0).await.error_code,
            unsupported,
            "version {version}"
        );
    }
    assert_eq!(client.fetch(10, "t", 0, 0).await.error_code, 0);
}

#[tokio::test]
async fn a_broker_that_does_not_lead_names_the_one_that_does() {
    let cluster = Cluster::start().await;
    let id = cluster.create_topic("t", 1).await;
    let leader = cluster.leader("t", 0);
    let mut client = cluster.connect(cluster.follower("t", 0)).await;
    let mut request = fetch_by_id(id, 0, 0);
    request.max_wait_ms = 60_000;
    let response = client.call(16, &request).await;
    let data = &response.responses[0].partitions[0];
    assert_eq!(data.error_code, ErrorCode::NotLeaderOrFollower.code());
    assert_eq!(data.current_leader.leader_id, leader);
    assert_eq!(response.node_endpoints[0].node_id, leader);
    assert_eq!(response.node_endpoints[0].port, i32::from(cluster.broker(leader).address().port()));
}

#[tokio::test]
async fn a_large_log_is_read_to_its_end_in_order() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let value = "x".repeat(50_000);
    for _ in 0..100 {
        produce(&mut client, "t", 0, &[&value, &value]).await;
    }
    let mut offset = 0;
    while offset < 200 {
        for batch in batches_in(&client.fetch(12, "t", 0, offset).await) {
            assert_eq!(batch.header().base_offset.raw(), offset);
            batch.verify_crc().expect("whole");
            offset = batch.header().next_offset().raw();
        }
    }
}
