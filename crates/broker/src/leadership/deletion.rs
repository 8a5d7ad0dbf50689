//! Deleting the bytes of topics that were deleted while this broker was down.
//!
//! A broker that is up sees a deletion in the image and acts on it at once
//! ([`super::reconcile`]). One that was down reads the records of deleted topics when it starts:
//! its log may still hold batches of them. The controller removes such a record when every broker
//! has had both chances (`controller::deleted_topics`).

use milena_metadata::{ClusterMetadata, MetadataError};
use milena_storage::Storage;
use milena_types::{PartitionIndex, TopicPartition};

/// Deletes this broker's part of topics that were deleted before. Returns the partitions for which
/// that has to be retried.
pub(crate) async fn delete_leftovers(
    metadata: &ClusterMetadata,
    storage: &Storage,
) -> Result<Vec<TopicPartition>, MetadataError> {
    let mut failed = Vec::new();
    for (topic, record) in metadata.deleted_topics().await? {
        for partition in (0..record.partitions).map(PartitionIndex) {
            let id = TopicPartition { topic, partition };
            if let Err(error) = storage.delete_partition(id).await {
                tracing::warn!(
                    %error, topic = %record.name, %partition,
                    "a deleted partition's records could not be deleted; trying again"
                );
                failed.push(id);
            }
        }
    }
    Ok(failed)
}
