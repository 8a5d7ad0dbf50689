//! Records in: batched by partition, in order, each batch retried until it is acknowledged or too
//! old.
//!
//! Invariants: the records of one partition go out in the order of the [`Producer::send`] calls,
//! one batch at a time; a batch that is tried again is the same bytes with the same producer id and
//! sequence; the memory of records not yet acknowledged is bounded, and `send` waits for it.

mod batch;
mod identity;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use milena_records::Compression;
use milena_runtime::Runtime;
use milena_types::{Offset, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::{Client, ClientError, partitioner::partition_of_key, retry::Retry};
use batch::PartitionSender;
use identity::Identities;

/// When a batch counts as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// When it was sent; the broker does not answer.
    None,
    /// When the leader has it.
    Leader,
    /// When it is safe.
    #[default]
    All,
}

/// How a producer behaves.
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// When a batch counts as written.
    pub acks: Acks,
    /// How batches are compressed.
    pub compression: Compression,
    /// Whether the broker drops what it gets twice (KIP-98). Needs [`Acks::All`].
    pub idempotent: bool,
    /// How long a batch waits for more records.
    pub linger: Duration,
    /// A batch is sent at this size, in bytes before compression.
    pub batch_bytes: usize,
    /// Bytes of records that may be unacknowledged before `send` waits.
    pub buffer_bytes: usize,
    /// How long a batch may take with all its retries.
    pub delivery_timeout: Duration,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            compression: Compression::None,
            idempotent: true,
            linger: Duration::from_millis(2),
            batch_bytes: 256 << 10,
            buffer_bytes: 32 << 20,
            delivery_timeout: Duration::from_secs(120),
        }
    }
}

/// A record to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerRecord {
    /// Its topic.
    pub topic: String,
    /// Its partition; chosen by the key, or without one batch by batch, when nothing is said.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
    /// Its time; now when nothing is said.
    pub timestamp: Option<Timestamp>,
}

impl ProducerRecord {
    fn size(&self) -> usize {
        let len = |b: &Option<Bytes>| b.as_ref().map_or(0, Bytes::len);
        let headers: usize = self.headers.iter().map(|(k, v)| k.len() + len(v) + 10).sum();
        len(&self.key) + len(&self.value) + headers + 64
    }
}

/// Where a record ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// The partition.
    pub partition: i32,
    /// The offset; `None` with [`Acks::None`], and for a duplicate whose place the broker no
    /// longer knows.
    pub offset: Option<Offset>,
}

/// The acknowledgement of one record, to be awaited. Dropping it changes nothing.
#[derive(Debug)]
pub struct Delivery(oneshot::Receiver<Result<RecordPlace, Arc<ClientError>>>);

impl Future for Delivery {
    type Output = Result<RecordPlace, Arc<ClientError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|done| done.unwrap_or_else(|_| Err(Arc::new(ClientError::Closed))))
    }
}

/// A record on its way to its partition's task.
struct Queued {
    record: ProducerRecord,
    done: oneshot::Sender<Result<RecordPlace, Arc<ClientError>>>,
    _memory: OwnedSemaphorePermit,
    _unacknowledged: Unacknowledged,
}

/// Counts a record as unacknowledged for as long as it lives.
struct Unacknowledged(Arc<watch::Sender<usize>>);

impl Unacknowledged {
    fn new(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|n| *n += 1);
        Self(count.clone())
    }
}

impl Drop for Unacknowledged {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

/// A producer. Its tasks end when it is dropped and everything it was given is delivered or failed.
pub struct Producer {
    client: Client,
    config: Arc<ProducerConfig>,
    runtime: Runtime,
    identities: Arc<Identities>,
    memory: Arc<Semaphore>,
    unacknowledged: Arc<watch::Sender<usize>>,
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    by_partition: HashMap<(String, i32), mpsc::UnboundedSender<Queued>>,
    /// Where records without a key go for now, and how many bytes went there.
    sticky: HashMap<String, (i32, usize)>,
}

impl Producer {
    /// A producer over a client.
    pub fn new(client: Client, mut config: ProducerConfig) -> Self {
        config.idempotent &= config.acks == Acks::All;
        config.buffer_bytes =
            config.buffer_bytes.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self {
            runtime: client.runtime().clone(),
            identities: Arc::new(Identities::new(client.clone())),
            memory: Arc::new(Semaphore::new(config.buffer_bytes)),
            unacknowledged: Arc::new(watch::Sender::new(0)),
            queues: Mutex::default(),
            config: Arc::new(config),
            client,
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().expect("no panic happens under this lock")
    }

    /// Hands a record over, once there is memory for it, and gives back what waits for its
    /// acknowledgement.
    ///
    /// Errors: when the topic is not known (after a few seconds of asking), or the client is shut
    /// down.
    pub async fn send(&self, mut record: ProducerRecord) -> Result<Delivery, ClientError> {
        let size = record.size().min(self.config.buffer_bytes);
        let permits = u32::try_from(size).unwrap_or(u32::MAX);
        let memory = self
            .memory
            .clone()
            .acquire_many_owned(permits)
            .await
            .map_err(|_| ClientError::Closed)?;
        let partitions = self.partitions_of(&record.topic).await?;
        let partition = match (record.partition, &record.key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => i32::try_from(partition_of_key(key, partitions)).unwrap_or(0),
            (None, None) => self.sticky_partition(&record.topic, partitions, size),
        };
        if usize::try_from(partition).is_ok_and(|p| p >= partitions) || partition < 0 {
            let code = milena_protocol::ErrorCode::UnknownTopicOrPartition.code();
            return Err(ClientError::broker(
                format!("partition {partition} of topic {}", record.topic),
                code,
                None,
            ));
        }
        record.timestamp.get_or_insert_with(|| Timestamp(self.runtime.wall_ms()));
        let (done, delivery) = oneshot::channel();
        let _unacknowledged = Unacknowledged::new(&self.unacknowledged);
        let topic = record.topic.clone();
        let queued = Queued { record, done, _memory: memory, _unacknowledged };
        self.queue(topic, partition).send(queued).map_err(|_| ClientError::Closed)?;
        Ok(Delivery(delivery))
    }

    /// Sends a record and waits for its acknowledgement.
    pub async fn send_and_wait(
        &self,
        record: ProducerRecord,
    ) -> Result<RecordPlace, Arc<ClientError>> {
        self.send(record).await?.await
    }

    /// Waits until everything handed over is acknowledged or failed.
    pub async fn flush(&self) {
        let mut count = self.unacknowledged.subscribe();
        let _ = count.wait_for(|n| *n == 0).await; // The sender lives as long as this producer.
    }

    async fn partitions_of(&self, topic: &str) -> Result<usize, ClientError> {
        let mut retry = Retry::new(&self.runtime, Duration::from_secs(5));
        loop {
            match self.client.topic(topic).await {
                Ok(info) => return Ok(info.partitions.len()),
                Err(error) => retry.after(error).await?,
            }
        }
    }

    /// The partition for records without a key: one until about a batch went there, then another at
    /// random (KIP-480).
    fn sticky_partition(&self, topic: &str, partitions: usize, size: usize) -> i32 {
        let mut queues = self.queues();
        let random = || (self.runtime.random_u64() % partitions.max(1) as u64) as i32;
        let (partition, bytes) =
            queues.sticky.entry(topic.to_owned()).or_insert_with(|| (random(), 0));
        if *bytes >= self.config.batch_bytes {
            (*partition, *bytes) = (random(), 0);
        }
        *bytes += size;
        *partition
    }

    fn queue(&self, topic: String, partition: i32) -> mpsc::UnboundedSender<Queued> {
        let mut queues = self.queues();
        let entry = queues.by_partition.entry((topic, partition));
        let start = |(topic, partition): &(String, i32)| {
            let (sender, queue) = mpsc::unbounded_channel();
            let task = PartitionSender::new(
                topic.clone(),
                *partition,
                self.client.clone(),
                self.config.clone(),
                self.identities.clone(),
            );
            self.runtime.spawn(task.run(queue));
            sender
        };
        entry.or_insert_with_key(start).clone()
    }
}
