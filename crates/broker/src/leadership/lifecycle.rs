//! Opening and closing the partitions that this broker leads.
//!
//! An open partition has three owners: storage's registry (`OpenPartitions`, which flushing and
//! retention go through), [`LedPartitions`], where requests find it, and the coordinators that keep
//! state of it ([`LeadershipObserver`]). Only this file adds it to them and removes it, so that no
//! owner outlives the others: storage's registry first and last, the others in between.
//!
//! State of a partition elsewhere needs no closing:
//!
//! - Requests in progress hold the log until they end; once it is closed their appends fail.
//! - The marks of partitions being opened and handed over in [`LedPartitions`] are set and cleared
//!   by [`super::reconcile`] and [`super::handoff`].
//! - [`super::reconcile`] keeps by id: the topics as last reconciled, the errors of partitions that
//!   do not open, and partitions of deleted topics whose bytes are still to be deleted.
//! - Fetch sessions keep names and offsets, also of partitions that are not led here.

use std::sync::Arc;

use milena_kafka_config::TopicConfig;
use milena_metadata::{Lives, TopicImage};
use milena_storage::{
    CatalogError, CloseOutcome, FlushError, LeaderTerm, MaintenanceError, Partition,
    PartitionOptions, Storage,
};
use milena_types::{TopicName, TopicPartition};

use super::partitions::LedPartitions;

/// A coordinator, which keeps state of the partitions of one of Kafka's own topics beside their
/// logs. Called for every partition; the observer picks its own.
pub(crate) trait LeadershipObserver: Send + Sync {
    /// This broker leads the partition, whose log is open. Requests find it after this.
    fn on_election(&self, topic: &TopicName, partition: &Arc<Partition>);

    /// This broker does not lead the partition any more, and requests do not find it. Its log is
    /// still open. Also called for partitions that the observer does not have.
    fn on_resignation(&self, partition: TopicPartition);

    /// The newest image lacks topics that one before it had. Late, perhaps: others may have been made
    /// under their names since.
    fn on_topics_deleted(&self);
}

/// Opens and closes partitions.
pub(crate) struct PartitionLifecycle {
    table: Arc<LedPartitions>,
    storage: Arc<Storage>,
    observers: Vec<Arc<dyn LeadershipObserver>>,
}

impl PartitionLifecycle {
    pub(crate) fn new(
        table: Arc<LedPartitions>,
        storage: Arc<Storage>,
        observers: Vec<Arc<dyn LeadershipObserver>>,
    ) -> Self {
        Self { table, storage, observers }
    }

    pub(crate) fn table(&self) -> &LedPartitions {
        &self.table
    }

    /// Whether this life of the broker is over: no partition opens any more.
    pub(crate) fn is_sealed(&self) -> bool {
        self.storage.is_sealed()
    }

    /// Opens a partition that this broker leads in `term`.
    ///
    /// Errors: why not, as it is to be logged; try again.
    pub(crate) async fn open(
        &self,
        topic: &TopicImage,
        config: &Arc<TopicConfig>,
        id: TopicPartition,
        term: LeaderTerm,
    ) -> Result<(), String> {
        let opened = self.storage.open_partition(id, term, partition_options(config)).await;
        let partition = opened.map_err(|error| error.to_string())?;
        for observer in &self.observers {
            observer.on_election(topic.name(), &partition);
        }
        self.table.insert(topic, config, partition);
        Ok(())
    }

    /// Ends a partition for requests and coordinators. Returns whether it was open. Its log has to
    /// be closed or deleted next.
    pub(crate) fn withdraw(&self, id: TopicPartition) -> bool {
        let was_open = self.table.remove(id).is_some();
        for observer in &self.observers {
            observer.on_resignation(id);
        }
        was_open
    }

    /// Puts committed records of partitions into segments and manifests, so that
    /// [`PartitionLifecycle::close`] is short.
    pub(crate) async fn flush(&self, ids: &[TopicPartition]) -> Result<(), FlushError> {
        self.storage.prepare_close(ids).await
    }

    /// The lives of brokers in storage's records, for a change of leaders.
    pub(crate) async fn lives(&self) -> Result<Lives, CatalogError> {
        lives(&self.storage).await
    }

    /// Closes partitions: appends under way are committed, everything is flushed.
    /// Returns for each whether another broker can lead it now; this broker can again in any case.
    pub(crate) async fn close(
        &self,
        ids: &[TopicPartition],
    ) -> Vec<(TopicPartition, CloseOutcome)> {
        for id in ids {
            self.withdraw(*id);
        }
        self.storage.close_partitions(ids).await
    }

    /// Deletes the records of partitions, open or not.
    ///
    /// Errors: those whose bytes may still be there, and why; try again.
    pub(crate) async fn delete(
        &self,
        ids: &[TopicPartition],
    ) -> Result<(), (Vec<TopicPartition>, MaintenanceError)> {
        for id in ids {
            self.withdraw(*id);
        }
        self.storage.delete_partitions(ids).await
    }

    pub(crate) fn topics_deleted(&self) {
        for observer in &self.observers {
            observer.on_topics_deleted();
        }
    }
}

/// The lives of brokers in storage's records.
pub(crate) async fn lives(storage: &Storage) -> Result<Lives, CatalogError> {
    let milena_storage::Lives { unfolded, retired } = storage.lives().await?;
    Ok(Lives { unfolded, retired })
}

pub(super) fn partition_options(config: &TopicConfig) -> PartitionOptions {
    PartitionOptions {
        retention_ms: config.retention_ms,
        retention_bytes: config.retention_bytes,
        max_message_bytes: config.max_message_bytes,
        timestamp_type: config.message_timestamp_type,
    }
}
