//! The contents of a segment: its partitions, their frames, and the batches that state is rebuilt
//! from.

use std::ops::Range;

use milena_types::{LeaderEpoch, Offset, Timestamp, TopicPartition};
use smallvec::SmallVec;

use crate::{encryption::TAG_BYTES, segment::format::BatchSummary};

/// The contents of a segment, partition by partition, in ascending order; of a segment of level 2
/// also that of some of its partitions.
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
    /// The leader epochs of its batches, ascending; the first starts where `offsets` does. In a list
    /// only the newest [`LIST_EPOCHS_MAX`](crate::segment::list::LIST_EPOCHS_MAX).
    pub epochs: SmallVec<[EpochStart; 1]>,
    /// Its frames, ascending in the file, within a section adjacent: the sparse offset and time
    /// index.
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
    /// The section it is in.
    pub section: u16,
    /// Its index in the section, which is authenticated.
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

    fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + size_of::<EpochStart>() * self.epochs.len()
            + size_of::<FrameEntry>() * self.frames.len()
            + size_of::<BatchSummary>() * self.batches.len()
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
    /// The index of a partition in `partitions`.
    pub(crate) fn index_of(&self, partition: TopicPartition) -> Option<usize> {
        self.partitions.binary_search_by_key(&partition, |entry| entry.partition).ok()
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn partition(&self, partition: TopicPartition) -> Option<&PartitionFooter> {
        self.index_of(partition).map(|index| &self.partitions[index])
    }

    /// The memory it takes, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.partitions.iter().map(PartitionFooter::memory_bytes).sum()
    }
}
