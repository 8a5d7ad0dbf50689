//! AlterPartitionReassignments (KIP-455): other replicas for partitions, or an end to the change.
//!
//! Nothing is copied. A partition whose leader stays a replica has its new replicas at once; one
//! whose leader is to go gets them when that leader has handed over, and is shown as under
//! reassignment until then. The response does not wait for it. Replicas null ends a reassignment
//! that is under way.
//!
//! Errors: CLUSTER_AUTHORIZATION_FAILED for all; of a partition UNKNOWN_TOPIC_OR_PARTITION,
//! NO_REASSIGNMENT_IN_PROGRESS, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, and
//! retriable ones while it changes.

use std::collections::{BTreeMap, HashSet};

use milena_metadata::{MetadataImage, PartitionChange, PartitionRecord};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        alter_partition_reassignments_request::{
            AlterPartitionReassignmentsRequest, ReassignablePartition,
        },
        alter_partition_reassignments_response::{
            AlterPartitionReassignmentsResponse, ReassignablePartitionResponse,
            ReassignableTopicResponse,
        },
    },
};
use milena_types::{BrokerId, PartitionIndex, TopicPartition};

use super::apis::ClusterApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::{ApiError, ToErrorCode},
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[(1, "the client may insist on the present number of replicas (KIP-860)")],
    computes: true,
    ..ApiDefinition::new(ApiKey::AlterPartitionReassignments, 0..=1)
};

/// How often a partition is decided on again when it changed meanwhile.
const ATTEMPTS: usize = 8;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ClusterApis,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let mut response = AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        ..Default::default()
    };
    if !context.allows(Operation::Alter, Resource::Cluster) {
        let error = ErrorCode::ClusterAuthorizationFailed;
        response.error_code = error.code();
        response.error_message = Some(KString::from_static(error.message()));
        return response;
    }
    context.narrow(request.timeout_ms);
    if let Err(error) = apis.fresh_image(context).await {
        response.error_code = error.code.code();
        response.error_message = error.message.map(Into::into);
        return response;
    }
    let mut turns = EntryTurns::default();
    for (name, partitions) in distinct(&request).await {
        let mut results = Vec::with_capacity(partitions.len());
        for (partition_index, requested) in partitions {
            turns.next().await;
            let any_factor = request.allow_replication_factor_change;
            let late = || Err(ApiError::with_kafkas_message(ErrorCode::RequestTimedOut));
            let outcome = if context.is_late() {
                late()
            } else {
                tokio::select! {
                    biased;
                    outcome = reassign(apis, name, requested, any_factor) => outcome,
                    () = context.ended() => late(),
                }
            };
            let (error_code, error_message) = match outcome {
                Ok(()) => (0, None),
                Err(error) => (error.code.code(), error.message.map(Into::into)),
            };
            results.push(ReassignablePartitionResponse {
                partition_index,
                error_code,
                error_message,
            });
        }
        let topic = ReassignableTopicResponse { name: name.clone(), partitions: results };
        response.responses.push(topic);
    }
    response
}

/// The requested partitions, each once: of those named again the last entry counts.
async fn distinct(
    request: &AlterPartitionReassignmentsRequest,
) -> BTreeMap<&KString, BTreeMap<i32, &ReassignablePartition>> {
    let mut turns = EntryTurns::default();
    let mut distinct: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for topic in &request.topics {
        let partitions = distinct.entry(&topic.name).or_default();
        for requested in &topic.partitions {
            turns.next().await;
            partitions.insert(requested.partition_index, requested);
        }
    }
    distinct
}

async fn reassign(
    apis: &ClusterApis,
    topic: &str,
    requested: &ReassignablePartition,
    any_factor: bool,
) -> Result<(), ApiError> {
    for _ in 0..ATTEMPTS {
        let image = apis.images.current();
        let Some(change) = change(&image, topic, requested, any_factor)? else { return Ok(()) };
        let partition = change.partition;
        let applied = apis.metadata.change_partitions(&[], &[change]).await;
        let applied =
            applied.map_err(|error| ApiError::new(error.error_code(), error.to_string()))?;
        let revision = if applied.partitions.is_empty() {
            // It changed after the image: wait for a newer one.
            let seen = apis.metadata.partition(partition.topic, partition.partition).await;
            let seen =
                seen.map_err(|error| ApiError::new(error.error_code(), error.to_string()))?;
            seen.map_or(image.revision(), |seen| seen.revision)
        } else {
            applied.revision
        };
        let stopping = || ApiError::with_kafkas_message(ErrorCode::CoordinatorNotAvailable);
        apis.images.wait_for(revision).await.map_err(|_| stopping())?;
        if !applied.partitions.is_empty() {
            return Ok(());
        }
    }
    Err(ApiError::new(ErrorCode::RequestTimedOut, "the partition changes all the time: try again"))
}

/// `None` where the partition is as requested already in an image that is not older than the request.
fn change(
    image: &MetadataImage,
    topic: &str,
    requested: &ReassignablePartition,
    any_factor: bool,
) -> Result<Option<PartitionChange>, ApiError> {
    let unknown = |what: String| ApiError::new(ErrorCode::UnknownTopicOrPartition, what);
    let found = image.topic(topic).ok_or_else(|| unknown("there is no such topic".to_owned()))?;
    let index = PartitionIndex(requested.partition_index);
    let partition = found.partition(index).ok_or_else(|| {
        unknown(format!("topic '{topic}' has no partition {}", requested.partition_index))
    })?;
    let mut record = PartitionRecord::from(partition);
    match &requested.replicas {
        None if record.reassignment.is_none() => {
            return Err(ApiError::with_kafkas_message(ErrorCode::NoReassignmentInProgress));
        }
        None => record.cancel_reassignment(),
        Some(replicas) => {
            let replicas: Vec<BrokerId> = replicas.iter().copied().map(BrokerId).collect();
            check(image, &replicas)?;
            let factor = record.replicas_to_stay().len();
            if !any_factor && replicas.len() != factor {
                let message = format!(
                    "{} replicas are assigned where there are {factor}: assign as many, or allow \
                     the number to change",
                    replicas.len()
                );
                return Err(ApiError::new(ErrorCode::InvalidReplicationFactor, message));
            }
            record.reassign(replicas, |id| image.is_serving(id) && !image.is_draining(id));
        }
    }
    let changed = record != PartitionRecord::from(partition);
    let id = TopicPartition { topic: found.id(), partition: index };
    Ok(changed.then_some(PartitionChange { partition: id, record }))
}

fn check(image: &MetadataImage, replicas: &[BrokerId]) -> Result<(), ApiError> {
    let invalid =
        |message: String| Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, message));
    if replicas.is_empty() {
        return invalid("the list of replicas is empty: name at least one broker".to_owned());
    }
    let mut seen = HashSet::new();
    for broker in replicas {
        if !seen.insert(broker) {
            return invalid(format!("broker {broker} is named twice: name each replica once"));
        }
        if !image.nodes().contains_key(broker) {
            return invalid(format!(
                "broker {broker} is not part of this cluster: name one that is"
            ));
        }
    }
    Ok(())
}
