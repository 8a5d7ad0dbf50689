//! The records of a batch, read one at a time.

use bytes::Bytes;
use milena_types::{Offset, Timestamp};

use crate::{bytes_in::BytesIn, error::BatchError, header::BatchHeader};

/// The decompressed records of one batch.
#[derive(Clone, Debug)]
pub struct RecordSet {
    base_offset: i64,
    base_timestamp: i64,
    log_append_time: Option<Timestamp>,
    last_offset_delta: i32,
    count: i32,
    payload: Bytes,
}

/// One record; its parts borrow from the [`RecordSet`].
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its offset: the batch's base offset plus its delta.
    pub offset: Offset,
    /// Its offset relative to the batch's.
    pub offset_delta: i32,
    /// Its time in ms: the producer's, or the batch's log append time; -1 for none.
    pub timestamp: Timestamp,
    pub key: Option<&'a [u8]>,
    /// Its value; `None` deletes the key in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// Its headers (KIP-82).
    pub headers: Headers<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The key: UTF-8 by agreement, not checked, as in Kafka.
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// The headers of a record, in order. Checked when the record was read.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    count: usize,
    input: BytesIn<'a>,
}

impl RecordSet {
    pub(crate) fn new(header: &BatchHeader, payload: Bytes) -> Self {
        Self {
            base_offset: header.base_offset.raw(),
            base_timestamp: header.base_timestamp.raw(),
            log_append_time: header.log_append_time(),
            last_offset_delta: header.last_offset_delta,
            count: header.record_count,
            payload,
        }
    }

    /// The records in order. After an error there are no more. It is an error too when there are
    /// fewer or more bytes than the batch's count of records.
    pub fn iter(&self) -> Records<'_> {
        Records { set: self, index: 0, input: BytesIn::new(&self.payload), ended: false }
    }

    /// Shares a part of a record (its key, value, or a header's), so that it can outlive the set.
    ///
    /// Panics when `part` is not from this set.
    pub fn share(&self, part: &[u8]) -> Bytes {
        self.payload.slice_ref(part)
    }

    /// The records' size in bytes, decompressed.
    pub const fn size(&self) -> usize {
        self.payload.len()
    }
}

impl<'a> IntoIterator for &'a RecordSet {
    type Item = Result<Record<'a>, BatchError>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.iter()
    }
}

/// The iterator of [`RecordSet::iter`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    set: &'a RecordSet,
    index: i32,
    input: BytesIn<'a>,
    ended: bool,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.index >= self.set.count {
            self.ended = true;
            let reason = "bytes follow the last record";
            return (!self.input.is_empty())
                .then_some(Err(BatchError::Record { index: self.index, reason }));
        }
        let record = self.read();
        self.ended = record.is_err();
        let index = self.index;
        self.index += 1;
        Some(record.map_err(|reason| BatchError::Record { index, reason }))
    }
}

impl<'a> Records<'a> {
    fn read(&mut self) -> Result<Record<'a>, &'static str> {
        const CUT: &str = "the batch ends within it";
        const SHORT: &str = "its length is too small for its fields";
        let len = self.input.varint().ok_or(CUT)?;
        let len = usize::try_from(len).map_err(|_| "its length is negative")?;
        let mut input = BytesIn::new(self.input.take(len).ok_or(CUT)?);

        input.i8().ok_or(SHORT)?; // attributes: none are defined
        let timestamp_delta = input.varlong().ok_or(SHORT)?;
        let offset_delta = input.varint().ok_or(SHORT)?;
        if offset_delta < 0 || offset_delta > self.set.last_offset_delta {
            return Err("its offset is outside the batch's");
        }
        let key = input.nullable().ok_or(SHORT)?;
        let value = input.nullable().ok_or(SHORT)?;
        let count = usize::try_from(input.varint().ok_or(SHORT)?)
            .map_err(|_| "its header count is negative")?;
        let headers = Headers { count, input };
        for _ in 0..count {
            read_header(&mut input).ok_or("a header does not fit its length")?;
        }
        if !input.is_empty() {
            return Err("its length is larger than its fields");
        }
        let created = Timestamp(self.set.base_timestamp.wrapping_add(timestamp_delta));
        Ok(Record {
            offset: Offset(self.set.base_offset.wrapping_add(i64::from(offset_delta))),
            offset_delta,
            timestamp: self.set.log_append_time.unwrap_or(created),
            key,
            value,
            headers,
        })
    }
}

fn read_header<'a>(input: &mut BytesIn<'a>) -> Option<Header<'a>> {
    let key = input.nullable()??;
    let value = input.nullable()?;
    Some(Header { key, value })
}

impl Headers<'_> {
    /// How many are left.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.count = self.count.checked_sub(1)?;
        read_header(&mut self.input)
    }
}
