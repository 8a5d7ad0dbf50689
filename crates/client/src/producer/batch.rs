//! One partition's task: collects records into batches and delivers them, one after the other.

use std::sync::Arc;

use bytes::Bytes;
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
        produce_response::ProduceResponse,
    },
};
use milena_records::{BatchBuilder, NewRecord};
use milena_types::{Offset, Sequence, Timestamp};
use tokio::sync::mpsc;

use crate::{
    Client, ClientError, Connection, TopicInfo,
    producer::{
        identity::{Identities, Identity},
        record::{Acks, ProducerConfig, ProducerRecord, QueuedRecord, RecordPlace},
    },
    retry::Retry,
};

pub(super) struct PartitionSender {
    topic: String,
    partition: i32,
    client: Client,
    config: Arc<ProducerConfig>,
    identities: Arc<Identities>,
    /// The generation that `next` counts in.
    generation: u64,
    next: Sequence,
}

impl PartitionSender {
    pub(super) fn new(
        topic: String,
        partition: i32,
        client: Client,
        config: Arc<ProducerConfig>,
        identities: Arc<Identities>,
    ) -> Self {
        Self { topic, partition, client, config, identities, generation: 0, next: Sequence(0) }
    }

    /// Runs until the producer is dropped and the queue is empty, or the runtime stops.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<QueuedRecord>) {
        let runtime = self.client.runtime().clone();
        let work = async {
            while let Some(batch) = self.collect(&mut queue).await {
                let result = self.deliver(&batch).await.map_err(Arc::new);
                if let Err(error) = &result {
                    tracing::debug!(
                        topic = self.topic, partition = self.partition, %error,
                        "a batch is given up"
                    );
                }
                for (i, queued) in batch.into_iter().enumerate() {
                    let place = result.as_ref().map_err(Arc::clone).map(|base| RecordPlace {
                        partition: self.partition,
                        offset: base.map(|base| base.plus(i as i64)),
                    });
                    let _ = queued.done.send(place); // Nobody may care.
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = runtime.stopping().cancelled() => {}
        }
    }

    /// The next batch's records: all that arrive until the batch is full or has waited long enough.
    async fn collect(
        &self,
        queue: &mut mpsc::UnboundedReceiver<QueuedRecord>,
    ) -> Option<Vec<QueuedRecord>> {
        let first = queue.recv().await?;
        let mut bytes = first.record.size();
        let mut batch = vec![first];
        let linger = tokio::time::sleep(self.config.linger);
        tokio::pin!(linger);
        while bytes < self.config.batch_bytes {
            let next = tokio::select! {
                biased;
                next = queue.recv() => next,
                () = &mut linger => None,
            };
            let Some(next) = next else { break };
            bytes += next.record.size();
            batch.push(next);
        }
        Some(batch)
    }

    /// Delivers a batch. Returns its first offset.
    async fn deliver(&mut self, batch: &[QueuedRecord]) -> Result<Option<Offset>, ClientError> {
        let runtime = self.client.runtime().clone();
        let mut retry = Retry::new(&runtime, self.config.delivery_timeout);
        let mut identity = None;
        if self.config.idempotent {
            identity = Some(self.identities.current().await?);
        }
        let bytes = self.encode(batch, identity)?;
        let what = format!("producing to partition {} of topic {}", self.partition, self.topic);
        loop {
            match self.attempt(&bytes, &what).await {
                Ok(offset) => return Ok(offset),
                Err(error) => {
                    if let Err(error) = retry.after(error).await {
                        if let Some(identity) = identity {
                            self.identities.give_up(identity.generation).await;
                        }
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Builds the batch, and counts its sequences.
    fn encode(
        &mut self,
        batch: &[QueuedRecord],
        identity: Option<Identity>,
    ) -> Result<Bytes, ClientError> {
        let mut builder = BatchBuilder::new(self.config.compression);
        if let Some(identity) = identity {
            if self.generation != identity.generation {
                (self.generation, self.next) = (identity.generation, Sequence(0));
            }
            builder = builder.producer(identity.id, identity.epoch, self.next);
            self.next = self.next.plus(batch.len() as i32);
        }
        for queued in batch {
            push(&mut builder, &queued.record);
        }
        let what = || format!("a batch for topic {}", self.topic);
        Ok(builder
            .build()
            .map_err(|source| ClientError::Records { what: what(), source })?
            .into_bytes())
    }

    async fn attempt(&self, records: &Bytes, what: &str) -> Result<Option<Offset>, ClientError> {
        let (info, leader) = self.client.leader(&self.topic, self.partition).await?;
        let outcome = self.produce(&info, &leader, records, what).await;
        if outcome.is_err() {
            self.client.forget_seen(&info);
        }
        outcome
    }

    async fn produce(
        &self,
        info: &TopicInfo,
        leader: &Connection,
        records: &Bytes,
        what: &str,
    ) -> Result<Option<Offset>, ClientError> {
        let timeout = self.client.config().connection.request_timeout;
        let request = ProduceRequest {
            acks: match self.config.acks {
                Acks::None => 0,
                Acks::Leader => 1,
                Acks::All => -1,
            },
            timeout_ms: i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX),
            topic_data: vec![TopicProduceData {
                name: self.topic.as_str().into(),
                topic_id: info.id.0,
                partition_data: vec![PartitionProduceData {
                    index: self.partition,
                    records: Some(records.clone()),
                }],
            }],
            ..Default::default()
        };
        if self.config.acks == Acks::None {
            leader.send_without_response(&request, leader.version_of(ApiKey::Produce)?).await?;
            return Ok(None);
        }
        self.outcome(&leader.call(&request).await?, what)
    }

    fn outcome(
        &self,
        response: &ProduceResponse,
        what: &str,
    ) -> Result<Option<Offset>, ClientError> {
        let missing = || ClientError::broker(what, ErrorCode::UnknownServerError.code(), None);
        let partitions = response.responses.iter().flat_map(|t| &t.partition_responses);
        let done =
            partitions.into_iter().find(|p| p.index == self.partition).ok_or_else(missing)?;
        if done.error_code != ErrorCode::DuplicateSequenceNumber.code() {
            ClientError::check(what, done.error_code, done.error_message.as_deref())?;
        }
        Ok((done.base_offset >= 0).then_some(Offset(done.base_offset)))
    }
}

fn push(builder: &mut BatchBuilder, record: &ProducerRecord) {
    let headers: Vec<(&[u8], Option<&[u8]>)> =
        record.headers.iter().map(|(key, value)| (key.as_ref(), value.as_deref())).collect();
    builder.push(&NewRecord {
        timestamp: record.timestamp.unwrap_or(Timestamp::NONE),
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: &headers,
    });
}
