//! Administrators move replicas and leaders.

use std::{collections::BTreeMap, time::Duration};

use milena_broker::BrokerTuning;
use milena_metadata::{NewTopic, PartitionChange, Placement};
use milena_protocol::{
    ErrorCode,
    messages::{
        alter_partition_reassignments_request::{
            AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
        },
        elect_leaders_request::{ElectLeadersRequest, TopicPartitions},
        elect_leaders_response::ElectLeadersResponse,
        list_partition_reassignments_request::{
            ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
        },
    },
};
use milena_runtime::Runtime;
use milena_store::{FaultyStore, MemoryStore};
use milena_types::{BrokerId, PartitionIndex, TopicPartition};

use crate::{
    cluster::{Cluster, ClusterOptions, eventually},
    wire::{Client, batch, read_all},
};

/// A cluster where leaders stay where they are, and a topic with one replica each on broker 1 and
/// 2.
async fn cluster(brokers: i32) -> Cluster {
    cluster_with(ClusterOptions { brokers, ..ClusterOptions::default() }).await
}

async fn cluster_with(options: ClusterOptions) -> Cluster {
    let tuning =
        BrokerTuning { leaders_return_after: Duration::from_secs(3600), ..BrokerTuning::default() };
    let cluster = Cluster::start_with(ClusterOptions { tuning, ..options }).await;
    let placement =
        Placement::Manual(vec![vec![BrokerId(1), BrokerId(2)], vec![BrokerId(2), BrokerId(1)]]);
    let topic =
        NewTopic { name: "t".parse().expect("a name"), placement, configs: BTreeMap::new() };
    cluster.metadata.create_topic(&topic).await.expect("it is created");
    cluster.led_by("t", 0, 1).await;
    cluster.led_by("t", 1, 2).await;
    cluster
}

async fn alter(
    cluster: &Cluster,
    client: &mut Client,
    topic: &str,
    partition: i32,
    replicas: Option<&[i32]>,
) -> i16 {
    alter_at(cluster, client, 0, topic, partition, replicas, true).await
}

async fn alter_at(
    cluster: &Cluster,
    client: &mut Client,
    version: i16,
    topic: &str,
    partition: i32,
    replicas: Option<&[i32]>,
    allow_replication_factor_change: bool,
) -> i16 {
    let partitions = vec![ReassignablePartition {
        partition_index: partition,
        replicas: replicas.map(<[i32]>::to_vec),
    }];
    let request = AlterPartitionReassignmentsRequest {
        allow_replication_factor_change,
        topics: vec![ReassignableTopic { name: topic.into(), partitions }],
        ..Default::default()
    };
    let response = client.call(version, &request).await;
    assert_eq!(response.error_code, 0);
    cluster.agreed().await;
    let answer = &response.responses[0].partitions[0];
    assert_eq!(answer.error_message.is_some(), answer.error_code != 0);
    answer.error_code
}

/// Topic, partition, replicas, adding, removing.
type OngoingReassignment = (String, i32, Vec<i32>, Vec<i32>, Vec<i32>);

async fn ongoing(
    client: &mut Client,
    topics: Option<&[(&str, &[i32])]>,
) -> Vec<OngoingReassignment> {
    let named = |(name, indexes): &(&str, &[i32])| ListPartitionReassignmentsTopics {
        name: (*name).into(),
        partition_indexes: indexes.to_vec(),
    };
    let topics = topics.map(|topics| topics.iter().map(named).collect());
    let response =
        client.call(0, &ListPartitionReassignmentsRequest { topics, ..Default::default() }).await;
    assert_eq!(response.error_code, 0);
    let mut all = Vec::new();
    for topic in response.topics {
        for p in topic.partitions {
            let name = topic.name.as_str().to_owned();
            all.push((name, p.partition_index, p.replicas, p.adding_replicas, p.removing_replicas));
        }
    }
    all
}

fn replicas(cluster: &Cluster, partition: i32) -> Vec<i32> {
    cluster.partition("t", partition).replicas.iter().map(|id| id.0).collect()
}

#[tokio::test]
async fn replicas_move_with_the_leader_and_records_stay() {
    let cluster = cluster(3).await;
    let mut client = cluster.connect(1).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
    assert_eq!(alter(&cluster, &mut client, "t", 0, Some(&[1, 3])).await, 0);
    assert_eq!(replicas(&cluster, 0), [1, 3], "the leader stays, so it is done at once");
    assert_eq!(alter(&cluster, &mut client, "t", 0, Some(&[3, 2])).await, 0);
    cluster.led_by("t", 0, 3).await;
    assert_eq!(replicas(&cluster, 0), [3, 2]);
    assert_eq!(ongoing(&mut client, None).await, []);
    let mut client = cluster.connect(3).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["b"]).into_bytes()).await.base_offset, 1);
    assert_eq!(read_all(&mut client, "t", 0, 0).await.len(), 2);
}

#[tokio::test]
async fn a_reassignment_waits_for_its_leader_is_listed_and_can_be_cancelled() {
    let mut cluster = cluster(4).await;
    cluster.stop_broker(3).await;
    cluster.stop_broker(4).await;
    let mut client = cluster.connect(1).await;
    assert_eq!(alter(&cluster, &mut client, "t", 0, Some(&[3])).await, 0);
    let shown = [("t".to_owned(), 0, vec![3, 1, 2], vec![3], vec![1, 2])];
    assert_eq!(ongoing(&mut client, None).await, shown);
    assert_eq!(ongoing(&mut client, Some(&[("t", &[0, 1, 7]), ("u", &[0])])).await, shown);
    assert_eq!(ongoing(&mut client, Some(&[("t", &[1])])).await, []);
    assert_eq!(replicas(&cluster, 0), [3, 1, 2]);
    assert_eq!(cluster.leader("t", 0), 1);

    assert_eq!(alter(&cluster, &mut client, "t", 0, None).await, 0);
    assert_eq!((replicas(&cluster, 0), ongoing(&mut client, None).await), (vec![1, 2], vec![]));
    assert_eq!(
        alter(&cluster, &mut client, "t", 0, None).await,
        ErrorCode::NoReassignmentInProgress.code()
    );

    assert_eq!(alter(&cluster, &mut client, "t", 0, Some(&[3])).await, 0);
    assert_eq!(
        alter(&cluster, &mut client, "t", 0, Some(&[4, 3])).await,
        0,
        "one takes the place of another"
    );
    assert_eq!(
        ongoing(&mut client, None).await,
        [("t".to_owned(), 0, vec![4, 3, 1, 2], vec![4, 3], vec![1, 2])]
    );
    cluster.start_broker(3).await;
    cluster.led_by("t", 0, 3).await;
    let mut client = cluster.connect(1).await;
    eventually("nothing is under way", || async {
        cluster.partition("t", 0).reassignment.is_none()
    })
    .await;
    assert_eq!((replicas(&cluster, 0), ongoing(&mut client, None).await), (vec![4, 3], vec![]));
}

#[tokio::test]
async fn reassignments_that_cannot_be_are_refused_one_by_one() {
    let cluster = cluster(2).await;
    let mut client = cluster.connect(2).await;
    let cases: [(&str, i32, Option<&[i32]>, ErrorCode); 7] = [
        ("u", 0, Some(&[1]), ErrorCode::UnknownTopicOrPartition),
        ("t", 5, Some(&[1]), ErrorCode::UnknownTopicOrPartition),
        ("t", 0, Some(&[]), ErrorCode::InvalidReplicaAssignment),
        ("t", 0, Some(&[1, 1]), ErrorCode::InvalidReplicaAssignment),
        ("t", 0, Some(&[1, 9]), ErrorCode::InvalidReplicaAssignment),
        ("t", 0, Some(&[-1]), ErrorCode::InvalidReplicaAssignment),
        ("t", 0, None, ErrorCode::NoReassignmentInProgress),
    ];
    for (topic, partition, list, error) in cases {
        assert_eq!(
            alter(&cluster, &mut client, topic, partition, list).await,
            error.code(),
            "{topic} {partition} {list:?}"
        );
    }
    assert_eq!(replicas(&cluster, 0), [1, 2]);
    let fewer = alter_at(&cluster, &mut client, 0, "t", 0, Some(&[1]), true).await;
    assert_eq!((fewer, replicas(&cluster, 0)), (0, vec![1]));
}

/// The partition as the broker's image has it, which is too old: it was changed elsewhere.
#[tokio::test]
async fn nothing_is_decided_on_an_image_that_is_older_than_the_request() {
    let store = FaultyStore::new(MemoryStore::new(&Runtime::system()));
    let options =
        ClusterOptions { brokers: 2, store: Some(store.clone()), ..ClusterOptions::default() };
    let cluster = cluster_with(options).await;
    let mut client = cluster.connect(1).await;
    cluster.agreed().await;
    let topic = cluster.broker(1).images().current().topic("t").expect("it is there").id();
    let seen = cluster.metadata.partition(topic, PartitionIndex(0)).await.expect("the store is up");
    let mut record = seen.expect("it is there").value;
    store.hold_watches(true);
    record.reassign(vec![BrokerId(1)], |_| true);
    let partition = TopicPartition { topic, partition: PartitionIndex(0) };
    let change = [PartitionChange { partition, record }];
    let changed = cluster.metadata.change_partitions(&[], &change).await;
    assert_eq!(changed.expect("the store is up").partitions, [partition]);

    let partitions = vec![ReassignablePartition { partition_index: 0, replicas: Some(vec![1, 2]) }];
    let mut request = AlterPartitionReassignmentsRequest {
        topics: vec![ReassignableTopic { name: "t".into(), partitions }],
        timeout_ms: 200,
        ..Default::default()
    };
    let late = client.call(0, &request).await;
    assert_eq!(late.error_code, ErrorCode::RequestTimedOut.code());
    store.hold_watches(false);
    request.timeout_ms = 10_000;
    let changed = client.call(0, &request).await;
    assert_eq!((changed.error_code, changed.responses[0].partitions[0].error_code), (0, 0));
    cluster.agreed().await;
    assert_eq!(replicas(&cluster, 0), [1, 2]);
}

#[tokio::test]
async fn a_request_may_insist_on_the_number_of_replicas() {
    let cluster =
        Cluster::start_with(ClusterOptions { kafka_version: "4.1", ..ClusterOptions::default() })
            .await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let refused = alter_at(&cluster, &mut client, 1, "t", 0, Some(&[1, 2]), false).await;
    assert_eq!(refused, ErrorCode::InvalidReplicationFactor.code());
    assert_eq!(alter_at(&cluster, &mut client, 1, "t", 0, Some(&[1, 2]), true).await, 0);
    assert_eq!(alter_at(&cluster, &mut client, 1, "t", 0, Some(&[2, 1]), false).await, 0);
}

async fn elect(
    client: &mut Client,
    election_type: i8,
    partitions: Option<&[i32]>,
) -> ElectLeadersResponse {
    let of =
        |partitions: &[i32]| TopicPartitions { topic: "t".into(), partitions: partitions.to_vec() };
    let topic_partitions = partitions.map(|partitions| vec![of(partitions)]);
    client
        .call(2, &ElectLeadersRequest { election_type, topic_partitions, timeout_ms: 10_000 })
        .await
}

fn results(response: &ElectLeadersResponse) -> Vec<(i32, i16)> {
    let all = response.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
    all.map(|result| (result.partition_id, result.error_code)).collect()
}

#[tokio::test]
async fn a_preferred_election_is_answered_when_the_first_replica_leads() {
    let mut cluster = cluster(3).await;
    cluster.request_leader("t", 0..1, 2).await;
    cluster.led_by("t", 0, 2).await;
    let mut client = cluster.connect(3).await;
    let (not_needed, unknown) =
        (ErrorCode::ElectionNotNeeded.code(), ErrorCode::UnknownTopicOrPartition.code());
    let answer = elect(&mut client, 0, Some(&[0, 1, 2])).await;
    assert_eq!(results(&answer), [(0, 0), (1, not_needed), (2, unknown)]);
    cluster.led_by("t", 0, 1).await;

    cluster.request_leader("t", 0..1, 2).await;
    cluster.led_by("t", 0, 2).await;
    assert_eq!(
        results(&elect(&mut client, 0, None).await),
        [(0, 0)],
        "those that need none are left out"
    );
    cluster.led_by("t", 0, 1).await;

    cluster.stop_broker(1).await;
    let mut client = cluster.connect(3).await;
    let unavailable = ErrorCode::PreferredLeaderNotAvailable.code();
    assert_eq!(results(&elect(&mut client, 0, Some(&[0])).await), [(0, unavailable)]);
}

#[tokio::test]
async fn an_unclean_election_of_what_has_a_leader_is_not_needed() {
    let cluster = cluster(2).await;
    let mut client = cluster.connect(1).await;
    let answer = elect(&mut client, 1, Some(&[0])).await;
    assert_eq!(results(&answer), [(0, ErrorCode::ElectionNotNeeded.code())]);
    assert_eq!(elect(&mut client, 7, None).await.error_code, ErrorCode::InvalidRequest.code());
}
