//! What a produced batch says of its records is not believed: a batch that is not what its header
//! says, or that consumers could not read, is refused as by Apache Kafka, and nothing of it is
//! stored.

use bytes::Bytes;
use milena_broker::MemoryShares;
use milena_protocol::{
    ErrorCode,
    messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
};
use milena_records::{Attributes, BatchBuilder, BatchHeader, Compression, HEADER_LEN, NewRecord};
use milena_types::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::{
    cluster::{Cluster, ClusterOptions},
    wire::{Client, batch, batches_in, compressed},
};

/// A batch with a right length and a right checksum, whatever header and payload are.
fn sealed(header: &BatchHeader, payload: &[u8]) -> Bytes {
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(payload);
    let length = i32::try_from(bytes.len() - 12).expect("a small batch");
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

/// Three good records, with a header that is changed.
fn three(change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let good = batch(&["a", "b", "c"]);
    let mut header = *good.header();
    change(&mut header);
    sealed(&header, &good.payload())
}

/// Other bytes in place of three records.
fn payload(attributes: i16, payload: &[u8]) -> Bytes {
    let mut header = *batch(&["a", "b", "c"]).header();
    header.attributes = Attributes(attributes);
    sealed(&header, payload)
}

fn bad_batches() -> Vec<(&'static str, Bytes, ErrorCode)> {
    use ErrorCode::{
        CorruptMessage, InvalidRecord, InvalidTimestamp, UnsupportedCompressionType as Codec,
    };
    let sevens = (0..3).flat_map(|_| [16, 0, 0, 14, 1, 2, b'v', 0, 0]).collect::<Vec<u8>>();
    let good = batch(&["a", "b", "c"]).into_bytes();
    let mut flipped = good.to_vec();
    flipped[HEADER_LEN + 5] ^= 1;
    let mut future = good.to_vec();
    future[16] = 3;
    let mut old = good.to_vec();
    old[16] = 1;
    let mut short = good.to_vec();
    short[8..12].copy_from_slice(&10_i32.to_be_bytes());
    vec![
        (
            "one record claimed, three there",
            three(|h| (h.record_count, h.last_offset_delta) = (1, 0)),
            InvalidRecord,
        ),
        (
            "four records claimed, three there",
            three(|h| (h.record_count, h.last_offset_delta) = (4, 3)),
            InvalidRecord,
        ),
        (
            "2^31-1 records claimed",
            three(|h| (h.record_count, h.last_offset_delta) = (i32::MAX, i32::MAX - 1)),
            InvalidRecord,
        ),
        ("no records claimed", three(|h| h.record_count = 0), InvalidRecord),
        (
            "-1 records claimed",
            three(|h| (h.record_count, h.last_offset_delta) = (-1, -2)),
            InvalidRecord,
        ),
        (
            "a last offset that is not the count's",
            three(|h| h.last_offset_delta = 5),
            InvalidRecord,
        ),
        ("a base offset", three(|h| h.base_offset = Offset(5)), InvalidRecord),
        ("a control batch", three(|h| h.attributes = Attributes(1 << 5)), InvalidRecord),
        (
            "a producer without a sequence",
            three(|h| (h.producer_id, h.producer_epoch) = (ProducerId(3), ProducerEpoch(0))),
            InvalidRecord,
        ),
        ("no such codec", three(|h| h.attributes = Attributes(5)), Codec),
        ("log append time", three(|h| h.attributes = Attributes(1 << 3)), InvalidTimestamp),
        ("offsets 7, 7, 7", payload(0, &sevens), InvalidRecord),
        ("garbage", payload(0, &[0xff; 50]), InvalidRecord),
        ("no bytes", payload(0, &[]), InvalidRecord),
        (
            "a record of 2^31-1 bytes",
            payload(0, &[0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 1, 1, 0]),
            InvalidRecord,
        ),
        ("a record of -5 bytes", payload(0, &[9, 0, 0, 0, 1, 1, 0]), InvalidRecord),
        ("no gzip", payload(1, &[0xa5; 50]), InvalidRecord),
        ("no snappy", payload(2, &[0xa5; 50]), InvalidRecord),
        ("no lz4", payload(3, &[0xa5; 50]), InvalidRecord),
        ("no zstd", payload(4, &[0xa5; 50]), InvalidRecord),
        ("a wrong checksum", flipped.into(), CorruptMessage),
        ("magic 3", future.into(), CorruptMessage),
        ("magic 1", old.into(), InvalidRecord),
        ("a batch shorter than its header", short.into(), CorruptMessage),
        ("a batch that is cut", good.slice(..good.len() - 1), InvalidRecord),
    ]
}

async fn end(client: &mut Client) -> (i64, i64) {
    find(client, -1).await
}

/// Offset and timestamp for a time, or for -1 (the end) or -3 (the largest).
async fn find(client: &mut Client, timestamp: i64) -> (i64, i64) {
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition {
                partition_index: 0,
                current_leader_epoch: -1,
                timestamp,
                ..Default::default()
            }],
        }],
        ..Default::default()
    };
    let mut response = client.call(7, &request).await;
    let found = response.topics.remove(0).partitions.remove(0);
    assert_eq!(found.error_code, 0);
    (found.offset, found.timestamp)
}

#[tokio::test]
async fn a_batch_that_is_not_what_its_header_says_is_refused_and_nothing_of_it_is_stored() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    for (stored, (what, bad, code)) in (0..).zip(bad_batches()) {
        let produced = client.produce(9, "t", 0, bad).await;
        assert_eq!(produced.error_code, code.code(), "{what}: {:?}", produced.error_message);
        assert_eq!(produced.base_offset, -1, "{what}");
        assert_eq!(end(&mut client).await.0, stored, "{what}");
        let next = client.produce(9, "t", 0, batch(&["good"]).into_bytes()).await;
        assert_eq!((next.error_code, next.base_offset), (0, stored), "{what}");
    }
}

#[tokio::test]
async fn what_follows_a_batch_and_is_no_other_is_not_stored() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let good = batch(&["a"]).into_bytes();
    for rest in [&[1, 2, 3][..], &good[..good.len() - 1]] {
        let produced = client.produce(9, "t", 0, [&good[..], rest].concat()).await;
        assert_eq!(produced.error_code, 0);
        let data = client.fetch(12, "t", 0, produced.base_offset).await;
        assert_eq!(batches_in(&data).len(), 1);
    }
}

#[tokio::test]
async fn the_largest_timestamp_is_that_of_the_records() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    for codec in Compression::ALL {
        for said in [-1, 0, i64::MAX] {
            let good = compressed(&["a", "b", "c"], codec);
            let mut header = *good.header();
            header.max_timestamp = Timestamp(said);
            let produced = client.produce(9, "t", 0, sealed(&header, &good.payload())).await;
            assert_eq!(produced.error_code, 0, "{codec}: {:?}", produced.error_message);
            let data = client.fetch(12, "t", 0, produced.base_offset).await;
            let stored = &batches_in(&data)[0];
            assert_eq!(stored.header().max_timestamp, Timestamp(1002), "{codec}, {said}");
            stored.verify_crc().expect("the checksum covers it");
            assert_eq!(stored.payload(), good.payload());
        }
    }
    assert_eq!(find(&mut client, 1001).await, (1, 1001));
    assert_eq!(find(&mut client, -3).await, (2, 1002));
    assert_eq!(find(&mut client, 1003).await, (-1, -1));
}

#[tokio::test]
async fn a_header_cannot_hide_records_that_are_too_late() {
    let cluster = Cluster::single().await;
    cluster.create_topic_with("t", 1, &[("message.timestamp.after.max.ms", "1000")]).await;
    let mut client = cluster.connect(1).await;
    let mut builder = BatchBuilder::new(Compression::None);
    for timestamp in [1000, i64::MAX / 2] {
        let timestamp = Timestamp(timestamp);
        builder.push(&NewRecord { timestamp, value: Some(b"v"), ..NewRecord::default() });
    }
    let late = builder.build().expect("a batch");
    let mut header = *late.header();
    header.max_timestamp = Timestamp(1000);
    let produced = client.produce(9, "t", 0, sealed(&header, &late.payload())).await;
    assert_eq!(produced.error_code, ErrorCode::InvalidTimestamp.code());
    assert_eq!(produced.record_errors.iter().map(|e| e.batch_index).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_batch_that_expands_far_is_checked_and_requests_stay_in_order() {
    let cluster = Cluster::single().await;
    cluster.create_topic("t", 1).await;
    let mut client = cluster.connect(1).await;
    let value = vec![0; 24 << 20];
    let sequenced = |codec, sequence, value| {
        let (id, epoch) = (ProducerId(7), ProducerEpoch(0));
        let mut builder = BatchBuilder::new(codec).producer(id, epoch, Sequence(sequence));
        builder.push(&NewRecord { value: Some(value), ..NewRecord::default() });
        builder.build().expect("a batch").into_bytes()
    };
    let mut sequence = 0;
    // Snappy makes more of the zeros than the topic allows.
    for codec in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
        let large = sequenced(codec, sequence, &value);
        let small = sequenced(Compression::None, sequence + 1, b"next");
        sequence += 2;
        // Both are on their way at once: sequences say whether the second overtakes.
        let requests =
            [large, small].map(|batch| crate::wire::produce_request("t", &[(0, batch)], -1));
        let ids = [client.send(9, &requests[0]).await, client.send(9, &requests[1]).await];
        for id in ids {
            let response = client
                .receive::<milena_protocol::messages::produce_request::ProduceRequest>(9, id)
                .await;
            let produced = crate::wire::only_produced(response);
            assert_eq!(produced.error_code, 0, "{codec}: {:?}", produced.error_message);
        }
    }
}

/// They are many times larger than the request, and there is room for two of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_are_made_anew_are_appended_one_after_the_other() {
    let memory = MemoryShares { decoded_bytes: 6 << 20, ..MemoryShares::default() };
    let options = ClusterOptions { brokers: 1, memory, ..ClusterOptions::default() };
    let cluster = Cluster::start_with(options).await;
    let configs = [("compression.type", "uncompressed"), ("max.message.bytes", "3000000")];
    cluster.create_topic_with("t", 8, &configs).await;
    let mut client = cluster.connect(1).await;
    let value = vec![0; 2_500_000];
    let mut builder = BatchBuilder::new(Compression::Zstd);
    builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() });
    let sent = builder.build().expect("a batch").into_bytes();
    let all: Vec<_> = (0..8).map(|partition| (partition, sent.clone())).collect();
    let mut request = crate::wire::produce_request("t", &all, -1);
    request.timeout_ms = 9_000;
    let response = client.call(9, &request).await;
    let codes = response.responses[0].partition_responses.iter().map(|outcome| outcome.error_code);
    assert_eq!(codes.collect::<Vec<_>>(), [0; 8]);
}
