//! From the records read to the response: in full, or the changes since the session's last
//! response.

use milena_protocol::{
    ErrorCode, KString,
    messages::fetch_response::{
        EpochEndOffset, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint,
        PartitionData,
    },
};

use super::{
    apis::FetchApis,
    read::{FetchTarget, PartitionRead, ReadPass, is_failure},
    session::{FetchKind, FetchPartition},
};
use crate::{
    context::RequestContext, entry_turns::EntryTurns, leadership::resolve::LeaderHints,
    topic_ref::OwnedTopicRef,
};

/// The first version whose responses name the leader that the client should use.
const FIRST_VERSION_WITH_LEADER: i16 = 16;

pub(super) async fn respond(
    context: &RequestContext,
    apis: &FetchApis,
    kind: &FetchKind,
    targets: Vec<FetchTarget>,
    pass: ReadPass,
) -> FetchResponse {
    let mut response = FetchResponse {
        throttle_time_ms: context.throttled().as_millis() as i32,
        ..Default::default()
    };
    let session = match kind {
        FetchKind::Full { session } => {
            response.session_id = session.as_ref().map_or(0, |(id, _)| *id);
            session.as_ref().map(|(_, session)| session)
        }
        FetchKind::Incremental { id, session } => {
            response.session_id = *id;
            Some(session)
        }
    };
    let mut turns = EntryTurns::default();
    let mut hints = apis.leaders.leader_hints(context.listener());
    let incremental = matches!(kind, FetchKind::Incremental { .. });
    for (target, read) in targets.into_iter().zip(pass.partitions) {
        turns.next().await;
        let session = session.map(|session| session.lock().expect("no panic while it is changed"));
        if let Some(mut session) = session
            && let Some(position) =
                target.position.or_else(|| session.position_of(&target.requested))
        {
            let has_records = !read.records.is_empty();
            let failed = is_failure(read.error) || read.diverging.is_some();
            let changed = session
                .partition(position)
                .is_none_or(|partition| partition.must_include(read.offsets, has_records, failed));
            if incremental && !changed {
                continue;
            }
            if has_records || failed {
                session.move_to_end(position);
            }
        }
        add(context, &mut hints, &mut response, &target.requested, read);
    }
    response.node_endpoints.extend(hints.into_nodes().into_iter().map(|node| NodeEndpoint {
        node_id: node.id.0,
        host: node.host.into(),
        port: node.port,
        rack: node.rack.map(KString::from),
    }));
    response
}

fn add(
    context: &RequestContext,
    hints: &mut LeaderHints<'_>,
    response: &mut FetchResponse,
    requested: &FetchPartition,
    read: PartitionRead,
) {
    let mut data = PartitionData {
        partition_index: requested.partition.0,
        error_code: read.error.code(),
        high_watermark: read.offsets.high_watermark,
        last_stable_offset: read.offsets.last_stable_offset,
        log_start_offset: read.offsets.log_start_offset,
        // No transactions are served, so none was aborted.
        aborted_transactions: None,
        preferred_read_replica: -1,
        records: Some(read.records),
        ..Default::default()
    };
    if let Some((epoch, end)) = read.diverging {
        data.diverging_epoch = EpochEndOffset { epoch: epoch.raw(), end_offset: end.raw() };
    }
    if read.error == ErrorCode::NotLeaderOrFollower
        && context.api_version >= FIRST_VERSION_WITH_LEADER
        && let Some(hint) = hints.of(requested.topic.as_ref(), requested.partition)
    {
        data.current_leader =
            LeaderIdAndEpoch { leader_id: hint.leader.0, leader_epoch: hint.leader_epoch };
    }
    match response.responses.last_mut() {
        Some(topic) if is_same(topic, &requested.topic) => topic.partitions.push(data),
        _ => {
            let (topic, topic_id) = match &requested.topic {
                OwnedTopicRef::Name(name) => (name.clone(), milena_protocol::Uuid::nil()),
                OwnedTopicRef::Id(id) => (KString::default(), id.0),
            };
            response.responses.push(FetchableTopicResponse {
                topic,
                topic_id,
                partitions: vec![data],
            });
        }
    }
}

fn is_same(topic: &FetchableTopicResponse, key: &OwnedTopicRef) -> bool {
    match key {
        OwnedTopicRef::Name(name) => topic.topic == *name,
        OwnedTopicRef::Id(id) => topic.topic_id == id.0,
    }
}
