//! LeaveGroup: members leave, or an administrator who names them by instance id removes them.
//!
//! Errors: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, and
//! those of coordinators.

use milena_coordinator::groups::{LeaveRequest, LeaveResult, LeavingMember, MemberId};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        leave_group_request::LeaveGroupRequest,
        leave_group_response::{LeaveGroupResponse, MemberResponse},
    },
};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    coordinators::groups::code_of,
    errors::ToErrorCode,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (
            3,
            "many members, each with its own error; before, one, whose error is the response's \
             (KIP-345)",
        ),
        (5, "a reason, which is logged (KIP-800)"),
    ],
    ..ApiDefinition::new(ApiKey::LeaveGroup, 0..=5)
};

/// The first version with many members.
const FIRST_VERSION_WITH_MEMBERS: i16 = 3;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    match leave(context, apis, &request).await {
        Err(error) => LeaveGroupResponse { error_code: error.code(), ..Default::default() },
        Ok(left) if context.api_version < FIRST_VERSION_WITH_MEMBERS => {
            let error_code =
                left.first().map_or(ErrorCode::None.code(), |left| code_of(&left.outcome));
            LeaveGroupResponse { error_code, ..Default::default() }
        }
        Ok(left) => {
            let members = left.into_iter().map(|left| MemberResponse {
                error_code: code_of(&left.outcome),
                member_id: left.leaving.member.map_or(KString::default(), |id| id.as_str().into()),
                group_instance_id: left.leaving.instance.map(|id| id.as_str().into()),
            });
            LeaveGroupResponse { members: members.collect(), ..Default::default() }
        }
    }
}

async fn leave(
    context: &RequestContext,
    apis: &GroupApis,
    request: &LeaveGroupRequest,
) -> Result<Vec<LeaveResult>, ErrorCode> {
    if !context.allows(Operation::Read, Resource::Group(&request.group_id)) {
        return Err(ErrorCode::GroupAuthorizationFailed);
    }
    if request.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let members = if context.api_version < FIRST_VERSION_WITH_MEMBERS {
        vec![LeavingMember { member: MemberId::parse(&request.member_id), instance: None }]
    } else {
        let members = request.members.iter().map(|leaving| {
            let reason = leaving.reason.as_deref().unwrap_or("not given");
            tracing::debug!(
                group = %request.group_id, member = %leaving.member_id, reason,
                "a member leaves"
            );
            LeavingMember {
                member: MemberId::parse(&leaving.member_id),
                instance: leaving.group_instance_id.as_ref().map(|id| id.as_str().into()),
            }
        });
        members.collect()
    };
    let request = LeaveRequest { group: request.group_id.as_str().into(), members };
    apis.groups.leave(context, request).await.map_err(|error| error.error_code())
}
