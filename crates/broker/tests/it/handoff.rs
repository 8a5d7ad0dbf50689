//! Leaders hand partitions over: by request, to return, and to stop.

use std::{collections::BTreeMap, time::Duration};

use milena_broker::BrokerTuning;
use milena_client::{ProducerConfig, ProducerRecord};
use milena_protocol::{ErrorCode, messages::produce_request::ProduceRequest};
use milena_types::{BrokerId, PartitionIndex};

use crate::{
    cluster::{Cluster, ClusterOptions, eventually},
    wire::{batch, fetch_request, only_fetched, produce_request, read_all, records_in, sequenced},
};

/// A cluster where leaders stay where they are.
async fn without_returns() -> Cluster {
    let tuning =
        BrokerTuning { leaders_return_after: Duration::from_secs(3600), ..BrokerTuning::default() };
    Cluster::start_with(ClusterOptions { tuning, ..ClusterOptions::default() }).await
}

/// A cluster where leaders return at once.
async fn with_prompt_returns() -> Cluster {
    let tuning =
        BrokerTuning { leaders_return_after: Duration::from_millis(50), ..BrokerTuning::default() };
    Cluster::start_with(ClusterOptions { tuning, ..ClusterOptions::default() }).await
}

/// An idempotent producer that sends rising numbers to every partition until it is told to stop.
pub struct Load {
    stop: tokio::sync::watch::Sender<bool>,
    task: tokio::task::JoinHandle<BTreeMap<i32, Vec<(i64, u64)>>>,
    acknowledged: tokio::sync::watch::Receiver<u64>,
}

impl Load {
    pub fn start(cluster: &Cluster, topic: &str, partitions: i32) -> Self {
        let config = ProducerConfig { linger: Duration::ZERO, ..ProducerConfig::default() };
        let producer = milena_client::Producer::new(cluster.client(), config);
        let (stop, mut stopping) = tokio::sync::watch::channel(false);
        let (count, acknowledged) = tokio::sync::watch::channel(0);
        let topic = topic.to_owned();
        let send_all = async move {
            let mut places: BTreeMap<i32, Vec<(i64, u64)>> = BTreeMap::new();
            for number in 0_u64.. {
                let mut sent = Vec::new();
                for partition in 0..partitions {
                    let record = ProducerRecord {
                        topic: topic.clone(),
                        partition: Some(partition),
                        value: Some(number.to_string().into()),
                        ..ProducerRecord::default()
                    };
                    sent.push(producer.send(record).await.expect("there is room"));
                }
                for delivery in sent {
                    let place = delivery.await.expect("every record is acknowledged");
                    let offset = place.offset.expect("its offset is known").raw();
                    places.entry(place.partition).or_default().push((offset, number));
                }
                count.send_replace(number);
                if *stopping.borrow_and_update() {
                    return places;
                }
            }
            unreachable!("numbers do not end")
        };
        Self { stop, task: cluster.runtime.spawn(send_all), acknowledged }
    }

    /// Waits until more has been acknowledged in every partition than now.
    pub async fn progresses(&mut self) {
        let now = *self.acknowledged.borrow();
        let wait = self.acknowledged.wait_for(|count| *count > now + 3);
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .expect("records are acknowledged")
            .expect("it runs");
    }

    /// Ends the load and checks that every partition has exactly the acknowledged records, in
    /// order.
    pub async fn check(self, cluster: &Cluster, topic: &str) {
        self.stop.send_replace(true);
        let places = self.task.await.expect("the load ends well");
        for (partition, acknowledged) in places {
            let mut client = cluster.connect_to_leader(topic, partition).await;
            let found = read_all(&mut client, topic, partition, 0).await;
            let expected: Vec<(i64, String)> =
                acknowledged.iter().map(|(offset, number)| (*offset, number.to_string())).collect();
            assert_eq!(found, expected, "partition {partition}");
        }
    }
}

#[tokio::test]
async fn a_wanted_leader_takes_over_with_everything_and_one_epoch_later() {
    let cluster = without_returns().await;
    cluster.create_topic("t", 1).await;
    let old = cluster.leader("t", 0);
    let new = cluster.follower("t", 0);
    let mut client = cluster.connect(old).await;
    let sent = sequenced(&["a", "b"], 5, 0, 0).into_bytes();
    assert_eq!(client.produce(9, "t", 0, sent.clone()).await.base_offset, 0);
    cluster.request_leader("t", 0..1, new).await;
    cluster.led_by("t", 0, new).await;
    let partition = cluster.partition("t", 0);
    assert_eq!(
        (partition.leader, partition.leader_epoch.raw(), partition.wanted_leader),
        (BrokerId(new), 1, None)
    );

    let refused = client.produce(9, "t", 0, sent.clone()).await;
    assert_eq!(refused.error_code, ErrorCode::NotLeaderOrFollower.code());
    let mut client = cluster.connect(new).await;
    let again = client.produce(9, "t", 0, sent).await;
    assert_eq!((again.error_code, again.base_offset), (0, 0), "a retry gets its first offset");
    let next = client.produce(9, "t", 0, sequenced(&["c"], 5, 0, 2).into_bytes()).await;
    assert_eq!((next.error_code, next.base_offset), (0, 2));
    let records = read_all(&mut client, "t", 0, 0).await;
    assert_eq!(
        records.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
}

#[tokio::test]
async fn who_asks_the_old_leader_is_told_the_new_one() {
    let cluster = without_returns().await;
    cluster.create_topic("t", 1).await;
    let (old, new) = (cluster.leader("t", 0), cluster.follower("t", 0));
    let mut producer = cluster.connect(old).await;
    assert_eq!(producer.produce(9, "t", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
    let mut consumer = cluster.connect(old).await;
    let mut fetch = fetch_request("", &[(0, 1)]);
    fetch.topics[0].topic_id = cluster.any_topic_id("t").0;
    fetch.max_wait_ms = 60_000;
    let id = consumer.send(16, &fetch).await;
    cluster.request_leader("t", 0..1, new).await;
    let response =
        consumer.receive::<milena_protocol::messages::fetch_request::FetchRequest>(16, id).await;
    let endpoint = response.node_endpoints[0].clone();
    let told = only_fetched(response);
    assert_eq!(told.error_code, ErrorCode::NotLeaderOrFollower.code());
    assert_eq!((told.current_leader.leader_id, told.current_leader.leader_epoch), (new, 1));
    assert_eq!(endpoint.port, i32::from(cluster.broker(new).address().port()));

    let request = produce_request("t", &[(0, batch(&["b"]).into_bytes())], -1);
    let response = producer.call::<ProduceRequest>(10, &request).await;
    let told = &response.responses[0].partition_responses[0];
    assert_eq!(told.error_code, ErrorCode::NotLeaderOrFollower.code());
    assert_eq!((told.current_leader.leader_id, told.current_leader.leader_epoch), (new, 1));
    assert_eq!(response.node_endpoints[0].node_id, new);
}

#[tokio::test]
async fn leader_epochs_of_before_and_after_are_told_apart() {
    let cluster = without_returns().await;
    cluster.create_topic("t", 1).await;
    let new = cluster.follower("t", 0);
    let mut client = cluster.connect_to_leader("t", 0).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
    cluster.request_leader("t", 0..1, new).await;
    cluster.led_by("t", 0, new).await;
    let mut client = cluster.connect(new).await;
    for (epoch, error) in [
        (0, ErrorCode::FencedLeaderEpoch),
        (1, ErrorCode::None),
        (2, ErrorCode::UnknownLeaderEpoch),
    ] {
        let mut fetch = fetch_request("t", &[(0, 0)]);
        fetch.topics[0].partitions[0].current_leader_epoch = epoch;
        let answer = only_fetched(client.call(12, &fetch).await);
        assert_eq!(answer.error_code, error.code(), "epoch {epoch}");
    }
    let answer = client.fetch(12, "t", 0, 0).await;
    assert_eq!(records_in(&answer), [(0, "a".to_owned())]);
}

#[tokio::test]
async fn leaders_go_back_and_forth_under_load_and_nothing_is_lost() {
    let cluster = without_returns().await;
    cluster.create_topic("t", 6).await;
    let mut load = Load::start(&cluster, "t", 6);
    for round in 0..6 {
        load.progresses().await;
        let target = round % 3 + 1;
        cluster.request_leader("t", 0..6, target).await;
        for partition in 0..6 {
            cluster.led_by("t", partition, target).await;
        }
    }
    load.progresses().await;
    load.check(&cluster, "t").await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_broker_that_stops_hands_over_and_gets_its_partitions_back() {
    let mut cluster = with_prompt_returns().await;
    cluster.create_topic("t", 6).await;
    let before: Vec<i32> = (0..6).map(|partition| cluster.leader("t", partition)).collect();
    let mut load = Load::start(&cluster, "t", 6);
    for broker in [1, 2, 3] {
        load.progresses().await;
        cluster.stop_broker(broker).await;
        assert!(
            (0..6).all(|partition| cluster.leader("t", partition) != broker),
            "broker {broker} leads nothing"
        );
        assert!((0..6).all(|partition| cluster.partition("t", partition).replicas.len() == 3));
        load.progresses().await;
        cluster.start_broker(broker).await;
        eventually("the leaders return", || async {
            (0..6).map(|partition| cluster.leader("t", partition)).eq(before.iter().copied())
        })
        .await;
    }
    load.progresses().await;
    load.check(&cluster, "t").await;
    cluster.stop().await;
}

#[tokio::test]
async fn the_only_replica_of_a_partition_is_handed_over_and_comes_back() {
    let mut cluster = with_prompt_returns().await;
    let placement = milena_metadata::Placement::Manual(vec![vec![BrokerId(2)]]);
    let topic = milena_metadata::NewTopic {
        name: "one".parse().expect("a name"),
        placement,
        configs: BTreeMap::new(),
    };
    cluster.metadata.create_topic(&topic).await.expect("it is created");
    cluster.led_by("one", 0, 2).await;
    let mut client = cluster.connect(2).await;
    assert_eq!(client.produce(9, "one", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
    cluster.stop_broker(2).await;
    let stand_in = cluster.leader("one", 0);
    assert_ne!(stand_in, 2);
    cluster.led_by("one", 0, stand_in).await;
    let mut client = cluster.connect(stand_in).await;
    assert_eq!(client.produce(9, "one", 0, batch(&["b"]).into_bytes()).await.base_offset, 1);
    cluster.start_broker(2).await;
    cluster.led_by("one", 0, 2).await;
    let partition = cluster.partition("one", 0);
    assert_eq!((&*partition.replicas, partition.original_replicas), (&[BrokerId(2)][..], None));
    assert_eq!(read_all(&mut cluster.connect(2).await, "one", 0, 0).await.len(), 2);
}

#[tokio::test]
async fn leaders_stay_where_rebalancing_is_turned_off() {
    let tuning =
        BrokerTuning { leaders_return_after: Duration::from_millis(20), ..BrokerTuning::default() };
    let kafka_config = [("auto.leader.rebalance.enable".to_owned(), "false".to_owned())].into();
    let mut cluster =
        Cluster::start_with(ClusterOptions { tuning, kafka_config, ..ClusterOptions::default() })
            .await;
    cluster.create_topic("t", 3).await;
    cluster.restart_broker(1).await;
    // A second topic whose only replica returns shows that the controller has looked.
    let topic = milena_metadata::NewTopic {
        name: "one".parse().expect("a name"),
        placement: milena_metadata::Placement::Manual(vec![vec![BrokerId(2)]]),
        configs: BTreeMap::new(),
    };
    cluster.metadata.create_topic(&topic).await.expect("it is created");
    cluster.led_by("one", 0, 2).await;
    cluster.restart_broker(2).await;
    cluster.led_by("one", 0, 2).await;
    cluster.agreed().await;
    assert!(
        (0..3).all(|partition| cluster.leader("t", partition) != 2),
        "what broker 2 gave up stays with others"
    );
}

#[tokio::test]
async fn a_partition_stays_open_when_its_target_is_not_there() {
    let cluster = without_returns().await;
    cluster.create_topic("t", 1).await;
    let leader = cluster.leader("t", 0);
    cluster.request_leader("t", 0..1, 9).await;
    let mut client = cluster.connect(leader).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
    let partition = cluster.broker(leader).open_partition("t", PartitionIndex(0));
    assert_eq!(partition.expect("it is open").leader_epoch().raw(), 0);
    eventually("the controller gives the target up", || async {
        cluster.partition("t", 0).wanted_leader.is_none()
    })
    .await;
}
