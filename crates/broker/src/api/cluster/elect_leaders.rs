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

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use milena_metadata::{
    MetadataImage, PartitionChange, PartitionImage, PartitionRecord, TopicImage,
};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        elect_leaders_request::{ElectLeadersRequest, TopicPartitions},
        elect_leaders_response::{ElectLeadersResponse, PartitionResult, ReplicaElectionResult},
    },
};
use milena_types::{PartitionIndex, TopicPartition};

use super::apis::ClusterApis;
use crate::{
    access::{Operation, Resource},
    api::{bounds::ERROR_TEXTS_MAX, definition::ApiDefinition},
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ToErrorCode,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[(1, "unclean elections (KIP-460)")],
    computes: true,
    ..ApiDefinition::new(ApiKey::ElectLeaders, 0..=2)
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Election {
    Preferred,
    Unclean,
}

/// Partitions of a topic of the request, each once.
struct RequestedElections {
    topic: KString,
    partitions: Vec<i32>,
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
    let image = match apis.fresh_image(context).await {
        Ok(image) => image,
        Err(error) => return failed(error.code),
    };
    let everything = request.topic_partitions.is_none();
    let requested = match request.topic_partitions {
        None => all_partitions(&image),
        Some(topics) => distinct(topics).await,
    };
    let partitions = needing_election(&image, &requested, election).await;
    context.narrow(request.timeout_ms);
    let outcome = elect(context, apis, &image, &partitions, election).await;
    let late = |id: TopicPartition| match &outcome {
        Ok(late) if late.contains(&id) => Err(ErrorCode::RequestTimedOut),
        Ok(_) => Ok(()),
        Err(error) => Err(*error),
    };
    let count: usize = requested.iter().map(|elections| elections.partitions.len()).sum();
    let mut turns = EntryTurns::default();
    let mut response = ElectLeadersResponse::default();
    for RequestedElections { topic, partitions } in requested {
        let found = image.topic(&topic);
        let mut results = Vec::with_capacity(partitions.len());
        for partition in partitions {
            turns.next().await;
            let needed = needs_election(&image, found, partition, election);
            let error = needed.and_then(late).err().unwrap_or(ErrorCode::None);
            if everything && error == ErrorCode::ElectionNotNeeded {
                continue;
            }
            let has_text = error != ErrorCode::None && count <= ERROR_TEXTS_MAX;
            results.push(PartitionResult {
                partition_id: partition,
                error_code: error.code(),
                error_message: has_text.then(|| KString::from_static(error.message())),
            });
        }
        if !results.is_empty() {
            response
                .replica_election_results
                .push(ReplicaElectionResult { topic, partition_result: results });
        }
    }
    response
}

fn all_partitions(image: &MetadataImage) -> Vec<RequestedElections> {
    let all = image.topics().map(|topic| RequestedElections {
        topic: topic.name().as_str().into(),
        partitions: topic.partitions().map(|(partition, _)| partition.0).collect(),
    });
    all.collect()
}

async fn distinct(topics: Vec<TopicPartitions>) -> Vec<RequestedElections> {
    let mut turns = EntryTurns::default();
    let mut requested: Vec<RequestedElections> = Vec::new();
    let mut places: HashMap<KString, (usize, HashSet<i32>)> = HashMap::new();
    for TopicPartitions { topic, partitions } in topics {
        let (place, seen) = places.entry(topic).or_insert_with_key(|topic| {
            requested
                .push(RequestedElections { topic: topic.as_str().into(), partitions: Vec::new() });
            (requested.len() - 1, HashSet::new())
        });
        for partition in partitions {
            turns.next().await;
            if seen.insert(partition) {
                requested[*place].partitions.push(partition);
            }
        }
    }
    requested
}

async fn needing_election(
    image: &MetadataImage,
    requested: &[RequestedElections],
    election: Election,
) -> Vec<TopicPartition> {
    let mut turns = EntryTurns::default();
    let mut needing = Vec::new();
    for RequestedElections { topic, partitions } in requested {
        let found = image.topic(topic);
        for partition in partitions {
            turns.next().await;
            needing.extend(needs_election(image, found, *partition, election));
        }
    }
    needing
}

/// The partition, if it needs an election.
fn needs_election(
    image: &MetadataImage,
    topic: Option<&Arc<TopicImage>>,
    partition: i32,
    election: Election,
) -> Result<TopicPartition, ErrorCode> {
    let topic = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let index = PartitionIndex(partition);
    let partition = topic.partition(index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let id = TopicPartition { topic: topic.id(), partition: index };
    match election {
        Election::Preferred => match partition.replicas.first() {
            Some(first) if image.live_leader(partition) == Some(*first) => {
                Err(ErrorCode::ElectionNotNeeded)
            }
            Some(first) if image.is_serving(*first) => Ok(id),
            _ => Err(ErrorCode::PreferredLeaderNotAvailable),
        },
        Election::Unclean if image.live_leader(partition).is_some() => {
            Err(ErrorCode::ElectionNotNeeded)
        }
        Election::Unclean if image.brokers().keys().any(|id| image.is_serving(*id)) => Ok(id),
        Election::Unclean => Err(ErrorCode::EligibleLeadersNotAvailable),
    }
}

/// Sets the leaders that are wanted and waits for them. Returns the partitions that had none in
/// time.
async fn elect(
    context: &RequestContext,
    apis: &ClusterApis,
    image: &Arc<MetadataImage>,
    partitions: &[TopicPartition],
    election: Election,
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
        biased;
        _ = all => {}
        () = context.ended() => {}
        () = apis.stopping.cancelled() => {}
    }
    let now = apis.images.current();
    Ok(partitions.iter().filter(|id| waits(&now, id)).copied().collect())
}
