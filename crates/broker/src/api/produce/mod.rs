//! Produce: record batches into the log. The response follows when they are on disk.
//!
//! The batches of a request are checked and appended, partition by partition, before the next
//! request of the connection is read; waiting for the disk then overlaps with it. `acks` 1 and -1
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

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use milena_protocol::{
    ApiKey, Decoder, ErrorCode, KString, messages::produce_request::ProduceRequest,
};
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
    validate::{ProduceError, validate},
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

/// The permit to append a request's records, held until all of them are appended.
struct AppendPermit<'a> {
    apis: &'a ProduceApi,
    bytes: usize,
    permit: Option<BudgetPermit>,
}

impl AppendPermit<'_> {
    /// As [`crate::leadership::resolve::LeaderResolver::resolve_leader`]. The permit is given back
    /// meanwhile: a partition that does not open would keep others from theirs.
    async fn resolve_leader(
        &mut self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
    ) -> Result<LeaderPartition, ErrorCode> {
        self.permit = None;
        self.apis.leaders.wait_for_leader(topic, partition, LEADER_WAIT_MAX).await;
        self.permit = Some(self.apis.storage.admit(self.bytes).await);
        self.apis.leaders.find(topic, partition)
    }
}

pub(crate) const APIS: &[ApiDefinition] = &[API];

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
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let bytes: usize =
        request.topic_data.iter().flat_map(|topic| &topic.partition_data).map(size).sum();
    let mut permit = AppendPermit { apis, bytes, permit: Some(apis.storage.admit(bytes).await) };
    context.throttle(throttle(apis.storage.pressure(), bytes));
    let topics = append_all(context, &mut permit, request).await;
    drop(permit);
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
    Handled::when_committed(context, pending.response(topics, timeout))
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

fn size(partition: &milena_protocol::messages::produce_request::PartitionProduceData) -> usize {
    partition.records.as_ref().map_or(0, Bytes::len)
}

async fn append_all(
    context: &RequestContext,
    permit: &mut AppendPermit<'_>,
    request: ProduceRequest,
) -> Vec<TopicAppends> {
    let apis = permit.apis;
    let acks_refused = (!matches!(request.acks, -1..=1)).then(|| {
        ProduceError::new(
            ErrorCode::InvalidRequiredAcks,
            format!("acks is {}, use -1, 0 or 1", request.acks),
        )
    });
    let now_ms = apis.runtime.wall_ms();
    let by_id = context.api_version >= FIRST_VERSION_WITH_IDS;
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let id = TopicId(topic.topic_id);
        // A name of its own, so that the response does not keep the request's records in memory.
        let name = KString::from(topic.name.as_str());
        let refused = match &acks_refused {
            Some(error) => Some(error.clone()),
            None => topic_refused(
                context,
                apis,
                if by_id { TopicRef::Id(id) } else { TopicRef::Name(&name) },
            ),
        };
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for data in topic.partition_data {
            let topic = if by_id { TopicRef::Id(id) } else { TopicRef::Name(&name) };
            let outcome = match &refused {
                Some(error) => Err(error.clone()),
                None => append(context, permit, topic, data.index, data.records, now_ms).await,
            };
            partitions.push(PartitionAppend { index: data.index, outcome });
        }
        topics.push(TopicAppends { name, id, partitions });
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

/// Appends to one partition. While it is being handed over, or not open here yet, this waits for
/// the outcome.
async fn append(
    context: &RequestContext,
    permit: &mut AppendPermit<'_>,
    topic: TopicRef<'_>,
    index: i32,
    records: Option<Bytes>,
    now_ms: i64,
) -> Result<AppendFuture, ProduceError> {
    let partition = PartitionIndex(index);
    let led = match permit.apis.leaders.find(topic, partition) {
        Err(ErrorCode::NotLeaderOrFollower) => {
            Box::pin(permit.resolve_leader(topic, partition)).await?
        }
        found => found?,
    };
    let batches = validate(records, &led.config, context.api_version, now_ms)?;
    if batches.iter().any(|batch| batch.header().attributes.is_transactional()) {
        let message =
            "transactions are not served by this cluster yet: produce without a transactional id";
        return Err(ProduceError::new(ErrorCode::InvalidTxnState, message));
    }
    let options =
        AppendOptions { leader_epoch: None, now: Timestamp(now_ms), origin: Origin::Client };
    let refused = |error: AppendError| ProduceError::new(error.error_code(), error.to_string());
    match led.partition.append(&batches, &options) {
        Err(AppendError::Closed) => {
            let led = Box::pin(permit.resolve_leader(topic, partition)).await?;
            led.partition.append(&batches, &options).map_err(refused)
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
