//! Removal of the records of deleted topics: the controller removes one after every broker could
//! delete its part of the topic (`leadership::deletion`), and once nothing refers to its objects.

use std::{collections::HashSet, sync::Arc, time::Duration};

use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataError};
use milena_runtime::Runtime;
use milena_storage::Storage;
use milena_types::{PartitionIndex, TopicId, TopicPartition};

use super::role::ControllerRole;

/// How often the controller looks; also how long a record is kept at least.
const ROUND: Duration = Duration::from_secs(60);

/// Removes the records of deleted topics while this broker is the controller.
pub(crate) struct DeletedTopics {
    role: ControllerRole,
    metadata: ClusterMetadata,
    images: ImageWatcher,
    storage: Arc<Storage>,
    runtime: Runtime,
}

impl DeletedTopics {
    pub(crate) fn new(
        role: ControllerRole,
        metadata: ClusterMetadata,
        images: ImageWatcher,
        storage: Arc<Storage>,
        runtime: Runtime,
    ) -> Self {
        Self { role, metadata, images, storage, runtime }
    }

    /// Works until the broker stops.
    pub(crate) async fn run(self) {
        let mut known: HashSet<TopicId> = HashSet::new();
        loop {
            tokio::select! {
                () = self.runtime.sleep(ROUND) => {}
                () = self.runtime.stopping().cancelled() => return,
            }
            match self.round(&known).await {
                Ok(kept) => known = kept,
                Err(error) => {
                    tracing::debug!(
                        %error,
                        "the records of deleted topics were not removed; trying again"
                    );
                }
            }
        }
    }

    /// Removes the records that were there a round ago. Returns the others.
    async fn round(&self, known: &HashSet<TopicId>) -> Result<HashSet<TopicId>, MetadataError> {
        let image = self.images.current();
        // A broker that is down reads the record when it starts.
        let all_are_up = image.nodes().keys().all(|node| image.broker(*node).is_some());
        if !self.role.is_held(&image) || !all_are_up {
            return Ok(HashSet::new());
        }
        let mut kept = HashSet::new();
        for (topic, record) in self.metadata.deleted_topics().await? {
            if known.contains(&topic) && self.is_unreferenced(topic, record.partitions).await {
                let guard = self.role.guard().await?;
                self.metadata.forget_deleted_topic(guard, topic).await?;
            } else {
                kept.insert(topic);
            }
        }
        Ok(kept)
    }

    /// Whether nothing refers to objects of the topic any more. References that a failed deletion
    /// left are deleted here; whether they are gone is seen a round later.
    async fn is_unreferenced(&self, topic: TopicId, partitions: i32) -> bool {
        let mut referenced = Vec::new();
        for partition in (0..partitions).map(PartitionIndex) {
            let id = TopicPartition { topic, partition };
            match self.storage.refers_to(id).await {
                Ok(false) => {}
                Ok(true) => referenced.push(id),
                Err(error) => {
                    tracing::debug!(%error, "what a deleted topic refers to could not be read");
                    return false;
                }
            }
        }
        if referenced.is_empty() {
            return true;
        }
        if let Err((failed, error)) = self.storage.delete_partitions(&referenced).await {
            tracing::warn!(%error, %topic, partitions = failed.len(), "a deleted topic's records could not be deleted; trying again");
        }
        false
    }
}
