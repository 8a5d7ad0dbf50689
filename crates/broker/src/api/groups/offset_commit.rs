//! OffsetCommit: writes a group's offsets to `__consumer_offsets`. The response follows when they
//! are on disk.
//!
//! Every partition of the request has its result, in the request's order: those of topics that do
//! not exist or may not be read fail alone, what concerns the group is the error of all. Version
//! 1's commit timestamps are not used.
//!
//! Errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, TOPIC_AUTHORIZATION_FAILED,
//! GROUP_AUTHORIZATION_FAILED, OFFSET_METADATA_TOO_LARGE, INVALID_COMMIT_OFFSET_SIZE,
//! ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID, and those of
//! coordinators.

use std::time::Duration;

use milena_coordinator::groups::{CommitOffset, CommitRequest, Generation, GroupError, MemberId};
use milena_metadata::MetadataImage;
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_commit_response::{
            OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
        },
    },
};
use milena_types::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId, TopicName};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    errors::ToErrorCode,
    topic_ref::TopicRef,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (1, "a member and its generation"),
        (2, "a retention time, up to version 4: the offset's own expiry"),
        (6, "leader epochs (KIP-320)"),
        (7, "static members (KIP-345)"),
        (10, "topics by id (KIP-848)"),
    ],
    ..ApiDefinition::new(ApiKey::OffsetCommit, 0..=10)
};

/// As long as Kafka waits for a commit (`offsets.commit.timeout.ms`).
const ADMISSION_WAIT_MAX: Duration = Duration::from_secs(5);
/// The first version that names topics by id.
const FIRST_VERSION_WITH_IDS: i16 = 10;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let mut response =
        OffsetCommitResponse { topics: empty_results(&request), ..Default::default() };
    if !context.allows(Operation::Read, Resource::Group(&request.group_id)) {
        fail_all(&mut response, ErrorCode::GroupAuthorizationFailed);
        return response;
    }
    let expires = (request.retention_time_ms >= 0)
        .then(|| Timestamp(apis.runtime.wall_ms().saturating_add(request.retention_time_ms)));
    let image = apis.images.current();
    // The position of each offset's result in the response.
    let (mut offsets, mut positions) = (Vec::new(), Vec::new());
    for (t, topic) in request.topics.iter().enumerate() {
        let known = find(context, &image, topic);
        for (p, partition) in topic.partitions.iter().enumerate() {
            let error_code = &mut response.topics[t].partitions[p].error_code;
            match &known {
                Err(error) => *error_code = error.code(),
                Ok((_, _, partitions))
                    if !(0..*partitions).contains(&partition.partition_index) =>
                {
                    *error_code = ErrorCode::UnknownTopicOrPartition.code();
                }
                Ok((name, id, _)) => {
                    offsets.push(commit_offset(name, *id, partition, expires));
                    positions.push((t, p));
                }
            }
        }
    }
    if offsets.is_empty() {
        return response;
    }
    let commit = CommitRequest {
        group: request.group_id.as_str().into(),
        member: MemberId::parse(&request.member_id),
        instance: request.group_instance_id.as_ref().map(|id| id.as_str().into()),
        generation: Generation(request.generation_id_or_member_epoch),
        offsets,
    };
    // Commits are slowed like produces when flushing falls behind.
    let admission = apis.storage.admit_within(bytes_of(&commit), ADMISSION_WAIT_MAX).await;
    let committed = match admission {
        Ok(admission) => apis.groups.commit(context, commit, admission).await,
        // The client tries again.
        Err(_) => Err(GroupError::CoordinatorNotAvailable),
    };
    let outcomes = committed.unwrap_or_else(|error| vec![Err(error); positions.len()]);
    for ((t, p), outcome) in positions.into_iter().zip(outcomes) {
        let error = outcome.err().map_or(ErrorCode::None, |error| error.error_code());
        response.topics[t].partitions[p].error_code = error.code();
    }
    response
}

/// The name and the id of a topic of the request and how many partitions it has.
fn find(
    context: &RequestContext,
    image: &MetadataImage,
    topic: &OffsetCommitRequestTopic,
) -> Result<(TopicName, TopicId, i32), ErrorCode> {
    let by_id = context.api_version >= FIRST_VERSION_WITH_IDS;
    let topic =
        if by_id { TopicRef::Id(TopicId(topic.topic_id)) } else { TopicRef::Name(&topic.name) };
    let found = match topic {
        TopicRef::Name(name) => image.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition),
        TopicRef::Id(id) => image.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId),
    };
    let name = match (topic, &found) {
        (TopicRef::Name(name), _) => name,
        (TopicRef::Id(_), Ok(found)) => found.name().as_str(),
        (TopicRef::Id(_), Err(error)) => return Err(*error),
    };
    if !context.allows(Operation::Read, Resource::Topic(name)) {
        return Err(ErrorCode::TopicAuthorizationFailed);
    }
    found.map(|found| (found.name().clone(), found.id(), found.partition_count()))
}

fn commit_offset(
    topic: &TopicName,
    id: TopicId,
    partition: &OffsetCommitRequestPartition,
    expires: Option<Timestamp>,
) -> CommitOffset {
    CommitOffset {
        key: (topic.clone(), PartitionIndex(partition.partition_index)),
        topic: id,
        offset: Offset(partition.committed_offset),
        leader_epoch: LeaderEpoch(partition.committed_leader_epoch),
        metadata: partition.committed_metadata.as_deref().unwrap_or("").into(),
        expires,
    }
}

/// About how much a commit takes in the log.
fn bytes_of(commit: &CommitRequest) -> usize {
    const NUMBERS: usize = 64;
    let each =
        commit.offsets.iter().map(|offset| offset.key.0.as_str().len() + offset.metadata.len());
    each.map(|texts| texts + commit.group.as_str().len() + NUMBERS).sum()
}

/// The response's entries, in the request's order.
fn empty_results(request: &OffsetCommitRequest) -> Vec<OffsetCommitResponseTopic> {
    let topics = request.topics.iter().map(|topic| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                ..Default::default()
            })
            .collect(),
    });
    topics.collect()
}

fn fail_all(response: &mut OffsetCommitResponse, error: ErrorCode) {
    for partition in response.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        partition.error_code = error.code();
    }
}
