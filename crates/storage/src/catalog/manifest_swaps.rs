//! The commit of flushes, and the changes of manifests that take their segments.

use milena_store::{Entry, Txn, Versioned};
use milena_types::{ChunkSeq, Revision, TopicPartition};

use super::{
    keys::StorageKey,
    object_refs::ObjectChanges,
    records::{DeletedRecord, FlushRecord, LogId, ManifestRecord, WalRecord},
    storage_catalog::{CatalogError, StorageCatalog},
};

/// A segment that a flush uploaded and announced.
#[derive(Clone, Debug)]
pub(crate) struct FlushedSegment {
    pub(crate) key: String,
    pub(crate) record: FlushRecord,
    pub(crate) announced: Revision,
}

/// A change of one partition's manifest.
#[derive(Clone, Debug)]
pub(crate) struct ManifestSwap {
    pub(crate) partition: TopicPartition,
    /// The revision it was read at; none when there was no record.
    pub(crate) seen: Option<Revision>,
    /// The new record; none when the partition is deleted.
    pub(crate) record: Option<ManifestRecord>,
}

/// Changes of manifests that happen together.
#[derive(Clone, Debug, Default)]
pub(crate) struct ManifestSwaps {
    pub(crate) manifests: Vec<ManifestSwap>,
    /// Flush records without the partitions that took their segments, at the revision they were
    /// read at.
    pub(crate) flush_records: Vec<(String, Versioned<FlushRecord>)>,
    pub(crate) objects: ObjectChanges,
    /// Partitions that are deleted, and the first chunk without records of each.
    pub(crate) deleted: Vec<(TopicPartition, ChunkSeq)>,
}

impl ManifestSwaps {
    /// About how many operations the transaction has, and how many preconditions: never less.
    pub(crate) fn ops(&self) -> usize {
        self.manifests.len() + self.flush_records.len() + self.deleted.len() + self.objects.ops()
    }
}

impl StorageCatalog {
    /// One flush: chunks below `floor_end` of `log` are in `segments`. Commits only if the floor is
    /// `expected_floor`, this broker epoch is the flusher and the uploads are still announced.
    ///
    /// Succeeds if it was committed already (an earlier response was lost).
    pub(crate) async fn commit_flush(
        &self,
        log: LogId,
        expected_floor: ChunkSeq,
        floor_end: ChunkSeq,
        segments: &[FlushedSegment],
    ) -> Result<Revision, CatalogError> {
        let key = StorageKey::Wal(log).to_string();
        let seen: Versioned<WalRecord> =
            self.get_at(&key).await?.ok_or_else(|| CatalogError::Conflict(key.clone()))?;
        if seen.value.floor_end == floor_end && self.committed(segments).await? {
            return Ok(seen.revision);
        }
        if seen.value.floor_end != expected_floor || seen.value.flusher_of(log) != self.own() {
            return Err(CatalogError::Conflict(key));
        }
        let record = WalRecord { floor_end, ..seen.value };
        let mut txn = self.put(Txn::new().at(&key, seen.revision), &key, &record);
        let mut objects = ObjectChanges::default();
        for segment in segments {
            txn = self.put(txn.absent(&segment.key), &segment.key, &segment.record);
            let references = segment.record.parts.len() as u32;
            objects.adopt(&segment.record.object, segment.announced, references);
        }
        let txn = self.change_objects(txn, &objects).await?;
        match self.commit(txn).await {
            // The response may have been lost and the records may have changed since, so that they
            // no longer show it.
            Err(CatalogError::Conflict(_)) => {
                let seen: Option<Versioned<WalRecord>> = self.get_at(&key).await?;
                match seen.filter(|seen| seen.value.floor_end == floor_end) {
                    Some(seen) if self.committed(segments).await? => Ok(seen.revision),
                    _ => Err(CatalogError::Conflict(key)),
                }
            }
            outcome => outcome,
        }
    }

    /// Whether the flush that was to adopt these announced uploads did.
    async fn committed(&self, segments: &[FlushedSegment]) -> Result<bool, CatalogError> {
        for segment in segments {
            if self.exists(StorageKey::Upload(&segment.record.object)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The flush records of all brokers, in key order, which for one partition is offset order
    /// within a broker epoch.
    pub(crate) async fn flush_records(
        &self,
    ) -> Result<Vec<(String, Versioned<FlushRecord>)>, CatalogError> {
        self.range(StorageKey::FLUSHES).await
    }

    /// Like [`StorageCatalog::flush_records`], unread: see [`StorageCatalog::parse_flushes`].
    pub(crate) async fn flush_entries(&self) -> Result<Vec<Entry>, CatalogError> {
        self.entries(StorageKey::FLUSHES).await
    }

    /// Reads the entries that [`StorageCatalog::flush_entries`] returned.
    pub(crate) fn parse_flushes(
        &self,
        entries: Vec<Entry>,
    ) -> Result<Vec<(String, Versioned<FlushRecord>)>, CatalogError> {
        self.decode(entries)
    }

    /// One flush record; none when all its partitions have taken it.
    pub(crate) async fn flush_record(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<FlushRecord>>, CatalogError> {
        self.get_at(key).await
    }

    /// The manifest of a partition; none before its first change.
    pub(crate) async fn manifest(
        &self,
        partition: TopicPartition,
    ) -> Result<Option<Versioned<ManifestRecord>>, CatalogError> {
        self.get(StorageKey::Manifest(partition)).await
    }

    /// Changes manifests, removes their partitions from flush records, and adopts and releases
    /// objects, together.
    pub(crate) async fn swap_manifests(
        &self,
        swaps: &ManifestSwaps,
    ) -> Result<Revision, CatalogError> {
        let mut txn = Txn::new();
        for swap in &swaps.manifests {
            let key = StorageKey::Manifest(swap.partition);
            txn = txn.unchanged(key, swap.seen);
            txn = match &swap.record {
                Some(record) => self.put(txn, key, record),
                None => txn.delete(key),
            };
        }
        for (key, seen) in &swaps.flush_records {
            txn = txn.at(key, seen.revision);
            txn = match seen.value.parts.is_empty() {
                true => txn.delete(key),
                false => self.put(txn, key, &seen.value),
            };
        }
        for (partition, until) in swaps.deleted.iter().copied() {
            // Several brokers may delete a partition at once, with the same effect on all other
            // keys: a precondition on this one shows whose transaction was applied.
            let key = StorageKey::Deleted(self.broker, partition);
            let seen = self.get::<DeletedRecord>(key).await?;
            let record = DeletedRecord { partition, epoch: self.epoch, until };
            txn = txn.unchanged(key, seen.map(|seen| seen.revision));
            txn = self.put(txn, key, &record);
        }
        let txn = self.change_objects(txn, &swaps.objects).await?;
        self.commit(txn).await
    }

    /// The partitions that were deleted while chunks of this broker may have had records of them.
    pub(crate) async fn deleted(&self) -> Result<Vec<DeletedRecord>, CatalogError> {
        let all = self.range::<DeletedRecord>(&StorageKey::deleted_by(self.broker)).await?;
        Ok(all.into_iter().map(|(_, seen)| seen.value).collect())
    }

    /// Like [`StorageCatalog::deleted`], for the chunks of all brokers.
    pub(crate) async fn deleted_anywhere(&self) -> Result<Vec<TopicPartition>, CatalogError> {
        let all = self.range::<DeletedRecord>(StorageKey::DELETED).await?;
        Ok(all.into_iter().map(|(_, seen)| seen.value.partition).collect())
    }

    /// No chunk has records of these deleted partitions any more.
    pub(crate) async fn forget_deleted(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<(), CatalogError> {
        let delete =
            |txn: Txn, id: &TopicPartition| txn.delete(StorageKey::Deleted(self.broker, *id));
        self.commit(partitions.iter().fold(Txn::new(), delete)).await.map(|_| ())
    }
}
