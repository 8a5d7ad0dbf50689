//! OffsetFetch: committed offsets of groups, with their leader epochs and metadata.
//!
//! A partition without an offset, and every partition of a group that does not exist, is -1 without
//! an error.
//!
//! Errors: GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_ID,
//! UNSTABLE_OFFSET_COMMIT, and those of coordinators.

use milena_coordinator::groups::{FetchRequest, FetchedOffset, FetchedTopic};
use milena_metadata::MetadataImage;
use milena_protocol::{
    ApiKey, ErrorCode, KString, Uuid,
    messages::{
        offset_fetch_request::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic,
            OffsetFetchRequestTopics,
        },
        offset_fetch_response::{
            OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
            OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
        },
    },
};
use milena_types::{PartitionIndex, TopicId, TopicName};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::{
        bounds::RESPONSE_BYTES_MAX,
        definition::ApiDefinition,
        handled::{Handled, IntoHandled as _},
    },
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ToErrorCode,
    memory::room::UNCOUNTED_BYTES,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (2, "null is all topics; an error of the whole, before every partition's (KIP-88)"),
        (5, "leader epochs (KIP-320)"),
        (
            7,
            "may refuse partitions with undecided transactional offsets: UNSTABLE_OFFSET_COMMIT \
             (KIP-447)",
        ),
        (8, "many groups (KIP-709)"),
        (9, "a member and its epoch, which classic groups do not check (KIP-848)"),
        (10, "topics by id (KIP-848)"),
    ],
    computes: true,
    ..ApiDefinition::new(ApiKey::OffsetFetch, 0..=10)
};

/// About how many bytes of memory an offset takes while a response is made, without its metadata.
const OFFSET_BYTES: usize = 128;
/// How much more room a request takes when it has too little.
const ROOM_FACTOR: usize = 4;
const FIRST_VERSION_WITH_TOP_LEVEL_ERROR: i16 = 2;
const FIRST_VERSION_WITH_GROUPS: i16 = 8;
/// The first version that names topics by id.
const FIRST_VERSION_WITH_IDS: i16 = 10;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    mut request: OffsetFetchRequest,
) -> Handled {
    let has_groups = context.api_version >= FIRST_VERSION_WITH_GROUPS;
    if !has_groups {
        request.groups = vec![only_group(&mut request)];
    }
    let mut bytes_max = partitions_named(&request).saturating_mul(OFFSET_BYTES);
    loop {
        if bytes_max > RESPONSE_BYTES_MAX {
            return Handled::too_large(context);
        }
        if !context.has_room_for(bytes_max).await {
            return Handled::close("there was no room for its response: others are not read");
        }
        match fetch_groups(context, apis, &request, bytes_max.max(UNCOUNTED_BYTES)).await {
            Ok(mut groups) if !has_groups => {
                let fetched = groups.pop().unwrap_or_default();
                return single(context.api_version, fetched).into_handled(context);
            }
            Ok(groups) => {
                return OffsetFetchResponse { groups, ..Default::default() }.into_handled(context);
            }
            // Of groups with all their topics the size is known only then: again, with more room.
            Err(bytes) if bytes <= RESPONSE_BYTES_MAX => {
                bytes_max = bytes.saturating_mul(ROOM_FACTOR).min(RESPONSE_BYTES_MAX);
            }
            Err(bytes) => bytes_max = bytes,
        }
    }
}

/// The group of a request that names one.
fn only_group(request: &mut OffsetFetchRequest) -> OffsetFetchRequestGroup {
    let named = |topic: OffsetFetchRequestTopic| OffsetFetchRequestTopics {
        name: topic.name,
        topic_id: Uuid::nil(),
        partition_indexes: topic.partition_indexes,
    };
    let topics = request.topics.take();
    OffsetFetchRequestGroup {
        group_id: std::mem::take(&mut request.group_id),
        topics: topics.map(|topics| topics.into_iter().map(named).collect()),
        ..Default::default()
    }
}

/// The results of all groups, or how much some of them take in memory if that is more than
/// `bytes_max`.
async fn fetch_groups(
    context: &RequestContext,
    apis: &GroupApis,
    request: &OffsetFetchRequest,
    bytes_max: usize,
) -> Result<Vec<OffsetFetchResponseGroup>, usize> {
    let mut turns = EntryTurns::default();
    let mut bytes = 0;
    let mut groups = Vec::with_capacity(request.groups.len());
    for group in &request.groups {
        turns.next().await;
        let fetched = fetch(context, apis, group.clone(), request.require_stable).await;
        bytes += bytes_of(&fetched);
        if bytes > bytes_max {
            return Err(bytes);
        }
        groups.push(fetched);
    }
    Ok(groups)
}

/// How many partitions a request names.
fn partitions_named(request: &OffsetFetchRequest) -> usize {
    let topics = request.groups.iter().flat_map(|group| group.topics.iter().flatten());
    topics.map(|topic| topic.partition_indexes.len()).sum()
}

/// About how many bytes of memory a group's results take.
fn bytes_of(group: &OffsetFetchResponseGroup) -> usize {
    let partitions = group.topics.iter().flat_map(|topic| &topic.partitions);
    let metadata = partitions.map(|partition| partition.metadata.as_ref().map_or(0, |m| m.len()));
    metadata.map(|metadata| metadata + OFFSET_BYTES).sum()
}

/// The response for one group as versions before 8 have it.
fn single(version: i16, group: OffsetFetchResponseGroup) -> OffsetFetchResponse {
    let topics = group.topics.into_iter().map(|topic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic
            .partitions
            .into_iter()
            .map(|partition| OffsetFetchResponsePartition {
                partition_index: partition.partition_index,
                committed_offset: partition.committed_offset,
                committed_leader_epoch: partition.committed_leader_epoch,
                metadata: partition.metadata,
                error_code: partition.error_code,
            })
            .collect(),
    });
    let mut response = OffsetFetchResponse { topics: topics.collect(), ..Default::default() };
    if version >= FIRST_VERSION_WITH_TOP_LEVEL_ERROR {
        response.error_code = group.error_code;
    } else if group.error_code != ErrorCode::None.code() {
        for partition in response.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.error_code = group.error_code;
        }
    }
    response
}

async fn fetch(
    context: &RequestContext,
    apis: &GroupApis,
    group: OffsetFetchRequestGroup,
    require_stable: bool,
) -> OffsetFetchResponseGroup {
    let group_id = group.group_id.clone();
    let failed = |error: ErrorCode, topics: Vec<OffsetFetchResponseTopics>| {
        OffsetFetchResponseGroup { group_id: group_id.clone(), topics, error_code: error.code() }
    };
    // Before version 2 only partitions have errors.
    let without_results = |topics: Option<Vec<OffsetFetchRequestTopics>>| {
        let per_partition = context.api_version < FIRST_VERSION_WITH_TOP_LEVEL_ERROR;
        let topics = topics.filter(|_| per_partition).unwrap_or_default();
        topics.into_iter().map(|topic| without_offsets(&topic, ErrorCode::None)).collect()
    };
    if !context.allows(Operation::Describe, Resource::Group(&group.group_id)) {
        return failed(ErrorCode::GroupAuthorizationFailed, without_results(group.topics));
    }
    let image = apis.images.current();
    let by_id = context.api_version >= FIRST_VERSION_WITH_IDS;
    let group_id_of_request = group.group_id.as_str().into();
    let Some(requested) = group.topics else {
        let request = FetchRequest { group: group_id_of_request, topics: None, require_stable };
        return match apis.groups.fetch(context, request).await {
            Ok(topics) => failed(ErrorCode::None, all_topics(context, &image, by_id, topics)),
            Err(error) => failed(error.error_code(), Vec::new()),
        };
    };
    let found: Vec<Result<TopicName, ErrorCode>> =
        requested.iter().map(|topic| find(context, &image, by_id, topic)).collect();
    let known = requested.iter().zip(&found).filter_map(|(topic, found)| {
        let partitions =
            topic.partition_indexes.iter().map(|index| PartitionIndex(*index)).collect();
        Some((found.as_ref().ok()?.clone(), partitions))
    });
    let request =
        FetchRequest { group: group_id_of_request, topics: Some(known.collect()), require_stable };
    let mut fetched = match apis.groups.fetch(context, request).await {
        Ok(topics) => topics.into_iter(),
        Err(error) => return failed(error.error_code(), without_results(Some(requested))),
    };
    let topics = requested.iter().zip(&found).map(|(topic, found)| match found {
        Err(error) => without_offsets(topic, *error),
        Ok(_) => OffsetFetchResponseTopics {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: fetched
                .next()
                .map(|fetched| partitions(&fetched, current_id(&image, &fetched.topic)))
                .unwrap_or_default(),
        },
    });
    failed(ErrorCode::None, topics.collect())
}

/// The name of a topic of the request. It need not exist: offsets may outlive it for a while.
fn find(
    context: &RequestContext,
    image: &MetadataImage,
    by_id: bool,
    topic: &OffsetFetchRequestTopics,
) -> Result<TopicName, ErrorCode> {
    let name = if by_id {
        image.topic_name(TopicId(topic.topic_id)).cloned().ok_or(ErrorCode::UnknownTopicId)?
    } else {
        topic.name.parse().map_err(|_| ErrorCode::UnknownTopicOrPartition)?
    };
    if context.allows(Operation::Describe, Resource::Topic(name.as_str())) {
        Ok(name)
    } else {
        Err(ErrorCode::TopicAuthorizationFailed)
    }
}

/// All topics of a group that the client may see. Where ids name them, those that are gone have
/// none and are left out.
fn all_topics(
    context: &RequestContext,
    image: &MetadataImage,
    by_id: bool,
    topics: Vec<FetchedTopic>,
) -> Vec<OffsetFetchResponseTopics> {
    let visible = topics.into_iter().filter_map(|topic| {
        let name = topic.topic.as_str();
        let current = current_id(image, &topic.topic);
        let topic_id = current.map_or(Uuid::nil(), |id| id.0);
        let shown = context.allows(Operation::Describe, Resource::Topic(name))
            && !(by_id && topic_id.is_nil());
        let name = KString::from(name);
        shown.then(|| OffsetFetchResponseTopics {
            name,
            topic_id,
            partitions: partitions(&topic, current),
        })
    });
    visible.collect()
}

/// The id of the topic that has the name now.
fn current_id(image: &MetadataImage, name: &TopicName) -> Option<TopicId> {
    image.topic(name.as_str()).map(|topic| topic.id())
}

/// The offsets, without those of another topic that had the name before the one of id `current`.
fn partitions(
    topic: &FetchedTopic,
    current: Option<TopicId>,
) -> Vec<OffsetFetchResponsePartitions> {
    let of_current = |offset: &FetchedOffset| match (offset.topic, current) {
        (Some(of), Some(current)) => of == current,
        _ => true,
    };
    let offsets = topic.partitions.iter().map(|offset| {
        if of_current(offset) {
            partition(offset)
        } else {
            partition(&FetchedOffset::none(offset.partition))
        }
    });
    offsets.collect()
}

fn partition(fetched: &FetchedOffset) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: fetched.partition.0,
        committed_offset: fetched.offset.raw(),
        committed_leader_epoch: fetched.leader_epoch.raw(),
        metadata: Some(KString::from(&*fetched.metadata)),
        error_code: fetched.error.map_or(ErrorCode::None, |error| error.error_code()).code(),
    }
}

fn without_offsets(
    topic: &OffsetFetchRequestTopics,
    error: ErrorCode,
) -> OffsetFetchResponseTopics {
    let partitions = topic.partition_indexes.iter().map(|index| OffsetFetchResponsePartitions {
        partition_index: *index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(KString::default()),
        error_code: error.code(),
    });
    OffsetFetchResponseTopics {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: partitions.collect(),
    }
}
