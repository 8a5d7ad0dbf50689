//! The requests that are retried, and the brokers they go to.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use milena_client::{
    ClientError, Consumer, ConsumerConfig, NewTopic, OnOutOfRange, Producer, ProducerConfig,
    ProducerRecord, StartAt,
};
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        create_topics_response::{CreatableTopicResult, CreateTopicsResponse},
        fetch_request::FetchRequest,
        fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData},
        init_producer_id_response::InitProducerIdResponse,
        list_offsets_response::{
            ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
        },
        produce_request::ProduceRequest,
        produce_response::{PartitionProduceResponse, ProduceResponse, TopicProduceResponse},
    },
};
use milena_records::{BatchBuilder, Compression, NewRecord, split};
use milena_runtime::Runtime;
use milena_types::{LeaderEpoch, Offset};

use crate::peer::{self, Received, Reply};

fn produced(received: &Received, code: ErrorCode, base_offset: i64) -> Reply {
    let partition =
        PartitionProduceResponse { error_code: code.code(), base_offset, ..Default::default() };
    let topic = TopicProduceResponse {
        name: "t".into(),
        partition_responses: vec![partition],
        ..Default::default()
    };
    received.reply(&ProduceResponse { responses: vec![topic], ..Default::default() })
}

fn batch_of(received: &Received) -> bytes::Bytes {
    let request: ProduceRequest = received.decode();
    request.topic_data[0].partition_data[0].records.clone().expect("records")
}

fn record(value: &str) -> ProducerRecord {
    ProducerRecord { topic: "t".into(), value: Some(value.to_owned().into()), ..Default::default() }
}

/// Each way in which a produce can fail for a while; then it is accepted.
#[tokio::test]
async fn a_batch_is_tried_again_with_the_same_bytes_until_it_is_acknowledged() {
    let runtime = Runtime::system();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let batches = seen.clone();
    let address = peer::start(&runtime, move |address, received| match received.header.key {
        ApiKey::Metadata => received.reply(&peer::metadata(address, &[("t", 1)])),
        ApiKey::InitProducerId => received.reply(&InitProducerIdResponse {
            producer_id: 7,
            producer_epoch: 0,
            ..Default::default()
        }),
        _ => {
            let mut batches = batches.lock().expect("not poisoned");
            batches.push(batch_of(&received));
            match batches.len() {
                1 => produced(&received, ErrorCode::NotLeaderOrFollower, -1),
                2 => Reply::Hangup,
                3 => produced(&received, ErrorCode::KafkaStorageError, -1),
                4 => produced(&received, ErrorCode::DuplicateSequenceNumber, 40),
                _ => produced(&received, ErrorCode::None, 41),
            }
        }
    })
    .await;
    let producer = Producer::new(peer::client(address, &runtime), ProducerConfig::default());
    let place = producer.send_and_wait(record("a")).await.expect("accepted");
    assert_eq!(place.offset, Some(Offset(40)));
    let place = producer.send_and_wait(record("b")).await.expect("accepted");
    assert_eq!(place.offset, Some(Offset(41)));
    let seen = seen.lock().expect("not poisoned").clone();
    assert_eq!(seen.len(), 5);
    assert!(seen[..4].iter().all(|b| *b == seen[0]), "the same bytes");
    let headers =
        seen.iter().map(|b| *split(b.clone()).next().expect("one").expect("a batch").header());
    let sequences: Vec<(i64, i32)> =
        headers.map(|h| (h.producer_id.raw(), h.base_sequence.raw())).collect();
    assert_eq!(sequences, [(7, 0), (7, 0), (7, 0), (7, 0), (7, 1)]);
    runtime.shutdown().await;
}

/// A sequence with a gap cannot be continued: the next batch has another producer id and begins at
/// 0.
#[tokio::test]
async fn after_a_batch_is_given_up_the_producer_takes_a_new_id() {
    let runtime = Runtime::system();
    let (ids, seen) = (AtomicUsize::new(0), Arc::new(Mutex::new(Vec::new())));
    let batches = seen.clone();
    let address = peer::start(&runtime, move |address, received| match received.header.key {
        ApiKey::Metadata => received.reply(&peer::metadata(address, &[("t", 1)])),
        ApiKey::InitProducerId => {
            let producer_id = 100 + ids.fetch_add(1, Ordering::SeqCst) as i64;
            received.reply(&InitProducerIdResponse { producer_id, ..Default::default() })
        }
        _ => {
            let batch = split(batch_of(&received)).next().expect("one").expect("a batch");
            let mut batches = batches.lock().expect("not poisoned");
            batches.push((batch.header().producer_id.raw(), batch.header().base_sequence.raw()));
            let code =
                if batches.len() == 2 { ErrorCode::MessageTooLarge } else { ErrorCode::None };
            produced(&received, code, batches.len() as i64)
        }
    })
    .await;
    let producer = Producer::new(peer::client(address, &runtime), ProducerConfig::default());
    producer.send_and_wait(record("a")).await.expect("accepted");
    let error = producer.send_and_wait(record("b")).await.expect_err("refused");
    assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge));
    producer.send_and_wait(record("c")).await.expect("accepted");
    assert_eq!(*seen.lock().expect("not poisoned"), [(100, 0), (100, 1), (101, 0)]);
    runtime.shutdown().await;
}

/// The answer to the first attempt is lost; that the topic exists at the second attempt is success.
#[tokio::test]
async fn a_topic_that_the_lost_attempt_created_is_created() {
    let runtime = Runtime::system();
    let attempts = AtomicUsize::new(0);
    let address = peer::start(&runtime, move |address, received| match received.header.key {
        ApiKey::Metadata => received.reply(&peer::metadata(address, &[("t", 2)])),
        _ if attempts.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Hangup,
        _ => {
            let error_code = ErrorCode::TopicAlreadyExists.code();
            let topic = CreatableTopicResult { name: "t".into(), error_code, ..Default::default() };
            received.reply(&CreateTopicsResponse { topics: vec![topic], ..Default::default() })
        }
    })
    .await;
    let client = peer::client(address, &runtime);
    let topic = NewTopic { name: "t".into(), ..Default::default() };
    assert_eq!(client.create_topic(&topic).await.expect("created").partitions.len(), 2);
    let error = client.create_topic(&topic).await.expect_err("it was there before");
    assert_eq!(error.code(), Some(ErrorCode::TopicAlreadyExists));
    runtime.shutdown().await;
}

/// Three records at offsets 10 to 12, asked for at different places; the answer always holds the
/// whole batch and the beginning of another.
fn fetched(received: &Received) -> Reply {
    let request: FetchRequest = received.decode();
    let asked = &request.topics[0].partitions[0];
    let mut builder = BatchBuilder::new(Compression::Lz4).at(Offset(10), LeaderEpoch(0));
    for value in ["x", "y", "z"] {
        builder.push(&NewRecord { value: Some(value.as_bytes()), ..Default::default() });
    }
    let batch = builder.build().expect("a batch").into_bytes();
    let mut partition = PartitionData { high_watermark: 13, ..Default::default() };
    if asked.fetch_offset < 10 || asked.fetch_offset > 13 {
        partition.error_code = ErrorCode::OffsetOutOfRange.code();
    } else if asked.fetch_offset < 13 {
        let cut = batch.slice(..70);
        partition.records = Some(vec![batch, cut].into());
    }
    let topic = FetchableTopicResponse {
        topic: "t".into(),
        partitions: vec![partition],
        ..Default::default()
    };
    received.reply(&FetchResponse { responses: vec![topic], ..Default::default() })
}

fn fetching_peer(address: std::net::SocketAddr, received: &Received) -> Reply {
    match received.header.key {
        ApiKey::Metadata => received.reply(&peer::metadata(address, &[("t", 1)])),
        ApiKey::ListOffsets => {
            let partition = ListOffsetsPartitionResponse { offset: 10, ..Default::default() };
            let topic = ListOffsetsTopicResponse { name: "t".into(), partitions: vec![partition] };
            received.reply(&ListOffsetsResponse { topics: vec![topic], ..Default::default() })
        }
        _ => fetched(received),
    }
}

async fn read_from(start: StartAt, on_out_of_range: OnOutOfRange) -> Result<Vec<i64>, ClientError> {
    let runtime = Runtime::system();
    let address =
        peer::start(&runtime, |address, received| fetching_peer(address, &received)).await;
    let config = ConsumerConfig { on_out_of_range, ..Default::default() };
    let client = peer::client(address, &runtime);
    let mut consumer = Consumer::assign(client, config, vec![("t".to_owned(), 0, start)]);
    let mut offsets = Vec::new();
    let result = loop {
        match consumer.poll(Duration::from_secs(10)).await {
            Ok(records) => offsets.extend(records.iter().map(|r| r.offset.raw())),
            Err(error) => break Err(error),
        }
        if consumer.is_at_end() {
            break Ok(offsets);
        }
    };
    runtime.shutdown().await;
    result
}

#[tokio::test]
async fn records_before_the_position_and_a_cut_batch_are_left_out() {
    assert_eq!(
        read_from(StartAt::Beginning, OnOutOfRange::Fail).await.ok(),
        Some(vec![10, 11, 12])
    );
    assert_eq!(
        read_from(StartAt::Offset(Offset(11)), OnOutOfRange::Fail).await.ok(),
        Some(vec![11, 12])
    );
}

#[tokio::test]
async fn a_position_outside_the_log_fails_or_goes_to_where_it_was_told() {
    let error =
        read_from(StartAt::Offset(Offset(3)), OnOutOfRange::Fail).await.expect_err("out of range");
    assert_eq!(error.code(), Some(ErrorCode::OffsetOutOfRange));
    let read = read_from(StartAt::Offset(Offset(99)), OnOutOfRange::Beginning).await;
    assert_eq!(read.ok(), Some(vec![10, 11, 12]));
}

/// As when a broker with many partitions fails: what each finds out for itself is asked for
/// together.
#[tokio::test]
async fn many_partitions_that_lose_their_leader_ask_for_the_new_one_together() {
    const PARTITIONS: i32 = 200;
    let runtime = Runtime::system();
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, refused) = (asked.clone(), Arc::new(Mutex::new(HashSet::new())));
    let address = peer::start(&runtime, move |address, received| match received.header.key {
        ApiKey::Metadata => {
            counted.fetch_add(1, Ordering::Relaxed);
            received.reply(&peer::metadata(address, &[("t", PARTITIONS)]))
        }
        ApiKey::InitProducerId => received.reply(&InitProducerIdResponse::default()),
        _ => {
            let request: ProduceRequest = received.decode();
            let index = request.topic_data[0].partition_data[0].index;
            let first = refused.lock().expect("not poisoned").insert(index);
            let code = if first { ErrorCode::NotLeaderOrFollower } else { ErrorCode::None };
            let response = PartitionProduceResponse {
                index,
                error_code: code.code(),
                base_offset: 0,
                ..Default::default()
            };
            let topic = TopicProduceResponse {
                name: "t".into(),
                partition_responses: vec![response],
                ..Default::default()
            };
            received.reply(&ProduceResponse { responses: vec![topic], ..Default::default() })
        }
    })
    .await;
    let producer =
        Arc::new(Producer::new(peer::client(address, &runtime), ProducerConfig::default()));
    let sends = (0..PARTITIONS).map(|partition| {
        let producer = producer.clone();
        let record = ProducerRecord { partition: Some(partition), ..record("a") };
        runtime.spawn(async move { producer.send_and_wait(record).await })
    });
    for send in sends.collect::<Vec<_>>() {
        send.await.expect("it ends").expect("accepted");
    }
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked <= PARTITIONS as usize / 4, "asked {asked} times for {PARTITIONS} partitions");
    runtime.stop();
}
