//! InitProducerId: an id for an idempotent producer, new for every call, with epoch 0.
//!
//! As in Kafka, a producer without a transactional id gets a new id even if it names the one it
//! had. Transactional ids are not served yet: they get UNSUPPORTED_VERSION, which clients report
//! instead of retrying.

use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        init_producer_id_request::InitProducerIdRequest,
        init_producer_id_response::InitProducerIdResponse,
    },
};

use super::apis::TransactionApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    errors::ToErrorCode,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    limits: "for idempotent producers, without transactions",
    ..ApiDefinition::new(ApiKey::InitProducerId, 0..=6)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &TransactionApis,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let failed = |error: ErrorCode| InitProducerIdResponse {
        error_code: error.code(),
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    match request.transactional_id.as_deref() {
        Some("") => return failed(ErrorCode::InvalidRequest),
        Some(_) => return failed(ErrorCode::UnsupportedVersion),
        None => {}
    }
    if !context.allows(Operation::IdempotentWrite, Resource::Cluster) {
        return failed(ErrorCode::ClusterAuthorizationFailed);
    }
    match apis.producer_ids.next().await {
        Ok(id) => InitProducerIdResponse {
            producer_id: id.raw(),
            producer_epoch: 0,
            ..Default::default()
        },
        Err(error) => {
            tracing::warn!(%error, "no block of producer ids could be had");
            failed(match error.error_code() {
                // Retriable for producers of every age.
                ErrorCode::RequestTimedOut | ErrorCode::NotController => {
                    ErrorCode::CoordinatorNotAvailable
                }
                other => other,
            })
        }
    }
}
