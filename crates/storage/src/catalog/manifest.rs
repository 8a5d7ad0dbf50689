//! A partition's segments: the manifest's record, and the flushes that are not folded into it yet.
//! Immutable; a change makes another one.
//!
//! Invariant: offsets are continuous from the first page over the record's segments to the last
//! unfolded flush, but where records were deleted or are lost.

use std::sync::Arc;

use milena_types::{LeaderEpoch, Offset, Revision, Timestamp};

use crate::{
    catalog::leader_epochs::EpochHistory,
    catalog::records::{ManifestRecord, PageRef, SegmentRef},
};

/// A partition's part of a flush that is not folded into its manifest.
#[derive(Clone, Debug)]
pub(crate) struct UnfoldedFlush {
    /// The key of the flush record.
    pub(crate) flush: Arc<str>,
    /// The leader epochs of its batches and their start offsets.
    pub(crate) epochs: Vec<(LeaderEpoch, Offset)>,
    pub(crate) segment: SegmentRef,
}

/// The segments of a partition.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) record: ManifestRecord,
    /// The revision of the record's last change; `None` if it was never written.
    pub(crate) revision: Option<Revision>,
    pub(crate) unfolded: Vec<UnfoldedFlush>,
}

/// The segment that has an offset, or the page that lists it.
#[derive(Clone, Debug)]
pub(crate) enum ManifestEntry {
    Segment(SegmentRef),
    Page(PageRef),
}

impl Manifest {
    /// The offset after the last segment.
    pub(crate) fn end(&self) -> Offset {
        self.unfolded.last().map_or(self.record.end, |unfolded| unfolded.segment.end)
    }

    /// The first place where unfolded flushes do not go on where what is before them ends.
    pub(crate) fn gap(&self) -> Option<(Offset, Offset)> {
        let mut end = self.record.end;
        self.unfolded.iter().map(|unfolded| &unfolded.segment).find_map(|segment| {
            let before = std::mem::replace(&mut end, segment.end);
            (!self.record.continues(before, segment.base)).then_some((before, segment.base))
        })
    }

    /// The bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.record.pages.iter().map(|page| page.bytes).sum::<u64>()
            + self.newer().map(|segment| segment.bytes).sum::<u64>()
    }

    /// The segments that are in no page, oldest first.
    pub(crate) fn newer(&self) -> impl Iterator<Item = &SegmentRef> {
        self.record.segments.iter().chain(self.unfolded.iter().map(|unfolded| &unfolded.segment))
    }

    /// The segment, or the page that lists the segment, that has `offset`.
    pub(crate) fn find(&self, offset: Offset) -> Option<ManifestEntry> {
        if let Some(page) = self.record.pages.iter().find(|page| offset < page.end) {
            return Some(ManifestEntry::Page(page.clone()));
        }
        self.newer()
            .find(|segment| offset < segment.end)
            .map(|segment| ManifestEntry::Segment(segment.clone()))
    }

    /// The first page or segment, from `offset` on, that may have a record at or after `timestamp`.
    pub(crate) fn find_time(&self, offset: Offset, timestamp: Timestamp) -> Option<ManifestEntry> {
        let later = |end: Offset, max: Timestamp| end > offset && max >= timestamp;
        if let Some(page) =
            self.record.pages.iter().find(|page| later(page.end, page.max_timestamp))
        {
            return Some(ManifestEntry::Page(page.clone()));
        }
        let segment = self.newer().find(|segment| later(segment.end, segment.max_timestamp));
        segment.map(|segment| ManifestEntry::Segment(segment.clone()))
    }

    /// The leader epochs of everything in segments.
    pub(crate) fn epochs(&self) -> EpochHistory {
        let mut epochs = self.record.epochs.clone();
        for (epoch, start) in self.unfolded.iter().flat_map(|unfolded| &unfolded.epochs) {
            epochs.begin(*epoch, *start);
        }
        epochs
    }
}
