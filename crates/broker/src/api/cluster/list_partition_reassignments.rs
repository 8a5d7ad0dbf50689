//! ListPartitionReassignments (KIP-455): the partitions whose replicas are being changed.
//!
//! They are few and soon done: nothing is copied, so a reassignment lasts until the leader has
//! handed over. Requested partitions that are not under reassignment, or do not exist, are left out
//! of the response.
//!
//! Errors: CLUSTER_AUTHORIZATION_FAILED.

use std::collections::{BTreeMap, BTreeSet};

use milena_metadata::{PartitionImage, TopicImage};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        list_partition_reassignments_request::{
            ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
        },
        list_partition_reassignments_response::{
            ListPartitionReassignmentsResponse, OngoingPartitionReassignment,
            OngoingTopicReassignment,
        },
    },
};
use milena_types::{BrokerId, PartitionIndex};

use super::apis::ClusterApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    entry_turns::EntryTurns,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    computes: true,
    ..ApiDefinition::new(ApiKey::ListPartitionReassignments, 0..=0)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ClusterApis,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let mut response = ListPartitionReassignmentsResponse::default();
    if !context.allows(Operation::Describe, Resource::Cluster) {
        let error = ErrorCode::ClusterAuthorizationFailed;
        response.error_code = error.code();
        response.error_message = Some(KString::from_static(error.message()));
        return response;
    }
    let image = apis.images.current();
    match &request.topics {
        None => response.topics.extend(image.topics().filter_map(|topic| ongoing(topic, None))),
        Some(topics) => {
            let mut turns = EntryTurns::default();
            for (name, indexes) in distinct(topics).await {
                turns.next().await;
                let found = image.topic(name).and_then(|topic| ongoing(topic, Some(&indexes)));
                response.topics.extend(found);
            }
        }
    }
    response
}

/// The requested partitions, each once.
async fn distinct(
    topics: &[ListPartitionReassignmentsTopics],
) -> BTreeMap<&KString, BTreeSet<i32>> {
    let mut turns = EntryTurns::default();
    let mut distinct: BTreeMap<&KString, BTreeSet<i32>> = BTreeMap::new();
    for topic in topics {
        let indexes = distinct.entry(&topic.name).or_default();
        for index in &topic.partition_indexes {
            turns.next().await;
            indexes.insert(*index);
        }
    }
    distinct
}

fn ongoing(topic: &TopicImage, only: Option<&BTreeSet<i32>>) -> Option<OngoingTopicReassignment> {
    let partitions: Vec<_> = match only {
        None => topic
            .partitions()
            .filter_map(|(index, partition)| of_partition(index, partition))
            .collect(),
        Some(indexes) => {
            let requested = indexes.iter().map(|index| PartitionIndex(*index));
            requested.filter_map(|index| of_partition(index, topic.partition(index)?)).collect()
        }
    };
    (!partitions.is_empty())
        .then(|| OngoingTopicReassignment { name: topic.name().as_str().into(), partitions })
}

fn of_partition(
    index: PartitionIndex,
    partition: &PartitionImage,
) -> Option<OngoingPartitionReassignment> {
    let under_way = partition.reassignment.as_deref()?;
    let ids = |list: &[BrokerId]| list.iter().map(|id| id.0).collect();
    Some(OngoingPartitionReassignment {
        partition_index: index.0,
        replicas: ids(&partition.replicas),
        adding_replicas: ids(&under_way.adding),
        removing_replicas: ids(&under_way.removing),
    })
}
