//! Behaviour 26: message sets of before record batches, taken and given, as Apache Kafka 2.8 and
//! 3.9 take and give them.

use bytes::Bytes;
use milena_protocol::{
    ErrorCode,
    messages::{
        create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        fetch_response::PartitionData,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    },
};
use milena_records::{
    BatchBuilder, Compression, NewRecord,
    control::{EndTransactionMarker, TransactionResult},
    legacy::{self, Message, MessageFormat},
    magic_of, split,
};
use milena_storage::{AppendOptions, Origin};
use milena_types::{Offset, PartitionIndex, ProducerEpoch, ProducerId, Timestamp};

use crate::{
    cluster::Cluster,
    wire::{
        Client, batch, batches_in, compressed, fetch_request, only_fetched, records_in, sequenced,
    },
};

/// A message set as an old producer writes it.
fn set_of(values: &[&str], format: MessageFormat, codec: Compression) -> Bytes {
    let source = compressed(values, codec);
    legacy::down_convert([&source], format, Offset(0), 1 << 20).expect("a message set")
}

fn message_set(values: &[&str]) -> Bytes {
    set_of(values, MessageFormat::Magic1, Compression::None)
}

fn messages_in(data: &PartitionData) -> Vec<Message> {
    let set = data.records.as_ref().expect("records are never null").to_bytes();
    legacy::messages(&set, 1 << 20).expect("a message set").messages
}

fn offsets_in(data: &PartitionData) -> Vec<i64> {
    messages_in(data).iter().map(|message| message.offset.raw()).collect()
}

async fn fetch_at_most(
    client: &mut Client,
    version: i16,
    offset: i64,
    bytes_max: i32,
) -> PartitionData {
    let mut request = fetch_request("t", &[(0, offset)]);
    request.topics[0].partitions[0].partition_max_bytes = bytes_max;
    only_fetched(client.call(version, &request).await)
}

#[tokio::test]
async fn message_sets_of_old_clients_become_batches_and_come_back_as_message_sets() {
    let cluster = Cluster::of_version("2.8").await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let produced = client.produce(2, "t", 0, message_set(&["old", "client"])).await;
    assert_eq!((produced.error_code, produced.base_offset), (0, 0));
    let data = client.fetch(12, "t", 0, 0).await;
    assert_eq!(records_in(&data), [(0, "old".to_owned()), (1, "client".to_owned())]);
    for version in 0..=3 {
        let messages = messages_in(&client.fetch(version, "t", 0, 1).await);
        assert_eq!(messages.len(), 1, "version {version}");
        assert_eq!(messages[0].value.as_deref(), Some(&b"client"[..]), "version {version}");
    }
}

#[tokio::test]
async fn a_topic_without_down_conversion_refuses_old_consumers() {
    let cluster = Cluster::of_version("3.9").await;
    cluster.create_topic_with("t", 1, &[("message.downconversion.enable", "false")]).await;
    let mut client = cluster.connect(1).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
    assert_eq!(client.fetch(3, "t", 0, 0).await.error_code, ErrorCode::UnsupportedVersion.code());
    assert_eq!(client.fetch(4, "t", 0, 0).await.error_code, 0);
}

#[tokio::test]
async fn what_a_version_of_produce_does_not_carry_is_refused_with_kafkas_code() {
    let cluster = Cluster::of_version("2.8").await;
    cluster.create_topic("t", 1).await;
    cluster.create_topic_with("compacted", 1, &[("cleanup.policy", "compact")]).await;
    let mut client = cluster.connect(1).await;
    let (old, gzip) = (MessageFormat::Magic0, Compression::Gzip);
    let magic_0 = set_of(&["a"], old, Compression::None);
    let wrapper = set_of(&["a", "b"], MessageFormat::Magic1, gzip);
    let mut unknown = message_set(&["a"]).to_vec();
    unknown[16] = 3;
    let mut damaged = message_set(&["a"]).to_vec();
    *damaged.last_mut().expect("bytes") ^= 1;
    let mut builder = BatchBuilder::new(Compression::None).log_append_time(Timestamp(9));
    builder.push(&NewRecord { value: Some(b"a"), ..NewRecord::default() });
    let stamped = builder.build().expect("a batch");
    let stamped_set =
        legacy::down_convert([&stamped], MessageFormat::Magic1, Offset(0), 1 << 20).expect("a set");
    let cases = [
        (2, message_set(&["a", "b"]), ErrorCode::None),
        (1, message_set(&["a"]), ErrorCode::None),
        (2, magic_0.clone(), ErrorCode::None),
        (2, wrapper.clone(), ErrorCode::None),
        (2, batch(&["a"]).into_bytes(), ErrorCode::None),
        (3, message_set(&["a"]), ErrorCode::InvalidRecord),
        (9, magic_0.clone(), ErrorCode::InvalidRecord),
        (2, [&wrapper[..], &wrapper[..]].concat().into(), ErrorCode::InvalidRecord),
        (2, [&magic_0[..], &wrapper[..]].concat().into(), ErrorCode::InvalidRecord),
        (2, unknown.into(), ErrorCode::CorruptMessage),
        (2, damaged.into(), ErrorCode::CorruptMessage),
        // Unlike Kafka, which would acknowledge records that it drops.
        (1, message_set(&["x"]).slice(..20), ErrorCode::CorruptMessage),
        (2, stamped_set, ErrorCode::InvalidTimestamp),
        (3, stamped.into_bytes(), ErrorCode::InvalidTimestamp),
    ];
    for (place, (version, records, expected)) in cases.into_iter().enumerate() {
        let produced = client.produce(version, "t", 0, records).await;
        assert_eq!(produced.error_code, expected.code(), "case {place}");
    }
    let with_key = legacy::up_convert(&message_set(&["a"]), 1 << 20).expect("a batch");
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(&NewRecord { value: Some(b"a"), ..NewRecord::default() });
    let no_key = builder.build().expect("a batch");
    for (source, code) in [(with_key, ErrorCode::None), (no_key, ErrorCode::InvalidRecord)] {
        let set = legacy::down_convert([&source], old, Offset(0), 1 << 20).expect("a set");
        assert_eq!(client.produce(1, "compacted", 0, set).await.error_code, code.code());
    }
}

#[tokio::test]
async fn kafka_4_closes_the_connection_of_who_produces_message_sets() {
    let cluster = Cluster::of_version("4.1").await;
    cluster.create_topic("t", 1).await;
    for version in 0..=2 {
        let mut client = cluster.connect(1).await;
        let request = crate::wire::produce_request("t", &[(0, message_set(&["a"]))], -1);
        client.send(version, &request).await;
        assert!(client.is_closed_by_broker().await, "version {version}");
    }
}

#[tokio::test]
async fn converted_records_keep_to_the_bytes_asked_for_but_are_at_least_one_message() {
    let cluster = Cluster::of_version("3.9").await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    for _ in 0..4 {
        let sent = batch(&["a", "b", "c", "d", "e"]).into_bytes();
        assert_eq!(client.produce(9, "t", 0, sent).await.error_code, 0);
    }
    for (version, message_len) in [(0, 29), (1, 29), (2, 37), (3, 37)] {
        for bytes_max in [1, 100, 300, 500] {
            let data = fetch_at_most(&mut client, version, 7, bytes_max).await;
            let offsets = offsets_in(&data);
            let len = data.records.expect("records").len();
            assert_eq!(len, offsets.len() * message_len, "whole messages");
            assert!(
                len <= (bytes_max as usize).max(message_len),
                "version {version}: {len} of {bytes_max}"
            );
            assert_eq!(offsets, (7..7 + offsets.len() as i64).collect::<Vec<_>>());
            assert!(!offsets.is_empty(), "without a message there is no progress");
        }
    }
}

#[tokio::test]
async fn zstd_is_refused_where_it_comes_first_and_ends_the_answer_where_it_does_not() {
    let cluster = Cluster::of_version("3.9").await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    for codec in [Compression::Gzip, Compression::Zstd, Compression::None] {
        let produced = client.produce(9, "t", 0, compressed(&["a", "b"], codec).into_bytes()).await;
        assert_eq!(produced.error_code, 0);
    }
    for version in 0..=9 {
        let data = client.fetch(version, "t", 0, 0).await;
        let offsets = if version < 4 {
            offsets_in(&data)
        } else {
            records_in(&data).into_iter().map(|(offset, _)| offset).collect()
        };
        assert_eq!((data.error_code, offsets), (0, vec![0, 1]), "version {version}");
        let refused = client.fetch(version, "t", 0, 2).await;
        assert_eq!(
            refused.error_code,
            ErrorCode::UnsupportedCompressionType.code(),
            "version {version}"
        );
        assert_eq!(client.fetch(version, "t", 0, 4).await.error_code, 0, "version {version}");
    }
    assert_eq!(records_in(&client.fetch(10, "t", 0, 0).await).len(), 6);
    cluster.create_topic_with("zstd", 1, &[("compression.type", "zstd")]).await;
    for (version, code) in [(3, ErrorCode::UnsupportedCompressionType), (10, ErrorCode::None)] {
        let data = only_fetched(client.call(version, &fetch_request("zstd", &[(0, 0)])).await);
        assert_eq!(data.error_code, code.code(), "version {version} of an empty topic of zstd");
    }
}

#[tokio::test]
async fn control_batches_are_passed_over_however_many_there_are() {
    let cluster = Cluster::of_version("3.9").await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["first"]).into_bytes()).await.error_code, 0);
    let partition = cluster.broker(1).open_partition("t", PartitionIndex(0)).expect("it is led");
    for _ in 0..20 {
        let marker =
            EndTransactionMarker { result: TransactionResult::Abort, coordinator_epoch: 0 };
        let marker = marker.batch(ProducerId(1), ProducerEpoch(0), Timestamp(1)).expect("a marker");
        let options =
            AppendOptions { leader_epoch: None, now: Timestamp(1), origin: Origin::Coordinator };
        partition
            .append(&[marker], &options)
            .expect("it is appended")
            .await
            .expect("it is committed");
    }
    for version in 0..=3 {
        let data = fetch_at_most(&mut client, version, 1, 1).await;
        assert_eq!((data.error_code, offsets_in(&data)), (0, vec![]), "nothing but markers");
    }
    assert_eq!(client.produce(9, "t", 0, batch(&["last"]).into_bytes()).await.error_code, 0);
    for version in 0..=3 {
        let data = fetch_at_most(&mut client, version, 1, 1).await;
        assert_eq!(offsets_in(&data), [21], "version {version}");
    }
}

async fn create(client: &mut Client, name: &str, format: &str) -> i16 {
    let config =
        CreatableTopicConfig { name: "message.format.version".into(), value: Some(format.into()) };
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: vec![config],
        ..Default::default()
    };
    let request =
        CreateTopicsRequest { topics: vec![topic], timeout_ms: 5000, ..Default::default() };
    client.call(4, &request).await.topics[0].error_code
}

/// The error of ListOffsets for a time.
async fn offset_by_time_error(client: &mut Client) -> i16 {
    let partition = ListOffsetsPartition {
        partition_index: 0,
        current_leader_epoch: -1,
        timestamp: 1000,
        ..Default::default()
    };
    let topics = vec![ListOffsetsTopic { name: "t".into(), partitions: vec![partition] }];
    let request = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
    client.call(5, &request).await.topics[0].partitions[0].error_code
}

#[tokio::test]
async fn kafka_2_8_gives_readers_the_format_that_a_topic_asks_for() {
    for (format, magic) in [("0.9.0.1", 0), ("0.10.2-IV0", 1), ("0.11.0", 2)] {
        let cluster = Cluster::of_version("2.8").await;
        let mut client = cluster.connect(1).await;
        assert_eq!(create(&mut client, "t", format).await, 0);
        cluster.served("t", 1).await;
        assert_eq!(client.produce(9, "t", 0, batch(&["a", "b"]).into_bytes()).await.error_code, 0);
        let gzip = compressed(&["c", "d"], Compression::Gzip).into_bytes();
        assert_eq!(client.produce(9, "t", 0, gzip).await.error_code, 0);

        let new = |code: ErrorCode| if magic < 2 { code.code() } else { 0 };
        let mut builder = BatchBuilder::new(Compression::None);
        builder.push(&NewRecord {
            value: Some(b"e"),
            headers: &[(b"h", None)],
            ..NewRecord::default()
        });
        let with_headers = builder.build().expect("a batch").into_bytes();
        let refusals = [
            (sequenced(&["e"], 7, 0, 0).into_bytes(), new(ErrorCode::UnsupportedForMessageFormat)),
            (
                compressed(&["e"], Compression::Zstd).into_bytes(),
                new(ErrorCode::UnsupportedCompressionType),
            ),
            (with_headers, new(ErrorCode::InvalidRecord)),
        ];
        for (records, code) in refusals {
            assert_eq!(client.produce(9, "t", 0, records).await.error_code, code, "{format}");
        }
        let no_times = if magic == 0 { ErrorCode::UnsupportedForMessageFormat.code() } else { 0 };
        assert_eq!(offset_by_time_error(&mut client).await, no_times, "{format}");

        for version in 0..=12 {
            let data = client.fetch(version, "t", 0, 1).await;
            let records = data.records.as_ref().expect("records").to_bytes();
            let spoken = [0, 0, 1, 1].get(version as usize).copied().unwrap_or(2).min(magic);
            if magic == 2 && (4..10).contains(&version) {
                assert_eq!(batches_in(&data).len(), 3, "up to zstd");
            }
            assert_eq!(magic_of(&records), Some(spoken), "{format}, version {version}");
            if spoken < 2 && magic < 2 {
                let messages = messages_in(&data);
                assert_eq!(offsets_in(&data), [1, 2, 3], "{format}, version {version}");
                let time = if spoken == 0 { -1 } else { 1001 };
                assert_eq!(messages[0].timestamp, Timestamp(time), "{format}, version {version}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_older_than_a_topics_format_is_read_as_it_was_stored() {
    let cluster = Cluster::of_version("2.8").await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    assert_eq!(
        client.produce(9, "t", 0, sequenced(&["a"], 7, 0, 0).into_bytes()).await.error_code,
        0
    );
    let zstd = compressed(&["b"], Compression::Zstd).into_bytes();
    assert_eq!(client.produce(9, "t", 0, zstd).await.error_code, 0);
    crate::configs::set_topic(&mut client, "t", "message.format.version", "0.10.0").await;
    let format = || async { fetched_format(&cluster).await == Some(MessageFormat::Magic1) };
    crate::cluster::eventually("the format is in force", format).await;
    let records = client.fetch(12, "t", 0, 0).await.records.expect("records").to_bytes();
    let stored: Vec<_> = split(records).map_while(Result::ok).collect();
    let codecs =
        stored.iter().map(|batch| batch.header().attributes.compression().expect("a codec"));
    assert_eq!(
        codecs.collect::<Vec<_>>(),
        [Compression::None, Compression::Zstd, Compression::None][..stored.len()]
    );
    assert!(stored.len() >= 2 && stored[0].header().producer_id == ProducerId(7));
}

async fn fetched_format(cluster: &Cluster) -> Option<MessageFormat> {
    let mut client = cluster.connect(1).await;
    assert_eq!(client.produce(9, "t", 0, batch(&["c"]).into_bytes()).await.error_code, 0);
    let records = client.fetch(12, "t", 0, 2).await.records.expect("records").to_bytes();
    (magic_of(&records) == Some(1)).then_some(MessageFormat::Magic1)
}

#[tokio::test]
async fn formats_are_releases_that_the_cluster_knows_and_mean_nothing_from_3_0_on() {
    let cluster = Cluster::of_version("2.8").await;
    let mut client = cluster.connect(1).await;
    for (place, format) in
        ["bogus", "3.0", "0.10.0-IV9", "0.7", "", "2.8-IV2"].into_iter().enumerate()
    {
        let code = create(&mut client, &format!("t{place}"), format).await;
        assert_eq!(code, ErrorCode::InvalidConfig.code(), "{format}");
    }
    for (place, format) in
        ["0.8.2", "0.10.0-IV1", "2.8.1", "2.8-IV1", "1.0"].into_iter().enumerate()
    {
        assert_eq!(create(&mut client, &format!("u{place}"), format).await, 0, "{format}");
    }
    let cluster = Cluster::of_version("3.9").await;
    let mut client = cluster.connect(1).await;
    assert_eq!(create(&mut client, "t", "0.9.0").await, 0);
    cluster.served("t", 1).await;
    assert_eq!(
        client.produce(9, "t", 0, sequenced(&["a"], 7, 0, 0).into_bytes()).await.error_code,
        0
    );
    assert_eq!(records_in(&client.fetch(12, "t", 0, 0).await), [(0, "a".to_owned())]);
}
