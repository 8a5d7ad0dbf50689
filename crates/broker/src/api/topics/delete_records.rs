//! DeleteRecords (KIP-107): moves the log start of partitions up and deletes the records before it.
//!
//! Offset -1 means the high watermark. An offset before the log start changes nothing and is no
//! error. The response has the log start (`low_watermark`), -1 with an error.
//!
//! Errors of a partition: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE
//! (beyond the high watermark or below -1), POLICY_VIOLATION (the topic is compacted and deletes
//! nothing), INVALID_TOPIC_EXCEPTION (Kafka's own topics), TOPIC_AUTHORIZATION_FAILED,
//! KAFKA_STORAGE_ERROR.

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
use milena_types::{Offset, PartitionIndex};

use super::apis::TopicApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    topic_ref::TopicRef,
    topics::valid_name,
};

pub(crate) const API: ApiDefinition =
    ApiDefinition { computes: true, ..ApiDefinition::new(ApiKey::DeleteRecords, 0..=2) };

/// "Up to the high watermark".
const HIGH_WATERMARK: i64 = -1;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &TopicApis,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let allowed = context.allows(Operation::Delete, Resource::Topic(&topic.name));
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for requested in &topic.partitions {
            let outcome = if allowed {
                delete(apis, &topic.name, requested).await
            } else {
                Err(ErrorCode::TopicAuthorizationFailed)
            };
            let (low_watermark, error_code) = match outcome {
                Ok(log_start) => (log_start.raw(), 0),
                Err(error) => (-1, error.code()),
            };
            let partition_index = requested.partition_index;
            partitions.push(DeleteRecordsPartitionResult {
                partition_index,
                low_watermark,
                error_code,
            });
        }
        topics.push(DeleteRecordsTopicResult { name: topic.name.clone(), partitions });
    }
    DeleteRecordsResponse { throttle_time_ms: 0, topics }
}

async fn delete(
    apis: &TopicApis,
    topic: &str,
    requested: &DeleteRecordsPartition,
) -> Result<Offset, ErrorCode> {
    if valid_name(topic).is_ok_and(|name| name.is_internal()) {
        return Err(ErrorCode::InvalidTopic);
    }
    let led =
        apis.leaders.find(TopicRef::Name(topic), PartitionIndex(requested.partition_index))?;
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
                %topic, partition = requested.partition_index, %error,
                "records were not deleted"
            );
            ErrorCode::KafkaStorageError
        }
    })
}
