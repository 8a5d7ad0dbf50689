//! Putting committed chunks into segments.
//!
//! One flush takes the oldest chunks of one broker epoch, groups their batches by partition, gives
//! a partition with enough of them a segment of its own and lets the rest share one, uploads, and
//! commits with one transaction that fails unless floor and flusher are the expected ones. Then the
//! partitions learn of their segments, the log lets go of the chunks, and the partitions fold what
//! is new into their manifests.
//!
//! Chunks of sealed epochs come first (`sealed`), in the order they were sealed in; while one has
//! to wait for what others flush, everything behind it waits, and back-pressure slows producers.
//!
//! A flush that fails is tried again with growing pauses; meanwhile reads go on, and back-pressure
//! slows producers. Once its objects are uploaded only its commit is repeated, so an unknown
//! outcome is found out.

use std::{collections::BTreeSet, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use milena_types::{ChunkSeq, Revision, TopicPartition};

use crate::{
    catalog::manifest::Unfolded,
    chunk::tail::TailChunk,
    flush::build,
    ledger::{FlushedSegment, LedgerError, LogId, flush_key},
    objects::store::ObjectError,
    partition::{change::fold_due, partition_log::Partition, state::TailRun, upkeep::UpkeepError},
    recovery::{opening, sealed::Queued, takeover},
    shared::Shared,
};

/// The most one flush takes.
const FLUSH_BYTES_MAX: u64 = 64 << 20;

/// The memory that is kept from one segment to the next.
pub(crate) const SEGMENT_BUFFER_MAX: usize = FLUSH_BYTES_MAX as usize + (2 << 20);

/// It is let go of when nothing was flushed for so long.
const SEGMENT_BUFFER_KEPT: Duration = Duration::from_secs(5);

/// How long a flush that somebody asked for waits for what others have to flush first.
const WAITS_MAX: Duration = Duration::from_secs(30);

/// How often it is looked for whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long they are waited for before that is worth a line in the log.
const WAITS_QUIETLY: Duration = Duration::from_secs(5);

const RETRY_MS_MIN: u64 = 100;
const RETRY_MS_MAX: u64 = 5_000;

/// Why committed chunks could not be put into segments. They are in the write-ahead log still.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// The object store failed or is full.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The metadata store failed, or somebody else flushes this epoch.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What a partition that was deleted meanwhile had in the flush could not be let go of.
    #[error(transparent)]
    Deleted(#[from] Box<UpkeepError>),
    /// Another broker has to flush first what partitions here go on from.
    #[error(
        "records of another broker's sealed epoch have to be in segments first: try again when they are"
    )]
    Waits,
    /// The process is stopping.
    #[error("storage is shutting down")]
    Stopping,
}

/// A flush whose objects are uploaded.
struct Uploaded {
    log: LogId,
    expected_floor: ChunkSeq,
    floor_end: ChunkSeq,
    chunks: Vec<Arc<TailChunk>>,
    segments: Vec<FlushedSegment>,
}

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Something was flushed.
    Flushed,
    /// There is nothing to flush.
    Nothing,
    /// Others have to flush first.
    Waits,
}

/// The one flush at a time.
#[derive(Default)]
pub(crate) struct Flusher {
    /// Its commit has to be repeated before anything else is flushed.
    uploaded: Option<Uploaded>,
}

/// Flushes whenever the policy asks for it, until the scope stops. If that breaks an invariant of
/// ours the epoch ends: without flushes producers would wait for ever.
pub(crate) async fn run(shared: Arc<Shared>) {
    let stopping = shared.runtime.stopping().clone();
    let flushed = AssertUnwindSafe(flush_when_due(&shared)).catch_unwind();
    // Cut short anywhere it is as if the broker had died there.
    let flushed = tokio::select! {
        () = stopping.cancelled() => return,
        flushed = flushed => flushed,
    };
    if flushed.is_err() {
        tracing::error!("flushing panicked: the broker epoch ends");
        if let Some(wal) = shared.log() {
            wal.seal().await;
        }
    }
}

async fn flush_when_due(shared: &Arc<Shared>) {
    let stopping = shared.runtime.stopping().clone();
    let mut changes = shared.config.sealed_logs.changes();
    let mut retry_ms = RETRY_MS_MIN;
    let mut waits_since = None;
    while !stopping.is_cancelled() && !shared.is_sealed() {
        let mut look_again = None;
        if is_due(shared) {
            match flush_oldest(shared).await {
                Ok(Step::Flushed) => {
                    (retry_ms, waits_since) = (RETRY_MS_MIN, None);
                    continue;
                }
                Ok(Step::Waits) => {
                    note_waiting(shared, &mut waits_since);
                    look_again = Some(LOOK_EVERY);
                }
                Ok(Step::Nothing) => {}
                Err(error) => {
                    tracing::warn!(%error, retry_ms, "records stay in the write-ahead log for now");
                    shared.runtime.sleep(Duration::from_millis(retry_ms)).await;
                    retry_ms = (retry_ms * 2).min(RETRY_MS_MAX);
                    continue;
                }
            }
        }
        let age = shared.config.flush.age;
        let wait = look_again.unwrap_or_else(|| {
            waiting(shared).1.map_or(age, |since| {
                (since + age)
                    .saturating_sub(shared.runtime.monotonic())
                    .max(Duration::from_millis(1))
            })
        });
        tokio::select! {
            () = stopping.cancelled() => {}
            () = shared.flush_wanted.notified() => {}
            _ = changes.changed() => {}
            () = shared.runtime.sleep(wait.min(SEGMENT_BUFFER_KEPT)) => shared.segment_buffers.clear(),
        }
    }
}

/// Says so when others are waited for, once.
fn note_waiting(shared: &Shared, since: &mut Option<(Duration, bool)>) {
    let now = shared.runtime.monotonic();
    let (begun, told) = since.get_or_insert((now, false));
    if now >= *begun + WAITS_QUIETLY && !std::mem::replace(told, true) {
        let borrows = shared.sealed_epochs().borrows().map(|log| log.to_string());
        let borrows = borrows.unwrap_or_else(|| "an epoch that was sealed earlier".to_owned());
        tracing::warn!(
            borrows,
            "nothing is flushed here until others have flushed what goes before it"
        );
    }
}

/// Bytes that wait for a flush, and since when the oldest of them do.
pub(super) fn waiting(shared: &Shared) -> (u64, Option<Duration>) {
    let ((own_bytes, own), (bytes, sealed)) =
        (shared.tail.waiting(), shared.sealed_epochs().waiting());
    (own_bytes + bytes, own.into_iter().chain(sealed).min())
}

fn is_due(shared: &Shared) -> bool {
    let (bytes, oldest) = waiting(shared);
    let Some(oldest) = oldest else { return false };
    let asked = {
        // Whoever reads what another broker left waits for it, and so may somebody for what this
        // one left.
        let (own, logs) = (shared.config.broker, &shared.config.sealed_logs);
        let sealed = shared.sealed_epochs();
        let asked = |queued: &Queued| queued.log.broker != own || logs.is_wanted(queued.log);
        sealed.queue.iter().any(|queued| asked(queued) || queued.epoch.is_none())
    };
    let policy = &shared.config.flush;
    asked
        || bytes >= policy.bytes
        || shared.budget.is_pressed()
        || shared.runtime.monotonic() >= oldest + policy.age
}

/// Flushes until nothing that was committed when it was called is left.
pub(crate) async fn flush_all(shared: &Arc<Shared>) -> Result<(), FlushError> {
    let target = shared.tail.newest();
    let sealed: Vec<LogId> = shared.sealed_epochs().queue.iter().map(|queued| queued.log).collect();
    let mut changes = shared.config.sealed_logs.changes();
    let deadline = shared.runtime.monotonic() + WAITS_MAX;
    let is_left = || {
        let own = shared
            .tail
            .oldest_unflushed()
            .zip(target)
            .is_some_and(|(oldest, target)| oldest <= target);
        own || shared.sealed_epochs().queue.iter().any(|queued| sealed.contains(&queued.log))
    };
    while is_left() {
        match flush_oldest(shared).await? {
            Step::Flushed => {}
            Step::Nothing => break,
            Step::Waits if shared.runtime.monotonic() >= deadline || shared.is_sealed() => {
                return Err(FlushError::Waits);
            }
            Step::Waits => {
                tokio::select! {
                    _ = changes.changed() => {}
                    () = shared.runtime.sleep(LOOK_EVERY) => {}
                }
            }
        }
    }
    Ok(())
}

/// One flush.
async fn flush_oldest(shared: &Arc<Shared>) -> Result<Step, FlushError> {
    let mut flusher = shared.flusher.lock().await;
    if flusher.uploaded.is_none() {
        let chunks = match next(shared).await? {
            Ok(chunks) => chunks,
            Err(step) => return Ok(step),
        };
        flusher.uploaded = Some(upload(shared, chunks).await?);
    }
    let Some(uploaded) = &flusher.uploaded else { return Ok(Step::Nothing) };
    let partitions = match commit(shared, uploaded).await {
        Ok(partitions) => partitions,
        Err(FlushError::Ledger(error @ LedgerError::Conflict(_))) => {
            let uploaded = flusher.uploaded.take().expect("it is there");
            return refused(shared, uploaded, error).await;
        }
        Err(error) => return Err(error),
    };
    let Some(uploaded) = flusher.uploaded.take() else { return Ok(Step::Nothing) };
    let released = match let_go_of_deleted(shared, &uploaded).await {
        Ok(()) => finish(shared, &uploaded).await,
        Err(error) => Err(error),
    };
    drop(flusher);
    fold_due(shared, partitions).await;
    released?;
    Ok(Step::Flushed)
}

/// The chunks to flush next; else why there are none.
async fn next(shared: &Arc<Shared>) -> Result<Result<Vec<Arc<TailChunk>>, Step>, FlushError> {
    // Looked at in this order: what a partition goes on from was queued or borrowed before it had a
    // share of a chunk, and an epoch that is borrowed and then queued is one of the two at any
    // moment.
    let own = shared.tail.unflushed(FLUSH_BYTES_MAX);
    let (first, borrows) = {
        let sealed = shared.sealed_epochs();
        let first = sealed.queue.first();
        let first = first.map(|queued| (queued.order, queued.log, queued.oldest(FLUSH_BYTES_MAX)));
        (first, sealed.borrows().is_some())
    };
    let Some((order, log, chunks)) = first else {
        return Ok(match own {
            own if own.is_empty() => Err(Step::Nothing),
            _ if borrows => Err(Step::Waits),
            own => Ok(own),
        });
    };
    if chunks.is_empty() {
        retire(shared, log).await?;
        return Ok(Err(Step::Flushed));
    }
    Ok(if takeover::may_flush(shared, order, log).await? { Ok(chunks) } else { Err(Step::Waits) })
}

/// All chunks of a sealed epoch are in segments.
async fn retire(shared: &Shared, log: LogId) -> Result<(), FlushError> {
    match shared.ledger.retire_epoch(log).await {
        // Another epoch of that broker was retired at the same time.
        Err(LedgerError::Conflict(_)) => shared.ledger.retire_epoch(log).await?,
        outcome => outcome?,
    }
    shared.sealed_epochs().queue.retain(|queued| queued.log != log);
    shared.config.sealed_logs.retired(log);
    forget_deleted(shared).await
}

/// The ledger says that this broker is not to flush these chunks.
async fn refused(
    shared: &Arc<Shared>,
    uploaded: Uploaded,
    error: LedgerError,
) -> Result<Step, FlushError> {
    let Uploaded { log, segments, .. } = uploaded;
    for segment in &segments {
        abandon(shared, &[segment.record.object.to_string()], segment.announced).await;
    }
    if log != shared.ledger.own() {
        takeover::give_up(shared, log).await?;
        shared.sealed_epochs().unsettled = true;
        shared.config.sealed_logs.notify();
        return Ok(Step::Waits);
    }
    let seen = shared.ledger.epoch(log).await?;
    if seen.is_none_or(|seen| seen.record.tail_end.is_some()) {
        tracing::error!(epoch = %log.epoch, "another broker has sealed this epoch: it ends");
        if let Some(wal) = shared.log() {
            wal.seal().await;
        }
    }
    Err(error.into())
}

/// Builds and uploads segments for chunks of one log.
async fn upload(shared: &Arc<Shared>, chunks: Vec<Arc<TailChunk>>) -> Result<Uploaded, FlushError> {
    let (first, last) = (&chunks[0], &chunks[chunks.len() - 1]);
    let (log, expected_floor, floor_end) = (first.log, first.seq, last.seq.next());
    let plans = plan(shared, &chunks, &deleted_of(shared, log).await?);
    let objects: Vec<_> = plans.iter().map(|_| shared.new_object("segments")).collect();
    let mut segments = Vec::with_capacity(plans.len());
    if !plans.is_empty() {
        let names: Vec<_> = objects.iter().map(ToString::to_string).collect();
        let announced = shared.ledger.announce(&names).await?;
        for (index, (plan, object)) in plans.into_iter().zip(&objects).enumerate() {
            let key = flush_key(log, expected_floor, index);
            let outcome = build::store(shared, object, plan).await;
            match outcome {
                Ok(record) => segments.push(FlushedSegment { key, record, announced }),
                Err(error) => {
                    abandon(shared, &names, announced).await;
                    return Err(error);
                }
            }
        }
    }
    Ok(Uploaded { log, expected_floor, floor_end, chunks, segments })
}

/// The deleted partitions that chunks of a log may have records of. Of a sealed epoch they may have
/// been led by others since, who have deleted them.
async fn deleted_of(shared: &Shared, log: LogId) -> Result<BTreeSet<TopicPartition>, FlushError> {
    let mut deleted: BTreeSet<TopicPartition> = shared.deleted().keys().copied().collect();
    if log != shared.ledger.own() {
        deleted.extend(shared.ledger.deleted_anywhere().await?);
    }
    Ok(deleted)
}

async fn abandon(shared: &Shared, objects: &[String], announced: Revision) {
    for object in objects {
        if let Err(error) = shared.ledger.abandon_upload(object, announced).await {
            // The next broker epoch finds the announcement.
            tracing::warn!(%error, object, "an upload that failed stays announced");
        }
    }
}

/// Which runs go into which segment.
fn plan(
    shared: &Shared,
    chunks: &[Arc<TailChunk>],
    deleted: &BTreeSet<TopicPartition>,
) -> Vec<build::SegmentPlan> {
    let mut all = build::SegmentPlan::new();
    for chunk in chunks {
        for (index, part) in chunk.footer.partitions.iter().enumerate() {
            if !deleted.contains(&part.partition) {
                all.entry(part.partition).or_default().push(chunk.run(index));
            }
        }
    }
    let size = |runs: &Vec<TailRun>| runs.iter().map(|run| run.bytes.len() as u64).sum::<u64>();
    let (own, shared_segment): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, runs)| size(runs) >= shared.config.flush.own_segment_bytes);
    let mut plans: Vec<build::SegmentPlan> = own.into_iter().map(|entry| [entry].into()).collect();
    let shares = shared_segment.chunks(build::PARTITIONS_A_SEGMENT_MAX);
    plans.extend(shares.map(|share| share.iter().cloned().collect()));
    plans
}

/// Commits the flush and tells its partitions. Answers which those are.
async fn commit(shared: &Shared, uploaded: &Uploaded) -> Result<Vec<Arc<Partition>>, FlushError> {
    let _nobody_opens = shared.flush_commit.write().await;
    let Uploaded { log, expected_floor, floor_end, segments, chunks } = uploaded;
    shared.ledger.commit_flush(*log, *expected_floor, *floor_end, segments).await?;
    // A deletion that comes later waits for `flush_commit` before it strikes anything.
    let deleted: BTreeSet<TopicPartition> = shared.deleted().keys().copied().collect();
    let mut partitions = Vec::new();
    for segment in segments {
        let key: Arc<str> = segment.key.as_str().into();
        let open = shared.open_of(segment.record.parts.iter().map(|part| part.partition));
        for (part, partition) in segment.record.parts.iter().zip(open) {
            if let Some(partition) = partition.filter(|_| !deleted.contains(&part.partition)) {
                let of_part = segment.record.segment_of(part);
                let (flush, epochs) = (key.clone(), part.epochs.clone());
                partition.flushed(Unfolded { flush, epochs, segment: of_part });
                partitions.push(partition);
            }
        }
    }
    if *log == shared.ledger.own() {
        let bytes = shared.tail.flushed(chunks.len());
        shared.budget.remove_unflushed(bytes);
    } else if let Some(queued) =
        shared.sealed_epochs().queue.iter_mut().find(|queued| queued.log == *log)
    {
        queued.floor_end = *floor_end;
        if queued.counted {
            shared.budget.remove_unflushed(chunks.iter().map(|chunk| chunk.charged).sum());
        }
        if *floor_end == queued.tail_end {
            // Retired next; its memory is free.
            queued.epoch = None;
        }
    }
    Ok(partitions)
}

/// A partition that was deleted while its records were on their way into a segment is struck off
/// again.
async fn let_go_of_deleted(shared: &Arc<Shared>, uploaded: &Uploaded) -> Result<(), FlushError> {
    let deleted = deleted_of(shared, uploaded.log).await?;
    let parts = uploaded.segments.iter().flat_map(|segment| &segment.record.parts);
    for part in parts.filter(|part| deleted.contains(&part.partition)) {
        let _no_flush = shared.flush_commit.read().await;
        opening::let_go(shared, part.partition, None).await.map_err(Box::new)?;
    }
    Ok(())
}

/// Lets go of what the flush made superfluous.
async fn finish(shared: &Shared, uploaded: &Uploaded) -> Result<(), FlushError> {
    let Uploaded { log, floor_end, chunks, .. } = uploaded;
    shared.evict();
    if *log != shared.ledger.own() {
        let parts = chunks.iter().flat_map(|chunk| &chunk.footer.partitions);
        let ids: BTreeSet<TopicPartition> = parts.map(|part| part.partition).collect();
        let open = ids.into_iter().filter_map(|id| shared.partition(id));
        open.for_each(|partition| partition.lock().drop_sealed());
    }
    if let Some(wal) = shared.log().filter(|_| log.broker == shared.config.broker) {
        wal.release(log.epoch, *floor_end).await;
    }
    forget_deleted(shared).await
}

/// Forgets the deleted partitions that no chunk has records of any more.
async fn forget_deleted(shared: &Shared) -> Result<(), FlushError> {
    let floor = shared.tail.oldest_unflushed();
    let floor = floor.or_else(|| Some(shared.log()?.committed_end())).unwrap_or(ChunkSeq(0));
    let is_over = |until: &ChunkSeq| *until <= floor;
    if !shared.sealed_epochs().queue.is_empty() || !shared.deleted().values().any(is_over) {
        return Ok(());
    }
    // Another broker's epoch may be from when that one led them.
    if shared.ledger.all_epochs().await?.iter().any(|(_, seen)| seen.record.unflushed().is_some()) {
        return Ok(());
    }
    let done: Vec<_> = {
        let deleted = shared.deleted();
        deleted.iter().filter(|(_, until)| is_over(until)).map(|(id, _)| *id).collect()
    };
    shared.ledger.forget_deleted(&done).await?;
    shared.deleted().retain(|id, _| !done.contains(id));
    Ok(())
}
