//! Letting go of the bytes of topics that are deleted.
//!
//! A broker that is up sees a deletion in the image and acts on it at once (`follow`). One that was down reads the
//! records of deleted topics when it starts: its log may still hold batches of them. The controller removes such a
//! record when every broker of the cluster has had both chances.

use std::{collections::HashSet, sync::Arc, time::Duration};

use milena_metadata::MetadataError;
use milena_types::{PartitionIndex, TopicId, TopicPartition};

use crate::shared::BrokerShared;

/// How often the controller looks; also how long a record is kept at least.
const ROUND: Duration = Duration::from_secs(60);

/// Lets go of what this broker has of topics that were deleted while it was down.
pub(crate) async fn let_go(broker: &BrokerShared) -> Result<(), MetadataError> {
    for (topic, record) in broker.metadata.deleted_topics().await? {
        for partition in (0..record.partitions).map(PartitionIndex) {
            let id = TopicPartition { topic, partition };
            if let Err(error) = broker.storage.delete_partition(id).await {
                // The record stays until another start has done it.
                tracing::warn!(%error, topic = %record.name, %partition, "a deleted partition's log was not let go");
            }
        }
    }
    Ok(())
}

/// Removes the records of deleted topics, while this broker is the controller.
pub(crate) async fn forget(broker: Arc<BrokerShared>) {
    let mut seen: HashSet<TopicId> = HashSet::new();
    loop {
        tokio::select! {
            () = broker.runtime.sleep(ROUND) => {}
            () = broker.runtime.stopping().cancelled() => return,
        }
        match round(&broker, &seen).await {
            Ok(now) => seen = now,
            Err(error) => tracing::debug!(%error, "the records of deleted topics could not be read"),
        }
    }
}

/// Removes the records that were there a round ago. The others.
async fn round(broker: &BrokerShared, seen: &HashSet<TopicId>) -> Result<HashSet<TopicId>, MetadataError> {
    let image = broker.image();
    let is_controller = image.controller_record().is_some_and(|record| record.broker == broker.id());
    // Who is down now reads the record when it starts.
    let all_are_up = image.nodes().keys().all(|node| image.broker(*node).is_some());
    if !is_controller || !all_are_up {
        return Ok(HashSet::new());
    }
    let mut kept = HashSet::new();
    for (topic, _) in broker.metadata.deleted_topics().await? {
        if seen.contains(&topic) {
            broker.metadata.forget_deleted_topic(topic).await?;
        } else {
            kept.insert(topic);
        }
    }
    Ok(kept)
}
