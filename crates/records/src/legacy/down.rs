//! What an old consumer reads.

use bytes::Bytes;
use milena_types::{Offset, Timestamp};

use super::{MessageFormat, lz4_header, message::NewMessage};
use crate::{
    batch::Batch, codec::Compression, error::BatchError, header::TimestampType, record::Record,
};

/// Makes a message set of batches, for a consumer that reads from an offset. Headers, producers and
/// control records have no place in it; the codec stays. Compressed batches come whole, of others
/// only what was asked for.
///
/// One batch is decompressed at a time. The set never grows beyond what it may have, but for its
/// first message: without one the consumer would ask for the same again.
#[derive(Debug)]
pub struct DownConverter {
    format: MessageFormat,
    from: Offset,
    decompressed_max: usize,
    bytes_max: usize,
    out: Vec<u8>,
}

impl DownConverter {
    /// Of messages from `from` on; `decompressed_max` bounds what each batch decompresses to,
    /// `bytes_max` the set.
    pub const fn new(
        format: MessageFormat,
        from: Offset,
        decompressed_max: usize,
        bytes_max: usize,
    ) -> Self {
        Self { format, from, decompressed_max, bytes_max, out: Vec::new() }
    }

    /// Appends the records of a batch. `false`: there was no room for all of them, and there is
    /// none for what follows.
    ///
    /// Errors: [`BatchError::Codec`] for zstd (UNSUPPORTED_COMPRESSION_TYPE), else as
    /// [`Batch::records`]. What was appended before is there still.
    pub fn push(&mut self, batch: &Batch) -> Result<bool, BatchError> {
        if batch.header().attributes.is_control() {
            return Ok(true);
        }
        let start = self.out.len();
        let pushed = match batch.header().attributes.compression()? {
            Compression::None => self.put_plain(batch),
            Compression::Zstd => Err(BatchError::Codec { id: Compression::Zstd.id() }),
            codec => put_wrapper(batch, codec, self.format, self.decompressed_max, &mut self.out)
                .map(|()| start == 0 || self.out.len() <= self.bytes_max),
        };
        if pushed.is_err()
            || (pushed == Ok(false)
                && batch.header().attributes.compression()? != Compression::None)
        {
            self.out.truncate(start);
        }
        pushed
    }

    /// Uncompressed messages stand for themselves: as many as there is room for.
    fn put_plain(&mut self, batch: &Batch) -> Result<bool, BatchError> {
        for record in &batch.records(self.decompressed_max)? {
            let record = record?;
            if record.offset < self.from {
                continue;
            }
            let before = self.out.len();
            message(batch, &record, record.offset.raw()).put(self.format, &mut self.out)?;
            if before > 0 && self.out.len() > self.bytes_max {
                self.out.truncate(before);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether there are no messages.
    pub const fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    pub fn finish(self) -> Bytes {
        self.out.into()
    }
}

/// All of `batches` as a message set; `limit` bounds what each batch decompresses to.
///
/// Errors: as [`DownConverter::push`].
pub fn down_convert<'a>(
    batches: impl IntoIterator<Item = &'a Batch>,
    format: MessageFormat,
    from: Offset,
    limit: usize,
) -> Result<Bytes, BatchError> {
    let mut converter = DownConverter::new(format, from, limit, usize::MAX);
    for batch in batches {
        converter.push(batch)?;
    }
    Ok(converter.finish())
}

fn message<'a>(batch: &Batch, record: &Record<'a>, offset: i64) -> NewMessage<'a> {
    NewMessage {
        offset,
        timestamp: record.timestamp,
        is_log_append_time: is_log_append_time(batch),
        codec: Compression::None,
        key: record.key,
        value: record.value,
    }
}

fn put_wrapper(
    batch: &Batch,
    codec: Compression,
    format: MessageFormat,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), BatchError> {
    let mut inner = Vec::new();
    let (mut first, mut last) = (None, None);
    for record in &batch.records(limit)? {
        let record = record?;
        let offset = record.offset.raw();
        let first = *first.get_or_insert(offset);
        let place = match format {
            MessageFormat::Magic0 => offset,
            MessageFormat::Magic1 => offset.wrapping_sub(first),
        };
        message(batch, &record, place).put(format, &mut inner)?;
        last = Some(record.offset);
    }
    let Some(last) = last else { return Ok(()) };
    let mut compressed = codec.compress(inner)?;
    if codec == Compression::Lz4 && format == MessageFormat::Magic0 {
        lz4_header::write_magic_0_checksum(&mut compressed)
            .ok_or_else(|| codec.failed(&"the frame has no header"))?;
    }
    let timestamp: Timestamp = batch.header().max_timestamp;
    let wrapper = NewMessage {
        offset: last.raw(),
        timestamp,
        is_log_append_time: is_log_append_time(batch),
        codec,
        key: None,
        value: Some(&compressed),
    };
    wrapper.put(format, out)
}

fn is_log_append_time(batch: &Batch) -> bool {
    batch.header().attributes.timestamp_type() == TimestampType::LogAppendTime
}
