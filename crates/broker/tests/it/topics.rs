//! CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords, DescribeLogDirs.

use milena_protocol::{
    ErrorCode, KString, Uuid,
    messages::{
        create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic},
        create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        create_topics_response::CreatableTopicResult,
        delete_records_request::{
            DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
        },
        delete_records_response::DeleteRecordsPartitionResult,
        delete_topics_request::{DeleteTopicState, DeleteTopicsRequest},
        describe_log_dirs_request::{DescribableLogDirTopic, DescribeLogDirsRequest},
        metadata_request::{MetadataRequest, MetadataRequestTopic},
    },
};

use milena_runtime::Runtime;
use milena_store::{FaultyStore, MemoryStore};
use milena_types::{Offset, PartitionIndex};
use tokio::time::timeout;

use crate::{
    cluster::{Cluster, ClusterOptions, DEADLINE, eventually},
    wire::{Client, batch, only_produced, produce_request},
};

fn topic(name: &str, partitions: i32, replicas: i16) -> CreatableTopic {
    CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: replicas,
        ..Default::default()
    }
}

fn create(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest { topics, timeout_ms: 10_000, validate_only: false }
}

async fn create_one(
    client: &mut Client,
    version: i16,
    topic: CreatableTopic,
) -> CreatableTopicResult {
    let mut response = client.call(version, &create(vec![topic])).await;
    assert_eq!(response.topics.len(), 1);
    response.topics.remove(0)
}

fn delete(names: &[&str]) -> DeleteTopicsRequest {
    let state =
        |name: &&str| DeleteTopicState { name: Some((*name).into()), topic_id: Uuid::nil() };
    DeleteTopicsRequest {
        topics: names.iter().map(state).collect(),
        topic_names: names.iter().map(|name| KString::from(*name)).collect(),
        timeout_ms: 10_000,
    }
}

async fn exists(client: &mut Client, name: &str) -> bool {
    let topics = Some(vec![MetadataRequestTopic { name: Some(name.into()), ..Default::default() }]);
    let request =
        MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() };
    client.call(9, &request).await.topics[0].error_code == 0
}

#[tokio::test]
async fn a_topic_can_be_written_to_as_soon_as_its_creation_is_answered() {
    let cluster = Cluster::single().await;
    let mut client = cluster.connect(1).await;
    for n in 0..20 {
        let name = format!("t{n}");
        let created = create_one(&mut client, 7, topic(&name, 3, 1)).await;
        assert_eq!((created.error_code, created.error_message.as_deref()), (0, None));
        let batch = batch(&["a"]).bytes().clone();
        for partition in 0..3 {
            let produced =
                client.call(9, &produce_request(&name, &[(partition, batch.clone())], -1)).await;
            assert_eq!(only_produced(produced).error_code, 0, "{name}-{partition}");
        }
    }
    cluster.stop().await;
}

#[tokio::test]
async fn every_version_of_create_and_delete_is_answered() {
    let cluster = Cluster::start().await;
    let mut client = cluster.connect(2).await;
    for version in 0..=7 {
        let name = format!("v{version}");
        let mut wanted = topic(&name, 2, 3);
        wanted.configs =
            vec![CreatableTopicConfig { name: "retention.ms".into(), value: Some("60000".into()) }];
        let created = create_one(&mut client, version, wanted).await;
        assert_eq!((&*created.name, created.error_code), (&*name, 0));
        assert_eq!(created.topic_id.is_nil(), version < 7);
        if version >= 5 {
            assert_eq!((created.num_partitions, created.replication_factor), (2, 3));
            let configs = created.configs.unwrap();
            let retention = configs.iter().find(|config| config.name == "retention.ms").unwrap();
            assert_eq!((retention.value.as_deref(), retention.config_source), (Some("60000"), 1));
            assert!(
                configs
                    .iter()
                    .any(|config| config.name == "cleanup.policy" && config.config_source == 5)
            );
        }
    }
    for version in 0..=6 {
        let name = format!("v{version}");
        let deleted = client.call(version, &delete(&[&name, "missing"])).await.responses;
        let codes: Vec<i16> = deleted.iter().map(|topic| topic.error_code).collect();
        assert_eq!(codes, [0, ErrorCode::UnknownTopicOrPartition.code()], "version {version}");
        assert!(!exists(&mut client, &name).await);
    }
    assert!(exists(&mut client, "v7").await);
    cluster.stop().await;
}

#[tokio::test]
async fn a_topic_named_twice_is_answered_once() {
    let cluster = Cluster::single().await;
    let mut client = cluster.connect(1).await;
    let topics = vec![
        topic("b", 1, 1),
        topic("a", 1, 1),
        topic("b", 2, 1),
        topic("a.x", 1, 1),
        topic("a_x", 1, 1),
    ];
    let response = client.call(5, &create(topics)).await;
    let codes: Vec<(&str, i16)> =
        response.topics.iter().map(|t| (&*t.name, t.error_code)).collect();
    let (twice, collides) = (ErrorCode::InvalidRequest.code(), ErrorCode::InvalidTopic.code());
    assert_eq!(codes, [("b", twice), ("a", 0), ("a.x", 0), ("a_x", collides)]);
    let grow =
        |name: &str| CreatePartitionsTopic { name: name.into(), count: 3, assignments: None };
    let request = CreatePartitionsRequest {
        topics: vec![grow("a"), grow("missing"), grow("a.x"), grow("a")],
        timeout_ms: 10_000,
        validate_only: false,
    };
    let response = client.call(3, &request).await;
    let codes: Vec<(&str, i16)> =
        response.results.iter().map(|t| (&*t.name, t.error_code)).collect();
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(codes, [("a", twice), ("missing", unknown), ("a.x", 0)]);
    cluster.stop().await;
}

#[tokio::test]
async fn new_partitions_can_be_written_to_and_old_ones_keep_their_records() {
    let cluster = Cluster::single().await;
    let mut client = cluster.connect(1).await;
    create_one(&mut client, 7, topic("t", 1, 1)).await;
    let bytes = batch(&["a", "b"]).bytes().clone();
    client.call(9, &produce_request("t", &[(0, bytes.clone())], -1)).await;
    for (version, count) in (0..=3).zip(2..) {
        let topics = vec![CreatePartitionsTopic { name: "t".into(), count, assignments: None }];
        let request = CreatePartitionsRequest { topics, timeout_ms: 10_000, validate_only: false };
        let response = client.call(version, &request).await;
        assert_eq!(response.results[0].error_code, 0, "version {version}");
        let produced =
            client.call(9, &produce_request("t", &[(count - 1, bytes.clone())], -1)).await;
        assert_eq!(only_produced(produced).base_offset, 0);
    }
    let topics = vec![CreatePartitionsTopic { name: "t".into(), count: 2, assignments: None }];
    let request = CreatePartitionsRequest { topics, timeout_ms: 10_000, validate_only: false };
    let shrunk = client.call(3, &request).await;
    assert_eq!(shrunk.results[0].error_code, ErrorCode::InvalidPartitions.code());
    let produced = client.call(9, &produce_request("t", &[(0, bytes)], -1)).await;
    assert_eq!(only_produced(produced).base_offset, 2);
    cluster.stop().await;
}

#[tokio::test]
async fn a_topic_made_again_is_empty_and_has_another_id() {
    let cluster = Cluster::single().await;
    let mut client = cluster.connect(1).await;
    let first = create_one(&mut client, 7, topic("t", 1, 1)).await.topic_id;
    let bytes = batch(&["old"]).bytes().clone();
    client.call(9, &produce_request("t", &[(0, bytes.clone())], -1)).await;
    let by_id = DeleteTopicsRequest {
        topics: vec![DeleteTopicState { name: None, topic_id: first }],
        timeout_ms: 10_000,
        ..Default::default()
    };
    let deleted = client.call(6, &by_id).await.responses.remove(0);
    assert_eq!(
        (deleted.error_code, deleted.name.as_deref(), deleted.topic_id),
        (0, Some("t"), first)
    );
    let second = create_one(&mut client, 7, topic("t", 1, 1)).await.topic_id;
    assert_ne!(first, second);
    let produced = client.call(9, &produce_request("t", &[(0, bytes)], -1)).await;
    assert_eq!(only_produced(produced).base_offset, 0);
    let stale = client.call(6, &by_id).await.responses.remove(0);
    assert_eq!((stale.error_code, stale.name), (ErrorCode::UnknownTopicId.code(), None));
    cluster.stop().await;
}

async fn delete_records(
    client: &mut Client,
    name: &str,
    offset: i64,
) -> DeleteRecordsPartitionResult {
    delete_records_within(client, name, offset, 10_000).await
}

async fn delete_records_within(
    client: &mut Client,
    name: &str,
    offset: i64,
    timeout_ms: i32,
) -> DeleteRecordsPartitionResult {
    let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset }];
    let topics = vec![DeleteRecordsTopic { name: name.into(), partitions }];
    let mut response = client.call(2, &DeleteRecordsRequest { topics, timeout_ms }).await;
    response.topics.remove(0).partitions.remove(0)
}

#[tokio::test]
async fn deleting_records_moves_the_log_start_and_never_back() {
    let cluster = Cluster::start().await;
    cluster.create_topic("t", 1).await;
    cluster.create_topic_with("compacted", 1, &[("cleanup.policy", "compact")]).await;
    let mut client = cluster.connect_to_leader("t", 0).await;
    let bytes = batch(&["a", "b", "c", "d"]).bytes().clone();
    client.call(9, &produce_request("t", &[(0, bytes)], -1)).await;
    for (offset, code, low) in [
        (2, ErrorCode::None, 2),
        (1, ErrorCode::None, 2),
        (5, ErrorCode::OffsetOutOfRange, -1),
        (-2, ErrorCode::OffsetOutOfRange, -1),
        (-1, ErrorCode::None, 4),
    ] {
        let deleted = delete_records(&mut client, "t", offset).await;
        assert_eq!(
            (deleted.error_code, deleted.low_watermark),
            (code.code(), low),
            "offset {offset}"
        );
    }
    let missing = delete_records(&mut client, "missing", 0).await;
    assert_eq!(missing.error_code, ErrorCode::UnknownTopicOrPartition.code());
    let internal = delete_records(&mut client, "__consumer_offsets", 0).await;
    assert_eq!(internal.error_code, ErrorCode::InvalidTopic.code());
    let mut leader = cluster.connect_to_leader("compacted", 0).await;
    let compacted = delete_records(&mut leader, "compacted", 0).await;
    assert_eq!(compacted.error_code, ErrorCode::PolicyViolation.code());
    let mut follower = cluster.connect(cluster.follower("t", 0)).await;
    let elsewhere = delete_records(&mut follower, "t", 0).await;
    assert_eq!(elsewhere.error_code, ErrorCode::NotLeaderOrFollower.code());
    cluster.stop().await;
}

#[tokio::test]
async fn a_deletion_that_takes_longer_than_its_request_goes_on_without_it() {
    let store = FaultyStore::new(MemoryStore::new(&Runtime::system()));
    let options =
        ClusterOptions { brokers: 1, store: Some(store.clone()), ..ClusterOptions::default() };
    let cluster = Cluster::start_with(options).await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let bytes = batch(&["a", "b", "c", "d"]).bytes().clone();
    client.call(9, &produce_request("t", &[(0, bytes)], -1)).await;
    store.hold_putting(Some(&milena_metadata::storage_prefix(cluster.id())));
    // The second waits for the first, and never begins.
    for offset in [2, 3] {
        let deletion = delete_records_within(&mut client, "t", offset, 100);
        let late = timeout(DEADLINE, deletion).await.expect("a response at the deadline");
        assert_eq!((late.error_code, late.low_watermark), (ErrorCode::RequestTimedOut.code(), -1));
    }
    let partition =
        cluster.broker(1).open_partition("t", PartitionIndex(0)).expect("it is led here");
    assert_eq!(partition.bounds().log_start, Offset(0));
    store.hold_putting(None);
    eventually("the first deletion has ended", || async {
        partition.bounds().log_start == Offset(2)
    })
    .await;
    assert_eq!(delete_records(&mut client, "t", 1).await.low_watermark, 2);
    cluster.stop().await;
}

#[tokio::test]
async fn one_request_adds_no_more_partitions_than_a_request_may() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    cluster.create_topic("u", 1).await;
    let mut client = cluster.connect(1).await;
    for (count, expected) in [(5_001, ErrorCode::None), (5_002, ErrorCode::PolicyViolation)] {
        let topic =
            |name: &str| CreatePartitionsTopic { name: name.into(), count, assignments: None };
        let topics = vec![topic("t"), topic("u")];
        let request = CreatePartitionsRequest { topics, timeout_ms: 10_000, validate_only: true };
        let response = client.call(3, &request).await;
        assert!(response.results.iter().all(|result| result.error_code == expected.code()));
    }
    cluster.stop().await;
}

#[tokio::test]
async fn log_dirs_list_the_replicas_of_every_broker() {
    let cluster = Cluster::start().await;
    cluster.create_topic("t", 2).await;
    let leader = cluster.leader("t", 0);
    let bytes = batch(&["a"]).bytes().clone();
    let mut client = cluster.connect(leader).await;
    client.call(9, &produce_request("t", &[(0, bytes.clone())], -1)).await;
    for broker in 1..=3 {
        let mut client = cluster.connect(broker).await;
        let response = client.call(4, &DescribeLogDirsRequest { topics: None }).await;
        let listed = &response.results[0].topics[0].partitions;
        assert_eq!(listed.iter().map(|p| p.partition_index).collect::<Vec<_>>(), [0, 1]);
        let size = if broker == leader { bytes.len() as i64 } else { 0 };
        assert_eq!((listed[0].partition_size, listed[0].offset_lag), (size, 0), "{broker}");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn log_dirs_tell_the_size_of_what_was_written() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 2).await;
    cluster.create_topic("u", 1).await;
    let mut client = cluster.connect(1).await;
    let bytes = batch(&["a", "b", "c", "d"]).bytes().clone();
    client.call(9, &produce_request("t", &[(1, bytes.clone())], -1)).await;
    let asked = |topics: Option<&[(&str, &[i32])]>| DescribeLogDirsRequest {
        topics: topics.map(|topics| {
            let topic = |(name, n): &(&str, &[i32])| DescribableLogDirTopic {
                topic: (*name).into(),
                partitions: n.to_vec(),
            };
            topics.iter().map(topic).collect()
        }),
    };
    for version in 0..=4 {
        let response = client.call(version, &asked(None)).await;
        let dir = &response.results[0];
        let sizes: Vec<(&str, i32, i64)> = dir
            .topics
            .iter()
            .flat_map(|t| {
                t.partitions.iter().map(|p| (&*t.name, p.partition_index, p.partition_size))
            })
            .collect();
        assert_eq!(sizes, [("t", 0, 0), ("t", 1, bytes.len() as i64), ("u", 0, 0)]);
        assert_eq!((response.error_code, dir.error_code), (0, 0));
        assert!(dir.log_dir.ends_with("broker-1"));
        assert_eq!(dir.usable_bytes > 0 && dir.total_bytes >= dir.usable_bytes, version >= 4);
    }
    let response = client.call(4, &asked(Some(&[("t", &[1, 7]), ("missing", &[0])]))).await;
    let topics = &response.results[0].topics;
    assert_eq!((topics.len(), topics[0].partitions.len()), (1, 1));
    cluster.stop().await;
}
