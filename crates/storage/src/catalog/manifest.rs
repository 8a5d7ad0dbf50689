//! A partition's segments: the manifest's record, and the flushes that are not folded into it yet.
//! Immutable; a change makes another one.
//!
//! Invariants: offsets are continuous from the first page to the end of the record, but where records
//! were deleted or are lost. Unfolded flushes are in offset order, lie behind the record, and may have
//! gaps before and between them: logs are flushed in any order, and what is in a gap is in chunks.

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

/// A place where records do not go on where those before end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: Offset,
    pub(crate) to: Offset,
}

/// The segment that has an offset, or the page that lists it.
#[derive(Clone, Debug)]
pub(crate) enum ManifestEntry {
    Segment(SegmentRef),
    Page(PageRef),
}

impl Manifest {
    /// Adds a flush that was committed, unless it is known or folded.
    pub(crate) fn add(&mut self, unfolded: UnfoldedFlush) {
        let segment = &unfolded.segment;
        let at = self.unfolded.partition_point(|known| known.segment.base < segment.base);
        let is_known = self.unfolded.get(at).is_some_and(|known| known.flush == unfolded.flush);
        if is_known || segment.end <= self.record.end {
            return;
        }
        let before = match at {
            0 => self.record.end,
            at => self.unfolded[at - 1].segment.end,
        };
        let after = self.unfolded.get(at).map_or(segment.end, |next| next.segment.base);
        assert!(
            before <= segment.base && segment.end <= after,
            "flushes do not overlap: {} to {} between {before} and {after}",
            segment.base,
            segment.end
        );
        self.unfolded.insert(at, unfolded);
    }

    /// Whether segments have all records from `base` to before `end`, which one flush took together.
    pub(crate) fn covers(&self, base: Offset, end: Offset) -> bool {
        let at = self.unfolded.partition_point(|unfolded| unfolded.segment.end <= base);
        let unfolded = self.unfolded.get(at).map(|unfolded| &unfolded.segment);
        end <= self.record.end
            || unfolded.is_some_and(|segment| segment.base <= base && end <= segment.end)
    }

    /// Whether a segment has records from `from` on that begin before `before`.
    pub(crate) fn has_from(&self, from: Offset, before: Offset) -> bool {
        match self.find(from) {
            Some(ManifestEntry::Segment(segment)) => segment.base < before,
            Some(ManifestEntry::Page(page)) => page.base < before,
            None => false,
        }
    }

    /// The places where neither segments nor chunks go on where those before end, above the log start
    /// and what is known to be lost. `runs`: what chunks have, in offset order.
    pub(crate) fn gaps(&self, runs: impl Iterator<Item = (Offset, Offset)>) -> Vec<Gap> {
        let flushes = self.unfolded.iter().map(|unfolded| &unfolded.segment);
        let flushes = flushes.map(|segment| (segment.base, segment.end));
        let mut parts: Vec<_> = flushes.chain(runs).collect();
        parts.sort_unstable();
        let (mut from, mut gaps) = (self.record.end, Vec::new());
        for (to, end) in parts {
            if !self.record.continues(from, to) {
                gaps.push(Gap { from, to });
            }
            from = from.max(end);
        }
        gaps
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

    /// The record's leader epochs, and those of the first `flushes` unfolded ones.
    pub(crate) fn epochs(&self, flushes: usize) -> EpochHistory {
        let mut epochs = self.record.epochs.clone();
        for (epoch, start) in self.unfolded[..flushes].iter().flat_map(|flush| &flush.epochs) {
            epochs.begin(*epoch, *start);
        }
        epochs
    }
}
