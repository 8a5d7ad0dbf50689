//! CreatePartitions (KIP-195): more partitions for topics, never fewer.
//!
//! The response follows when the partitions exist and can be used through this broker; with
//! `validate_only` nothing is created.
//!
//! Errors of a topic: INVALID_REQUEST (named twice), TOPIC_AUTHORIZATION_FAILED,
//! UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, POLICY_VIOLATION
//! (too many), REQUEST_TIMED_OUT.

use std::{collections::HashSet, time::Duration};

use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic},
        create_partitions_response::{CreatePartitionsResponse, CreatePartitionsTopicResult},
    },
};
use milena_types::{BrokerId, Revision};

use super::apis::TopicApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    errors::ApiError,
    topics::{PARTITIONS_A_REQUEST_MAX, repeated, too_many_partitions},
};

pub(crate) const API: ApiDefinition =
    ApiDefinition { computes: true, ..ApiDefinition::new(ApiKey::CreatePartitions, 0..=3) };

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &TopicApis,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let twice = repeated(request.topics.iter().map(|topic| &*topic.name));
    let image = apis.images.current();
    let added = |topic: &CreatePartitionsTopic| {
        let now = image.topic(&topic.name).map_or(0, |topic| topic.partition_count());
        i64::from(topic.count).saturating_sub(now.into()).max(0)
    };
    let too_many = request.topics.iter().map(added).sum::<i64>() > PARTITIONS_A_REQUEST_MAX;
    let mut names = HashSet::new();
    let mut outcomes: Vec<(&KString, Result<Option<Revision>, ApiError>)> = Vec::new();
    for topic in &request.topics {
        if !names.insert(&topic.name) {
            continue;
        }
        let outcome = if twice.contains(&*topic.name) {
            Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "the request names this topic more than once: name it once",
            ))
        } else if !context.allows(Operation::Alter, Resource::Topic(&topic.name)) {
            Err(ApiError::with_kafkas_message(ErrorCode::TopicAuthorizationFailed))
        } else if too_many {
            Err(too_many_partitions())
        } else {
            apis.topics
                .grow(&topic.name, topic.count, assignments(topic), request.validate_only)
                .await
        };
        outcomes.push((&topic.name, outcome));
    }
    let grown =
        outcomes.iter().filter_map(|(name, outcome)| Some((&***name, (*outcome.as_ref().ok()?)?)));
    let (grown, revisions): (Vec<&str>, Vec<Revision>) = grown.unzip();
    if let Some(revision) = revisions.into_iter().max() {
        let timeout = Duration::from_millis(request.timeout_ms.max(0) as u64);
        apis.topics.wait_until_usable(revision, &grown, timeout).await;
    }
    let result = |(name, outcome): (&KString, Result<Option<Revision>, ApiError>)| {
        let (error_code, error_message) = match outcome {
            Ok(_) => (0, None),
            Err(error) => (error.code.code(), error.message.map(Into::into)),
        };
        CreatePartitionsTopicResult { name: name.clone(), error_code, error_message }
    };
    CreatePartitionsResponse {
        throttle_time_ms: 0,
        results: outcomes.into_iter().map(result).collect(),
    }
}

fn assignments(topic: &CreatePartitionsTopic) -> Option<Vec<Vec<BrokerId>>> {
    let lists = topic.assignments.as_ref()?;
    Some(lists.iter().map(|list| list.broker_ids.iter().copied().map(BrokerId).collect()).collect())
}
