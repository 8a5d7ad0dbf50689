//! From what was read to the response: in full, or what changed since the session's last answer.

use milena_protocol::{
    ErrorCode, KString,
    messages::fetch_response::{
        EpochEndOffset, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint,
        PartitionData,
    },
};

use super::{
    apis::FetchApis,
    read::{Answer, Round, Target, is_failure, topic_of},
    session::{FetchKind, TopicKey, Wanted},
};
use crate::{context::RequestContext, leadership::resolve::LeaderHints};

/// The first version whose answers name the leader that should have been asked.
const FIRST_VERSION_WITH_LEADER: i16 = 16;

pub(super) fn respond(
    context: &RequestContext,
    apis: &FetchApis,
    kind: &FetchKind,
    targets: Vec<Target>,
    round: Round,
) -> FetchResponse {
    let mut response = FetchResponse {
        throttle_time_ms: context.throttled().as_millis() as i32,
        ..Default::default()
    };
    let mut session = match kind {
        FetchKind::Full { session } => {
            response.session_id = session.as_ref().map_or(0, |(id, _)| *id);
            session.as_ref().map(|(_, session)| session)
        }
        FetchKind::Incremental { id, session } => {
            response.session_id = *id;
            Some(session)
        }
    }
    .map(|session| session.lock().expect("no panic while a session is changed"));
    let mut hints = apis.leaders.leader_hints(context.listener());
    let incremental = matches!(kind, FetchKind::Incremental { .. });
    for (target, answer) in targets.into_iter().zip(round.answers) {
        if let Some(session) = &mut session
            && let Some(place) = target.place.or_else(|| session.place_of(&target.wanted))
        {
            let has_records = !answer.records.is_empty();
            let failed = is_failure(answer.error) || answer.diverging.is_some();
            let changed = session
                .partition(place)
                .is_none_or(|partition| partition.must_answer(answer.told, has_records, failed));
            if incremental && !changed {
                continue;
            }
            if has_records {
                session.move_to_end(place);
            }
        }
        add(context, &mut hints, &mut response, &target.wanted, answer);
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
    wanted: &Wanted,
    answer: Answer,
) {
    let mut data = PartitionData {
        partition_index: wanted.partition.0,
        error_code: answer.error.code(),
        high_watermark: answer.told.high_watermark,
        last_stable_offset: answer.told.last_stable_offset,
        log_start_offset: answer.told.log_start_offset,
        // No transactions are served, so none was aborted.
        aborted_transactions: None,
        preferred_read_replica: -1,
        records: Some(answer.records),
        ..Default::default()
    };
    if let Some((epoch, end)) = answer.diverging {
        data.diverging_epoch = EpochEndOffset { epoch: epoch.raw(), end_offset: end.raw() };
    }
    if answer.error == ErrorCode::NotLeaderOrFollower
        && context.api_version >= FIRST_VERSION_WITH_LEADER
        && let Some(hint) = hints.of(topic_of(wanted), wanted.partition)
    {
        data.current_leader =
            LeaderIdAndEpoch { leader_id: hint.leader.0, leader_epoch: hint.leader_epoch };
    }
    match response.responses.last_mut() {
        Some(topic) if is_same(topic, &wanted.topic) => topic.partitions.push(data),
        _ => {
            let (topic, topic_id) = match &wanted.topic {
                TopicKey::Name(name) => (name.clone(), milena_protocol::Uuid::nil()),
                TopicKey::Id(id) => (KString::default(), id.0),
            };
            response.responses.push(FetchableTopicResponse {
                topic,
                topic_id,
                partitions: vec![data],
            });
        }
    }
}

fn is_same(topic: &FetchableTopicResponse, key: &TopicKey) -> bool {
    match key {
        TopicKey::Name(name) => topic.topic == *name,
        TopicKey::Id(id) => topic.topic_id == id.0,
    }
}
