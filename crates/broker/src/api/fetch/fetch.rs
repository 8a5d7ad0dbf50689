//! Fetch: records from the log, waiting for them if there are none.
//!
//! Partitions are read in the order of the request (or of its session) until the limits are
//! reached. The first batch of the first partition that has any is returned even if it is larger
//! than the limits, so that a consumer always makes progress (KIP-74). With fewer than `min_bytes`
//! the response waits, at most `max_wait_ms`, for high watermarks to move; an error, a diverging
//! epoch or `max_wait_ms` 0 end the wait at once. Records pass as slices of the log's buffers.
//! Empty records are zero bytes, not null.
//!
//! There is no preferred read replica: every leader reads from the same stores. `rack_id` has no
//! effect.
//!
//! Partition errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, NOT_LEADER_OR_FOLLOWER,
//! FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{fetch_request::FetchRequest, fetch_response::FetchResponse},
};
use milena_storage::Waiter;
use milena_types::{PartitionIndex, TopicId};

use crate::{
    api::definition::ApiDefinition, context::RequestContext, leadership::resolve::LEADER_WAIT_MAX,
    topic_ref::OwnedTopicRef,
};

use super::{
    apis::FetchApis,
    list_offsets, read,
    read::{FetchLimits, FetchTarget, ReadPass},
    respond,
    session::{FetchKind, FetchPartition, Session, SessionRequest},
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
) -> FetchResponse {
    let version = context.api_version;
    let requested = requested_partitions(&request, version);
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
            Err(error) => return FetchResponse { error_code: error.code(), ..Default::default() },
        }
    };
    let mut targets: Vec<FetchTarget> = match &kind {
        FetchKind::Full { .. } => requested
            .into_iter()
            .map(|requested| FetchTarget::new(context, apis, requested, None))
            .collect(),
        FetchKind::Incremental { session, .. } => session_targets(context, apis, session),
    };
    for target in &mut targets {
        target.resolve_leader(context, apis).await;
    }
    let limits = limits(apis, &request, version);
    let pass = wait_and_read(apis, &targets, &limits, &request).await;
    for (target, read) in targets.iter().zip(&pass.partitions) {
        // Closed while this waited: the response names the next leader.
        if read.error == ErrorCode::NotLeaderOrFollower {
            apis.leaders
                .wait_for_leader(
                    target.requested.topic.as_ref(),
                    target.requested.partition,
                    LEADER_WAIT_MAX,
                )
                .await;
        }
    }
    respond::respond(context, apis, &kind, targets, pass)
}

fn requested_partitions(request: &FetchRequest, version: i16) -> Vec<FetchPartition> {
    let count = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let mut requested = Vec::with_capacity(count);
    for topic in &request.topics {
        let key = key(version, &topic.topic, topic.topic_id);
        requested.extend(topic.partitions.iter().map(|partition| FetchPartition {
            topic: key.clone(),
            partition: PartitionIndex(partition.partition),
            current_leader_epoch: partition.current_leader_epoch,
            fetch_offset: partition.fetch_offset,
            last_fetched_epoch: partition.last_fetched_epoch,
            bytes_max: partition.partition_max_bytes,
        }));
    }
    requested
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
        OwnedTopicRef::Name(name.clone())
    }
}

fn session_targets(
    context: &RequestContext,
    apis: &FetchApis,
    session: &Arc<Mutex<Session>>,
) -> Vec<FetchTarget> {
    let mut session = session.lock().expect("no panic while a session is changed");
    let mut targets = Vec::with_capacity(session.len());
    for (position, partition) in session.partitions() {
        targets.push(FetchTarget::new(context, apis, partition.requested.clone(), Some(position)));
    }
    targets
}

fn limits(apis: &FetchApis, request: &FetchRequest, version: i16) -> FetchLimits {
    let bytes_max =
        if version >= FIRST_VERSION_WITH_MAX_BYTES { request.max_bytes } else { i32::MAX };
    FetchLimits {
        bytes_max: usize::try_from(bytes_max).unwrap_or(0).min(apis.response_bytes_max),
        isolation: list_offsets::isolation(request.isolation_level),
        version,
    }
}

/// Reads, and reads again when there is more, until the response has enough or is late.
async fn wait_and_read(
    apis: &FetchApis,
    targets: &[FetchTarget],
    limits: &FetchLimits,
    request: &FetchRequest,
) -> ReadPass {
    let bytes_min = usize::try_from(request.min_bytes).unwrap_or(0).min(limits.bytes_max);
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let mut pass = read::read(targets, limits).await;
    if pass.is_due(bytes_min) || wait.is_zero() || targets.is_empty() {
        return pass;
    }
    let mut deadline = std::pin::pin!(tokio::time::sleep(wait));
    loop {
        let waiter = Waiter::new(bytes_min - pass.bytes);
        let guards: Vec<_> = targets.iter().filter_map(|target| target.watch(&waiter)).collect();
        // Appends between the first read and the registration did not wake this request.
        pass = read::read(targets, limits).await;
        if pass.is_due(bytes_min) {
            return pass;
        }
        tokio::select! {
            () = waiter.woken() => {}
            () = deadline.as_mut() => return pass,
            () = apis.stopping.cancelled() => return pass,
        }
        drop(guards);
        pass = read::read(targets, limits).await;
        if pass.is_due(bytes_min) {
            return pass;
        }
    }
}
