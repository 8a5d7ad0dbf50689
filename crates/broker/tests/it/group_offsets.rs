//! Offsets of groups over the wire (behaviours 31 and 32).

use milena_protocol::{
    ErrorCode,
    messages::{
        fetch_response::PartitionData,
        join_group_response::JoinGroupResponse,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_delete_request::{
            OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
        },
        offset_fetch_request::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic,
            OffsetFetchRequestTopics,
        },
        offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponsePartitions},
    },
};
use milena_storage::disk::MemoryDisk;

use crate::{
    cluster::{Cluster, ClusterOptions, eventually},
    groups::{OFFSETS_TOPIC, alone, cluster, cluster_of, connect, coordinator},
    wire::{Client, batch, batches_in},
};

fn commit(group: &str, offsets: &[(&str, i32, i64)]) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        retention_time_ms: -1,
        topics: offsets
            .iter()
            .map(|(topic, partition, offset)| OffsetCommitRequestTopic {
                name: (*topic).into(),
                partitions: vec![OffsetCommitRequestPartition {
                    partition_index: *partition,
                    committed_offset: *offset,
                    committed_leader_epoch: 7,
                    commit_timestamp: -1,
                    committed_metadata: Some(format!("at {offset}").into()),
                }],
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

fn commit_as(joined: &JoinGroupResponse, offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        generation_id_or_member_epoch: joined.generation_id,
        member_id: joined.member_id.clone(),
        ..commit("g", &[("t", 0, offset)])
    }
}

async fn commit_codes(
    client: &mut Client,
    version: i16,
    request: &OffsetCommitRequest,
) -> Vec<i16> {
    let response = client.call(version, request).await;
    response.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code).collect()
}

/// One partition as versions before 8 ask for it.
async fn fetch_old(
    client: &mut Client,
    version: i16,
    group: &str,
) -> (i16, OffsetFetchResponsePartition) {
    let request = OffsetFetchRequest {
        group_id: group.into(),
        topics: Some(vec![OffsetFetchRequestTopic {
            name: "t".into(),
            partition_indexes: vec![0],
        }]),
        ..Default::default()
    };
    let mut response = client.call(version, &request).await;
    let partition = match response.topics.pop() {
        Some(mut topic) => topic.partitions.remove(0),
        None => OffsetFetchResponsePartition::default(),
    };
    (response.error_code, partition)
}

/// One partition as version 8 and 9 ask for it.
async fn fetch(
    client: &mut Client,
    version: i16,
    group: &str,
) -> (i16, OffsetFetchResponsePartitions) {
    let topic = OffsetFetchRequestTopics {
        name: "t".into(),
        partition_indexes: vec![0],
        ..Default::default()
    };
    let asked = OffsetFetchRequestGroup {
        group_id: group.into(),
        member_epoch: -1,
        topics: Some(vec![topic]),
        ..Default::default()
    };
    let request =
        OffsetFetchRequest { groups: vec![asked], require_stable: true, ..Default::default() };
    let mut group = client.call(version, &request).await.groups.remove(0);
    let partition = match group.topics.pop() {
        Some(mut topic) => topic.partitions.remove(0),
        None => OffsetFetchResponsePartitions::default(),
    };
    (group.error_code, partition)
}

#[tokio::test]
async fn an_unknown_group_has_no_offsets_and_no_error_in_any_version() {
    let cluster = cluster_of(1, "3.9").await;
    let mut client = connect(&cluster, "g").await;
    for version in 1..=7 {
        let (error, partition) = fetch_old(&mut client, version, "none").await;
        assert_eq!(
            (error, partition.error_code, partition.committed_offset),
            (0, 0, -1),
            "version {version}"
        );
        assert_eq!(partition.metadata.as_deref(), Some(""));
    }
    for version in 8..=9 {
        let (error, partition) = fetch(&mut client, version, "none").await;
        assert_eq!(
            (error, partition.error_code, partition.committed_offset),
            (0, 0, -1),
            "version {version}"
        );
        assert_eq!(partition.committed_leader_epoch, -1);
    }
    cluster.stop().await;
}

#[tokio::test]
async fn errors_of_a_group_are_each_partitions_before_version_2() {
    let cluster = cluster().await;
    let serving = coordinator(&cluster, "g").await;
    let mut client = cluster.connect(if serving == 1 { 2 } else { 1 }).await;
    let error = ErrorCode::NotCoordinator.code();
    let (top, partition) = fetch_old(&mut client, 1, "g").await;
    assert_eq!((top, partition.error_code, partition.committed_offset), (0, error, -1));
    let (top, _) = fetch_old(&mut client, 2, "g").await;
    assert_eq!(top, error);
    let (top, _) = fetch(&mut client, 8, "g").await;
    assert_eq!(top, error);
    assert_eq!(commit_codes(&mut client, 8, &commit("g", &[("t", 0, 1)])).await.len(), 1);
    cluster.stop().await;
}

#[tokio::test]
async fn offsets_with_metadata_and_epochs_survive_a_restart() {
    let mut cluster = cluster().await;
    cluster.create_topic("t", 1).await;
    let serving = coordinator(&cluster, "g").await;
    let mut client = cluster.connect(serving).await;
    for (version, offset) in [(2, 10), (5, 11), (6, 12), (8, 13), (9, 14)] {
        let codes = commit_codes(&mut client, version, &commit("g", &[("t", 0, offset)])).await;
        assert_eq!(codes, [0], "version {version}");
        let (_, partition) = fetch(&mut client, 9, "g").await;
        assert_eq!(partition.committed_offset, offset);
    }
    cluster.restart_broker(serving).await;
    let mut client = connect(&cluster, "g").await;
    let (error, partition) = fetch(&mut client, 9, "g").await;
    assert_eq!((error, partition.committed_offset, partition.committed_leader_epoch), (0, 14, 7));
    assert_eq!(partition.metadata.as_deref(), Some("at 14"));
    let (_, partition) = fetch_old(&mut client, 4, "g").await;
    assert_eq!((partition.committed_offset, partition.committed_leader_epoch), (14, -1));
    cluster.stop().await;
}

#[tokio::test]
async fn every_partition_of_a_commit_is_answered_in_its_place() {
    let cluster = cluster_of(1, "4.2").await;
    let id = cluster.create_topic("t", 2).await;
    let mut client = connect(&cluster, "g").await;
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let mut request = commit("g", &[("t", 1, 5), ("none", 0, 6), ("t", 2, 7), ("t", 0, 8)]);
    request.topics[3].partitions[0].committed_metadata = Some("x".repeat(5000).into());
    let too_large = ErrorCode::OffsetMetadataTooLarge.code();
    assert_eq!(commit_codes(&mut client, 9, &request).await, [0, unknown, unknown, too_large]);

    request.topics.truncate(2);
    request.topics[0].topic_id = id.0;
    request.topics[0].partitions[0].committed_offset = 9;
    let unknown_id = ErrorCode::UnknownTopicId.code();
    assert_eq!(commit_codes(&mut client, 10, &request).await, [0, unknown_id]);

    let topic = OffsetFetchRequestTopics {
        topic_id: id.0,
        partition_indexes: vec![0, 1],
        ..Default::default()
    };
    let gone = OffsetFetchRequestTopics { partition_indexes: vec![4], ..Default::default() };
    let asked = OffsetFetchRequestGroup {
        group_id: "g".into(),
        member_epoch: -1,
        topics: Some(vec![gone, topic]),
        ..Default::default()
    };
    let all = OffsetFetchRequestGroup { topics: None, ..asked.clone() };
    let request = OffsetFetchRequest { groups: vec![asked, all], ..Default::default() };
    let groups = client.call(10, &request).await.groups;
    assert_eq!(groups[0].topics[0].partitions[0].error_code, unknown_id);
    let offsets: Vec<i64> =
        groups[0].topics[1].partitions.iter().map(|p| p.committed_offset).collect();
    assert_eq!(offsets, [-1, 9]);
    assert_eq!((groups[1].topics.len(), groups[1].topics[0].topic_id), (1, id.0));
    cluster.stop().await;
}

#[tokio::test]
async fn members_commit_in_their_generation_and_outsiders_not_at_all() {
    let cluster = cluster_of(1, "3.9").await;
    cluster.create_topic("t", 1).await;
    let mut client = connect(&cluster, "g").await;
    let joined = alone(&mut client, "g").await;
    assert_eq!(commit_codes(&mut client, 8, &commit_as(&joined, 3)).await, [0]);
    let old = JoinGroupResponse { generation_id: 0, ..joined.clone() };
    let illegal = ErrorCode::IllegalGeneration.code();
    assert_eq!(commit_codes(&mut client, 8, &commit_as(&old, 4)).await, [illegal]);
    let unknown = ErrorCode::UnknownMemberId.code();
    assert_eq!(commit_codes(&mut client, 8, &commit("g", &[("t", 0, 5)])).await, [unknown]);
    let (_, partition) = fetch(&mut client, 9, "g").await;
    assert_eq!(partition.committed_offset, 3);
    cluster.stop().await;
}

#[tokio::test]
async fn an_offset_with_a_retention_time_expires_by_the_clock() {
    let settings =
        [("offsets.retention.check.interval.ms", "10"), ("offsets.topic.num.partitions", "1")];
    let kafka_config = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let options = ClusterOptions { brokers: 1, kafka_config, ..Default::default() };
    let cluster = Cluster::start_with(options).await;
    cluster.create_topic("t", 1).await;
    let mut client = connect(&cluster, "g").await;
    assert_eq!(commit_codes(&mut client, 4, &commit("kept", &[("t", 0, 2)])).await, [0]);
    let brief = OffsetCommitRequest { retention_time_ms: 50, ..commit("g", &[("t", 0, 1)]) };
    assert_eq!(commit_codes(&mut client, 4, &brief).await, [0]);
    eventually("the offset expired", || async {
        let mut client = cluster.connect(1).await;
        fetch(&mut client, 9, "g").await.1.committed_offset == -1
    })
    .await;
    assert_eq!(fetch(&mut client, 9, "kept").await.1.committed_offset, 2);
    cluster.stop().await;
}

fn delete(group: &str, topics: &[&str]) -> OffsetDeleteRequest {
    let topics = topics.iter().map(|name| OffsetDeleteRequestTopic {
        name: (*name).into(),
        partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }],
    });
    OffsetDeleteRequest { group_id: group.into(), topics: topics.collect() }
}

#[tokio::test]
async fn offsets_are_deleted_unless_the_topic_is_subscribed_or_unknown() {
    let cluster = cluster_of(1, "3.9").await;
    cluster.create_topic("t", 1).await;
    cluster.create_topic("u", 1).await;
    let mut client = connect(&cluster, "g").await;
    let missing = client.call(0, &delete("g", &["t"])).await;
    assert_eq!(missing.error_code, ErrorCode::GroupIdNotFound.code());
    assert_eq!(
        commit_codes(&mut client, 8, &commit("g", &[("t", 0, 1), ("u", 0, 2)])).await,
        [0, 0]
    );
    alone(&mut client, "g").await;
    let deleted = client.call(0, &delete("g", &["none", "t", "u"])).await;
    let codes: Vec<i16> =
        deleted.topics.iter().map(|topic| topic.partitions[0].error_code).collect();
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(codes, [unknown, ErrorCode::GroupSubscribedToTopic.code(), 0]);
    let all = OffsetFetchRequest { group_id: "g".into(), topics: None, ..Default::default() };
    let left = client.call(7, &all).await;
    assert_eq!((left.topics.len(), left.topics[0].name.as_str()), (1, "t"));
    cluster.stop().await;
}

#[tokio::test]
async fn offsets_of_a_deleted_topic_go_with_it() {
    let cluster = cluster().await;
    let id = cluster.create_topic("t", 1).await;
    let mut client = connect(&cluster, "g").await;
    assert_eq!(commit_codes(&mut client, 8, &commit("g", &[("t", 0, 1)])).await, [0]);
    cluster.metadata.delete_topic(&"t".parse().unwrap(), id).await.expect("the topic is deleted");
    eventually("the offset is gone", || async {
        let mut client = connect(&cluster, "g").await;
        fetch(&mut client, 9, "g").await.1.committed_offset == -1
    })
    .await;
    cluster.stop().await;
}

/// The broker is busy with partitions when a topic is deleted, made again, and committed for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_of_a_topic_that_is_made_again_are_its_own() {
    let cluster = cluster_of(1, "3.9").await;
    let old = cluster.create_topic("t", 1).await;
    let mut client = connect(&cluster, "g").await;
    assert_eq!(commit_codes(&mut client, 8, &commit("g", &[("t", 0, 1)])).await, [0]);
    let create = |name: &str, partitions| milena_metadata::NewTopic {
        name: name.parse().unwrap(),
        placement: milena_metadata::Placement::Spread { partitions, replication_factor: 1 },
        configs: std::collections::BTreeMap::new(),
    };
    for round in 0..4 {
        let id = if round == 0 { old } else { cluster.any_topic_id("t") };
        let busy = create(&format!("busy{round}"), 300);
        let busy = cluster.metadata.create_topic(&busy).await.expect("made");
        cluster.metadata.delete_topic(&"t".parse().unwrap(), id).await.expect("deleted");
        let again = cluster.metadata.create_topic(&create("t", 1)).await.expect("made again");
        let images = cluster.any().images().clone();
        images.wait_for(again.revision).await.expect("images are kept");
        assert_eq!(fetch(&mut client, 9, "g").await.1.committed_offset, -1, "the old topic's");
        let produced = client.produce(9, "t", 0, batch(&["new"]).into_bytes()).await;
        assert_eq!(commit_codes(&mut client, 8, &commit("g", &[("t", 0, 5)])).await, [0]);
        eventually("what kept the broker busy is open", || async {
            let last = milena_types::PartitionIndex(busy.replicas.len() as i32 - 1);
            cluster.broker(1).open_partition(&format!("busy{round}"), last).is_some()
                && cluster.broker(1).open_partition("t", milena_types::PartitionIndex(0)).is_some()
        })
        .await;
        assert_eq!(fetch(&mut client, 9, "g").await.1.committed_offset, 5);
        let data = client.fetch(12, "t", 0, 0).await;
        let is_there = !batches_in(&data).is_empty();
        assert_eq!(is_there, produced.error_code == 0, "acknowledged into the old topic");
    }
    cluster.stop().await;
}

async fn log_start(client: &mut Client, partition: i32) -> i64 {
    let asked = ListOffsetsPartition {
        partition_index: partition,
        current_leader_epoch: -1,
        timestamp: -2,
        ..Default::default()
    };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic { name: OFFSETS_TOPIC.into(), partitions: vec![asked] }],
        ..Default::default()
    };
    client.call(7, &request).await.topics[0].partitions[0].offset
}

#[tokio::test]
async fn the_log_of_groups_is_kept_short_and_loses_nothing() {
    let settings =
        [("offsets.topic.num.partitions", "1"), ("group.initial.rebalance.delay.ms", "0")];
    let kafka_config = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let tuning =
        milena_broker::BrokerTuning { group_log_growth_bytes: 8 << 10, ..Default::default() };
    let options = ClusterOptions { brokers: 1, kafka_config, tuning, ..Default::default() };
    let mut cluster = Cluster::start_with(options).await;
    cluster.create_topic("t", 1).await;
    let mut client = connect(&cluster, "g").await;
    let joined = alone(&mut client, "g").await;
    assert_eq!(commit_codes(&mut client, 8, &commit("other", &[("t", 0, 77)])).await, [0]);
    let mut offset = 0;
    while log_start(&mut client, 0).await == 0 {
        offset += 1;
        assert_eq!(commit_codes(&mut client, 8, &commit_as(&joined, offset)).await, [0]);
        assert!(offset < 5_000, "the log start does not move");
    }
    cluster.restart_broker(1).await;
    let mut client = connect(&cluster, "g").await;
    assert_eq!(fetch(&mut client, 9, "g").await.1.committed_offset, offset);
    assert_eq!(fetch(&mut client, 9, "other").await.1.committed_offset, 77);
    assert_eq!(
        commit_codes(&mut client, 8, &commit_as(&joined, offset + 1)).await,
        [0],
        "still a member"
    );
    cluster.stop().await;
}

/// A log of some 6 MB, whose reads are decoded side by side.
#[tokio::test]
async fn a_log_of_many_reads_is_loaded_in_its_order() {
    let settings =
        [("offsets.topic.num.partitions", "1"), ("group.initial.rebalance.delay.ms", "0")];
    let kafka_config = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let options = ClusterOptions { brokers: 1, kafka_config, ..Default::default() };
    let mut cluster = Cluster::start_with(options).await;
    cluster.create_topic("t", 1_000).await;
    let mut client = connect(&cluster, "g").await;
    let commits = 60;
    for offset in 1..=commits {
        let offsets: Vec<_> = (0..1_000).map(|partition| ("t", partition, offset)).collect();
        let mut request = commit("g", &offsets);
        let topics = std::mem::take(&mut request.topics);
        request.topics = vec![OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: topics.into_iter().flat_map(|topic| topic.partitions).collect(),
            ..Default::default()
        }];
        assert!(commit_codes(&mut client, 8, &request).await.iter().all(|code| *code == 0));
    }
    cluster.restart_broker(1).await;
    let mut client = connect(&cluster, "g").await;
    let all = OffsetFetchRequestGroup { group_id: "g".into(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![all], ..Default::default() };
    let group = client.call(8, &request).await.groups.remove(0);
    let fetched: Vec<_> = group.topics.iter().flat_map(|topic| &topic.partitions).collect();
    assert_eq!((group.error_code, fetched.len()), (0, 1_000));
    assert!(fetched.iter().all(|partition| partition.committed_offset == commits));
    cluster.stop().await;
}

#[tokio::test]
async fn commits_of_many_clients_share_batches() {
    let cluster = cluster_of(1, "3.9").await;
    cluster.create_topic("t", 1).await;
    connect(&cluster, "g0").await;
    let commits = (0..32).map(|i| {
        let cluster = &cluster;
        async move {
            let mut client = cluster.connect(1).await;
            let group = format!("g{i}");
            for offset in 0..5 {
                assert_eq!(
                    commit_codes(&mut client, 8, &commit(&group, &[("t", 0, offset)])).await,
                    [0]
                );
            }
        }
    });
    futures_util::future::join_all(commits).await;
    let mut client = cluster.connect(1).await;
    let (mut records, mut batches) = (0, 0);
    for partition in 0..3 {
        let data: PartitionData = client.fetch(12, OFFSETS_TOPIC, partition, 0).await;
        for batch in batches_in(&data) {
            batches += 1;
            records += batch.header().record_count;
        }
    }
    assert_eq!(records, 160);
    assert!(batches < records, "{batches} batches of {records} records");
    for i in 0..32 {
        assert_eq!(fetch(&mut client, 9, &format!("g{i}")).await.1.committed_offset, 4);
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_disk_delays_is_what_the_log_has() {
    let disk = MemoryDisk::default();
    let settings =
        [("group.initial.rebalance.delay.ms", "0"), ("offsets.topic.num.partitions", "1")];
    let kafka_config = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let options =
        ClusterOptions { brokers: 1, disk: Some(disk.clone()), kafka_config, ..Default::default() };
    let mut cluster = Cluster::start_with(options).await;
    cluster.create_topic("t", 1).await;
    let mut client = connect(&cluster, "g").await;
    assert_eq!(commit_codes(&mut client, 8, &commit("g", &[("t", 0, 5)])).await, [0]);

    disk.hold_syncs(true);
    let delayed = client.send(8, &commit("g", &[("t", 0, 6)])).await;
    disk.wait_for_held_sync();
    disk.fail_syncs(u32::MAX);
    disk.hold_syncs(false);
    // The chunk is delayed: appends after it are refused.
    let mut producer = cluster.connect(1).await;
    let refused = producer.produce(9, "t", 0, batch(&["a"]).into_bytes()).await;
    assert_eq!(refused.error_code, ErrorCode::KafkaStorageError.code());
    disk.fail_syncs(0);
    let response = client.receive::<OffsetCommitRequest>(8, delayed).await;
    assert_eq!(response.topics[0].partitions[0].error_code, 0);
    let before = fetch(&mut client, 8, "g").await.1.committed_offset;
    cluster.restart_broker(1).await;
    let mut client = connect(&cluster, "g").await;
    assert_eq!((before, fetch(&mut client, 8, "g").await.1.committed_offset), (6, 6));
}
