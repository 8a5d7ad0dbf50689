//! Reading and writing messages.

use bytes::Bytes;
use milena_types::{Offset, Timestamp};

use super::{MessageFormat, lz4_header};
use crate::{bytes_in::BytesIn, codec::Compression, error::BatchError};

/// The attribute bits with the codec.
const CODEC: i8 = 0b111;

/// The attribute bit of magic 1 for the broker's time.
const LOG_APPEND_TIME: i8 = 1 << 3;

/// A message, out of its wrapper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its offset; from producers it has no meaning.
    pub offset: Offset,
    /// Its time in ms; -1 in magic 0.
    pub timestamp: Timestamp,
    /// Whether the time is the broker's.
    pub is_log_append_time: bool,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
}

/// The messages of a set, wrappers opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageSet {
    /// The messages in order.
    pub messages: Vec<Message>,
    /// The codec of the first wrapper, if there is one.
    pub compression: Compression,
    /// How many messages stand in the set itself, a wrapper being one.
    pub entries: usize,
}

/// Reads a message set, checking each message's checksum. `limit` bounds what all wrappers together
/// decompress to.
///
/// Errors: as for batches; [`BatchError::Magic`] for magic 2, [`BatchError::Invalid`] for zstd,
/// which old formats do not have, and for messages of both formats.
pub fn messages(records: &Bytes, limit: usize) -> Result<MessageSet, BatchError> {
    let mut set = MessageSet::default();
    let mut left = limit;
    let mut magic = None;
    for entry in Entries::new(records) {
        let entry = entry?;
        set.entries += 1;
        if *magic.get_or_insert(entry.magic) != entry.magic {
            return Err(BatchError::Invalid { reason: "messages of a set have different magic" });
        }
        if entry.codec == Compression::None {
            set.messages.push(entry.message);
            continue;
        }
        if set.compression == Compression::None {
            set.compression = entry.codec;
        }
        let inner = entry.decompress(left).map_err(|e| match e {
            BatchError::TooLarge { .. } => BatchError::TooLarge { limit },
            other => other,
        })?;
        left -= inner.len();
        unwrap(&entry, &inner, &mut set.messages)?;
    }
    Ok(set)
}

fn unwrap(wrapper: &Entry, inner: &Bytes, messages: &mut Vec<Message>) -> Result<(), BatchError> {
    let first = messages.len();
    for entry in Entries::new(inner) {
        let entry = entry?;
        if entry.codec != Compression::None {
            return Err(BatchError::Invalid {
                reason: "a compressed message holds another compressed message",
            });
        }
        if entry.magic != wrapper.magic {
            return Err(BatchError::Invalid {
                reason: "the magic inside a compressed message is another",
            });
        }
        messages.push(entry.message);
    }
    let opened = &mut messages[first..];
    let Some(last) = opened.last() else {
        return Err(BatchError::Invalid { reason: "a compressed message holds no messages" });
    };
    if wrapper.magic == 1 {
        let base = wrapper.message.offset.raw().wrapping_sub(last.offset.raw());
        for message in opened {
            message.offset = Offset(message.offset.raw().wrapping_add(base));
            if wrapper.message.is_log_append_time {
                message.is_log_append_time = true;
                message.timestamp = wrapper.message.timestamp;
            }
        }
    }
    Ok(())
}

/// A message as it stands in a set: perhaps a wrapper.
struct Entry {
    magic: i8,
    codec: Compression,
    message: Message,
}

impl Entry {
    fn decompress(&self, limit: usize) -> Result<Bytes, BatchError> {
        let Some(value) = &self.message.value else {
            return Err(BatchError::Invalid { reason: "a compressed message has no value" });
        };
        if self.codec == Compression::Lz4 && self.magic == 0 {
            let mut frame = value.to_vec();
            lz4_header::write_right_checksum(&mut frame)
                .ok_or_else(|| self.codec.failed(&"the frame's header is cut"))?;
            return self.codec.decompress(frame.into(), limit);
        }
        self.codec.decompress(value.clone(), limit)
    }
}

/// Walks a set without opening wrappers; ends after the first error.
struct Entries<'a> {
    records: &'a Bytes,
    rest: BytesIn<'a>,
}

impl<'a> Entries<'a> {
    fn new(records: &'a Bytes) -> Self {
        Self { records, rest: BytesIn::new(records) }
    }

    fn read(&mut self) -> Result<Entry, BatchError> {
        const HEADER_LEN: usize = 12;
        let have = self.rest.len();
        let (offset, length) = self
            .rest
            .i64()
            .zip(self.rest.i32())
            .ok_or(BatchError::Truncated { needed: HEADER_LEN, have })?;
        let size = usize::try_from(length).map_err(|_| BatchError::Length { length })?;
        let bytes = self
            .rest
            .take(size)
            .ok_or(BatchError::Truncated { needed: HEADER_LEN.saturating_add(size), have })?;
        // A batch has its magic at the same place: check it before reading anything else.
        if let Some(magic) = bytes.get(4).map(|b| b.cast_signed())
            && !matches!(magic, 0 | 1)
        {
            return Err(BatchError::Magic { magic });
        }
        self.read_body(Offset(offset), bytes)
    }

    fn read_body(&self, offset: Offset, bytes: &'a [u8]) -> Result<Entry, BatchError> {
        let mut input = BytesIn::new(bytes);
        let short =
            || BatchError::Length { length: i32::try_from(bytes.len()).unwrap_or(i32::MAX) };
        let stored = input.u32().ok_or_else(short)?;
        let computed = crc32(input.rest());
        if stored != computed {
            return Err(BatchError::Checksum { stored, computed });
        }
        let (magic, attributes) = input.i8().zip(input.i8()).ok_or_else(short)?;
        let id = attributes.cast_unsigned() & CODEC.cast_unsigned();
        let codec = Compression::from_id(id).filter(|codec| *codec != Compression::Zstd).ok_or(
            BatchError::Invalid { reason: "old message formats have gzip, snappy and lz4 only" },
        )?;
        let timestamp = if magic == 0 { -1 } else { input.i64().ok_or_else(short)? };
        let key = input.nullable_i32().ok_or_else(short)?;
        let value = input.nullable_i32().ok_or_else(short)?;
        if !input.is_empty() {
            return Err(BatchError::Invalid {
                reason: "a message is longer than its key and value",
            });
        }
        let message = Message {
            offset,
            timestamp: Timestamp(timestamp),
            is_log_append_time: magic == 1 && attributes & LOG_APPEND_TIME != 0,
            key: key.map(|key| self.records.slice_ref(key)),
            value: value.map(|value| self.records.slice_ref(value)),
        };
        Ok(Entry { magic, codec, message })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.read();
        if entry.is_err() {
            self.rest = BytesIn::new(&[]);
        }
        Some(entry)
    }
}

/// A message to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewMessage<'a> {
    pub(super) offset: i64,
    pub(super) timestamp: Timestamp,
    pub(super) is_log_append_time: bool,
    pub(super) codec: Compression,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
}

impl NewMessage<'_> {
    /// Appends the message to a set.
    ///
    /// Errors: [`BatchError::TooLarge`] above 2 GiB.
    pub(super) fn put(&self, format: MessageFormat, out: &mut Vec<u8>) -> Result<(), BatchError> {
        let start = out.len();
        out.extend_from_slice(&self.offset.to_be_bytes());
        out.extend_from_slice(&[0; 8]); // size and checksum follow
        let mut attributes = self.codec.id().cast_signed();
        if format == MessageFormat::Magic1 && self.is_log_append_time {
            attributes |= LOG_APPEND_TIME;
        }
        out.extend_from_slice(&[format.magic().cast_unsigned(), attributes.cast_unsigned()]);
        if format == MessageFormat::Magic1 {
            out.extend_from_slice(&self.timestamp.raw().to_be_bytes());
        }
        for part in [self.key, self.value] {
            // A record's parts come from a batch, whose lengths are 32-bit.
            let len = part.map_or(-1, |part| part.len() as i32);
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(part.unwrap_or_default());
        }
        let size = out.len() - start - 12;
        let size =
            i32::try_from(size).map_err(|_| BatchError::TooLarge { limit: i32::MAX as usize })?;
        let crc = crc32(&out[start + 16..]);
        out[start + 8..start + 12].copy_from_slice(&size.to_be_bytes());
        out[start + 12..start + 16].copy_from_slice(&crc.to_be_bytes());
        Ok(())
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
