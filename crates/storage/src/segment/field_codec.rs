//! What the footers of both levels are made of: leader epochs, frames, batches. Each is stored
//! relative to the one before it.

use std::ops::Range;

use milena_records::control::{EndTransactionMarker, TransactionResult};
use milena_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use smallvec::SmallVec;

use crate::{
    encryption::TAG_BYTES,
    segment::{
        cursor::{Cursor, FooterError, put_signed, put_unsigned},
        footer::{EpochStart, FrameEntry, PartitionFooter},
        format::{BatchSummary, FRAMES_MAX, ProducerBatch},
    },
};

const TRANSACTIONAL: u8 = 1;
const MARKER: u8 = 2;
const COMMIT: u8 = 4;
const FLAGS_KNOWN: u8 = TRANSACTIONAL | MARKER | COMMIT;

const EPOCH_BYTES_MIN: usize = 2;
const FRAME_BYTES_MIN: usize = 3;
const BATCH_BYTES_MIN: usize = 8;

pub(super) fn encode_epochs(epochs: &[EpochStart], first: Offset, out: &mut Vec<u8>) {
    put_unsigned(out, epochs.len() as u64);
    let mut last = first.0;
    for start in epochs {
        put_signed(out, i64::from(start.epoch.0));
        put_unsigned(out, (start.start.0 - last) as u64);
        last = start.start.0;
    }
}

/// Ascending epochs that start within `offsets`.
pub(super) fn decode_epochs(
    cursor: &mut Cursor<'_>,
    offsets: &Range<Offset>,
) -> Result<SmallVec<[EpochStart; 1]>, FooterError> {
    let count = cursor.count(EPOCH_BYTES_MIN)?;
    let mut epochs: SmallVec<[EpochStart; 1]> = SmallVec::with_capacity(count);
    let mut last = offsets.start.0;
    for _ in 0..count {
        let epoch = LeaderEpoch(cursor.signed_32()?);
        last = cursor.step_from(last)?;
        let start = Offset(last);
        let ascends =
            epochs.last().is_none_or(|before| before.epoch < epoch && before.start < start);
        if !ascends || start >= offsets.end {
            return Err(cursor.error("leader epochs are out of order"));
        }
        epochs.push(EpochStart { epoch, start });
    }
    Ok(epochs)
}

/// The place of the next of adjacent frames. Only their lengths are stored.
pub(super) struct FrameCursor {
    pub(super) section: u16,
    pub(super) index: u32,
    pub(super) position: u64,
    /// Where the section ends.
    pub(super) end: u64,
}

impl FrameCursor {
    fn next(&mut self, plaintext_bytes: u32) -> Option<(u32, u64)> {
        let place = (self.index, self.position);
        self.index = self.index.checked_add(1).filter(|&index| index <= FRAMES_MAX)?;
        self.position = self.position.checked_add(u64::from(plaintext_bytes) + TAG_BYTES as u64)?;
        (self.position <= self.end && plaintext_bytes > 0).then_some(place)
    }
}

/// The offset and time before the next frame of a partition.
pub(super) struct PreviousFrame {
    offset: i64,
    time: i64,
}

impl PreviousFrame {
    /// Before the first frame of a partition whose first offset is this.
    pub(super) fn new(first: Offset) -> Self {
        Self { offset: first.0, time: 0 }
    }

    pub(super) fn encode(&mut self, frame: &FrameEntry, out: &mut Vec<u8>) {
        put_unsigned(out, u64::from(frame.plaintext_bytes));
        put_unsigned(out, (frame.first_offset.0 - self.offset) as u64);
        put_signed(out, frame.max_timestamp.0.wrapping_sub(self.time));
        (self.offset, self.time) = (frame.first_offset.0, frame.max_timestamp.0);
    }

    /// Reads a number of adjacent frames of a partition with these offsets, after those in `frames`.
    pub(super) fn decode_all(
        &mut self,
        cursor: &mut Cursor<'_>,
        places: &mut FrameCursor,
        offsets: &Range<Offset>,
        frames: &mut SmallVec<[FrameEntry; 1]>,
    ) -> Result<(), FooterError> {
        let count = cursor.count(FRAME_BYTES_MIN)?;
        frames.reserve_exact(count);
        for _ in 0..count {
            let plaintext_bytes = cursor.unsigned_32()?;
            let place = places.next(plaintext_bytes);
            let (index, position) =
                place.ok_or_else(|| cursor.error("a frame is empty or past the footer"))?;
            let first = frames.is_empty();
            let offset = cursor.step_from(self.offset)?;
            if first && offset != offsets.start.0 {
                return Err(cursor
                    .error("the first frame does not start with the partition's first offset"));
            }
            if !first && offset == self.offset || !offsets.contains(&Offset(offset)) {
                return Err(cursor.error("a frame's first offset is out of order"));
            }
            self.offset = offset;
            self.time = self.time.wrapping_add(cursor.signed()?);
            frames.push(FrameEntry {
                section: places.section,
                index,
                position,
                plaintext_bytes,
                first_offset: Offset(offset),
                max_timestamp: Timestamp(self.time),
            });
        }
        Ok(())
    }
}

pub(super) fn encode_batches(footer: &PartitionFooter, out: &mut Vec<u8>) {
    put_unsigned(out, footer.batches.len() as u64);
    let mut before = PreviousBatch { end: footer.offsets.start.0, time: 0, producer: 0 };
    for batch in &footer.batches {
        before.encode(batch, out);
    }
}

/// Reads the batches of a partition whose offsets and leader epochs are known.
pub(super) fn decode_batches(
    cursor: &mut Cursor<'_>,
    of: &PartitionFooter,
) -> Result<Vec<BatchSummary>, FooterError> {
    let count = cursor.count(BATCH_BYTES_MIN)?;
    let mut batches = Vec::with_capacity(count);
    let mut before = PreviousBatch { end: of.offsets.start.0, time: 0, producer: 0 };
    for _ in 0..count {
        batches.push(before.decode(cursor, of)?);
    }
    Ok(batches)
}

/// The previous batch: an entry is stored relative to it.
struct PreviousBatch {
    end: i64,
    time: i64,
    producer: i64,
}

impl PreviousBatch {
    fn encode(&mut self, batch: &BatchSummary, out: &mut Vec<u8>) {
        let producer =
            batch.producer.as_ref().expect("the footer keeps batches with a producer id only");
        let marker = producer.marker.map_or(0, |marker| match marker.result {
            TransactionResult::Abort => MARKER,
            TransactionResult::Commit => MARKER | COMMIT,
        });
        out.push(marker | if producer.transactional { TRANSACTIONAL } else { 0 });
        put_unsigned(out, (batch.base_offset.0 - self.end) as u64);
        put_unsigned(out, (batch.last_offset.0 - batch.base_offset.0) as u64);
        put_signed(out, batch.max_timestamp.0.wrapping_sub(self.time));
        put_signed(out, producer.id.0.wrapping_sub(self.producer));
        put_signed(out, i64::from(producer.epoch.0));
        put_signed(out, i64::from(producer.base_sequence.0));
        put_signed(out, i64::from(producer.last_sequence.0) - i64::from(producer.base_sequence.0));
        if let Some(marker) = producer.marker {
            put_signed(out, i64::from(marker.coordinator_epoch));
        }
        (self.end, self.time, self.producer) =
            (batch.end_offset().0, batch.max_timestamp.0, producer.id.0);
    }

    fn decode(
        &mut self,
        cursor: &mut Cursor<'_>,
        of: &PartitionFooter,
    ) -> Result<BatchSummary, FooterError> {
        let [flags] = cursor.array()?;
        if flags & !FLAGS_KNOWN != 0 || flags & (MARKER | COMMIT) == COMMIT {
            return Err(cursor.error("a batch has unknown flags"));
        }
        let base = cursor.step_from(self.end)?;
        let last = cursor.step_from(base)?;
        if last >= of.offsets.end.0 {
            return Err(cursor.error("a batch ends past the partition's last offset"));
        }
        let time = self.time.wrapping_add(cursor.signed()?);
        let id = self.producer.wrapping_add(cursor.signed()?);
        let epoch = cursor.signed_32()?;
        let epoch = i16::try_from(epoch)
            .map_err(|_| cursor.error("a producer epoch does not fit 16 bits"))?;
        let base_sequence = cursor.signed_32()?;
        let last_sequence = cursor.signed()?.checked_add(i64::from(base_sequence));
        let last_sequence = last_sequence.and_then(|sequence| i32::try_from(sequence).ok());
        let last_sequence =
            last_sequence.ok_or_else(|| cursor.error("a sequence does not fit 32 bits"))?;
        let mut marker = None;
        if flags & MARKER != 0 {
            let result = if flags & COMMIT != 0 {
                TransactionResult::Commit
            } else {
                TransactionResult::Abort
            };
            marker = Some(EndTransactionMarker { coordinator_epoch: cursor.signed_32()?, result });
        }
        (self.end, self.time, self.producer) = (last + 1, time, id);
        Ok(BatchSummary {
            base_offset: Offset(base),
            last_offset: Offset(last),
            leader_epoch: of.epoch_of(Offset(base)).unwrap_or(LeaderEpoch::NONE),
            max_timestamp: Timestamp(time),
            producer: Some(ProducerBatch {
                id: ProducerId(id),
                epoch: ProducerEpoch(epoch),
                base_sequence: Sequence(base_sequence),
                last_sequence: Sequence(last_sequence),
                transactional: flags & TRANSACTIONAL != 0,
                marker,
            }),
        })
    }
}
