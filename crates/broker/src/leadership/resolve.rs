//! Requests for a partition that is between two leaders, of which this broker is one: they wait for
//! the outcome, for a bounded time, so that clients get an answer that they need not ask for again.

use std::time::Duration;

use milena_metadata::PartitionImage;
use milena_protocol::ErrorCode;
use milena_types::{PartitionIndex, TopicPartition};

use crate::{
    leadership::partitions::{Led, TopicRef, find},
    shared::BrokerShared,
};

/// How long a request waits: less than clients wait for an answer.
const WAIT_MAX: Duration = Duration::from_secs(3);

impl BrokerShared {
    /// Whether the image says that this life of the broker leads a partition.
    pub(crate) fn leads(&self, partition: &PartitionImage) -> bool {
        partition.leader == self.id() && partition.broker_epoch == self.epoch()
    }

    /// Like [`BrokerShared::led`], after waiting for a handoff of the partition to end or for its
    /// log to be opened.
    pub(crate) async fn led_once_settled(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<Led, ErrorCode> {
        self.settled(topic, partition).await;
        self.led(topic, partition)
    }

    /// Waits while a partition is being handed over by this broker, or led here and not open yet.
    pub(crate) async fn settled(&self, topic: TopicRef<'_>, partition: PartitionIndex) {
        let mut changes = self.partitions.changes();
        let mut images = self.images.subscribe();
        let wait = async {
            loop {
                changes.mark_unchanged();
                images.mark_unchanged();
                if !self.is_unsettled(topic, partition) {
                    return;
                }
                let closed = tokio::select! {
                    changed = changes.changed() => changed.is_err(),
                    changed = images.changed() => changed.is_err(),
                };
                if closed {
                    return;
                }
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(WAIT_MAX, wait) => {}
            () = self.connections_stopping.cancelled() => {}
        }
    }

    fn is_unsettled(&self, topic: TopicRef<'_>, partition: PartitionIndex) -> bool {
        let image = self.image();
        let id = match topic {
            TopicRef::Name(name) => image.topic(name).map(|topic| topic.id()),
            TopicRef::Id(id) => Some(id),
        };
        let Some(id) = id.map(|topic| TopicPartition { topic, partition }) else { return false };
        let led_here =
            find(&image, topic, partition).is_some_and(|partition| self.leads(partition));
        self.partitions.is_leaving(id) || (led_here && self.partitions.led_by_id(id).is_none())
    }
}
