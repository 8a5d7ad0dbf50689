//! Reading the partitions of one fetch, within its limits.

use std::sync::Arc;

use milena_protocol::{ErrorCode, Records};
use milena_storage::{
    Bounds, Isolation, Partition, ReadData, ReadError, ReadRequest, Waiter, WatchGuard,
};
use milena_types::{LeaderEpoch, Offset};

use super::{
    apis::FetchApis,
    convert::{Conversion, TopicFormats, convert},
    session::{Told, TopicKey, Wanted},
};
use crate::{
    access::{Operation, Resource},
    api::fetch::epochs::check_leader_epoch,
    context::RequestContext,
    errors::ToErrorCode,
    leadership::{
        partitions::{LeaderPartition, TopicRef},
        resolve::LEADER_WAIT_MAX,
    },
};

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
    formats: TopicFormats,
}

impl Target {
    pub(super) fn new(
        context: &RequestContext,
        apis: &FetchApis,
        wanted: Wanted,
        place: Option<u64>,
    ) -> Self {
        let led = open(context, apis, &wanted);
        let formats = led
            .as_ref()
            .map_or_else(|_| TopicFormats::default(), |led| TopicFormats::from(&*led.config));
        Self { wanted, place, log: led.map(|led| led.partition), formats }
    }

    /// Looks again where another leader was named, once a handoff of the partition has ended or its
    /// log is open.
    pub(super) async fn settle(&mut self, context: &RequestContext, apis: &FetchApis) {
        if matches!(self.log, Err(ErrorCode::NotLeaderOrFollower)) {
            apis.leaders
                .wait_for_leader(topic_of(&self.wanted), self.wanted.partition, LEADER_WAIT_MAX)
                .await;
            let (wanted, place) = (self.wanted.clone(), self.place);
            *self = Self::new(context, apis, wanted, place);
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

fn open(
    context: &RequestContext,
    apis: &FetchApis,
    wanted: &Wanted,
) -> Result<LeaderPartition, ErrorCode> {
    let topic = topic_of(wanted);
    let denied = |name: &str| !context.allows(Operation::Read, Resource::Topic(name));
    let led = apis.leaders.find(topic, wanted.partition).map_err(|error| match topic {
        // Who may not read a topic is not told where it is.
        TopicRef::Name(name) if denied(name) => ErrorCode::TopicAuthorizationFailed,
        TopicRef::Id(id)
            if apis.leaders.image().topic_name(id).is_some_and(|name| denied(name.as_str())) =>
        {
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
        return Answer {
            error: ErrorCode::None,
            told,
            records: Records::new(),
            diverging: Some(diverging),
        };
    }
    let request = ReadRequest {
        from: Offset(wanted.fetch_offset),
        max_bytes: usize::try_from(wanted.bytes_max).unwrap_or(0).min(room),
        at_least_one: is_first,
        isolation: limits.isolation,
    };
    match read_log(log, &request).await {
        Ok(data) => answer(data, target, limits, log, request).await,
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

/// Where the client's log and this one part, if they do: the client has records of an epoch that
/// ended earlier here.
fn diverging(log: &Partition, wanted: &Wanted) -> Option<(LeaderEpoch, Offset)> {
    if wanted.last_fetched_epoch < 0 {
        return None;
    }
    let (epoch, end) = log.end_offset_for_epoch(LeaderEpoch(wanted.last_fetched_epoch))?;
    let parted = epoch.raw() < wanted.last_fetched_epoch || end.raw() < wanted.fetch_offset;
    parted.then_some((epoch, end))
}

async fn read_log(log: &Partition, request: &ReadRequest) -> Result<ReadData, ReadError> {
    match log.try_read(request)? {
        Some(data) => Ok(data),
        // Boxed: reading from segments is rare and its future is large.
        None => Box::pin(log.read(request)).await,
    }
}

async fn answer(
    data: ReadData,
    target: &Target,
    limits: &Limits,
    log: &Partition,
    request: ReadRequest,
) -> Answer {
    let told = told(&data.bounds);
    let records = match target.formats.conversion(limits.version) {
        Ok(Conversion::None) => Ok(Records::from(data.parts)),
        Ok(conversion) => Box::pin(converted(data, conversion, log, request)).await,
        Err(error) => return Answer::failed(error, UNKNOWN),
    };
    match records {
        Ok(records) => Answer { error: ErrorCode::None, told, records, diverging: None },
        Err(error) => Answer::failed(error, told),
    }
}

/// Converts what was read. Where nothing is left of it, since an old client has no use for control
/// records, it reads on: the client would ask for the same offset for ever.
async fn converted(
    mut data: ReadData,
    conversion: Conversion,
    log: &Partition,
    mut request: ReadRequest,
) -> Result<Records, ErrorCode> {
    let from = request.from;
    loop {
        if data.bytes == 0 {
            return Ok(Records::new());
        }
        let done = convert(data.parts, conversion, from, request.max_bytes)?;
        if !done.records.is_empty() {
            return Ok(done.records);
        }
        request = ReadRequest { from: done.next, at_least_one: true, ..request };
        tokio::task::yield_now().await;
        // What is wrong further on is told to who asks for it.
        let Ok(more) = read_log(log, &request).await else { return Ok(Records::new()) };
        data = more;
    }
}

/// Which of Kafka's codes a fetch ends with at once.
pub(super) fn is_failure(error: ErrorCode) -> bool {
    error != ErrorCode::None
}
