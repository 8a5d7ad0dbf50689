//! From the bytes of a response to records.

use std::sync::Arc;

use bytes::Bytes;
use milena_records::{BatchError, split};
use milena_types::{Offset, Timestamp};

use crate::{ClientError, StartAt};

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumedRecord {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: Offset,
    /// Its time.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

/// One partition that is read.
pub(super) struct PartitionPosition {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) start: StartAt,
    /// The next offset to read, once the start is looked up.
    pub(super) position: Option<Offset>,
    /// The end of the partition at the last response.
    pub(super) high_watermark: Option<Offset>,
}

/// The records from a partition's position on, and the position moved behind them. Batches begin
/// before the position when the broker hands out whole batches; the last one may be cut off by the
/// response's size limit.
pub(super) fn records(
    assigned: &mut PartitionPosition,
    bytes: Bytes,
    decompressed_bytes_max: usize,
) -> Result<Vec<ConsumedRecord>, ClientError> {
    let mut out = Vec::new();
    for batch in split(bytes) {
        let batch = match batch {
            Ok(batch) => batch,
            Err(BatchError::Truncated { .. }) => break,
            Err(source) => return Err(damaged(assigned, source)),
        };
        batch.verify_crc().map_err(|source| damaged(assigned, source))?;
        let next = batch.header().next_offset();
        let position = assigned.position.unwrap_or(batch.header().base_offset);
        if next <= position {
            continue;
        }
        if !batch.header().attributes.is_control() {
            let set = batch
                .records(decompressed_bytes_max)
                .map_err(|source| damaged(assigned, source))?;
            for record in &set {
                let record = record.map_err(|source| damaged(assigned, source))?;
                if record.offset < position {
                    continue;
                }
                out.push(ConsumedRecord {
                    topic: assigned.topic.clone(),
                    partition: assigned.partition,
                    offset: record.offset,
                    timestamp: record.timestamp,
                    key: record.key.map(|b| set.share(b)),
                    value: record.value.map(|b| set.share(b)),
                    headers: record
                        .headers
                        .map(|h| (set.share(h.key), h.value.map(|v| set.share(v))))
                        .collect(),
                });
            }
        }
        assigned.position = Some(next);
    }
    Ok(out)
}

fn damaged(assigned: &PartitionPosition, source: BatchError) -> ClientError {
    let at = assigned.position.map_or_else(|| "the start".to_owned(), |p| p.to_string());
    let what =
        format!("records of partition {} of topic {} at {at}", assigned.partition, assigned.topic);
    ClientError::Records { what, source }
}
