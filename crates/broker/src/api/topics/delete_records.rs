//! DeleteRecords (KIP-107): moves the log start of partitions up and deletes the records before it.
//!
//! Offset -1 means the high watermark. An offset before the log start changes nothing and is no
//! error. The response has the log start (`low_watermark`), -1 with an error.
//!
//! Errors of a partition: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE
//! (beyond the high watermark or below -1), POLICY_VIOLATION (the topic is compacted and deletes
//! nothing), INVALID_TOPIC_EXCEPTION (Kafka's own topics), TOPIC_AUTHORIZATION_FAILED,
//! KAFKA_STORAGE_ERROR, REQUEST_TIMED_OUT.

use std::collections::{HashMap, hash_map::Entry};

use futures_util::{StreamExt, stream};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsRequest},
        delete_records_response::{
            DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult,
        },
    },
};
use milena_storage::MaintenanceError;
use milena_types::{Offset, PartitionIndex};

use super::apis::TopicApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    entry_turns::EntryTurns,
    leadership::{
        partitions::LeaderPartition,
        resolve::{LEADER_WAIT_MAX, PartitionRef},
    },
    topic_ref::TopicRef,
    topics::valid_name,
};

pub(crate) const API: ApiDefinition =
    ApiDefinition { computes: true, ..ApiDefinition::new(ApiKey::DeleteRecords, 0..=2) };

/// How many partitions' records are deleted at the same time: they share commits of the metadata
/// store.
const DELETING_MAX: usize = 64;
/// "Up to the high watermark".
const HIGH_WATERMARK: i64 = -1;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &TopicApis,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    context.narrow(request.timeout_ms);
    let entries = entries(context, &request).await;
    let wanted: Vec<PartitionRef<'_>> = entries
        .iter()
        .filter(|entry| entry.refused.is_none())
        .map(|entry| (TopicRef::Name(entry.topic), PartitionIndex(entry.requested.partition_index)))
        .collect();
    let mut leaders =
        apis.leaders.find_each(&wanted, LEADER_WAIT_MAX.min(context.left())).await.into_iter();
    let mut deletions = Vec::with_capacity(entries.len());
    for entry in entries {
        let led = match entry.refused {
            Some(error) => Err(error),
            None => leaders.next().unwrap_or(Err(ErrorCode::UnknownServerError)),
        };
        deletions.push(async move {
            let outcome = match led {
                Ok(_) if context.is_late() => Err(ErrorCode::RequestTimedOut),
                Ok(led) => delete(&led, entry.requested).await,
                Err(error) => Err(error),
            };
            (entry, outcome)
        });
    }
    let mut deletions = stream::iter(deletions).buffered(DELETING_MAX);
    let mut topics: Vec<DeleteRecordsTopicResult> = Vec::with_capacity(request.topics.len());
    while let Some((entry, outcome)) = deletions.next().await {
        let (low_watermark, error_code) = match outcome {
            Ok(log_start) => (log_start.raw(), 0),
            Err(error) => (-1, error.code()),
        };
        let partition_index = entry.requested.partition_index;
        let result = DeleteRecordsPartitionResult { partition_index, low_watermark, error_code };
        match topics.last_mut() {
            Some(topic) if topic.name == *entry.topic => topic.partitions.push(result),
            _ => topics.push(DeleteRecordsTopicResult {
                name: entry.topic.clone(),
                partitions: vec![result],
            }),
        }
    }
    DeleteRecordsResponse { throttle_time_ms: 0, topics }
}

/// A partition of a request.
struct DeleteRecordsEntry<'a> {
    topic: &'a KString,
    requested: &'a DeleteRecordsPartition,
    refused: Option<ErrorCode>,
}

/// The partitions of a request, each once: of those named again the last entry counts, as in Kafka.
async fn entries<'a>(
    context: &RequestContext,
    request: &'a DeleteRecordsRequest,
) -> Vec<DeleteRecordsEntry<'a>> {
    let mut turns = EntryTurns::default();
    let mut entries: Vec<DeleteRecordsEntry<'_>> = Vec::new();
    let mut places = HashMap::new();
    for topic in &request.topics {
        let refused = if !context.allows(Operation::Delete, Resource::Topic(&topic.name)) {
            Some(ErrorCode::TopicAuthorizationFailed)
        } else if valid_name(&topic.name).is_ok_and(|name| name.is_internal()) {
            Some(ErrorCode::InvalidTopic)
        } else {
            None
        };
        for requested in &topic.partitions {
            turns.next().await;
            match places.entry((&*topic.name, requested.partition_index)) {
                Entry::Occupied(place) => {
                    let entry: &mut DeleteRecordsEntry<'_> = &mut entries[*place.get()];
                    entry.requested = requested;
                }
                Entry::Vacant(place) => {
                    place.insert(entries.len());
                    entries.push(DeleteRecordsEntry { topic: &topic.name, requested, refused });
                }
            }
        }
    }
    entries
}

async fn delete(
    led: &LeaderPartition,
    requested: &DeleteRecordsPartition,
) -> Result<Offset, ErrorCode> {
    if !led.config.cleanup_policy.delete {
        return Err(ErrorCode::PolicyViolation);
    }
    let before = match requested.offset {
        HIGH_WATERMARK => None,
        offset if offset < 0 => return Err(ErrorCode::OffsetOutOfRange),
        offset => Some(Offset(offset)),
    };
    led.partition.delete_records(before).await.map_err(|error| match error {
        MaintenanceError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        MaintenanceError::Closed => ErrorCode::NotLeaderOrFollower,
        error => {
            tracing::warn!(
                topic = %led.topic, partition = requested.partition_index, %error,
                "records were not deleted"
            );
            ErrorCode::KafkaStorageError
        }
    })
}
