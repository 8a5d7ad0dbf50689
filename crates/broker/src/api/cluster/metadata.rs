//! Metadata: brokers, topics, partitions and their leaders.
//!
//! No list of topics is all of them, an empty one none. Topics are returned in the order of the
//! request, each once. A topic that does not exist is created if the client
//! (`allow_auto_topic_creation`) and the broker (`auto.create.topics.enable`) want it, and returned
//! when it can be written to.
//!
//! Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_TOPIC_EXCEPTION,
//! TOPIC_AUTHORIZATION_FAILED, and why it could not be created; INVALID_REQUEST for ids before
//! version 12. Of a partition: LEADER_NOT_AVAILABLE, LISTENER_NOT_FOUND, REPLICA_NOT_AVAILABLE
//! (version 0).

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    time::Duration,
};

use milena_metadata::{MetadataImage, TopicImage};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        metadata_request::{MetadataRequest, MetadataRequestTopic},
        metadata_response::{
            MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
            MetadataResponseTopic,
        },
    },
};
use milena_types::TopicId;

use super::apis::ClusterApis;
use super::partition_view::PartitionView;
use crate::{
    access::{Operation, Resource},
    api::{
        definition::ApiDefinition,
        handled::{Handled, IntoHandled as _},
    },
    context::RequestContext,
    entry_turns::EntryTurns,
    topics::valid_name,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (
            1,
            "an empty list of topics is none; before, all. Replicas that cannot be reached are \
             listed; before, they are REPLICA_NOT_AVAILABLE",
        ),
        (4, "the client says whether topics are created (KIP-173)"),
        (5, "offline replicas (KIP-112)"),
        (6, "LISTENER_NOT_FOUND; before, LEADER_NOT_AVAILABLE"),
        (7, "leader epochs (KIP-320)"),
        (8, "authorized operations if requested (KIP-430)"),
        (10, "topic ids in the response (KIP-516)"),
        (12, "topics by id (KIP-516)"),
    ],
    computes: true,
    ..ApiDefinition::new(ApiKey::Metadata, 0..=13)
};

/// The first version that names topics by id.
const FIRST_VERSION_WITH_IDS: i16 = 12;
/// The first version that knows LISTENER_NOT_FOUND.
const FIRST_VERSION_WITH_LISTENER_ERRORS: i16 = 6;
/// How long a request waits for topics that it made the broker create.
const CREATION_WAIT_MAX: Duration = Duration::from_secs(5);

/// The approximate bytes of a topic in memory while its response is made, without its name.
const TOPIC_BYTES: usize = 256;
/// The same of a partition.
const PARTITION_BYTES: usize = 256;

/// The topics that a request is about.
#[derive(Debug, PartialEq, Eq)]
enum TopicSelection {
    All,
    Names(Vec<KString>),
    Ids(Vec<TopicId>),
}

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ClusterApis,
    request: MetadataRequest,
) -> Handled {
    let selection = match selection(request.topics.as_deref(), context.api_version).await {
        Ok(selection) => selection,
        Err(topics) => {
            let response = response(context, &apis.images.current(), &request, topics);
            return response.into_handled(context);
        }
    };
    let mut failed = HashMap::new();
    if let TopicSelection::Names(names) = &selection
        && request.allow_auto_topic_creation
    {
        failed = create_missing(context, apis, names).await;
    }
    let image = apis.images.current();
    let view =
        ListenerView { image: &image, listener: context.listener(), version: context.api_version };
    let may_describe = |name: &str| context.allows(Operation::Describe, Resource::Topic(name));
    if !context.has_room_for(view.bytes_of(&selection)).await {
        return Handled::close("there was no room for its response: others are not read");
    }
    let mut topics = view.topics(&selection, &failed, may_describe).await;
    if request.include_topic_authorized_operations {
        let mut turns = EntryTurns::default();
        for topic in topics.iter_mut().filter(|topic| topic.error_code == 0) {
            turns.next().await;
            if let Some(name) = &topic.name {
                let resource = Resource::Topic(name);
                topic.topic_authorized_operations =
                    context.authorized_operations(Operation::TOPIC, resource);
            }
        }
    }
    response(context, &image, &request, topics).into_handled(context)
}

fn response(
    context: &RequestContext,
    image: &MetadataImage,
    request: &MetadataRequest,
    topics: Vec<MetadataResponseTopic>,
) -> MetadataResponse {
    let mut response = MetadataResponse {
        brokers: brokers(image, context.listener()),
        cluster_id: Some(context.connection.cluster.as_str().into()),
        controller_id: image.controller().map_or(-1, |id| id.0),
        topics,
        ..Default::default()
    };
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = cluster_operations(context);
    }
    response
}

/// The bits of `ClusterAuthorizedOperations` (KIP-430); none unless the client may describe the
/// cluster.
pub(crate) fn cluster_operations(context: &RequestContext) -> i32 {
    if context.allows(Operation::Describe, Resource::Cluster) {
        context.authorized_operations(Operation::CLUSTER, Resource::Cluster)
    } else {
        0
    }
}

/// The topics of a request, or the response's topics where the request is not valid.
async fn selection(
    topics: Option<&[MetadataRequestTopic]>,
    version: i16,
) -> Result<TopicSelection, Vec<MetadataResponseTopic>> {
    let Some(topics) = topics else { return Ok(TopicSelection::All) };
    if version == 0 && topics.is_empty() {
        return Ok(TopicSelection::All);
    }
    let by_id = |topic: &MetadataRequestTopic| !topic.topic_id.is_nil();
    let nameless = |topic: &MetadataRequestTopic| topic.name.is_none();
    if version < FIRST_VERSION_WITH_IDS
        && topics.iter().any(|topic| by_id(topic) || nameless(topic))
    {
        let refuse = |topic: &MetadataRequestTopic| MetadataResponseTopic {
            error_code: ErrorCode::InvalidRequest.code(),
            name: Some(topic.name.clone().unwrap_or_default()),
            topic_id: topic.topic_id,
            ..Default::default()
        };
        return Err(topics.iter().map(refuse).collect());
    }
    if topics.iter().any(by_id) {
        let ids = topics.iter().filter(|topic| by_id(topic)).map(|topic| TopicId(topic.topic_id));
        return Ok(TopicSelection::Ids(distinct(ids).await));
    }
    let names = topics.iter().filter_map(|topic| topic.name.clone());
    Ok(TopicSelection::Names(distinct(names).await))
}

async fn distinct<T: Clone + Eq + Hash>(named: impl Iterator<Item = T>) -> Vec<T> {
    let mut turns = EntryTurns::default();
    let (mut seen, mut distinct) = (HashSet::new(), Vec::new());
    for one in named {
        turns.next().await;
        if seen.insert(one.clone()) {
            distinct.push(one);
        }
    }
    distinct
}

/// Creates the topics that do not exist, if the broker creates topics on demand. Returns why some
/// could not be created, by name.
async fn create_missing(
    context: &RequestContext,
    apis: &ClusterApis,
    names: &[KString],
) -> HashMap<KString, ErrorCode> {
    let image = apis.images.current();
    let may = |operation, name: &str| context.allows(operation, Resource::Topic(name));
    let missing: Vec<&KString> =
        names.iter().filter(|n| image.topic(n).is_none() && may(Operation::Describe, n)).collect();
    let mut failed = HashMap::new();
    if missing.is_empty() || !apis.topics.kafka_config.current(|c| c.auto_create_topics_enable()) {
        return failed;
    }
    let may_create_any = context.allows(Operation::Create, Resource::Cluster);
    let (allowed, refused): (Vec<&KString>, Vec<&KString>) =
        missing.into_iter().partition(|name| may_create_any || may(Operation::Create, name));
    let unauthorized = ErrorCode::TopicAuthorizationFailed;
    failed.extend(refused.into_iter().map(|name| (name.clone(), unauthorized)));
    let mut created = Vec::new();
    let creating = apis.topics.auto_create_all(allowed.into_iter().cloned().collect());
    let outcomes = tokio::select! {
        biased;
        outcomes = creating => outcomes,
        // Nobody waits for those that are not begun.
        () = context.ended() => return failed,
    };
    for (name, outcome) in outcomes {
        match outcome {
            Ok(revision) => created.push((name.to_string(), revision)),
            Err(error) => {
                tracing::debug!(topic = %name, reason = error.message(), "a topic was not created on demand");
                failed.insert(name, error.code);
            }
        }
    }
    if let Some(revision) = created.iter().map(|(_, revision)| *revision).max() {
        let names: Vec<&str> = created.iter().map(|(name, _)| name.as_str()).collect();
        let wait_max = CREATION_WAIT_MAX.min(context.left());
        apis.topics.wait_until_usable(revision, &names, wait_max).await;
        let image = apis.images.current();
        for (name, _) in &created {
            if image.topic(name).is_none() {
                failed.insert(name.as_str().into(), ErrorCode::LeaderNotAvailable);
            }
        }
    }
    failed
}

/// The live brokers that have the client's listener.
fn brokers(image: &MetadataImage, listener: &str) -> Vec<MetadataResponseBroker> {
    let reachable = image.brokers().iter().filter_map(|(id, broker)| {
        let address = broker.listener(listener)?;
        Some(MetadataResponseBroker {
            node_id: id.0,
            host: address.host.as_str().into(),
            port: address.port.into(),
            rack: broker.rack.as_deref().map(KString::from),
        })
    });
    reachable.collect()
}

fn partitions_of(topic: &MetadataResponseTopic) -> usize {
    topic.partitions.len()
}

/// An image as a client of a listener sees it.
struct ListenerView<'a> {
    image: &'a MetadataImage,
    listener: &'a str,
    version: i16,
}

impl ListenerView<'_> {
    /// About how many bytes of memory the topics of a response take, with those that the client may not
    /// see.
    fn bytes_of(&self, selection: &TopicSelection) -> usize {
        let bytes = |topic: &TopicImage| {
            let partitions = usize::try_from(topic.partition_count()).unwrap_or(0);
            topic.name().as_str().len() + TOPIC_BYTES + partitions * PARTITION_BYTES
        };
        match selection {
            TopicSelection::All => self.image.topics().map(|topic| bytes(topic)).sum(),
            TopicSelection::Names(names) => {
                let found = names.iter().map(|name| self.image.topic(name));
                found.map(|topic| topic.map_or(TOPIC_BYTES, |topic| bytes(topic))).sum()
            }
            TopicSelection::Ids(ids) => {
                let found = ids.iter().map(|id| self.image.topic_by_id(*id));
                found.map(|topic| topic.map_or(TOPIC_BYTES, |topic| bytes(topic))).sum()
            }
        }
    }

    async fn topics(
        &self,
        selection: &TopicSelection,
        failed: &HashMap<KString, ErrorCode>,
        may_describe: impl Fn(&str) -> bool,
    ) -> Vec<MetadataResponseTopic> {
        let mut turns = EntryTurns::default();
        let mut topics = Vec::new();
        match selection {
            TopicSelection::All => {
                for topic in self.image.topics() {
                    if may_describe(topic.name().as_str()) {
                        topics.push(self.topic(topic));
                    }
                    turns.after(1 + topics.last().map_or(0, partitions_of)).await;
                }
            }
            TopicSelection::Names(names) => {
                for name in names {
                    topics.push(self.by_name(name, failed, &may_describe));
                    turns.after(1 + topics.last().map_or(0, partitions_of)).await;
                }
            }
            TopicSelection::Ids(ids) => {
                for id in ids {
                    topics.push(self.by_id(*id, &may_describe));
                    turns.after(1 + topics.last().map_or(0, partitions_of)).await;
                }
            }
        }
        topics
    }

    fn by_name(
        &self,
        name: &KString,
        failed: &HashMap<KString, ErrorCode>,
        may_describe: impl Fn(&str) -> bool,
    ) -> MetadataResponseTopic {
        let error = if !may_describe(name) {
            ErrorCode::TopicAuthorizationFailed
        } else if let Some(topic) = self.image.topic(name) {
            return self.topic(topic);
        } else if let Some(error) = failed.get(name) {
            *error
        } else {
            match valid_name(name) {
                Ok(_) => ErrorCode::UnknownTopicOrPartition,
                Err(error) => error.code,
            }
        };
        let is_internal = valid_name(name).is_ok_and(|name| name.is_internal());
        MetadataResponseTopic {
            error_code: error.code(),
            name: Some(name.clone()),
            is_internal: is_internal && error != ErrorCode::TopicAuthorizationFailed,
            ..Default::default()
        }
    }

    fn by_id(&self, id: TopicId, may_describe: impl Fn(&str) -> bool) -> MetadataResponseTopic {
        let error = match self.image.topic_by_id(id) {
            // Without the name: a client that may not see the topic must not learn it.
            Some(topic) if !may_describe(topic.name().as_str()) => {
                ErrorCode::TopicAuthorizationFailed
            }
            Some(topic) => return self.topic(topic),
            None => ErrorCode::UnknownTopicId,
        };
        MetadataResponseTopic {
            error_code: error.code(),
            name: None,
            topic_id: id.0,
            ..Default::default()
        }
    }

    fn topic(&self, topic: &TopicImage) -> MetadataResponseTopic {
        let named_errors = self.version >= FIRST_VERSION_WITH_LISTENER_ERRORS;
        let partition = |(index, partition): (milena_types::PartitionIndex, _)| {
            let mut view = PartitionView::of(self.image, partition, self.listener, named_errors);
            if self.version == 0 {
                view = view.without_offline();
            }
            MetadataResponsePartition {
                error_code: view.error.code(),
                partition_index: index.0,
                leader_id: view.leader,
                leader_epoch: view.leader_epoch,
                replica_nodes: view.replicas,
                isr_nodes: view.isr,
                offline_replicas: view.offline,
            }
        };
        MetadataResponseTopic {
            error_code: ErrorCode::None.code(),
            name: Some(topic.name().as_str().into()),
            topic_id: topic.id().0,
            is_internal: topic.name().is_internal(),
            partitions: topic.partitions().map(partition).collect(),
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests;
