//! Brokers begin, end, and begin again.

use std::time::{Duration, Instant};

use milena_protocol::{ErrorCode, messages::produce_request::ProduceRequest};

use milena_metadata::NewBroker;
use milena_runtime::Runtime;
use milena_store::{FaultyStore, MemoryStore, MetadataStore as _};
use milena_types::BrokerId;
use tokio::time::timeout;

use crate::{
    cluster::{Cluster, ClusterOptions, DEADLINE, eventually},
    wire::{batch, fetch_request, produce_request, read_all, sequenced},
};

#[tokio::test]
async fn records_survive_a_restart_and_the_leader_epoch_rises() {
    let mut cluster = Cluster::start().await;
    cluster.create_topic("t", 6).await;
    for partition in 0..6 {
        let mut client = cluster.connect_to_leader("t", partition).await;
        assert_eq!(
            client.produce(9, "t", partition, batch(&["before"]).into_bytes()).await.error_code,
            0
        );
    }
    for broker in 1..=3 {
        cluster.restart_broker(broker).await;
    }
    cluster.served("t", 6).await;
    for partition in 0..6 {
        let mut client = cluster.connect_to_leader("t", partition).await;
        let produced = client.produce(9, "t", partition, batch(&["after"]).into_bytes()).await;
        assert_eq!((produced.error_code, produced.base_offset), (0, 1));
        let records = read_all(&mut client, "t", partition, 0).await;
        assert_eq!(records, [(0, "before".to_owned()), (1, "after".to_owned())]);
    }
}

#[tokio::test]
async fn a_retry_across_a_restart_gets_its_original_offset() {
    let mut cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let sent = sequenced(&["a", "b"], 5, 0, 0).into_bytes();
    let mut client = cluster.connect(1).await;
    assert_eq!(client.produce(9, "t", 0, sent.clone()).await.base_offset, 0);
    cluster.restart_broker(1).await;
    cluster.served("t", 1).await;
    let mut client = cluster.connect(1).await;
    let again = client.produce(9, "t", 0, sent).await;
    assert_eq!((again.error_code, again.base_offset), (0, 0));
    let next = client.produce(9, "t", 0, sequenced(&["c"], 5, 0, 2).into_bytes()).await;
    assert_eq!((next.error_code, next.base_offset), (0, 2));
}

#[tokio::test]
async fn a_shutdown_leaves_nothing_for_the_next_start_to_read() {
    let mut cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
    assert_ne!(cluster.wal_files(1), 0);
    cluster.stop_broker(1).await;
    assert_eq!(cluster.wal_files(1), 0, "everything is in segments");
    cluster.start_broker(1).await;
    cluster.served("t", 1).await;
    assert_eq!(read_all(&mut cluster.connect(1).await, "t", 0, 0).await.len(), 1);
}

#[tokio::test]
async fn a_shutdown_takes_less_than_two_seconds_and_answers_what_was_begun() {
    let mut cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut producer = cluster.connect(1).await;
    let mut consumer = cluster.connect(1).await;
    let mut fetch = fetch_request("t", &[(0, 0)]);
    fetch.max_wait_ms = 60_000;
    consumer.send(12, &fetch).await;
    let id = producer.send(9, &produce_request("t", &[(0, batch(&["a"]).into_bytes())], -1)).await;
    let response = producer.receive::<ProduceRequest>(9, id).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    let begun = now();
    cluster.stop_broker(1).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(consumer.read_frame().await.is_some(), "the waiting fetch is answered");
    assert!(producer.is_closed_by_broker().await);
}

#[allow(clippy::disallowed_methods)] // A test measures real time.
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn a_deleted_topic_is_gone_and_a_new_one_of_its_name_is_empty() {
    let cluster = Cluster::start().await;
    let id = cluster.create_topic("t", 1).await;
    let leader = cluster.leader("t", 0);
    let mut client = cluster.connect(leader).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["old"]).into_bytes()).await.error_code, 0);
    cluster.metadata.delete_topic(&"t".parse().expect("a name"), id).await.expect("it is deleted");
    eventually("the partition is closed", || async {
        cluster.broker(leader).open_partition_count() == 0
    })
    .await;
    let unknown = client.fetch(12, "t", 0, 0).await;
    assert_eq!(unknown.error_code, ErrorCode::UnknownTopicOrPartition.code());
    let again = cluster.create_topic("t", 1).await;
    assert_ne!(id, again);
    let mut client = cluster.connect_to_leader("t", 0).await;
    let produced = client.produce(9, "t", 0, batch(&["new"]).into_bytes()).await;
    assert_eq!((produced.error_code, produced.base_offset), (0, 0));
    assert_eq!(read_all(&mut client, "t", 0, 0).await, [(0, "new".to_owned())]);
}

#[tokio::test]
async fn partitions_are_led_by_brokers_in_different_zones() {
    let cluster = Cluster::start().await;
    cluster.create_topic("t", 3).await;
    let mut leaders: Vec<i32> = (0..3).map(|partition| cluster.leader("t", partition)).collect();
    leaders.sort_unstable();
    assert_eq!(leaders, [1, 2, 3]);
    cluster.stop().await;
}

#[tokio::test]
async fn a_topic_deleted_while_its_leader_was_down_is_let_go_at_its_start() {
    let mut cluster = Cluster::start().await;
    let id = cluster.create_topic("t", 3).await;
    for partition in 0..3 {
        let mut client = cluster.connect_to_leader("t", partition).await;
        assert_eq!(
            client.produce(9, "t", partition, batch(&["old"]).into_bytes()).await.error_code,
            0
        );
    }
    let leader = cluster.leader("t", 0);
    cluster.stop_broker(leader).await;
    cluster.metadata.delete_topic(&"t".parse().expect("a name"), id).await.expect("it is deleted");
    cluster.start_broker(leader).await;
    assert!(cluster.broker(leader).open_partition_count() == 0);
    cluster.create_topic("t", 3).await;
    for partition in 0..3 {
        let mut client = cluster.connect_to_leader("t", partition).await;
        let produced = client.produce(9, "t", partition, batch(&["new"]).into_bytes()).await;
        assert_eq!((produced.error_code, produced.base_offset), (0, 0));
    }
}

/// The note of the deletion is in the metadata store, and the broker does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_whose_outcome_is_unknown_is_complete_after_the_next_start() {
    let store = FaultyStore::new(MemoryStore::new(&Runtime::system()));
    let options =
        ClusterOptions { brokers: 1, store: Some(store.clone()), ..ClusterOptions::default() };
    let mut cluster = Cluster::start_with(options).await;
    let id = cluster.create_topic("t", 3).await;
    cluster.create_topic("kept", 1).await;
    let mut client = cluster.connect(1).await;
    for (topic, partition) in [("t", 0), ("t", 1), ("t", 2), ("kept", 0)] {
        let produced = client.produce(9, topic, partition, batch(&["old"]).into_bytes()).await;
        assert_eq!(produced.error_code, 0);
    }
    let prefix = milena_metadata::storage_prefix(cluster.id());
    store.fail_after_putting(&format!("{prefix}deleted/"));
    cluster.metadata.delete_topic(&"t".parse().expect("a name"), id).await.expect("it is deleted");
    eventually("the note of the deletion is written", || async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        store.get("any").await.is_err()
    })
    .await;
    cluster.kill_broker_without(&store, 1).await;
    let notes = || async {
        let page = store.range(&format!("{prefix}deleted/"), None, 10).await.expect("it is back");
        page.entries.len()
    };
    assert!(notes().await > 0, "this is what the start reads back");

    cluster.start_broker(1).await;
    cluster.create_topic("t", 3).await;
    cluster.restart_broker(1).await;
    let left = store.range(&prefix, None, 1000).await.expect("it is back").entries;
    let left = left.iter().filter(|entry| entry.key.contains(&id.0.simple().to_string()));
    assert_eq!(left.map(|entry| &entry.key).collect::<Vec<_>>(), Vec::<&String>::new());
    let mut client = cluster.connect(1).await;
    for partition in 0..3 {
        let produced = client.produce(9, "t", partition, batch(&["new"]).into_bytes()).await;
        assert_eq!((produced.error_code, produced.base_offset), (0, 0));
    }
    assert_eq!(read_all(&mut client, "kept", 0, 0).await, [(0, "old".to_owned())]);
}

/// Each partition took a transaction, before the broker listened and at every start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_after_the_deletion_of_a_large_topic_takes_few_transactions() {
    let mut cluster = Cluster::single().await;
    let large = milena_metadata::NewTopic {
        name: "large".parse().expect("a name"),
        placement: milena_metadata::Placement::Spread { partitions: 2_000, replication_factor: 1 },
        configs: std::collections::BTreeMap::new(),
    };
    let created = cluster.metadata.create_topic(&large).await.expect("it is created");
    cluster.stop_broker(1).await;
    cluster.metadata.delete_topic(&large.name, created.id).await.expect("it is deleted");
    for _ in 0..2 {
        let before = revision(&cluster).await;
        cluster.start_broker(1).await;
        let transactions = revision(&cluster).await - before;
        assert!(transactions < 100, "{transactions} transactions before it serves");
        cluster.stop_broker(1).await;
    }
    cluster.start_broker(1).await;
    cluster.create_topic("large", 1).await;
}

async fn revision(cluster: &Cluster) -> u64 {
    cluster.metadata.store().range("", None, 1).await.expect("the store is there").revision.0
}

#[tokio::test]
async fn a_broker_ends_when_a_later_life_of_it_registers() {
    let cluster = Cluster::single().await;
    let later = NewBroker { id: BrokerId(1), listeners: Vec::new(), rack: None };
    cluster.metadata.register_broker(&later, DEADLINE).await.expect("it registers");
    timeout(DEADLINE, cluster.broker(1).ended()).await.expect("the earlier life ends");
}
