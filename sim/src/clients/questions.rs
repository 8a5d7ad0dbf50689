//! Questions by time and by leader epoch, whose answers are held against what is read.

use milena_client::{ClientError, StartAt};
use milena_protocol::{
    ErrorCode,
    messages::offset_for_leader_epoch_request::{
        OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
    },
};
use milena_types::Timestamp;

use super::{actor::Actor, bounds::ask_start};
use crate::{
    queries::{EpochAnswer, TimeAnswer},
    topics::NumberedPartition,
};

/// Asks one of them.
pub(super) async fn ask(
    actor: &Actor,
    place: &NumberedPartition,
    partition: i32,
) -> Result<(), ClientError> {
    match actor.rng.chance(500) {
        true => ask_time(actor, place, partition).await,
        false => ask_epoch(actor, place, partition).await,
    }
}

async fn ask_time(
    actor: &Actor,
    place: &NumberedPartition,
    partition: i32,
) -> Result<(), ClientError> {
    let queries = &actor.world.queries;
    let Some((record, known_end)) = queries.pick(partition, &actor.rng) else {
        return Ok(());
    };
    let timestamp = record.timestamp + actor.rng.below(3) as i64 - 1;
    let at = StartAt::Time(Timestamp(timestamp));
    let found = actor.client.list_offset(place.topic, place.partition, at).await?;
    let found = found.offset.map(milena_types::Offset::raw);
    let Some(start) = ask_start(actor, place).await else { return Ok(()) };
    let answer = TimeAnswer { partition, timestamp, known_end, found, start };
    actor.world.trace.line(&actor.name, format_args!("{answer:?}"));
    queries.note_time(answer);
    Ok(())
}

async fn ask_epoch(
    actor: &Actor,
    place: &NumberedPartition,
    partition: i32,
) -> Result<(), ClientError> {
    let queries = &actor.world.queries;
    let Some((record, known_end)) = queries.pick(partition, &actor.rng) else {
        return Ok(());
    };
    let asked = record.leader_epoch + actor.rng.below(2) as i32;
    let (connection, info) = actor.leader(place).await?;
    let known = info.partitions.iter().find(|p| p.index == place.partition);
    let topics = vec![OffsetForLeaderTopic {
        topic: place.topic.into(),
        partitions: vec![OffsetForLeaderPartition {
            partition: place.partition,
            current_leader_epoch: known.map_or(-1, |p| p.leader_epoch.raw()),
            leader_epoch: asked,
            ..Default::default()
        }],
        ..Default::default()
    }];
    let request = OffsetForLeaderEpochRequest { replica_id: -1, topics, ..Default::default() };
    let response = connection.call(&request).await?;
    let Some(end) = response.topics.iter().flat_map(|t| &t.partitions).next() else {
        return Ok(());
    };
    if ErrorCode::from_code(end.error_code) != ErrorCode::None {
        actor.client.forget_topic(place.topic);
        return Ok(());
    }
    let (epoch, end) = (end.leader_epoch, end.end_offset);
    let Some(start) = ask_start(actor, place).await else { return Ok(()) };
    let answer = EpochAnswer { partition, asked, known_end, epoch, end, start };
    actor.world.trace.line(&actor.name, format_args!("{answer:?}"));
    queries.note_epoch(answer);
    Ok(())
}
