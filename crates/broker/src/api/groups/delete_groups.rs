//! DeleteGroups (KIP-229): deletes groups without members, with their offsets. One result per
//! requested group.
//!
//! Errors: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, GROUP_AUTHORIZATION_FAILED, and those of
//! coordinators.

use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        delete_groups_request::DeleteGroupsRequest,
        delete_groups_response::{DeletableGroupResult, DeleteGroupsResponse},
    },
};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    coordinators::groups::code_of,
};

pub(crate) const API: ApiDefinition =
    ApiDefinition { computes: true, ..ApiDefinition::new(ApiKey::DeleteGroups, 0..=2) };

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let mut results = Vec::with_capacity(request.groups_names.len());
    for group_id in request.groups_names {
        let error_code = if context.allows(Operation::Delete, Resource::Group(&group_id)) {
            code_of(&apis.groups.delete(group_id.as_str().into()).await)
        } else {
            ErrorCode::GroupAuthorizationFailed.code()
        };
        results.push(DeletableGroupResult { group_id, error_code });
    }
    DeleteGroupsResponse { results, ..Default::default() }
}
