//! JoinGroup: a member joins, or joins again, and waits until its generation is formed.
//!
//! Errors: INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, UNKNOWN_MEMBER_ID,
//! INCONSISTENT_GROUP_PROTOCOL, GROUP_MAX_SIZE_REACHED, FENCED_INSTANCE_ID,
//! GROUP_AUTHORIZATION_FAILED, and those of coordinators.

use bytes::Bytes;
use milena_coordinator::groups::{
    JoinError, JoinRequest, JoinResponse, MEMBER_BYTES_MAX, MemberId, Protocol,
};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        join_group_request::JoinGroupRequest,
        join_group_response::{JoinGroupResponse, JoinGroupResponseMember},
    },
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
        (1, "a rebalance timeout of its own; before, the session timeout is both (KIP-62)"),
        (4, "a new dynamic member gets its id first: MEMBER_ID_REQUIRED (KIP-394)"),
        (5, "static members (KIP-345)"),
        (7, "the protocol type, and null protocols next to an error (KIP-559)"),
        (8, "a reason, which is logged (KIP-800)"),
        (9, "a returning static leader may skip the assignment (KIP-814)"),
    ],
    time_max: None,
    ..ApiDefinition::new(ApiKey::JoinGroup, 0..=9)
};

const FIRST_VERSION_WITH_REQUIRED_MEMBER_ID: i16 = 4;
const FIRST_VERSION_WITH_PROTOCOL_TYPE: i16 = 7;
const FIRST_VERSION_WITH_SKIPPED_ASSIGNMENT: i16 = 9;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    if !context.allows(Operation::Read, Resource::Group(&request.group_id)) {
        return failed(context, ErrorCode::GroupAuthorizationFailed, request.member_id);
    }
    if let Some(reason) = &request.reason {
        tracing::debug!(
            group = %request.group_id, member = %request.member_id, %reason,
            "a member joins"
        );
    }
    let member_id = KString::from(request.member_id.as_str());
    if bytes_of(&request) > MEMBER_BYTES_MAX {
        return failed(context, ErrorCode::GroupMaxSizeReached, member_id);
    }
    let join = join_request(context, apis, &request);
    // The group counts what it keeps of it, which may be for long.
    drop(request);
    context.release_received();
    context.release_decoded();
    match apis.groups.join(context, join).await {
        Ok(joined) => response(joined),
        Err(JoinError { error, member }) => {
            let member = member.map_or(KString::default(), |member| member.as_str().into());
            failed(context, error.error_code(), member)
        }
    }
}

/// The bytes of the member's protocols, as groups count them.
fn bytes_of(request: &JoinGroupRequest) -> usize {
    let protocols = request.protocols.iter();
    protocols.map(|protocol| Protocol::bytes_of(&protocol.name, &protocol.metadata)).sum()
}

/// The request with everything that outlives it copied: members are kept, requests are not.
fn join_request(
    context: &RequestContext,
    apis: &GroupApis,
    request: &JoinGroupRequest,
) -> JoinRequest {
    let protocols = request.protocols.iter().map(|protocol| Protocol {
        name: protocol.name.as_str().into(),
        metadata: Bytes::copy_from_slice(&protocol.metadata),
    });
    JoinRequest {
        group: request.group_id.as_str().into(),
        member: MemberId::parse(&request.member_id),
        instance: request.group_instance_id.as_ref().map(|id| id.as_str().into()),
        client_id: context.client_id.as_str().into(),
        client_host: format!("/{}", context.client_address().ip()).into(),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: match request.rebalance_timeout_ms {
            ..0 => request.session_timeout_ms,
            ms => ms,
        },
        protocol_type: request.protocol_type.as_str().into(),
        protocols: protocols.collect(),
        member_id_required: context.api_version >= FIRST_VERSION_WITH_REQUIRED_MEMBER_ID,
        can_skip_assignment: context.api_version >= FIRST_VERSION_WITH_SKIPPED_ASSIGNMENT,
        fresh: apis.runtime.random_u128(),
    }
}

fn response(joined: JoinResponse) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|member| JoinGroupResponseMember {
        member_id: member.member.as_str().into(),
        group_instance_id: member.instance.map(|id| id.as_str().into()),
        metadata: member.metadata,
    });
    JoinGroupResponse {
        generation_id: joined.generation.0,
        protocol_type: Some((&*joined.protocol_type).into()),
        protocol_name: Some((&*joined.protocol).into()),
        leader: joined.leader.as_str().into(),
        skip_assignment: joined.skip_assignment,
        member_id: joined.member.as_str().into(),
        members: members.collect(),
        ..Default::default()
    }
}

fn failed(context: &RequestContext, error: ErrorCode, member_id: KString) -> JoinGroupResponse {
    let nullable = context.api_version >= FIRST_VERSION_WITH_PROTOCOL_TYPE;
    JoinGroupResponse {
        error_code: error.code(),
        generation_id: -1,
        protocol_name: (!nullable).then(KString::default),
        member_id,
        ..Default::default()
    }
}
