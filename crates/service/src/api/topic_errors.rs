//! The one table from what a broker answers to the exceptions of the topic operations.

use http::StatusCode;
use milena_client::ClientError;
use milena_protocol::ErrorCode;

use crate::error::ApiError;

/// An exception that only topic operations have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaException {
    /// There is such a topic already.
    TopicExists,
    /// There is no such topic.
    UnknownTopicOrPartition,
    /// No broker could be reached.
    ClusterConnectivity,
    /// A broker did not answer in time.
    KafkaTimeout,
    /// The controller changed meanwhile.
    ControllerMoved,
    /// The broker that was asked is not the controller.
    NotController,
    /// The topic's replicas are being changed.
    ReassignmentInProgress,
    /// A group reads the topic.
    GroupSubscribedToTopic,
    /// Anything else that a broker refused.
    KafkaRequest,
}

impl KafkaException {
    pub(crate) fn exception(self) -> (StatusCode, &'static str) {
        match self {
            Self::TopicExists => (StatusCode::CONFLICT, "TopicExistsException"),
            Self::UnknownTopicOrPartition => {
                (StatusCode::NOT_FOUND, "UnknownTopicOrPartitionException")
            }
            Self::ClusterConnectivity => (StatusCode::CONFLICT, "ClusterConnectivityException"),
            Self::KafkaTimeout => (StatusCode::CONFLICT, "KafkaTimeoutException"),
            Self::ControllerMoved => (StatusCode::CONFLICT, "ControllerMovedException"),
            Self::NotController => (StatusCode::CONFLICT, "NotControllerException"),
            Self::ReassignmentInProgress => {
                (StatusCode::CONFLICT, "ReassignmentInProgressException")
            }
            Self::GroupSubscribedToTopic => {
                (StatusCode::CONFLICT, "GroupSubscribedToTopicException")
            }
            Self::KafkaRequest => (StatusCode::BAD_REQUEST, "KafkaRequestException"),
        }
    }
}

/// What a change of a topic answers.
pub(crate) fn of_change(error: &ClientError) -> ApiError {
    use KafkaException as K;
    let message = error.to_string();
    let exception = match error {
        ClientError::TimedOut { .. } => K::KafkaTimeout,
        ClientError::Connect { .. }
        | ClientError::Disconnected { .. }
        | ClientError::Awaited { .. }
        | ClientError::Closed => K::ClusterConnectivity,
        ClientError::Broker { code, .. } => match code {
            ErrorCode::TopicAlreadyExists => K::TopicExists,
            ErrorCode::UnknownTopicOrPartition => K::UnknownTopicOrPartition,
            ErrorCode::RequestTimedOut => K::KafkaTimeout,
            ErrorCode::NotController => K::NotController,
            ErrorCode::StaleControllerEpoch => K::ControllerMoved,
            ErrorCode::ReassignmentInProgress => K::ReassignmentInProgress,
            ErrorCode::GroupSubscribedToTopic => K::GroupSubscribedToTopic,
            ErrorCode::InvalidTopic
            | ErrorCode::InvalidPartitions
            | ErrorCode::InvalidReplicationFactor
            | ErrorCode::InvalidConfig
            | ErrorCode::InvalidRequest => return ApiError::bad_request(message),
            _ => K::KafkaRequest,
        },
        ClientError::Protocol(_)
        | ClientError::NotOffered { .. }
        | ClientError::Records { .. }
        | ClientError::NoBootstrap => return ApiError::Internal(message),
    };
    ApiError::Kafka { exception, message }
}

/// What a look at topics answers; these operations declare none of the exceptions above.
pub(crate) fn of_look(error: &ClientError) -> ApiError {
    match error.code() {
        Some(ErrorCode::UnknownTopicOrPartition) => ApiError::NotFound(error.to_string()),
        Some(ErrorCode::InvalidTopic) => ApiError::bad_request(error.to_string()),
        _ => ApiError::Internal(error.to_string()),
    }
}
