//! Behaviours 8 and 9: order, bounds, and what closes a connection.

use std::time::{Duration, Instant};

use milena_broker::BrokerTuning;
use milena_protocol::messages::{
    api_versions_request::ApiVersionsRequest, fetch_request::FetchRequest,
    produce_request::ProduceRequest,
};

use milena_storage::MemoryBudget;

use crate::{
    cluster::{Cluster, ClusterOptions},
    wire::{batch, fetch_request, only_produced, produce_request},
};

#[tokio::test]
async fn responses_come_in_request_order_behind_a_fetch_that_waits() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let mut fetch = fetch_request("t", &[(0, 0)]);
    fetch.max_wait_ms = 300;
    let first = client.send(12, &fetch).await;
    let second = client.send(0, &ApiVersionsRequest::default()).await;
    let third = client.send(9, &produce_request("t", &[(0, batch(&["a"]).into_bytes())], -1)).await;
    assert!(
        client.receive::<FetchRequest>(12, first).await.responses[0].partitions[0]
            .records
            .is_some()
    );
    assert_eq!(client.receive::<ApiVersionsRequest>(0, second).await.error_code, 0);
    let produced = only_produced(client.receive::<ProduceRequest>(9, third).await);
    assert_eq!((produced.error_code, produced.base_offset), (0, 0));
}

#[tokio::test]
async fn pipelined_produces_are_appended_and_answered_in_order() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(
            client.send(9, &produce_request("t", &[(0, batch(&["a"]).into_bytes())], -1)).await,
        );
    }
    for (offset, id) in ids.into_iter().enumerate() {
        let produced = only_produced(client.receive::<ProduceRequest>(9, id).await);
        assert_eq!((produced.error_code, produced.base_offset), (0, offset as i64));
    }
}

#[tokio::test]
async fn a_produce_with_acks_0_is_not_answered() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    client.send(9, &produce_request("t", &[(0, batch(&["a"]).into_bytes())], 0)).await;
    // The next response is that of the next request, and the record is there.
    let produced = client.produce(9, "t", 0, batch(&["b"]).into_bytes()).await;
    assert_eq!((produced.error_code, produced.base_offset), (0, 1));
}

#[tokio::test]
async fn a_produce_with_acks_0_that_fails_closes_the_connection() {
    let cluster = Cluster::single().await;
    let mut client = cluster.connect(1).await;
    client.send(9, &produce_request("none", &[(0, batch(&["a"]).into_bytes())], 0)).await;
    assert!(client.is_closed_by_broker().await);
}

#[tokio::test]
async fn what_was_produced_before_a_request_that_ends_the_connection_is_answered() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let good = produce_request("t", &[(0, batch(&["a"]).into_bytes())], -1);
    let refused = produce_request("none", &[(0, batch(&["a"]).into_bytes())], 0);
    let unreadable = [0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    for ends_by_refusal in [true, false] {
        let mut client = cluster.connect(1).await;
        let id = client.send(9, &good).await;
        if ends_by_refusal {
            client.send(9, &refused).await;
        } else {
            client.send_raw(&unreadable).await;
        }
        assert_eq!(only_produced(client.receive::<ProduceRequest>(9, id).await).error_code, 0);
        assert!(client.is_closed_by_broker().await);
    }
}

#[tokio::test]
async fn a_request_larger_than_the_limit_closes_the_connection() {
    let cluster = Cluster::single_with(&[("socket.request.max.bytes", "1000")]).await;
    for length in [1001, i32::MAX, -1] {
        let mut client = cluster.connect(1).await;
        client.send_raw(&length.to_be_bytes()).await;
        assert!(client.is_closed_by_broker().await, "{length}");
    }
}

#[tokio::test]
async fn counts_beyond_the_bytes_that_are_there_close_the_connection() {
    let cluster = Cluster::of_version("2.8").await;
    let mut client = cluster.connect(1).await;
    // Produce v3: no transactional id, acks, timeout, then 2^31-1 topics.
    let mut frame = vec![0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0xff, 0xff];
    frame.extend_from_slice(&[0xff, 0xff, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff]);
    let length = (frame.len() - 4) as i32;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    client.send_raw(&frame).await;
    assert!(client.is_closed_by_broker().await);
    assert_eq!(
        cluster.connect(1).await.call(0, &ApiVersionsRequest::default()).await.error_code,
        0
    );
}

#[tokio::test]
async fn a_throttled_producer_is_told_and_not_read_for_that_long() {
    let memory = MemoryBudget { unflushed_bytes: 100_000, ..MemoryBudget::default() };
    let tuning = BrokerTuning { memory, ..BrokerTuning::default() };
    let cluster =
        Cluster::start_with(ClusterOptions { brokers: 1, tuning, ..Default::default() }).await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let value = "x".repeat(45_000);
    let request = produce_request("t", &[(0, batch(&[&value]).into_bytes())], -1);
    // It rests in proportion to its size.
    let small = produce_request("t", &[(0, batch(&[&value[..4000]]).into_bytes())], -1);
    assert_eq!(client.call(9, &request).await.throttle_time_ms, 0);
    let mut throttled = 0;
    let mut begun = now();
    // Storage may empty its memory in between, so it may take a few rounds to see it nearly full.
    for _ in 0..100 {
        client.call(9, &request).await;
        throttled = client.call(9, &small).await.throttle_time_ms;
        begun = now();
        if throttled > 0 {
            break;
        }
    }
    assert!((1..=1000).contains(&throttled), "{throttled}");
    assert_eq!(client.call(0, &ApiVersionsRequest::default()).await.error_code, 0);
    assert!(begun.elapsed() + Duration::from_millis(20) >= Duration::from_millis(throttled as u64));
}

#[allow(clippy::disallowed_methods)] // A test measures real time.
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let cluster = Cluster::single_with(&[("connections.max.idle.ms", "50")]).await;
    assert!(cluster.connect(1).await.is_closed_by_broker().await);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_until_one_is_closed() {
    let cluster = Cluster::single_with(&[("max.connections", "1")]).await;
    let mut first = cluster.connect(1).await;
    assert_eq!(first.call(0, &ApiVersionsRequest::default()).await.error_code, 0);
    assert!(cluster.connect(1).await.is_closed_by_broker().await);
    drop(first);
    crate::cluster::eventually("the place is free again", || async {
        let mut client = cluster.connect(1).await;
        client.try_send(0, &ApiVersionsRequest::default()).await
            && client.read_frame().await.is_some()
    })
    .await;
}
