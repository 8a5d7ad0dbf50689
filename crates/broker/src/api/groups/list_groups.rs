//! ListGroups: the groups that this broker coordinates; clients ask every broker.
//!
//! A client that may not describe the cluster gets the groups that it may describe. Filters are
//! names in any case; unknown ones match nothing. While a partition of groups is being loaded the
//! list is incomplete, with error COORDINATOR_LOAD_IN_PROGRESS.

use milena_coordinator::groups::ListFilter;
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        list_groups_request::ListGroupsRequest,
        list_groups_response::{ListGroupsResponse, ListedGroup},
    },
};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[(4, "a filter by state (KIP-518)"), (5, "a filter by type (KIP-848)")],
    computes: true,
    ..ApiDefinition::new(ApiKey::ListGroups, 0..=5)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    let names =
        |filter: Vec<KString>| filter.into_iter().map(|name| name.as_str().to_owned()).collect();
    let filter =
        ListFilter { states: names(request.states_filter), types: names(request.types_filter) };
    let (groups, loading) = apis.groups.list(&filter);
    let all = context.allows(Operation::Describe, Resource::Cluster);
    let visible = groups.into_iter().filter(|group| {
        all || context.allows(Operation::Describe, Resource::Group(group.group.as_str()))
    });
    let groups = visible.map(|group| ListedGroup {
        group_id: group.group.as_str().into(),
        protocol_type: (&*group.protocol_type).into(),
        group_state: KString::from_static(group.state.name()),
        group_type: KString::from_static("classic"),
    });
    let error = if loading { ErrorCode::CoordinatorLoadInProgress } else { ErrorCode::None };
    ListGroupsResponse { error_code: error.code(), groups: groups.collect(), ..Default::default() }
}
