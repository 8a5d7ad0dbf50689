//! A connection that speaks the protocol, request by request, and batches to send over it.

use std::{net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use milena_protocol::{
    KString, Request,
    frame::{correlation_id, decode_response, encode_request},
    messages::{
        fetch_request::{FetchPartition, FetchRequest, FetchTopic},
        fetch_response::{FetchResponse, PartitionData},
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
        produce_response::{PartitionProduceResponse, ProduceResponse},
    },
};
use milena_records::{Batch, BatchBuilder, Compression, NewRecord, split};
use milena_runtime::Runtime;
use milena_types::{ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::cluster::DEADLINE;

/// A client's connection. Every wait ends after [`DEADLINE`], unless the test has more patience.
pub struct Client {
    stream: TcpStream,
    next_correlation_id: i32,
    pub patience: Duration,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = timeout(DEADLINE, TcpStream::connect(address))
            .await
            .expect("in time")
            .expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, next_correlation_id: 1, patience: DEADLINE }
    }

    /// Sends a request and waits for its response.
    pub async fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let id = self.send(version, request).await;
        let frame = self.read_frame().await.expect("a response");
        assert_eq!(correlation_id(&frame).expect("a header"), id, "responses come in order");
        decode_response::<R>(frame, version).expect("a response of the version")
    }

    /// Sends a request; returns its correlation id.
    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        let id = self.next_correlation_id;
        self.next_correlation_id += 1;
        let frame = encode_request(request, version, id, Some(&KString::from_static("it")));
        self.send_raw(&frame.to_bytes()).await;
        id
    }

    /// Sends a request over a connection that the broker may have closed already.
    pub async fn try_send<R: Request>(&mut self, version: i16, request: &R) -> bool {
        let frame = encode_request(request, version, 0, None).to_bytes();
        timeout(DEADLINE, self.stream.write_all(&frame)).await.expect("in time").is_ok()
    }

    /// Sends bytes as they are, length included.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        timeout(self.patience, self.stream.write_all(bytes))
            .await
            .expect("in time")
            .expect("the connection is open");
    }

    /// Sends nothing more; responses may still come.
    pub async fn stop_sending(&mut self) {
        self.stream.shutdown().await.expect("the connection is open");
    }

    /// Waits for the response to an earlier request.
    pub async fn receive<R: Request>(&mut self, version: i16, id: i32) -> R::Response {
        let frame = self.read_frame().await.expect("a response");
        assert_eq!(correlation_id(&frame).expect("a header"), id, "responses come in order");
        decode_response::<R>(frame, version).expect("a response of the version")
    }

    /// The next frame without its length; none when the broker closed the connection.
    pub async fn read_frame(&mut self) -> Option<Bytes> {
        let read = async {
            let length = self.stream.read_i32().await.ok()?;
            let mut frame = BytesMut::zeroed(usize::try_from(length).expect("a length"));
            self.stream.read_exact(&mut frame).await.ok()?;
            Some(frame.freeze())
        };
        timeout(self.patience, read).await.expect("in time")
    }

    /// Whether the broker closes the connection without another response.
    pub async fn is_closed_by_broker(&mut self) -> bool {
        self.read_frame().await.is_none()
    }

    /// Produces one batch to one partition, by name.
    pub async fn produce(
        &mut self,
        version: i16,
        topic: &str,
        partition: i32,
        batch: impl Into<Bytes>,
    ) -> PartitionProduceResponse {
        let request = produce_request(topic, &[(partition, batch.into())], -1);
        let response = self.call(version, &request).await;
        only_produced(response)
    }

    /// Fetches one partition without a session, waiting up to a second for one byte.
    pub async fn fetch(
        &mut self,
        version: i16,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> PartitionData {
        let mut request = fetch_request(topic, &[(partition, offset)]);
        request.max_wait_ms = 1000;
        only_fetched(self.call(version, &request).await)
    }
}

/// Fetches one partition from an offset to its end.
pub async fn read_all(
    client: &mut Client,
    topic: &str,
    partition: i32,
    mut offset: i64,
) -> Vec<(i64, String)> {
    let mut all = Vec::new();
    loop {
        let data =
            only_fetched(client.call(12, &fetch_request(topic, &[(partition, offset)])).await);
        assert_eq!(data.error_code, 0);
        all.extend(records_in(&data).into_iter().filter(|(at, _)| *at >= offset));
        offset = all.last().map_or(offset, |(last, _)| last + 1);
        if offset >= data.high_watermark {
            return all;
        }
    }
}

/// A produce of batches to partitions of one topic.
pub fn produce_request(topic: &str, partitions: &[(i32, Bytes)], acks: i16) -> ProduceRequest {
    let partition_data = partitions
        .iter()
        .map(|(index, records)| PartitionProduceData {
            index: *index,
            records: Some(records.clone()),
        })
        .collect();
    ProduceRequest {
        acks,
        timeout_ms: 5000,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data,
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// The response of the only partition.
pub fn only_produced(mut response: ProduceResponse) -> PartitionProduceResponse {
    assert_eq!(response.responses.len(), 1);
    assert_eq!(response.responses[0].partition_responses.len(), 1);
    response.responses.remove(0).partition_responses.remove(0)
}

/// A fetch of partitions of one topic without a session, that does not wait.
pub fn fetch_request(topic: &str, partitions: &[(i32, i64)]) -> FetchRequest {
    FetchRequest {
        replica_id: -1,
        max_wait_ms: 0,
        min_bytes: 1,
        max_bytes: 50 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: topic.into(),
            partitions: partitions
                .iter()
                .map(|(partition, offset)| fetch_partition(*partition, *offset))
                .collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A fetch of one partition of a topic by id (version 13 on), without a session, that does not
/// wait.
pub fn fetch_by_id(topic: TopicId, partition: i32, offset: i64) -> FetchRequest {
    let mut request = fetch_request("", &[(partition, offset)]);
    request.topics[0].topic_id = topic.0;
    request
}

pub fn fetch_partition(partition: i32, offset: i64) -> FetchPartition {
    FetchPartition {
        partition,
        fetch_offset: offset,
        current_leader_epoch: -1,
        last_fetched_epoch: -1,
        log_start_offset: -1,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    }
}

/// The data of the only partition.
pub fn only_fetched(mut response: FetchResponse) -> PartitionData {
    assert_eq!(response.error_code, 0);
    assert_eq!(response.responses.len(), 1);
    assert_eq!(response.responses[0].partitions.len(), 1);
    response.responses.remove(0).partitions.remove(0)
}

/// A batch of records with these values, keys `k0` …, times from 1000 on.
pub fn batch(values: &[&str]) -> Batch {
    batch_with(values, |builder| builder, Compression::None)
}

/// A batch of a codec.
pub fn compressed(values: &[&str], compression: Compression) -> Batch {
    batch_with(values, |builder| builder, compression)
}

/// A batch of an idempotent producer, with times of today: producers whose records are old are
/// forgotten.
pub fn sequenced(values: &[&str], producer: i64, epoch: i16, sequence: i32) -> Batch {
    let mut builder = BatchBuilder::new(Compression::None).producer(
        ProducerId(producer),
        ProducerEpoch(epoch),
        Sequence(sequence),
    );
    let timestamp = Timestamp(Runtime::system().wall_ms());
    for value in values {
        builder.push(&NewRecord { timestamp, value: Some(value.as_bytes()), ..Default::default() });
    }
    builder.build().expect("a batch")
}

/// A batch whose builder is changed first.
pub fn batch_with(
    values: &[&str],
    change: impl FnOnce(BatchBuilder) -> BatchBuilder,
    compression: Compression,
) -> Batch {
    let mut builder = change(BatchBuilder::new(compression));
    for (index, value) in values.iter().enumerate() {
        let key = format!("k{index}");
        builder.push(&NewRecord {
            timestamp: Timestamp(1000 + index as i64),
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            headers: &[],
        });
    }
    builder.build().expect("a batch")
}

/// The batches in the fetched records.
pub fn batches_in(data: &PartitionData) -> Vec<Batch> {
    let records = data.records.as_ref().expect("records are never null");
    split(records.to_bytes()).collect::<Result<_, _>>().expect("whole batches")
}

/// Offset and value of each record that was fetched.
pub fn records_in(data: &PartitionData) -> Vec<(i64, String)> {
    let mut all = Vec::new();
    for batch in batches_in(data) {
        let records = batch.records(1 << 20).expect("readable records");
        for record in &records {
            let record = record.expect("a record");
            let value = record.value.expect("a value");
            all.push((record.offset.raw(), String::from_utf8(value.to_vec()).expect("text")));
        }
    }
    all
}
