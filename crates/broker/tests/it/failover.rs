//! Brokers are killed; the others take over their partitions.

use std::time::Duration;

use milena_broker::BrokerTuning;
use milena_client::CommittedOffset;
use milena_protocol::ErrorCode;
use milena_types::{BrokerId, LeaderEpoch, Offset};

use crate::{
    cluster::{Cluster, ClusterOptions, eventually},
    handoff::Load,
    wire::{batch, fetch_request, only_fetched, read_all, sequenced},
};

async fn cluster(leaders_return_after: Duration) -> Cluster {
    let tuning = BrokerTuning { leaders_return_after, ..BrokerTuning::default() };
    Cluster::start_with(ClusterOptions { tuning, ..ClusterOptions::default() }).await
}

const NEVER: Duration = Duration::from_secs(3600);

/// Waits until the others lead everything that a killed broker led.
async fn await_takeover(cluster: &Cluster, topic: &str, partitions: i32, dead: &[i32]) {
    eventually("the others lead", || async {
        (0..partitions).all(|partition| !dead.contains(&cluster.leader(topic, partition)))
    })
    .await;
    cluster.agreed().await;
    cluster.served(topic, partitions).await;
}

#[tokio::test]
async fn a_killed_leader_is_replaced_and_everything_acknowledged_is_there() {
    let mut cluster = cluster(NEVER).await;
    cluster.create_topic("t", 1).await;
    let dead = cluster.leader("t", 0);
    let mut client = cluster.connect(dead).await;
    let sent = sequenced(&["a", "b"], 5, 0, 0).into_bytes();
    assert_eq!(client.produce(9, "t", 0, sent.clone()).await.base_offset, 0);
    cluster.kill_broker(dead).await;
    assert!(client.is_closed_by_broker().await);
    await_takeover(&cluster, "t", 1, &[dead]).await;
    let partition = cluster.partition("t", 0);
    assert_eq!((partition.leader_epoch.raw(), partition.replicas.len()), (1, 3));
    let mut client = cluster.connect_to_leader("t", 0).await;
    let again = client.produce(9, "t", 0, sent).await;
    assert_eq!((again.error_code, again.base_offset), (0, 0), "a retry gets its first offset");
    let next = client.produce(9, "t", 0, sequenced(&["c"], 5, 0, 2).into_bytes()).await;
    assert_eq!((next.error_code, next.base_offset), (0, 2));
    let records = read_all(&mut client, "t", 0, 0).await;
    assert_eq!(
        records.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    for (epoch, error) in [(0, ErrorCode::FencedLeaderEpoch), (2, ErrorCode::UnknownLeaderEpoch)] {
        let mut fetch = fetch_request("t", &[(0, 0)]);
        fetch.topics[0].partitions[0].current_leader_epoch = epoch;
        assert_eq!(only_fetched(client.call(12, &fetch).await).error_code, error.code());
    }
}

#[tokio::test]
async fn brokers_killed_one_after_the_other_under_load_lose_nothing() {
    let mut cluster = cluster(Duration::from_millis(50)).await;
    cluster.create_topic("t", 6).await;
    let mut load = Load::start(&cluster, "t", 6);
    for dead in [1, 2, 3, 2] {
        load.progresses().await;
        cluster.kill_broker(dead).await;
        await_takeover(&cluster, "t", 6, &[dead]).await;
        load.progresses().await;
        cluster.start_broker(dead).await;
        eventually("leaders return", || async {
            (0..6).all(|n| cluster.partition("t", n).replicas[0].0 == cluster.leader("t", n))
        })
        .await;
    }
    load.progresses().await;
    load.check(&cluster, "t").await;
    cluster.stop().await;
}

#[tokio::test]
async fn the_last_of_three_brokers_takes_everything_over_in_turn() {
    let mut cluster = cluster(NEVER).await;
    cluster.create_topic("t", 6).await;
    let mut load = Load::start(&cluster, "t", 6);
    for dead in [1, 2] {
        load.progresses().await;
        cluster.kill_broker(dead).await;
    }
    await_takeover(&cluster, "t", 6, &[1, 2]).await;
    load.progresses().await;
    load.check(&cluster, "t").await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_killed_controller_is_replaced_at_once() {
    let mut cluster = cluster(NEVER).await;
    cluster.create_topic("t", 6).await;
    let controller = || async {
        let seen = cluster.metadata.controller().await.expect("the store works");
        seen.map(|seen| seen.value.broker.0)
    };
    eventually("there is a controller", || async { controller().await.is_some() }).await;
    let dead = controller().await.expect("there is a controller");
    let mut load = Load::start(&cluster, "t", 6);
    load.progresses().await;
    cluster.kill_broker(dead).await;
    await_takeover(&cluster, "t", 6, &[dead]).await;
    let seen = cluster.metadata.controller().await.expect("the store works").expect("there is one");
    assert_ne!(seen.value.broker, BrokerId(dead));
    load.progresses().await;
    load.check(&cluster, "t").await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_partition_of_one_replica_is_led_by_a_stand_in_until_that_is_back() {
    let mut cluster = cluster(Duration::from_millis(50)).await;
    let topic = milena_metadata::NewTopic {
        name: "one".parse().expect("a name"),
        placement: milena_metadata::Placement::Manual(vec![vec![BrokerId(2)]]),
        configs: std::collections::BTreeMap::new(),
    };
    cluster.metadata.create_topic(&topic).await.expect("it is created");
    cluster.led_by("one", 0, 2).await;
    let mut client = cluster.connect(2).await;
    assert_eq!(client.produce(9, "one", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
    cluster.kill_broker(2).await;
    await_takeover(&cluster, "one", 1, &[2]).await;
    let mut client = cluster.connect_to_leader("one", 0).await;
    assert_eq!(client.produce(9, "one", 0, batch(&["b"]).into_bytes()).await.base_offset, 1);
    cluster.start_broker(2).await;
    cluster.led_by("one", 0, 2).await;
    assert_eq!(&*cluster.partition("one", 0).replicas, &[BrokerId(2)]);
    let records = read_all(&mut cluster.connect(2).await, "one", 0, 0).await;
    assert_eq!(records, [(0, "a".to_owned()), (1, "b".to_owned())]);
}

async fn commit(cluster: &Cluster, offset: i64) {
    let committed = CommittedOffset {
        topic: "t".to_owned(),
        partition: 0,
        offset: Offset(offset),
        leader_epoch: LeaderEpoch::NONE,
        metadata: String::new(),
    };
    cluster
        .client()
        .commit_offsets("g", &[committed])
        .await
        .expect("the commit is retried until it works");
}

async fn committed(cluster: &Cluster) -> Vec<i64> {
    let found = cluster.client().committed_offsets("g", &[("t", 0)]).await;
    found.expect("it is retried until it works").iter().map(|found| found.offset.raw()).collect()
}

#[tokio::test]
async fn committed_offsets_move_with_their_coordinator() {
    let mut cluster = cluster(Duration::from_millis(50)).await;
    cluster.create_topic("t", 1).await;
    commit(&cluster, 1).await;
    let coordinator = |cluster: &Cluster| {
        let index = cluster.any_partition_of_group("g");
        cluster.leader("__consumer_offsets", index)
    };
    for round in 0..4 {
        let now = coordinator(&cluster);
        if round % 2 == 0 {
            cluster.kill_broker(now).await;
        } else {
            cluster.stop_broker(now).await;
        }
        assert_eq!(committed(&cluster).await, [1 + round]);
        commit(&cluster, 2 + round).await;
        assert_ne!(coordinator(&cluster), now);
        cluster.start_broker(now).await;
        assert_eq!(committed(&cluster).await, [2 + round]);
    }
    cluster.stop().await;
}

/// It came back, had to flush the log of its earlier life, and was killed again before it led
/// anything: the brokers that took over from it must not wait for it for ever.
#[tokio::test]
async fn a_killed_flusher_that_leads_nothing_is_recovered_too() {
    let mut cluster = cluster(NEVER).await;
    cluster.create_topic("t", 1).await;
    let dead = cluster.leader("t", 0);
    let mut client = cluster.connect(dead).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["a"]).into_bytes()).await.base_offset, 0);
    let objects = cluster.block_objects();
    cluster.kill_broker(dead).await;
    await_takeover(&cluster, "t", 1, &[dead]).await;
    let heir = cluster.leader("t", 0);
    let mut client = cluster.connect(heir).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["b"]).into_bytes()).await.base_offset, 1);
    cluster.start_broker(dead).await;
    cluster.kill_broker(dead).await;
    drop(objects);
    let storage = cluster.broker(heir).storage();
    storage.flush().await.expect("another broker is the flusher now");
    assert_eq!(read_all(&mut client, "t", 0, 0).await.len(), 2);
    cluster.stop().await;
}
