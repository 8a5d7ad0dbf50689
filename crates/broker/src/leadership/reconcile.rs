//! Keeping the open partitions those that the metadata image says this broker leads.
//!
//! A partition is led here if the image names this broker *and* this life of it: a term given to an
//! earlier life is not served before this one has taken it over. Partitions are opened a few at a
//! time; what does not open is tried again, and answers NOT_LEADER_OR_FOLLOWER meanwhile.
//! Partitions that another broker is wanted to lead are handed over to it (`handoff`), by one task
//! beside this one, which leaves them alone until that has ended.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use milena_kafka_config::{Configs, TopicConfig};
use milena_metadata::{MetadataImage, TopicImage};
use milena_storage::{Partition, PartitionOptions};
use milena_types::{BrokerId, LeaderEpoch, TopicId, TopicPartition};

use crate::{leadership::handoff, shared::BrokerShared, topics::internal::CONSUMER_OFFSETS};

/// How many partitions are opened or deleted at the same time.
const DELETED_AT_ONCE_MAX: usize = 32;
/// Many: those that are opened together share what has to be read of flushes.
const OPENED_AT_ONCE_MAX: usize = 2048;
/// When what did not work is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// See the module's documentation.
pub(crate) struct Follower {
    broker: Arc<BrokerShared>,
    /// The topics as they were last looked at: what is the same needs no second look.
    seen: HashMap<TopicId, Seen>,
    /// What was set for brokers when the topics' configurations were worked out.
    broker_configs: [Option<Arc<Configs>>; 2],
    /// Partitions of deleted topics whose bytes are still there.
    undeleted: Vec<TopicPartition>,
    /// Whether something did not open or could not be deleted.
    retry: bool,
    /// The partitions that other brokers are wanted to lead.
    wanted: HashMap<TopicPartition, BrokerId>,
    /// The task that hands partitions over.
    handoff: Weak<()>,
    /// What did not open and why, so that it is logged once and not with every try.
    unopened: HashMap<TopicPartition, String>,
}

struct Seen {
    image: Arc<TopicImage>,
    config: Arc<TopicConfig>,
}

/// A partition to be opened.
struct Opening {
    topic: Arc<TopicImage>,
    config: Arc<TopicConfig>,
    id: TopicPartition,
    leader_epoch: LeaderEpoch,
}

/// What became of an [`Opening`].
struct Opened {
    topic: Arc<TopicImage>,
    id: TopicPartition,
    outcome: Result<(), String>,
}

impl Follower {
    /// `undeleted`: partitions of topics that were deleted before, whose bytes are still to be let
    /// go.
    pub(crate) fn new(broker: Arc<BrokerShared>, undeleted: Vec<TopicPartition>) -> Self {
        Self {
            broker,
            seen: HashMap::new(),
            broker_configs: [None, None],
            undeleted,
            retry: false,
            wanted: HashMap::new(),
            handoff: Weak::new(),
            unopened: HashMap::new(),
        }
    }

    /// Follows every newest image until the broker stops.
    pub(crate) async fn run(mut self) {
        let mut images = self.broker.images.subscribe();
        let mut handoffs = self.broker.partitions.changes();
        let stopping = self.broker.runtime.stopping().clone();
        loop {
            let retry = self.retry || !self.wanted.is_empty();
            tokio::select! {
                changed = images.changed() => if changed.is_err() { return },
                _ = handoffs.changed() => {}
                () = self.broker.runtime.sleep(RETRY), if retry => {}
                () = stopping.cancelled() => return,
            }
            let image = images.borrow_and_update().clone();
            handoffs.mark_unchanged();
            tokio::select! {
                () = self.follow(&image) => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    /// Opens, closes and removes partitions until they are what `image` says.
    pub(crate) async fn follow(&mut self, image: &MetadataImage) {
        let broker_configs =
            [Some(self.broker.id()), None].map(|id| image.broker_configs(id).cloned());
        let same = |(a, b): (&Option<Arc<Configs>>, &Option<Arc<Configs>>)| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let reconfigured = !broker_configs.iter().zip(&self.broker_configs).all(same);
        self.broker_configs = broker_configs;
        let again = std::mem::take(&mut self.retry) || reconfigured;
        let look_again = self.broker.partitions.take_look_again();
        let mut openings = Vec::new();
        for topic in image.topics() {
            let seen = self.seen.get(&topic.id());
            let again = again || look_again.contains(&topic.id());
            if !again && seen.is_some_and(|seen| Arc::ptr_eq(&seen.image, topic)) {
                continue;
            }
            self.look_at(image, topic, reconfigured, &mut openings).await;
        }
        self.forget_deleted(image).await;
        let broker = &self.broker;
        let opened: Vec<Opened> = stream::iter(openings)
            .map(|opening| open(broker, opening))
            .buffer_unordered(OPENED_AT_ONCE_MAX)
            .collect()
            .await;
        self.note(opened);
        self.hand_over(image);
    }

    /// Begins to hand over what others are wanted to lead, unless that is under way.
    fn hand_over(&mut self, image: &MetadataImage) {
        self.wanted.retain(|id, target| {
            let asked = image
                .partition(*id)
                .is_some_and(|now| self.broker.leads(now) && now.target == Some(*target));
            asked && image.broker(*target).is_some()
        });
        if self.wanted.is_empty() || self.handoff.strong_count() > 0 {
            return;
        }
        let moves: Vec<_> = self.wanted.iter().map(|(id, target)| (*id, *target)).collect();
        let (broker, running) = (self.broker.clone(), Arc::new(()));
        self.handoff = Arc::downgrade(&running);
        self.broker.runtime.spawn(async move {
            if handoff::hand_over(&broker, moves).await == 0 {
                // Somebody else hands them over, or it does not work for now: not again at once.
                tokio::select! {
                    () = broker.runtime.sleep(RETRY) => {}
                    () = broker.runtime.stopping().cancelled() => {}
                }
            }
            drop(running);
            broker.partitions.announce();
        });
    }

    /// Says what does not open, and what does after all. What is not tried any more is forgotten.
    fn note(&mut self, opened: Vec<Opened>) {
        let mut known = std::mem::take(&mut self.unopened);
        for Opened { topic, id, outcome } in opened {
            let (topic, partition) = (topic.name(), id.partition);
            let before = known.remove(&id);
            match outcome {
                Ok(()) if before.is_some() => {
                    tracing::info!(%topic, %partition, "the partition is open now")
                }
                Ok(()) => {}
                // Nothing opens any more in this life of the broker; that it is over is told where
                // it is noticed.
                Err(_) if self.broker.storage.is_sealed() => {}
                Err(error) => {
                    if before.as_ref() != Some(&error) {
                        tracing::error!(%topic, %partition, error, "a partition cannot be opened; it is tried again");
                    }
                    self.unopened.insert(id, error);
                    self.retry = true;
                }
            }
        }
        // Partitions of topics that were not looked at this time.
        known.into_iter().for_each(|(id, error)| {
            self.unopened.entry(id).or_insert(error);
        });
        self.unopened.retain(|id, _| self.seen.contains_key(&id.topic));
    }

    async fn look_at(
        &mut self,
        image: &MetadataImage,
        topic: &Arc<TopicImage>,
        reconfigured: bool,
        openings: &mut Vec<Opening>,
    ) {
        let config = match self.seen.get(&topic.id()) {
            Some(seen) if !reconfigured && Arc::ptr_eq(seen.image.configs(), topic.configs()) => {
                seen.config.clone()
            }
            _ => {
                let config = Arc::new(self.broker.layers(image).topic_config(topic.configs()));
                self.broker.partitions.set_config(topic.id(), config.clone());
                config
            }
        };
        for (index, partition) in topic.partitions() {
            let id = TopicPartition { topic: topic.id(), partition: index };
            let leads = self.broker.leads(partition);
            if let Some(target) =
                partition.target.filter(|target| leads && *target != self.broker.id())
            {
                self.wanted.insert(id, target);
            }
            if self.broker.partitions.is_leaving(id) {
                continue;
            }
            let open = self.broker.partitions.led_by_id(id);
            match open {
                Some(open) if leads && open.leader_epoch() == partition.leader_epoch => {
                    open.set_options(partition_options(&config));
                }
                open => {
                    if let Some(open) = open {
                        self.close(&open).await;
                    }
                    if leads {
                        let (topic, config) = (topic.clone(), config.clone());
                        openings.push(Opening {
                            topic,
                            config,
                            id,
                            leader_epoch: partition.leader_epoch,
                        });
                    }
                }
            }
        }
        self.seen.insert(topic.id(), Seen { image: topic.clone(), config });
    }

    async fn close(&self, partition: &Arc<Partition>) {
        self.broker.partitions.remove(partition.id());
        self.broker.groups.closed(partition.id());
        if let Err(error) = self.broker.storage.close_partition(partition.id()).await {
            tracing::warn!(%error, partition = %partition.id(), "a partition was closed without its last flush");
        }
    }

    /// Topics that are gone: their partitions here are closed and their bytes let go.
    async fn forget_deleted(&mut self, image: &MetadataImage) {
        let here: HashSet<TopicId> = image.topics().map(|topic| topic.id()).collect();
        let gone: Vec<TopicId> =
            self.seen.keys().filter(|id| !here.contains(id)).copied().collect();
        for topic in gone {
            let Some(seen) = self.seen.remove(&topic) else { continue };
            self.broker.groups.forget_topic(seen.image.name());
            for (index, partition) in seen.image.partitions() {
                let id = TopicPartition { topic, partition: index };
                let was_open = self.broker.partitions.remove(id).is_some();
                if was_open {
                    self.broker.groups.closed(id);
                }
                if was_open || self.broker.leads(partition) {
                    self.undeleted.push(id);
                }
            }
        }
        let broker = &self.broker;
        let deleted =
            stream::iter(std::mem::take(&mut self.undeleted)).map(|id| delete(broker, id));
        let failed =
            deleted.buffer_unordered(DELETED_AT_ONCE_MAX).filter_map(async |failed| failed);
        self.undeleted = failed.collect().await;
        self.retry |= !self.undeleted.is_empty();
    }
}

/// Lets go of a partition's bytes; answers the partition if that has to be done again.
async fn delete(broker: &BrokerShared, id: TopicPartition) -> Option<TopicPartition> {
    match broker.storage.delete_partition(id).await {
        Ok(()) => None,
        Err(error) => {
            tracing::warn!(%error, partition = %id, "a deleted partition's log is not let go yet; trying again");
            Some(id)
        }
    }
}

async fn open(broker: &BrokerShared, opening: Opening) -> Opened {
    let Opening { topic, config, id, leader_epoch } = opening;
    let Some(_mark) = broker.partitions.begin_opening(id) else {
        // When the handoff has ended it is looked at again.
        return Opened { topic, id, outcome: Ok(()) };
    };
    // It may have been handed over since the image was that this is about. A handoff ends when the
    // newest image shows it, and none begins while this goes on.
    let now = broker.image();
    let now = now.partition(id).filter(|now| broker.leads(now) && now.leader_epoch == leader_epoch);
    if now.is_none() {
        return Opened { topic, id, outcome: Ok(()) };
    }
    let opened = broker.storage.open_partition(id, leader_epoch, partition_options(&config)).await;
    let outcome = opened.map_err(|error| error.to_string()).map(|partition| {
        if topic.name().as_str() == CONSUMER_OFFSETS {
            broker.groups.opened(partition.clone());
        }
        broker.partitions.insert(&topic, &config, partition);
    });
    Opened { topic, id, outcome }
}

/// What storage has to know of a topic's configuration.
fn partition_options(config: &TopicConfig) -> PartitionOptions {
    PartitionOptions {
        retention_ms: config.retention_ms,
        retention_bytes: config.retention_bytes,
        batch_bytes_max: config.max_message_bytes,
        timestamp_type: config.timestamp_type,
    }
}
