//! CreateTopics: new topics, placed by the cluster or by hand.
//!
//! -1 partitions or replicas mean the broker's default. With `validate_only` nothing is created.
//! The response follows when the topics exist and can be used through this broker.
//!
//! Errors of a topic: INVALID_REQUEST (named twice, or an assignment by hand with numbers),
//! TOPIC_AUTHORIZATION_FAILED, INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS,
//! INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, POLICY_VIOLATION (too
//! many partitions), REQUEST_TIMED_OUT.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt, stream};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        create_topics_request::{CreatableTopic, CreateTopicsRequest},
        create_topics_response::{
            CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse,
        },
    },
};
use milena_types::BrokerId;

use super::apis::TopicApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    errors::ApiError,
    topics::{
        CREATING_MAX, PARTITIONS_A_REQUEST_MAX, TopicCreation, TopicRequest, repeated,
        too_many_partitions,
    },
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (4, "-1 partitions or replicas (KIP-464)"),
        (
            5,
            "what was created and the configuration in force, for those who may see configurations \
             (KIP-525)",
        ),
        (7, "topic ids (KIP-516)"),
    ],
    computes: true,
    ..ApiDefinition::new(ApiKey::CreateTopics, 0..=7)
};

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &TopicApis,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let twice: HashSet<String> = repeated(request.topics.iter().map(|topic| &*topic.name))
        .into_iter()
        .map(str::to_owned)
        .collect();
    let too_many = partitions(&request) > PARTITIONS_A_REQUEST_MAX;
    let mut names = HashSet::new();
    let mut plain = HashSet::new();
    let mut work = Vec::new();
    for topic in request.topics {
        let name = topic.name.clone();
        if !names.insert(name.clone()) {
            continue;
        }
        let outcome = if twice.contains(&*name) {
            Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "the request names this topic more than once: name it once",
            ))
        } else if !may_create(context, &name) {
            Err(ApiError::new(ErrorCode::TopicAuthorizationFailed, "Authorization failed."))
        } else if too_many {
            Err(too_many_partitions())
        } else if !plain.insert(name.replace('.', "_")) {
            let message = format!(
                "another topic of this request differs from '{name}' in '.' and '_' only: choose \
                 another name"
            );
            Err(ApiError::new(ErrorCode::InvalidTopic, message))
        } else {
            Ok(topic_request(topic))
        };
        work.push((name, outcome));
    }
    let validate_only = request.validate_only;
    let create = async |(name, request): (KString, Result<TopicRequest, ApiError>)| match request {
        Ok(request) => (name, apis.topics.create(request, validate_only).await),
        Err(error) => (name, Err(error)),
    };
    let mut outcomes: Vec<(KString, Result<TopicCreation, ApiError>)> =
        stream::iter(work).map(create).buffered(CREATING_MAX).collect().await;
    let timeout = Duration::from_millis(request.timeout_ms.max(0) as u64);
    wait_for_all(apis, &mut outcomes, timeout).await;
    let topics =
        outcomes.into_iter().map(|(name, outcome)| result(context, apis, name, outcome)).collect();
    CreateTopicsResponse { throttle_time_ms: 0, topics }
}

/// How many partitions the request has in all.
fn partitions(request: &CreateTopicsRequest) -> i64 {
    let of_topic = |topic: &CreatableTopic| match topic.assignments.len() {
        0 => i64::from(topic.num_partitions.max(1)),
        assigned => assigned as i64,
    };
    request.topics.iter().map(of_topic).sum()
}

fn may_create(context: &RequestContext, name: &str) -> bool {
    context.allows(Operation::Create, Resource::Cluster)
        || context.allows(Operation::Create, Resource::Topic(name))
}

fn topic_request(topic: CreatableTopic) -> TopicRequest {
    let brokers = |ids: Vec<i32>| ids.into_iter().map(BrokerId).collect();
    TopicRequest {
        name: topic.name.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .into_iter()
            .map(|a| (a.partition_index, brokers(a.broker_ids)))
            .collect(),
        configs: topic
            .configs
            .into_iter()
            .map(|config| (config.name.to_string(), config.value.map(|value| value.to_string())))
            .collect(),
    }
}

async fn wait_for_all(
    apis: &TopicApis,
    outcomes: &mut [(KString, Result<TopicCreation, ApiError>)],
    wait_max: Duration,
) {
    let created = outcomes
        .iter()
        .filter_map(|(name, outcome)| Some((&**name, outcome.as_ref().ok()?.revision?)));
    let (names, revisions): (Vec<&str>, Vec<_>) = created.unzip();
    let Some(revision) = revisions.into_iter().max() else { return };
    if apis.topics.wait_until_usable(revision, &names, wait_max).await {
        return;
    }
    for (_, outcome) in outcomes.iter_mut() {
        if outcome.as_ref().is_ok_and(|created| created.revision.is_some()) {
            let message = "the topic is made, but not every broker knows it yet: ask again";
            *outcome = Err(ApiError::new(ErrorCode::RequestTimedOut, message));
        }
    }
}

fn result(
    context: &RequestContext,
    apis: &TopicApis,
    name: KString,
    outcome: Result<TopicCreation, ApiError>,
) -> CreatableTopicResult {
    let created = match outcome {
        Ok(created) => created,
        Err(error) => {
            return CreatableTopicResult {
                name,
                error_code: error.code.code(),
                error_message: error.message.map(Into::into),
                configs: Some(Vec::new()),
                ..Default::default()
            };
        }
    };
    let mut result =
        CreatableTopicResult { topic_id: created.id.0, error_message: None, ..Default::default() };
    if context.allows(Operation::DescribeConfigs, Resource::Topic(&name)) {
        result.num_partitions = created.partitions;
        result.replication_factor = created.replication_factor;
        let configs = apis.topics.in_force(&created.configs);
        let entry = |config: crate::topics::TopicConfigEntry| CreatableTopicConfigs {
            name: config.name.into(),
            value: config.value.map(KString::from),
            read_only: false,
            config_source: config.source as i8,
            is_sensitive: config.is_sensitive,
        };
        result.configs = Some(configs.into_iter().map(entry).collect());
    } else {
        result.topic_config_error_code = ErrorCode::TopicAuthorizationFailed.code();
        result.configs = Some(Vec::new());
    }
    CreatableTopicResult { name, ..result }
}
