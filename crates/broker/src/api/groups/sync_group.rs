//! SyncGroup: a member gets its assignment; the leader's request has those of all members.
//!
//! A group that is still being loaded is REBALANCE_IN_PROGRESS: clients then join again, and older
//! ones know no other error that would make them.
//!
//! Errors: UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
//! INCONSISTENT_GROUP_PROTOCOL, FENCED_INSTANCE_ID, INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED,
//! and those of coordinators.

use bytes::Bytes;
use milena_coordinator::groups::{
    GROUP_BYTES_MAX, Generation, GroupError, MemberId, SyncRequest, assigned_bytes,
};
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{sync_group_request::SyncGroupRequest, sync_group_response::SyncGroupResponse},
};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    errors::ToErrorCode,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (3, "static members (KIP-345)"),
        (5, "protocol type and name are checked, and returned (KIP-559)"),
    ],
    time_max: None,
    ..ApiDefinition::new(ApiKey::SyncGroup, 0..=5)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: SyncGroupRequest,
) -> SyncGroupResponse {
    let failed =
        |error: ErrorCode| SyncGroupResponse { error_code: error.code(), ..Default::default() };
    if !context.allows(Operation::Read, Resource::Group(&request.group_id)) {
        return failed(ErrorCode::GroupAuthorizationFailed);
    }
    if request.group_id.is_empty() {
        return failed(ErrorCode::InvalidGroupId);
    }
    let assigned = request.assignments.iter();
    let assigned = assigned.map(|given| assigned_bytes(&given.member_id, &given.assignment));
    if assigned.sum::<usize>() > GROUP_BYTES_MAX {
        return failed(ErrorCode::GroupMaxSizeReached);
    }
    let sync = sync_request(&request);
    // The group counts what it keeps of it, which may be for long.
    drop(request);
    context.release_received();
    context.release_decoded();
    match apis.groups.sync(context, sync).await {
        Ok(synced) => SyncGroupResponse {
            protocol_type: Some((&*synced.protocol_type).into()),
            protocol_name: Some((&*synced.protocol).into()),
            assignment: synced.assignment,
            ..Default::default()
        },
        Err(GroupError::CoordinatorLoadInProgress) => failed(ErrorCode::RebalanceInProgress),
        Err(error) => failed(error.error_code()),
    }
}

fn sync_request(request: &SyncGroupRequest) -> SyncRequest {
    let assignments = request.assignments.iter().filter_map(|given| {
        let assignment = Bytes::copy_from_slice(&given.assignment);
        Some((MemberId::parse(&given.member_id)?, assignment))
    });
    SyncRequest {
        group: request.group_id.as_str().into(),
        member: MemberId::parse(&request.member_id),
        instance: request.group_instance_id.as_ref().map(|id| id.as_str().into()),
        generation: Generation(request.generation_id),
        protocol_type: request.protocol_type.as_ref().map(|name| name.as_str().into()),
        protocol: request.protocol_name.as_ref().map(|name| name.as_str().into()),
        assignments: assignments.collect(),
    }
}
