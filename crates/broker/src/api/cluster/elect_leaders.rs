//! ElectLeaders: another leader for partitions, now.
//!
//! A *preferred* election makes the first replica the leader: the present leader is asked to hand
//! over to it, and the response follows when it has, or with REQUEST_TIMED_OUT. An *unclean* one is
//! for partitions that have no leader; here no replica can lack records, so it means waiting until
//! the controller has moved the leaders of a broker that is gone. Without a list all partitions are
//! meant, and those that have the right leader are left out of the response.
//!
//! Errors: CLUSTER_AUTHORIZATION_FAILED and INVALID_REQUEST (an unknown type) for all; of a
//! partition UNKNOWN_TOPIC_OR_PARTITION, ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE,
//! ELIGIBLE_LEADERS_NOT_AVAILABLE, REQUEST_TIMED_OUT.

use std::{collections::HashSet, sync::Arc, time::Duration};

use milena_metadata::{MetadataImage, PartitionChange, PartitionImage, PartitionRecord};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        elect_leaders_request::ElectLeadersRequest,
        elect_leaders_response::{ElectLeadersResponse, PartitionResult, ReplicaElectionResult},
    },
};
use milena_types::{PartitionIndex, TopicPartition};

use super::apis::ClusterApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    errors::ToErrorCode,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[(1, "unclean elections (KIP-460)")],
    computes: true,
    ..ApiDefinition::new(ApiKey::ElectLeaders, 0..=2)
};

/// The longest that a client may let this wait.
const WAIT_MAX: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Election {
    Preferred,
    Unclean,
}

/// A partition of a request, and its result so far.
struct RequestedElection {
    topic: KString,
    partition: i32,
    outcome: Result<TopicPartition, ErrorCode>,
}

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ClusterApis,
    request: ElectLeadersRequest,
) -> ElectLeadersResponse {
    let failed = |error: ErrorCode| ElectLeadersResponse {
        error_code: error.code(),
        ..ElectLeadersResponse::default()
    };
    let election = match request.election_type {
        0 => Election::Preferred,
        1 => Election::Unclean,
        _ => return failed(ErrorCode::InvalidRequest),
    };
    if !context.allows(Operation::Alter, Resource::Cluster) {
        return failed(ErrorCode::ClusterAuthorizationFailed);
    }
    let image = apis.images.current();
    let everything = request.topic_partitions.is_none();
    let mut elections = elections(&image, request.topic_partitions);
    for one in &mut elections {
        one.outcome = one.outcome.and_then(|id| needs_election(&image, id, election).map(|()| id));
    }
    if everything {
        elections.retain(|one| one.outcome != Err(ErrorCode::ElectionNotNeeded));
    }
    let partitions: Vec<TopicPartition> =
        elections.iter().filter_map(|one| one.outcome.ok()).collect();
    let timeout =
        Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0)).min(WAIT_MAX);
    let outcome = elect(apis, &image, &partitions, election, timeout).await;
    let late = |id: TopicPartition| match &outcome {
        Ok(late) if late.contains(&id) => Err(ErrorCode::RequestTimedOut),
        Ok(_) => Ok(id),
        Err(error) => Err(*error),
    };
    elections.iter_mut().for_each(|one| one.outcome = one.outcome.and_then(late));
    respond(elections)
}

fn elections(
    image: &MetadataImage,
    topics: Option<Vec<milena_protocol::messages::elect_leaders_request::TopicPartitions>>,
) -> Vec<RequestedElection> {
    let Some(topics) = topics else {
        let all = image.topics().flat_map(|topic| {
            topic.partitions().map(|(partition, _)| RequestedElection {
                topic: topic.name().as_str().into(),
                partition: partition.0,
                outcome: Ok(TopicPartition { topic: topic.id(), partition }),
            })
        });
        return all.collect();
    };
    let known = |topic: &str, partition: i32| {
        let found = image.topic(topic)?;
        found.partition(PartitionIndex(partition))?;
        Some(TopicPartition { topic: found.id(), partition: PartitionIndex(partition) })
    };
    let of_topic = topics.into_iter().flat_map(|topic| {
        let name = KString::from(topic.topic.as_str());
        topic.partitions.into_iter().map(move |partition| (name.clone(), partition))
    });
    let elections = of_topic.map(|(topic, partition)| {
        let outcome = known(&topic, partition).ok_or(ErrorCode::UnknownTopicOrPartition);
        RequestedElection { topic, partition, outcome }
    });
    elections.collect()
}

fn needs_election(
    image: &MetadataImage,
    id: TopicPartition,
    election: Election,
) -> Result<(), ErrorCode> {
    let partition = image.partition(id).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    match election {
        Election::Preferred => match partition.replicas.first() {
            Some(first) if image.live_leader(partition) == Some(*first) => {
                Err(ErrorCode::ElectionNotNeeded)
            }
            Some(first) if image.is_serving(*first) => Ok(()),
            _ => Err(ErrorCode::PreferredLeaderNotAvailable),
        },
        Election::Unclean if image.live_leader(partition).is_some() => {
            Err(ErrorCode::ElectionNotNeeded)
        }
        Election::Unclean if image.brokers().keys().any(|id| image.is_serving(*id)) => Ok(()),
        Election::Unclean => Err(ErrorCode::EligibleLeadersNotAvailable),
    }
}

/// Sets the leaders that are wanted and waits for them. Returns the partitions that had none in
/// time.
async fn elect(
    apis: &ClusterApis,
    image: &Arc<MetadataImage>,
    partitions: &[TopicPartition],
    election: Election,
    timeout: Duration,
) -> Result<HashSet<TopicPartition>, ErrorCode> {
    if partitions.is_empty() {
        return Ok(HashSet::new());
    }
    if election == Election::Preferred {
        let changes = partitions.iter().filter_map(|id| {
            let partition = image.partition(*id)?;
            let wanted_leader = partition.replicas.first().copied();
            let record = PartitionRecord { wanted_leader, ..PartitionRecord::from(partition) };
            (partition.wanted_leader != wanted_leader)
                .then_some(PartitionChange { partition: *id, record })
        });
        let changes: Vec<PartitionChange> = changes.collect();
        apis.metadata.change_partitions(&[], &changes).await.map_err(|error| error.error_code())?;
    }
    let has_leader = |image: &MetadataImage, partition: &PartitionImage| match election {
        Election::Preferred => image.live_leader(partition) == partition.replicas.first().copied(),
        Election::Unclean => image.live_leader(partition).is_some(),
    };
    // A partition that was deleted is not waited for.
    let waits = |image: &MetadataImage, id: &TopicPartition| {
        image.partition(*id).is_some_and(|partition| !has_leader(image, partition))
    };
    let all = apis.images.wait_until(|image| !partitions.iter().any(|id| waits(image, id)));
    tokio::select! {
        _ = tokio::time::timeout(timeout, all) => {}
        () = apis.stopping.cancelled() => {}
    }
    let now = apis.images.current();
    Ok(partitions.iter().filter(|id| waits(&now, id)).copied().collect())
}

fn respond(elections: Vec<RequestedElection>) -> ElectLeadersResponse {
    let mut results: Vec<ReplicaElectionResult> = Vec::new();
    for one in elections {
        let error = one.outcome.err().unwrap_or(ErrorCode::None);
        let result = PartitionResult {
            partition_id: one.partition,
            error_code: error.code(),
            error_message: (error != ErrorCode::None)
                .then(|| KString::from_static(error.message())),
        };
        match results.last_mut() {
            Some(last) if last.topic == one.topic => last.partition_result.push(result),
            _ => results
                .push(ReplicaElectionResult { topic: one.topic, partition_result: vec![result] }),
        }
    }
    ElectLeadersResponse { replica_election_results: results, ..ElectLeadersResponse::default() }
}
