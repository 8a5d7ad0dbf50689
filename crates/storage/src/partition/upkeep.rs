//! What changes a partition's manifest: folding flushes into it, moving the log start, letting go of segments.
//!
//! One change at a time, each one transaction; the state in memory follows after it is decided, never before.

use std::sync::Arc;

use milena_types::{Offset, Timestamp};

use super::{Bounds, Partition};
use crate::{
    OpenPartitionError,
    flush::FlushError,
    ledger::{LedgerError, ManifestRecord, ManifestSwap, ManifestSwaps, PageRef, SegmentRef, SnapshotRef},
    manifest::Manifest,
    objects::ObjectError,
    opening,
    pages::PageError,
};

/// The record itself lists this many segments before the oldest of them become a page.
const SEGMENTS_IN_RECORD_MAX: usize = 24;

/// How many segments a page lists.
const SEGMENTS_A_PAGE: usize = 16;

/// Producer state is written as a snapshot when this many segments came after the last one.
const SEGMENTS_A_SNAPSHOT: usize = 8;

/// How often a change that others were faster with is tried.
const ATTEMPTS: usize = 8;

/// Why a partition could not be changed. Nothing was; what is in memory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The offset is above the high watermark or below zero (OFFSET_OUT_OF_RANGE).
    #[error("offset {asked} is above the high watermark {}: delete up to that at most", .bounds.high_watermark)]
    OutOfRange {
        /// The offset asked for.
        asked: Offset,
        /// Where the log is.
        bounds: Bounds,
    },
    /// The metadata store, or a newer leader.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A page or snapshot cannot be read or written.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The object store.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A flush that was needed first.
    #[error(transparent)]
    Flush(#[from] FlushError),
    /// What is stored could not be read again.
    #[error("the manifest could not be read again: {0}")]
    Reload(Box<OpenPartitionError>),
}

/// A change that is prepared: decide it, then put it in force.
struct Change {
    record: ManifestRecord,
    swaps: ManifestSwaps,
    /// How many unfolded flushes the record has now.
    folded: usize,
}

impl Partition {
    /// Waits until nothing is pending: everything accepted was committed or has failed. Cancel-safe.
    pub(crate) async fn settled(&self) {
        loop {
            let last = self.lock().tickets.back().map(|(_, ticket)| ticket.clone());
            let Some(last) = last else { return };
            // The outcome does not matter here; a failed chunk's tickets are taken out when it is reverted.
            if last.settled().await.is_err() && self.shared.is_sealed() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Takes flushes into the manifest. `closing`: with a snapshot of producer state, for the next leader.
    pub(crate) async fn fold(&self, closing: bool) -> Result<(), UpkeepError> {
        self.change(closing, |_| None).await
    }

    /// Moves the log start up to `before` (DeleteRecords); None: to the high watermark. Answers the log start,
    /// which never goes back. What lies below is let go of where whole segments do.
    ///
    /// # Errors
    /// [`UpkeepError::OutOfRange`], and what keeps the change from being decided.
    pub async fn delete_records(&self, before: Option<Offset>) -> Result<Offset, UpkeepError> {
        let bounds = self.bounds();
        let before = before.unwrap_or(bounds.high_watermark);
        if before > bounds.high_watermark || before < Offset::ZERO {
            return Err(UpkeepError::OutOfRange { asked: before, bounds });
        }
        if before > bounds.log_start {
            self.change(false, |_| Some(before)).await?;
        }
        Ok(self.bounds().log_start)
    }

    /// Moves the log start past segments that `retention.ms` and `retention.bytes` do not keep.
    pub(crate) async fn enforce_retention(&self, now: Timestamp) -> Result<(), UpkeepError> {
        let options = self.options();
        if options.retention_ms.is_none() && options.retention_bytes.is_none() {
            return Ok(());
        }
        let (manifest, bounds, mut size) = {
            let state = self.lock();
            (state.manifest.clone(), state.bounds(), state.size_bytes())
        };
        let expired_before = options.retention_ms.map(|ms| Timestamp(now.0.saturating_sub(ms)));
        let mut start = None;
        'segments: for group in 0..=manifest.record.pages.len() {
            let segments = match manifest.record.pages.get(group) {
                Some(page) => self.shared.pages.read(page).await?,
                None => manifest.newer().cloned().collect(),
            };
            for segment in segments {
                let too_old = expired_before.is_some_and(|before| segment.age_from() < before);
                let too_much =
                    options.retention_bytes.is_some_and(|limit| size.saturating_sub(segment.bytes) >= limit);
                if !too_old && !too_much {
                    break 'segments;
                }
                size = size.saturating_sub(segment.bytes);
                start = Some(segment.end);
            }
        }
        match start {
            Some(start) if start > bounds.log_start => self.change(false, |_| Some(start)).await,
            _ => Ok(()),
        }
    }

    /// Changes the manifest: folds what is unfolded, and moves the log start to what `log_start` says.
    async fn change(
        &self,
        closing: bool,
        log_start: impl Fn(&Manifest) -> Option<Offset>,
    ) -> Result<(), UpkeepError> {
        let _one_at_a_time = self.manifest_change.lock().await;
        let mut attempt = 0;
        loop {
            let manifest = self.lock().manifest.clone();
            let start = log_start(&manifest);
            if manifest.unfolded.is_empty() && start.is_none() && !closing {
                return Ok(());
            }
            match self.try_change(&manifest, start, closing).await {
                Err(UpkeepError::Ledger(LedgerError::Conflict(_))) if attempt < ATTEMPTS => {
                    attempt += 1;
                    self.reload().await?;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_change(
        &self,
        manifest: &Manifest,
        log_start: Option<Offset>,
        closing: bool,
    ) -> Result<(), UpkeepError> {
        let change = self.prepare(manifest, log_start, closing).await?;
        match self.shared.ledger.swap_manifests(&change.swaps).await {
            Ok(revision) => {
                self.put_in_force(change, revision);
                Ok(())
            }
            Err(error) => {
                if matches!(error, LedgerError::Conflict(_)) {
                    self.shared.ledger.abandon_adopted(&change.swaps.objects).await?;
                }
                Err(error.into())
            }
        }
    }

    async fn prepare(
        &self,
        manifest: &Manifest,
        log_start: Option<Offset>,
        closing: bool,
    ) -> Result<Change, UpkeepError> {
        let mut record = manifest.record.clone();
        let mut swaps = ManifestSwaps::default();
        record.leader_epoch = self.leader_epoch;
        record.version += 1;
        record.epochs = manifest.epochs();
        record.end = manifest.end();
        record.segments = manifest.newer().cloned().collect();
        for unfolded in &manifest.unfolded {
            if swaps.flush_records.iter().any(|(key, _)| *key == unfolded.flush) {
                continue;
            }
            let key = &unfolded.flush;
            let seen = self.shared.ledger.flush_record(key).await?;
            let mut seen = seen.ok_or_else(|| LedgerError::Conflict(key.clone()))?;
            opening::strike(&mut seen, self.id);
            swaps.flush_records.push((key.clone(), seen));
        }
        // What is about to be let go of may be all that tells of a producer.
        let needed = closing || log_start.is_some();
        self.add_snapshot(&mut record, &mut swaps, needed).await?;
        self.add_page(&mut record, &mut swaps).await?;
        record.log_start = log_start.unwrap_or(record.log_start).max(manifest.record.log_start);
        self.trim(&mut record, &mut swaps).await?;
        let (partition, seen) = (self.id, manifest.revision);
        swaps.manifests.push(ManifestSwap { partition, seen, record: Some(record.clone()) });
        Ok(Change { record, swaps, folded: manifest.unfolded.len() })
    }

    /// Lets go of what is wholly below the log start.
    async fn trim(&self, record: &mut ManifestRecord, swaps: &mut ManifestSwaps) -> Result<(), UpkeepError> {
        let start = record.log_start;
        let pages = record.pages.partition_point(|page| page.end <= start);
        for page in record.pages.drain(..pages) {
            for segment in self.shared.pages.read(&page).await? {
                swaps.objects.release(&segment.object);
            }
            swaps.objects.release(&page.object);
        }
        let segments = record.segments.partition_point(|segment| segment.end <= start);
        for segment in record.segments.drain(..segments) {
            swaps.objects.release(&segment.object);
        }
        record.epochs.trim(start);
        Ok(())
    }

    /// Moves the oldest segments of a long record into a page.
    async fn add_page(
        &self,
        record: &mut ManifestRecord,
        swaps: &mut ManifestSwaps,
    ) -> Result<(), UpkeepError> {
        while record.segments.len() > SEGMENTS_IN_RECORD_MAX {
            let segments: Vec<SegmentRef> = record.segments.drain(..SEGMENTS_A_PAGE).collect();
            let object = self.shared.new_object("manifests");
            let announced = self.shared.ledger.announce(&[object.to_string()]).await?;
            self.shared.pages.write(&object, &segments).await?;
            swaps.objects.adopt(object.as_str(), announced, 1);
            record.pages.push(PageRef {
                object: object.to_string(),
                base: segments[0].base,
                end: segments[segments.len() - 1].end,
                bytes: segments.iter().map(|segment| segment.bytes).sum(),
                max_timestamp: segments.iter().map(|segment| segment.max_timestamp).max().unwrap_or_default(),
                segments: segments.len() as u32,
            });
        }
        Ok(())
    }

    /// Notes up to where producer state need not be read from footers: for nothing when there are no producers,
    /// else with a snapshot from time to time.
    async fn add_snapshot(
        &self,
        record: &mut ManifestRecord,
        swaps: &mut ManifestSwaps,
        needed: bool,
    ) -> Result<(), UpkeepError> {
        let (offset, snapshot) = {
            let state = self.lock();
            let producers = &state.producers;
            (state.high_watermark, (!producers.is_empty()).then(|| producers.snapshot()))
        };
        let last = record.producers.as_ref().map_or(Offset::ZERO, |last| last.offset);
        let since = record.segments.iter().filter(|segment| segment.base >= last).count();
        let due = needed || snapshot.is_none() || since >= SEGMENTS_A_SNAPSHOT;
        if !due || offset <= last {
            return Ok(());
        }
        let mut object = None;
        if let Some(snapshot) = snapshot {
            let id = self.shared.new_object("producers");
            let announced = self.shared.ledger.announce(&[id.to_string()]).await?;
            self.shared.pages.seal(&id, &snapshot).await?;
            swaps.objects.adopt(id.as_str(), announced, 1);
            object = Some(id.to_string());
        }
        let before = record.producers.replace(SnapshotRef { object, offset });
        if let Some(object) = before.and_then(|before| before.object) {
            swaps.objects.release(&object);
        }
        Ok(())
    }

    fn put_in_force(&self, change: Change, revision: milena_types::Revision) {
        let mut state = self.lock();
        // Flushes that were committed meanwhile came after those that are folded now.
        let unfolded = state.manifest.unfolded[change.folded..].to_vec();
        let moved = change.record.log_start > state.log_start;
        state.log_start = state.log_start.max(change.record.log_start);
        let log_start = state.log_start;
        state.epochs.trim(log_start);
        state.manifest = Arc::new(Manifest { record: change.record, revision: Some(revision), unfolded });
        drop(state);
        if moved {
            self.waiters().changed();
        }
    }

    /// Somebody else changed the records: takes what they say.
    async fn reload(&self) -> Result<(), UpkeepError> {
        let _no_flush = self.shared.flush_commit.read().await;
        let loaded = opening::load_manifest(&self.shared, self.id, self.leader_epoch).await;
        let manifest = match loaded {
            Ok(manifest) => manifest,
            Err(OpenPartitionError::Ledger(error)) => {
                if matches!(error, LedgerError::Fenced { .. }) {
                    self.close();
                }
                return Err(error.into());
            }
            Err(error) => return Err(UpkeepError::Reload(Box::new(error))),
        };
        let mut state = self.lock();
        state.log_start = state.log_start.max(manifest.record.log_start);
        state.manifest = Arc::new(manifest);
        Ok(())
    }

    /// A flush put the partition's records up to the segment's end into a segment.
    pub(crate) fn flushed(&self, unfolded: crate::manifest::Unfolded) {
        let mut state = self.lock();
        if unfolded.segment.end <= state.manifest.end() {
            // The manifest was read again while the flush was committed and not yet made known.
            return;
        }
        assert_eq!(unfolded.segment.base, state.manifest.end(), "flushes go on where the segments end");
        let mut manifest = (*state.manifest).clone();
        manifest.unfolded.push(unfolded);
        state.manifest = Arc::new(manifest);
    }

    /// Forgets silent producers.
    pub(crate) fn expire_producers(&self) {
        let before = opening::expiration(&self.shared);
        self.lock().producers.expire(before);
    }
}
