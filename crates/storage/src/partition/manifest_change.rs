//! Changing a partition's manifest: folding flushes into it, and moving its log start.
//!
//! Changes of a partition are serialised. Each is one transaction, which may change many
//! partitions; the state in memory follows after it is committed, never before. Only the
//! partition's leader changes its manifest, and not once the partition is closed: the next leader
//! may have read it.

use std::sync::Arc;

use milena_types::{Offset, Revision};

use crate::{
    catalog::{
        flushes::Flushes,
        manifest::{Gap, Manifest, UnfoldedFlush},
        manifests::ManifestError,
    },
    catalog::{
        manifest_swaps::{ManifestSwap, ManifestSwaps},
        records::ManifestRecord,
    },
    partition::{errors::MaintenanceError, partition::Partition, state::Loss},
};

/// Producer state is written as a snapshot when this many segments came after the last one.
const SEGMENTS_PER_SNAPSHOT: usize = 8;

/// The repetitions of a change that conflicts with another.
const ATTEMPTS: usize = 8;

/// How many flushes one change folds: each takes three operations, and there are at most 128 in a
/// transaction of any metadata store.
const FLUSHES_FOLDED_MAX: usize = 16;

/// Whether a change of the manifest notes the producers as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Snapshot {
    /// If it is time.
    WhenDue,
    /// Unless the last one has all of them.
    Now,
    /// Also if the last one claims to have more: records that it had seen are lost.
    Anew,
}

/// The partitions whose flushes are folded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folded {
    Open,
    /// Also one that was closed to be handed over: nobody else folds before its next leader has read the
    /// manifest.
    ClosedToo,
}

/// A manifest to be changed.
pub(super) struct Unchanged {
    pub(super) manifest: Arc<Manifest>,
    /// How many of its unfolded flushes go into the record.
    pub(super) foldable: usize,
}

/// A prepared manifest: committed first, then applied.
pub(super) struct ManifestChange {
    record: ManifestRecord,
    /// The flushes that the record has now.
    folded: Vec<Arc<str>>,
}

impl Partition {
    /// The manifest as it is, with what the next change folds.
    pub(super) fn unchanged(&self) -> Unchanged {
        let state = self.lock();
        let foldable = state.foldable().min(FLUSHES_FOLDED_MAX);
        Unchanged { manifest: state.manifest.clone(), foldable }
    }

    /// Folds the unfolded flushes into the manifest, as far as they go on where its record ends.
    pub(crate) async fn fold(&self, which: Folded) -> Result<(), MaintenanceError> {
        let _serialised = self.manifest_change.lock().await;
        self.change(None, which).await
    }

    pub(super) fn may_fold(&self, which: Folded) -> bool {
        which == Folded::ClosedToo || !self.is_closed()
    }

    /// Whether the manifest has all records, pending ones included.
    pub(crate) fn is_folded(&self) -> bool {
        let state = self.lock();
        state.manifest.unfolded.is_empty() && state.manifest.record.end == state.next_offset
    }

    /// Moves the log start up to `log_start`, past many segments in several transactions: each is a
    /// move that may be the last. Folds the unfolded flushes too. Cancel-safe: once it has begun it
    /// goes on as a task, or a transaction whose outcome nobody follows would be left behind.
    pub(super) async fn move_log_start(
        self: &Arc<Self>,
        log_start: Offset,
    ) -> Result<(), MaintenanceError> {
        let serialised = self.manifest_change.clone().lock_owned().await;
        let (partition, stopping) = (self.clone(), self.core.runtime.stopping().clone());
        let moving = self.core.runtime.spawn(async move {
            let _serialised = serialised;
            tokio::select! {
                biased;
                moved = partition.change(Some(log_start), Folded::Open) => moved,
                () = stopping.cancelled() => Err(MaintenanceError::Closed),
            }
        });
        moving.await.unwrap_or(Err(MaintenanceError::Closed))
    }

    /// The caller serialises it with others.
    async fn change(
        &self,
        log_start: Option<Offset>,
        which: Folded,
    ) -> Result<(), MaintenanceError> {
        let mut attempt = 0;
        loop {
            if !self.may_fold(which) {
                return log_start.map_or(Ok(()), |_| Err(MaintenanceError::Closed));
            }
            let now = self.unchanged();
            let step = match log_start {
                None if now.foldable == 0 => return Ok(()),
                None => None,
                Some(start) => {
                    Some(self.manifests.trim_step(&now.manifest, now.foldable, start).await?)
                }
            };
            match self.try_change(&now, step).await {
                Err(error) if error.is_conflict() && attempt < ATTEMPTS => {
                    attempt += 1;
                    self.reload().await?;
                }
                Ok(()) if log_start.is_none() || step < log_start => attempt = 0,
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Has the manifest say what is left after records were lost and the loss accepted, before
    /// anything is appended: it ends where the partition goes on, or says up to where records are
    /// missing, and what it knows of producers ends there, too. Does nothing where nothing was lost.
    pub(crate) async fn settle_loss(&self, loss: &Loss) -> Result<(), ManifestError> {
        let (now, end, next) = {
            let state = self.lock();
            let now = Unchanged { manifest: state.manifest.clone(), foldable: state.foldable() };
            (now, state.foldable_end(), state.goes_on_at())
        };
        let is_settled = next == end || next <= now.manifest.record.lost_before;
        if loss.is_none() && is_settled {
            return Ok(());
        }
        let _serialised = self.manifest_change.lock().await;
        let mut swaps = ManifestSwaps::default();
        let mut record = self.fold_into_record(&now, &mut swaps).await?;
        tracing::warn!(
            partition = %self.id, from = %record.end, to = %loss.before.unwrap_or(next),
            snapshot_lost = loss.snapshot,
            "records of the partition are lost, which was accepted: it goes on behind them"
        );
        match loss.before {
            Some(before) => record.lost_before = record.lost_before.max(before),
            None => record.end = next,
        }
        let snapshot = if loss.snapshot { Snapshot::Anew } else { Snapshot::WhenDue };
        let change = self.finish_record(record, &now, snapshot, &mut swaps).await;
        let change = self.manifests.or_abandon(change, &swaps).await?;
        let revision = self.manifests.commit(&swaps).await?;
        self.apply(change, revision);
        Ok(())
    }

    /// Waits until the manifest does not change any more. The partition is closed: its next leader
    /// must find everything that was reported as done here, and need not read it again.
    pub(crate) async fn manifest_unchanging(&self) {
        drop(self.manifest_change.lock().await);
    }

    async fn try_change(
        &self,
        now: &Unchanged,
        log_start: Option<Offset>,
    ) -> Result<(), ManifestError> {
        let mut swaps = ManifestSwaps::default();
        let change = self.prepare(now, log_start, &mut swaps).await;
        let change = self.manifests.or_abandon(change, &swaps).await?;
        let revision = self.manifests.commit(&swaps).await?;
        self.apply(change, revision);
        Ok(())
    }

    /// Adds the partition's next manifest to a transaction.
    pub(super) async fn prepare(
        &self,
        now: &Unchanged,
        log_start: Option<Offset>,
        swaps: &mut ManifestSwaps,
    ) -> Result<ManifestChange, ManifestError> {
        let mut record = self.fold_into_record(now, swaps).await?;
        record.log_start = log_start.unwrap_or(record.log_start).max(record.log_start);
        // The segments to be released may be all that tells of a producer.
        let snapshot = if log_start.is_some() { Snapshot::Now } else { Snapshot::WhenDue };
        self.finish_record(record, now, snapshot, swaps).await
    }

    /// The record with the foldable flushes in it, which their own records lose.
    async fn fold_into_record(
        &self,
        now: &Unchanged,
        swaps: &mut ManifestSwaps,
    ) -> Result<ManifestRecord, ManifestError> {
        let folded = &now.manifest.unfolded[..now.foldable];
        let mut record = now.manifest.record.clone();
        record.leader_epoch = self.leader_epoch;
        record.version += 1;
        record.epochs = now.manifest.epochs(now.foldable);
        for unfolded in folded {
            record.end = unfolded.segment.end;
            record.segments.push(unfolded.segment.clone());
            self.manifests.remove_from_flush(self.id, &unfolded.flush, swaps).await?;
        }
        Ok(record)
    }

    async fn finish_record(
        &self,
        mut record: ManifestRecord,
        now: &Unchanged,
        snapshot: Snapshot,
        swaps: &mut ManifestSwaps,
    ) -> Result<ManifestChange, ManifestError> {
        self.add_snapshot(&mut record, swaps, snapshot).await?;
        self.manifests.add_pages(&mut record, swaps).await?;
        self.manifests.trim(&mut record, swaps).await?;
        let (partition, seen) = (self.id, now.manifest.revision);
        swaps.manifests.push(ManifestSwap { partition, seen, record: Some(record.clone()) });
        let folded = now.manifest.unfolded[..now.foldable].iter();
        Ok(ManifestChange { record, folded: folded.map(|flush| flush.flush.clone()).collect() })
    }

    /// Records the offset from which producer state is read from footers: with no snapshot when
    /// there are no producers, else with one when it is needed or due.
    async fn add_snapshot(
        &self,
        record: &mut ManifestRecord,
        swaps: &mut ManifestSwaps,
        wanted: Snapshot,
    ) -> Result<(), ManifestError> {
        let (offset, snapshot) = {
            let state = self.lock();
            let producers = &state.producers;
            (state.high_watermark, (!producers.is_empty()).then(|| producers.snapshot()))
        };
        let last = record.producers.as_ref().map_or(Offset::ZERO, |last| last.offset);
        let since = record.segments.iter().filter(|segment| segment.base >= last).count();
        let due =
            wanted != Snapshot::WhenDue || snapshot.is_none() || since >= SEGMENTS_PER_SNAPSHOT;
        if wanted != Snapshot::Anew && (!due || offset <= last) {
            return Ok(());
        }
        self.manifests.replace_snapshot(record, offset, snapshot, swaps).await
    }

    /// Follows a committed change in memory.
    pub(super) fn apply(&self, change: ManifestChange, revision: Revision) {
        let mut state = self.lock();
        // With flushes that were committed meanwhile.
        let mut unfolded = state.manifest.unfolded.clone();
        unfolded.retain(|unfolded| !change.folded.contains(&unfolded.flush));
        let moved = change.record.log_start > state.log_start;
        state.log_start = state.log_start.max(change.record.log_start);
        let log_start = state.log_start;
        state.epochs.trim(log_start);
        state.manifest =
            Arc::new(Manifest { record: change.record, revision: Some(revision), unfolded });
        drop(state);
        if moved {
            self.waiters.changed();
        }
    }

    /// Reads the records again after another broker changed them.
    pub(super) async fn reload(&self) -> Result<(), ManifestError> {
        // Flushes first: one that is folded between the two reads is then seen twice, and in the
        // other order not at all.
        let flushes = self.manifests.flushes.read(&self.manifests.catalog).await?;
        self.take_records(&flushes).await
    }

    /// Replaces the manifest by what the records are now. Closes the partition if it has a newer
    /// leader. What was committed after `flushes` were read stays.
    pub(super) async fn take_records(&self, flushes: &Flushes) -> Result<(), ManifestError> {
        let mut manifest = match self.manifests.load(self.id, self.leader_epoch, flushes).await {
            Ok(manifest) => manifest,
            Err(error) => {
                if error.is_fenced() {
                    self.close();
                }
                return Err(error);
            }
        };
        let mut state = self.lock();
        state.manifest.unfolded.iter().for_each(|known| manifest.add(known.clone()));
        let before = std::mem::replace(&mut state.manifest, Arc::new(manifest));
        let mut runs: Vec<_> = state.unrecorded().map(|run| (run.base, run.end)).collect();
        runs.reverse();
        if let Some(gap) = state.manifest.gaps(runs.into_iter()).first() {
            let Gap { from, to } = *gap;
            state.manifest = before;
            return Err(ManifestError::Gap { partition: self.id, from, to });
        }
        state.log_start = state.log_start.max(state.manifest.record.log_start);
        Ok(())
    }

    /// A flush that put records of the partition into a segment was committed.
    pub(crate) fn flushed(&self, unfolded: UnfoldedFlush) {
        Arc::make_mut(&mut self.lock().manifest).add(unfolded);
    }
}
