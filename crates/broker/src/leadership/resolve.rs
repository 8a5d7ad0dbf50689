//! The look-up of the leader of a partition, for requests and coordinators.
//!
//! A look-up that succeeds takes the partition from the table of open ones, and by a name only if
//! the metadata image has that topic under it; one that fails asks the image why. While a partition
//! is between two leaders of which this broker is one (it is being handed over, or led here and not
//! open yet), a request can wait for the outcome, for a bounded time, so that the client need not
//! ask again.

use std::{sync::Arc, time::Duration};

use milena_metadata::{ImageWatcher, MetadataImage, PartitionImage};
use milena_protocol::ErrorCode;
use milena_types::{BrokerId, PartitionIndex, TopicPartition};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::partitions::{LeaderPartition, LedPartitions};
use crate::{entry_turns::EntryTurns, identity::BrokerIdentity, topic_ref::TopicRef};

/// How long a request waits for partitions between two leaders, all together: less than clients wait
/// for a response.
pub(crate) const LEADER_WAIT_MAX: Duration = Duration::from_secs(3);

/// A partition as a request names it.
pub(crate) type PartitionRef<'a> = (TopicRef<'a>, PartitionIndex);

/// Finds the partitions that this broker leads. Clones share everything.
#[derive(Clone)]
pub(crate) struct LeaderResolver {
    table: Arc<LedPartitions>,
    images: ImageWatcher,
    identity: Arc<BrokerIdentity>,
    /// Cancelled when requests should wait no longer.
    stopping: CancellationToken,
}

impl LeaderResolver {
    pub(crate) fn new(
        table: Arc<LedPartitions>,
        images: ImageWatcher,
        identity: Arc<BrokerIdentity>,
        stopping: CancellationToken,
    ) -> Self {
        Self { table, images, identity, stopping }
    }

    pub(crate) fn image(&self) -> Arc<MetadataImage> {
        self.images.current()
    }

    pub(crate) fn images(&self) -> &ImageWatcher {
        &self.images
    }

    /// See [`BrokerIdentity::leads`].
    pub(crate) fn leads(&self, partition: &PartitionImage) -> bool {
        self.identity.leads(partition)
    }

    /// The partition as it is now, without waiting.
    ///
    /// Errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, NOT_LEADER_OR_FOLLOWER.
    pub(crate) fn find(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<LeaderPartition, ErrorCode> {
        let open = self.table.find(topic, partition).filter(|open| match topic {
            // A topic that was deleted stays open until the reconciler comes to it; what is written
            // into it then is lost, although another may have been made under its name.
            TopicRef::Name(name) => self.images.look(|image| {
                image.topic(name).is_some_and(|topic| topic.id() == open.partition.id().topic)
            }),
            TopicRef::Id(_) => true,
        });
        open.ok_or_else(|| why_not_led(&self.image(), topic, partition))
    }

    /// Each of the partitions, in their order. While some of them are between two leaders this waits
    /// for the outcome of all of these together, for at most `wait_max`. Cancel-safe.
    ///
    /// Errors: as [`LeaderResolver::find`].
    pub(crate) async fn find_each(
        &self,
        partitions: &[PartitionRef<'_>],
        wait_max: Duration,
    ) -> Vec<Result<LeaderPartition, ErrorCode>> {
        let mut turns = EntryTurns::default();
        let mut found = Vec::with_capacity(partitions.len());
        let mut undecided = Vec::new();
        for (place, partition) in partitions.iter().enumerate() {
            turns.next().await;
            found.push(self.find(partition.0, partition.1));
            if self.is_undecided(&found[place], *partition) {
                undecided.push(place);
            }
        }
        if !undecided.is_empty() {
            let waiting = undecided.iter().map(|place| partitions[*place]).collect();
            Box::pin(self.wait_until_decided(waiting, wait_max)).await;
            for place in undecided {
                turns.next().await;
                found[place] = self.find(partitions[place].0, partitions[place].1);
            }
        }
        found
    }

    /// Whether a look-up with this outcome is worth repeating: the partition is between two leaders.
    pub(crate) fn is_undecided<T>(
        &self,
        found: &Result<T, ErrorCode>,
        (topic, partition): PartitionRef<'_>,
    ) -> bool {
        matches!(found, Err(ErrorCode::NotLeaderOrFollower))
            && self.is_between_leaders(topic, partition)
    }

    /// Waits until none of the partitions is between two leaders, for at most `wait_max`.
    /// Cancel-safe.
    pub(crate) async fn wait_until_decided(
        &self,
        mut partitions: Vec<PartitionRef<'_>>,
        wait_max: Duration,
    ) {
        let mut changes = self.changes();
        let wait = async {
            let mut turns = EntryTurns::default();
            loop {
                changes.mark_seen();
                // The last one is waited for first: others need no look meanwhile.
                while partitions
                    .pop_if(|(topic, partition)| !self.is_between_leaders(*topic, *partition))
                    .is_some()
                {
                    turns.next().await;
                }
                if partitions.is_empty() {
                    return;
                }
                changes.next().await;
            }
        };
        tokio::select! {
            biased;
            _ = tokio::time::timeout(wait_max, wait) => {}
            () = self.stopping.cancelled() => {}
        }
    }

    /// Tells of whatever may decide which broker leads a partition.
    pub(crate) fn changes(&self) -> LeaderChanges {
        LeaderChanges { table: self.table.changes(), images: self.images.subscribe() }
    }

    fn is_between_leaders(&self, topic: TopicRef<'_>, partition: PartitionIndex) -> bool {
        let image = self.image();
        let id = match topic {
            TopicRef::Name(name) => image.topic(name).map(|topic| topic.id()),
            TopicRef::Id(id) => Some(id),
        };
        let Some(id) = id.map(|topic| TopicPartition { topic, partition }) else { return false };
        let led_here =
            in_image(&image, topic, partition).is_some_and(|partition| self.leads(partition));
        self.table.is_handing_over(id) || (led_here && self.table.partition(id).is_none())
    }

    /// Whether all partitions of a topic that the image says are led here are open. True for a
    /// topic that the image does not have.
    pub(crate) fn is_open(&self, topic: &str) -> bool {
        let image = self.image();
        let Some(topic) = image.topic(topic) else { return true };
        let id = TopicRef::Id(topic.id());
        topic
            .partitions()
            .filter(|(_, partition)| self.leads(partition))
            .all(|(index, _)| self.table.find(id, index).is_some())
    }

    /// The leaders of the partitions that one response refuses, for clients of `listener`
    /// (KIP-951).
    pub(crate) fn leader_hints<'a>(&'a self, listener: &'a str) -> LeaderHints<'a> {
        LeaderHints { images: &self.images, image: None, listener, nodes: Vec::new() }
    }
}

/// See [`LeaderResolver::changes`].
pub(crate) struct LeaderChanges {
    table: watch::Receiver<()>,
    images: watch::Receiver<Arc<MetadataImage>>,
}

impl LeaderChanges {
    /// Changes up to now do not end the next wait.
    pub(crate) fn mark_seen(&mut self) {
        self.table.mark_unchanged();
        self.images.mark_unchanged();
    }

    /// Waits for a change after the last [`LeaderChanges::mark_seen`]; for ever once the broker has
    /// ended. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        let changed = tokio::select! {
            biased;
            changed = self.table.changed() => changed,
            changed = self.images.changed() => changed,
        };
        if changed.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The leaders that a Produce or Fetch response names next to NOT_LEADER_OR_FOLLOWER (KIP-951): an
/// id and an epoch with each partition, the address of each leader once.
pub(crate) struct LeaderHints<'a> {
    images: &'a ImageWatcher,
    /// Read when the first hint is needed.
    image: Option<Arc<MetadataImage>>,
    listener: &'a str,
    nodes: Vec<LeaderNode>,
}

/// A leader's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeaderNode {
    pub(crate) id: BrokerId,
    pub(crate) host: String,
    pub(crate) port: i32,
    pub(crate) rack: Option<String>,
}

/// A partition's leader and its term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeaderHint {
    pub(crate) leader: BrokerId,
    pub(crate) leader_epoch: i32,
}

impl LeaderHints<'_> {
    /// The leader according to the image; `None` if no broker that is alive leads the partition.
    pub(crate) fn of(
        &mut self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Option<LeaderHint> {
        let image = self.image.get_or_insert_with(|| self.images.current());
        let partition = in_image(image, topic, partition)?;
        let leader = image.live_leader(partition)?;
        if !self.nodes.iter().any(|node| node.id == leader) {
            self.nodes.extend(leader_node(image, leader, self.listener));
        }
        Some(LeaderHint { leader, leader_epoch: partition.leader_epoch.raw() })
    }

    /// The addresses of the leaders named, in the order of their first partition.
    pub(crate) fn into_nodes(self) -> Vec<LeaderNode> {
        self.nodes
    }
}

/// Where clients of `listener` reach the leader of a partition; none while no live broker leads it.
pub(crate) fn reachable_leader(
    image: &MetadataImage,
    partition: &PartitionImage,
    listener: &str,
) -> Option<LeaderNode> {
    leader_node(image, image.live_leader(partition)?, listener)
}

fn leader_node(image: &MetadataImage, leader: BrokerId, listener: &str) -> Option<LeaderNode> {
    let broker = image.broker(leader)?;
    let address = broker.listener(listener)?;
    Some(LeaderNode {
        id: leader,
        host: address.host.clone(),
        port: address.port.into(),
        rack: broker.rack.clone(),
    })
}

/// The error for a partition that is not open here, from the image.
fn why_not_led(image: &MetadataImage, topic: TopicRef<'_>, partition: PartitionIndex) -> ErrorCode {
    match topic {
        TopicRef::Id(id) if image.topic_by_id(id).is_none() => ErrorCode::UnknownTopicId,
        _ if in_image(image, topic, partition).is_some() => ErrorCode::NotLeaderOrFollower,
        _ => ErrorCode::UnknownTopicOrPartition,
    }
}

fn in_image<'a>(
    image: &'a MetadataImage,
    topic: TopicRef<'_>,
    partition: PartitionIndex,
) -> Option<&'a PartitionImage> {
    let topic = match topic {
        TopicRef::Name(name) => image.topic(name),
        TopicRef::Id(id) => image.topic_by_id(id),
    };
    topic?.partition(partition)
}
