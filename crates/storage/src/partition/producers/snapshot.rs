//! Committed producer state as bytes, so that opening a partition need not read its whole history.
//!
//! Layout, big endian: level u8 (1), count u32, then per producer id i64, epoch i16, coordinator
//! epoch i32, last timestamp i64, time of its last commit i64, start of the open transaction i64
//! (-1: none), batches u8, and per batch first sequence i32, last sequence i32, base offset i64,
//! last offset i64, timestamp i64.

use std::collections::VecDeque;

use bytes::{Buf, BufMut};
use milena_types::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::partition::producers::state::{
    CACHED_BATCHES, CachedBatch, NO_EPOCH, Producer, Producers,
};

const LEVEL: u8 = 1;
const PRODUCER_BYTES: usize = 8 + 2 + 4 + 8 + 8 + 8 + 1;
const BATCH_BYTES: usize = 4 + 4 + 8 + 8 + 8;

/// Why bytes cannot be read as a snapshot.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// Written by a newer release.
    #[error(
        "the producer snapshot has level {0}, this release reads {LEVEL}: run the release that \
         wrote it"
    )]
    Level(u8),
    /// Shorter or longer than it says.
    #[error("the producer snapshot is damaged: rebuild the state from the partition's segments")]
    Damaged,
}

impl Producers {
    /// The committed state, as bytes.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let committed = || self.known.iter().filter(|(_, producer)| producer.epoch != NO_EPOCH);
        let mut out = Vec::with_capacity(
            5 + self.known.len() * (PRODUCER_BYTES + CACHED_BATCHES * BATCH_BYTES),
        );
        out.put_u8(LEVEL);
        out.put_u32(committed().count() as u32);
        for (id, producer) in committed() {
            out.put_i64(id.0);
            out.put_i16(producer.epoch.0);
            out.put_i32(producer.coordinator_epoch);
            out.put_i64(producer.last_timestamp.0);
            out.put_i64(producer.last_active.0);
            out.put_i64(producer.open_transaction.map_or(-1, |offset| offset.0));
            out.put_u8(producer.committed.len() as u8);
            for batch in &producer.committed {
                out.put_i32(batch.first_sequence.0);
                out.put_i32(batch.last_sequence.0);
                out.put_i64(batch.base_offset.0);
                out.put_i64(batch.last_offset.0);
                out.put_i64(batch.timestamp.0);
            }
        }
        out
    }

    /// Reads back what [`Producers::snapshot`] wrote.
    pub(crate) fn from_snapshot(mut bytes: &[u8]) -> Result<Self, SnapshotError> {
        let level = bytes.try_get_u8().map_err(|_| SnapshotError::Damaged)?;
        if level != LEVEL {
            return Err(SnapshotError::Level(level));
        }
        let count = bytes.try_get_u32().map_err(|_| SnapshotError::Damaged)? as usize;
        if count > bytes.remaining() / PRODUCER_BYTES {
            return Err(SnapshotError::Damaged);
        }
        let mut producers = Self::default();
        producers.known.reserve(count);
        for _ in 0..count {
            let (id, producer) = read_producer(&mut bytes)?;
            producers.open.extend(producer.open_transaction.map(|start| (start, id)));
            producers.known.insert(id, producer);
        }
        if bytes.has_remaining() { Err(SnapshotError::Damaged) } else { Ok(producers) }
    }
}

fn read_producer(bytes: &mut &[u8]) -> Result<(ProducerId, Producer), SnapshotError> {
    if bytes.remaining() < PRODUCER_BYTES {
        return Err(SnapshotError::Damaged);
    }
    let id = ProducerId(bytes.get_i64());
    let epoch = ProducerEpoch(bytes.get_i16());
    let coordinator_epoch = bytes.get_i32();
    let last_timestamp = Timestamp(bytes.get_i64());
    let last_active = Timestamp(bytes.get_i64());
    let open_transaction = bytes.get_i64();
    let batches = usize::from(bytes.get_u8());
    if batches > CACHED_BATCHES || bytes.remaining() < batches * BATCH_BYTES {
        return Err(SnapshotError::Damaged);
    }
    let mut committed = VecDeque::with_capacity(batches);
    for _ in 0..batches {
        committed.push_back(CachedBatch {
            first_sequence: Sequence(bytes.get_i32()),
            last_sequence: Sequence(bytes.get_i32()),
            base_offset: Offset(bytes.get_i64()),
            last_offset: Offset(bytes.get_i64()),
            timestamp: Timestamp(bytes.get_i64()),
        });
    }
    let open_transaction = (open_transaction >= 0).then_some(Offset(open_transaction));
    let pending = VecDeque::new();
    let producer = Producer {
        epoch,
        committed,
        pending,
        failed_first: None,
        last_timestamp,
        last_active,
        coordinator_epoch,
        open_transaction,
    };
    Ok((id, producer))
}
