//! Reading the partitions of one fetch, within its limits.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use milena_protocol::{ErrorCode, Records};
use milena_runtime::Runtime;
use milena_storage::{
    Bounds, Isolation, Missing, ObjectRead, ObjectReads, Partition, ReadData, ReadError,
    ReadRequest, Waiter, WatchGuard,
};
use milena_types::{LeaderEpoch, Offset};

use super::{
    apis::FetchApis,
    convert::{Conversion, ConversionLimit, TopicFormats, convert_in_turn},
    session::{FetchPartition, PartitionOffsets},
};
use crate::{
    access::{Operation, Resource},
    api::fetch::epochs::check_leader_epoch,
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ToErrorCode,
    leadership::partitions::LeaderPartition,
    memory::room::{Room, RoomPermit},
    topic_ref::TopicRef,
};

/// The first version with diverging epochs.
const FIRST_VERSION_WITH_DIVERGENCE: i16 = 12;

/// A pass waits no longer than this for the next object that it began to read: the fetch waits for
/// records at the same time. One that has enough waits no longer in all.
const GRACE: Duration = Duration::from_millis(20);

/// How much one fetch returns, in which version, and how long it reads. Times are monotonic.
#[derive(Clone, Copy)]
pub(super) struct FetchLimits {
    pub(super) bytes_max: usize,
    pub(super) isolation: Isolation,
    pub(super) version: i16,
    /// The bytes that are enough.
    pub(super) bytes_min: usize,
    /// From then on it waits for no records.
    pub(super) deadline: Duration,
    /// From then on nothing is read from segments that is not loaded.
    pub(super) read_until: Duration,
    /// Whether a pass ends when it notices that there is more than `bytes_max`.
    pub(super) ends_when_cut: bool,
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

    /// Loads what the client will ask for after what ends at `from`.
    pub(super) fn read_ahead(&self, from: Offset, reads: &mut ObjectReads) {
        if let Ok(log) = &self.log {
            log.read_ahead(from, reads);
        }
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
    /// Where it ended, if that is in segments.
    pub(super) ahead_from: Option<Offset>,
    /// The block that the read continues with once it is loaded.
    missing: Option<Missing>,
    /// Whether the limit for all partitions left no room for more.
    is_cut: bool,
}

impl PartitionRead {
    fn failed(error: ErrorCode, offsets: PartitionOffsets) -> Self {
        let (records, diverging) = (Records::new(), None);
        Self { error, offsets, records, diverging, ahead_from: None, missing: None, is_cut: false }
    }
}

/// One read of all partitions, in the order of the targets.
#[derive(Default)]
pub(super) struct ReadPass {
    pub(super) partitions: Vec<PartitionRead>,
    pub(super) bytes: usize,
    /// Whether there is more than the limit for all partitions allows.
    pub(super) is_cut: bool,
    /// For what was read, if that is much.
    pub(super) room: Option<RoomPermit>,
    /// Whether there was no room for more, so that there is no use in waiting for more.
    pub(super) is_short_of_room: bool,
    /// Whether more has to be loaded, and the fetch may read no more objects.
    is_short_of_reads: bool,
    /// Whether something is being loaded that the fetch has room for.
    pub(super) is_loading: bool,
    /// Whether any partition was read from segments.
    pub(super) is_from_segments: bool,
    /// The places of those whose logs were closed meanwhile.
    pub(super) closed: Vec<usize>,
    urgent: bool,
}

impl ReadPass {
    /// Whether the response can be sent without waiting for more records.
    pub(super) fn is_due(&self, bytes_min: usize) -> bool {
        self.urgent || self.is_short_of_room || self.is_short_of_reads || self.bytes >= bytes_min
    }

    /// Another outcome for a partition without records.
    pub(super) fn replace(&mut self, place: usize, read: PartitionRead) {
        self.urgent |= is_failure(read.error);
        self.partitions[place] = read;
    }
}

/// Reads each target in turn, as long as the limit allows, and then those again that miss what has to
/// be loaded. `decoders` is room for what is decompressed.
pub(super) async fn read(
    runtime: &Runtime,
    decoders: &Room,
    targets: &[FetchTarget],
    limits: &FetchLimits,
    reads: &mut ObjectReads,
) -> ReadPass {
    let partitions = Vec::with_capacity(targets.len());
    let pass = ReadPass { partitions, ..ReadPass::default() };
    let (waiting, queued) = (Vec::new(), VecDeque::new());
    let mut reader =
        PassReader { runtime, decoders, targets, limits, reads, pass, waiting, queued };
    let mut turns = EntryTurns::default();
    for place in 0..targets.len() {
        turns.next().await;
        reader.read(place).await;
        if reader.is_done() {
            break;
        }
    }
    if !reader.waiting.is_empty() || !reader.queued.is_empty() {
        Box::pin(reader.read_loaded()).await;
    }
    reader.pass
}

/// One pass under way.
struct PassReader<'a> {
    runtime: &'a Runtime,
    decoders: &'a Room,
    targets: &'a [FetchTarget],
    limits: &'a FetchLimits,
    reads: &'a mut ObjectReads,
    pass: ReadPass,
    /// The places of those that wait for an object, and for which.
    waiting: Vec<(usize, ObjectRead)>,
    /// The places of those that wait for their turn to read an object, in order.
    queued: VecDeque<usize>,
}

impl PassReader<'_> {
    /// Whether the pass has come to its end before all targets are read.
    fn is_done(&self) -> bool {
        self.pass.is_cut && self.limits.ends_when_cut
    }

    /// Reads a target, for the first time or again.
    async fn read(&mut self, place: usize) {
        let (target, limits) = (&self.targets[place], self.limits);
        let before = self.pass.partitions.get(place).map_or(0, |before| before.records.len());
        let others = self.pass.bytes - before;
        let read = match &target.log {
            Ok(log) => {
                let (runtime, decoders) = (self.runtime, self.decoders);
                let reader = LogReader { runtime, decoders, log, limits, has_records: others > 0 };
                let room = limits.bytes_max.saturating_sub(others);
                read_one(reader, target, room, self.reads).await
            }
            Err(_) => target.without_records(),
        };
        let pass = &mut self.pass;
        pass.bytes = others + read.records.len();
        pass.is_cut |= read.is_cut;
        if target.log.is_ok() && read.error == ErrorCode::NotLeaderOrFollower {
            pass.closed.push(place);
        } else {
            pass.urgent |= is_failure(read.error) || read.diverging.is_some();
        }
        pass.is_from_segments |= read.ahead_from.is_some();
        match read.missing {
            None => {}
            Some(Missing::Read(read)) => self.waiting.push((place, read)),
            Some(Missing::Turn) => self.queued.push_back(place),
        }
        match pass.partitions.get_mut(place) {
            Some(before) => *before = read,
            None => pass.partitions.push(read),
        }
    }

    /// Reads those again that miss something, as it is loaded: until the fetch has no time or no reads
    /// left, or nothing comes for a moment.
    async fn read_loaded(&mut self) {
        let mut turns = EntryTurns::default();
        let FetchLimits { deadline, read_until, bytes_min, .. } = *self.limits;
        let mut enough_until = None;
        loop {
            while self.reads.may_begin()
                && !self.is_full()
                && let Some(place) = self.queued.pop_front()
            {
                turns.next().await;
                self.read(place).await;
            }
            let nothing_comes = self.queued.is_empty() || self.reads.are_spent();
            if self.is_full() || (self.waiting.is_empty() && nothing_comes) {
                break;
            }
            let now = self.runtime.monotonic();
            let until = if self.pass.is_due(bytes_min.max(1)) {
                *enough_until.get_or_insert(now + GRACE)
            } else if now < deadline {
                now + GRACE
            } else {
                read_until
            };
            let left = until.min(read_until).saturating_sub(now);
            let Ok(loaded) = tokio::time::timeout(left, self.reads.next()).await else { break };
            if loaded.is_none() && self.waiting.is_empty() {
                break;
            }
            let is_ready =
                |(_, read): &mut (usize, ObjectRead)| loaded.is_none_or(|loaded| *read == loaded);
            let ready: Vec<_> = self.waiting.extract_if(.., is_ready).collect();
            for (place, _) in ready {
                turns.next().await;
                self.read(place).await;
            }
        }
        let are_spent = self.reads.are_spent();
        let is_loading = !self.waiting.is_empty() || (!self.queued.is_empty() && !are_spent);
        self.pass.is_loading = is_loading && !self.is_full();
        self.pass.is_short_of_reads = !is_loading && !self.queued.is_empty();
    }

    /// Whether there is no room for more.
    fn is_full(&self) -> bool {
        self.is_done() || self.pass.bytes >= self.limits.bytes_max.max(1)
    }
}

fn offsets(bounds: &Bounds) -> PartitionOffsets {
    PartitionOffsets {
        high_watermark: bounds.high_watermark.raw(),
        last_stable_offset: bounds.last_stable.raw(),
        log_start_offset: bounds.log_start.raw(),
    }
}

async fn read_one(
    reader: LogReader<'_>,
    target: &FetchTarget,
    room: usize,
    reads: &mut ObjectReads,
) -> PartitionRead {
    let requested = &target.requested;
    let LogReader { log, limits, has_records, .. } = reader;
    if limits.version >= FIRST_VERSION_WITH_DIVERGENCE
        && let Some(diverging) = diverging(log, requested)
    {
        let offsets = offsets(&log.bounds());
        let read = PartitionRead::failed(ErrorCode::None, offsets);
        return PartitionRead { diverging: Some(diverging), ..read };
    }
    let wanted = usize::try_from(requested.bytes_max).unwrap_or(0);
    let request = ReadRequest {
        from: Offset(requested.fetch_offset),
        max_bytes: wanted.min(room),
        at_least_one: !has_records,
        isolation: limits.isolation,
    };
    match reader.read(&request, reads).await {
        Ok(data) => {
            let is_cut = data.is_cut && wanted > room;
            let ahead_from = data.ahead_from;
            let read = converted_read(reader, data, target, request, reads).await;
            PartitionRead { is_cut, ahead_from, ..read }
        }
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

/// Reads one partition's log for a fetch.
#[derive(Clone, Copy)]
struct LogReader<'a> {
    runtime: &'a Runtime,
    decoders: &'a Room,
    log: &'a Partition,
    limits: &'a FetchLimits,
    /// Whether other partitions have something for the response.
    has_records: bool,
}

impl LogReader<'_> {
    async fn read(
        self,
        request: &ReadRequest,
        reads: &mut ObjectReads,
    ) -> Result<ReadData, ReadError> {
        match self.log.try_read(request)? {
            Some(data) => Ok(data),
            // Boxed: reading from segments is rare and its future is large.
            None => Box::pin(self.read_segments(request, reads)).await,
        }
    }

    /// Reads what is loaded.
    async fn read_segments(
        self,
        request: &ReadRequest,
        reads: &mut ObjectReads,
    ) -> Result<ReadData, ReadError> {
        if request.max_bytes == 0 && !request.at_least_one {
            return Ok(ReadData { is_cut: true, ..ReadData::nothing(self.log.bounds()) });
        }
        let left = self.limits.read_until.saturating_sub(self.runtime.monotonic());
        // It waits only where an object was not found.
        let read = tokio::time::timeout(left, self.log.read_loaded(request, reads));
        read.await.unwrap_or_else(|_| Ok(ReadData::nothing(self.log.bounds())))
    }

    /// As [`LogReader::read`], but waits for what has to be loaded.
    async fn read_on(
        self,
        request: &ReadRequest,
        reads: &mut ObjectReads,
    ) -> Result<ReadData, ReadError> {
        loop {
            let data = self.read(request, reads).await?;
            if data.bytes > 0 || data.missing.is_none() {
                return Ok(data);
            }
            let left = self.limits.read_until.saturating_sub(self.runtime.monotonic());
            if !matches!(tokio::time::timeout(left, reads.next()).await, Ok(Some(_))) {
                return Ok(data);
            }
        }
    }
}

async fn converted_read(
    reader: LogReader<'_>,
    data: ReadData,
    target: &FetchTarget,
    request: ReadRequest,
    reads: &mut ObjectReads,
) -> PartitionRead {
    let offsets = offsets(&data.bounds);
    let mut missing = data.missing;
    let records = match target.formats.conversion(reader.limits.version) {
        Ok(Conversion::None) => Ok(Records::from(data.parts)),
        Ok(conversion) => {
            let records = Box::pin(converted(reader, data, conversion, request, reads)).await;
            // What was converted is not converted again with what follows.
            missing.take_if(|_| records.as_ref().is_ok_and(|records| !records.is_empty()));
            records
        }
        Err(error) => return PartitionRead::failed(error, PartitionOffsets::UNKNOWN),
    };
    match records {
        Ok(records) => {
            PartitionRead { records, missing, ..PartitionRead::failed(ErrorCode::None, offsets) }
        }
        Err(error) => PartitionRead::failed(error, offsets),
    }
}

/// Converts the records read. Where none are left, since an old client gets no control records, it
/// reads on: the client would otherwise fetch the same offset for ever.
async fn converted(
    reader: LogReader<'_>,
    mut data: ReadData,
    conversion: Conversion,
    mut request: ReadRequest,
    reads: &mut ObjectReads,
) -> Result<Records, ErrorCode> {
    let from = request.from;
    loop {
        if data.bytes == 0 {
            return Ok(Records::new());
        }
        let limit =
            ConversionLimit { from, bytes_max: request.max_bytes, until: reader.limits.read_until };
        let LogReader { runtime, decoders, .. } = reader;
        let done = convert_in_turn(runtime, decoders, data.parts, conversion, limit).await?;
        if !done.records.is_empty() {
            return Ok(done.records);
        }
        request = ReadRequest { from: done.next, at_least_one: true, ..request };
        tokio::task::yield_now().await;
        // An error further on is for the fetch that begins there.
        let Ok(more) = reader.read_on(&request, reads).await else { return Ok(Records::new()) };
        data = more;
    }
}

pub(super) fn is_failure(error: ErrorCode) -> bool {
    error != ErrorCode::None
}
