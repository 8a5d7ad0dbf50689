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
    session::{FetchPartition, PartitionOffsets},
};
use crate::{
    access::{Operation, Resource},
    api::fetch::epochs::check_leader_epoch,
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ToErrorCode,
    leadership::partitions::LeaderPartition,
    topic_ref::TopicRef,
};

/// The first version with diverging epochs.
const FIRST_VERSION_WITH_DIVERGENCE: i16 = 12;

/// How much one fetch returns, and in which version.
pub(super) struct FetchLimits {
    pub(super) bytes_max: usize,
    pub(super) isolation: Isolation,
    pub(super) version: i16,
}

/// A partition to be read.
pub(super) struct FetchTarget {
    pub(super) requested: FetchPartition,
    /// In the session.
    pub(super) position: Option<u64>,
    log: Result<Arc<Partition>, ErrorCode>,
    /// It is between two leaders: it counts as a partition without records.
    pub(super) is_undecided: bool,
    formats: TopicFormats,
}

impl FetchTarget {
    pub(super) fn new(
        context: &RequestContext,
        apis: &FetchApis,
        requested: FetchPartition,
        position: Option<u64>,
    ) -> Self {
        let mut target = Self {
            requested,
            position,
            log: Err(ErrorCode::NotLeaderOrFollower),
            is_undecided: false,
            formats: TopicFormats::default(),
        };
        target.look_up(context, apis);
        target
    }

    /// Looks the partition up, for the first time or again.
    pub(super) fn look_up(&mut self, context: &RequestContext, apis: &FetchApis) {
        let led = open(context, apis, &self.requested);
        let named = (self.requested.topic.as_ref(), self.requested.partition);
        self.is_undecided = apis.leaders.is_undecided(&led, named);
        if let Ok(led) = &led {
            self.formats = TopicFormats::from(&*led.config);
        }
        self.log = led.map(|led| led.partition);
    }

    /// A read that finds nothing, or the error if the partition cannot be read.
    pub(super) fn without_records(&self) -> PartitionRead {
        let error = match &self.log {
            Err(error) if !self.is_undecided => *error,
            _ => ErrorCode::None,
        };
        PartitionRead::failed(error, PartitionOffsets::UNKNOWN)
    }

    /// Wakes `waiter` when the partition has more.
    pub(super) fn watch(&self, waiter: &Waiter) -> Option<WatchGuard> {
        self.log.as_ref().ok().map(|log| log.watch(waiter))
    }
}

fn open(
    context: &RequestContext,
    apis: &FetchApis,
    requested: &FetchPartition,
) -> Result<LeaderPartition, ErrorCode> {
    let topic = requested.topic.as_ref();
    let denied = |name: &str| !context.allows(Operation::Read, Resource::Topic(name));
    let led = apis.leaders.find(topic, requested.partition).map_err(|error| match topic {
        // A client that may not read a topic does not learn where it is.
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
    check_leader_epoch(&led.partition, requested.current_leader_epoch)?;
    Ok(led)
}

pub(super) struct PartitionRead {
    pub(super) error: ErrorCode,
    pub(super) offsets: PartitionOffsets,
    pub(super) records: Records,
    pub(super) diverging: Option<(LeaderEpoch, Offset)>,
}

impl PartitionRead {
    fn failed(error: ErrorCode, offsets: PartitionOffsets) -> Self {
        Self { error, offsets, records: Records::new(), diverging: None }
    }
}

/// One read of all partitions, in the order of the targets.
pub(super) struct ReadPass {
    pub(super) partitions: Vec<PartitionRead>,
    pub(super) bytes: usize,
    /// The places of those whose logs were closed meanwhile.
    pub(super) closed: Vec<usize>,
    urgent: bool,
}

impl ReadPass {
    /// Whether the response can be sent without waiting for more records.
    pub(super) fn is_due(&self, bytes_min: usize) -> bool {
        self.urgent || self.bytes >= bytes_min
    }

    /// Another outcome for a partition without records.
    pub(super) fn replace(&mut self, place: usize, read: PartitionRead) {
        self.urgent |= is_failure(read.error);
        self.partitions[place] = read;
    }
}

/// Reads each target in turn, as long as the limit allows.
pub(super) async fn read(targets: &[FetchTarget], limits: &FetchLimits) -> ReadPass {
    let mut turns = EntryTurns::default();
    let mut pass = ReadPass {
        partitions: Vec::with_capacity(targets.len()),
        bytes: 0,
        closed: Vec::new(),
        urgent: false,
    };
    for (place, target) in targets.iter().enumerate() {
        turns.next().await;
        let room = limits.bytes_max.saturating_sub(pass.bytes);
        let read = read_one(target, limits, room, pass.bytes == 0).await;
        pass.bytes += read.records.len();
        if target.log.is_ok() && read.error == ErrorCode::NotLeaderOrFollower {
            pass.closed.push(place);
        } else {
            pass.urgent |= is_failure(read.error) || read.diverging.is_some();
        }
        pass.partitions.push(read);
    }
    pass
}

fn offsets(bounds: &Bounds) -> PartitionOffsets {
    PartitionOffsets {
        high_watermark: bounds.high_watermark.raw(),
        last_stable_offset: bounds.last_stable.raw(),
        log_start_offset: bounds.log_start.raw(),
    }
}

async fn read_one(
    target: &FetchTarget,
    limits: &FetchLimits,
    room: usize,
    is_first: bool,
) -> PartitionRead {
    let requested = &target.requested;
    let log = match &target.log {
        Ok(log) => log,
        Err(_) => return target.without_records(),
    };
    if limits.version >= FIRST_VERSION_WITH_DIVERGENCE
        && let Some(diverging) = diverging(log, requested)
    {
        let offsets = offsets(&log.bounds());
        return PartitionRead {
            error: ErrorCode::None,
            offsets,
            records: Records::new(),
            diverging: Some(diverging),
        };
    }
    let request = ReadRequest {
        from: Offset(requested.fetch_offset),
        max_bytes: usize::try_from(requested.bytes_max).unwrap_or(0).min(room),
        at_least_one: is_first,
        isolation: limits.isolation,
    };
    match read_log(log, &request).await {
        Ok(data) => converted_read(data, target, limits, log, request).await,
        Err(error) => {
            let offsets = match &error {
                ReadError::OutOfRange { bounds, .. } => offsets(bounds),
                ReadError::Closed => PartitionOffsets::UNKNOWN,
                other => {
                    tracing::warn!(
                        partition = %log.id(), error = %other,
                        "reading for a fetch failed"
                    );
                    offsets(&log.bounds())
                }
            };
            PartitionRead::failed(error.error_code(), offsets)
        }
    }
}

/// The epoch and end offset at which the client's log diverges, if it does: it has records of an
/// epoch that ended earlier here (KIP-595).
fn diverging(log: &Partition, requested: &FetchPartition) -> Option<(LeaderEpoch, Offset)> {
    if requested.last_fetched_epoch < 0 {
        return None;
    }
    let (epoch, end) = log.end_offset_for_epoch(LeaderEpoch(requested.last_fetched_epoch))?;
    let parted = epoch.raw() < requested.last_fetched_epoch || end.raw() < requested.fetch_offset;
    parted.then_some((epoch, end))
}

async fn read_log(log: &Partition, request: &ReadRequest) -> Result<ReadData, ReadError> {
    match log.try_read(request)? {
        Some(data) => Ok(data),
        // Boxed: reading from segments is rare and its future is large.
        None => Box::pin(log.read(request)).await,
    }
}

async fn converted_read(
    data: ReadData,
    target: &FetchTarget,
    limits: &FetchLimits,
    log: &Partition,
    request: ReadRequest,
) -> PartitionRead {
    let offsets = offsets(&data.bounds);
    let records = match target.formats.conversion(limits.version) {
        Ok(Conversion::None) => Ok(Records::from(data.parts)),
        Ok(conversion) => Box::pin(converted(data, conversion, log, request)).await,
        Err(error) => return PartitionRead::failed(error, PartitionOffsets::UNKNOWN),
    };
    match records {
        Ok(records) => PartitionRead { error: ErrorCode::None, offsets, records, diverging: None },
        Err(error) => PartitionRead::failed(error, offsets),
    }
}

/// Converts the records read. Where none are left, since an old client gets no control records, it
/// reads on: the client would otherwise fetch the same offset for ever.
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
        // An error further on is for the fetch that begins there.
        let Ok(more) = read_log(log, &request).await else { return Ok(Records::new()) };
        data = more;
    }
}

pub(super) fn is_failure(error: ErrorCode) -> bool {
    error != ErrorCode::None
}
