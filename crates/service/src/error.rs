//! The one table from what went wrong to the exception that AWS clients know.

use http::StatusCode;
use milena_metadata::{MetadataError, StoreError};

use crate::api::topic_errors::KafkaException;

/// An exception of the MSK API. Its text goes to the caller: it says what to do next and holds no
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The request cannot be carried out as it is.
    #[error("{message}")]
    BadRequest {
        /// What is wrong and what to do.
        message: String,
        /// The member at fault, as a path of wire names.
        parameter: Option<String>,
    },
    /// The signature was not accepted.
    #[error("{0}")]
    Unauthorized(String),
    /// There is no such resource.
    #[error("{0}")]
    NotFound(String),
    /// The path and method are no operation of this API.
    #[error("{0}")]
    UnknownOperation(String),
    /// The name is taken, or the resource is in another state than the call needs.
    #[error("{0}")]
    Conflict(String),
    /// A broker could not be reached, or refused what a topic operation asked of it.
    #[error("{message}")]
    Kafka {
        /// Which of the exceptions of topic operations it is.
        exception: KafkaException,
        /// What the broker said, or what kept it from saying something.
        message: String,
    },
    /// Something that must not happen did.
    #[error("{0}")]
    Internal(String),
    /// It cannot be done at the moment; the same request may work later.
    #[error("{0}")]
    Unavailable(String),
}

impl ApiError {
    /// A request that is refused as a whole.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::BadRequest { message: message.into(), parameter: None }
    }

    /// A request that is refused for one member, which the message should name too.
    pub(crate) fn invalid(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest { message: message.into(), parameter: Some(parameter.into()) }
    }

    /// HTTP status and exception name.
    pub(crate) fn exception(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest { .. } => (StatusCode::BAD_REQUEST, "BadRequestException"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "UnauthorizedException"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "NotFoundException"),
            Self::UnknownOperation(_) => (StatusCode::NOT_FOUND, "UnknownOperationException"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "ConflictException"),
            Self::Kafka { exception, .. } => exception.exception(),
            Self::Internal(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerErrorException")
            }
            Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException")
            }
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
            StoreError::Invalid { .. }
            | StoreError::LeaseNotFound(_)
            | StoreError::OutcomeUnknown { .. }
            | StoreError::Corrupt { .. } => Self::Internal(error.to_string()),
        }
    }
}

/// What a cluster's metadata did not do.
pub(crate) fn from_metadata(error: MetadataError) -> ApiError {
    match error {
        MetadataError::Store(error) => error.into(),
        other => ApiError::Internal(other.to_string()),
    }
}
