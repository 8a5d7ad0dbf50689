//! Kafka's own topics, created at their first use, and topics created because a client named them.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use milena_protocol::{ErrorCode, KString};
use milena_types::Revision;

use super::{
    CREATING_MAX, PARTITIONS_A_REQUEST_MAX, TopicCreation, TopicRequest, Topics,
    too_many_partitions,
};
use crate::errors::ApiError;

/// The topic that groups and their offsets are kept in.
pub(crate) const CONSUMER_OFFSETS: &str = "__consumer_offsets";
/// The topic that transactions are kept in.
pub(crate) const TRANSACTION_STATE: &str = "__transaction_state";

/// How long a request goes on creating topics that it names.
const CREATING_TIME_MAX: Duration = Duration::from_secs(15);
/// How long a request waits for an internal topic that it made the broker create.
const INTERNAL_TOPIC_WAIT_MAX: Duration = Duration::from_secs(5);

impl Topics {
    /// Creates a topic because a client named it (`auto.create.topics.enable`), Kafka's own with
    /// their own settings.
    ///
    /// Returns the revision from which it exists, also when another broker has created it.
    pub(crate) async fn auto_create(&self, name: &str) -> Result<Revision, ApiError> {
        match self.create(self.request_for(name), false).await {
            Ok(TopicCreation { revision, .. }) => Ok(revision.unwrap_or_default()),
            Err(refusal) if refusal.code == ErrorCode::TopicAlreadyExists => {
                self.existing(name).await
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// As [`Topics::auto_create`], for all topics that one request names: within the partitions
    /// that a request may make, and within a time. The order of the results is that of `names`.
    ///
    /// Errors: as there; POLICY_VIOLATION for all, where they are too many; LEADER_NOT_AVAILABLE for
    /// those that were not begun in time, which the client asks for again.
    pub(crate) async fn auto_create_all(
        &self,
        names: Vec<KString>,
    ) -> Vec<(KString, Result<Revision, ApiError>)> {
        let partitions: i64 = names.iter().map(|name| self.auto_partitions(name)).sum();
        if partitions > PARTITIONS_A_REQUEST_MAX {
            return names.into_iter().map(|name| (name, Err(too_many_partitions()))).collect();
        }
        let deadline = self.runtime.monotonic() + CREATING_TIME_MAX;
        let create = async |name: KString| {
            let outcome = if self.runtime.monotonic() < deadline {
                self.auto_create(&name).await
            } else {
                Err(ErrorCode::LeaderNotAvailable.into())
            };
            (name, outcome)
        };
        stream::iter(names).map(create).buffered(CREATING_MAX).collect().await
    }

    fn auto_partitions(&self, name: &str) -> i64 {
        match self.request_for(name).partitions {
            -1 => self.kafka_config.current(|config| config.num_partitions()).into(),
            set => set.into(),
        }
    }

    async fn existing(&self, name: &str) -> Result<Revision, ApiError> {
        let seen = self.metadata.topic(&super::valid_name(name)?).await?;
        seen.map(|seen| seen.revision)
            .ok_or_else(|| ApiError::with_kafkas_message(ErrorCode::UnknownTopicOrPartition))
    }

    /// Creates one of Kafka's own topics unless it exists, and waits until it can be used through
    /// this broker.
    ///
    /// Errors: the reason that it could not be created; clients should get
    /// COORDINATOR_NOT_AVAILABLE.
    pub(crate) async fn ensure_internal(&self, name: &str) -> Result<(), ErrorCode> {
        if self.leaders.image().topic(name).is_some() {
            return Ok(());
        }
        let revision = self.auto_create(name).await.map_err(|refusal| {
            tracing::warn!(
                topic = name,
                reason = refusal.message(),
                "an internal topic was not created"
            );
            refusal.code
        })?;
        match self.wait_until_usable(revision, &[name], INTERNAL_TOPIC_WAIT_MAX).await {
            true => Ok(()),
            false => Err(ErrorCode::RequestTimedOut),
        }
    }

    fn request_for(&self, name: &str) -> TopicRequest {
        let set = |name: &str, value: String| (name.to_owned(), Some(value));
        match name {
            CONSUMER_OFFSETS => self.kafka_config.current(|config| TopicRequest {
                name: name.to_owned(),
                partitions: config.offsets_topic_num_partitions(),
                replication_factor: self
                    .as_many_replicas(config.offsets_topic_replication_factor()),
                configs: vec![
                    set("cleanup.policy", "compact".to_owned()),
                    set("segment.bytes", config.offsets_topic_segment_bytes().to_string()),
                    set("compression.type", "producer".to_owned()),
                ],
                ..TopicRequest::default()
            }),
            TRANSACTION_STATE => self.kafka_config.current(|config| TopicRequest {
                name: name.to_owned(),
                partitions: config.transaction_state_log_num_partitions(),
                replication_factor: self
                    .as_many_replicas(config.transaction_state_log_replication_factor()),
                configs: vec![
                    set("cleanup.policy", "compact".to_owned()),
                    set("segment.bytes", config.transaction_state_log_segment_bytes().to_string()),
                    set("compression.type", "uncompressed".to_owned()),
                    set("min.insync.replicas", config.transaction_state_log_min_isr().to_string()),
                    set("unclean.leader.election.enable", "false".to_owned()),
                ],
                ..TopicRequest::default()
            }),
            _ => TopicRequest::with_defaults(name),
        }
    }

    /// Replicas only say who may take over, the stores carry durability; so a cluster of fewer
    /// brokers than its settings ask for need not be without groups, as a Kafka cluster would.
    fn as_many_replicas(&self, wanted: i16) -> i16 {
        let brokers = self.leaders.image().nodes().len().max(1);
        wanted.clamp(1, i16::try_from(brokers).unwrap_or(i16::MAX))
    }
}
