//! DescribeTopicPartitions (KIP-966): partitions page by page.
//!
//! Topics are in order of their names, all of them when none is named. A page has at most as many
//! partitions as the client and `max.request.partition.size.limit` allow; where it ends, a cursor
//! names the partition that comes next. Topics before the cursor's are left out. There are no
//! eligible leader replicas besides those in sync: the lists are empty.
//!
//! Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION,
//! TOPIC_AUTHORIZATION_FAILED; INVALID_REQUEST for each when the cursor is not valid.

use std::collections::BTreeSet;

use milena_metadata::{MetadataImage, TopicImage};
use milena_protocol::{
    ApiKey, ErrorCode, KString,
    messages::{
        describe_topic_partitions_request::{Cursor as From, DescribeTopicPartitionsRequest},
        describe_topic_partitions_response::{
            Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
            DescribeTopicPartitionsResponseTopic,
        },
    },
};
use milena_types::PartitionIndex;

use super::apis::ClusterApis;
use super::partition_view::PartitionView;
use crate::{
    access::{Operation, Resource},
    api::definition::ApiDefinition,
    context::RequestContext,
    entry_turns::EntryTurns,
    topics::valid_name,
};

pub(crate) const API: ApiDefinition =
    ApiDefinition { computes: true, ..ApiDefinition::new(ApiKey::DescribeTopicPartitions, 0..=0) };

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &ClusterApis,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let limit = apis.topics.kafka_config.current(|c| c.max_request_partition_size_limit());
    let image = apis.images.current();
    let listener = context.listener();
    let may_describe = |name: &str| context.allows(Operation::Describe, Resource::Topic(name));
    let mut response = page(&image, listener, &request, limit, may_describe).await;
    let mut turns = EntryTurns::default();
    for topic in response.topics.iter_mut().filter(|topic| topic.error_code == 0) {
        turns.next().await;
        if let Some(name) = &topic.name {
            topic.topic_authorized_operations =
                context.authorized_operations(Operation::TOPIC, Resource::Topic(name));
        }
    }
    response
}

type Topic = DescribeTopicPartitionsResponseTopic;

fn failed(name: &KString, error: ErrorCode) -> Topic {
    let is_internal = error != ErrorCode::TopicAuthorizationFailed
        && valid_name(name).is_ok_and(|name| name.is_internal());
    Topic { error_code: error.code(), name: Some(name.clone()), is_internal, ..Default::default() }
}

async fn page(
    image: &MetadataImage,
    listener: &str,
    request: &DescribeTopicPartitionsRequest,
    limit: i64,
    may_describe: impl Fn(&str) -> bool,
) -> DescribeTopicPartitionsResponse {
    let mut response = DescribeTopicPartitionsResponse::default();
    if request.cursor.as_ref().is_some_and(|cursor| cursor.partition_index < 0) {
        let refuse = |topic: &_| failed(named(topic), ErrorCode::InvalidRequest);
        response.topics = request.topics.iter().map(refuse).collect();
        return response;
    }
    let start = request.cursor.as_ref().map_or("", |cursor| &*cursor.topic_name);
    let limit = limit.min(request.response_partition_limit.into()).max(1);
    let mut pager = Pager { image, listener, from: request.cursor.as_ref(), left: limit, response };
    if request.topics.is_empty() {
        for topic in image.topics_from(start).filter(|topic| may_describe(topic.name().as_str())) {
            if !pager.add(topic) {
                break;
            }
        }
        return pager.response;
    }
    let mut turns = EntryTurns::default();
    let mut names: BTreeSet<&KString> = BTreeSet::new();
    for name in request.topics.iter().map(named) {
        turns.next().await;
        if &**name >= start {
            names.insert(name);
        }
    }
    let (visible, hidden): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| may_describe(name));
    for name in visible {
        turns.next().await;
        let goes_on = match image.topic(name) {
            Some(topic) => pager.add(topic),
            None => pager.add_unknown(name),
        };
        if !goes_on {
            break;
        }
    }
    let mut response = pager.response;
    response
        .topics
        .extend(hidden.into_iter().map(|name| failed(name, ErrorCode::TopicAuthorizationFailed)));
    response
}

fn named(
    topic: &milena_protocol::messages::describe_topic_partitions_request::TopicRequest,
) -> &KString {
    &topic.name
}

/// A page that is being filled.
struct Pager<'a> {
    image: &'a MetadataImage,
    listener: &'a str,
    from: Option<&'a From>,
    left: i64,
    response: DescribeTopicPartitionsResponse,
}

impl Pager<'_> {
    fn end_at(&mut self, topic: &str, partition: i32) -> bool {
        let cursor = Cursor { topic_name: topic.into(), partition_index: partition };
        self.response.next_cursor = Some(cursor);
        false
    }

    /// A topic that does not exist. Returns whether there is room for more.
    fn add_unknown(&mut self, name: &KString) -> bool {
        if self.left == 0 {
            return self.end_at(name, 0);
        }
        let error =
            valid_name(name).map_or_else(|e| e.code, |_| ErrorCode::UnknownTopicOrPartition);
        self.response.topics.push(failed(name, error));
        true
    }

    /// As many of the topic's partitions as there is room for. Returns whether there is room for
    /// more.
    fn add(&mut self, topic: &TopicImage) -> bool {
        let name = topic.name().as_str();
        if self.left == 0 {
            return self.end_at(name, 0);
        }
        let first = self
            .from
            .filter(|from| from.topic_name == *name)
            .map_or(0, |from| from.partition_index);
        let mut partitions = Vec::new();
        let mut next = None;
        for (index, partition) in topic.partitions_from(PartitionIndex(first)) {
            if self.left == 0 {
                next = Some(index.0);
                break;
            }
            self.left -= 1;
            let view = PartitionView::of(self.image, partition, self.listener, true);
            partitions.push(DescribeTopicPartitionsResponsePartition {
                error_code: view.error.code(),
                partition_index: index.0,
                leader_id: view.leader,
                leader_epoch: view.leader_epoch,
                replica_nodes: view.replicas,
                isr_nodes: view.isr,
                eligible_leader_replicas: Some(Vec::new()),
                last_known_elr: Some(Vec::new()),
                offline_replicas: view.offline,
            });
        }
        self.response.topics.push(Topic {
            error_code: 0,
            name: Some(name.into()),
            topic_id: topic.id().0,
            is_internal: topic.name().is_internal(),
            partitions,
            ..Default::default()
        });
        match next {
            Some(partition) => self.end_at(name, partition),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests;
