//! DeleteTopics: deletes topics, by name or by id.
//!
//! The response follows when this broker no longer knows the topics. Their records are removed
//! later.
//!
//! Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, TOPIC_AUTHORIZATION_FAILED
//! (without the name where the client may not see the topic), INVALID_REQUEST (named twice, or
//! neither or both of name and id), TOPIC_DELETION_DISABLED (`delete.topic.enable`).

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use milena_metadata::{MetadataImage, TopicImage};
use milena_protocol::{
    ApiKey, ErrorCode, KString, Uuid,
    messages::{
        delete_topics_request::{DeleteTopicState, DeleteTopicsRequest},
        delete_topics_response::{DeletableTopicResult, DeleteTopicsResponse},
    },
};
use milena_types::{Revision, TopicId, TopicName};

use super::apis::TopicApis;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    errors::ApiError,
    topics::Topics,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (3, "TOPIC_DELETION_DISABLED; before, INVALID_REQUEST"),
        (6, "topics by id (KIP-516)"),
    ],
    computes: true,
    ..ApiDefinition::new(ApiKey::DeleteTopics, 0..=6)
};

/// The first version that names topics by id or name.
const FIRST_VERSION_WITH_IDS: i16 = 6;
/// The first version that knows TOPIC_DELETION_DISABLED.
const FIRST_VERSION_WITH_DISABLED: i16 = 3;
/// How many topics of one request are deleted at the same time.
const DELETING_MAX: usize = 64;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &TopicApis,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let entries = if context.api_version >= FIRST_VERSION_WITH_IDS {
        request.topics
    } else {
        let by_name = |name| DeleteTopicState { name: Some(name), topic_id: Uuid::nil() };
        request.topic_names.into_iter().map(by_name).collect()
    };
    if !apis.topics.kafka_config.current(|c| c.delete_topic_enable()) {
        return DeleteTopicsResponse {
            throttle_time_ms: 0,
            responses: disabled(entries, context.api_version),
        };
    }
    let image = apis.images.current();
    let may = |operation, name: &str| context.allows(operation, Resource::Topic(name));
    let targets = targets(&image, entries, may);
    let (responses, revision) = delete_all(&apis.topics, targets).await;
    if let Some(revision) = revision {
        let timeout = Duration::from_millis(request.timeout_ms.max(0) as u64);
        apis.topics.wait_until_usable(revision, &[], timeout).await;
    }
    DeleteTopicsResponse { throttle_time_ms: 0, responses }
}

/// A topic to delete, or why not.
type TopicTarget = Result<(TopicName, TopicId), DeletableTopicResult>;

fn disabled(entries: Vec<DeleteTopicState>, version: i16) -> Vec<DeletableTopicResult> {
    let error = if version >= FIRST_VERSION_WITH_DISABLED {
        ErrorCode::TopicDeletionDisabled
    } else {
        ErrorCode::InvalidRequest
    };
    let refuse = |topic: DeleteTopicState| DeletableTopicResult {
        name: topic.name,
        topic_id: topic.topic_id,
        error_code: error.code(),
        error_message: Some("this cluster deletes no topics: set delete.topic.enable".into()),
    };
    entries.into_iter().map(refuse).collect()
}

fn refused(name: Option<KString>, id: Uuid, error: ApiError) -> DeletableTopicResult {
    DeletableTopicResult {
        name,
        topic_id: id,
        error_code: error.code.code(),
        error_message: error.message.map(Into::into),
    }
}

/// The topics that a request's entries name, each once.
fn targets(
    image: &MetadataImage,
    entries: Vec<DeleteTopicState>,
    may: impl Fn(Operation, &str) -> bool,
) -> Vec<TopicTarget> {
    let mut times: HashMap<(Option<KString>, Uuid), usize> = HashMap::new();
    for topic in &entries {
        *times.entry((topic.name.clone(), topic.topic_id)).or_default() += 1;
    }
    let mut seen = HashSet::new();
    let mut taken = HashSet::new();
    let mut targets = Vec::new();
    for DeleteTopicState { name, topic_id } in entries {
        let key = (name.clone(), topic_id);
        if !seen.insert(key.clone()) {
            continue;
        }
        let mut target = target(image, name, topic_id, times[&key] > 1, &may);
        if let Ok((name, id)) = &target
            && !taken.insert(*id)
        {
            let message = "this name and an id of the request are the same topic: give one of them";
            let error = ApiError::new(ErrorCode::InvalidRequest, message);
            target = Err(refused(Some(name.as_str().into()), id.0, error));
        }
        targets.push(target);
    }
    targets
}

fn target(
    image: &MetadataImage,
    name: Option<KString>,
    id: Uuid,
    repeated: bool,
    may: impl Fn(Operation, &str) -> bool,
) -> TopicTarget {
    let invalid = |message: &str| ApiError::new(ErrorCode::InvalidRequest, message);
    let unauthorized = || ApiError::with_kafkas_message(ErrorCode::TopicAuthorizationFailed);
    match (&name, id.is_nil()) {
        (Some(_), false) => Err(refused(
            name,
            id,
            invalid("a name and an id were given for one topic: give one of them"),
        )),
        (None, true) => Err(refused(
            name,
            id,
            invalid("a topic without name and id was given: give one of them"),
        )),
        (Some(_), true) if repeated => Err(refused(
            name,
            id,
            invalid("the request names this topic more than once: name it once"),
        )),
        (None, false) if repeated => {
            Err(refused(name, id, invalid("the request has this id more than once: give it once")))
        }
        (Some(text), true) => {
            // A client that may not see the topic does not learn whether it exists.
            if !may(Operation::Describe, text) || !may(Operation::Delete, text) {
                return Err(refused(name, id, unauthorized()));
            }
            match image.topic(text) {
                Some(topic) => Ok(found(topic)),
                None => Err(refused(
                    name,
                    id,
                    ApiError::with_kafkas_message(ErrorCode::UnknownTopicOrPartition),
                )),
            }
        }
        (None, false) => match image.topic_by_id(TopicId(id)) {
            None => {
                Err(refused(None, id, ApiError::with_kafkas_message(ErrorCode::UnknownTopicId)))
            }
            Some(topic) if !may(Operation::Describe, topic.name().as_str()) => {
                Err(refused(None, id, unauthorized()))
            }
            Some(topic) if !may(Operation::Delete, topic.name().as_str()) => {
                Err(refused(Some(topic.name().as_str().into()), id, unauthorized()))
            }
            Some(topic) => Ok(found(topic)),
        },
    }
}

fn found(topic: &TopicImage) -> (TopicName, TopicId) {
    (topic.name().clone(), topic.id())
}

/// Results in the order of `targets`, and the revision at which all that could be deleted are gone.
async fn delete_all(
    topics: &Topics,
    targets: Vec<TopicTarget>,
) -> (Vec<DeletableTopicResult>, Option<Revision>) {
    let delete = async |target: TopicTarget| match target {
        Err(refused) => (refused, None),
        Ok((name, id)) => {
            let text = Some(KString::from(name.as_str()));
            match topics.delete(&name, id).await {
                Ok(revision) => {
                    let deleted =
                        DeletableTopicResult { name: text, topic_id: id.0, ..Default::default() };
                    (deleted, Some(revision))
                }
                Err(error) => (refused(text, id.0, error), None),
            }
        }
    };
    let done: Vec<_> = stream::iter(targets).map(delete).buffered(DELETING_MAX).collect().await;
    let revision = done.iter().filter_map(|(_, revision)| *revision).max();
    (done.into_iter().map(|(result, _)| result).collect(), revision)
}

#[cfg(test)]
mod tests;
