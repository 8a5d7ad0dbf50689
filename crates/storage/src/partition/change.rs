//! Changing a partition's manifest: folding flushes into it, moving its start, paging what became
//! long.
//!
//! One change of a partition at a time, each one transaction, which may change many partitions; the
//! state in memory follows after it is decided, never before. Only the partition's leader changes
//! its manifest, and not once it is closed: the next leader may have read it.

use std::sync::Arc;

use milena_types::{Offset, Revision, Timestamp};

use crate::{
    catalog::{
        flushes::Flushes,
        manifest::{Manifest, Unfolded},
    },
    ledger::{
        LedgerError, ManifestRecord, ManifestSwap, ManifestSwaps, PageRef, SegmentRef, SnapshotRef,
    },
    partition::{partition_log::Partition, upkeep::UpkeepError},
    recovery::opening,
    shared::Shared,
    storage::OpenPartitionError,
};

/// The record itself lists this many segments before the oldest of them become a page.
const SEGMENTS_IN_RECORD_MAX: usize = 24;

/// How many segments move into a page at once.
const SEGMENTS_MOVED: u32 = 16;

/// How many segments a page lists at most: a page is written again when segments are added to it.
const SEGMENTS_A_PAGE_MAX: u32 = 128;

/// Producer state is written as a snapshot when this many segments came after the last one.
const SEGMENTS_A_SNAPSHOT: usize = 8;

/// How often a change that others were faster with is tried.
const ATTEMPTS: usize = 8;

/// How many partitions one transaction folds at most, where the metadata store would take more.
const FOLDS_A_TRANSACTION_MAX: usize = 512;

/// So many flushes are folded together: each fold writes the whole manifest again.
const FLUSHES_A_FOLD: usize = 8;

/// Flushes are folded after this time however few they are, so that their records go.
const FOLD_AGE_MS: i64 = 60 * 60 * 1000;

/// A manifest that is prepared: decide it, then put it in force.
struct Change {
    record: ManifestRecord,
    /// How many unfolded flushes the record has now.
    folded: usize,
}

/// Takes flushes into the manifests of those partitions that have many, or old ones. See
/// [`fold_now`].
pub(crate) async fn fold_due(shared: &Shared, mut partitions: Vec<Arc<Partition>>) {
    let old = Timestamp(shared.runtime.wall_ms().saturating_sub(FOLD_AGE_MS));
    partitions.retain(|partition| {
        let state = partition.lock();
        let unfolded = &state.manifest.unfolded;
        unfolded.len() >= FLUSHES_A_FOLD
            || unfolded.first().is_some_and(|unfolded| unfolded.segment.written < old)
    });
    fold_now(shared, partitions).await;
}

/// Takes flushes into the manifests of many partitions, many in a transaction. What could not be
/// folded is tried again after the next flush; until then the flush record stands.
pub(crate) async fn fold_now(shared: &Shared, mut partitions: Vec<Arc<Partition>>) {
    // Each takes an expectation and a change, and flush records and objects come on top.
    let at_once = (shared.ledger.ops_max() * 3 / 8).clamp(1, FOLDS_A_TRANSACTION_MAX);
    // One order for all, so that two that do this cannot wait for each other.
    partitions.sort_unstable_by_key(|partition| partition.id);
    partitions.dedup_by_key(|partition| partition.id);
    for together in partitions.chunks(at_once) {
        if fold_together(shared, together).await.is_ok() {
            continue;
        }
        for partition in together {
            if let Err(error) = partition.fold(false).await {
                tracing::warn!(%error, partition = %partition.id, "a flush could not be folded into a manifest");
            }
        }
    }
}

async fn fold_together(shared: &Shared, partitions: &[Arc<Partition>]) -> Result<(), UpkeepError> {
    let mut swaps = ManifestSwaps::default();
    let mut changes = Vec::with_capacity(partitions.len());
    for partition in partitions {
        let one_at_a_time = partition.manifest_change.lock().await;
        let manifest = partition.lock().manifest.clone();
        if !manifest.unfolded.is_empty() && !partition.is_closed() {
            let change = partition.prepare(&manifest, None, false, &mut swaps).await?;
            changes.push((partition, change, one_at_a_time));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let revision = decide(shared, &swaps).await?;
    for (partition, change, _one_at_a_time) in changes {
        partition.put_in_force(change, revision);
    }
    Ok(())
}

async fn decide(shared: &Shared, swaps: &ManifestSwaps) -> Result<Revision, UpkeepError> {
    match shared.ledger.swap_manifests(swaps).await {
        Ok(revision) => Ok(revision),
        Err(error) => {
            if matches!(error, LedgerError::Conflict(_)) {
                shared.ledger.abandon_adopted(&swaps.objects).await?;
            }
            Err(error.into())
        }
    }
}

/// Has partitions take the segments that others made of what they borrow, and let go of the runs.
/// One that has a newer leader is closed by that.
pub(crate) async fn reload_all(
    shared: &Shared,
    partitions: &[Arc<Partition>],
) -> Result<(), UpkeepError> {
    let mut partitions = partitions.to_vec();
    partitions.sort_unstable_by_key(|partition| partition.id);
    let mut changes = Vec::with_capacity(partitions.len());
    for partition in &partitions {
        changes.push(partition.manifest_change.lock().await);
    }
    let _no_flush = shared.flush_commit.read().await;
    let flushes = shared.flushes.read(&shared.ledger).await?;
    for partition in &partitions {
        match partition.take_records(&flushes).await {
            Ok(()) => partition.lock().drop_sealed(),
            Err(UpkeepError::Ledger(LedgerError::Fenced { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Partition {
    /// Takes flushes into the manifest. `closing`: with a snapshot of producer state, for the next
    /// leader.
    pub(crate) async fn fold(&self, closing: bool) -> Result<(), UpkeepError> {
        self.change(closing, None).await
    }

    /// Changes the manifest: folds what is unfolded, and moves the log start.
    pub(super) async fn change(
        &self,
        closing: bool,
        log_start: Option<Offset>,
    ) -> Result<(), UpkeepError> {
        let _one_at_a_time = self.manifest_change.lock().await;
        if self.is_closed() {
            return log_start.map_or(Ok(()), |_| Err(UpkeepError::Closed));
        }
        let mut attempt = 0;
        loop {
            let manifest = self.lock().manifest.clone();
            if manifest.unfolded.is_empty() && log_start.is_none() && !closing {
                return Ok(());
            }
            match self.try_change(&manifest, log_start, closing).await {
                Err(UpkeepError::Ledger(LedgerError::Conflict(_))) if attempt < ATTEMPTS => {
                    attempt += 1;
                    self.reload().await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Waits until the manifest does not change any more. The partition is closed: its next leader
    /// must know of whatever anybody was told here, and need not read it again.
    pub(crate) async fn unchanging(&self) {
        drop(self.manifest_change.lock().await);
    }

    async fn try_change(
        &self,
        manifest: &Manifest,
        log_start: Option<Offset>,
        closing: bool,
    ) -> Result<(), UpkeepError> {
        let mut swaps = ManifestSwaps::default();
        let change = self.prepare(manifest, log_start, closing, &mut swaps).await?;
        let revision = decide(&self.shared, &swaps).await?;
        self.put_in_force(change, revision);
        Ok(())
    }

    async fn prepare(
        &self,
        manifest: &Manifest,
        log_start: Option<Offset>,
        closing: bool,
        swaps: &mut ManifestSwaps,
    ) -> Result<Change, UpkeepError> {
        let mut record = manifest.record.clone();
        record.leader_epoch = self.leader_epoch;
        record.version += 1;
        record.epochs = manifest.epochs();
        record.end = manifest.end();
        record.segments = manifest.newer().cloned().collect();
        for unfolded in &manifest.unfolded {
            self.strike(&unfolded.flush, swaps).await?;
        }
        // What is about to be let go of may be all that tells of a producer.
        let needed = closing || log_start.is_some();
        self.add_snapshot(&mut record, swaps, needed).await?;
        self.add_page(&mut record, swaps).await?;
        record.log_start = log_start.unwrap_or(record.log_start).max(manifest.record.log_start);
        self.trim(&mut record, swaps).await?;
        let (partition, seen) = (self.id, manifest.revision);
        swaps.manifests.push(ManifestSwap { partition, seen, record: Some(record.clone()) });
        Ok(Change { record, folded: manifest.unfolded.len() })
    }

    /// Strikes the partition off a flush record, in the same transaction that takes it into the
    /// manifest.
    async fn strike(&self, flush: &str, swaps: &mut ManifestSwaps) -> Result<(), UpkeepError> {
        if let Some((_, seen)) = swaps.flush_records.iter_mut().find(|(key, _)| **key == *flush) {
            opening::strike(seen, self.id);
            return Ok(());
        }
        let seen = self.shared.ledger.flush_record(flush).await?;
        let mut seen = seen.ok_or_else(|| LedgerError::Conflict(flush.to_owned()))?;
        opening::strike(&mut seen, self.id);
        swaps.flush_records.push((flush.to_owned(), seen));
        Ok(())
    }

    /// Lets go of the segments wholly below the log start, and of the pages that listed them.
    async fn trim(
        &self,
        record: &mut ManifestRecord,
        swaps: &mut ManifestSwaps,
    ) -> Result<(), UpkeepError> {
        let start = record.log_start;
        while let Some(page) = record.pages.first()
            && page.base < start
        {
            let mut segments = self.shared.pages.read(page).await?;
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

    /// Moves the oldest segments of a long record into the last page, or into another when that is
    /// full.
    async fn add_page(
        &self,
        record: &mut ManifestRecord,
        swaps: &mut ManifestSwaps,
    ) -> Result<(), UpkeepError> {
        while record.segments.len() > SEGMENTS_IN_RECORD_MAX {
            let mut segments = Vec::new();
            if let Some(last) =
                record.pages.pop_if(|last| last.segments + SEGMENTS_MOVED <= SEGMENTS_A_PAGE_MAX)
            {
                segments = self.shared.pages.read(&last).await?;
                swaps.objects.release(&last.object);
            }
            segments.extend(record.segments.drain(..SEGMENTS_MOVED as usize));
            record.pages.push(self.write_page(&segments, swaps).await?);
        }
        Ok(())
    }

    async fn write_page(
        &self,
        segments: &[SegmentRef],
        swaps: &mut ManifestSwaps,
    ) -> Result<PageRef, UpkeepError> {
        let object = self.shared.new_object("manifests");
        let announced = self.shared.ledger.announce(&[object.to_string()]).await?;
        self.shared.pages.write(&object, segments).await?;
        swaps.objects.adopt(object.as_str(), announced, 1);
        Ok(PageRef {
            object: object.to_string(),
            base: segments[0].base,
            end: segments[segments.len() - 1].end,
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
            max_timestamp: segments
                .iter()
                .map(|segment| segment.max_timestamp)
                .max()
                .unwrap_or_default(),
            segments: segments.len() as u32,
        })
    }

    /// Notes up to where producer state need not be read from footers: for nothing when there are
    /// no producers, else with a snapshot from time to time.
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

    fn put_in_force(&self, change: Change, revision: Revision) {
        let mut state = self.lock();
        // Flushes that were committed meanwhile came after those that are folded now.
        let unfolded = state.manifest.unfolded[change.folded..].to_vec();
        let moved = change.record.log_start > state.log_start;
        state.log_start = state.log_start.max(change.record.log_start);
        let log_start = state.log_start;
        state.epochs.trim(log_start);
        state.manifest =
            Arc::new(Manifest { record: change.record, revision: Some(revision), unfolded });
        drop(state);
        if moved {
            self.waiters().changed();
        }
    }

    /// Somebody else changed the records: takes what they say.
    async fn reload(&self) -> Result<(), UpkeepError> {
        let _no_flush = self.shared.flush_commit.read().await;
        // Flushes first: one that is folded between the two reads is then seen twice, and in the
        // other order not at all.
        let flushes = self.shared.flushes.read(&self.shared.ledger).await?;
        self.take_records(&flushes).await
    }

    async fn take_records(&self, flushes: &Flushes) -> Result<(), UpkeepError> {
        let loaded =
            opening::load_manifest(&self.shared, self.id, self.leader_epoch, flushes).await;
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
    pub(crate) fn flushed(&self, unfolded: Unfolded) {
        let mut state = self.lock();
        if unfolded.segment.end <= state.manifest.end() {
            // The manifest was read again while the flush was committed and not yet made known.
            return;
        }
        assert_eq!(
            unfolded.segment.base,
            state.manifest.end(),
            "flushes go on where the segments end"
        );
        Arc::make_mut(&mut state.manifest).unfolded.push(unfolded);
    }
}
