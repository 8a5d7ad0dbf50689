//! OffsetDelete (KIP-496): deletes committed offsets of a group.
//!
//! Partitions of topics that the group's members subscribe to are GROUP_SUBSCRIBED_TO_TOPIC; a
//! partition without an offset succeeds. Errors of the whole: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP
//! (members that are not consumers), INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, and those of
//! coordinators. Of partitions also UNKNOWN_TOPIC_OR_PARTITION and TOPIC_AUTHORIZATION_FAILED.

use milena_coordinator::groups::OffsetKey;
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        offset_delete_request::{OffsetDeleteRequest, OffsetDeleteRequestTopic},
        offset_delete_response::{
            OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
        },
    },
};
use milena_types::PartitionIndex;

use super::apis::GroupApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    coordinators::groups::code_of,
    errors::ToErrorCode,
};

pub(crate) const API: ApiDefinition = ApiDefinition::new(ApiKey::OffsetDelete, 0..=0);

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &GroupApis,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let failed =
        |error: ErrorCode| OffsetDeleteResponse { error_code: error.code(), ..Default::default() };
    if !context.allows(Operation::Delete, Resource::Group(&request.group_id)) {
        return failed(ErrorCode::GroupAuthorizationFailed);
    }
    if request.group_id.is_empty() {
        return failed(ErrorCode::InvalidGroupId);
    }
    let found: Vec<Vec<Result<OffsetKey, ErrorCode>>> =
        request.topics.iter().map(|topic| find(context, apis, topic)).collect();
    let keys = found.iter().flatten().filter_map(|key| key.as_ref().ok().cloned()).collect();
    let mut outcomes =
        match apis.groups.delete_offsets(context, request.group_id.as_str().into(), keys).await {
            Ok(outcomes) => outcomes.into_iter(),
            Err(error) => return failed(error.error_code()),
        };
    let topics = request.topics.into_iter().zip(found).map(|(topic, found)| {
        let partitions = topic.partitions.iter().zip(found).map(|(partition, found)| {
            let error_code = match found {
                Ok(_) => {
                    outcomes.next().map_or(ErrorCode::None.code(), |outcome| code_of(&outcome))
                }
                Err(error) => error.code(),
            };
            OffsetDeleteResponsePartition { partition_index: partition.partition_index, error_code }
        });
        OffsetDeleteResponseTopic { partitions: partitions.collect(), name: topic.name }
    });
    OffsetDeleteResponse { topics: topics.collect(), ..Default::default() }
}

/// The partitions of a topic of the request, as offsets are kept under them.
fn find(
    context: &RequestContext,
    apis: &GroupApis,
    topic: &OffsetDeleteRequestTopic,
) -> Vec<Result<OffsetKey, ErrorCode>> {
    let allowed = context.allows(Operation::Read, Resource::Topic(&topic.name));
    let image = apis.images.current();
    let known = image.topic(&topic.name);
    let keys = topic.partitions.iter().map(|partition| {
        let index = PartitionIndex(partition.partition_index);
        if !allowed {
            return Err(ErrorCode::TopicAuthorizationFailed);
        }
        match known.filter(|known| known.partition(index).is_some()) {
            Some(known) => Ok((known.name().clone(), index)),
            None => Err(ErrorCode::UnknownTopicOrPartition),
        }
    });
    keys.collect()
}
