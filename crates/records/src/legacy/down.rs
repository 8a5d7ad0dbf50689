//! What an old consumer reads.

use bytes::Bytes;
use milena_types::{Offset, Timestamp};

use super::{MessageFormat, lz4_header, message::NewMessage};
use crate::{batch::Batch, codec::Compression, error::BatchError, header::TimestampType};

/// A message set with the records of `batches`, for a consumer that reads from `from`. Headers, producers and control
/// records have no place in it; the codec stays. Compressed batches come whole, of others only what `from` asks for.
/// `limit` bounds what each batch decompresses to.
///
/// Errors: [`BatchError::Codec`] for zstd (UNSUPPORTED_COMPRESSION_TYPE), else as [`Batch::records`].
pub fn down_convert<'a>(
    batches: impl IntoIterator<Item = &'a Batch>,
    format: MessageFormat,
    from: Offset,
    limit: usize,
) -> Result<Bytes, BatchError> {
    let mut out = Vec::new();
    for batch in batches {
        if batch.header().attributes.is_control() {
            continue;
        }
        match batch.header().attributes.compression()? {
            Compression::None => {
                put_messages(batch, format, limit, &mut out, |offset| {
                    (offset >= from).then_some(offset.raw())
                })?;
            }
            Compression::Zstd => return Err(BatchError::Codec { id: Compression::Zstd.id() }),
            codec => put_wrapper(batch, codec, format, limit, &mut out)?,
        }
    }
    Ok(out.into())
}

/// Writes the records for which `place` gives the offset to be written; answers the last record that was.
fn put_messages(
    batch: &Batch,
    format: MessageFormat,
    limit: usize,
    out: &mut Vec<u8>,
    place: impl Fn(Offset) -> Option<i64>,
) -> Result<Option<Offset>, BatchError> {
    let mut last = None;
    for record in &batch.records(limit)? {
        let record = record?;
        let Some(offset) = place(record.offset) else { continue };
        let message = NewMessage {
            offset,
            timestamp: record.timestamp,
            is_log_append_time: is_log_append_time(batch),
            codec: Compression::None,
            key: record.key,
            value: record.value,
        };
        message.put(format, out)?;
        last = Some(record.offset);
    }
    Ok(last)
}

fn put_wrapper(
    batch: &Batch,
    codec: Compression,
    format: MessageFormat,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), BatchError> {
    let base = batch.header().base_offset.raw();
    let mut inner = Vec::new();
    let last = put_messages(batch, format, limit, &mut inner, |offset| match format {
        MessageFormat::Magic0 => Some(offset.raw()),
        MessageFormat::Magic1 => Some(offset.raw().wrapping_sub(base)),
    })?;
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
