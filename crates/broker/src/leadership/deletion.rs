//! Letting go of the bytes of topics that are deleted.
//!
//! A broker that is up sees a deletion in the image and acts on it at once (`follow`). One that was
//! down reads the records of deleted topics when it starts: its log may still hold batches of them.
//! The controller removes such a record when every broker of the cluster has had both chances, and
//! nothing refers to its objects any more.

use std::{collections::HashSet, sync::Arc, time::Duration};

use milena_metadata::MetadataError;
use milena_types::{PartitionIndex, TopicId, TopicPartition};

use crate::shared::BrokerShared;

/// How often the controller looks; also how long a record is kept at least.
const ROUND: Duration = Duration::from_secs(60);

/// Lets go of what this broker has of topics that were deleted while it was down. Answers the
/// partitions for which that has to be done again.
pub(crate) async fn let_go(broker: &BrokerShared) -> Result<Vec<TopicPartition>, MetadataError> {
    let mut failed = Vec::new();
    for (topic, record) in broker.metadata.deleted_topics().await? {
        for partition in (0..record.partitions).map(PartitionIndex) {
            let id = TopicPartition { topic, partition };
            if let Err(error) = broker.storage.delete_partition(id).await {
                tracing::warn!(%error, topic = %record.name, %partition, "a deleted partition's log was not let go");
                failed.push(id);
            }
        }
    }
    Ok(failed)
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
            Err(error) => {
                tracing::debug!(%error, "the records of deleted topics could not be read")
            }
        }
    }
}

/// Removes the records that were there a round ago. The others.
async fn round(
    broker: &BrokerShared,
    seen: &HashSet<TopicId>,
) -> Result<HashSet<TopicId>, MetadataError> {
    let image = broker.image();
    let is_controller =
        image.controller_record().is_some_and(|record| record.broker == broker.id());
    // Who is down now reads the record when it starts.
    let all_are_up = image.nodes().keys().all(|node| image.broker(*node).is_some());
    if !is_controller || !all_are_up {
        return Ok(HashSet::new());
    }
    let mut kept = HashSet::new();
    for (topic, record) in broker.metadata.deleted_topics().await? {
        if seen.contains(&topic) && is_let_go(broker, topic, record.partitions).await {
            broker.metadata.forget_deleted_topic(topic).await?;
        } else {
            kept.insert(topic);
        }
    }
    Ok(kept)
}

/// Whether nothing refers to objects of the topic any more. What does is let go of here, whoever
/// failed to.
async fn is_let_go(broker: &BrokerShared, topic: TopicId, partitions: i32) -> bool {
    for partition in (0..partitions).map(PartitionIndex) {
        let id = TopicPartition { topic, partition };
        match broker.storage.refers_to(id).await {
            Ok(false) => {}
            Ok(true) => {
                if let Err(error) = broker.storage.delete_partition(id).await {
                    tracing::warn!(%error, partition = %id, "a deleted partition's log is not let go yet; trying again");
                }
                return false;
            }
            Err(error) => {
                tracing::debug!(%error, "what a deleted topic refers to could not be read");
                return false;
            }
        }
    }
    true
}
