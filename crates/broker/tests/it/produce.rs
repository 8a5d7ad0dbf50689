//! Behaviours 21 to 26: batches that are appended, and those that are refused with which error.

use bytes::{Bytes, BytesMut};
use milena_protocol::{
    ErrorCode,
    messages::{
        init_producer_id_request::InitProducerIdRequest,
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
};
use milena_records::{Compression, TimestampType};
use milena_types::Offset;

use crate::{
    cluster::Cluster,
    wire::{
        batch, batch_with, batches_in, compressed, fetch_request, only_fetched, only_produced,
        produce_request, records_in, sequenced,
    },
};

#[tokio::test]
async fn what_is_produced_is_fetched_byte_for_byte_but_for_offset_and_epoch() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    for (number, codec) in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ]
    .into_iter()
    .enumerate()
    {
        let sent = compressed(&["one", "two"], codec);
        let produced = client.produce(9, "t", 0, sent.bytes().clone()).await;
        assert_eq!(
            (produced.error_code, produced.base_offset),
            (0, number as i64 * 2),
            "{codec:?}"
        );
        assert_eq!(produced.log_append_time_ms, -1);
        let data = client.fetch(12, "t", 0, produced.base_offset).await;
        let stored = &batches_in(&data)[0];
        assert_eq!(
            stored.bytes()[16..],
            sent.bytes()[16..],
            "{codec:?}: all behind the leader epoch"
        );
        assert_eq!(stored.header().base_offset, Offset(number as i64 * 2));
        assert!(stored.header().leader_epoch.raw() >= 0);
        stored.verify_crc().expect("the checksum still holds");
    }
}

#[tokio::test]
async fn partitions_succeed_and_fail_alone_and_are_answered_in_order() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 2).await;
    let mut client = cluster.connect(1).await;
    let good = batch(&["a"]).into_bytes();
    let mut bad = BytesMut::from(&good[..]);
    bad[65] ^= 1;
    let request = produce_request("t", &[(1, good.clone()), (0, bad.freeze()), (7, good)], -1);
    let response = client.call(9, &request).await;
    let outcomes: Vec<_> =
        response.responses[0].partition_responses.iter().map(|p| (p.index, p.error_code)).collect();
    let (corrupt, unknown) =
        (ErrorCode::CorruptMessage.code(), ErrorCode::UnknownTopicOrPartition.code());
    assert_eq!(outcomes, [(1, 0), (0, corrupt), (7, unknown)]);
}

#[tokio::test]
async fn a_cut_batch_is_none_and_invalid_record() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let good = batch(&["a"]).into_bytes();
    for cut in [10, 60, good.len() - 1] {
        let produced = client.produce(9, "t", 0, good.slice(..cut)).await;
        assert_eq!(produced.error_code, ErrorCode::InvalidRecord.code(), "cut at {cut}");
        assert_eq!(produced.base_offset, -1);
    }
}

#[tokio::test]
async fn a_batch_larger_than_the_topic_allows_is_message_too_large() {
    let cluster = Cluster::single().await;
    cluster.create_topic_with("t", 1, &[("max.message.bytes", "200")]).await;
    let mut client = cluster.connect(1).await;
    let produced = client.produce(9, "t", 0, batch(&["a".repeat(200).as_str()]).into_bytes()).await;
    assert_eq!(produced.error_code, ErrorCode::MessageTooLarge.code());
    assert_eq!(client.produce(9, "t", 0, batch(&["a"]).into_bytes()).await.error_code, 0);
}

#[tokio::test]
async fn a_record_without_a_key_on_a_compacted_topic_refuses_the_whole_batch() {
    let cluster = Cluster::single().await;
    cluster.create_topic_with("t", 1, &[("cleanup.policy", "compact")]).await;
    let mut client = cluster.connect(1).await;
    let mut builder = milena_records::BatchBuilder::new(Compression::Lz4);
    for key in [Some(&b"k"[..]), None, Some(b"k"), None] {
        builder.push(&milena_records::NewRecord { key, value: Some(b"v"), ..Default::default() });
    }
    let produced = client.produce(9, "t", 0, builder.build().expect("a batch").into_bytes()).await;
    assert_eq!(produced.error_code, ErrorCode::InvalidRecord.code());
    let errors: Vec<i32> = produced.record_errors.iter().map(|e| e.batch_index).collect();
    assert_eq!(errors, [1, 3]);
    assert!(produced.error_message.is_some_and(|message| message.contains("compacted")));
    let data = client.call(12, &fetch_request("t", &[(0, 0)])).await;
    assert_eq!(only_fetched(data).high_watermark, 0, "nothing of the batch is in the log");
}

#[tokio::test]
async fn timestamps_beyond_the_limit_are_invalid_timestamp() {
    let cluster = Cluster::single().await;
    cluster.create_topic_with("t", 1, &[("message.timestamp.before.max.ms", "1000")]).await;
    let mut client = cluster.connect(1).await;
    let produced = client.produce(9, "t", 0, batch(&["from 1970"]).into_bytes()).await;
    assert_eq!(produced.error_code, ErrorCode::InvalidTimestamp.code());
    assert_eq!(produced.record_errors.len(), 1);
}

#[tokio::test]
async fn log_append_time_replaces_timestamps_and_is_answered() {
    let cluster = Cluster::single().await;
    cluster.create_topic_with("t", 1, &[("message.timestamp.type", "LogAppendTime")]).await;
    let mut client = cluster.connect(1).await;
    let before = cluster.runtime.wall_ms();
    let produced =
        client.produce(9, "t", 0, compressed(&["a", "b"], Compression::Gzip).into_bytes()).await;
    assert_eq!(produced.error_code, 0);
    assert!((before..=cluster.runtime.wall_ms()).contains(&produced.log_append_time_ms));
    let data = client.fetch(12, "t", 0, 0).await;
    let stored = &batches_in(&data)[0];
    stored.verify_crc().expect("the checksum covers the new time");
    assert_eq!(stored.header().attributes.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(stored.header().max_timestamp.raw(), produced.log_append_time_ms);
    let records = stored.records(1000).expect("records");
    assert!(
        records
            .into_iter()
            .all(|r| r.expect("a record").timestamp.raw() == produced.log_append_time_ms)
    );
}

#[tokio::test]
async fn zstd_is_refused_before_version_7() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let zstd = compressed(&["a"], Compression::Zstd).into_bytes();
    let refused = client.produce(6, "t", 0, zstd.clone()).await;
    assert_eq!(refused.error_code, ErrorCode::UnsupportedCompressionType.code());
    assert_eq!(client.produce(7, "t", 0, zstd).await.error_code, 0);
}

#[tokio::test]
async fn exactly_one_batch_a_partition_is_taken() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let one = batch(&["a"]).into_bytes();
    let two = [&one[..], &one[..]].concat();
    let invalid = ErrorCode::InvalidRecord.code();
    assert_eq!(client.produce(9, "t", 0, two).await.error_code, invalid);
    assert_eq!(client.produce(9, "t", 0, Bytes::new()).await.error_code, invalid);
    let mut null = produce_request("t", &[(0, Bytes::new())], -1);
    null.topic_data[0].partition_data[0].records = None;
    assert_eq!(only_produced(client.call(9, &null).await).error_code, invalid);
}

#[tokio::test]
async fn a_retried_batch_gets_its_original_offset() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let producer = client
        .call(4, &InitProducerIdRequest { transactional_id: None, ..Default::default() })
        .await;
    assert_eq!((producer.error_code, producer.producer_epoch), (0, 0));
    let id = producer.producer_id;
    for sequence in 0..5 {
        let produced =
            client.produce(9, "t", 0, sequenced(&["a"], id, 0, sequence).into_bytes()).await;
        assert_eq!((produced.error_code, produced.base_offset), (0, i64::from(sequence)));
    }
    for sequence in (0..5).rev() {
        let again =
            client.produce(9, "t", 0, sequenced(&["a"], id, 0, sequence).into_bytes()).await;
        assert_eq!(
            (again.error_code, again.base_offset),
            (0, i64::from(sequence)),
            "one of the last five"
        );
    }
    let gap = client.produce(9, "t", 0, sequenced(&["a"], id, 0, 7).into_bytes()).await;
    assert_eq!(gap.error_code, ErrorCode::OutOfOrderSequenceNumber.code());
    let new_epoch = client.produce(9, "t", 0, sequenced(&["a"], id, 1, 3).into_bytes()).await;
    assert_eq!(
        new_epoch.error_code,
        ErrorCode::OutOfOrderSequenceNumber.code(),
        "a new epoch starts at 0"
    );
    assert_eq!(
        client.produce(9, "t", 0, sequenced(&["a"], id, 1, 0).into_bytes()).await.error_code,
        0
    );
    let old = client.produce(9, "t", 0, sequenced(&["a"], id, 0, 5).into_bytes()).await;
    assert_eq!(old.error_code, ErrorCode::InvalidProducerEpoch.code());
}

#[tokio::test]
async fn sequences_wrap_after_i32_max_and_an_unknown_producer_may_start_anywhere() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let last =
        client.produce(9, "t", 0, sequenced(&["a", "b"], 77, 0, i32::MAX - 1).into_bytes()).await;
    assert_eq!(last.error_code, 0);
    let wrapped = client.produce(9, "t", 0, sequenced(&["c"], 77, 0, 0).into_bytes()).await;
    assert_eq!((wrapped.error_code, wrapped.base_offset), (0, 2));
}

#[tokio::test]
async fn producer_ids_are_never_given_twice() {
    let cluster = Cluster::start().await;
    let mut ids = Vec::new();
    for broker in 1..=3 {
        let mut client = cluster.connect(broker).await;
        for _ in 0..3 {
            let request = InitProducerIdRequest { transactional_id: None, ..Default::default() };
            ids.push(client.call(4, &request).await.producer_id);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9);
}

#[tokio::test]
async fn wrong_acks_and_internal_topics_are_refused() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let request = produce_request("t", &[(0, batch(&["a"]).into_bytes())], 2);
    let refused = only_produced(client.call(9, &request).await);
    assert_eq!(refused.error_code, ErrorCode::InvalidRequiredAcks.code());
    let refused = client.produce(9, "__consumer_offsets", 0, batch(&["a"]).into_bytes()).await;
    assert_eq!(refused.error_code, ErrorCode::InvalidTopic.code());
}

#[tokio::test]
async fn a_broker_that_does_not_lead_names_the_one_that_does() {
    let cluster = Cluster::start().await;
    cluster.create_topic("t", 1).await;
    let leader = cluster.leader("t", 0);
    let mut client = cluster.connect(cluster.follower("t", 0)).await;
    let response =
        client.call(10, &produce_request("t", &[(0, batch(&["a"]).into_bytes())], -1)).await;
    let partition = &response.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, ErrorCode::NotLeaderOrFollower.code());
    assert_eq!(partition.current_leader.leader_id, leader);
    assert_eq!(partition.current_leader.leader_epoch, 0);
    assert_eq!(response.node_endpoints.len(), 1);
    assert_eq!(response.node_endpoints[0].port, i32::from(cluster.broker(leader).address().port()));
}

#[tokio::test]
async fn version_13_names_topics_by_id() {
    let cluster = Cluster::of_version("4.1").await;
    let id = cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let by_id = |topic_id| ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            topic_id,
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch(&["a"]).into_bytes()),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let response = client.call(13, &by_id(id.0)).await;
    assert_eq!(response.responses[0].topic_id, id.0);
    assert_eq!(only_produced(response).error_code, 0);
    let stale = client.call(13, &by_id(milena_protocol::Uuid::from_u128(5))).await;
    assert_eq!(only_produced(stale).error_code, ErrorCode::UnknownTopicId.code());
}

#[tokio::test]
async fn a_topic_with_a_codec_of_its_own_stores_records_in_it() {
    let cluster = Cluster::single().await;
    cluster.create_topic_with("t", 1, &[("compression.type", "gzip")]).await;
    let mut client = cluster.connect(1).await;
    for (sequence, codec) in
        [Compression::None, Compression::Lz4, Compression::Gzip].into_iter().enumerate()
    {
        let numbered = |builder: milena_records::BatchBuilder| {
            let (id, epoch) = (milena_types::ProducerId(3), milena_types::ProducerEpoch(0));
            builder.producer(id, epoch, milena_types::Sequence(sequence as i32))
        };
        let produced =
            client.produce(9, "t", 0, batch_with(&["a"], numbered, codec).into_bytes()).await;
        assert_eq!((produced.error_code, produced.base_offset), (0, sequence as i64));
    }
    let data = client.fetch(12, "t", 0, 0).await;
    for batch in batches_in(&data) {
        batch.verify_crc().expect("a checksum of its own");
        assert_eq!(batch.header().attributes.compression(), Ok(Compression::Gzip));
        assert_eq!(batch.header().producer_id.raw(), 3);
    }
    assert_eq!(records_in(&data).len(), 3);
}

#[tokio::test]
async fn a_topic_compresses_at_the_level_of_its_codec() {
    let cluster = Cluster::single().await;
    let mut client = cluster.connect(1).await;
    // Words in an order that a longer search for repetitions makes more of.
    let words: Vec<String> =
        (0..6000_u64).map(|n| format!("word{} ", n * n * 7919 % 997)).collect();
    let text = words.concat();
    for (codec, low, high) in [("gzip", "1", "9"), ("zstd", "-50", "19")] {
        let name = format!("compression.{codec}.level");
        let mut sizes = Vec::new();
        for level in [low, high] {
            let topic = format!("{codec}{level}").replace('-', "minus");
            let configs = [("compression.type", codec), (name.as_str(), level)];
            cluster.create_topic_with(&topic, 1, &configs).await;
            let sent = batch(&[&text]).into_bytes();
            assert_eq!(client.produce(9, &topic, 0, sent).await.error_code, 0);
            let data = client.fetch(12, &topic, 0, 0).await;
            assert_eq!(records_in(&data), [(0, text.clone())]);
            sizes.push(batches_in(&data)[0].size());
        }
        assert!(sizes[0] > sizes[1], "{codec}: {sizes:?}");
    }
    cluster.stop().await;
}
