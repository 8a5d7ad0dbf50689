//! Heartbeat: a member is alive, and learns of a rebalance by REBALANCE_IN_PROGRESS. While the
//! group is being loaded every heartbeat succeeds: sessions restart after it.
//!
//! Errors: UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID,
//! INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, and those of coordinators.

use milena_coordinator::groups::{self, Generation, GroupError, MemberId};
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{heartbeat_request::HeartbeatRequest, heartbeat_response::HeartbeatResponse},
};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    errors::ToErrorCode,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[(3, "static members (KIP-345)")],
    ..ApiDefinition::new(ApiKey::Heartbeat, 0..=4)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: HeartbeatRequest,
) -> HeartbeatResponse {
    let error = heartbeat(context, apis, &request).await.err().unwrap_or(ErrorCode::None);
    HeartbeatResponse { error_code: error.code(), ..Default::default() }
}

async fn heartbeat(
    context: &RequestContext,
    apis: &GroupApis,
    request: &HeartbeatRequest,
) -> Result<(), ErrorCode> {
    if !context.allows(Operation::Read, Resource::Group(&request.group_id)) {
        return Err(ErrorCode::GroupAuthorizationFailed);
    }
    if request.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let heartbeat = groups::HeartbeatRequest {
        group: request.group_id.as_str().into(),
        member: MemberId::parse(&request.member_id),
        instance: request.group_instance_id.as_ref().map(|id| id.as_str().into()),
        generation: Generation(request.generation_id),
    };
    match apis.groups.heartbeat(context, heartbeat).await {
        Ok(()) | Err(GroupError::CoordinatorLoadInProgress) => Ok(()),
        Err(error) => Err(error.error_code()),
    }
}
