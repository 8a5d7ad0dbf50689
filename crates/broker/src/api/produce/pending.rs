//! A produce whose records are appended and not all committed: what it waits for, and its response.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use milena_protocol::{
    ErrorCode, KString,
    messages::produce_response::{
        BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse,
        ProduceResponse, TopicProduceResponse,
    },
};
use milena_storage::{AppendFuture, CommittedAppend};
use milena_types::{PartitionIndex, TopicId};

use super::{apis::ProduceApi, validate::ProduceError};
use crate::{context::ConnectionInfo, errors::ToErrorCode, topic_ref::TopicRef};

/// The first version that names topics by id.
pub(super) const FIRST_VERSION_WITH_IDS: i16 = 13;
/// The first version whose responses name the leader.
const FIRST_VERSION_WITH_LEADER: i16 = 10;

/// A partition of a request, after its records were appended or refused.
pub(super) struct PartitionAppend {
    pub(super) index: i32,
    pub(super) outcome: Result<AppendFuture, ProduceError>,
}

pub(super) struct TopicAppends {
    pub(super) name: KString,
    pub(super) id: TopicId,
    pub(super) partitions: Vec<PartitionAppend>,
}

/// A produce that was appended and is not committed yet.
pub(super) struct PendingProduce {
    pub(super) apis: Arc<ProduceApi>,
    pub(super) connection: Arc<ConnectionInfo>,
    pub(super) version: i16,
    pub(super) throttle: Duration,
    /// On the monotonic clock.
    pub(super) deadline: Option<Duration>,
}

impl PendingProduce {
    /// The response, once all is committed or the deadline is over, after which it is to be polled:
    /// this sets no timer.
    pub(super) async fn response(self, topics: Vec<TopicAppends>) -> ProduceResponse {
        let mut late = false;
        let mut response =
            ProduceResponse { responses: Vec::with_capacity(topics.len()), ..Default::default() };
        response.throttle_time_ms = self.throttle.as_millis() as i32;
        for topic in topics {
            let mut partition_responses = Vec::with_capacity(topic.partitions.len());
            for partition in topic.partitions {
                let outcome = match partition.outcome {
                    Ok(mut append) => {
                        poll_fn(|context| self.poll_append(&mut append, &mut late, context)).await
                    }
                    Err(error) => Err(error),
                };
                partition_responses.push(partition_response(partition.index, outcome));
            }
            let topic = TopicProduceResponse {
                name: topic.name,
                topic_id: topic.id.0,
                partition_responses,
            };
            response.responses.push(topic);
        }
        if self.version >= FIRST_VERSION_WITH_LEADER {
            self.name_leaders(&mut response);
        }
        response
    }

    /// Waits for the disk, or for the deadline of the whole request; after it, only what is on disk
    /// already succeeds.
    fn poll_append(
        &self,
        append: &mut AppendFuture,
        late: &mut bool,
        context: &mut Context<'_>,
    ) -> Poll<Result<CommittedAppend, ProduceError>> {
        if let Poll::Ready(outcome) = Pin::new(append).poll(context) {
            return Poll::Ready(
                outcome.map_err(|error| ProduceError::new(error.error_code(), error.to_string())),
            );
        }
        let is_over = |deadline| self.apis.runtime.monotonic() >= deadline;
        *late = *late || self.deadline.is_some_and(is_over);
        if *late {
            return Poll::Ready(Err(ErrorCode::RequestTimedOut.into()));
        }
        Poll::Pending
    }

    /// Names the leaders of the partitions that are not led here (KIP-951).
    fn name_leaders(&self, response: &mut ProduceResponse) {
        let mut hints = self.apis.leaders.leader_hints(&self.connection.listener);
        for topic in &mut response.responses {
            for partition in &mut topic.partition_responses {
                if partition.error_code != ErrorCode::NotLeaderOrFollower.code() {
                    continue;
                }
                let by_id = self.version >= FIRST_VERSION_WITH_IDS;
                let name = if by_id {
                    TopicRef::Id(TopicId(topic.topic_id))
                } else {
                    TopicRef::Name(&topic.name)
                };
                let index = PartitionIndex(partition.index);
                if let Some(hint) = hints.of(name, index) {
                    partition.current_leader = LeaderIdAndEpoch {
                        leader_id: hint.leader.0,
                        leader_epoch: hint.leader_epoch,
                    };
                }
            }
        }
        response.node_endpoints.extend(hints.into_nodes().into_iter().map(|node| NodeEndpoint {
            node_id: node.id.0,
            host: node.host.into(),
            port: node.port,
            rack: node.rack.map(KString::from),
        }));
    }
}

fn partition_response(
    index: i32,
    outcome: Result<CommittedAppend, ProduceError>,
) -> PartitionProduceResponse {
    match outcome {
        Ok(appended) => PartitionProduceResponse {
            index,
            base_offset: appended.base_offset.raw(),
            log_append_time_ms: appended.log_append_time.raw(),
            log_start_offset: appended.log_start.raw(),
            ..Default::default()
        },
        Err(ProduceError { error, records }) => PartitionProduceResponse {
            index,
            error_code: error.code.code(),
            base_offset: -1,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: records
                .into_iter()
                .map(|(batch_index, message)| BatchIndexAndErrorMessage {
                    batch_index,
                    batch_index_error_message: Some(message.into()),
                })
                .collect(),
            error_message: error.message.map(KString::from),
            ..Default::default()
        },
    }
}
