//! Fetch: records from the log, waiting for them if there are none.
//!
//! Partitions are read in the order of the request (or of its session) until the limits are
//! reached. The first batch of the first partition that has any is returned even if it is larger
//! than the limits, so that a consumer always makes progress (KIP-74). With fewer than `min_bytes`
//! the response waits, at most `max_wait_ms`, for high watermarks to move; an error, a diverging
//! epoch or `max_wait_ms` 0 end the wait at once. Records pass as slices of the log's buffers.
//! Empty records are zero bytes, not null.
//!
//! A fetch reads objects a limited number of times for all its partitions, and returns what it has
//! when its time is over. What it began to read is then there for the next one.
//!
//! There is no preferred read replica: every leader reads from the same stores. `rack_id` has no
//! effect.
//!
//! Partition errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, NOT_LEADER_OR_FOLLOWER,
//! FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Mutex,
    time::Duration,
};

use milena_protocol::{
    ApiKey,
    messages::{
        fetch_request::{FetchRequest, FetchTopic},
        fetch_response::FetchResponse,
    },
};
use milena_types::{PartitionIndex, TopicId};

use crate::{
    api::{
        bounds::RESPONSE_BYTES_MAX,
        definition::ApiDefinition,
        handled::{Handled, IntoHandled as _},
    },
    context::RequestContext,
    entry_turns::{EntryTurns, SLICE_ENTRIES},
    topic_ref::{OwnedTopicRef, TopicRef},
};

use super::{
    apis::FetchApis,
    list_offsets,
    read::{FetchLimits, FetchTarget},
    respond,
    session::{FetchKind, FetchPartition, Session, SessionRequest},
    wait::FetchWait,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    limits: "to clients only, no broker fetches from another",
    notes: &[
        (2, "messages of magic 1; before, of magic 0 (KIP-31, KIP-32)"),
        (3, "a limit for the whole response (KIP-74)"),
        (4, "record batches; the isolation level (KIP-98)"),
        (5, "the log start offset (KIP-107)"),
        (7, "fetch sessions (KIP-227)"),
        (9, "leader epochs are checked (KIP-320)"),
        (10, "zstd; before, UNSUPPORTED_COMPRESSION_TYPE (KIP-110)"),
        (12, "diverging epochs (KIP-595)"),
        (13, "topics by id (KIP-516)"),
        (16, "the leader next to NOT_LEADER_OR_FOLLOWER (KIP-951)"),
    ],
    time_max: Some(Duration::from_secs(60)),
    ..ApiDefinition::new(ApiKey::Fetch, 0..=18)
};

/// For so long a fetch reads from segments even if its client waits less.
const READ_MIN: Duration = Duration::from_millis(200);
/// The approximate bytes of a partition in a response, without its records.
const PARTITION_BYTES: usize = 128;
/// The first version with fetch sessions.
const FIRST_VERSION_WITH_SESSIONS: i16 = 7;
/// The first version that names topics by id.
const FIRST_VERSION_WITH_IDS: i16 = 13;
/// The first version with a limit for the whole response.
const FIRST_VERSION_WITH_MAX_BYTES: i16 = 3;

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &FetchApis,
    request: FetchRequest,
) -> Handled {
    let version = context.api_version;
    context.narrow(request.max_wait_ms);
    let requested = requested_partitions(&request, version).await;
    let kind = if version < FIRST_VERSION_WITH_SESSIONS {
        FetchKind::Full { session: None }
    } else {
        let session = SessionRequest {
            id: request.session_id,
            epoch: request.session_epoch,
            by_id: version >= FIRST_VERSION_WITH_IDS,
        };
        let random = || apis.runtime.random_u64();
        let forgotten = forgotten(&request, version);
        match apis.sessions.begin(session, &requested, forgotten, random, context.received) {
            Ok(kind) => kind,
            Err(error) => {
                let error_code = error.code();
                return FetchResponse { error_code, ..Default::default() }.into_handled(context);
            }
        }
    };
    let targets = match &kind {
        FetchKind::Full { .. } => all_targets(context, apis, requested).await,
        FetchKind::Incremental { session, .. } => session_targets(context, apis, session).await,
    };
    let limits = limits(context, apis, &request, targets.len());
    // It waits without it: the targets have names of their own.
    drop(request);
    context.release_received();
    let waiting = FetchWait::new(context, apis, &limits, targets);
    let (targets, mut pass) = waiting.read().await;
    if let Some(room) = pass.room.take() {
        context.keep_room(room);
    }
    let record_bytes = pass.bytes;
    let response = respond::respond(context, apis, &kind, targets, pass).await;
    Handled::done(context, &response, record_bytes)
}

async fn all_targets(
    context: &RequestContext,
    apis: &FetchApis,
    requested: Vec<FetchPartition>,
) -> Vec<FetchTarget> {
    let mut turns = EntryTurns::default();
    let mut targets = Vec::with_capacity(requested.len());
    for requested in requested {
        turns.next().await;
        targets.push(FetchTarget::new(context, apis, requested, None));
    }
    targets
}

/// The targets of a session. Its lock is held for a slice of them at a time.
async fn session_targets(
    context: &RequestContext,
    apis: &FetchApis,
    session: &Mutex<Session>,
) -> Vec<FetchTarget> {
    let lock = || session.lock().expect("no panic while a session is changed");
    let mut targets = Vec::with_capacity(lock().len());
    let mut from = 0;
    loop {
        let slice: Vec<(u64, FetchPartition)> = lock()
            .partitions_from(from)
            .take(SLICE_ENTRIES)
            .map(|(position, partition)| (position, partition.requested.clone()))
            .collect();
        let Some((last, _)) = slice.last() else { return targets };
        from = last + 1;
        let is_last = slice.len() < SLICE_ENTRIES;
        for (position, requested) in slice {
            targets.push(FetchTarget::new(context, apis, requested, Some(position)));
        }
        if is_last {
            return targets;
        }
        tokio::task::yield_now().await;
    }
}

/// The partitions of a request, each once: of those named again the last entry counts, as in Kafka.
async fn requested_partitions(request: &FetchRequest, version: i16) -> Vec<FetchPartition> {
    let count = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let mut turns = EntryTurns::default();
    let mut requested: Vec<FetchPartition> = Vec::with_capacity(count);
    let mut places = HashMap::with_capacity(count);
    for topic in &request.topics {
        let key = key(version, &topic.topic, topic.topic_id);
        for partition in &topic.partitions {
            turns.next().await;
            let partition = FetchPartition {
                topic: key.clone(),
                partition: PartitionIndex(partition.partition),
                current_leader_epoch: partition.current_leader_epoch,
                fetch_offset: partition.fetch_offset,
                last_fetched_epoch: partition.last_fetched_epoch,
                bytes_max: partition.partition_max_bytes,
            };
            match places.entry((topic_name(version, topic), partition.partition)) {
                Entry::Occupied(place) => requested[*place.get()] = partition,
                Entry::Vacant(place) => {
                    place.insert(requested.len());
                    requested.push(partition);
                }
            }
        }
    }
    requested
}

/// A topic as the request names it.
fn topic_name(version: i16, topic: &FetchTopic) -> TopicRef<'_> {
    if version >= FIRST_VERSION_WITH_IDS {
        TopicRef::Id(TopicId(topic.topic_id))
    } else {
        TopicRef::Name(&topic.topic)
    }
}

fn forgotten(request: &FetchRequest, version: i16) -> Vec<(OwnedTopicRef, PartitionIndex)> {
    let topics = request.forgotten_topics_data.iter();
    let partitions = topics.flat_map(|topic| {
        let key = key(version, &topic.topic, topic.topic_id);
        topic.partitions.iter().map(move |partition| (key.clone(), PartitionIndex(*partition)))
    });
    partitions.collect()
}

fn key(version: i16, name: &milena_protocol::KString, id: milena_protocol::Uuid) -> OwnedTopicRef {
    if version >= FIRST_VERSION_WITH_IDS {
        OwnedTopicRef::Id(TopicId(id))
    } else {
        OwnedTopicRef::Name(name.clone()).detached()
    }
}

fn limits(
    context: &RequestContext,
    apis: &FetchApis,
    request: &FetchRequest,
    partitions: usize,
) -> FetchLimits {
    let version = context.api_version;
    let now = apis.runtime.monotonic();
    let bytes_max =
        if version >= FIRST_VERSION_WITH_MAX_BYTES { request.max_bytes } else { i32::MAX };
    let records_max = RESPONSE_BYTES_MAX.saturating_sub(partitions.saturating_mul(PARTITION_BYTES));
    let deadline = context.deadline().unwrap_or(now);
    FetchLimits {
        bytes_max: usize::try_from(bytes_max)
            .unwrap_or(0)
            .min(apis.response_bytes_max)
            .min(records_max),
        isolation: list_offsets::isolation(request.isolation_level),
        version,
        deadline,
        read_until: deadline.max(now + READ_MIN),
        bytes_min: usize::try_from(request.min_bytes).unwrap_or(0),
        ends_when_cut: false,
    }
}
