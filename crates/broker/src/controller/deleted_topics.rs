//! Removal of what is left of topics: the record of a deleted one, after every broker could delete its
//! part of the topic (`leadership::deletion`), and once nothing refers to its objects; and partitions
//! that were written for a topic which was not made, or did not grow, in the end.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataError};
use milena_runtime::Runtime;
use milena_storage::Storage;
use milena_types::{PartitionIndex, Revision, TopicId, TopicPartition};

use super::role::ControllerRole;

/// How often the controller looks; also how long a record is kept at least, and how long the creation of
/// a topic may take at least.
const ROUND: Duration = Duration::from_secs(60);

/// Removes what is left of topics while this broker is the controller.
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
        let (mut known, mut unfinished) = (HashSet::new(), HashMap::new());
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
            match self.end_unfinished(&unfinished).await {
                Ok(kept) => unfinished = kept,
                Err(error) => {
                    tracing::debug!(
                        %error,
                        "partitions without a topic were not removed; trying again"
                    );
                }
            }
        }
    }

    /// Removes the partitions of attempts to create or grow a topic that were there a round ago.
    /// Returns the others.
    async fn end_unfinished(
        &self,
        known: &HashMap<TopicId, Revision>,
    ) -> Result<HashMap<TopicId, Revision>, MetadataError> {
        if !self.role.is_held(&self.images.current()) {
            return Ok(HashMap::new());
        }
        let mut kept = HashMap::new();
        for (topic, attempt) in self.metadata.unfinished_topics().await? {
            if known.get(&topic) == Some(&attempt) {
                let guards = [self.role.guard().await?];
                self.metadata.end_unfinished_topic(&guards, topic, attempt).await?;
                tracing::info!(%topic, "partitions of a topic that was not finished are removed");
            } else {
                kept.insert(topic, attempt);
            }
        }
        Ok(kept)
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
        let all: Vec<_> = (0..partitions)
            .map(|partition| TopicPartition { topic, partition: PartitionIndex(partition) })
            .collect();
        let referenced = match self.storage.referring(&all).await {
            Ok(referenced) => referenced,
            Err(error) => {
                tracing::debug!(%error, "what a deleted topic refers to could not be read");
                return false;
            }
        };
        if referenced.is_empty() {
            return true;
        }
        if let Err((failed, error)) = self.storage.delete_partitions(&referenced).await {
            tracing::warn!(
                %error, %topic, partitions = failed.len(),
                "a deleted topic's records could not be deleted; trying again"
            );
        }
        false
    }
}
