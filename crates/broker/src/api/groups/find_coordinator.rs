//! FindCoordinator: which broker coordinates a group.
//!
//! A group's coordinator leads the partition of `__consumer_offsets` that the group is in; the
//! topic is created when it is first needed. A coordinator that is not alive is
//! COORDINATOR_NOT_AVAILABLE, after which clients retry. Transactions and share groups are not
//! served: their keys get UNSUPPORTED_VERSION, which clients report instead of retrying.

use milena_metadata::MetadataImage;
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        find_coordinator_request::FindCoordinatorRequest,
        find_coordinator_response::{Coordinator, FindCoordinatorResponse},
    },
};

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    coordinators::groups::partition_of,
    topics::internal::CONSUMER_OFFSETS,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    limits: "for groups",
    notes: &[
        (1, "kinds of keys; before, groups only (KIP-98)"),
        (4, "many keys at once (KIP-699)"),
    ],
    ..ApiDefinition::new(ApiKey::FindCoordinator, 0..=6)
};

/// The first version with many keys.
const FIRST_VERSION_WITH_KEYS: i16 = 4;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    if context.api_version >= FIRST_VERSION_WITH_KEYS {
        let mut coordinators = Vec::with_capacity(request.coordinator_keys.len());
        for key in request.coordinator_keys {
            coordinators.push(find(context, apis, request.key_type, key).await);
        }
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let found = find(context, apis, request.key_type, request.key).await;
    FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: found.error_message,
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..Default::default()
    }
}

async fn find(
    context: &RequestContext,
    apis: &GroupApis,
    key_type: i8,
    key: KString,
) -> Coordinator {
    let allowed = |resource| context.allows(Operation::Describe, resource);
    let found = match key_type {
        GROUP if !allowed(Resource::Group(&key)) => Err(ErrorCode::GroupAuthorizationFailed),
        GROUP => find_group(context, apis, &key).await,
        TRANSACTION if !allowed(Resource::TransactionalId(&key)) => {
            Err(ErrorCode::TransactionalIdAuthorizationFailed)
        }
        TRANSACTION | SHARE => Err(ErrorCode::UnsupportedVersion),
        _ => Err(ErrorCode::InvalidRequest),
    };
    match found {
        Ok((node_id, host, port)) => Coordinator { key, node_id, host, port, ..Default::default() },
        Err(error) => Coordinator {
            key,
            node_id: -1,
            port: -1,
            error_code: error.code(),
            error_message: Some(KString::from_static(error.message())),
            ..Default::default()
        },
    }
}

async fn find_group(
    context: &RequestContext,
    apis: &GroupApis,
    group: &str,
) -> Result<(i32, KString, i32), ErrorCode> {
    let unavailable = ErrorCode::CoordinatorNotAvailable;
    apis.topics.ensure_internal(CONSUMER_OFFSETS).await.map_err(|_| unavailable)?;
    leader(context, &apis.images.current(), group).ok_or(unavailable)
}

fn leader(
    context: &RequestContext,
    image: &MetadataImage,
    group: &str,
) -> Option<(i32, KString, i32)> {
    let topic = image.topic(CONSUMER_OFFSETS)?;
    let partition = topic.partition(partition_of(group, topic.partition_count()))?;
    let leader = image.live_leader(partition)?;
    let address = image.broker(leader)?.listener(context.listener())?;
    Some((leader.0, KString::from(&address.host), address.port.into()))
}
