//! What all connections of a broker share.

use std::{sync::Arc, time::Duration};

use milena_kafka_config::{Layers, ServerConfigs};
use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataImage, Registration};
use milena_protocol::ErrorCode;
use milena_runtime::Runtime;
use milena_storage::{Partition, Storage};
use milena_types::{BrokerEpoch, BrokerId, PartitionIndex};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{cluster::api_versions::OfferedApis, fetch::session::SessionCache},
    config::BrokerConfig,
    coordinators::groups::Groups,
    coordinators::producer_ids::ProducerIds,
    leadership::partitions::{Led, PartitionTable, TopicRef, why_not_led},
    net::{access::Authorizer, admission::Admission, frame::RequestMemory},
    topics::{Topics, usable::wait_until_usable},
};

/// How long a request waits for an internal topic that it made the broker create.
const INTERNAL_TOPIC_WAIT_MAX: Duration = Duration::from_secs(5);

/// A running broker as its request handlers see it.
pub struct BrokerShared {
    /// What it was started with.
    pub config: BrokerConfig,
    /// The cluster's records, to change them and to read what must be up to date.
    pub metadata: ClusterMetadata,
    /// The newest image of the cluster's records, for everything else.
    pub images: ImageWatcher,
    /// This life of the broker.
    pub registration: Registration,
    /// The logs.
    pub storage: Storage,
    /// The partitions led here.
    pub partitions: PartitionTable,
    /// Clock, randomness, tasks.
    pub runtime: Runtime,
    /// What the cluster's Kafka version offers.
    pub offered: OfferedApis,
    /// Decides what principals may do.
    pub authorizer: Box<dyn Authorizer>,
    /// The configurations of the cluster's Kafka version, and what this broker was started with.
    pub server_configs: ServerConfigs,
    /// Ids for idempotent producers.
    pub producer_ids: ProducerIds,
    /// Cancelled when this life of the broker is about to end: it decides nothing for the cluster
    /// any more.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when the broker is killed: its connections end where they are.
    pub(crate) killed: CancellationToken,
    /// Cancelled when the broker no longer takes requests; what waits for long answers then.
    pub connections_stopping: CancellationToken,
    /// The groups coordinated here.
    pub(crate) groups: Arc<Groups>,
    pub(crate) fetch_sessions: SessionCache,
    pub(crate) request_memory: RequestMemory,
    pub(crate) admission: Admission,
    /// The scope of the connections' tasks.
    pub(crate) connections: Runtime,
}

impl BrokerShared {
    /// This broker's number.
    pub fn id(&self) -> BrokerId {
        self.registration.broker
    }

    /// This life of the broker.
    pub fn epoch(&self) -> BrokerEpoch {
        self.registration.epoch
    }

    /// The newest image of the cluster.
    pub fn image(&self) -> Arc<MetadataImage> {
        self.images.current()
    }

    /// What is in force for this broker, and so for topics, according to `image`.
    pub fn layers<'a>(&'a self, image: &'a MetadataImage) -> Layers<'a> {
        let set = |broker| image.broker_configs(broker).map(|configs| &**configs);
        self.server_configs.with(set(Some(self.id())), set(None))
    }

    /// What creates, grows and deletes topics.
    pub(crate) fn topics(&self) -> Topics<'_> {
        let (metadata, images) = (&self.metadata, &self.images);
        Topics { metadata, images, configs: &self.server_configs, broker: self.id() }
    }

    /// Sees to it that one of Kafka's own topics (`__consumer_offsets`, `__transaction_state`)
    /// exists and can be used through this broker.
    ///
    /// Errors: why it could not be created; COORDINATOR_NOT_AVAILABLE is what clients should see.
    pub async fn ensure_internal_topic(&self, name: &str) -> Result<(), ErrorCode> {
        if self.image().topic(name).is_some() {
            return Ok(());
        }
        let revision = self.topics().ensure_internal(name).await.map_err(|refusal| {
            tracing::warn!(topic = name, reason = %refusal.message, "an internal topic was not created");
            refusal.code
        })?;
        match wait_until_usable(self, revision, &[name], INTERNAL_TOPIC_WAIT_MAX).await {
            true => Ok(()),
            false => Err(ErrorCode::RequestTimedOut),
        }
    }

    /// The log of a partition that this broker leads. While it is being handed over, or not open
    /// yet, this waits for the outcome, for a bounded time.
    ///
    /// Errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, NOT_LEADER_OR_FOLLOWER.
    pub async fn leader_partition(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<Arc<Partition>, ErrorCode> {
        let led = match self.led(topic, partition) {
            Err(ErrorCode::NotLeaderOrFollower) => self.led_once_settled(topic, partition).await,
            found => found,
        };
        led.map(|led| led.partition)
    }

    /// Like [`BrokerShared::leader_partition`], with the configuration of its topic.
    pub(crate) fn led(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<Led, ErrorCode> {
        let led = self.partitions.led(topic, partition);
        led.ok_or_else(|| why_not_led(&self.image(), topic, partition))
    }
}
