//! Creating, growing and deleting topics under Kafka's rules, for the admin APIs, auto-creation and
//! the coordinators.
//!
//! Any broker does it: the metadata store decides, a controller is not needed. The rules and their
//! error codes are those of Kafka's KRaft controller; a client gets an [`ErrorCode`] and a message.

pub(crate) mod internal;

#[cfg(test)]
pub(crate) mod tests;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use milena_kafka_config::{ConfigSource, Configs};
use milena_metadata::{ClusterMetadata, CreatedTopic, MetadataImage, NewTopic, Placement};
use milena_protocol::ErrorCode;
use milena_runtime::Runtime;
use milena_types::{BrokerId, Revision, TopicId, TopicName};

use crate::{
    errors::ApiError, kafka_config::BrokerKafkaConfig, leadership::resolve::LeaderResolver,
};

/// The most partitions that one request may create, as in Kafka.
pub(crate) const PARTITIONS_A_REQUEST_MAX: i64 = 10_000;
/// How many topics of one request are created at the same time: they share commits of the metadata
/// store.
pub(crate) const CREATING_MAX: usize = 64;
/// How often a wait looks whether partitions are open: opening one takes about as long.
const OPEN_POLL: Duration = Duration::from_millis(2);

/// A topic to create, as a client asks for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopicRequest {
    pub(crate) name: String,
    /// -1: the broker's default, or as assigned.
    pub(crate) partitions: i32,
    /// -1: the broker's default, or as assigned.
    pub(crate) replication_factor: i16,
    /// Partition numbers and their brokers; empty: placed by the cluster.
    pub(crate) assignments: Vec<(i32, Vec<BrokerId>)>,
    pub(crate) configs: Vec<(String, Option<String>)>,
}

impl TopicRequest {
    /// A topic with the broker's defaults.
    pub(crate) fn with_defaults(name: &str) -> Self {
        Self { name: name.to_owned(), partitions: -1, replication_factor: -1, ..Self::default() }
    }
}

/// A topic that was created, or would be.
#[derive(Clone, Debug)]
pub(crate) struct TopicCreation {
    /// Zero if it was only validated.
    pub(crate) id: TopicId,
    pub(crate) partitions: i32,
    pub(crate) replication_factor: i16,
    /// Its own settings, valid.
    pub(crate) configs: Configs,
    /// From when on it exists; `None` if it was only validated.
    pub(crate) revision: Option<Revision>,
}

/// A configuration in force for a topic.
#[derive(Clone, Debug)]
pub(crate) struct TopicConfigEntry {
    pub(crate) name: &'static str,
    pub(crate) value: Option<String>,
    pub(crate) source: ConfigSource,
    pub(crate) is_sensitive: bool,
}

/// Changes topics. Clones share everything.
#[derive(Clone)]
pub(crate) struct Topics {
    metadata: ClusterMetadata,
    /// Has the defaults.
    pub(crate) kafka_config: BrokerKafkaConfig,
    leaders: LeaderResolver,
    runtime: Runtime,
}

impl Topics {
    pub(crate) fn new(
        metadata: ClusterMetadata,
        kafka_config: BrokerKafkaConfig,
        leaders: LeaderResolver,
        runtime: Runtime,
    ) -> Self {
        Self { metadata, kafka_config, leaders, runtime }
    }

    /// The configuration in force for a topic with these settings of its own.
    pub(crate) fn in_force(&self, configs: &Configs) -> Vec<TopicConfigEntry> {
        let image = self.leaders.image();
        let entries = self.kafka_config.effective(&image).describe_topic(configs).into_iter();
        let in_force = entries.map(|entry| TopicConfigEntry {
            name: entry.definition.name,
            value: entry.value,
            source: entry.source,
            is_sensitive: entry.definition.is_sensitive(),
        });
        in_force.collect()
    }

    /// Creates a topic, or with `validate_only` returns the topic that would be created.
    pub(crate) async fn create(
        &self,
        request: TopicRequest,
        validate_only: bool,
    ) -> Result<TopicCreation, ApiError> {
        let image = self.leaders.image();
        let name = new_name(&image, &request.name)?;
        let configs = self.check_configs(request.configs)?;
        let placement = self.placement(
            &image,
            request.partitions,
            request.replication_factor,
            request.assignments,
        )?;
        let topic = NewTopic { name, placement, configs };
        let created = if validate_only {
            CreatedTopic {
                id: TopicId::ZERO,
                replicas: self.metadata.plan_topic(&topic.placement).await?.replicas,
                revision: Revision(0),
            }
        } else {
            self.metadata.create_topic(&topic).await?
        };
        Ok(TopicCreation {
            id: created.id,
            partitions: created.replicas.len() as i32,
            replication_factor: created.replicas.first().map_or(0, |list| list.len() as i16),
            configs: topic.configs,
            revision: (!validate_only).then_some(created.revision),
        })
    }

    fn check_configs(&self, configs: Vec<(String, Option<String>)>) -> Result<Configs, ApiError> {
        let nulls: Vec<&str> = configs
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        if !nulls.is_empty() {
            let message = format!(
                "these topic configs have no value, give one or leave them out: {}",
                nulls.join(", ")
            );
            return Err(ApiError::new(ErrorCode::InvalidConfig, message));
        }
        let configs =
            configs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let checked = self.kafka_config.catalogue().check_topic(&configs);
        checked.map_err(|error| ApiError::new(ErrorCode::InvalidConfig, error.to_string()))
    }

    fn placement(
        &self,
        image: &MetadataImage,
        partitions: i32,
        replication_factor: i16,
        assignments: Vec<(i32, Vec<BrokerId>)>,
    ) -> Result<Placement, ApiError> {
        if !assignments.is_empty() {
            return manual(image, partitions, replication_factor, assignments);
        }
        let replication_factor = match replication_factor {
            -1 => self.kafka_config.effective(image).default_replication_factor() as i16,
            given if given > 0 => given,
            _ => {
                let message =
                    "give a replication factor of 1 or more, or -1 for the cluster's default";
                return Err(ApiError::new(ErrorCode::InvalidReplicationFactor, message));
            }
        };
        let partitions = match partitions {
            -1 => self.kafka_config.effective(image).num_partitions(),
            given if given > 0 => given,
            _ => {
                let message = "give 1 partition or more, or -1 for the cluster's default";
                return Err(ApiError::new(ErrorCode::InvalidPartitions, message));
            }
        };
        if i64::from(partitions) > PARTITIONS_A_REQUEST_MAX {
            return Err(too_many_partitions());
        }
        let brokers = image.nodes().len();
        if usize::try_from(replication_factor).is_ok_and(|wanted| wanted > brokers) {
            let message = format!(
                "{replication_factor} replicas need as many brokers, and the cluster has \
                 {brokers}: ask for fewer replicas or add brokers"
            );
            return Err(ApiError::new(ErrorCode::InvalidReplicationFactor, message));
        }
        Ok(Placement::Spread { partitions, replication_factor })
    }

    /// Grows a topic to `total` partitions. `None`: it was only validated.
    pub(crate) async fn grow(
        &self,
        name: &str,
        total: i32,
        assignments: Option<Vec<Vec<BrokerId>>>,
        validate_only: bool,
    ) -> Result<Option<Revision>, ApiError> {
        let image = self.leaders.image();
        let Some(topic) = image.topic(name) else {
            return Err(ApiError::with_kafkas_message(ErrorCode::UnknownTopicOrPartition));
        };
        let now = topic.partition_count();
        if total <= now {
            let message = if total == now {
                format!("the topic has {now} partitions already: ask for more")
            } else {
                format!(
                    "topic {name} has {now} partitions and cannot shrink to {total}: ask for more \
                     than it has"
                )
            };
            return Err(ApiError::new(ErrorCode::InvalidPartitions, message));
        }
        let added = i64::from(total) - i64::from(now);
        if added > PARTITIONS_A_REQUEST_MAX {
            return Err(too_many_partitions());
        }
        if let Some(lists) = &assignments {
            if lists.len() as i64 != added {
                let message = format!(
                    "{added} partitions are to be added, with {} assignments: give one for each \
                     new partition",
                    lists.len()
                );
                return Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, message));
            }
            let factor = topic.partitions().next().map(|(_, partition)| partition.replicas.len());
            check_replicas(&image, lists, factor)?;
        }
        if validate_only {
            self.metadata.plan_partitions(topic.name(), total, assignments).await?;
            return Ok(None);
        }
        Ok(Some(self.metadata.create_partitions(topic.name(), total, assignments).await?))
    }

    /// Deletes a topic.
    pub(crate) async fn delete(&self, name: &TopicName, id: TopicId) -> Result<Revision, ApiError> {
        Ok(self.metadata.delete_topic(name, id).await?)
    }

    /// Waits until the image has come to `revision` and the partitions of `topics` that this broker
    /// leads there are open. Returns whether the image has; requests for partitions that are not
    /// open by then get NOT_LEADER_OR_FOLLOWER for a while, which clients retry.
    pub(crate) async fn wait_until_usable(
        &self,
        revision: Revision,
        topics: &[&str],
        wait_max: Duration,
    ) -> bool {
        let deadline = self.runtime.monotonic() + wait_max;
        let left = || deadline.saturating_sub(self.runtime.monotonic());
        let reached = tokio::time::timeout(wait_max, self.leaders.images().wait_for(revision));
        if !matches!(reached.await, Ok(Ok(_))) {
            return false;
        }
        while !topics.iter().all(|topic| self.leaders.is_open(topic)) && !left().is_zero() {
            self.runtime.sleep(OPEN_POLL.min(left())).await;
        }
        true
    }
}

pub(crate) fn too_many_partitions() -> ApiError {
    ApiError::new(
        ErrorCode::PolicyViolation,
        "the request makes more partitions than one may: use several requests",
    )
}

/// A topic's name if it is allowed, without a word on whether such a topic exists.
pub(crate) fn valid_name(name: &str) -> Result<TopicName, ApiError> {
    name.parse().map_err(|error: milena_types::ParseIdError| {
        ApiError::new(ErrorCode::InvalidTopic, format!("{error}: choose another name"))
    })
}

/// A name for a new topic. Names that differ in `.` and `_` only would have the same metrics, so
/// Kafka refuses them.
fn new_name(image: &MetadataImage, name: &str) -> Result<TopicName, ApiError> {
    let name = valid_name(name)?;
    if image.topic(name.as_str()).is_some() {
        return Err(ApiError::new(
            ErrorCode::TopicAlreadyExists,
            format!("topic '{name}' exists already: choose another name, or use that one"),
        ));
    }
    if let Some(other) = colliding_topic(image, name.as_str()) {
        let message = format!(
            "the name '{name}' differs from that of topic '{other}' in '.' and '_' only: choose \
             another"
        );
        return Err(ApiError::new(ErrorCode::InvalidTopic, message));
    }
    Ok(name)
}

fn colliding_topic<'a>(image: &'a MetadataImage, name: &str) -> Option<&'a TopicName> {
    let first = name.find(['.', '_'])?;
    let plain = name.replace('.', "_");
    // Names that collide are equal up to there.
    let start = &name[..first];
    let candidates = image.topics_from(start).map(|topic| topic.name());
    let mut candidates = candidates.take_while(|other| other.as_str().starts_with(start));
    candidates.find(|other| {
        other.as_str().len() == name.len() && other.as_str().replace('.', "_") == plain
    })
}

fn manual(
    image: &MetadataImage,
    partitions: i32,
    replication_factor: i16,
    assignments: Vec<(i32, Vec<BrokerId>)>,
) -> Result<Placement, ApiError> {
    let invalid =
        |message: String| Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, message));
    let both = |what: &str| {
        let message =
            format!("A manual partition assignment was specified, but {what} was not set to -1.");
        Err(ApiError::new(ErrorCode::InvalidRequest, message))
    };
    if replication_factor != -1 {
        return both("replication factor");
    }
    if partitions != -1 {
        return both("numPartitions");
    }
    if assignments.len() as i64 > PARTITIONS_A_REQUEST_MAX {
        return Err(too_many_partitions());
    }
    let mut lists = BTreeMap::new();
    for (partition, brokers) in assignments {
        if lists.insert(partition, brokers).is_some() {
            return invalid(format!(
                "partition {partition} is assigned more than once: assign it once"
            ));
        }
    }
    if lists.keys().copied().ne(0..lists.len() as i32) {
        return invalid("partitions should be a consecutive 0-based integer sequence".to_owned());
    }
    let lists: Vec<Vec<BrokerId>> = lists.into_values().collect();
    check_replicas(image, &lists, None)?;
    Ok(Placement::Manual(lists))
}

/// Kafka's rules for replicas assigned by hand; `factor` is how many the topic's other partitions
/// have.
fn check_replicas(
    image: &MetadataImage,
    lists: &[Vec<BrokerId>],
    factor: Option<usize>,
) -> Result<(), ApiError> {
    let invalid =
        |message: String| Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, message));
    let factor = factor.or_else(|| lists.first().map(Vec::len)).unwrap_or(0);
    for (partition, list) in lists.iter().enumerate() {
        if list.is_empty() {
            return invalid(
                "an assigned partition has no replicas: name at least one broker".to_owned(),
            );
        }
        let mut seen = HashSet::new();
        for broker in list {
            if !seen.insert(broker) {
                return invalid(format!(
                    "a partition is assigned to broker {broker} twice: name each broker once"
                ));
            }
            if !image.nodes().contains_key(broker) {
                return invalid(format!(
                    "a partition is assigned to broker {broker}, which the cluster does not have"
                ));
            }
        }
        if list.len() != factor {
            return invalid(format!(
                "a partition is assigned {} replicas, others have {factor}: give all the same \
                 number",
                list.len()
            ));
        }
        if list.iter().all(|broker| image.broker(*broker).is_none()) {
            return invalid(format!(
                "partition {partition} is assigned to brokers that are all down: name one that is \
                 up"
            ));
        }
    }
    Ok(())
}

/// The names that stand more than once.
pub(crate) fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect()
}
