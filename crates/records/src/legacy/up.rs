//! What an old producer sends, as a batch.

use bytes::Bytes;

use super::messages;
use crate::{
    batch::Batch,
    builder::{BatchBuilder, NewRecord},
    codec::Compression,
    error::BatchError,
};

/// One batch with all the messages of a set, in order, with offsets from 0. Its codec is the one
/// the producer used.
///
/// Errors: as [`messages`], [`BatchError::Invalid`] for an empty set and for a wrapper that is not
/// alone, and [`BatchError::TimestampType`] for log append time.
pub fn up_convert(records: &Bytes, limit: usize) -> Result<Batch, BatchError> {
    let set = messages(records, limit)?;
    if set.messages.is_empty() {
        return Err(BatchError::Invalid { reason: "there are no messages" });
    }
    if set.compression != Compression::None && set.entries > 1 {
        return Err(BatchError::Invalid {
            reason: "a compressed message has to be the only one of its set",
        });
    }
    let mut builder = BatchBuilder::new(set.compression);
    for message in &set.messages {
        if message.is_log_append_time {
            return Err(BatchError::TimestampType);
        }
        builder.push(&NewRecord {
            timestamp: message.timestamp,
            key: message.key.as_deref(),
            value: message.value.as_deref(),
            headers: &[],
        });
    }
    builder.build()
}
