//! Reading and changing the manifests of one broker's partitions: their records, pages, producer
//! snapshots, and the flush records that are not folded into them yet.

use std::sync::Arc;

use milena_types::{LeaderEpoch, Offset, Revision, TopicPartition};

use crate::{
    catalog::{
        flushes::{FlushReader, Flushes},
        manifest::{Manifest, UnfoldedFlush},
        object_names::{ObjectKind, ObjectNames},
        pages::{PageError, Pages},
    },
    catalog::{
        manifest_swaps::ManifestSwaps,
        records::{ManifestRecord, PageRef, SegmentRef, SnapshotRef},
        storage_catalog::{CatalogError, StorageCatalog},
    },
};

/// Why a manifest could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The metadata store, or a newer leader.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A page or snapshot cannot be read or written.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Segments, flushes and chunks do not fit together.
    #[error(
        "partition {partition} has no records between {from} and {to}: restore the objects that \
         had them"
    )]
    Gap { partition: TopicPartition, from: Offset, to: Offset },
}

impl ManifestError {
    /// A record changed since it was read: read it again.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Catalog(CatalogError::Conflict(_)))
    }

    /// A newer leader has taken the partition.
    pub(crate) fn is_fenced(&self) -> bool {
        matches!(self, Self::Catalog(CatalogError::Fenced { .. }))
    }
}

/// Access to the manifests of one broker's partitions.
pub(crate) struct Manifests {
    pub(crate) catalog: StorageCatalog,
    pub(crate) pages: Pages,
    pub(crate) flushes: FlushReader,
    pub(crate) names: Arc<ObjectNames>,
}

impl Manifests {
    pub(crate) fn new(catalog: StorageCatalog, pages: Pages, names: Arc<ObjectNames>) -> Self {
        Self { catalog, pages, flushes: FlushReader::default(), names }
    }

    /// The manifest of a partition, with those of `flushes` that are not folded into it. The caller
    /// looks whether they and the chunks fit together: [`Manifest::gaps`].
    pub(crate) async fn load(
        &self,
        id: TopicPartition,
        leader_epoch: LeaderEpoch,
        flushes: &Flushes,
    ) -> Result<Manifest, ManifestError> {
        let seen = self.catalog.manifest(id).await?;
        let (record, revision) = match seen {
            Some(seen) => (seen.value, Some(seen.revision)),
            None => (ManifestRecord::new(leader_epoch), None),
        };
        if record.leader_epoch > leader_epoch {
            let (ours, theirs) = (leader_epoch, record.leader_epoch);
            return Err(CatalogError::Fenced { partition: id, ours, theirs }.into());
        }
        let newer = flushes.of(id).iter().filter(|unfolded| unfolded.segment.end > record.end);
        let mut unfolded: Vec<UnfoldedFlush> = newer.cloned().collect();
        unfolded.sort_by_key(|unfolded| unfolded.segment.base);
        Ok(Manifest { record, revision, unfolded })
    }

    /// Commits changes of manifests, or abandons what was uploaded for them.
    pub(crate) async fn commit(&self, swaps: &ManifestSwaps) -> Result<Revision, ManifestError> {
        let committed = self.catalog.swap_manifests(swaps).await;
        self.or_abandon(committed.map_err(ManifestError::from), swaps).await
    }

    /// Where a transaction could not be prepared or committed, abandons the uploads that it was to
    /// adopt. One that was committed has adopted them, and one that is late cannot any more.
    pub(crate) async fn or_abandon<T>(
        &self,
        outcome: Result<T, ManifestError>,
        swaps: &ManifestSwaps,
    ) -> Result<T, ManifestError> {
        if outcome.is_err()
            && let Err(error) = self.catalog.abandon_adopted(&swaps.objects).await
        {
            // The next broker epoch finds the announcements.
            tracing::debug!(%error, "uploads that were not used stay announced");
        }
        outcome
    }

    /// Removes the partition from a flush record, in the transaction that folds the flush.
    pub(crate) async fn remove_from_flush(
        &self,
        id: TopicPartition,
        flush: &str,
        swaps: &mut ManifestSwaps,
    ) -> Result<(), ManifestError> {
        if let Some((_, seen)) = swaps.flush_records.iter_mut().find(|(key, _)| **key == *flush) {
            seen.value.remove_partition(id);
            return Ok(());
        }
        let seen = self.catalog.flush_record(flush).await?;
        let mut seen = seen.ok_or_else(|| CatalogError::Conflict(flush.to_owned()))?;
        seen.value.remove_partition(id);
        swaps.flush_records.push((flush.to_owned(), seen));
        Ok(())
    }

    /// Uploads a page, to be adopted by the transaction.
    pub(crate) async fn write_page(
        &self,
        segments: &[SegmentRef],
        swaps: &mut ManifestSwaps,
    ) -> Result<PageRef, ManifestError> {
        let object = self.names.next(ObjectKind::ManifestPage);
        let announced = self.catalog.announce(&[object.to_string()]).await?;
        // Before it is written: also what is written in part is abandoned with the transaction.
        swaps.objects.adopt(object.as_str(), announced, 1);
        self.pages.write(&object, segments).await?;
        let max_timestamp = segments.iter().map(|segment| segment.max_timestamp).max();
        Ok(PageRef {
            object: object.to_string(),
            base: segments[0].base,
            end: segments[segments.len() - 1].end,
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
            max_timestamp: max_timestamp.unwrap_or_default(),
            segments: segments.len() as u32,
        })
    }

    /// Uploads a snapshot of the producer state up to `offset` (`None`: there are no producers), to
    /// replace the record's by the transaction.
    pub(crate) async fn replace_snapshot(
        &self,
        record: &mut ManifestRecord,
        offset: Offset,
        snapshot: Option<Vec<u8>>,
        swaps: &mut ManifestSwaps,
    ) -> Result<(), ManifestError> {
        let mut object = None;
        if let Some(snapshot) = snapshot {
            let id = self.names.next(ObjectKind::ProducerSnapshot);
            let announced = self.catalog.announce(&[id.to_string()]).await?;
            swaps.objects.adopt(id.as_str(), announced, 1);
            self.pages.seal(&id, &snapshot).await?;
            object = Some(id.to_string());
        }
        let before = record.producers.replace(SnapshotRef { object, offset });
        if let Some(object) = before.and_then(|before| before.object) {
            swaps.objects.release(&object);
        }
        Ok(())
    }
}
