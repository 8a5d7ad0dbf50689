//! A producer's configuration, its records and their acknowledgements.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use milena_records::Compression;
use milena_types::{Offset, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::ClientError;

/// When a batch counts as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// When it was sent; the broker sends no response.
    None,
    /// When the leader has it.
    Leader,
    /// When it is safe.
    #[default]
    All,
}

/// A producer's configuration.
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// When a batch counts as written.
    pub acks: Acks,
    /// How batches are compressed.
    pub compression: Compression,
    /// Whether the broker drops duplicates (KIP-98). Needs [`Acks::All`].
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
    /// Its partition; `None`: chosen by the key, or without one, batch by batch.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
    /// Its time; `None`: now.
    pub timestamp: Option<Timestamp>,
}

impl ProducerRecord {
    pub(super) fn size(&self) -> usize {
        let len = |b: &Option<Bytes>| b.as_ref().map_or(0, Bytes::len);
        let headers: usize = self.headers.iter().map(|(k, v)| k.len() + len(v) + 10).sum();
        len(&self.key) + len(&self.value) + headers + 64
    }
}

/// A record's position in the log.
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
pub struct Delivery(pub(super) oneshot::Receiver<Result<RecordPlace, Arc<ClientError>>>);

impl Future for Delivery {
    type Output = Result<RecordPlace, Arc<ClientError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|done| done.unwrap_or_else(|_| Err(Arc::new(ClientError::Closed))))
    }
}

/// A record in the queue of its partition's task.
pub(super) struct QueuedRecord {
    pub(super) record: ProducerRecord,
    pub(super) done: oneshot::Sender<Result<RecordPlace, Arc<ClientError>>>,
    pub(super) _memory: OwnedSemaphorePermit,
    pub(super) _unacknowledged: UnacknowledgedGuard,
}

/// Counts a record as unacknowledged for as long as it lives.
pub(super) struct UnacknowledgedGuard(Arc<watch::Sender<usize>>);

impl UnacknowledgedGuard {
    pub(super) fn new(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|n| *n += 1);
        Self(count.clone())
    }
}

impl Drop for UnacknowledgedGuard {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}
