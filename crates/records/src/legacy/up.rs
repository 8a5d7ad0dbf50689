//! What an old producer sends, as a batch.

use super::message::{Entry, MESSAGE_PREFIX, message_len};
use crate::{
    batch::Batch,
    builder::{RECORD_HEAD_MAX, nullable_len, put_record_head},
    bytes_in::put_varint,
    codec::{Compression, Decoder, Decompressed, Encoder},
    error::BatchError,
    header::{Attributes, BatchHeader, HEADER_LEN},
};
use bytes::{Bytes, BytesMut};

/// How much is decompressed or compressed at a time.
const SLICE: usize = 64 * 1024;

/// Makes one batch of all the messages of a set, in order, with offsets from 0, a little at a time.
/// Its codec is the one the producer used. One message at a time is in memory.
#[derive(Debug)]
pub struct UpConversion {
    /// The set, from the next message on.
    rest: Bytes,
    wrapper: Option<Wrapper>,
    magic: Option<i8>,
    header: BatchHeader,
    /// Made for the first message, when the codec is known.
    encoder: Option<Encoder>,
    /// What of the current record is not encoded yet.
    record: Vec<Bytes>,
    /// The largest message that is taken.
    limit: usize,
    /// How many bytes of records there are so far, not compressed.
    expanded: u64,
}

/// A compressed message, and how far it is opened.
#[derive(Debug)]
struct Wrapper {
    is_log_append_time: bool,
    decoder: Decoder,
    /// What is decompressed of the next message.
    buffer: BytesMut,
    ended: bool,
}

/// How far it is.
#[derive(Debug)]
pub enum UpConverted {
    Pending(UpConversion),
    Done(Batch),
}

impl UpConversion {
    /// Begins to convert a set. `limit` bounds the size of a message.
    pub fn new(records: Bytes, limit: usize) -> Self {
        let header = BatchHeader::EMPTY;
        let (wrapper, magic, encoder, record) = (None, None, None, Vec::new());
        Self { rest: records, wrapper, magic, header, encoder, record, limit, expanded: 0 }
    }

    /// The size of the batch so far, about: codecs keep some of what they get.
    pub fn size(&self) -> usize {
        self.encoder.as_ref().map_or(0, Encoder::len)
    }

    /// How many bytes of records there are so far, not compressed.
    pub const fn expanded(&self) -> u64 {
        self.expanded
    }

    /// How much memory it has beside the set, about.
    pub fn memory(&self) -> usize {
        let wrapper = self.wrapper.as_ref();
        let opened = wrapper.map_or(0, |open| open.decoder.memory() + open.buffer.capacity());
        let record: usize =
            if wrapper.is_some() { self.record.iter().map(Bytes::len).sum() } else { 0 };
        opened + record + self.encoder.as_ref().map_or(0, Encoder::memory)
    }

    /// Goes on for about `budget` decompressed bytes; the batch at the end.
    ///
    /// Errors: as [`super::messages`], [`BatchError::Invalid`] for an empty set and for a wrapper
    /// that is not alone, and [`BatchError::TimestampType`] for log append time.
    pub fn step(mut self, budget: usize) -> Result<UpConverted, BatchError> {
        let mut left = budget.max(1);
        while left > 0 {
            let spent = match self.encode_some()? {
                Some(spent) => spent,
                None => match self.next_message()? {
                    Some(spent) => spent,
                    None => return self.finish().map(UpConverted::Done),
                },
            };
            left = left.saturating_sub(spent);
        }
        Ok(UpConverted::Pending(self))
    }

    /// Encodes a part of the current record; `None` when nothing of it is left.
    fn encode_some(&mut self) -> Result<Option<usize>, BatchError> {
        let (Some(part), Some(encoder)) = (self.record.last_mut(), &mut self.encoder) else {
            return Ok(None);
        };
        let slice = part.split_to(part.len().min(SLICE));
        encoder.write(&slice)?;
        self.expanded += slice.len() as u64;
        if part.is_empty() {
            self.record.pop();
        }
        Ok(Some(slice.len()))
    }

    /// Reads the next message, or a part of it; `None` at the end.
    fn next_message(&mut self) -> Result<Option<usize>, BatchError> {
        if let Some(wrapper) = &mut self.wrapper {
            return match wrapper.next(self.limit)? {
                Inner::Some(spent) => Ok(Some(spent)),
                Inner::Message(bytes) => {
                    let (len, late) = (bytes.len(), wrapper.is_log_append_time);
                    let (entry, _) = Entry::read(&bytes)?;
                    if entry.codec != Compression::None {
                        let reason = "a compressed message holds another compressed message";
                        return Err(BatchError::Invalid { reason });
                    }
                    if Some(entry.magic) != self.magic {
                        let reason = "the magic inside a compressed message is another";
                        return Err(BatchError::Invalid { reason });
                    }
                    self.push(entry, late)?;
                    Ok(Some(len))
                }
                Inner::End => Ok(None),
            };
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (entry, rest) = Entry::read(&self.rest)?;
        let spent = self.rest.len() - rest.len();
        self.rest = rest;
        if *self.magic.get_or_insert(entry.magic) != entry.magic {
            return Err(BatchError::Invalid { reason: "messages of a set have different magic" });
        }
        if entry.codec == Compression::None {
            self.push(entry, false)?;
            return Ok(Some(spent));
        }
        if self.encoder.is_some() || !self.rest.is_empty() {
            let reason = "a compressed message has to be the only one of its set";
            return Err(BatchError::Invalid { reason });
        }
        self.begin(entry.codec)?;
        let is_log_append_time = entry.message.is_log_append_time;
        let decoder = entry.into_decoder()?;
        let buffer = BytesMut::new();
        self.wrapper = Some(Wrapper { is_log_append_time, decoder, buffer, ended: false });
        Ok(Some(spent))
    }

    fn begin(&mut self, codec: Compression) -> Result<&mut Encoder, BatchError> {
        self.header.attributes = Attributes::new(codec, false, false);
        let encoder = Encoder::new(codec, None, vec![0; HEADER_LEN])?;
        Ok(self.encoder.insert(encoder))
    }

    /// Makes the message the current record.
    fn push(&mut self, entry: Entry, log_append_time: bool) -> Result<(), BatchError> {
        let message = entry.message;
        if log_append_time || message.is_log_append_time {
            return Err(BatchError::TimestampType);
        }
        if self.encoder.is_none() {
            self.begin(Compression::None)?;
        }
        let (key, value) = (message.key, message.value);
        let offset_delta = self.header.last_offset_delta + 1;
        let timestamp_delta = self.header.add_record(offset_delta, message.timestamp);
        let mut head = Vec::with_capacity(RECORD_HEAD_MAX);
        let rest_len = nullable_len(value.as_deref()) + 1;
        put_record_head(&mut head, timestamp_delta, offset_delta, key.as_deref(), rest_len);
        let mut value_len = Vec::new();
        put_varint(&mut value_len, value.as_ref().map_or(-1, |value| value.len() as i32));
        // In reverse: parts are taken from the end. No headers.
        let parts = [
            vec![0].into(),
            value.unwrap_or_default(),
            value_len.into(),
            key.unwrap_or_default(),
            head.into(),
        ];
        self.record.extend(parts.into_iter().filter(|part: &Bytes| !part.is_empty()));
        Ok(())
    }

    fn finish(self) -> Result<Batch, BatchError> {
        match self.encoder {
            Some(encoder) if self.header.record_count > 0 => {
                Batch::seal(self.header, encoder.finish()?)
            }
            Some(_) => {
                Err(BatchError::Invalid { reason: "a compressed message holds no messages" })
            }
            None => Err(BatchError::Invalid { reason: "there are no messages" }),
        }
    }
}

/// What a wrapper gives.
enum Inner {
    /// So many bytes of a message.
    Some(usize),
    Message(Bytes),
    End,
}

impl Wrapper {
    fn next(&mut self, limit: usize) -> Result<Inner, BatchError> {
        let wanted = match message_len(&self.buffer)? {
            Some(len) if len > limit => return Err(BatchError::TooLarge { limit }),
            Some(len) if len <= self.buffer.len() => {
                return Ok(Inner::Message(self.buffer.split_to(len).freeze()));
            }
            Some(len) => len,
            None => MESSAGE_PREFIX,
        };
        let have = self.buffer.len();
        if self.ended {
            return match have {
                0 => Ok(Inner::End),
                have => Err(BatchError::Truncated { needed: wanted, have }),
            };
        }
        self.buffer.resize(have + SLICE, 0);
        let read = self.decoder.read(&mut self.buffer[have..]);
        let len = if let Ok(Decompressed::Some(len)) = read { len } else { 0 };
        self.buffer.truncate(have + len);
        let read = read?;
        self.ended = read == Decompressed::End;
        Ok(Inner::Some(if read == Decompressed::Pending {
            Decompressed::PENDING_COST
        } else {
            len
        }))
    }
}

/// All the messages of a set as one batch; see [`UpConversion`].
///
/// Errors: as [`UpConversion::step`].
pub fn up_convert(records: &Bytes, limit: usize) -> Result<Batch, BatchError> {
    let mut conversion = UpConversion::new(records.clone(), limit);
    loop {
        match conversion.step(usize::MAX)? {
            UpConverted::Done(batch) => return Ok(batch),
            UpConverted::Pending(next) => conversion = next,
        }
    }
}
