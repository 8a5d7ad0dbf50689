//! Produce: record batches into the log. The response follows when they are on disk.
//!
//! The batches of a request are validated, then admitted, then appended, before the next request of
//! the connection is read; waiting for the disk then overlaps with it. `acks` 1 and -1
//! mean the same here: committed, synced. With `acks` 0 there is no response, and an append that
//! is refused closes the connection, as in Kafka; when an accepted one fails to commit, the client
//! is not told, neither by a response nor by the end of the connection.
//!
//! Each partition succeeds or fails alone, a batch wholly. What is checked is in [`mod@validate`];
//! sequences of idempotent producers are checked by the log. A transactional batch is
//! INVALID_TXN_STATE.
//!
//! While flushing falls behind, producers are throttled (`throttle_time_ms`, KIP-219), the more the
//! more they send. When storage has as many unflushed bytes as it may, or the log's backlog exceeds
//! what it writes in a moment, requests wait for an `AppendPermit` in the order of their arrival,
//! and with them their connections.

pub(crate) mod apis;
mod pending;
mod validate;
mod validator;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use milena_protocol::{
    ApiKey, Decoder, ErrorCode, KString, messages::produce_request::ProduceRequest,
};
use milena_records::Batch;
use milena_storage::{AppendError, AppendFuture, AppendOptions, BudgetPermit, Origin};
use milena_types::{PartitionIndex, Timestamp, TopicId};

use crate::{
    access::{Operation, Resource},
    api::{
        definition::{ApiDefinition, NextRequest},
        handled::{Handled, decode},
    },
    context::RequestContext,
    errors::ToErrorCode,
    leadership::{partitions::LeaderPartition, resolve::LEADER_WAIT_MAX},
    topic_ref::TopicRef,
};

use self::{
    apis::ProduceApi,
    pending::{FIRST_VERSION_WITH_IDS, PartitionAppend, PendingProduce, TopicAppends},
    validate::ProduceError,
    validator::Validator,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    limits: "without transactions; `acks` 1 and all are the same: the record is on disk",
    notes: &[
        (3, "record batches; before, message sets, which become one batch (KIP-98)"),
        (7, "zstd; before, UNSUPPORTED_COMPRESSION_TYPE (KIP-110)"),
        (8, "which records of a batch are refused, and why (KIP-467)"),
        (10, "the leader next to NOT_LEADER_OR_FOLLOWER (KIP-951)"),
        (13, "topics by id (KIP-516)"),
    ],
    next_request: NextRequest::AfterEffect,
    ..ApiDefinition::new(ApiKey::Produce, 0..=13)
};

pub(crate) const APIS: &[ApiDefinition] = &[API];

/// A partition of a request, after its records were validated or refused.
struct ValidPartition {
    index: i32,
    outcome: Result<(LeaderPartition, Batch), ProduceError>,
}

impl ValidPartition {
    fn bytes(&self) -> usize {
        self.outcome.as_ref().map_or(0, |(_, batch)| batch.size())
    }
}

struct ValidTopic {
    name: KString,
    id: TopicId,
    by_id: bool,
    partitions: Vec<ValidPartition>,
}

/// Appends what the request carries. The response follows when it is committed. Not boxed: it is
/// the one handler whose cost per request counts.
pub(crate) async fn handle(
    context: &RequestContext,
    apis: &Arc<ProduceApi>,
    body: Decoder,
) -> Handled {
    let request: ProduceRequest = match decode(context, body) {
        Ok(request) => request,
        Err(closed) => return closed,
    };
    let acks = request.acks;
    match acks {
        0 => context.outlive_peer(),
        // Kafka looks at it for no other.
        -1 => context.narrow(request.timeout_ms),
        _ => {}
    }
    let topics = validate_all(context, apis, request).await;
    let bytes = topics.iter().flat_map(|topic| &topic.partitions).map(ValidPartition::bytes).sum();
    let permit = AppendPermit::take(apis, bytes, context.deadline()).await;
    context.throttle(throttle(apis.storage.pressure(), bytes));
    let topics = append_all(permit, topics).await;
    if acks == 0 {
        let failed = topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .find_map(|partition| partition.outcome.as_ref().err());
        let Some(refused) = failed else { return Handled::no_response() };
        tracing::info!(
            peer = %context.client_address(), error = refused.error.code.name(), message = ?refused.error.message,
            "a produce with acks=0 was refused"
        );
        return Handled::close("a produce with acks=0 was refused");
    }
    let pending = PendingProduce {
        apis: apis.clone(),
        connection: context.connection.clone(),
        version: context.api_version,
        throttle: context.throttled(),
    };
    Handled::when_committed(context, pending.response(topics, context.left()))
}

/// For how long a producer is throttled while storage fills up: not below three quarters of the
/// memory, for a second when it is full, where the next request waits anyway. A small request is
/// throttled in proportion: it is not what fills the memory.
fn throttle(pressure: f64, bytes: usize) -> Duration {
    const BEGINS: f64 = 0.75;
    const LARGE_BYTES: f64 = 65536.0;
    let share = (bytes as f64 / LARGE_BYTES).min(1.0);
    Duration::from_secs_f64(((pressure - BEGINS) / (1.0 - BEGINS)).clamp(0.0, 1.0) * share)
}

/// Validates every partition's records, one after the other.
async fn validate_all(
    context: &RequestContext,
    apis: &ProduceApi,
    request: ProduceRequest,
) -> Vec<ValidTopic> {
    let acks_refused = (!matches!(request.acks, -1..=1)).then(|| {
        ProduceError::new(
            ErrorCode::InvalidRequiredAcks,
            format!("acks is {}, use -1, 0 or 1", request.acks),
        )
    });
    let by_id = context.api_version >= FIRST_VERSION_WITH_IDS;
    let mut validator = Validator::new(apis, context.api_version, context.deadline());
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let id = TopicId(topic.topic_id);
        // A name of its own, so that the response does not keep the request's records in memory.
        let name = KString::from(topic.name.as_str());
        let topic_ref = if by_id { TopicRef::Id(id) } else { TopicRef::Name(&name) };
        let refused = match &acks_refused {
            Some(error) => Some(error.clone()),
            None => topic_refused(context, apis, topic_ref),
        };
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for data in topic.partition_data {
            let outcome = match &refused {
                Some(error) => Err(error.clone()),
                None => validate(apis, &mut validator, topic_ref, data.index, data.records).await,
            };
            partitions.push(ValidPartition { index: data.index, outcome });
        }
        topics.push(ValidTopic { name, id, by_id, partitions });
    }
    topics
}

/// What refuses all of a topic's partitions.
fn topic_refused(
    context: &RequestContext,
    apis: &ProduceApi,
    topic: TopicRef<'_>,
) -> Option<ProduceError> {
    let image;
    let name = match topic {
        TopicRef::Name(name) => name,
        TopicRef::Id(id) => {
            image = apis.leaders.image();
            image.topic_name(id).map(|name| name.as_str())?
        }
    };
    if !context.allows(Operation::Write, Resource::Topic(name)) {
        return Some(ErrorCode::TopicAuthorizationFailed.into());
    }
    if is_internal(name) {
        return Some(ProduceError::new(
            ErrorCode::InvalidTopic,
            "clients cannot write to an internal topic",
        ));
    }
    None
}

fn is_internal(name: &str) -> bool {
    name.starts_with("__")
        && name.parse::<milena_types::TopicName>().is_ok_and(|name| name.is_internal())
}

/// Finds the leader and validates the records. While the partition is being handed over, or not
/// open here yet, this waits for the outcome.
async fn validate(
    apis: &ProduceApi,
    validator: &mut Validator<'_>,
    topic: TopicRef<'_>,
    index: i32,
    records: Option<Bytes>,
) -> Result<(LeaderPartition, Batch), ProduceError> {
    let partition = PartitionIndex(index);
    let led = match apis.leaders.find(topic, partition) {
        Err(ErrorCode::NotLeaderOrFollower) => {
            Box::pin(apis.leaders.resolve_leader(topic, partition, LEADER_WAIT_MAX)).await?
        }
        found => found?,
    };
    let batch = validator.validate(records, &led.config).await?;
    if batch.header().attributes.is_transactional() {
        let message =
            "transactions are not served by this cluster yet: produce without a transactional id";
        return Err(ProduceError::new(ErrorCode::InvalidTxnState, message));
    }
    Ok((led, batch))
}

/// The permit to append a request's records, held until all of them are appended, never while
/// anything else is waited for: one that waits would keep others from theirs.
struct AppendPermit<'a> {
    apis: &'a ProduceApi,
    bytes: usize,
    deadline: Option<Duration>,
    /// Why there is none: the deadline passed.
    permit: Result<BudgetPermit, ProduceError>,
}

impl<'a> AppendPermit<'a> {
    /// Waits for its turn, until the deadline if there is one.
    async fn take(apis: &'a ProduceApi, bytes: usize, deadline: Option<Duration>) -> Self {
        let none = Err(ErrorCode::RequestTimedOut.into());
        let mut permit = Self { apis, bytes, deadline, permit: none };
        permit.admit().await;
        permit
    }

    async fn admit(&mut self) {
        let Self { apis, bytes, deadline, .. } = *self;
        self.permit = match deadline {
            None => Ok(apis.storage.admit(bytes).await),
            Some(deadline) => {
                let left = deadline.saturating_sub(apis.runtime.monotonic());
                let admitted = apis.storage.admit_within(bytes, left).await;
                admitted.map_err(|error| ProduceError::new(error.error_code(), error.to_string()))
            }
        };
    }

    fn check(&self) -> Result<(), ProduceError> {
        self.permit.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// As [`crate::leadership::resolve::LeaderResolver::resolve_leader`].
    async fn resolve_leader(
        &mut self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<LeaderPartition, ProduceError> {
        self.permit = Err(ErrorCode::RequestTimedOut.into());
        self.apis.leaders.wait_for_leader(topic, partition, LEADER_WAIT_MAX).await;
        self.admit().await;
        self.check()?;
        Ok(self.apis.leaders.find(topic, partition)?)
    }
}

async fn append_all(mut permit: AppendPermit<'_>, topics: Vec<ValidTopic>) -> Vec<TopicAppends> {
    let now = Timestamp(permit.apis.runtime.wall_ms());
    let mut appended = Vec::with_capacity(topics.len());
    for topic in topics {
        let ValidTopic { name, id, by_id, partitions } = topic;
        let topic_ref = if by_id { TopicRef::Id(id) } else { TopicRef::Name(&name) };
        let mut appends = Vec::with_capacity(partitions.len());
        for ValidPartition { index, outcome } in partitions {
            let outcome = match outcome {
                Ok((led, batch)) => {
                    let partition = PartitionIndex(index);
                    append(&mut permit, topic_ref, partition, &led, batch, now).await
                }
                Err(error) => Err(error),
            };
            appends.push(PartitionAppend { index, outcome });
        }
        appended.push(TopicAppends { name, id, partitions: appends });
    }
    appended
}

/// Appends to one partition.
async fn append(
    permit: &mut AppendPermit<'_>,
    topic: TopicRef<'_>,
    partition: PartitionIndex,
    led: &LeaderPartition,
    batch: Batch,
    now: Timestamp,
) -> Result<AppendFuture, ProduceError> {
    permit.check()?;
    let options = AppendOptions { leader_epoch: None, now, origin: Origin::Client };
    let refused = |error: AppendError| ProduceError::new(error.error_code(), error.to_string());
    let batch = std::slice::from_ref(&batch);
    match led.partition.append(batch, &options) {
        Err(AppendError::Closed) => {
            let led = Box::pin(permit.resolve_leader(topic, partition)).await?;
            led.partition.append(batch, &options).map_err(refused)
        }
        appended => appended.map_err(refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_are_slowed_from_three_quarters_on() {
        for (pressure, ms) in [(0.0, 0), (0.75, 0), (0.875, 500), (1.0, 1000), (9.0, 1000)] {
            assert_eq!(throttle(pressure, 1 << 20), Duration::from_millis(ms), "{pressure}");
        }
        assert_eq!(throttle(1.0, 1024), Duration::from_micros(15625), "one that sends little");
    }
}
