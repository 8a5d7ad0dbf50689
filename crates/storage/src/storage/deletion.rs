//! Deleting partitions for good.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::BoxFuture;
use milena_types::{ChunkSeq, TopicPartition};

use super::Storage;
use crate::{
    catalog::storage_catalog::CatalogError,
    partition::{errors::MaintenanceError, partition::Partition},
};

impl Storage {
    /// Deletes partitions' records for good, whether they are open here or not, many in a
    /// transaction. Those of which nothing is left take none, and it does not matter how often one is
    /// named. The objects are removed from the store after the grace time.
    ///
    /// # Errors
    /// The partitions that are not deleted, and why the first of them is not; repeat it for them.
    pub fn delete_partitions<'a>(
        &'a self,
        ids: &'a [TopicPartition],
    ) -> BoxFuture<'a, Result<(), (Vec<TopicPartition>, MaintenanceError)>> {
        Box::pin(self.close_and_delete(ids))
    }

    async fn close_and_delete(
        &self,
        ids: &[TopicPartition],
    ) -> Result<(), (Vec<TopicPartition>, MaintenanceError)> {
        let left = self.not_deleted(ids).await.map_err(|error| (ids.to_vec(), error.into()))?;
        let until = self.close_deleted(&left).await;
        let outcome = self.manifests.delete_all(&left, until).await;
        // Also those that are tried again: flushes have left records of them out meanwhile, so that
        // what a later one has does not go on where their segments end.
        left.iter().for_each(|id| self.partitions.remove(*id));
        let failed = outcome.as_ref().err().map_or(&[][..], |(failed, _)| failed);
        // The catalog has no note of these.
        self.deleted.remove(failed);
        outcome.map_err(|(failed, error)| (failed, error.into()))
    }

    /// The partitions of which something may be left: they are open, something refers to them, or
    /// unflushed chunks may have records of them and no note says that they are deleted.
    async fn not_deleted(
        &self,
        ids: &[TopicPartition],
    ) -> Result<Vec<TopicPartition>, CatalogError> {
        let catalog = &self.manifests.catalog;
        // In the order in which records move: chunks, flushes, manifests.
        let epochs = catalog.all_epochs().await?;
        let sealed = epochs.iter().any(|(_, seen)| seen.value.unflushed().is_some());
        let in_tail = self.core.tail.unflushed_partitions();
        let flushes = self.manifests.flushes.read(catalog).await?;
        let mut left = Vec::new();
        let ids: BTreeSet<TopicPartition> = ids.iter().copied().collect();
        for id in ids {
            let is_noted = self.deleted.contains(id) || !(sealed || in_tail.contains(&id));
            let is_gone = is_noted
                && self.partition(id).is_none()
                && flushes.of(id).is_empty()
                && catalog.manifest(id).await?.is_none();
            if !is_gone {
                left.push(id);
            }
        }
        Ok(left)
    }

    /// Closes partitions that are to be deleted. Returns the first chunk without records of them.
    async fn close_deleted(&self, ids: &[TopicPartition]) -> ChunkSeq {
        let open: Vec<Arc<Partition>> = ids.iter().filter_map(|id| self.partition(*id)).collect();
        open.iter().for_each(|partition| partition.close());
        for partition in &open {
            partition.settled().await;
        }
        let until = self.core.log().map_or(ChunkSeq(0), |log| log.committed_end());
        ids.iter().for_each(|id| self.deleted.insert(*id, until));
        until
    }

    /// Those of the partitions, led here or not, whose manifest or a flush refers to objects.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub async fn referring(
        &self,
        ids: &[TopicPartition],
    ) -> Result<Vec<TopicPartition>, CatalogError> {
        let catalog = &self.manifests.catalog;
        let flushes = self.manifests.flushes.read(catalog).await?;
        let mut referring = Vec::new();
        for id in ids {
            if !flushes.of(*id).is_empty() || catalog.manifest(*id).await?.is_some() {
                referring.push(*id);
            }
        }
        Ok(referring)
    }
}
