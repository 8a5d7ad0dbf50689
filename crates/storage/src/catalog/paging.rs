//! Paging of long manifests: the record lists the newest segments, pages (immutable objects) the
//! older ones.

use milena_types::Offset;

use crate::{
    catalog::manifests::{ManifestError, Manifests},
    catalog::{manifest::Manifest, manifest_swaps::ManifestSwaps, records::ManifestRecord},
};

/// The record lists this many segments before the oldest of them move into a page.
const SEGMENTS_IN_RECORD_MAX: usize = 24;

/// How many segments move into a page at once.
const SEGMENTS_MOVED: u32 = 16;

/// How many segments a page lists. A page is written again when segments are added to it.
const SEGMENTS_PER_PAGE_MAX: u32 = 128;

/// How many segments one transaction releases: each takes two operations, and there are at most 128
/// in a transaction of any metadata store.
const SEGMENTS_RELEASED_MAX: usize = 32;

impl Manifests {
    /// How far the log start can move towards `start` in one transaction that folds the first
    /// `foldable` flushes. It releases none of the others, which may have to wait for long: whoever
    /// folds them releases them.
    pub(crate) async fn trim_step(
        &self,
        manifest: &Manifest,
        foldable: usize,
        start: Offset,
    ) -> Result<Offset, ManifestError> {
        let mut released = 0;
        let mut passes = |end: Offset| {
            released += 1;
            end >= start || released == SEGMENTS_RELEASED_MAX
        };
        for page in &manifest.record.pages {
            let segments = self.pages.read(page).await?;
            if let Some(last) = segments.iter().find(|segment| passes(segment.end)) {
                return Ok(last.end.min(start));
            }
        }
        let folded = manifest.unfolded[..foldable].iter().map(|unfolded| &unfolded.segment);
        let mut newer = manifest.record.segments.iter().chain(folded);
        let last = newer.find(|segment| passes(segment.end));
        Ok(last.map_or(start, |last| last.end.min(start)))
    }

    /// Moves the oldest segments of a long record into its last page, or into a new one when that
    /// is full.
    pub(crate) async fn add_pages(
        &self,
        record: &mut ManifestRecord,
        swaps: &mut ManifestSwaps,
    ) -> Result<(), ManifestError> {
        while record.segments.len() > SEGMENTS_IN_RECORD_MAX {
            let mut segments = Vec::new();
            if let Some(last) =
                record.pages.pop_if(|last| last.segments + SEGMENTS_MOVED <= SEGMENTS_PER_PAGE_MAX)
            {
                segments.extend_from_slice(&self.pages.read(&last).await?);
                swaps.objects.release(&last.object);
            }
            segments.extend(record.segments.drain(..SEGMENTS_MOVED as usize));
            record.pages.push(self.write_page(&segments, swaps).await?);
        }
        Ok(())
    }

    /// Releases the segments wholly below the record's log start, and the pages that listed them.
    pub(crate) async fn trim(
        &self,
        record: &mut ManifestRecord,
        swaps: &mut ManifestSwaps,
    ) -> Result<(), ManifestError> {
        let start = record.log_start;
        while let Some(page) = record.pages.first()
            && page.base < start
        {
            let mut segments = self.pages.read(page).await?.to_vec();
            let below = segments.partition_point(|segment| segment.end <= start);
            if below == 0 {
                break;
            }
            segments.drain(..below).for_each(|segment| swaps.objects.release(&segment.object));
            swaps.objects.release(&record.pages.remove(0).object);
            if !segments.is_empty() {
                record.pages.insert(0, self.write_page(&segments, swaps).await?);
                break;
            }
        }
        let below = record.segments.partition_point(|segment| segment.end <= start);
        record.segments.drain(..below).for_each(|segment| swaps.objects.release(&segment.object));
        record.epochs.trim(start);
        Ok(())
    }
}
