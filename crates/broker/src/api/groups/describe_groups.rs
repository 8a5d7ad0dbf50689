//! DescribeGroups: groups with their members and assignments, one result per requested group,
//! however often it is named.
//!
//! Metadata and assignments are there while a group is stable. Errors: GROUP_AUTHORIZATION_FAILED
//! and those of coordinators.

use std::collections::HashSet;

use milena_coordinator::groups::{self, GroupError, GroupState};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        describe_groups_request::DescribeGroupsRequest,
        describe_groups_response::{DescribeGroupsResponse, DescribedGroup, DescribedGroupMember},
    },
};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::{
        bounds::ResponseBytes,
        definition::ApiDefinition,
        handled::{Handled, IntoHandled as _},
    },
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ToErrorCode,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (3, "authorized operations if requested (KIP-430)"),
        (4, "instance ids (KIP-345)"),
        (
            6,
            "a group that does not exist is GROUP_ID_NOT_FOUND; before, in state `Dead` (KIP-1043)",
        ),
    ],
    computes: true,
    ..ApiDefinition::new(ApiKey::DescribeGroups, 0..=6)
};

const FIRST_VERSION_WITH_NOT_FOUND: i16 = 6;
/// The authorized operations were not requested.
const NO_OPERATIONS: i32 = i32::MIN;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: DescribeGroupsRequest,
) -> Handled {
    let mut turns = EntryTurns::default();
    let mut bytes = ResponseBytes::default();
    let mut seen = HashSet::with_capacity(request.groups.len());
    let mut described = Vec::with_capacity(request.groups.len());
    for group in request.groups {
        turns.next().await;
        if !seen.insert(group.clone()) {
            continue;
        }
        let mut entry = describe(context, apis, group).await;
        if request.include_authorized_operations && entry.error_code == ErrorCode::None.code() {
            let resource = Resource::Group(&entry.group_id);
            entry.authorized_operations = context.authorized_operations(Operation::GROUP, resource);
        }
        for member in &entry.members {
            bytes.add(member.member_metadata.len() + member.member_assignment.len());
        }
        if bytes.is_too_large() {
            return Handled::too_large(context);
        }
        described.push(entry);
    }
    DescribeGroupsResponse { groups: described, ..Default::default() }.into_handled(context)
}

async fn describe(context: &RequestContext, apis: &GroupApis, group_id: KString) -> DescribedGroup {
    let empty = DescribedGroup { authorized_operations: NO_OPERATIONS, ..Default::default() };
    if !context.allows(Operation::Describe, Resource::Group(&group_id)) {
        return DescribedGroup {
            error_code: ErrorCode::GroupAuthorizationFailed.code(),
            group_id,
            ..empty
        };
    }
    match apis.groups.describe(context, group_id.as_str().into()).await {
        Ok(group) => DescribedGroup {
            group_id,
            group_state: KString::from_static(group.state.name()),
            protocol_type: (&*group.protocol_type).into(),
            protocol_data: (&*group.protocol).into(),
            members: group.members.into_iter().map(member).collect(),
            ..empty
        },
        Err(GroupError::GroupIdNotFound) => {
            let known = context.api_version < FIRST_VERSION_WITH_NOT_FOUND;
            let error = if known { ErrorCode::None } else { ErrorCode::GroupIdNotFound };
            DescribedGroup {
                error_code: error.code(),
                error_message: (!known)
                    .then(|| KString::from(format!("group {group_id} does not exist"))),
                group_id,
                group_state: KString::from_static(GroupState::Dead.name()),
                ..empty
            }
        }
        Err(error) => DescribedGroup { error_code: error.error_code().code(), group_id, ..empty },
    }
}

fn member(member: groups::DescribedMember) -> DescribedGroupMember {
    DescribedGroupMember {
        member_id: member.member.as_str().into(),
        group_instance_id: member.instance.map(|id| id.as_str().into()),
        client_id: (&*member.client_id).into(),
        client_host: (&*member.client_host).into(),
        member_metadata: member.metadata,
        member_assignment: member.assignment,
    }
}
