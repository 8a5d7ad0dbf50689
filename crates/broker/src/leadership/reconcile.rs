//! Keeping the open partitions equal to those that this broker leads in the metadata image.
//!
//! A partition is led here if the image names this broker *and* this life of it
//! ([`crate::identity::BrokerIdentity::leads`]). Partitions are opened many at a time; a
//! partition that fails to open is retried, and requests for it get NOT_LEADER_OR_FOLLOWER
//! meanwhile. Partitions that another
//! broker is to lead are handed over to it by one task beside this one ([`super::handoff`]), which
//! the reconciler leaves alone until it has ended.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use milena_kafka_config::{Configs, TopicConfig};
use milena_metadata::{MetadataImage, TopicImage};
use milena_runtime::Runtime;
use milena_storage::LeaderTerm;
use milena_types::{BrokerId, TopicId, TopicPartition};

use super::{
    deletion::DeletionQueue,
    handoff::Handoff,
    lifecycle::{PartitionLifecycle, partition_options},
    resolve::LeaderResolver,
};
use crate::kafka_config::BrokerKafkaConfig;

/// How many partitions are opened at the same time. Many, since they share the reads of flushes.
const OPENED_AT_ONCE_MAX: usize = 2048;
/// The pause before a retry.
const RETRY: Duration = Duration::from_millis(500);

/// Makes the open partitions follow the image.
pub(crate) struct LeadershipReconciler {
    broker: BrokerId,
    leaders: LeaderResolver,
    partitions: Arc<PartitionLifecycle>,
    handoff: Arc<Handoff>,
    kafka_config: BrokerKafkaConfig,
    runtime: Runtime,
    /// The topics as they were reconciled last; unchanged ones are skipped.
    topics: HashMap<TopicId, ReconciledTopic>,
    /// The configurations set for this broker and for all brokers when those of the topics were
    /// computed.
    broker_configs: [Option<Arc<Configs>>; 2],
    /// Takes partitions of deleted topics, whose bytes are still there.
    deletions: DeletionQueue,
    /// Whether something did not open.
    retry: bool,
    /// The partitions that other brokers are to lead.
    targets: HashMap<TopicPartition, BrokerId>,
    /// The task that hands partitions over.
    running_handoff: Weak<()>,
    /// The last error of each partition that does not open, so that it is logged once and not with
    /// every try.
    open_errors: HashMap<TopicPartition, String>,
}

struct ReconciledTopic {
    image: Arc<TopicImage>,
    config: Arc<TopicConfig>,
}

/// A partition to be opened.
struct Opening {
    topic: Arc<TopicImage>,
    config: Arc<TopicConfig>,
    id: TopicPartition,
    term: LeaderTerm,
}

/// The outcome of an [`Opening`].
struct OpenOutcome {
    topic: Arc<TopicImage>,
    id: TopicPartition,
    result: Result<(), String>,
}

impl LeadershipReconciler {
    pub(crate) fn new(
        broker: BrokerId,
        leaders: LeaderResolver,
        partitions: Arc<PartitionLifecycle>,
        handoff: Arc<Handoff>,
        kafka_config: BrokerKafkaConfig,
        runtime: Runtime,
        deletions: DeletionQueue,
    ) -> Self {
        Self {
            broker,
            leaders,
            partitions,
            handoff,
            kafka_config,
            runtime,
            topics: HashMap::new(),
            broker_configs: [None, None],
            deletions,
            retry: false,
            targets: HashMap::new(),
            running_handoff: Weak::new(),
            open_errors: HashMap::new(),
        }
    }

    /// Reconciles with every newest image until the broker stops.
    pub(crate) async fn run(mut self) {
        let mut images = self.leaders.images().subscribe();
        let mut changes = self.partitions.table().changes();
        let stopping = self.runtime.stopping().clone();
        loop {
            let retry = self.retry || !self.targets.is_empty();
            tokio::select! {
                changed = images.changed() => if changed.is_err() { return },
                _ = changes.changed() => {}
                () = self.runtime.sleep(RETRY), if retry => {}
                () = stopping.cancelled() => return,
            }
            let image = images.borrow_and_update().clone();
            changes.mark_unchanged();
            tokio::select! {
                () = self.reconcile(&image) => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    /// Opens, closes and deletes partitions until they agree with `image`.
    pub(crate) async fn reconcile(&mut self, image: &MetadataImage) {
        let reconfigured = self.take_broker_configs(image);
        let every = std::mem::take(&mut self.retry) || reconfigured;
        let rechecks = self.partitions.table().take_rechecks();
        let mut openings = Vec::new();
        for topic in image.topics() {
            let is_same = self
                .topics
                .get(&topic.id())
                .is_some_and(|reconciled| Arc::ptr_eq(&reconciled.image, topic));
            if every || !is_same || rechecks.contains(&topic.id()) {
                self.reconcile_topic(image, topic, reconfigured, &mut openings).await;
            }
        }
        self.delete_missing(image);
        let this = &*self;
        let outcomes: Vec<OpenOutcome> = stream::iter(openings)
            .map(|opening| this.open(opening))
            .buffer_unordered(OPENED_AT_ONCE_MAX)
            .collect()
            .await;
        self.log_outcomes(outcomes);
        self.hand_over_targets(image);
    }

    /// Keeps the configurations set for brokers. Returns whether they have changed, and with them
    /// perhaps those in force for any topic.
    fn take_broker_configs(&mut self, image: &MetadataImage) -> bool {
        let now = [Some(self.broker), None].map(|id| image.broker_configs(id).cloned());
        let is_same = |(a, b): (&Option<Arc<Configs>>, &Option<Arc<Configs>>)| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let changed = !now.iter().zip(&self.broker_configs).all(is_same);
        self.broker_configs = now;
        changed
    }

    /// Begins to hand over what others are to lead, unless that is under way.
    fn hand_over_targets(&mut self, image: &MetadataImage) {
        self.targets.retain(|id, target| {
            let is_asked = image
                .partition(*id)
                .is_some_and(|now| self.leaders.leads(now) && now.wanted_leader == Some(*target));
            is_asked && image.broker(*target).is_some()
        });
        if self.targets.is_empty() || self.running_handoff.strong_count() > 0 {
            return;
        }
        let moves: Vec<_> = self.targets.iter().map(|(id, target)| (*id, *target)).collect();
        let running = Arc::new(());
        self.running_handoff = Arc::downgrade(&running);
        let (handoff, partitions) = (self.handoff.clone(), self.partitions.clone());
        let runtime = self.runtime.clone();
        self.runtime.spawn(async move {
            if handoff.hand_over(moves).await == 0 {
                // They are being handed over already, or it does not work for now: not again at
                // once.
                tokio::select! {
                    () = runtime.sleep(RETRY) => {}
                    () = runtime.stopping().cancelled() => {}
                }
            }
            drop(running);
            partitions.table().notify();
        });
    }

    /// Logs what does not open, and what does after all. What is not tried any more is forgotten.
    fn log_outcomes(&mut self, outcomes: Vec<OpenOutcome>) {
        let mut errors = std::mem::take(&mut self.open_errors);
        for OpenOutcome { topic, id, result } in outcomes {
            let (topic, partition) = (topic.name(), id.partition);
            let before = errors.remove(&id);
            match result {
                Ok(()) if before.is_some() => {
                    tracing::info!(%topic, %partition, "the partition is open now");
                }
                Ok(()) => {}
                // Nothing opens any more in this life of the broker; that it is over is logged
                // where it is noticed.
                Err(_) if self.partitions.is_sealed() => {}
                Err(error) => {
                    if before.as_ref() != Some(&error) {
                        tracing::error!(
                            %topic, %partition, error,
                            "a partition cannot be opened; it is tried again"
                        );
                    }
                    self.open_errors.insert(id, error);
                    self.retry = true;
                }
            }
        }
        // Partitions of topics that were not reconciled this time.
        errors.into_iter().for_each(|(id, error)| {
            self.open_errors.entry(id).or_insert(error);
        });
        self.open_errors.retain(|id, _| self.topics.contains_key(&id.topic));
    }

    /// Closes partitions that are not led here any more, and adds to `openings` those that are led
    /// here and not open.
    async fn reconcile_topic(
        &mut self,
        image: &MetadataImage,
        topic: &Arc<TopicImage>,
        reconfigured: bool,
        openings: &mut Vec<Opening>,
    ) {
        let config = self.config_of(image, topic, reconfigured);
        for (index, partition) in topic.partitions() {
            let id = TopicPartition { topic: topic.id(), partition: index };
            let leads = self.leaders.leads(partition);
            if let Some(target) =
                partition.wanted_leader.filter(|target| leads && *target != self.broker)
            {
                self.targets.insert(id, target);
            }
            let table = self.partitions.table();
            if table.is_handing_over(id) {
                continue;
            }
            match table.partition(id) {
                Some(open) if leads && open.leader_epoch() == partition.leader_epoch => {
                    open.set_options(partition_options(&config));
                }
                open => {
                    if open.is_some() {
                        self.close(id).await;
                    }
                    if leads {
                        let term = LeaderTerm {
                            epoch: partition.leader_epoch,
                            unfolded: partition.unfolded.as_deref().map(<[_]>::to_vec),
                        };
                        let (topic, config) = (topic.clone(), config.clone());
                        openings.push(Opening { topic, config, id, term });
                    }
                }
            }
        }
        self.topics.insert(topic.id(), ReconciledTopic { image: topic.clone(), config });
    }

    /// The configuration in force for a topic. A new one is put into the table too.
    fn config_of(
        &self,
        image: &MetadataImage,
        topic: &TopicImage,
        reconfigured: bool,
    ) -> Arc<TopicConfig> {
        match self.topics.get(&topic.id()) {
            Some(reconciled)
                if !reconfigured && Arc::ptr_eq(reconciled.image.configs(), topic.configs()) =>
            {
                reconciled.config.clone()
            }
            _ => {
                let config =
                    Arc::new(self.kafka_config.effective(image).topic_config(topic.configs()));
                self.partitions.table().set_config(topic.id(), config.clone());
                config
            }
        }
    }

    async fn close(&self, id: TopicPartition) {
        for (partition, closed) in self.partitions.close(&[id]).await {
            if let Err(error) = closed {
                tracing::warn!(%error, %partition, "a partition was closed without its last flush");
            }
        }
    }

    async fn open(&self, opening: Opening) -> OpenOutcome {
        let Opening { topic, config, id, term } = opening;
        let Some(_opening) = self.partitions.table().begin_opening(id) else {
            // When the handoff has ended its topic is reconciled again.
            return OpenOutcome { topic, id, result: Ok(()) };
        };
        // It may have been handed over since the image was that this is about. A handoff ends when
        // the newest image shows it, and none begins while this goes on.
        let image = self.leaders.image();
        let still_led = image
            .partition(id)
            .is_some_and(|now| self.leaders.leads(now) && now.leader_epoch == term.epoch);
        if !still_led {
            return OpenOutcome { topic, id, result: Ok(()) };
        }
        let result = self.partitions.open(&topic, &config, id, term).await;
        OpenOutcome { topic, id, result }
    }

    /// Ends the partitions of topics that the image no longer has, and has them deleted.
    fn delete_missing(&mut self, image: &MetadataImage) {
        let present: HashSet<TopicId> = image.topics().map(|topic| topic.id()).collect();
        let missing: Vec<TopicId> =
            self.topics.keys().filter(|id| !present.contains(id)).copied().collect();
        if missing.is_empty() {
            return;
        }
        self.partitions.topics_deleted();
        let mut undeleted = Vec::new();
        for topic in missing {
            let Some(reconciled) = self.topics.remove(&topic) else { continue };
            for (index, partition) in reconciled.image.partitions() {
                let id = TopicPartition { topic, partition: index };
                let was_open = self.partitions.withdraw(id);
                if was_open || self.leaders.leads(partition) {
                    undeleted.push(id);
                }
            }
        }
        self.deletions.push(undeleted);
    }
}
