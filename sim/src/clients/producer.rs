//! An idempotent producer as Kafka's clients are: several batches in flight, all that are not
//! acknowledged sent again in order, unaltered, after anything went wrong. At times it sends again
//! what was acknowledged already.

use std::collections::VecDeque;

use bytes::Bytes;
use milena_client::{Connection, Pending};
use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        init_producer_id_request::InitProducerIdRequest,
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
        produce_response::ProduceResponse,
    },
};
use milena_records::{BatchBuilder, Compression, NewRecord};
use milena_testkit::history::Event;
use milena_types::{ProducerEpoch, ProducerId, Sequence, Timestamp};

use super::actor::Actor;
use crate::topics::NumberedPartition;

/// A batch, and the numbers of its records.
#[derive(Clone)]
struct Batch {
    bytes: Bytes,
    ids: std::ops::Range<u64>,
}

struct Producer {
    actor: Actor,
    place: NumberedPartition,
    /// The generation it produces to. In another it begins anew, as somebody else.
    generation: i32,
    /// Its name in the history, and its partition there.
    name: String,
    partition: i32,
    id: ProducerId,
    epoch: ProducerEpoch,
    next: u64,
    unacked: VecDeque<Batch>,
    /// The newest acknowledged batch, to be sent again.
    acked: Option<Batch>,
}

/// A response's meaning for the oldest batch.
enum BatchOutcome {
    /// It is in the log, at this offset if the response has it.
    Acked(Option<i64>),
    /// Try again.
    Again,
    /// It will never be taken.
    Refused(ErrorCode),
}

/// Produces during the phase of work, and until everything sent is acknowledged.
pub(super) async fn run(mut actor: Actor, place: NumberedPartition) {
    let mut ended = -1;
    loop {
        let newest = actor.world.topics.newest(&place);
        let Some(generation) = newest.filter(|newest| *newest > ended) else {
            if !actor.is_working() {
                return;
            }
            actor.rest(5..60).await;
            continue;
        };
        let Some((id, epoch)) = identity(&mut actor).await else { return };
        let name = match generation {
            0 => actor.name.clone(),
            generation => format!("{}.{generation}", actor.name),
        };
        let mut producer = Producer {
            actor: actor.clone(),
            partition: place.numbered(generation),
            place: place.clone(),
            generation,
            name,
            id,
            epoch,
            next: 0,
            unacked: VecDeque::new(),
            acked: None,
        };
        if !producer.produce().await {
            return;
        }
        (ended, actor) = (generation, producer.actor);
    }
}

/// A producer id; none if work is over before there is one.
async fn identity(actor: &mut Actor) -> Option<(ProducerId, ProducerEpoch)> {
    let request = InitProducerIdRequest { transaction_timeout_ms: i32::MAX, ..Default::default() };
    loop {
        match actor.client.call_any(&request).await {
            Ok(response) if response.error_code == 0 => {
                return Some((
                    ProducerId(response.producer_id),
                    ProducerEpoch(response.producer_epoch),
                ));
            }
            _ if !actor.is_working() => return None,
            _ => {
                actor.reconnect();
                actor.rest(10..100).await;
            }
        }
    }
}

impl Producer {
    /// Produces until work is over (false), or the generation is.
    async fn produce(&mut self) -> bool {
        while self.actor.is_working() || !self.unacked.is_empty() {
            match self.actor.leader(&self.place).await {
                Ok((connection, info)) => {
                    if topics_moved_on(self) {
                        return true;
                    }
                    let led = self.actor.world.topics.generation(&self.place, info.id);
                    if led != Some(self.generation) {
                        self.actor.client.forget_topic(self.place.topic);
                    } else if self.talk(&connection, info.id.0).await.is_none() {
                        // For good, or because nothing is promised any more.
                        return topics_moved_on(self);
                    }
                }
                Err(error) => {
                    if topics_moved_on(self) {
                        return true;
                    }
                    let actor = &self.actor;
                    actor.world.trace.line(&actor.name, format_args!("no leader: {error}"));
                }
            }
            self.actor.reconnect();
            self.actor.rest(5..120).await;
        }
        false
    }

    /// Sends over one connection until something goes wrong or all is done. `None`: the producer is
    /// refused for good.
    async fn talk(
        &mut self,
        connection: &Connection,
        topic_id: milena_protocol::Uuid,
    ) -> Option<()> {
        let Ok(version) = connection.version_of(ApiKey::Produce) else { return Some(()) };
        let mut answers: VecDeque<Pending<ProduceRequest>> = VecDeque::new();
        for batch in &self.unacked {
            let Ok(answer) = connection.start(&self.request(batch, topic_id), version).await else {
                return Some(());
            };
            answers.push_back(answer);
        }
        loop {
            while self.unacked.len() < self.window() && self.actor.is_working() {
                let batch = self.new_batch();
                let Ok(answer) = connection.start(&self.request(&batch, topic_id), version).await
                else {
                    self.unacked.push_back(batch);
                    return Some(());
                };
                answers.push_back(answer);
                self.unacked.push_back(batch);
                if self.actor.rng.chance(400) {
                    self.actor.rest(0..60).await;
                }
            }
            let Some(answer) = answers.pop_front() else { return Some(()) };
            let response = match self.in_patience(answer).await {
                None => {
                    self.actor.world.trace.line(&self.actor.name, format_args!("waits no longer"));
                    return Some(());
                }
                Some(Ok(response)) => response,
                Some(Err(error)) => {
                    self.actor.world.trace.line(&self.actor.name, format_args!("{error}"));
                    return Some(());
                }
            };
            let batch = self.unacked.front().cloned()?;
            match batch_outcome(&response) {
                BatchOutcome::Acked(offset) => {
                    self.unacked.pop_front();
                    self.note_acked(&batch, offset);
                    self.acked = Some(batch);
                }
                BatchOutcome::Again => return Some(()),
                BatchOutcome::Refused(code) => {
                    let error = code.name().to_owned();
                    let (client, partition, id) =
                        (self.name.clone(), self.partition, batch.ids.start);
                    self.actor
                        .world
                        .note(&self.actor.name, Event::Refused { client, partition, id, error });
                    return None;
                }
            }
            if answers.is_empty() {
                if self.actor.rng.chance_if_any(self.actor.world.plan.rest_permille) {
                    self.actor.rest(1000..3000).await;
                }
                if self.actor.rng.chance(200) {
                    self.repeat(connection, topic_id, version).await?;
                }
                self.actor.rest(0..80).await;
            }
        }
    }

    /// A response, unless it comes after this producer's time-out.
    async fn in_patience<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let most = self.actor.world.plan.patience_ms_max;
        // At times it waits for as long as it takes, or nothing would ever be done.
        if most == 0 || !self.actor.is_working() || self.actor.rng.chance(500) {
            return Some(answer.await);
        }
        tokio::time::timeout(self.actor.rng.millis(1..most), answer).await.ok()
    }

    /// Sends the newest acknowledged batch once more: it must get the same offset.
    async fn repeat(
        &self,
        connection: &Connection,
        topic_id: milena_protocol::Uuid,
        version: i16,
    ) -> Option<()> {
        if !self.unacked.is_empty() {
            return Some(());
        }
        let Some(batch) = &self.acked else { return Some(()) };
        self.actor.world.trace.line(&self.actor.name, format_args!("repeats {:?}", batch.ids));
        let Ok(answer) = connection.start(&self.request(batch, topic_id), version).await else {
            return Some(());
        };
        let Ok(response) = answer.await else { return Some(()) };
        match batch_outcome(&response) {
            BatchOutcome::Acked(offset) => self.note_acked(batch, offset),
            BatchOutcome::Again => {}
            BatchOutcome::Refused(code) => {
                let error = format!("repeated: {}", code.name());
                let (client, partition, id) = (self.name.clone(), self.partition, batch.ids.start);
                self.actor
                    .world
                    .note(&self.actor.name, Event::Refused { client, partition, id, error });
            }
        }
        Some(())
    }

    fn note_acked(&self, batch: &Batch, offset: Option<i64>) {
        let Some(offset) = offset else { return };
        let log_starts = &self.actor.world.log_starts;
        log_starts.acked(self.partition, &self.name, batch.ids.start, offset);
        for id in batch.ids.clone() {
            let (client, partition) = (self.name.clone(), self.partition);
            let offset = offset + (id - batch.ids.start) as i64;
            self.actor.world.note(&self.actor.name, Event::Acked { client, partition, id, offset });
        }
    }

    /// How many batches may be in flight. One until the leader knows the producer: of one it does
    /// not know it takes any sequence, as Kafka does, also that of a second batch whose first
    /// it refused because it did not lead yet.
    fn window(&self) -> usize {
        if self.acked.is_none() { 1 } else { self.actor.world.plan.window }
    }

    fn new_batch(&mut self) -> Batch {
        let rng = &self.actor.rng;
        let ids = self.next..self.next + rng.within(1..5);
        self.next = ids.end;
        let compression = if rng.chance(700) { Compression::None } else { Compression::Snappy };
        let sequence = Sequence(ids.start as i32);
        let mut builder = BatchBuilder::new(compression).producer(self.id, self.epoch, sequence);
        let mut newest = i64::MIN;
        for id in ids.clone() {
            let (client, partition) = (self.name.clone(), self.partition);
            let padding = "x".repeat(rng.below(300) as usize);
            let value = format!("{client} {id} {padding}");
            let timestamp = Timestamp(self.actor.client.runtime().wall_ms());
            newest = newest.max(timestamp.raw());
            builder.push(&NewRecord {
                timestamp,
                value: Some(value.as_bytes()),
                ..NewRecord::default()
            });
            self.actor.world.note(&self.actor.name, Event::Sent { client, partition, id });
        }
        let bytes = builder.build().expect("a small batch").into_bytes();
        let log_starts = &self.actor.world.log_starts;
        log_starts.sent(self.partition, &self.name, ids.start, bytes.len() as u64, newest);
        Batch { bytes, ids }
    }

    fn request(&self, batch: &Batch, topic_id: milena_protocol::Uuid) -> ProduceRequest {
        let data = PartitionProduceData {
            index: self.place.partition,
            records: Some(batch.bytes.clone()),
        };
        let topic = TopicProduceData {
            name: self.place.topic.into(),
            topic_id,
            partition_data: vec![data],
        };
        ProduceRequest { acks: -1, timeout_ms: 1500, topic_data: vec![topic], ..Default::default() }
    }
}

/// Whether the generation that a producer produces to is not the newest any more.
fn topics_moved_on(producer: &Producer) -> bool {
    producer.actor.world.topics.newest(&producer.place) != Some(producer.generation)
}

fn batch_outcome(response: &ProduceResponse) -> BatchOutcome {
    let Some(done) = response.responses.iter().flat_map(|t| &t.partition_responses).next() else {
        return BatchOutcome::Again;
    };
    match ErrorCode::from_code(done.error_code) {
        ErrorCode::None => BatchOutcome::Acked((done.base_offset >= 0).then_some(done.base_offset)),
        ErrorCode::DuplicateSequenceNumber => BatchOutcome::Acked(None),
        code @ (ErrorCode::OutOfOrderSequenceNumber
        | ErrorCode::UnknownProducerId
        | ErrorCode::InvalidProducerEpoch
        | ErrorCode::CorruptMessage
        | ErrorCode::InvalidRecord) => BatchOutcome::Refused(code),
        _ => BatchOutcome::Again,
    }
}
