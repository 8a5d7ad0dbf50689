//! Making batches.

use milena_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::{
    batch::Batch,
    bytes_in::{put_varint, put_varlong, varint_len},
    codec::Compression,
    error::BatchError,
    header::{Attributes, BatchHeader, HEADER_LEN},
};

/// Length, attributes, time, offset and the key's length at most.
pub(crate) const RECORD_HEAD_MAX: usize = 5 + 1 + 10 + 5 + 5;

/// A record to be put into a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// Its time in ms.
    pub timestamp: Timestamp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Its headers: keys and values.
    pub headers: &'a [(&'a [u8], Option<&'a [u8]>)],
}

/// Collects records and makes a batch of them.
///
/// Without further calls the batch is what a plain producer sends: base offset 0, no leader epoch,
/// no producer.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    header: BatchHeader,
    compression: Compression,
    level: Option<i32>,
    transactional: bool,
    control: bool,
    log_append_time: Option<Timestamp>,
    payload: Vec<u8>,
}

impl BatchBuilder {
    /// An empty batch whose records will be compressed with `compression`.
    pub const fn new(compression: Compression) -> Self {
        let payload = Vec::new();
        let (transactional, control, log_append_time) = (false, false, None);
        let header = BatchHeader::EMPTY;
        Self { header, compression, level: None, transactional, control, log_append_time, payload }
    }

    /// Compresses at a level of the codec, as [`Compression::compress_at`] says; otherwise at its
    /// default.
    pub const fn level(mut self, level: Option<i32>) -> Self {
        self.level = level;
        self
    }

    /// Sets the offset of the first record and the leader's term.
    #[must_use]
    pub const fn at(mut self, base_offset: Offset, leader_epoch: LeaderEpoch) -> Self {
        self.header.base_offset = base_offset;
        self.header.leader_epoch = leader_epoch;
        self
    }

    /// Sets the idempotent producer and the sequence of the first record.
    #[must_use]
    pub const fn producer(
        mut self,
        id: ProducerId,
        epoch: ProducerEpoch,
        base_sequence: Sequence,
    ) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Makes the batch part of its producer's transaction.
    #[must_use]
    pub const fn transactional(mut self) -> Self {
        self.transactional = true;
        self
    }

    /// Makes the records control records.
    #[must_use]
    pub const fn control(mut self) -> Self {
        self.control = true;
        self
    }

    /// Gives all records the broker's time instead of their own.
    #[must_use]
    pub const fn log_append_time(mut self, time: Timestamp) -> Self {
        self.log_append_time = Some(time);
        self
    }

    /// Adds a record at the next offset.
    pub fn push(&mut self, record: &NewRecord<'_>) {
        self.push_at(self.header.last_offset_delta + 1, record);
    }

    /// Adds a record at an offset relative to the batch's; for batches with gaps, as compaction
    /// leaves them.
    ///
    /// Panics when `offset_delta` does not rise.
    pub fn push_at(&mut self, offset_delta: i32, record: &NewRecord<'_>) {
        assert!(offset_delta > self.header.last_offset_delta, "offsets of a batch rise");
        let timestamp_delta = self.header.add_record(offset_delta, record.timestamp);
        put_record(&mut self.payload, timestamp_delta, offset_delta, record);
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.header.record_count).unwrap_or(0)
    }

    /// Whether there are no records.
    pub const fn is_empty(&self) -> bool {
        self.header.record_count == 0
    }

    /// The size of the batch so far, before compression, in bytes.
    pub const fn size(&self) -> usize {
        HEADER_LEN + self.payload.len()
    }

    /// The batch. One without records is an empty batch, which compaction leaves to keep an offset.
    ///
    /// Errors: [`BatchError::Compression`] when the codec fails, [`BatchError::TooLarge`] above 2
    /// GiB.
    pub fn build(mut self) -> Result<Batch, BatchError> {
        self.header.attributes =
            Attributes::new(self.compression, self.transactional, self.control);
        if let Some(time) = self.log_append_time {
            self.header.attributes = self.header.attributes.with_log_append_time();
            self.header.max_timestamp = time;
        }
        let payload = self.compression.compress_at(self.level, self.payload)?;
        Batch::assemble(self.header, &payload)
    }
}

/// Appends what stands before a record's key, lengths included. `rest_len` is the length of what
/// follows the key: value and headers.
pub(crate) fn put_record_head(
    out: &mut Vec<u8>,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    rest_len: usize,
) {
    let len = 1
        + varint_len(timestamp_delta)
        + varint_len(i64::from(offset_delta))
        + nullable_len(key)
        + rest_len;
    put_varlong(out, len as i64);
    out.push(0);
    put_varlong(out, timestamp_delta);
    put_varint(out, offset_delta);
    put_varint(out, key.map_or(-1, |key| key.len() as i32));
}

fn put_record(out: &mut Vec<u8>, timestamp_delta: i64, offset_delta: i32, record: &NewRecord<'_>) {
    let NewRecord { key, value, headers, .. } = *record;
    let mut rest_len = nullable_len(value) + varint_len(headers.len() as i64);
    for (key, value) in headers {
        rest_len += nullable_len(Some(key)) + nullable_len(*value);
    }
    out.reserve(RECORD_HEAD_MAX + key.map_or(0, <[u8]>::len) + rest_len);
    put_record_head(out, timestamp_delta, offset_delta, key, rest_len);
    out.extend_from_slice(key.unwrap_or_default());
    put_nullable(out, value);
    put_varlong(out, headers.len() as i64);
    for (key, value) in headers {
        put_nullable(out, Some(key));
        put_nullable(out, *value);
    }
}

/// The length of bytes behind their own length.
pub(crate) fn nullable_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint_len(bytes.len() as i64) + bytes.len())
}

fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            put_varlong(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
        None => put_varint(out, -1),
    }
}
