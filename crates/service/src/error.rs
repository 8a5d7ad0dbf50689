//! Every error of the API, and the AWS exception that it is for a client.

use http::StatusCode;
use milena_metadata::MetadataError;
use milena_store::StoreError;

/// An exception of the MSK API. Its text goes to the caller: it names the next action and contains
/// no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The request cannot be carried out as it is.
    #[error("{message}")]
    BadRequest {
        /// The problem, and its remedy.
        message: String,
        /// The member at fault, as a path of wire names.
        parameter: Option<String>,
    },
    /// The signature was not accepted.
    #[error("{0}")]
    Unauthorized(String),
    /// Where requests need no signature: this one may come from a web page.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such resource.
    #[error("{0}")]
    NotFound(String),
    /// The path and method are no operation of this API.
    #[error("{0}")]
    UnknownOperation(String),
    /// The name is taken, or the resource is in another state than the call needs.
    #[error("{0}")]
    Conflict(String),
    /// A fault of the service or of its records.
    #[error("{0}")]
    Internal(String),
    /// Temporary, and nothing was changed: the same request may succeed later.
    #[error("{0}")]
    Unavailable(String),
    /// A topic operation: the name is taken.
    #[error("{0}")]
    TopicExists(String),
    /// A topic operation: there is no such topic.
    #[error("{0}")]
    UnknownTopicOrPartition(String),
    /// A topic operation: no broker could be reached.
    #[error("{0}")]
    ClusterConnectivity(String),
    /// A topic operation: a broker did not answer in time.
    #[error("{0}")]
    KafkaTimeout(String),
    /// A topic operation: the controller changed meanwhile.
    #[error("{0}")]
    ControllerMoved(String),
    /// A topic operation: the broker that was asked is not the controller.
    #[error("{0}")]
    NotController(String),
    /// A topic operation: the topic's replicas are being changed.
    #[error("{0}")]
    ReassignmentInProgress(String),
    /// A topic operation: a consumer group is subscribed to the topic.
    #[error("{0}")]
    GroupSubscribedToTopic(String),
    /// A topic operation: anything else that a broker refused.
    #[error("{0}")]
    KafkaRequest(String),
}

impl ApiError {
    /// For a request that is at fault as a whole.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::BadRequest { message: message.into(), parameter: None }
    }

    /// For one member at fault, which the message should name too.
    pub(crate) fn invalid(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest { message: message.into(), parameter: Some(parameter.into()) }
    }

    /// For an operation that declares no NotFoundException: the parameter is at fault instead.
    pub(crate) fn not_found_as_invalid(self, parameter: &str) -> Self {
        match self {
            Self::NotFound(message) => Self::invalid(parameter, message),
            other => other,
        }
    }

    /// HTTP status and exception name.
    pub(crate) fn exception(&self) -> (StatusCode, &'static str) {
        use StatusCode as Status;
        match self {
            Self::BadRequest { .. } => (Status::BAD_REQUEST, "BadRequestException"),
            Self::Unauthorized(_) => (Status::UNAUTHORIZED, "UnauthorizedException"),
            Self::Forbidden(_) => (Status::FORBIDDEN, "ForbiddenException"),
            Self::NotFound(_) => (Status::NOT_FOUND, "NotFoundException"),
            Self::UnknownOperation(_) => (Status::NOT_FOUND, "UnknownOperationException"),
            Self::Conflict(_) => (Status::CONFLICT, "ConflictException"),
            Self::Internal(_) => (Status::INTERNAL_SERVER_ERROR, "InternalServerErrorException"),
            Self::Unavailable(_) => (Status::SERVICE_UNAVAILABLE, "ServiceUnavailableException"),
            Self::TopicExists(_) => (Status::CONFLICT, "TopicExistsException"),
            Self::UnknownTopicOrPartition(_) => {
                (Status::NOT_FOUND, "UnknownTopicOrPartitionException")
            }
            Self::ClusterConnectivity(_) => (Status::CONFLICT, "ClusterConnectivityException"),
            Self::KafkaTimeout(_) => (Status::CONFLICT, "KafkaTimeoutException"),
            Self::ControllerMoved(_) => (Status::CONFLICT, "ControllerMovedException"),
            Self::NotController(_) => (Status::CONFLICT, "NotControllerException"),
            Self::ReassignmentInProgress(_) => {
                (Status::CONFLICT, "ReassignmentInProgressException")
            }
            Self::GroupSubscribedToTopic(_) => {
                (Status::CONFLICT, "GroupSubscribedToTopicException")
            }
            Self::KafkaRequest(_) => (Status::BAD_REQUEST, "KafkaRequestException"),
        }
    }

    /// The member at fault.
    pub(crate) fn parameter(&self) -> Option<&str> {
        match self {
            Self::BadRequest { parameter, .. } => parameter.as_deref(),
            _ => None,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSpace { .. } | StoreError::Unavailable { .. } | StoreError::Closed => {
                Self::Unavailable(error.to_string())
            }
            // Not unavailable: the change may have been applied, and the same request may then
            // fail, for instance with a conflict.
            StoreError::OutcomeUnknown { .. } => Self::Internal(error.to_string()),
            StoreError::Invalid { .. }
            | StoreError::LeaseNotFound(_)
            | StoreError::Corrupt { .. } => Self::Internal(error.to_string()),
        }
    }
}

impl From<MetadataError> for ApiError {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Store(error) => error.into(),
            MetadataError::Invalid(error) => StoreError::from(error).into(),
            other => Self::Internal(other.to_string()),
        }
    }
}
