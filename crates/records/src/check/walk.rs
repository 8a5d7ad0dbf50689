//! From record to record without keeping any.
//!
//! A record that is in the buffer as a whole is read at once; one that is longer than
//! [`SHORT_MAX`], or than what is left, field by field.

use bytes::{Buf, Bytes};
use milena_types::Timestamp;

use crate::{
    batch::Batch,
    bytes_in::{BytesIn, VARINT_MAX, unzigzag},
    codec::{Buffer, Compression, Decoder, Decompressed},
    error::BatchError,
};

/// The longest record that is read at once. Decompressed bytes have a buffer of this length.
const SHORT_MAX: usize = 64 * 1024;

/// The shortest buffer for decompressed bytes.
const BUFFER_MIN: usize = 4 * 1024;

/// What the record says before its value, and whether it has headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHead {
    /// Its place in the batch, from 0.
    pub(crate) index: i32,
    pub(crate) offset_delta: i32,
    /// Its own time, or the batch's log append time.
    pub(crate) timestamp: Timestamp,
    pub(crate) has_key: bool,
    pub(crate) has_headers: bool,
}

/// How a step of a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// Some records were read, there are more.
    Some,
    All,
    /// The visitor wants no more.
    Stopped,
}

/// A walk over the records of one batch.
#[derive(Debug)]
pub(crate) struct RecordWalk {
    base_timestamp: i64,
    log_append_time: Option<Timestamp>,
    count: i32,
    index: i32,
    input: Input,
    long: Option<LongRecord>,
    /// How many bytes were walked over.
    size: u64,
}

/// The records' bytes: all there are, or what is decompressed of them.
#[derive(Debug)]
enum Input {
    Plain(Bytes),
    Compressed {
        decoder: Decoder,
        buffer: Buffer,
        start: usize,
        end: usize,
        /// What was spent on bytes that expand to nothing.
        idle: u64,
    },
}

/// What came of decompressing more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refill {
    Some,
    /// Nothing yet.
    Pending,
    End,
}

/// A record that is read field by field.
#[derive(Debug)]
struct LongRecord {
    head: RecordHead,
    /// How much of it is left.
    left: usize,
    /// How much of that is skipped before the next field.
    skip: usize,
    next: Field,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Value,
    HeaderCount,
    /// With the number of headers that are left.
    HeaderKey(i32),
    HeaderValue(i32),
}

/// Why records that are read at once end.
enum Pause {
    Budget,
    Stopped,
    /// The next record is not in the buffer as a whole.
    NeedsMore,
    /// The next record is too long for the buffer.
    Long,
}

const CUT: &str = "the batch ends within it";
const SHORT: &str = "its length is too small for its fields";
const LONG: &str = "its length is larger than its fields";

impl RecordWalk {
    /// Begins before the first record.
    ///
    /// Errors: [`BatchError::Codec`], [`BatchError::Compression`].
    pub(crate) fn new(batch: &Batch) -> Result<Self, BatchError> {
        let header = batch.header();
        let codec = header.attributes.compression()?;
        let payload = batch.payload();
        let buffer_len = payload.len().saturating_mul(4).clamp(BUFFER_MIN, SHORT_MAX);
        let is_plain = codec == Compression::None || payload.is_empty();
        let decoder = if is_plain { None } else { Decoder::new(codec, payload.clone())? };
        let input = match decoder {
            None => Input::Plain(payload),
            Some(decoder) => {
                let buffer = Buffer::new(buffer_len);
                Input::Compressed { decoder, buffer, start: 0, end: 0, idle: 0 }
            }
        };
        Ok(Self {
            base_timestamp: header.base_timestamp.raw(),
            log_append_time: header.log_append_time(),
            count: header.record_count,
            index: 0,
            input,
            long: None,
            size: 0,
        })
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// How many decompressed bytes it could have walked over in the time, about.
    pub(crate) const fn work(&self) -> u64 {
        self.size.saturating_add(self.input.idle())
    }

    /// How much memory it has, about.
    pub(crate) fn memory(&self) -> usize {
        match &self.input {
            Input::Plain(_) => 0,
            Input::Compressed { decoder, buffer, .. } => decoder.memory() + buffer.len(),
        }
    }

    /// Calls `visit` for each record of about `budget` bytes, until it returns false. It is an
    /// error if there are fewer or more bytes than the batch's count of records.
    ///
    /// Errors: [`BatchError::Record`], [`BatchError::Compression`].
    pub(crate) fn step(
        &mut self,
        budget: usize,
        mut visit: impl FnMut(&RecordHead) -> bool,
    ) -> Result<Walked, BatchError> {
        // At least a byte, so that every step gets on.
        let end = self.work().saturating_add(budget.max(1) as u64);
        loop {
            if self.long.is_some() {
                if !self.walk_long(end)? {
                    return Ok(Walked::Some);
                }
                let Some(long) = self.long.take() else { continue };
                if !visit(&long.head) {
                    return Ok(Walked::Stopped);
                }
            }
            match self.walk_short(end, &mut visit)? {
                Pause::Stopped => return Ok(Walked::Stopped),
                Pause::Budget => return Ok(Walked::Some),
                Pause::NeedsMore if self.index == self.count => {
                    let is_empty = self.input.bytes().is_empty();
                    return match if is_empty { self.input.refill()? } else { Refill::Some } {
                        Refill::End => Ok(Walked::All),
                        Refill::Pending => Ok(Walked::Some),
                        Refill::Some => Err(self.broken("bytes follow the last record")),
                    };
                }
                Pause::NeedsMore => match self.input.refill()? {
                    Refill::End => return Err(self.broken(CUT)),
                    Refill::Pending => return Ok(Walked::Some),
                    Refill::Some if self.work() >= end => return Ok(Walked::Some),
                    Refill::Some => {}
                },
                Pause::Long => {
                    if !self.begin_long()? {
                        return Ok(Walked::Some);
                    }
                }
            }
        }
    }

    fn broken(&self, reason: &'static str) -> BatchError {
        BatchError::Record { index: self.index, reason }
    }

    /// Reads records that are in the buffer as a whole. [`Pause::NeedsMore`] stands for the end
    /// too.
    fn walk_short(
        &mut self,
        end: u64,
        visit: &mut impl FnMut(&RecordHead) -> bool,
    ) -> Result<Pause, BatchError> {
        let bytes = self.input.bytes();
        let room = usize::try_from(end.saturating_sub(self.work())).unwrap_or(usize::MAX);
        let capacity = self.input.longest();
        let mut rest = bytes;
        let mut index = self.index;
        let pause = loop {
            if index >= self.count {
                break Ok(Pause::NeedsMore);
            }
            if bytes.len() - rest.len() >= room && index > self.index {
                break Ok(Pause::Budget);
            }
            if let Some((head, size)) = self.read_usual(index, rest) {
                rest = &rest[size..];
                index += 1;
                if !visit(&head) {
                    break Ok(Pause::Stopped);
                }
                continue;
            }
            let mut input = BytesIn::new(rest);
            let Some(len) = input.varint() else {
                break if rest.len() < VARINT_MAX { Ok(Pause::NeedsMore) } else { Err(CUT) };
            };
            let Ok(len) = usize::try_from(len) else { break Err("its length is negative") };
            if len > SHORT_MAX || len + VARINT_MAX > capacity {
                break Ok(Pause::Long);
            }
            let Some(body) = input.take(len) else { break Ok(Pause::NeedsMore) };
            match self.read(index, body) {
                Ok(head) => {
                    rest = input.rest();
                    index += 1;
                    if !visit(&head) {
                        break Ok(Pause::Stopped);
                    }
                }
                Err(reason) => break Err(reason),
            }
        };
        let walked = bytes.len() - rest.len();
        self.input.consume(walked);
        self.size += walked as u64;
        self.index = index;
        pause.map_err(|reason| self.broken(reason))
    }

    /// Reads a record as nearly all are, at the beginning of `bytes`, and says how long it is: no
    /// headers, and all its numbers in a byte or two. `None` for any other, which says nothing about
    /// it.
    #[inline]
    fn read_usual(&self, index: i32, bytes: &[u8]) -> Option<(RecordHead, usize)> {
        let mut head = ShortVarints { bytes: u64::from_le_bytes(*bytes.first_chunk()?), read: 0 };
        let len = usize::try_from(head.next()?).ok()?;
        let size = head.read + len;
        // The attributes, which have no meaning.
        head.skip(1);
        let (timestamp_delta, offset_delta, key_len) = (head.next()?, head.next()?, head.next()?);
        if head.read > size_of_val(&head.bytes) {
            return None;
        }
        let value_at = head.read + usize::try_from(key_len).unwrap_or(0);
        // The count of headers follows, so there are two bytes also where the value has none.
        let pair = u16::from_le_bytes(*bytes.get(value_at..)?.first_chunk()?);
        let mut value = ShortVarints { bytes: pair.into(), read: 0 };
        let value_len = usize::try_from(value.next()?).unwrap_or(0);
        let count_at = value_at + value.read + value_len;
        if bytes.get(count_at) != Some(&0) || count_at + 1 != size {
            return None;
        }
        let timestamp = self.timestamp(i64::from(timestamp_delta));
        let has_key = key_len >= 0;
        let head = RecordHead { index, offset_delta, timestamp, has_key, has_headers: false };
        Some((head, size))
    }

    /// Reads a record whose bytes are `body`.
    fn read(&self, index: i32, body: &[u8]) -> Result<RecordHead, &'static str> {
        let mut input = BytesIn::new(body);
        let mut head = self.head(index, &mut input).ok_or(SHORT)?;
        head.has_key = input.nullable().ok_or(SHORT)?.is_some();
        input.nullable().ok_or(SHORT)?;
        let count = header_count(input.varint(), input.len())?;
        head.has_headers = count > 0;
        for _ in 0..count {
            let key = input.nullable().ok_or(HEADER)?;
            key.ok_or(HEADER_KEY)?;
            input.nullable().ok_or(HEADER)?;
        }
        if input.is_empty() { Ok(head) } else { Err(LONG) }
    }

    #[inline]
    fn timestamp(&self, delta: i64) -> Timestamp {
        let created = Timestamp(self.base_timestamp.wrapping_add(delta));
        self.log_append_time.unwrap_or(created)
    }

    /// Reads up to the key's length; attributes have no meaning.
    fn head(&self, index: i32, input: &mut BytesIn<'_>) -> Option<RecordHead> {
        input.i8()?;
        let timestamp_delta = input.varlong()?;
        let offset_delta = input.varint()?;
        let timestamp = self.timestamp(timestamp_delta);
        Some(RecordHead { index, offset_delta, timestamp, has_key: false, has_headers: false })
    }

    /// Begins to read the next record field by field, if there is enough of it yet.
    fn begin_long(&mut self) -> Result<bool, BatchError> {
        /// Length, attributes, time, offset, length of the key.
        const HEAD_MAX: usize = VARINT_MAX + 1 + 10 + VARINT_MAX + VARINT_MAX;
        if !self.input.want(HEAD_MAX)? {
            return Ok(false);
        }
        let bytes = self.input.bytes();
        let mut input = BytesIn::new(bytes);
        let read = (|| {
            let len = usize::try_from(input.varint()?).ok()?;
            let start = input.len();
            let head = self.head(self.index, &mut input)?;
            let key_len = input.varint()?;
            Some((len, start - input.len(), head, key_len))
        })();
        let (len, read, mut head, key_len) = read.ok_or_else(|| self.broken(CUT))?;
        head.has_key = key_len >= 0;
        let left = len.checked_sub(read).ok_or_else(|| self.broken(SHORT))?;
        let skip = usize::try_from(key_len).unwrap_or(0);
        if skip > left {
            return Err(self.broken(SHORT));
        }
        let walked = bytes.len() - input.len();
        self.input.consume(walked);
        self.size += walked as u64;
        self.long = Some(LongRecord { head, left, skip, next: Field::Value });
        Ok(true)
    }

    /// Goes on with the record that is read field by field, until `end`; `true` at its end.
    fn walk_long(&mut self, end: u64) -> Result<bool, BatchError> {
        let index = self.index;
        let broken = |reason| BatchError::Record { index, reason };
        let Some(long) = &mut self.long else { return Ok(true) };
        loop {
            if self.size.saturating_add(self.input.idle()) >= end {
                return Ok(false);
            }
            if long.skip > 0 {
                if self.input.bytes().is_empty() {
                    match self.input.refill()? {
                        Refill::Some => {}
                        Refill::Pending => return Ok(false),
                        Refill::End => return Err(broken(CUT)),
                    }
                }
                let skipped = long.skip.min(self.input.bytes().len());
                self.input.consume(skipped);
                self.size += skipped as u64;
                long.skip -= skipped;
                long.left -= skipped;
                continue;
            }
            if let Field::HeaderKey(0) = long.next {
                if long.left > 0 {
                    return Err(broken(LONG));
                }
                self.index += 1;
                return Ok(true);
            }
            if !self.input.want(VARINT_MAX.min(long.left))? {
                return Ok(false);
            }
            let bytes = self.input.bytes();
            let mut input = BytesIn::new(&bytes[..bytes.len().min(long.left)]);
            let before = input.len();
            let number = input.varint().ok_or_else(|| broken(SHORT))?;
            let read = before - input.len();
            self.input.consume(read);
            self.size += read as u64;
            long.left -= read;
            long.field(number).map_err(broken)?;
        }
    }
}

/// Numbers of a byte or two each, in eight bytes.
struct ShortVarints {
    bytes: u64,
    /// How many bytes were read: more than eight if there were not enough.
    read: usize,
}

impl ShortVarints {
    #[inline]
    fn skip(&mut self, len: usize) {
        self.bytes >>= 8 * len;
        self.read += len;
    }

    #[inline]
    fn next(&mut self) -> Option<i32> {
        let pair = self.bytes as u32;
        let (raw, len) = match (pair & 0x80, pair & 0x8000) {
            (0, _) => (pair & 0x7f, 1),
            (_, 0) => (pair & 0x7f | pair >> 1 & 0x3f80, 2),
            _ => return None,
        };
        self.skip(len);
        Some(unzigzag(raw))
    }
}

const HEADER: &str = "a header does not fit its length";
const HEADER_KEY: &str = "a header has no key";

fn header_count(count: Option<i32>, left: usize) -> Result<i32, &'static str> {
    let count = count.ok_or(SHORT)?;
    match usize::try_from(count) {
        Err(_) => Err("its header count is negative"),
        Ok(headers) if headers > left => Err(HEADER),
        Ok(_) => Ok(count),
    }
}

impl LongRecord {
    /// Takes the number that the next field begins with.
    fn field(&mut self, number: i32) -> Result<(), &'static str> {
        let (next, skip) = match self.next {
            Field::Value => (Field::HeaderCount, number),
            Field::HeaderCount => {
                let count = header_count(Some(number), self.left)?;
                self.head.has_headers = count > 0;
                (Field::HeaderKey(count), 0)
            }
            Field::HeaderKey(_) if number < 0 => return Err(HEADER_KEY),
            Field::HeaderKey(left) => (Field::HeaderValue(left), number),
            Field::HeaderValue(left) => (Field::HeaderKey(left - 1), number),
        };
        self.next = next;
        // A negative length stands for null, which has no bytes.
        self.skip = usize::try_from(skip).unwrap_or(0);
        if self.skip > self.left { Err(SHORT) } else { Ok(()) }
    }
}

impl Input {
    /// What can be read now.
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Compressed { buffer, start, end, .. } => &buffer[*start..*end],
        }
    }

    /// How much [`Input::bytes`] can be.
    fn longest(&self) -> usize {
        match self {
            Self::Plain(_) => usize::MAX,
            Self::Compressed { buffer, .. } => buffer.len(),
        }
    }

    fn consume(&mut self, len: usize) {
        match self {
            Self::Plain(bytes) => bytes.advance(len),
            Self::Compressed { start, .. } => *start += len,
        }
    }

    const fn idle(&self) -> u64 {
        match self {
            Self::Plain(_) => 0,
            Self::Compressed { idle, .. } => *idle,
        }
    }

    /// Decompresses until the buffer is full.
    fn refill(&mut self) -> Result<Refill, BatchError> {
        let Self::Compressed { decoder, buffer, start, end, idle } = self else {
            return Ok(Refill::End);
        };
        buffer.copy_within(*start..*end, 0);
        (*start, *end) = (0, *end - *start);
        let before = *end;
        let mut last = Refill::End;
        while *end < buffer.len() {
            match decoder.read(&mut buffer[*end..])? {
                Decompressed::Some(read) => *end += read,
                Decompressed::End => break,
                Decompressed::Pending => {
                    *idle += Decompressed::PENDING_COST as u64;
                    last = Refill::Pending;
                    break;
                }
            }
        }
        Ok(if *end > before { Refill::Some } else { last })
    }

    /// Decompresses if there are fewer than `len` bytes; `false`: there may be more of them later.
    fn want(&mut self, len: usize) -> Result<bool, BatchError> {
        Ok(self.bytes().len() >= len || self.refill()? != Refill::Pending)
    }
}

#[cfg(test)]
mod tests;
