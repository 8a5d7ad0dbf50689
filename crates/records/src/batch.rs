//! One batch, and the walk over many.

use bytes::Bytes;
use milena_types::Timestamp;

use crate::{
    error::BatchError,
    header::{BatchHeader, HEADER_LEN, LENGTH_PREFIX, TimestampType, at},
    record::RecordSet,
};

/// A magic 2 record batch: its header, and all its bytes (header included), shared with whatever
/// they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The header as parsed from `bytes`, but for [`Batch::set_max_timestamp`].
    header: BatchHeader,
    bytes: Bytes,
}

/// Walks the batches in `records`: the records field of a produce request or a fetch response, or a
/// stretch of a log. Nothing is copied and nothing but headers is looked at; checksums are for
/// [`Batch::verify_crc`].
pub const fn split(records: Bytes) -> Batches {
    Batches { rest: records }
}

/// The magic of the first batch or message in `records`; `None` when they are too short to have
/// one.
pub fn magic_of(records: &[u8]) -> Option<i8> {
    records.get(at::MAGIC).map(|b| b.cast_signed())
}

/// The checksum of the beginning of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    crc: u32,
    bytes: usize,
}

/// The iterator of [`split`]. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Batches {
    /// What was not walked yet; after an error, nothing.
    pub const fn rest(&self) -> &Bytes {
        &self.rest
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = Batch::take_first(&mut self.rest);
        if batch.is_err() {
            self.rest = Bytes::new();
        }
        Some(batch)
    }
}

impl Batch {
    /// The batch that `bytes` are, exactly.
    ///
    /// Errors: as [`BatchHeader::parse`], and [`BatchError::Invalid`] when more bytes follow.
    pub fn parse(bytes: &Bytes) -> Result<Self, BatchError> {
        let mut rest = bytes.clone();
        let batch = Self::take_first(&mut rest)?;
        if !rest.is_empty() {
            return Err(BatchError::Invalid { reason: "bytes follow the end of the batch" });
        }
        Ok(batch)
    }

    /// The batch at the beginning of `bytes`, which then have what follows it.
    fn take_first(bytes: &mut Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(bytes)?;
        let needed = header.size();
        if needed > bytes.len() {
            return Err(BatchError::Truncated { needed, have: bytes.len() });
        }
        Ok(Self { header, bytes: bytes.split_to(needed) })
    }

    pub const fn header(&self) -> &BatchHeader {
        &self.header
    }

    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The whole batch, giving the view up.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The size of the whole batch in bytes.
    pub const fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Sets the largest timestamp to what the records say. Only the header of this view changes: a
    /// [`crate::Stamp`] writes it, so that a log never has what a client merely says.
    pub fn set_max_timestamp(&mut self, max_timestamp: Timestamp) {
        self.header.max_timestamp = max_timestamp;
    }

    /// What follows the header: records, compressed as the header says.
    pub fn payload(&self) -> Bytes {
        self.bytes.slice(HEADER_LEN..)
    }

    /// Compares the checksum with the bytes: [`BatchError::Checksum`] when they differ.
    pub fn verify_crc(&self) -> Result<(), BatchError> {
        let mut checksum = Checksum::default();
        while !self.add_to_checksum(&mut checksum, usize::MAX)? {}
        Ok(())
    }

    /// As [`Batch::verify_crc`], for `bytes` more bytes of the batch; `true` when all were
    /// compared.
    pub fn add_to_checksum(&self, sum: &mut Checksum, bytes: usize) -> Result<bool, BatchError> {
        let rest = &self.bytes[at::ATTRIBUTES + sum.bytes..];
        let next = &rest[..rest.len().min(bytes)];
        sum.crc = crc32c::crc32c_append(sum.crc, next);
        sum.bytes += next.len();
        if next.len() < rest.len() {
            return Ok(false);
        }
        if sum.crc == self.header.crc {
            Ok(true)
        } else {
            Err(BatchError::Checksum { stored: self.header.crc, computed: sum.crc })
        }
    }

    /// The rules for the header of a batch that a client sends: offsets from 0, one per record, a
    /// known codec, no control records, sequences for an idempotent producer, no log append
    /// time. What needs a look at the records is [`crate::RecordCheck`].
    ///
    /// Errors: [`BatchError::Codec`], [`BatchError::Invalid`], [`BatchError::TimestampType`].
    pub fn validate_produced(&self) -> Result<(), BatchError> {
        let header = &self.header;
        header.attributes.compression()?;
        let broken = if header.base_offset.raw() != 0 {
            "the base offset of a produced batch is 0"
        } else if header.record_count <= 0 {
            "a produced batch has at least one record"
        } else if header.last_offset_delta < 0 {
            "the last offset delta is negative"
        } else if header.last_offset_delta != header.record_count - 1 {
            "the record count does not match the last offset delta"
        } else if header.attributes.is_control() {
            "clients do not write control records"
        } else if header.has_producer() && header.base_sequence.raw() < 0 {
            "an idempotent producer numbers its batches from 0"
        } else if header.has_producer() && header.producer_epoch.raw() < 0 {
            "an idempotent producer has an epoch of 0 or more"
        } else if header.attributes.is_transactional() && !header.has_producer() {
            "a transactional batch has a producer id"
        } else if header.attributes.has_delete_horizon() {
            "the delete horizon is the broker's to set"
        } else if header.attributes.timestamp_type() == TimestampType::LogAppendTime {
            return Err(BatchError::TimestampType);
        } else {
            return Ok(());
        };
        Err(BatchError::Invalid { reason: broken })
    }

    /// The records, decompressed into at most `limit` bytes. An uncompressed batch is borrowed, not
    /// copied, and the limit does not apply.
    ///
    /// Errors: [`BatchError::Codec`], [`BatchError::Compression`], [`BatchError::TooLarge`]; broken
    /// records show when they are reached.
    pub fn records(&self, limit: usize) -> Result<RecordSet, BatchError> {
        let codec = self.header.attributes.compression()?;
        let payload = codec.decompress(self.payload(), limit)?;
        Ok(RecordSet::new(&self.header, payload))
    }

    /// A batch of a header and a payload that is encoded already; length and checksum are filled
    /// in.
    pub(crate) fn assemble(header: BatchHeader, payload: &[u8]) -> Result<Self, BatchError> {
        let mut bytes = Vec::with_capacity(HEADER_LEN + payload.len());
        bytes.extend_from_slice(&[0; HEADER_LEN]);
        bytes.extend_from_slice(payload);
        Self::seal(header, bytes)
    }

    /// A batch of a header and bytes that have room for it before the payload.
    pub(crate) fn seal(mut header: BatchHeader, mut bytes: Vec<u8>) -> Result<Self, BatchError> {
        header.batch_length = i32::try_from(bytes.len() - LENGTH_PREFIX)
            .map_err(|_| BatchError::TooLarge { limit: i32::MAX as usize })?;
        bytes[..HEADER_LEN].copy_from_slice(&header.encode());
        header.crc = crc32c::crc32c(&bytes[at::ATTRIBUTES..]);
        bytes[at::CRC..at::ATTRIBUTES].copy_from_slice(&header.crc.to_be_bytes());
        Ok(Self { header, bytes: bytes.into() })
    }
}
