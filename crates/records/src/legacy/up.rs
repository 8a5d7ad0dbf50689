//! What an old producer sends, as a batch.

use bytes::Bytes;

use super::messages;
use crate::{
    batch::Batch,
    builder::{BatchBuilder, NewRecord},
    error::BatchError,
};

/// One batch with all the messages of a set, in order, with offsets from 0. Its codec is the one the producer used.
///
/// Errors: as [`messages`], and [`BatchError::Invalid`] for an empty set or one that claims log append time.
pub fn up_convert(records: &Bytes, limit: usize) -> Result<Batch, BatchError> {
    let set = messages(records, limit)?;
    if set.messages.is_empty() {
        return Err(BatchError::Invalid { reason: "there are no messages" });
    }
    let mut builder = BatchBuilder::new(set.compression);
    for message in &set.messages {
        if message.is_log_append_time {
            return Err(BatchError::Invalid { reason: "the log append time is the broker's to set" });
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
