//! DeleteRecords (KIP-107): moves the log start of partitions up and deletes the records before it.
//!
//! Offset -1 means the high watermark. An offset before the log start changes nothing and is no
//! error. The response has the log start (`low_watermark`), -1 with an error.
//!
//! Errors of a partition: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE
//! (beyond the high watermark or below -1), POLICY_VIOLATION (the topic is compacted and deletes
//! nothing), INVALID_TOPIC_EXCEPTION (Kafka's own topics), TOPIC_AUTHORIZATION_FAILED,
//! KAFKA_STORAGE_ERROR, REQUEST_TIMED_OUT: what has begun goes on, as in Kafka.

use futures_util::{StreamExt, stream};
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsRequest},
        delete_records_response::{
            DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult,
        },
    },
};
use milena_storage::MaintenanceError;
use milena_types::Offset;

use super::apis::TopicApis;
use crate::{
    access::{Operation, Resource},
    api::{
        definition::ApiDefinition,
        partition_entries::{
            NamesPartition, Repeated, TopicEntry, partition_entries, with_leaders,
        },
    },
    context::RequestContext,
    leadership::partitions::LeaderPartition,
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
    let named = request.topics.iter().map(|topic| TopicEntry {
        name: &topic.name,
        partitions: &topic.partitions,
        refused: refused(context, &topic.name),
    });
    let entries = partition_entries(named, Repeated::LastCounts).await;
    let entries = with_leaders(context, &apis.leaders, entries).await;
    let mut deletions = Vec::with_capacity(entries.len());
    for (entry, led) in entries {
        deletions.push(async move {
            let outcome = match led {
                Ok(_) if context.is_late() => Err(ErrorCode::RequestTimedOut),
                Ok(led) => tokio::select! {
                    biased;
                    outcome = delete(&led, entry.requested) => outcome,
                    () = context.ended() => Err(ErrorCode::RequestTimedOut),
                },
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

/// The error of all of a topic's partitions.
fn refused(context: &RequestContext, topic: &str) -> Option<ErrorCode> {
    if !context.allows(Operation::Delete, Resource::Topic(topic)) {
        Some(ErrorCode::TopicAuthorizationFailed)
    } else if valid_name(topic).is_ok_and(|name| name.is_internal()) {
        Some(ErrorCode::InvalidTopic)
    } else {
        None
    }
}

impl NamesPartition for DeleteRecordsPartition {
    fn partition(&self) -> i32 {
        self.partition_index
    }
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
