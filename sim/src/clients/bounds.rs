//! Where a partition starts and ends, as clients are told.

use milena_client::StartAt;
use milena_testkit::history::Event;

use super::actor::Actor;
use crate::topics::NumberedPartition;

pub(super) async fn ask_start(actor: &Actor, place: &NumberedPartition) -> Option<i64> {
    let partition = place.numbered(actor.world.topics.newest(place)?);
    let call = actor.world.ask();
    let found =
        actor.client.list_offset(place.topic, place.partition, StartAt::Beginning).await.ok()?;
    let log_start = found.offset.map(milena_types::Offset::raw);
    note_bounds(actor, partition, call, log_start, None);
    log_start
}

pub(super) async fn ask_end(actor: &Actor, place: &NumberedPartition) -> Option<i64> {
    let partition = place.numbered(actor.world.topics.newest(place)?);
    let call = actor.world.ask();
    let found = actor.client.list_offset(place.topic, place.partition, StartAt::End).await.ok()?;
    let end = found.offset.map(milena_types::Offset::raw);
    note_bounds(actor, partition, call, None, end);
    end
}

pub(super) fn note_bounds(
    actor: &Actor,
    partition: i32,
    call: u64,
    log_start: Option<i64>,
    high_watermark: Option<i64>,
) {
    if let Some(log_start) = log_start {
        let (world, wall_ms) = (&actor.world, actor.world.clock.highest_ms());
        world.log_starts.starts_at(&world.findings, partition, log_start, wall_ms);
        if high_watermark.is_some_and(|end| end < log_start) {
            let text = format!("{partition} ends at {high_watermark:?}, and starts at {log_start}");
            actor.world.findings.add("bounds", text);
        }
    }
    actor.world.note(&actor.name, Event::Bounds { call, partition, log_start, high_watermark });
}
