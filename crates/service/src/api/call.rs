//! One call of an operation: the request, and the parts that handlers read.

use bytes::Bytes;
use http::{Method, StatusCode};
use milena_types::BrokerEpoch;
use serde::{Serialize, de::DeserializeOwned};

use super::{path::PathParameters, query::Query};
use crate::error::ApiError;

/// A request whose signature was accepted.
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    pub(crate) raw_path: String,
    pub(crate) raw_query: String,
    pub(crate) body: Bytes,
    /// The id that the response carries.
    pub(crate) request_id: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    /// JSON, unless the response has no body.
    pub(crate) body: Option<Vec<u8>>,
}

/// The return types of operations: a shape, which becomes the JSON body, or [`NoContent`].
pub(super) trait IntoResponse {
    fn into_response(self) -> Result<ApiResponse, ApiError>;
}

impl<T: Serialize> IntoResponse for T {
    fn into_response(self) -> Result<ApiResponse, ApiError> {
        let body =
            serde_json::to_vec(&self).map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(ApiResponse { status: StatusCode::OK, body: Some(body) })
    }
}

/// The response without a body.
pub(super) struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Result<ApiResponse, ApiError> {
        Ok(ApiResponse { status: StatusCode::NO_CONTENT, body: None })
    }
}

/// A request that was routed. The rows of the operations' table name its methods: the parameters of
/// the path by their names in the templates, and the parts of the request.
pub(super) struct Call<'a> {
    pub(super) path: PathParameters,
    pub(super) query: Query,
    pub(super) request: &'a ApiRequest,
}

impl Call<'_> {
    pub(super) fn cluster_arn(&self) -> Result<&str, ApiError> {
        self.path.text("clusterArn")
    }

    pub(super) fn cluster_operation_arn(&self) -> Result<&str, ApiError> {
        self.path.text("clusterOperationArn")
    }

    pub(super) fn arn(&self) -> Result<&str, ApiError> {
        self.path.text("arn")
    }

    pub(super) fn resource_arn(&self) -> Result<&str, ApiError> {
        self.path.text("resourceArn")
    }

    pub(super) fn topic_name(&self) -> Result<&str, ApiError> {
        self.path.text("topicName")
    }

    pub(super) fn broker_id(&self) -> Result<&str, ApiError> {
        self.path.text("brokerId")
    }

    pub(super) fn broker_epoch(&self) -> Result<BrokerEpoch, ApiError> {
        let epoch = self.path.text("epoch")?;
        epoch.parse().map(BrokerEpoch).map_err(|_| {
            ApiError::bad_request(format!(
                "'{epoch}' is not a broker epoch: give the number that is logged"
            ))
        })
    }

    pub(super) fn revision(&self) -> Result<i64, ApiError> {
        let number = self.path.text("revision")?;
        number.parse().map_err(|_| {
            ApiError::invalid("revision", format!("revision: '{number}' is not a whole number"))
        })
    }

    pub(super) fn path(&self) -> Result<&PathParameters, ApiError> {
        Ok(&self.path)
    }

    pub(super) fn query(&self) -> Result<&Query, ApiError> {
        Ok(&self.query)
    }

    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        read_body(&self.request.body)
    }

    pub(super) fn request_id(&self) -> Result<&str, ApiError> {
        Ok(&self.request.request_id)
    }
}

/// The body as a shape. An error names the member and the place in the text.
pub(super) fn read_body<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    // An array would be read as the members in order, which no client means.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::bad_request(
            "the request body is not the JSON it must be: an object was expected",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        // The reader's names for the whole, and for a place in it that it could not make out.
        if path == "." || path == "?" {
            ApiError::bad_request(format!("the request body is not the JSON it must be: {error}"))
        } else {
            let message =
                format!("the request body is not the JSON it must be, at {path}: {error}");
            ApiError::invalid(path, message)
        }
    })?;
    let rest = reader.end();
    rest.map_err(|error| {
        ApiError::bad_request(format!("the request body goes on after its JSON: {error}"))
    })?;
    Ok(parsed)
}
