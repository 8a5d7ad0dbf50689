//! The 61 bytes before the records of a batch.

use milena_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::{bytes_in::BytesIn, codec::Compression, error::BatchError};

/// The size of a batch's header in bytes, length and base offset included.
pub const HEADER_LEN: usize = 61;

/// The format that this crate reads as batches (KIP-98).
pub const MAGIC: i8 = 2;

/// The bytes that the length field does not count: base offset and the length itself.
pub(crate) const LENGTH_PREFIX: usize = 12;

/// Where the fields are that get patched or checked.
pub(crate) mod at {
    pub(crate) const BASE_OFFSET: usize = 0;
    pub(crate) const LENGTH: usize = 8;
    pub(crate) const LEADER_EPOCH: usize = 12;
    pub(crate) const MAGIC: usize = 16;
    pub(crate) const CRC: usize = 17;
    /// The checksum covers everything from here on.
    pub(crate) const ATTRIBUTES: usize = 21;
    pub(crate) const MAX_TIMESTAMP: usize = 35;
}

/// Which clock a batch's timestamps are from (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    CreateTime,
    /// The broker's, when it appended the batch; then every record has the batch's largest
    /// timestamp.
    LogAppendTime,
}

/// The attribute bits of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC: i16 = 0b111;
    const LOG_APPEND_TIME: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;
    const KNOWN: i16 = 0x7f;

    /// The bits of a batch with these properties.
    pub const fn new(compression: Compression, transactional: bool, control: bool) -> Self {
        let mut bits = compression.id() as i16;
        if transactional {
            bits |= Self::TRANSACTIONAL;
        }
        if control {
            bits |= Self::CONTROL;
        }
        Self(bits)
    }

    /// The codec of the records, or [`BatchError::Codec`].
    pub const fn compression(self) -> Result<Compression, BatchError> {
        let id = (self.0 & Self::CODEC) as u8;
        match Compression::from_id(id) {
            Some(codec) => Ok(codec),
            None => Err(BatchError::Codec { id }),
        }
    }

    /// Which clock the timestamps are from.
    pub const fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// The same attributes without bits that have no meaning.
    #[must_use]
    pub const fn known(self) -> Self {
        Self(self.0 & Self::KNOWN)
    }

    /// The same attributes with [`TimestampType::LogAppendTime`].
    #[must_use]
    pub const fn with_log_append_time(self) -> Self {
        Self(self.0 | Self::LOG_APPEND_TIME)
    }

    /// Whether the batch belongs to a transaction.
    pub const fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records, which clients do not see.
    pub const fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp is the time at which tombstones may go (KIP-534).
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }
}

/// A batch's header, field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The offset of the first record; producers send 0.
    pub base_offset: Offset,
    /// The bytes after this field.
    pub batch_length: i32,
    /// The term of the leader that appended the batch.
    pub leader_epoch: LeaderEpoch,
    /// CRC32C of everything from the attributes on.
    pub crc: u32,
    /// Codec, timestamp type, transaction and control flags.
    pub attributes: Attributes,
    /// The last record's offset, relative to the base offset.
    pub last_offset_delta: i32,
    /// What the records' timestamps are relative to, or the delete horizon.
    pub base_timestamp: Timestamp,
    /// The largest timestamp, or the log append time.
    pub max_timestamp: Timestamp,
    /// The producer, or [`ProducerId::NONE`].
    pub producer_id: ProducerId,
    /// The producer's epoch, -1 for none.
    pub producer_epoch: ProducerEpoch,
    /// The sequence of the first record, -1 for none.
    pub base_sequence: Sequence,
    /// How many records there are; after compaction fewer than offsets.
    pub record_count: i32,
}

impl BatchHeader {
    /// The header of a batch without records, of a plain producer.
    pub(crate) const EMPTY: Self = Self {
        base_offset: Offset::ZERO,
        batch_length: 0,
        leader_epoch: LeaderEpoch::NONE,
        crc: 0,
        attributes: Attributes(0),
        last_offset_delta: -1,
        base_timestamp: Timestamp::NONE,
        max_timestamp: Timestamp::NONE,
        producer_id: ProducerId::NONE,
        producer_epoch: ProducerEpoch(-1),
        base_sequence: Sequence(-1),
        record_count: 0,
    };

    /// Counts a record at an offset relative to the batch's, higher than those before. Returns its
    /// time relative to the first one's.
    pub(crate) fn add_record(&mut self, offset_delta: i32, timestamp: Timestamp) -> i64 {
        if self.record_count == 0 {
            self.base_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.last_offset_delta = offset_delta;
        self.record_count += 1;
        timestamp.raw().wrapping_sub(self.base_timestamp.raw())
    }

    /// Reads the header at the start of `bytes`; the records need not be there.
    ///
    /// Errors: [`BatchError::Truncated`], [`BatchError::Length`], [`BatchError::Magic`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let length =
            bytes.get(at::LENGTH..).and_then(|b| b.first_chunk()).map(|b| i32::from_be_bytes(*b));
        let magic = bytes.get(at::MAGIC).map(|b| b.cast_signed());
        // Magic 0 and 1 have theirs at the same place, and are shorter: say so before speaking of
        // lengths.
        if let Some(magic) = magic
            && magic != MAGIC
        {
            return Err(BatchError::Magic { magic });
        }
        if let Some(length) = length
            && usize::try_from(length).is_ok_and(|l| l < HEADER_LEN - LENGTH_PREFIX) | (length < 0)
        {
            return Err(BatchError::Length { length });
        }
        Self::read(BytesIn::new(bytes))
            .ok_or(BatchError::Truncated { needed: HEADER_LEN, have: bytes.len() })
    }

    fn read(mut input: BytesIn<'_>) -> Option<Self> {
        let base_offset = Offset(input.i64()?);
        let batch_length = input.i32()?;
        let leader_epoch = LeaderEpoch(input.i32()?);
        input.i8()?;
        Some(Self {
            base_offset,
            batch_length,
            leader_epoch,
            crc: input.u32()?,
            attributes: Attributes(input.i16()?),
            last_offset_delta: input.i32()?,
            base_timestamp: Timestamp(input.i64()?),
            max_timestamp: Timestamp(input.i64()?),
            producer_id: ProducerId(input.i64()?),
            producer_epoch: ProducerEpoch(input.i16()?),
            base_sequence: Sequence(input.i32()?),
            record_count: input.i32()?,
        })
    }

    /// The header's bytes, as they stand before the records.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        let mut place = 0;
        let mut put = |bytes: &[u8]| {
            out[place..place + bytes.len()].copy_from_slice(bytes);
            place += bytes.len();
        };
        put(&self.base_offset.raw().to_be_bytes());
        put(&self.batch_length.to_be_bytes());
        put(&self.leader_epoch.raw().to_be_bytes());
        put(&MAGIC.to_be_bytes());
        put(&self.crc.to_be_bytes());
        put(&self.attributes.0.to_be_bytes());
        put(&self.last_offset_delta.to_be_bytes());
        put(&self.base_timestamp.raw().to_be_bytes());
        put(&self.max_timestamp.raw().to_be_bytes());
        put(&self.producer_id.raw().to_be_bytes());
        put(&self.producer_epoch.raw().to_be_bytes());
        put(&self.base_sequence.raw().to_be_bytes());
        put(&self.record_count.to_be_bytes());
        out
    }

    /// The size of the whole batch in bytes.
    pub fn size(&self) -> usize {
        // `parse` refuses lengths below the header's.
        LENGTH_PREFIX + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// The offset of the last record (or of the last one there was, before compaction).
    pub const fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.wrapping_add(self.last_offset_delta as i64))
    }

    /// The offset after the last one.
    pub const fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.wrapping_add(1))
    }

    /// The sequence of the last record; meaningless without a producer.
    pub const fn last_sequence(&self) -> Sequence {
        self.base_sequence.plus(self.last_offset_delta)
    }

    /// Whether an idempotent producer sent the batch.
    pub const fn has_producer(&self) -> bool {
        self.producer_id.raw() >= 0
    }

    /// The log append time, when the batch has one: then it is the time of every record.
    pub fn log_append_time(&self) -> Option<Timestamp> {
        (self.attributes.timestamp_type() == TimestampType::LogAppendTime)
            .then_some(self.max_timestamp)
    }
}
