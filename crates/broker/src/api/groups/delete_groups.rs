//! DeleteGroups (KIP-229): deletes groups without members, with their offsets. One result per
//! requested group.
//!
//! Errors: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, GROUP_AUTHORIZATION_FAILED, and those of
//! coordinators.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
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
    entry_turns::EntryTurns,
};

pub(crate) const API: ApiDefinition =
    ApiDefinition { computes: true, ..ApiDefinition::new(ApiKey::DeleteGroups, 0..=2) };

/// How many groups of one request are deleted at the same time: they share what is written.
const DELETING_MAX: usize = 64;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let mut turns = EntryTurns::default();
    let mut seen = HashSet::with_capacity(request.groups_names.len());
    let mut groups = Vec::with_capacity(request.groups_names.len());
    for group_id in request.groups_names {
        turns.next().await;
        if seen.insert(group_id.clone()) {
            groups.push(group_id);
        }
    }
    let delete = async |group_id: KString| {
        let error_code = if context.is_late() {
            ErrorCode::CoordinatorNotAvailable.code()
        } else if context.allows(Operation::Delete, Resource::Group(&group_id)) {
            code_of(&apis.groups.delete(context, group_id.as_str().into()).await)
        } else {
            ErrorCode::GroupAuthorizationFailed.code()
        };
        DeletableGroupResult { group_id, error_code }
    };
    let results = stream::iter(groups).map(delete).buffered(DELETING_MAX).collect().await;
    DeleteGroupsResponse { results, ..Default::default() }
}
