//! The contents of a segment: its partitions, their frames, and the batches that state is rebuilt
//! from.

use std::ops::Range;

use milena_records::control::{EndTransactionMarker, TransactionResult};
use milena_types::{
    LeaderEpoch, Offset, PartitionIndex, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId,
    TopicPartition,
};
use smallvec::SmallVec;

use crate::{
    encryption::TAG_BYTES,
    segment::{
        cursor::{Cursor, FooterError, put_signed, put_unsigned},
        format::{BatchSummary, HEADER_BYTES, ProducerBatch},
    },
};

const TRANSACTIONAL: u8 = 1;
const MARKER: u8 = 2;
const COMMIT: u8 = 4;
const FLAGS_KNOWN: u8 = TRANSACTIONAL | MARKER | COMMIT;

const PARTITION_BYTES_MIN: usize = 16 + 7;
const EPOCH_BYTES_MIN: usize = 2;
const FRAME_BYTES_MIN: usize = 3;
const BATCH_BYTES_MIN: usize = 8;

/// The contents of a segment, partition by partition, in ascending order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Footer {
    /// One entry a partition, ascending by topic id and number.
    pub partitions: Vec<PartitionFooter>,
}

/// One partition's part of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PartitionFooter {
    pub partition: TopicPartition,
    /// From the first batch's base offset to after the last batch's last offset.
    pub offsets: Range<Offset>,
    /// The leader epochs of its batches, ascending; the first starts where `offsets` does.
    pub epochs: SmallVec<[EpochStart; 1]>,
    /// Its frames, adjacent in the file, ascending: the sparse offset and time index.
    pub frames: SmallVec<[FrameEntry; 1]>,
    /// Its batches that have a producer id, ascending: what producer and transaction state is
    /// rebuilt from.
    pub batches: Vec<BatchSummary>,
}

/// The first offset of a leader epoch within a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EpochStart {
    pub epoch: LeaderEpoch,
    /// The base offset of its first batch here.
    pub start: Offset,
}

/// The location of a frame, and its index entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FrameEntry {
    /// Its index in the file, which is authenticated.
    pub index: u32,
    /// The position of its first sealed byte in the file.
    pub position: u64,
    /// The length of its batches, in bytes.
    pub plaintext_bytes: u32,
    /// The base offset of its first batch.
    pub first_offset: Offset,
    /// The largest timestamp in it.
    pub max_timestamp: Timestamp,
}

impl FrameEntry {
    /// The frame's sealed bytes in the file.
    pub(crate) fn byte_range(&self) -> Range<u64> {
        self.position..self.position + u64::from(self.plaintext_bytes) + TAG_BYTES as u64
    }
}

impl PartitionFooter {
    /// The sealed bytes of all its frames in the file.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn byte_range(&self) -> Range<u64> {
        match (self.frames.first(), self.frames.last()) {
            (Some(first), Some(last)) => first.position..last.byte_range().end,
            _ => 0..0,
        }
    }

    /// The length of its batches, in bytes.
    pub(crate) fn plaintext_bytes(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.plaintext_bytes)).sum()
    }

    /// The largest timestamp of its records.
    pub(crate) fn max_timestamp(&self) -> Timestamp {
        self.frames.iter().map(|frame| frame.max_timestamp).max().unwrap_or(Timestamp::NONE)
    }

    /// The index in `frames` of the frame that holds `offset`, or, where compaction left a gap, of
    /// one whose later batches come next. None below the first and at or past the end.
    pub(crate) fn frame_of(&self, offset: Offset) -> Option<usize> {
        if !self.offsets.contains(&offset) {
            return None;
        }
        self.frames.partition_point(|frame| frame.first_offset <= offset).checked_sub(1)
    }

    /// The index in `frames` of the first frame with a record at or after `timestamp`.
    pub(crate) fn frame_at_time(&self, timestamp: Timestamp) -> Option<usize> {
        self.frames.iter().position(|frame| frame.max_timestamp >= timestamp)
    }

    /// The leader epoch in which `offset` was appended.
    pub(crate) fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.epochs.partition_point(|start| start.start <= offset);
        after.checked_sub(1).map(|i| self.epochs[i].epoch)
    }
}

impl Footer {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn partition(&self, partition: TopicPartition) -> Option<&PartitionFooter> {
        let found = self.partitions.binary_search_by_key(&partition, |entry| entry.partition);
        found.ok().map(|i| &self.partitions[i])
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 * self.partitions.len() + 16);
        put_unsigned(&mut out, self.partitions.len() as u64);
        for partition in &self.partitions {
            partition.encode(&mut out);
        }
        out
    }

    /// Reads a footer's plaintext; `frames_end` is where the file's frames end, which is where its
    /// sealed footer starts. Allocates in proportion to `bytes` only.
    ///
    /// # Errors
    /// The first rule of the format that is broken.
    pub(crate) fn decode(bytes: &[u8], frames_end: u64) -> Result<Self, FooterError> {
        let mut cursor = Cursor::new(bytes);
        let count = cursor.count(PARTITION_BYTES_MIN)?;
        let mut partitions: Vec<PartitionFooter> = Vec::with_capacity(count);
        let mut frames = FrameCursor { index: 0, position: HEADER_BYTES as u64, end: frames_end };
        for _ in 0..count {
            let partition = PartitionFooter::decode(&mut cursor, &mut frames)?;
            if partitions.last().is_some_and(|last| last.partition >= partition.partition) {
                return Err(cursor.error("partitions are not in ascending order"));
            }
            partitions.push(partition);
        }
        if !cursor.is_empty() {
            return Err(cursor.error("bytes follow the last partition"));
        }
        if frames.position != frames_end {
            return Err(cursor.error("the frames do not fill the file up to the footer"));
        }
        Ok(Self { partitions })
    }
}

/// Frames fill a file without gaps, so that only their lengths are stored.
struct FrameCursor {
    index: u32,
    position: u64,
    end: u64,
}

impl FrameCursor {
    fn next(&mut self, plaintext_bytes: u32) -> Option<(u32, u64)> {
        let place = (self.index, self.position);
        self.index = self.index.checked_add(1).filter(|&index| index != u32::MAX)?;
        self.position = self.position.checked_add(u64::from(plaintext_bytes) + TAG_BYTES as u64)?;
        (self.position <= self.end && plaintext_bytes > 0).then_some(place)
    }
}

impl PartitionFooter {
    fn encode(&self, out: &mut Vec<u8>) {
        let first = self.offsets.start;
        out.extend_from_slice(self.partition.topic.0.as_bytes());
        put_signed(out, i64::from(self.partition.partition.0));
        put_signed(out, first.0);
        put_unsigned(out, (self.offsets.end.0 - first.0) as u64);
        put_unsigned(out, self.epochs.len() as u64);
        let mut last = first.0;
        for start in &self.epochs {
            put_signed(out, i64::from(start.epoch.0));
            put_unsigned(out, (start.start.0 - last) as u64);
            last = start.start.0;
        }
        put_unsigned(out, self.frames.len() as u64);
        let (mut last_offset, mut last_time) = (first.0, 0);
        for frame in &self.frames {
            put_unsigned(out, u64::from(frame.plaintext_bytes));
            put_unsigned(out, (frame.first_offset.0 - last_offset) as u64);
            put_signed(out, frame.max_timestamp.0.wrapping_sub(last_time));
            (last_offset, last_time) = (frame.first_offset.0, frame.max_timestamp.0);
        }
        put_unsigned(out, self.batches.len() as u64);
        let mut before = PreviousBatch { end: first.0, time: 0, producer: 0 };
        for batch in &self.batches {
            before.encode(batch, out);
        }
    }

    fn decode(
        cursor: &mut Cursor<'_>,
        frame_cursor: &mut FrameCursor,
    ) -> Result<Self, FooterError> {
        let topic = TopicId(uuid_of(cursor.array()?));
        let partition = TopicPartition { topic, partition: PartitionIndex(cursor.signed_32()?) };
        let start = cursor.signed()?;
        let offsets = Offset(start)..Offset(cursor.step_from(start)?);
        if offsets.is_empty() || start < 0 {
            return Err(cursor.error("an offset range is empty or below zero"));
        }
        let epochs = decode_epochs(cursor, &offsets)?;
        let count = cursor.count(FRAME_BYTES_MIN)?;
        let mut frames: SmallVec<[FrameEntry; 1]> = SmallVec::with_capacity(count);
        let (mut last_offset, mut last_time) = (start, 0_i64);
        for _ in 0..count {
            let plaintext_bytes = cursor.unsigned_32()?;
            let place = frame_cursor.next(plaintext_bytes);
            let (index, position) =
                place.ok_or_else(|| cursor.error("a frame is empty or past the footer"))?;
            let step_min = i64::from(!frames.is_empty());
            let offset = cursor.step_from(last_offset)?;
            if offset < last_offset + step_min || !offsets.contains(&Offset(offset)) {
                return Err(cursor.error("a frame's first offset is out of order"));
            }
            last_offset = offset;
            last_time = last_time.wrapping_add(cursor.signed()?);
            let (first_offset, max_timestamp) = (Offset(offset), Timestamp(last_time));
            frames.push(FrameEntry {
                index,
                position,
                plaintext_bytes,
                first_offset,
                max_timestamp,
            });
        }
        if frames.first().is_none_or(|frame| frame.first_offset != offsets.start) {
            return Err(
                cursor.error("the first frame does not start with the partition's first offset")
            );
        }
        let mut entry = Self { partition, offsets, epochs, frames, batches: Vec::new() };
        let count = cursor.count(BATCH_BYTES_MIN)?;
        entry.batches.reserve_exact(count);
        let mut before = PreviousBatch { end: start, time: 0, producer: 0 };
        for _ in 0..count {
            let batch = before.decode(cursor, &entry)?;
            entry.batches.push(batch);
        }
        Ok(entry)
    }
}

fn decode_epochs(
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
        let in_order = match epochs.last() {
            None => start == offsets.start,
            Some(before) => before.epoch < epoch && before.start < start && start < offsets.end,
        };
        if !in_order {
            return Err(cursor.error("leader epochs are out of order"));
        }
        epochs.push(EpochStart { epoch, start });
    }
    if epochs.is_empty() {
        return Err(cursor.error("a partition has no leader epoch"));
    }
    Ok(epochs)
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

fn uuid_of(bytes: [u8; 16]) -> uuid::Uuid {
    uuid::Uuid::from_bytes(bytes)
}
