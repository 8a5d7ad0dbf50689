//! OffsetForLeaderEpoch: where a leader epoch ended, so that a consumer notices a log that was
//! truncated under it (KIP-320).
//!
//! The result is the largest epoch that is not above the requested one, and the offset after its
//! last record; -1 and -1 when the requested epoch is above all. Errors:
//! UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH.

use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        offset_for_leader_epoch_request::{OffsetForLeaderEpochRequest, OffsetForLeaderPartition},
        offset_for_leader_epoch_response::{
            EpochEndOffset, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
        },
    },
};
use milena_storage::Partition;
use milena_types::{LeaderEpoch, Offset, PartitionIndex};

use super::apis::FetchApis;
use super::epochs::check_leader_epoch;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    entry_turns::EntryTurns,
    leadership::resolve::{LEADER_WAIT_MAX, PartitionRef},
    topic_ref::TopicRef,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[(2, "the client's leader epoch is checked (KIP-320)")],
    ..ApiDefinition::new(ApiKey::OffsetForLeaderEpoch, 0..=4)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &FetchApis,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let wanted = named(context, &request).await;
    let mut leaders =
        apis.leaders.find_each(&wanted, LEADER_WAIT_MAX.min(context.left())).await.into_iter();
    let mut turns = EntryTurns::default();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let allowed = context.allows(Operation::Describe, Resource::Topic(&topic.topic));
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for requested in &topic.partitions {
            turns.next().await;
            let led = if allowed { leaders.next() } else { None };
            let led = led.unwrap_or(Err(ErrorCode::TopicAuthorizationFailed));
            let found = led.and_then(|led| end_offset(&led.partition, requested));
            partitions.push(partition_response(requested.partition, found));
        }
        topics.push(OffsetForLeaderTopicResult { topic: topic.topic.clone(), partitions });
    }
    OffsetForLeaderEpochResponse { throttle_time_ms: 0, topics }
}

/// The partitions of the request that the client may describe.
async fn named<'a>(
    context: &RequestContext,
    request: &'a OffsetForLeaderEpochRequest,
) -> Vec<PartitionRef<'a>> {
    let mut turns = EntryTurns::default();
    let mut named = Vec::new();
    for topic in &request.topics {
        if context.allows(Operation::Describe, Resource::Topic(&topic.topic)) {
            for requested in &topic.partitions {
                turns.next().await;
                named.push((TopicRef::Name(&topic.topic), PartitionIndex(requested.partition)));
            }
        }
    }
    named
}

fn end_offset(
    partition: &Partition,
    requested: &OffsetForLeaderPartition,
) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
    check_leader_epoch(partition, requested.current_leader_epoch)?;
    Ok(partition.end_offset_for_epoch(LeaderEpoch(requested.leader_epoch)))
}

fn partition_response(
    partition: i32,
    found: Result<Option<(LeaderEpoch, Offset)>, ErrorCode>,
) -> EpochEndOffset {
    let error = found.err().unwrap_or(ErrorCode::None);
    let (epoch, offset) = found.ok().flatten().unwrap_or((LeaderEpoch::NONE, Offset(-1)));
    EpochEndOffset {
        error_code: error.code(),
        partition,
        leader_epoch: epoch.raw(),
        end_offset: offset.raw(),
    }
}
