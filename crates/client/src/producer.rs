//! Records in: batched by partition, in order, each batch retried until it is acknowledged or too
//! old.
//!
//! Invariants: the records of one partition go out in the order of the [`Producer::send`] calls,
//! one batch at a time; a batch that is tried again is the same bytes with the same producer id and
//! sequence; the memory of records not yet acknowledged is bounded, and `send` waits for it.

mod batch;
mod identity;
mod record;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use milena_runtime::Runtime;
use milena_types::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::{Client, ClientError, partitioner::partition_of_key, retry::Retry};
use batch::PartitionSender;
use identity::Identities;
pub use record::{Acks, Delivery, ProducerConfig, ProducerRecord, RecordPlace};
use record::{QueuedRecord, UnacknowledgedGuard};

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
    by_partition: HashMap<(String, i32), mpsc::UnboundedSender<QueuedRecord>>,
    /// The partition that records without a key go to at present, and the bytes sent to it.
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

    /// Queues a record, once there is memory for it. Returns its pending acknowledgement.
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
        let _unacknowledged = UnacknowledgedGuard::new(&self.unacknowledged);
        let topic = record.topic.clone();
        let queued = QueuedRecord { record, done, _memory: memory, _unacknowledged };
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

    fn queue(&self, topic: String, partition: i32) -> mpsc::UnboundedSender<QueuedRecord> {
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
