//! Deletion of a partition's records.
//!
//! Unflushed chunks may hold records of a deleted partition. Flushes skip them: which partitions
//! those are is recorded with the deletion, until no chunk can have any.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard},
};

use milena_types::{ChunkSeq, TopicPartition};

use crate::{
    catalog::manifests::{ManifestError, Manifests},
    catalog::{
        manifest_swaps::{ManifestSwap, ManifestSwaps},
        storage_catalog::CatalogError,
    },
};

/// The repetitions of a change that conflicts with another.
const ATTEMPTS: usize = 5;

/// The pages of a manifest that one transaction releases: each names up to 128 segments, and
/// metadata stores bound their transactions.
const PAGES_PER_STEP: usize = if cfg!(test) { 1 } else { 8 };

/// How many operations a transaction has that deletes several partitions, or forgets that they were
/// deleted: the least that metadata stores allow.
const OPS_MAX: usize = 128;

/// Partitions that were deleted while unflushed chunks may hold records of them.
#[derive(Debug, Default)]
pub(crate) struct DeletedPartitions(Mutex<HashMap<TopicPartition, ChunkSeq>>);

impl DeletedPartitions {
    /// Adds a partition. Chunks of this broker epoch from `until` on have no records of it.
    pub(crate) fn insert(&self, id: TopicPartition, until: ChunkSeq) {
        self.lock().insert(id, until);
    }

    pub(crate) fn contains(&self, id: TopicPartition) -> bool {
        self.lock().contains_key(&id)
    }

    pub(crate) fn all(&self) -> BTreeSet<TopicPartition> {
        self.lock().keys().copied().collect()
    }

    /// Those that no chunk of this broker epoch from `floor` on has records of.
    pub(crate) fn done_below(&self, floor: ChunkSeq) -> Vec<TopicPartition> {
        let deleted = self.lock();
        deleted.iter().filter(|(_, until)| **until <= floor).map(|(id, _)| *id).collect()
    }

    pub(crate) fn remove(&self, ids: &[TopicPartition]) {
        let mut deleted = self.lock();
        ids.iter().for_each(|id| _ = deleted.remove(id));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TopicPartition, ChunkSeq>> {
        self.0.lock().expect("no panic while deletions are listed")
    }
}

impl Manifests {
    /// Reads back the partitions that earlier epochs of this broker deleted.
    pub(crate) async fn load_deleted(
        &self,
        deleted: &DeletedPartitions,
    ) -> Result<(), CatalogError> {
        for record in self.catalog.deleted().await? {
            // Chunks of older epochs only: this epoch has none yet.
            deleted.insert(record.partition, ChunkSeq(0));
        }
        Ok(())
    }

    /// No chunk has records of these deleted partitions any more. What is forgotten when this fails
    /// is not listed the next time.
    pub(crate) async fn forget_deleted(
        &self,
        deleted: &DeletedPartitions,
        partitions: &[TopicPartition],
    ) -> Result<(), CatalogError> {
        for some in partitions.chunks(OPS_MAX) {
            self.catalog.forget_deleted(some).await?;
            deleted.remove(some);
        }
        Ok(())
    }

    /// Deletes a partition. `until`: the first chunk of this broker epoch without records of it.
    pub(crate) async fn delete(
        &self,
        id: TopicPartition,
        until: ChunkSeq,
    ) -> Result<(), ManifestError> {
        self.delete_refs(id, Some(until)).await?;
        // A flush may have been committed meanwhile that did not know of the deletion yet. One that
        // is committed from now on notices by itself.
        if !self.flushes.read(&self.catalog).await?.of(id).is_empty() {
            self.delete_refs(id, None).await?;
        }
        Ok(())
    }

    /// Deletes partitions, as many in a transaction as fit. `until` as in [`Manifests::delete`].
    /// Returns those that are not deleted, and why the first of them is not.
    pub(crate) async fn delete_all(
        &self,
        ids: &[TopicPartition],
        until: ChunkSeq,
    ) -> Result<(), (Vec<TopicPartition>, ManifestError)> {
        let mut from = 0;
        while from < ids.len() {
            let rest = |error| (ids[from..].to_vec(), error);
            from += self.delete_some(&ids[from..], until).await.map_err(rest)?;
        }
        Ok(())
    }

    /// Deletes the first of these partitions. Returns how many.
    async fn delete_some(
        &self,
        ids: &[TopicPartition],
        until: ChunkSeq,
    ) -> Result<usize, ManifestError> {
        match self.delete_batch(ids, until).await {
            Ok(count) if count > 0 => Ok(count),
            // The first takes several transactions, or others change one of them: each alone.
            Ok(_) | Err(ManifestError::Catalog(CatalogError::Conflict(_))) => {
                self.delete(ids[0], until).await.map(|()| 1)
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes in one transaction as many of the first of these partitions as fit into it; none if
    /// the first is not for one transaction.
    async fn delete_batch(
        &self,
        ids: &[TopicPartition],
        until: ChunkSeq,
    ) -> Result<usize, ManifestError> {
        let ops_max = self.catalog.ops_max().min(OPS_MAX);
        let mut flushes = self.catalog.flush_records().await?;
        let mut flushed: HashMap<TopicPartition, Vec<usize>> = HashMap::new();
        for (index, (_, seen)) in flushes.iter().enumerate() {
            for part in &seen.value.parts {
                flushed.entry(part.partition).or_default().push(index);
            }
        }
        let mut changed: BTreeSet<usize> = BTreeSet::new();
        let mut swaps = ManifestSwaps::default();
        let mut count = 0;
        for id in ids {
            let manifest = self.catalog.manifest(*id).await?;
            let seen = manifest.as_ref().map(|seen| seen.revision);
            let record = manifest.map(|seen| seen.value);
            let segments = record.as_ref().map_or(0, |record| record.segments.len());
            let parts = flushed.get(id).map_or(&[][..], Vec::as_slice);
            let is_long = record.as_ref().is_some_and(|record| !record.pages.is_empty());
            // The manifest, the note, a snapshot; each object is two operations.
            let ops = 4 + 2 * segments + 3 * parts.len();
            if is_long || swaps.ops() + changed.len() + ops > ops_max {
                break;
            }
            if let Some(record) = &record {
                record.segments.iter().for_each(|segment| swaps.objects.release(&segment.object));
                let snapshot = record.producers.as_ref();
                if let Some(object) = snapshot.and_then(|snapshot| snapshot.object.as_ref()) {
                    swaps.objects.release(object);
                }
            }
            for index in parts {
                let flush = &mut flushes[*index].1.value;
                let removed = flush.remove_partition(*id);
                (0..removed).for_each(|_| swaps.objects.release(&flush.object));
                changed.insert(*index);
            }
            swaps.manifests.push(ManifestSwap { partition: *id, seen, record: None });
            swaps.deleted.push((*id, until));
            count += 1;
        }
        if count == 0 {
            return Ok(0);
        }
        let changed = flushes.into_iter().enumerate().filter(|(index, _)| changed.contains(index));
        swaps.flush_records.extend(changed.map(|(_, flush)| flush));
        self.catalog.swap_manifests(&swaps).await?;
        // As in `delete`.
        let flushes = self.flushes.read(&self.catalog).await?;
        for id in ids[..count].iter().filter(|id| !flushes.of(**id).is_empty()) {
            self.delete_refs(*id, None).await?;
        }
        Ok(count)
    }

    /// Releases all objects that a deleted partition refers to. `until` is recorded with it.
    pub(crate) async fn delete_refs(
        &self,
        id: TopicPartition,
        until: Option<ChunkSeq>,
    ) -> Result<(), ManifestError> {
        let mut attempt = 0;
        loop {
            let (swaps, more) = self.plan_delete_step(id, until).await?;
            match self.catalog.swap_manifests(&swaps).await {
                Ok(_) if more => attempt = 0,
                Ok(_) => return Ok(()),
                Err(CatalogError::Conflict(_)) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next transaction of a deletion, and whether another has to follow. Of a long manifest
    /// the pages are released first, oldest first, so that a repeated deletion resumes where it
    /// stopped.
    async fn plan_delete_step(
        &self,
        id: TopicPartition,
        until: Option<ChunkSeq>,
    ) -> Result<(ManifestSwaps, bool), ManifestError> {
        let mut swaps = ManifestSwaps {
            deleted: until.map(|until| (id, until)).into_iter().collect(),
            ..ManifestSwaps::default()
        };
        let manifest = self.catalog.manifest(id).await?;
        let seen = manifest.as_ref().map(|seen| seen.revision);
        if let Some(mut seen) = manifest {
            let more = seen.value.pages.len() > PAGES_PER_STEP;
            let released = seen.value.pages.len().min(PAGES_PER_STEP);
            let pages: Vec<_> = seen.value.pages.drain(..released).collect();
            for page in &pages {
                for segment in self.pages.read(page).await?.iter() {
                    swaps.objects.release(&segment.object);
                }
                swaps.objects.release(&page.object);
            }
            if more {
                let end = pages[pages.len() - 1].end;
                seen.value.log_start = seen.value.log_start.max(end);
                seen.value.version += 1;
                let (seen, record) = (Some(seen.revision), Some(seen.value));
                swaps.manifests.push(ManifestSwap { partition: id, seen, record });
                return Ok((swaps, true));
            }
            seen.value.segments.iter().for_each(|segment| swaps.objects.release(&segment.object));
            let snapshot = seen.value.producers.as_ref();
            if let Some(object) = snapshot.and_then(|snapshot| snapshot.object.as_ref()) {
                swaps.objects.release(object);
            }
        }
        // Also when there is none: a fold must not make one meanwhile.
        swaps.manifests.push(ManifestSwap { partition: id, seen, record: None });
        for (key, mut seen) in self.catalog.flush_records().await? {
            let removed = seen.value.remove_partition(id);
            if removed > 0 {
                (0..removed).for_each(|_| swaps.objects.release(&seen.value.object));
                swaps.flush_records.push((key, seen));
            }
        }
        Ok((swaps, false))
    }
}
