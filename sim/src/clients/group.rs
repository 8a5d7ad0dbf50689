//! Offsets that groups commit: one client commits ever higher ones, another looks what is
//! committed.

use milena_client::{ClientError, CommittedOffset};
use milena_protocol::{
    ErrorCode,
    messages::offset_commit_request::{
        OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    },
};
use milena_testkit::history::Event;
use milena_types::{LeaderEpoch, Offset};

use super::actor::Actor;
use crate::topics::NumberedPartition;

/// Offsets of one generation of a topic are told from those of another.
const GENERATION_OFFSETS: i64 = 1_000_000;

fn group_name(n: u64) -> String {
    format!("group-{n}")
}

fn first_partition(actor: &Actor) -> NumberedPartition {
    actor.world.topics.partitions()[0].clone()
}

/// What became of a commit.
enum CommitOutcome {
    Committed,
    /// It was not made.
    Refused,
    /// It may still be made.
    Unknown,
}

/// Commits while work goes on. A commit whose outcome is not known is repeated before a higher one
/// is made.
pub(super) async fn commit(mut actor: Actor, n: u64) {
    let (group, place) = (group_name(n), first_partition(&actor));
    let (mut offset, mut before) = (1, 0);
    while actor.is_working() {
        let Some((generation, partition)) = actor.world.topics.of_commits(&place) else {
            actor.rest(1..20).await;
            continue;
        };
        if generation != before {
            (offset, before) = (i64::from(generation) * GENERATION_OFFSETS + 1, generation);
        }
        match commit_once(&actor, &group, &place, generation, offset).await {
            CommitOutcome::Committed => {
                let group = group.clone();
                actor.world.note(&actor.name, Event::Committed { group, partition, offset });
                offset += 1;
                if place.recreated && actor.rng.chance(300) {
                    // Long enough for whoever looks to see that it is gone.
                    actor.rest(300..1500).await;
                } else if actor.world.plan.members > 0 {
                    // It is not in what is written again when a log of groups is cut wrongly.
                    actor.rest(1000..6000).await;
                } else if actor.rng.chance(500) {
                    actor.rest(1..150).await;
                }
            }
            CommitOutcome::Refused => actor.rest(10..80).await,
            CommitOutcome::Unknown => {
                actor.reconnect();
                // Longer than anything stays on its way: a commit that comes late must not undo a
                // higher one.
                actor.rest(300..600).await;
            }
        }
    }
}

async fn commit_once(
    actor: &Actor,
    group: &str,
    place: &NumberedPartition,
    generation: i32,
    offset: i64,
) -> CommitOutcome {
    let outcome = if place.recreated {
        commit_by_id(actor, group, place, generation, offset).await
    } else {
        let committed = CommittedOffset {
            topic: place.topic.to_owned(),
            partition: place.partition,
            offset: Offset(offset),
            leader_epoch: LeaderEpoch::NONE,
            metadata: String::new(),
        };
        actor.client.commit_offsets(group, &[committed]).await.map(|()| ErrorCode::None)
    };
    match outcome {
        Ok(ErrorCode::None) => CommitOutcome::Committed,
        // The coordinator has not learned of the topic yet, or it is gone.
        Ok(ErrorCode::UnknownTopicId) => CommitOutcome::Refused,
        Ok(code) => {
            actor.world.trace.line(&actor.name, format_args!("commit: {}", code.name()));
            CommitOutcome::Unknown
        }
        Err(error) => {
            actor.world.trace.line(&actor.name, format_args!("{error}"));
            CommitOutcome::Unknown
        }
    }
}

/// Names the topic by its id: by its name a coordinator might take the former topic for it.
async fn commit_by_id(
    actor: &Actor,
    group: &str,
    place: &NumberedPartition,
    generation: i32,
    offset: i64,
) -> Result<ErrorCode, ClientError> {
    let Some(id) = actor.world.topics.id(place, generation) else {
        return Ok(ErrorCode::UnknownTopicId);
    };
    let partitions = vec![OffsetCommitRequestPartition {
        partition_index: place.partition,
        committed_offset: offset,
        ..Default::default()
    }];
    let topics =
        vec![OffsetCommitRequestTopic { topic_id: id.0, partitions, ..Default::default() }];
    let request = OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        topics,
        ..Default::default()
    };
    let response = actor.coordinator(group).await?.call(&request).await?;
    let done = response.topics.iter().flat_map(|t| &t.partitions).next();
    Ok(done.map_or(ErrorCode::UnknownServerError, |done| ErrorCode::from_code(done.error_code)))
}

/// Reads committed offsets during the phase of work.
pub(super) async fn read_committed(mut actor: Actor, n: u64) {
    while actor.is_working() {
        try_read_committed(&mut actor, n).await;
        actor.rest(20..400).await;
    }
}

/// Reads a committed offset, until there is a response.
pub(super) async fn read_committed_once(actor: &mut Actor, n: u64) {
    while !try_read_committed(actor, n).await {
        actor.rest(20..200).await;
    }
}

async fn try_read_committed(actor: &mut Actor, n: u64) -> bool {
    let (group, place) = (group_name(n), first_partition(actor));
    let of_commits = actor.world.topics.of_commits(&place);
    let Some((generation, partition)) = of_commits else { return false };
    let call = actor.world.ask();
    match actor.client.committed_offsets(&group, &[(place.topic, place.partition)]).await {
        Ok(found) => {
            let offset = found.first().map_or(-1, |found| found.offset.raw());
            // What an earlier topic of this name left behind is nothing for this one.
            let offset = match offset / GENERATION_OFFSETS {
                of if of == i64::from(generation) => offset,
                _ => -1,
            };
            let call = Some(call);
            actor.world.note(&actor.name, Event::Resumed { group, partition, offset, call });
            true
        }
        Err(error) => {
            actor.world.trace.line(&actor.name, format_args!("{error}"));
            actor.reconnect();
            false
        }
    }
}
