//! DeleteRecords: removes the beginning of partitions.

use milena_client::{ClientError, StartAt};
use milena_protocol::{
    ErrorCode,
    messages::delete_records_request::{
        DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
    },
};

use super::{actor::Actor, bounds::note_bounds};
use crate::topics::NumberedPartition;

/// Cuts while work goes on.
pub(super) async fn run(mut actor: Actor) {
    let places: Vec<NumberedPartition> =
        actor.world.topics.partitions().iter().filter(|place| place.cut).cloned().collect();
    while actor.is_working() {
        actor.rest(100..900).await;
        let index = actor.rng.below(places.len() as u64) as usize;
        if let Err(error) = cut(&actor, &places[index]).await {
            actor.world.trace.line(&actor.name, format_args!("cutting: {error}"));
            actor.reconnect();
        }
    }
}

async fn cut(actor: &Actor, place: &NumberedPartition) -> Result<(), ClientError> {
    let (world, rng) = (&actor.world, &actor.rng);
    let number = |world: &crate::world::World| {
        world.topics.newest(place).map(|generation| place.numbered(generation))
    };
    let Some(partition) = number(world) else { return Ok(()) };
    let bound = async |at| {
        let found = actor.client.list_offset(place.topic, place.partition, at).await?;
        Ok::<_, ClientError>(found.offset.map_or(0, milena_types::Offset::raw))
    };
    let (start, end) = (bound(StartAt::Beginning).await?, bound(StartAt::End).await?);
    let offset = match end.checked_sub(start) {
        Some(there) if there > 0 && rng.chance(700) => start + rng.below(there as u64) as i64,
        _ => end,
    };
    let (connection, _) = actor.leader(place).await?;
    let topics = vec![DeleteRecordsTopic {
        name: place.topic.into(),
        partitions: vec![DeleteRecordsPartition {
            partition_index: place.partition,
            offset,
            ..Default::default()
        }],
        ..Default::default()
    }];
    let request = DeleteRecordsRequest { topics, timeout_ms: 1500, ..Default::default() };
    let named = world.log_starts.named(partition, offset);
    world.trace.line(&actor.name, format_args!("deletes {partition} up to {offset}"));
    let call = world.ask();
    let response = connection.call(&request).await?;
    if number(world) != Some(partition) {
        return Ok(());
    }
    let Some(done) = response.topics.iter().flat_map(|t| &t.partitions).next() else {
        return Ok(());
    };
    match ErrorCode::from_code(done.error_code) {
        ErrorCode::None => {
            let low = done.low_watermark;
            if low < offset || low > named {
                let text = format!("{partition} up to {offset}, at most {named}: {low}");
                world.findings.add("delete-records", text);
            }
            note_bounds(actor, partition, call, Some(low), None);
        }
        code => {
            world.trace.line(&actor.name, format_args!("delete records: {}", code.name()));
            actor.client.forget_topic(place.topic);
        }
    }
    Ok(())
}
