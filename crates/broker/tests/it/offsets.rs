//! Behaviours 33 and 34: offsets by time and by leader epoch.

use milena_protocol::{
    ErrorCode,
    messages::{
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
        list_offsets_response::ListOffsetsPartitionResponse,
        offset_for_leader_epoch_request::{
            OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
        },
        offset_for_leader_epoch_response::EpochEndOffset,
    },
};
use milena_records::{BatchBuilder, Compression, NewRecord};
use milena_types::Timestamp;

use crate::{
    cluster::Cluster,
    wire::{Client, batch},
};

async fn list(client: &mut Client, version: i16, timestamp: i64) -> ListOffsetsPartitionResponse {
    list_with(
        client,
        version,
        ListOffsetsPartition { timestamp, max_num_offsets: 10, ..partition() },
    )
    .await
}

fn partition() -> ListOffsetsPartition {
    ListOffsetsPartition { partition_index: 0, current_leader_epoch: -1, ..Default::default() }
}

async fn list_with(
    client: &mut Client,
    version: i16,
    partition: ListOffsetsPartition,
) -> ListOffsetsPartitionResponse {
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic { name: "t".into(), partitions: vec![partition] }],
        ..Default::default()
    };
    let mut response = client.call(version, &request).await;
    assert_eq!(response.topics.len(), 1);
    response.topics.remove(0).partitions.remove(0)
}

/// Two batches, compressed, with times out of order: 100, 300, 200 and 300, 50.
async fn two_batches(client: &mut Client) {
    for times in [&[100, 300, 200][..], &[300, 50]] {
        let mut builder = BatchBuilder::new(Compression::Lz4);
        for time in times {
            let value = Some(&b"v"[..]);
            builder.push(&NewRecord { timestamp: Timestamp(*time), value, ..Default::default() });
        }
        let batch = builder.build().expect("a batch").into_bytes();
        assert_eq!(client.produce(9, "t", 0, batch).await.error_code, 0);
    }
}

#[tokio::test]
async fn offsets_by_time_are_exact_to_the_record() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    two_batches(&mut client).await;
    for version in 1..=8 {
        for (time, offset, found) in
            [(0, 0, 100), (100, 0, 100), (101, 1, 300), (300, 1, 300), (301, -1, -1)]
        {
            let answer = list(&mut client, version, time).await;
            assert_eq!(
                (answer.error_code, answer.offset, answer.timestamp),
                (0, offset, found),
                "v{version} at {time}"
            );
            let epoch = if version >= 4 && offset >= 0 { 0 } else { -1 };
            assert_eq!(answer.leader_epoch, epoch, "v{version} at {time}");
        }
    }
}

#[tokio::test]
async fn special_times_name_the_ends_and_the_latest_record() {
    let cluster = Cluster::of_version("4.1").await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let empty = list(&mut client, 8, -3).await;
    assert_eq!(
        (empty.error_code, empty.offset, empty.timestamp),
        (0, -1, -1),
        "no record, no latest"
    );
    two_batches(&mut client).await;
    for (version, time, offset, timestamp) in
        [(1, -1, 5, -1), (1, -2, 0, -1), (7, -3, 1, 300), (8, -4, 0, -1), (9, -5, -1, -1)]
    {
        let answer = list(&mut client, version, time).await;
        assert_eq!(
            (answer.error_code, answer.offset, answer.timestamp),
            (0, offset, timestamp),
            "v{version} {time}"
        );
    }
    for (version, time) in [(6, -3), (7, -4), (8, -5), (9, -6)] {
        let answer = list(&mut client, version, time).await;
        assert_eq!(answer.error_code, ErrorCode::UnsupportedVersion.code(), "v{version} {time}");
    }
}

#[tokio::test]
async fn version_0_answers_boundaries_at_or_before_the_time() {
    let cluster = Cluster::of_version("2.8").await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    two_batches(&mut client).await;
    for (time, offsets) in
        [(-1, vec![5, 0]), (-2, vec![0]), (400, vec![5, 0]), (150, vec![0]), (100, vec![])]
    {
        assert_eq!(list(&mut client, 0, time).await.old_style_offsets, offsets, "{time}");
    }
    let one = ListOffsetsPartition { timestamp: -1, max_num_offsets: 1, ..partition() };
    assert_eq!(list_with(&mut client, 0, one).await.old_style_offsets, [5]);
}

#[tokio::test]
async fn unknown_partitions_and_other_leaders_are_told() {
    let cluster = Cluster::start().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(cluster.follower("t", 0)).await;
    let answer = list(&mut client, 5, -1).await;
    assert_eq!(answer.error_code, ErrorCode::NotLeaderOrFollower.code());
    let unknown = ListOffsetsPartition { partition_index: 5, timestamp: -1, ..partition() };
    let answer = list_with(&mut client, 5, unknown).await;
    assert_eq!(answer.error_code, ErrorCode::UnknownTopicOrPartition.code());
    let mut client = cluster.connect_to_leader("t", 0).await;
    let newer = ListOffsetsPartition { current_leader_epoch: 3, timestamp: -1, ..partition() };
    let answer = list_with(&mut client, 5, newer).await;
    assert_eq!(answer.error_code, ErrorCode::UnknownLeaderEpoch.code());
}

async fn end_of(client: &mut Client, version: i16, current: i32, epoch: i32) -> EpochEndOffset {
    let request = OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: vec![OffsetForLeaderTopic {
            topic: "t".into(),
            partitions: vec![OffsetForLeaderPartition {
                partition: 0,
                current_leader_epoch: current,
                leader_epoch: epoch,
            }],
        }],
    };
    client.call(version, &request).await.topics.remove(0).partitions.remove(0)
}

#[tokio::test]
async fn a_leader_epoch_ends_where_the_next_one_that_wrote_begins() {
    let mut cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let produce = async |cluster: &Cluster, values: &[&str]| {
        cluster.served("t", 1).await;
        let mut client = cluster.connect(1).await;
        assert_eq!(client.produce(9, "t", 0, batch(values).into_bytes()).await.error_code, 0);
    };
    produce(&cluster, &["a", "b"]).await; // Epoch 0.
    cluster.restart_broker(1).await; // Epoch 1 writes nothing.
    cluster.restart_broker(1).await;
    produce(&cluster, &["c"]).await; // Epoch 2.
    let mut client = cluster.connect(1).await;
    for version in 2..=4 {
        for (asked, epoch, end) in [(0, 0, 2), (1, 0, 2), (2, 2, 3), (3, -1, -1)] {
            let answer = end_of(&mut client, version, -1, asked).await;
            let found = (answer.error_code, answer.leader_epoch, answer.end_offset);
            assert_eq!(found, (0, epoch, end), "v{version} epoch {asked}");
        }
    }
    assert_eq!(end_of(&mut client, 4, 1, 0).await.error_code, ErrorCode::FencedLeaderEpoch.code());
    assert_eq!(end_of(&mut client, 4, 9, 0).await.error_code, ErrorCode::UnknownLeaderEpoch.code());
}
