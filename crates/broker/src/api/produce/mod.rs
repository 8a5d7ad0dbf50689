//! Produce: record batches into the log. The response follows when they are on disk.
//!
//! The batches of a request are validated, then admitted, then appended, before the next request of
//! the connection is handled; waiting for the disk then overlaps with it. `acks` 1 and -1
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
//! what it writes in a moment, requests wait to be admitted, in the order of their arrival, and
//! with them their connections.

pub(crate) mod apis;
mod pending;
mod validate;
mod validator;

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use milena_protocol::{
    ApiKey, Decoder, ErrorCode, KString,
    messages::produce_request::{PartitionProduceData, ProduceRequest},
};
use milena_records::TimestampType;
use milena_storage::{AppendError, AppendFuture, AppendOptions, Origin};
use milena_types::{PartitionIndex, Timestamp, TopicId};

use crate::{
    access::{Operation, Resource},
    api::{
        definition::{ApiDefinition, NextRequest},
        handled::{Handled, decode},
    },
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ToErrorCode,
    leadership::{partitions::LeaderPartition, resolve::LEADER_WAIT_MAX},
    topic_ref::{OwnedTopicRef, TopicRef},
};

use self::{
    apis::ProduceApi,
    pending::{FIRST_VERSION_WITH_IDS, PartitionAppend, PendingProduce, TopicAppends},
    validate::ProduceError,
    validator::{ValidBatch, Validator},
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

/// How long a request whose records are appended in part waits for partitions between two leaders.
const LEADER_WAIT_AFTER_APPEND_MAX: Duration = Duration::from_secs(1);

/// The arrays of a request take at most so many times its length: a partition has a batch, of 61
/// bytes at least.
const ARRAYS_PART: usize = 2;
/// The same for a short request.
const ARRAYS_BYTES_MIN: usize = 64 << 10;
/// The same for any: some 200,000 partitions.
const ARRAYS_BYTES_MAX: usize = 8 << 20;

/// So much may be made of what was received before it is appended, if no room was taken for it.
const MADE_BYTES_MAX: usize = 1 << 20;

/// A partition of a request on its way into the log.
struct ProducePartition {
    index: i32,
    stage: Stage,
}

enum Stage {
    /// Its leader was not found yet.
    Received(Option<Bytes>),
    Valid(LeaderPartition, ValidBatch),
    Done(Result<AppendFuture, ProduceError>),
}

struct ProduceTopic {
    name: KString,
    id: TopicId,
    by_id: bool,
    partitions: Vec<ProducePartition>,
}

impl ProduceTopic {
    fn topic_ref(&self) -> TopicRef<'_> {
        if self.by_id { TopicRef::Id(self.id) } else { TopicRef::Name(&self.name) }
    }
}

/// Appends what the request carries. The response follows when it is committed. Not boxed: it is
/// the one handler whose cost per request counts.
pub(crate) async fn handle(
    context: &RequestContext,
    apis: &Arc<ProduceApi>,
    body: Decoder,
) -> Handled {
    let arrays_max =
        body.remaining().saturating_mul(ARRAYS_PART).min(ARRAYS_BYTES_MAX) + ARRAYS_BYTES_MIN;
    let request: ProduceRequest = match decode(context, body.within(arrays_max)).await {
        Ok(request) => request,
        Err(closed) => return closed,
    };
    let acks = request.acks;
    match acks {
        // Nobody waits for it: such clients write and close.
        0 => context.outlive_peer(),
        // For the others Kafka ignores the field.
        -1 => context.narrow(request.timeout_ms),
        _ => {}
    }
    let mut producing = Producing {
        context,
        apis,
        validator: Validator::new(context, apis),
        topics: received(context, apis, request).await,
        valid: Vec::new(),
        has_appended: false,
    };
    producing.append_all(false).await;
    if producing.has_undecided() {
        Box::pin(producing.wait_and_append()).await;
    }
    let topics = producing.finish();
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
        deadline: context.deadline(),
    };
    Handled::when_committed(context, pending.response(topics))
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

/// The partitions of a request, with those that are refused before their records are looked at. A
/// partition named more than once is INVALID_REQUEST: Kafka appends the last one and drops the others
/// without a word.
async fn received(
    context: &RequestContext,
    apis: &ProduceApi,
    request: ProduceRequest,
) -> Vec<ProduceTopic> {
    let acks_refused = (!matches!(request.acks, -1..=1)).then(|| {
        ProduceError::new(
            ErrorCode::InvalidRequiredAcks,
            format!("acks is {}, use -1, 0 or 1", request.acks),
        )
    });
    let by_id = context.api_version >= FIRST_VERSION_WITH_IDS;
    let count: usize = request.topic_data.iter().map(|topic| topic.partition_data.len()).sum();
    let mut places = (count > 1).then(|| HashMap::with_capacity(count));
    let mut turns = EntryTurns::default();
    let mut topics: Vec<ProduceTopic> = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let id = TopicId(topic.topic_id);
        // A name of its own, so that the response does not keep the request's records in memory.
        let name = KString::from(topic.name.as_str());
        let key = if by_id { OwnedTopicRef::Id(id) } else { OwnedTopicRef::Name(name.clone()) };
        let refused = match &acks_refused {
            Some(error) => Some(error.clone()),
            None => topic_refused(context, apis, key.as_ref()),
        };
        let partitions = Vec::with_capacity(topic.partition_data.len());
        let mut into = ProduceTopic { name, id, by_id, partitions };
        for PartitionProduceData { index, records, .. } in topic.partition_data {
            turns.next().await;
            let place = (topics.len(), into.partitions.len());
            if let Some(places) = &mut places
                && let Some((topic, partition)) = places.insert((key.clone(), index), place)
            {
                // The first one alone stands in the response.
                places.insert((key.clone(), index), (topic, partition));
                let twice = ProduceError::new(
                    ErrorCode::InvalidRequest,
                    "the request names this partition more than once: name it once",
                );
                let first = topics.get_mut(topic).unwrap_or(&mut into);
                first.partitions[partition].stage = Stage::Done(Err(twice));
                continue;
            }
            let stage = match &refused {
                Some(error) => Stage::Done(Err(error.clone())),
                None => Stage::Received(records),
            };
            into.partitions.push(ProducePartition { index, stage });
        }
        topics.push(into);
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

/// The partitions of a request that are validated, then admitted, then appended.
struct Producing<'a> {
    context: &'a RequestContext,
    apis: &'a ProduceApi,
    validator: Validator<'a>,
    topics: Vec<ProduceTopic>,
    /// The places of the partitions to append to.
    valid: Vec<(usize, usize)>,
    has_appended: bool,
}

impl Producing<'_> {
    /// Finds leaders, validates, is admitted, and appends: all of them together, but for batches
    /// that were made of what was received, of which only so much is kept in memory. No room is held
    /// while another batch is validated, which may wait for room. What is between two leaders is
    /// left for another time, unless this `is_last`.
    async fn append_all(&mut self, is_last: bool) {
        let (mut bytes, mut made) = (0, 0);
        let mut turns = EntryTurns::default();
        for topic in 0..self.topics.len() {
            for partition in 0..self.topics[topic].partitions.len() {
                turns.next().await;
                self.validate(topic, partition, is_last).await;
                let Stage::Valid(_, valid) = &self.topics[topic].partitions[partition].stage else {
                    continue;
                };
                self.valid.push((topic, partition));
                bytes += valid.batch.size();
                made += valid.made_bytes;
                if made > MADE_BYTES_MAX || valid.room.is_some() {
                    self.admit_and_append(bytes, is_last).await;
                    (bytes, made) = (0, 0);
                }
            }
        }
        if bytes > 0 {
            self.admit_and_append(bytes, is_last).await;
        }
    }

    async fn validate(&mut self, topic: usize, partition: usize, is_last: bool) {
        let topic = &mut self.topics[topic];
        let topic_ref =
            if topic.by_id { TopicRef::Id(topic.id) } else { TopicRef::Name(&topic.name) };
        let partition = &mut topic.partitions[partition];
        if let Stage::Done(_) = partition.stage {
            return;
        }
        let index = PartitionIndex(partition.index);
        let found = self.apis.leaders.find(topic_ref, index);
        if !is_last && self.apis.leaders.is_undecided(&found, (topic_ref, index)) {
            return;
        }
        let stage = std::mem::replace(&mut partition.stage, Stage::Received(None));
        partition.stage = match (found, stage) {
            (Err(error), _) => Stage::Done(Err(error.into())),
            (Ok(led), Stage::Received(records)) => {
                match validate(&mut self.validator, &led, records).await {
                    Ok(batch) => Stage::Valid(led, batch),
                    Err(error) => Stage::Done(Err(error)),
                }
            }
            // Another topic under the same name may have other rules.
            (Ok(led), Stage::Valid(before, _)) if led.partition.id() != before.partition.id() => {
                Stage::Done(Err(ErrorCode::NotLeaderOrFollower.into()))
            }
            (Ok(led), Stage::Valid(_, batch)) => Stage::Valid(led, batch),
            (Ok(_), done @ Stage::Done(_)) => done,
        };
    }

    async fn admit_and_append(&mut self, bytes: usize, is_last: bool) {
        // Held until all are appended, never while anything else is waited for: one that waits
        // would keep others from theirs.
        let storage = &self.apis.storage;
        let admitted = match storage.try_admit(bytes) {
            Some(permit) => Ok(permit),
            None => Box::pin(storage.admit_within(bytes, self.context.left())).await,
        };
        self.context.throttle(throttle(storage.pressure(), bytes));
        match admitted {
            Ok(_permit) => self.append_valid(is_last),
            Err(error) => {
                let error = ProduceError::new(error.error_code(), error.to_string());
                for (topic, partition) in self.valid.drain(..) {
                    self.topics[topic].partitions[partition].stage =
                        Stage::Done(Err(error.clone()));
                }
            }
        }
    }

    fn append_valid(&mut self, is_last: bool) {
        for (topic, partition) in self.valid.drain(..) {
            let partition = &mut self.topics[topic].partitions[partition];
            let Stage::Valid(led, valid) = &mut partition.stage else { continue };
            let now = match led.config.message_timestamp_type {
                TimestampType::LogAppendTime => Timestamp(self.apis.runtime.wall_ms()),
                TimestampType::CreateTime => Timestamp::NONE,
            };
            let options = AppendOptions { leader_epoch: None, now, origin: Origin::Client };
            let outcome = match led.partition.append(std::slice::from_ref(&valid.batch), &options) {
                // It is being handed over.
                Err(AppendError::Closed) if !is_last => {
                    valid.room = None;
                    continue;
                }
                Err(error) => Err(ProduceError::new(error.error_code(), error.to_string())),
                Ok(appended) => Ok(appended),
            };
            self.has_appended |= outcome.is_ok();
            partition.stage = Stage::Done(outcome);
        }
    }

    fn has_undecided(&self) -> bool {
        let mut partitions = self.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.any(|partition| !matches!(partition.stage, Stage::Done(_)))
    }

    /// Waits, once, for the leaders of all partitions that are left, and appends to these: not long
    /// when others are appended, whose response this delays.
    async fn wait_and_append(&mut self) {
        let wait_max =
            if self.has_appended { LEADER_WAIT_AFTER_APPEND_MAX } else { LEADER_WAIT_MAX };
        let wait_max = wait_max.min(self.context.left());
        let undecided = self.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            let left = partitions.filter(|partition| !matches!(partition.stage, Stage::Done(_)));
            left.map(|partition| (topic.topic_ref(), PartitionIndex(partition.index)))
        });
        let undecided = undecided.collect();
        self.apis.leaders.wait_until_decided(undecided, wait_max).await;
        self.append_all(true).await;
    }

    fn finish(self) -> Vec<TopicAppends> {
        let finish = |partition: ProducePartition| PartitionAppend {
            index: partition.index,
            outcome: match partition.stage {
                Stage::Done(outcome) => outcome,
                Stage::Received(_) | Stage::Valid(..) => Err(ErrorCode::NotLeaderOrFollower.into()),
            },
        };
        let topics = self.topics.into_iter().map(|topic| TopicAppends {
            name: topic.name,
            id: topic.id,
            partitions: topic.partitions.into_iter().map(finish).collect(),
        });
        topics.collect()
    }
}

async fn validate(
    validator: &mut Validator<'_>,
    led: &LeaderPartition,
    records: Option<Bytes>,
) -> Result<ValidBatch, ProduceError> {
    let valid = validator.validate(records, &led.config).await?;
    if valid.batch.header().attributes.is_transactional() {
        let message =
            "transactions are not served by this cluster yet: produce without a transactional id";
        return Err(ProduceError::new(ErrorCode::InvalidTxnState, message));
    }
    Ok(valid)
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
