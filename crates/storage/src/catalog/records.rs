//! The records themselves. Unknown fields are ignored, so that a release may add some within a
//! level.

use std::{fmt, ops::Range, sync::Arc};

use milena_types::{
    BrokerEpoch, BrokerId, ChunkSeq, LeaderEpoch, Offset, Timestamp, TopicPartition,
};
use serde::{Deserialize, Serialize};

use super::leader_epochs::EpochHistory;

/// One life of one broker, whose write-ahead log it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LogId {
    pub(crate) broker: BrokerId,
    pub(crate) epoch: BrokerEpoch,
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broker {} in epoch {}", self.broker, self.epoch)
    }
}

/// The chunks of one broker epoch that are in segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WalRecord {
    /// The first chunk that is not in segments: the floor is the one before.
    pub(crate) floor_end: ChunkSeq,
    /// Once sealed: the first chunk that is not part of the epoch; the tail is the one before.
    pub(crate) tail_end: Option<ChunkSeq>,
    /// The broker epoch that may flush: its own until it is sealed.
    pub(crate) flusher: BrokerEpoch,
    /// The broker of that epoch; `None`: the log's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flusher_broker: Option<BrokerId>,
    /// The epoch left a marker in its directory before this record was made: a directory without
    /// it is another one.
    #[serde(default)]
    pub(crate) signed: bool,
}

impl WalRecord {
    pub(crate) fn new(epoch: BrokerEpoch) -> Self {
        Self {
            floor_end: ChunkSeq(0),
            tail_end: None,
            flusher: epoch,
            flusher_broker: None,
            signed: true,
        }
    }

    /// The broker epoch that may flush the log.
    pub(crate) fn flusher_of(&self, log: LogId) -> LogId {
        LogId { broker: self.flusher_broker.unwrap_or(log.broker), epoch: self.flusher }
    }

    /// The chunks of a sealed epoch that are in no segment; none while it is not sealed.
    pub(crate) fn unflushed(&self) -> Option<Range<ChunkSeq>> {
        let tail_end = self.tail_end?;
        (self.floor_end < tail_end).then_some(self.floor_end..tail_end)
    }
}

/// A broker epoch that has begun and is not sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LiveRecord {}

/// The newest epoch of a broker that has begun: none before it begins any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenedRecord {
    pub(crate) epoch: BrokerEpoch,
}

/// The newest epoch of a broker that another has sealed: it, and all before it, acknowledge
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedRecord {
    pub(crate) epoch: BrokerEpoch,
}

/// The newest epoch of a broker that was retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetiredRecord {
    pub(crate) epoch: BrokerEpoch,
}

/// Chunks of an epoch that are lost, which an operator accepted. Never removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LostRecord {}

/// A partition's records in one segment object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SegmentRef {
    /// The object. Partitions that share one share its name in memory.
    pub(crate) object: Arc<str>,
    /// The object's size in bytes.
    pub(crate) object_bytes: u64,
    pub(crate) base: Offset,
    /// The offset after the last.
    pub(crate) end: Offset,
    /// The partition's bytes in the object.
    pub(crate) bytes: u64,
    pub(crate) max_timestamp: Timestamp,
    /// When it was flushed, by the broker's clock.
    pub(crate) written: Timestamp,
}

impl SegmentRef {
    /// The start of retention by time: the newest record's time, or when the segment was written if
    /// no record has a time.
    pub(crate) fn age_from(&self) -> Timestamp {
        if self.max_timestamp < Timestamp(0) { self.written } else { self.max_timestamp }
    }
}

/// A partition's share of a flush.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FlushPart {
    pub(crate) partition: TopicPartition,
    pub(crate) base: Offset,
    pub(crate) end: Offset,
    pub(crate) bytes: u64,
    pub(crate) max_timestamp: Timestamp,
    /// The leader epochs of the batches and where each begins.
    pub(crate) epochs: Vec<(LeaderEpoch, Offset)>,
}

/// A segment of a flush, and the partitions that have not taken it into their manifests yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FlushRecord {
    pub(crate) object: Arc<str>,
    pub(crate) object_bytes: u64,
    /// When it was flushed, by the broker's clock.
    pub(crate) written: Timestamp,
    pub(crate) parts: Vec<FlushPart>,
}

impl FlushRecord {
    /// Removes a partition. Returns how many parts it had.
    pub(crate) fn remove_partition(&mut self, partition: TopicPartition) -> usize {
        let before = self.parts.len();
        self.parts.retain(|part| part.partition != partition);
        before - self.parts.len()
    }

    /// The partition's share as its manifest will refer to it.
    pub(crate) fn segment_of(&self, part: &FlushPart) -> SegmentRef {
        SegmentRef {
            object: self.object.clone(),
            object_bytes: self.object_bytes,
            base: part.base,
            end: part.end,
            bytes: part.bytes,
            max_timestamp: part.max_timestamp,
            written: self.written,
        }
    }
}

/// A page of older segments of a manifest: an immutable object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageRef {
    pub(crate) object: String,
    pub(crate) base: Offset,
    pub(crate) end: Offset,
    /// The partition's bytes in the page's segments.
    pub(crate) bytes: u64,
    pub(crate) max_timestamp: Timestamp,
    /// The number of segments that the page lists.
    pub(crate) segments: u32,
}

/// The newest snapshot of producer state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotRef {
    /// None: there were no producers.
    pub(crate) object: Option<String>,
    /// The state is that of everything below this offset.
    pub(crate) offset: Offset,
}

/// What a partition consists of: pages of older segments, newer segments in the record itself.
/// Offsets are continuous from the first page to the last segment, and on to `end`; only below
/// `log_start`, which may lie within the first segment, and below `lost_before` there may be gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestRecord {
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) version: u64,
    pub(crate) log_start: Offset,
    /// The offset after the last segment there was, also when retention took it.
    pub(crate) end: Offset,
    /// Below this offset records may be missing: they are lost, and the loss was accepted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) lost_before: Offset,
    #[serde(default)]
    pub(crate) epochs: EpochHistory,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pages: Vec<PageRef>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) segments: Vec<SegmentRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) producers: Option<SnapshotRef>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(offset: &Offset) -> bool {
    *offset == Offset::ZERO
}

impl ManifestRecord {
    /// Whether records may go on at `base` where those before end at `end`: at once, or behind records
    /// that were deleted or are lost.
    pub(crate) fn continues(&self, end: Offset, base: Offset) -> bool {
        base == end || (end < base && base <= self.log_start.max(self.lost_before))
    }

    pub(crate) fn new(leader_epoch: LeaderEpoch) -> Self {
        Self {
            leader_epoch,
            version: 0,
            log_start: Offset::ZERO,
            end: Offset::ZERO,
            lost_before: Offset::ZERO,
            epochs: EpochHistory::default(),
            pages: Vec::new(),
            segments: Vec::new(),
            producers: None,
        }
    }
}

/// An object that is being uploaded and that nothing refers to yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) broker: BrokerId,
    pub(crate) epoch: BrokerEpoch,
}

/// The number of flush records' partitions and manifests that refer to an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) references: u32,
}

/// A partition that was deleted while chunks that are not flushed may have records of it: flushes
/// skip them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeletedRecord {
    pub(crate) partition: TopicPartition,
    /// The broker epoch that deleted it.
    pub(crate) epoch: BrokerEpoch,
    /// Chunks of that epoch from here on have no records of it.
    pub(crate) until: ChunkSeq,
}

/// An object that nothing refers to any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GarbageRecord {
    /// The broker that removes it.
    pub(crate) broker: BrokerId,
    /// When the last reference went, in wall-clock ms: it is removed only after the grace time.
    pub(crate) since_ms: i64,
}
