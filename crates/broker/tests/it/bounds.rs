//! Requests that name partitions which cannot be served, the same ones many times, or very many.

use std::time::{Duration, Instant};

use milena_protocol::{
    ErrorCode, KString,
    messages::{
        alter_partition_reassignments_request::{
            AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
        },
        delete_groups_request::DeleteGroupsRequest,
        delete_records_request::{
            DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
        },
        describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
        describe_groups_request::DescribeGroupsRequest,
        elect_leaders_request::{ElectLeadersRequest, TopicPartitions},
        fetch_request::FetchRequest,
        find_coordinator_request::FindCoordinatorRequest,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup},
        produce_request::{PartitionProduceData, ProduceRequest},
    },
};

use crate::{
    cluster::{Cluster, eventually},
    wire::{Client, batch, fetch_request, produce_request, records_in},
};

/// A broker whose topic `t` has two partitions with a record each, and eight that do not open.
async fn with_unreadable_partitions() -> Cluster {
    let mut cluster = Cluster::single().await;
    cluster.create_topic("t", 10).await;
    let mut client = cluster.connect(1).await;
    for partition in 0..2 {
        client.produce(9, "t", partition, batch(&["a"]).into_bytes()).await;
    }
    let topic = cluster.any_topic_id("t");
    cluster.stop_broker(1).await;
    cluster.break_manifests(topic, 2..10).await;
    cluster.start_broker(1).await;
    cluster.served("t", 2).await;
    cluster
}

#[allow(clippy::disallowed_methods)] // A test measures real time.
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn partitions_that_do_not_open_delay_no_fetch_of_others() {
    let cluster = with_unreadable_partitions().await;
    let mut client = cluster.connect(1).await;
    let all: Vec<(i32, i64)> = (0..10).rev().map(|partition| (partition, 0)).collect();
    let mut request = fetch_request("t", &all);
    request.max_wait_ms = 60_000;
    let begun = now();
    let response = client.call(12, &request).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for data in &response.responses[0].partitions {
        let is_led = data.partition_index < 2;
        let code = if is_led { ErrorCode::None } else { ErrorCode::NotLeaderOrFollower };
        assert_eq!(data.error_code, code.code(), "partition {}", data.partition_index);
        assert_eq!(
            records_in(data).len(),
            usize::from(is_led),
            "partition {}",
            data.partition_index
        );
    }
}

#[tokio::test]
async fn a_fetch_waits_once_for_all_partitions_that_do_not_open() {
    let cluster = with_unreadable_partitions().await;
    let mut client = cluster.connect(1).await;
    let bad: Vec<(i32, i64)> = (2..10).map(|partition| (partition, 0)).collect();
    let mut request = fetch_request("t", &bad);
    request.max_wait_ms = 100;
    let begun = now();
    let response = client.call(12, &request).await;
    let elapsed = begun.elapsed();
    assert!((95..1000).contains(&elapsed.as_millis()), "{elapsed:?}");
    for data in &response.responses[0].partitions {
        assert_eq!(data.error_code, ErrorCode::NotLeaderOrFollower.code());
    }
    // However long the client would wait, it is to look for another leader before.
    request.max_wait_ms = 60_000;
    let begun = now();
    let response = client.call(12, &request).await;
    let elapsed = begun.elapsed();
    assert!((2900..6000).contains(&elapsed.as_millis()), "{elapsed:?}");
    let codes = response.responses[0].partitions.iter().map(|data| data.error_code);
    assert!(codes.eq([ErrorCode::NotLeaderOrFollower.code(); 8]));
}

#[tokio::test]
async fn a_long_poll_is_woken_by_records_while_another_partition_is_between_leaders() {
    let cluster = with_unreadable_partitions().await;
    let mut consumer = cluster.connect(1).await;
    let mut request = fetch_request("t", &[(2, 0), (0, 1)]);
    request.max_wait_ms = 60_000;
    let begun = now();
    let id = consumer.send(12, &request).await;
    let mut producer = cluster.connect(1).await;
    producer.produce(9, "t", 0, batch(&["b"]).into_bytes()).await;
    let response = consumer.receive::<FetchRequest>(12, id).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let records: Vec<_> = response.responses[0].partitions.iter().map(records_in).collect();
    assert_eq!(records, [vec![], vec![(1, "b".to_owned())]]);
}

#[tokio::test]
async fn a_produce_appends_what_it_can_and_waits_once_for_the_rest() {
    let cluster = with_unreadable_partitions().await;
    let mut client = cluster.connect(1).await;
    let records = |partitions: std::ops::Range<i32>| {
        let all: Vec<_> =
            partitions.rev().map(|partition| (partition, batch(&["b"]).into_bytes())).collect();
        produce_request("t", &all, -1)
    };
    let refused = ErrorCode::NotLeaderOrFollower.code();
    for (partitions, waits_ms) in [(0..6, 900..2900), (2..10, 2900..6000), (0..2, 0..900)] {
        let begun = now();
        let response = client.call::<ProduceRequest>(9, &records(partitions)).await;
        let elapsed = begun.elapsed();
        assert!(waits_ms.contains(&elapsed.as_millis()), "{elapsed:?} is not within {waits_ms:?}");
        for outcome in &response.responses[0].partition_responses {
            let expected = if outcome.index < 2 { 0 } else { refused };
            assert_eq!(outcome.error_code, expected, "partition {}", outcome.index);
        }
    }
}

#[tokio::test]
async fn a_partition_that_a_produce_names_twice_is_refused_once() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 3).await;
    let mut client = cluster.connect(1).await;
    let records: Vec<_> =
        [0, 1, 0, 2, 0].map(|partition| (partition, batch(&["a"]).into_bytes())).to_vec();
    let mut request = produce_request("t", &records, -1);
    request.topic_data.push(produce_request("t", &records[3..4], -1).topic_data.remove(0));
    let response = client.call::<ProduceRequest>(9, &request).await;
    let outcomes: Vec<_> = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses)
        .map(|outcome| (outcome.index, outcome.error_code))
        .collect();
    let twice = ErrorCode::InvalidRequest.code();
    assert_eq!(outcomes, [(0, twice), (1, 0), (2, twice)]);
    assert_eq!(client.fetch(12, "t", 0, 0).await.high_watermark, 0);
}

#[tokio::test]
async fn a_produce_names_no_more_partitions_than_it_has_batches_for() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let one = batch(&["a"]).into_bytes();
    let many: Vec<_> = (0..20_000).map(|partition| (partition, one.clone())).collect();
    let response = client.call(9, &produce_request("t", &many, -1)).await;
    let codes: Vec<i16> = response.responses[0]
        .partition_responses
        .iter()
        .map(|outcome| outcome.error_code)
        .collect();
    assert_eq!((codes.len(), codes[0]), (20_000, 0));
    assert!(codes[1..].iter().all(|code| *code == ErrorCode::UnknownTopicOrPartition.code()));

    // Each of these takes a hundred times the memory that it has in the request.
    let mut request = produce_request("t", &[], -1);
    request.topic_data[0].partition_data =
        (0..300_000).map(|index| PartitionProduceData { index, records: None }).collect();
    assert!(client.try_send(9, &request).await);
    assert!(client.is_closed_by_broker().await);
    let mut client = cluster.connect(1).await;
    request.topic_data[0].partition_data.truncate(100);
    let response = client.call(9, &request).await;
    let outcomes = &response.responses[0].partition_responses;
    assert_eq!(outcomes[0].error_code, ErrorCode::InvalidRecord.code());
    assert_eq!(outcomes.len(), 100);
}

fn list_request(partitions: impl Iterator<Item = i32>, timestamp: i64) -> ListOffsetsRequest {
    let partitions = partitions.map(|partition_index| ListOffsetsPartition {
        partition_index,
        timestamp,
        current_leader_epoch: -1,
        max_num_offsets: 1,
    });
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic { name: "t".into(), partitions: partitions.collect() }],
        ..Default::default()
    }
}

#[tokio::test]
async fn offsets_are_listed_after_one_wait_for_all_partitions() {
    let cluster = with_unreadable_partitions().await;
    let mut client = cluster.connect(1).await;
    let begun = now();
    let response = client.call(7, &list_request(0..10, -1)).await;
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    let found: Vec<_> = response.topics[0]
        .partitions
        .iter()
        .map(|found| (found.error_code, found.offset))
        .collect();
    let refused = (ErrorCode::NotLeaderOrFollower.code(), -1);
    assert_eq!(found[..2], [(0, 1); 2]);
    assert_eq!(found[2..], [refused; 8]);
}

#[tokio::test]
async fn a_partition_that_is_named_twice_is_searched_once_or_refused() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 2).await;
    let mut client = cluster.connect(1).await;
    for partition in 0..2 {
        for value in ["a", "b"] {
            client.produce(9, "t", partition, batch(&[value]).into_bytes()).await;
        }
    }
    fetches_once(&mut client).await;
    refuses_offsets(&mut client).await;
    deletes_once(&mut client).await;
}

async fn fetches_once(client: &mut Client) {
    let mut request = fetch_request("t", &[(0, 0), (1, 0), (0, 1)]);
    request.topics.push(request.topics[0].clone());
    for (version, session_epoch) in [(4, -1), (12, -1), (12, 0)] {
        request.session_epoch = session_epoch;
        let response = client.call(version, &request).await;
        let data: Vec<_> = response.responses[0]
            .partitions
            .iter()
            .map(|data| (data.partition_index, records_in(data)))
            .collect();
        let (a, b) = ((0, "a".to_owned()), (1, "b".to_owned()));
        assert_eq!(data, [(0, vec![b.clone()]), (1, vec![a, b])], "the last entry counts");
        assert_eq!(response.responses.len(), 1);
    }
}

async fn refuses_offsets(client: &mut Client) {
    for version in [0, 1, 7] {
        for timestamp in [-1, 0] {
            let response = client
                .call(version, &list_request((0..300).map(|n| i32::from(n == 7)), timestamp))
                .await;
            let found: Vec<_> = response.topics[0]
                .partitions
                .iter()
                .map(|found| (found.partition_index, found.error_code))
                .collect();
            assert_eq!(found, [(0, ErrorCode::InvalidRequest.code()), (1, 0)]);
        }
    }
}

async fn deletes_once(client: &mut Client) {
    let delete = |offset| DeleteRecordsPartition { partition_index: 0, offset };
    let topic = DeleteRecordsTopic {
        name: KString::from_static("t"),
        partitions: vec![delete(2), delete(99), delete(1)],
    };
    let request = DeleteRecordsRequest { topics: vec![topic.clone(), topic], timeout_ms: 5000 };
    let response = client.call(2, &request).await;
    assert_eq!(response.topics.len(), 1);
    let results = &response.topics[0].partitions;
    assert_eq!(results.len(), 1);
    assert_eq!((results[0].error_code, results[0].low_watermark), (0, 1), "the last entry counts");
}

fn find_group(group: &'static str) -> FindCoordinatorRequest {
    FindCoordinatorRequest {
        key: group.into(),
        coordinator_keys: vec![group.into()],
        ..Default::default()
    }
}

#[tokio::test]
async fn groups_and_configurations_that_are_named_often_are_returned_once() {
    let cluster = Cluster::of_version("4.1").await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    client.call(6, &find_group("g")).await;

    let groups = || vec![KString::from_static("g"); 1000];
    let described =
        client.call(6, &DescribeGroupsRequest { groups: groups(), ..Default::default() }).await;
    assert_eq!(described.groups.len(), 1);
    let deleted = client.call(2, &DeleteGroupsRequest { groups_names: groups() }).await;
    assert_eq!(deleted.results.len(), 1);

    let resource =
        |resource_name: &'static str, resource_type, configuration_keys| DescribeConfigsResource {
            resource_type,
            resource_name: resource_name.into(),
            configuration_keys,
        };
    let mut resources = vec![resource("t", 2, None); 1000];
    resources.extend(vec![resource("1", 4, Some(Vec::new())); 1000]);
    resources.push(resource("t", 2, Some(vec!["cleanup.policy".into()])));
    let request = DescribeConfigsRequest { resources, ..Default::default() };
    let described = client.call(4, &request).await;
    let counts: Vec<_> = described.results.iter().map(|result| result.configs.len()).collect();
    let [topic, broker, only_one] = counts[..] else { panic!("each once: {counts:?}") };
    assert!(topic > 1 && broker > 1 && only_one == 1, "{counts:?}");
}

#[tokio::test]
async fn partitions_that_are_named_often_are_elected_and_reassigned_once() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 2).await;
    let mut client = cluster.connect(1).await;
    let named = |topic: &'static str, partitions: Vec<i32>| TopicPartitions {
        topic: topic.into(),
        partitions,
    };
    let all = || (0..100_000).flat_map(|partition| [partition; 2]).collect::<Vec<i32>>();
    let request = ElectLeadersRequest {
        topic_partitions: Some(vec![named("t", all()), named("t", all()), named("u", vec![0, 0])]),
        timeout_ms: 5000,
        ..Default::default()
    };
    let response = client.call(2, &request).await;
    let results = &response.replica_election_results;
    let counts: Vec<_> = results.iter().map(|topic| topic.partition_result.len()).collect();
    assert_eq!(counts, [100_000, 1]);
    let codes = results[0].partition_result.iter().map(|result| result.error_code);
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let needless = ErrorCode::ElectionNotNeeded.code();
    assert!(codes.eq((0..100_000).map(|n| if n < 2 { needless } else { unknown })));
    assert!(results[0].partition_result.iter().all(|result| result.error_message.is_none()));

    let reassigned =
        |replicas: Vec<i32>| ReassignablePartition { partition_index: 0, replicas: Some(replicas) };
    let topic = ReassignableTopic {
        name: "t".into(),
        partitions: vec![reassigned(vec![9]), reassigned(vec![1])],
    };
    let request = AlterPartitionReassignmentsRequest {
        topics: vec![topic.clone(), topic],
        timeout_ms: 5000,
        allow_replication_factor_change: true,
    };
    let response = client.call(0, &request).await;
    assert_eq!(response.responses.len(), 1);
    let results: Vec<_> =
        response.responses[0].partitions.iter().map(|result| result.error_code).collect();
    assert_eq!(results, [0], "the last entry counts");
}

#[tokio::test]
async fn a_response_that_would_be_too_large_ends_the_connection() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 100).await;
    let partitions = (0..100).map(|partition_index| OffsetCommitRequestPartition {
        partition_index,
        committed_offset: 0,
        committed_leader_epoch: -1,
        committed_metadata: Some("m".repeat(4000).into()),
        ..Default::default()
    });
    let commit = OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: -1,
        retention_time_ms: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: partitions.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    eventually("the group is loaded", || async {
        let mut client = cluster.connect(1).await;
        client.call(4, &find_group("g")).await;
        let committed = client.call(8, &commit).await;
        committed.topics[0].partitions.iter().all(|partition| partition.error_code == 0)
    })
    .await;
    let mut client = cluster.connect(1).await;
    let group =
        OffsetFetchRequestGroup { group_id: "g".into(), topics: None, ..Default::default() };
    let mut request = OffsetFetchRequest { groups: vec![group; 200], ..Default::default() };
    let fetched = client.call(8, &request).await;
    assert_eq!(fetched.groups.len(), 200, "80 MB are no reason");
    request.groups.extend(request.groups.clone());
    client.send(8, &request).await;
    assert!(client.is_closed_by_broker().await);
}
