//! Reading the partitions of one fetch, within its limits.

use std::sync::Arc;

use milena_protocol::{ErrorCode, Records};
use milena_records::{
    self as records, Batch, Compression,
    legacy::{MessageFormat, down_convert},
};
use milena_storage::{Bounds, Isolation, Partition, ReadData, ReadError, ReadRequest, Waiter, WatchGuard};
use milena_types::{LeaderEpoch, Offset};

use super::{
    is_failure,
    session::{Told, TopicKey, Wanted},
};
use crate::{
    api::{epochs::check_leader_epoch, produce::DECOMPRESSED_BYTES_MAX},
    context::RequestContext,
    errors::ToErrorCode,
    network::access::{Operation, Resource},
    partitions::{Led, TopicRef},
    shared::BrokerShared,
};

/// The first version that gets batches as they are.
const FIRST_BATCH_VERSION: i16 = 4;
/// The first version that takes zstd (KIP-110).
const FIRST_ZSTD_VERSION: i16 = 10;
/// The first version that tells of diverging epochs.
const FIRST_VERSION_WITH_DIVERGENCE: i16 = 12;

/// How much one fetch answers, and to whom.
pub(super) struct Limits {
    pub(super) bytes_max: usize,
    pub(super) isolation: Isolation,
    pub(super) version: i16,
}

/// A partition to be read.
pub(super) struct Target {
    pub(super) wanted: Wanted,
    /// Its place in the session.
    pub(super) place: Option<u64>,
    log: Result<Arc<Partition>, ErrorCode>,
    /// `message.downconversion.enable`.
    converts: bool,
}

impl Target {
    pub(super) fn new(
        context: &RequestContext,
        broker: &BrokerShared,
        wanted: Wanted,
        place: Option<u64>,
    ) -> Self {
        let led = open(context, broker, &wanted);
        let converts = led.as_ref().is_ok_and(|led| led.config.message_downconversion);
        Self { wanted, place, log: led.map(|led| led.partition), converts }
    }

    /// Looks again where another leader was named, once a handoff of the partition has ended or its log is open.
    pub(super) async fn settle(&mut self, context: &RequestContext, broker: &BrokerShared) {
        if matches!(self.log, Err(ErrorCode::NotLeaderOrFollower)) {
            broker.settled(topic_of(&self.wanted), self.wanted.partition).await;
            let (wanted, place) = (self.wanted.clone(), self.place);
            *self = Self::new(context, broker, wanted, place);
        }
    }

    /// Wakes `waiter` when the partition has more.
    pub(super) fn watch(&self, waiter: &Waiter) -> Option<WatchGuard> {
        self.log.as_ref().ok().map(|log| log.watch(waiter))
    }
}

/// The topic of a partition that is asked for.
pub(super) fn topic_of(wanted: &Wanted) -> TopicRef<'_> {
    match &wanted.topic {
        TopicKey::Name(name) => TopicRef::Name(name),
        TopicKey::Id(id) => TopicRef::Id(*id),
    }
}

fn open(context: &RequestContext, broker: &BrokerShared, wanted: &Wanted) -> Result<Led, ErrorCode> {
    let topic = topic_of(wanted);
    let denied = |name: &str| !context.allows(broker, Operation::Read, Resource::Topic(name));
    let led = broker.led(topic, wanted.partition).map_err(|error| match topic {
        // Who may not read a topic is not told where it is.
        TopicRef::Name(name) if denied(name) => ErrorCode::TopicAuthorizationFailed,
        TopicRef::Id(id) if broker.image().topic_name(id).is_some_and(|name| denied(name.as_str())) => {
            ErrorCode::TopicAuthorizationFailed
        }
        _ => error,
    })?;
    if denied(&led.topic) {
        return Err(ErrorCode::TopicAuthorizationFailed);
    }
    check_leader_epoch(&led.partition, wanted.current_leader_epoch)?;
    Ok(led)
}

/// What one partition answers.
pub(super) struct Answer {
    pub(super) error: ErrorCode,
    pub(super) told: Told,
    pub(super) records: Records,
    pub(super) diverging: Option<(LeaderEpoch, Offset)>,
}

impl Answer {
    fn failed(error: ErrorCode, told: Told) -> Self {
        Self { error, told, records: Records::new(), diverging: None }
    }
}

/// What all partitions answer, in the order of the targets.
pub(super) struct Round {
    pub(super) answers: Vec<Answer>,
    pub(super) bytes: usize,
    urgent: bool,
}

impl Round {
    /// Whether there is no reason to wait for more.
    pub(super) fn answers_now(&self, bytes_min: usize) -> bool {
        self.urgent || self.bytes >= bytes_min
    }
}

/// Reads each target in turn, as long as the limit allows.
pub(super) async fn read(targets: &[Target], limits: &Limits) -> Round {
    let mut round = Round { answers: Vec::with_capacity(targets.len()), bytes: 0, urgent: false };
    for target in targets {
        let room = limits.bytes_max.saturating_sub(round.bytes);
        let answer = read_one(target, limits, room, round.bytes == 0).await;
        round.bytes += answer.records.len();
        round.urgent |= is_failure(answer.error) || answer.diverging.is_some();
        round.answers.push(answer);
    }
    round
}

const UNKNOWN: Told = Told { high_watermark: -1, last_stable_offset: -1, log_start_offset: -1 };

fn told(bounds: &Bounds) -> Told {
    Told {
        high_watermark: bounds.high_watermark.raw(),
        last_stable_offset: bounds.last_stable.raw(),
        log_start_offset: bounds.log_start.raw(),
    }
}

async fn read_one(target: &Target, limits: &Limits, room: usize, is_first: bool) -> Answer {
    let wanted = &target.wanted;
    let log = match &target.log {
        Ok(log) => log,
        Err(error) => return Answer::failed(*error, UNKNOWN),
    };
    if limits.version >= FIRST_VERSION_WITH_DIVERGENCE
        && let Some(diverging) = diverging(log, wanted)
    {
        let told = told(&log.bounds());
        return Answer { error: ErrorCode::None, told, records: Records::new(), diverging: Some(diverging) };
    }
    let request = ReadRequest {
        from: Offset(wanted.fetch_offset),
        max_bytes: usize::try_from(wanted.bytes_max).unwrap_or(0).min(room),
        at_least_one: is_first,
        isolation: limits.isolation,
    };
    let data = match log.try_read(&request) {
        Ok(Some(data)) => Ok(data),
        // Boxed: reading from segments is rare and its future is large.
        Ok(None) => Box::pin(log.read(&request)).await,
        Err(error) => Err(error),
    };
    match data {
        Ok(data) => answer(data, target, limits),
        Err(error) => {
            let told = match &error {
                ReadError::OutOfRange { bounds, .. } => told(bounds),
                ReadError::Closed => UNKNOWN,
                other => {
                    tracing::warn!(partition = %log.id(), error = %other, "reading for a fetch failed");
                    told(&log.bounds())
                }
            };
            Answer::failed(error.error_code(), told)
        }
    }
}

/// Where the client's log and this one part, if they do: the client has records of an epoch that ended earlier here.
fn diverging(log: &Partition, wanted: &Wanted) -> Option<(LeaderEpoch, Offset)> {
    if wanted.last_fetched_epoch < 0 {
        return None;
    }
    let (epoch, end) = log.end_offset_for_epoch(LeaderEpoch(wanted.last_fetched_epoch))?;
    let parted = epoch.raw() < wanted.last_fetched_epoch || end.raw() < wanted.fetch_offset;
    parted.then_some((epoch, end))
}

fn answer(data: ReadData, target: &Target, limits: &Limits) -> Answer {
    let told = told(&data.bounds);
    if data.bytes == 0 {
        return Answer { error: ErrorCode::None, told, records: Records::new(), diverging: None };
    }
    let records = if limits.version >= FIRST_ZSTD_VERSION {
        Ok(Records::from(data.parts))
    } else if limits.version < FIRST_BATCH_VERSION && !target.converts {
        Err(ErrorCode::UnsupportedVersion)
    } else {
        for_old_clients(data, Offset(target.wanted.fetch_offset), limits.version)
    };
    match records {
        Ok(records) => Answer { error: ErrorCode::None, told, records, diverging: None },
        Err(error) => Answer::failed(error, told),
    }
}

/// Records for a client that does not take all that the log may hold.
fn for_old_clients(data: ReadData, from: Offset, version: i16) -> Result<Records, ErrorCode> {
    let mut batches: Vec<Batch> = Vec::new();
    for part in &data.parts {
        for batch in records::split(part.clone()) {
            let batch = batch.map_err(|_| ErrorCode::CorruptMessage)?;
            if batch.header().attributes.compression() == Ok(Compression::Zstd) {
                return Err(ErrorCode::UnsupportedCompressionType);
            }
            batches.push(batch);
        }
    }
    if version >= FIRST_BATCH_VERSION {
        return Ok(Records::from(data.parts));
    }
    let format = if version < 2 { MessageFormat::Magic0 } else { MessageFormat::Magic1 };
    let converted = down_convert(&batches, format, from, DECOMPRESSED_BYTES_MAX).map_err(|error| {
        tracing::warn!(%error, "records could not be converted for an old client");
        crate::api::produce::code_of(&error)
    })?;
    Ok(Records::from(converted))
}
