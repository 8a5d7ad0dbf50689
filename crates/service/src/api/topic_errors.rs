//! From a Kafka client's error to the API's error of a topic operation.

use milena_client::ClientError;
use milena_protocol::ErrorCode;

use crate::error::ApiError;

/// For the operations that change a topic.
pub(super) fn change_error(error: &ClientError) -> ApiError {
    let exception: fn(String) -> ApiError = match error {
        ClientError::TimedOut { .. } => ApiError::KafkaTimeout,
        ClientError::Connect { .. }
        | ClientError::Disconnected { .. }
        | ClientError::Awaited { .. }
        | ClientError::Closed => ApiError::ClusterConnectivity,
        ClientError::Broker { code, .. } => match code {
            ErrorCode::TopicAlreadyExists => ApiError::TopicExists,
            ErrorCode::UnknownTopicOrPartition => ApiError::UnknownTopicOrPartition,
            ErrorCode::RequestTimedOut => ApiError::KafkaTimeout,
            ErrorCode::NotController => ApiError::NotController,
            ErrorCode::StaleControllerEpoch => ApiError::ControllerMoved,
            ErrorCode::ReassignmentInProgress => ApiError::ReassignmentInProgress,
            ErrorCode::GroupSubscribedToTopic => ApiError::GroupSubscribedToTopic,
            ErrorCode::InvalidTopic
            | ErrorCode::InvalidPartitions
            | ErrorCode::InvalidReplicationFactor
            | ErrorCode::InvalidConfig
            | ErrorCode::InvalidRequest => ApiError::bad_request,
            _ => ApiError::KafkaRequest,
        },
        ClientError::Protocol(_)
        | ClientError::NotOffered { .. }
        | ClientError::Records { .. }
        | ClientError::NoBootstrap => ApiError::Internal,
    };
    exception(error.to_string())
}

/// For the operations that describe topics; these declare none of the topic exceptions.
pub(super) fn describe_error(error: &ClientError) -> ApiError {
    match error.code() {
        Some(ErrorCode::UnknownTopicOrPartition) => ApiError::NotFound(error.to_string()),
        Some(ErrorCode::InvalidTopic) => ApiError::bad_request(error.to_string()),
        _ => ApiError::Internal(error.to_string()),
    }
}
