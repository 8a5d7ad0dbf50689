//! Consumers: they read on from where they are, ask at times where a partition ends, and hold every
//! answer against where they were.

use bytes::Bytes;
use milena_client::ClientError;
use milena_protocol::{
    ErrorCode,
    messages::{
        fetch_request::{FetchPartition, FetchRequest, FetchTopic},
        fetch_response::PartitionData,
    },
};
use milena_records::split;
use milena_testkit::history::Event;

use super::{
    actor::Actor,
    bounds::{ask_end, ask_start, note_bounds},
    questions,
};
use crate::{plan::GENERATION_STEP, queries::SeenRecord, topics::NumberedPartition};

/// Reads during the phase of work.
pub(super) async fn run(actor: Actor, place: NumberedPartition) {
    let mut reader = Reader { actor, place, partition: -1, position: 0, last: false };
    while reader.actor.is_working() {
        // What has a name only may be the former topic's.
        if reader.actor.rng.chance(100) && !reader.place.recreated {
            ask_end(&reader.actor, &reader.place).await;
        }
        if reader.actor.world.plan.queries
            && reader.actor.rng.chance(300)
            && let Err(error) = questions::ask(&reader.actor, &reader.place, reader.partition).await
        {
            reader.actor.world.trace.line(&reader.actor.name, format_args!("{error}"));
        }
        if reader.actor.rng.chance(20) {
            // A reader from the beginning.
            reader.position = 0;
        }
        if let Err(error) = reader.fetch().await {
            reader.actor.world.trace.line(&reader.actor.name, format_args!("{error}"));
            reader.actor.reconnect();
            reader.actor.rest(5..100).await;
        }
        if reader.actor.rng.chance(200) {
            reader.actor.rest(1..200).await;
        }
    }
}

/// Reads a partition from its beginning to its end.
pub(super) async fn read_everything(actor: &mut Actor, place: &NumberedPartition) {
    let end = loop {
        if ask_start(actor, place).await.is_some()
            && let Some(end) = ask_end(actor, place).await
        {
            break end;
        }
        actor.reconnect();
        actor.rest(10..100).await;
    };
    let (place, partition) = (place.clone(), -1);
    let mut reader = Reader { actor: actor.clone(), place, partition, position: 0, last: true };
    while reader.position < end {
        if let Err(error) = reader.fetch().await {
            actor.world.trace.line(&actor.name, format_args!("{error}"));
            reader.actor.reconnect();
            actor.rest(10..100).await;
        }
    }
}

struct Reader {
    actor: Actor,
    place: NumberedPartition,
    /// Its number in the generation that is being read.
    partition: i32,
    position: i64,
    /// Whether this is the last, complete read.
    last: bool,
}

impl Reader {
    async fn fetch(&mut self) -> Result<(), ClientError> {
        let call = self.actor.world.ask();
        let (connection, info) = self.actor.leader(&self.place).await?;
        let Some(generation) = self.actor.world.topics.generation(&self.place, info.id) else {
            self.actor.client.forget_topic(self.place.topic);
            self.actor.rest(5..60).await;
            return Ok(());
        };
        if self.partition != self.place.numbered(generation) {
            self.partition = self.place.numbered(generation);
            self.position = 0;
        }
        let known = info.partitions.iter().find(|p| p.index == self.place.partition);
        let partition = FetchPartition {
            partition: self.place.partition,
            current_leader_epoch: known.map_or(-1, |p| p.leader_epoch.raw()),
            fetch_offset: self.position,
            partition_max_bytes: self.actor.rng.within(500..20_000) as i32,
            ..Default::default()
        };
        let topic = FetchTopic {
            topic: self.place.topic.into(),
            topic_id: info.id.0,
            partitions: vec![partition],
        };
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: 200,
            min_bytes: 1,
            max_bytes: 100_000,
            session_epoch: -1,
            topics: vec![topic],
            ..Default::default()
        };
        let response = connection.call(&request).await?;
        let Some(data) = response.responses.iter().flat_map(|t| &t.partitions).next() else {
            return Ok(());
        };
        self.take(call, data).await;
        Ok(())
    }

    async fn take(&mut self, call: u64, data: &PartitionData) {
        let (actor, place) = (&self.actor, &self.place);
        let newest = actor.world.topics.newest(place).map(|newest| place.numbered(newest));
        if newest != Some(self.partition) {
            // Nothing is promised of it any more.
            actor.client.forget_topic(place.topic);
            actor.rest(5..60).await;
            return;
        }
        match ErrorCode::from_code(data.error_code) {
            ErrorCode::None => {
                let said = |offset: i64| (offset >= 0).then_some(offset);
                note_bounds(
                    actor,
                    self.partition,
                    call,
                    said(data.log_start_offset),
                    said(data.high_watermark),
                );
                let bytes = data
                    .records
                    .as_ref()
                    .map(milena_protocol::Records::to_bytes)
                    .unwrap_or_default();
                self.read(bytes, data.log_start_offset, data.high_watermark);
            }
            ErrorCode::OffsetOutOfRange => {
                actor
                    .world
                    .trace
                    .line(&actor.name, format_args!("{} is out of range", self.position));
                if place.recreated {
                    actor.client.forget_topic(place.topic);
                    actor.rest(5..60).await;
                    return;
                }
                // The end never goes back, so this can only be because the beginning has moved.
                if let Some(start) = ask_start(actor, place).await {
                    let newest = actor.world.topics.newest(place);
                    if start <= self.position
                        && newest.map(|newest| place.numbered(newest)) == Some(self.partition)
                    {
                        let text = format!(
                            "{}:{} is out of range, the log starts at {start}",
                            self.partition, self.position
                        );
                        actor.world.findings.add("went-back", text);
                    }
                    self.position = start;
                }
            }
            code => {
                actor.world.trace.line(&actor.name, format_args!("fetch: {}", code.name()));
                actor.client.forget_topic(place.topic);
                actor.rest(5..60).await;
            }
        }
    }

    fn read(&mut self, bytes: Bytes, log_start: i64, high_watermark: i64) {
        let (actor, partition) = (&self.actor, self.partition);
        for batch in split(bytes) {
            let Ok(batch) = batch else { break };
            let records = batch.verify_crc().and_then(|()| batch.records(1 << 20));
            let Ok(set) = records else {
                actor
                    .world
                    .findings
                    .add("damaged", format!("a batch of {partition} at {}", self.position));
                return;
            };
            for record in set.iter().flatten() {
                let offset = record.offset.raw();
                if offset < self.position {
                    continue;
                }
                if offset > self.position && self.position >= log_start {
                    let text = format!("{partition}: asked for {}, {offset} came", self.position);
                    actor.world.findings.add("gap", text);
                }
                if offset < log_start {
                    let text = format!("{partition}:{offset}, the log starts at {log_start}");
                    actor.world.findings.add("below-log-start", text);
                }
                if offset >= high_watermark {
                    let text = format!(
                        "{partition}:{offset} was shown, the high watermark is {high_watermark}"
                    );
                    actor.world.findings.add("above-high-watermark", text);
                }
                self.position = offset + 1;
                let (timestamp, leader_epoch) =
                    (record.timestamp.raw(), batch.header().leader_epoch.raw());
                let seen = SeenRecord { timestamp, leader_epoch };
                actor.world.queries.read(partition, offset, seen);
                let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
                let mut words = value.split(' ');
                let client = words.next().unwrap_or_default().to_owned();
                if !self.place.recreated && generation_of(&client) < generation_of_number(partition)
                {
                    // From before a loss that was accepted.
                    continue;
                }
                let id = words.next().and_then(|id| id.parse().ok()).unwrap_or(u64::MAX);
                actor.world.note(
                    &actor.name,
                    Event::Read { partition, offset, client, id, last: self.last },
                );
            }
        }
    }
}

fn generation_of_number(partition: i32) -> i32 {
    partition / GENERATION_STEP
}

/// The generation that a producer's name says; that of the first is not said.
fn generation_of(client: &str) -> i32 {
    client.split_once('.').and_then(|(_, generation)| generation.parse().ok()).unwrap_or(0)
}
