//! Reading and writing messages.

use bytes::Bytes;
use milena_types::{Offset, Timestamp};

use super::{MessageFormat, lz4_header};
use crate::{
    bytes_in::BytesIn,
    codec::{Compression, Decoder},
    error::BatchError,
};

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
    for entry in Entries::new(records.clone()) {
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
        let (magic, wrapper) = (entry.magic, entry.message.clone());
        let mut inner = Vec::new();
        entry.into_decoder()?.read_to_end(&mut inner, left).map_err(|e| match e {
            BatchError::TooLarge { .. } => BatchError::TooLarge { limit },
            other => other,
        })?;
        left -= inner.len();
        unwrap(magic, &wrapper, inner.into(), &mut set.messages)?;
    }
    Ok(set)
}

fn unwrap(
    magic: i8,
    wrapper: &Message,
    inner: Bytes,
    messages: &mut Vec<Message>,
) -> Result<(), BatchError> {
    let first = messages.len();
    for entry in Entries::new(inner) {
        let entry = entry?;
        if entry.codec != Compression::None {
            return Err(BatchError::Invalid {
                reason: "a compressed message holds another compressed message",
            });
        }
        if entry.magic != magic {
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
    if magic == 1 {
        let base = wrapper.offset.raw().wrapping_sub(last.offset.raw());
        for message in opened {
            message.offset = Offset(message.offset.raw().wrapping_add(base));
            if wrapper.is_log_append_time {
                message.is_log_append_time = true;
                message.timestamp = wrapper.timestamp;
            }
        }
    }
    Ok(())
}

/// A message as it stands in a set: perhaps a wrapper.
pub(super) struct Entry {
    pub(super) magic: i8,
    pub(super) codec: Compression,
    pub(super) message: Message,
}

/// The bytes before a message that its size does not count: its offset and the size itself.
pub(super) const MESSAGE_PREFIX: usize = 12;

/// The length of the message that these bytes begin with; `None` when they are too few to say.
///
/// Errors: [`BatchError::Length`].
pub(super) fn message_len(bytes: &[u8]) -> Result<Option<usize>, BatchError> {
    let size = bytes.get(MESSAGE_PREFIX - 4..).and_then(<[u8]>::first_chunk);
    let Some(length) = size.map(|size| i32::from_be_bytes(*size)) else { return Ok(None) };
    let size = usize::try_from(length).map_err(|_| BatchError::Length { length })?;
    Ok(Some(MESSAGE_PREFIX.saturating_add(size)))
}

impl Entry {
    /// The first message of `records`, and the rest of them.
    pub(super) fn read(records: &Bytes) -> Result<(Self, Bytes), BatchError> {
        let have = records.len();
        let cut = |needed| BatchError::Truncated { needed, have };
        let len = message_len(records)?.ok_or_else(|| cut(MESSAGE_PREFIX))?;
        if len > have {
            return Err(cut(len));
        }
        let (message, rest) = (records.slice(..len), records.slice(len..));
        let offset = message.first_chunk().map_or(0, |offset| i64::from_be_bytes(*offset));
        let body = &message[MESSAGE_PREFIX..];
        // A batch has its magic at the same place: check it before reading anything else.
        if let Some(magic) = body.get(4).map(|b| b.cast_signed())
            && !matches!(magic, 0 | 1)
        {
            return Err(BatchError::Magic { magic });
        }
        Ok((Self::read_body(&message, Offset(offset), body)?, rest))
    }

    fn read_body(message: &Bytes, offset: Offset, body: &[u8]) -> Result<Self, BatchError> {
        let mut input = BytesIn::new(body);
        let short = || BatchError::Length { length: i32::try_from(body.len()).unwrap_or(i32::MAX) };
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
            key: key.map(|key| message.slice_ref(key)),
            value: value.map(|value| message.slice_ref(value)),
        };
        Ok(Self { magic, codec, message })
    }

    /// A decoder for the messages in a wrapper.
    pub(super) fn into_decoder(self) -> Result<Decoder, BatchError> {
        let Some(value) = self.message.value else {
            return Err(BatchError::Invalid { reason: "a compressed message has no value" });
        };
        let codec = self.codec;
        let value = if codec == Compression::Lz4 && self.magic == 0 {
            let mut frame = value.to_vec();
            lz4_header::write_right_checksum(&mut frame)
                .ok_or_else(|| codec.failed(&"the frame's header is cut"))?;
            frame.into()
        } else {
            value
        };
        Decoder::new(codec, value)?
            .ok_or(BatchError::Invalid { reason: "the message is no wrapper" })
    }
}

/// Walks a set without opening wrappers; ends after the first error.
struct Entries {
    rest: Bytes,
}

impl Entries {
    const fn new(records: Bytes) -> Self {
        Self { rest: records }
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = Entry::read(&self.rest);
        Some(match read {
            Ok((entry, rest)) => {
                self.rest = rest;
                Ok(entry)
            }
            Err(error) => {
                self.rest = Bytes::new();
                Err(error)
            }
        })
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
