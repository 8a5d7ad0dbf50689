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
    entry_turns::EntryTurns,
    leadership::resolve::{LeaderNode, reachable_leader},
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
    let topic = match request.key_type {
        GROUP => apis.topics.ensure_internal(CONSUMER_OFFSETS).await,
        _ => Ok(()),
    };
    let image = apis.images.current();
    let search = CoordinatorSearch { context, image: &image, key_type: request.key_type, topic };
    if context.api_version >= FIRST_VERSION_WITH_KEYS {
        let mut turns = EntryTurns::default();
        let mut coordinators = Vec::with_capacity(request.coordinator_keys.len());
        for key in request.coordinator_keys {
            turns.next().await;
            // As in Kafka, without a text for each key.
            coordinators.push(Coordinator { error_message: None, ..search.find(key) });
        }
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let found = search.find(request.key);
    FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: found.error_message,
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..Default::default()
    }
}

/// The look-up of the keys of one request, all in the same image.
struct CoordinatorSearch<'a> {
    context: &'a RequestContext,
    image: &'a MetadataImage,
    key_type: i8,
    /// Whether the topic exists that groups are in.
    topic: Result<(), ErrorCode>,
}

impl CoordinatorSearch<'_> {
    fn find(&self, key: KString) -> Coordinator {
        let allowed = |resource| self.context.allows(Operation::Describe, resource);
        let found = match self.key_type {
            GROUP if !allowed(Resource::Group(&key)) => Err(ErrorCode::GroupAuthorizationFailed),
            GROUP => self.find_group(&key).ok_or(ErrorCode::CoordinatorNotAvailable),
            TRANSACTION if !allowed(Resource::TransactionalId(&key)) => {
                Err(ErrorCode::TransactionalIdAuthorizationFailed)
            }
            TRANSACTION | SHARE => Err(ErrorCode::UnsupportedVersion),
            _ => Err(ErrorCode::InvalidRequest),
        };
        match found {
            Ok(leader) => Coordinator {
                key,
                node_id: leader.id.0,
                host: leader.host.into(),
                port: leader.port,
                ..Default::default()
            },
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

    fn find_group(&self, group: &str) -> Option<LeaderNode> {
        self.topic.ok()?;
        let topic = self.image.topic(CONSUMER_OFFSETS)?;
        let partition = topic.partition(partition_of(group, topic.partition_count()))?;
        reachable_leader(self.image, partition, self.context.listener())
    }
}
