//! Putting committed chunks into segments.
//!
//! One flush takes the oldest chunks of one broker epoch, groups their batches by partition, gives a partition with
//! enough of them a segment of its own and lets the rest share one, uploads, and commits with one transaction
//! that fails unless floor and flusher are the expected ones. Then the partitions learn of their segments, the
//! log lets go of the chunks, and the partitions fold what is new into their manifests.
//!
//! A flush that fails is tried again with growing pauses; meanwhile reads go on, and back-pressure slows
//! producers. Once its objects are uploaded only its commit is repeated, so an unknown outcome is found out.

mod build;
#[cfg(test)]
mod tests;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use milena_types::{BrokerEpoch, ChunkSeq, Revision};

use crate::{
    Partition,
    ledger::{FlushedSegment, LedgerError, flush_key},
    manifest::Unfolded,
    objects::ObjectError,
    opening,
    partition::{UpkeepError, fold_due},
    shared::Shared,
    tail::TailChunk,
};

/// The most one flush takes.
const FLUSH_BYTES_MAX: u64 = 64 << 20;

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
    /// The process is stopping.
    #[error("storage is shutting down")]
    Stopping,
}

/// A flush whose objects are uploaded.
struct Uploaded {
    epoch: BrokerEpoch,
    expected_floor: ChunkSeq,
    floor_end: ChunkSeq,
    chunks: usize,
    segments: Vec<FlushedSegment>,
}

/// The one flush at a time.
#[derive(Default)]
pub(crate) struct Flusher {
    /// Its commit has to be repeated before anything else is flushed.
    uploaded: Option<Uploaded>,
}

/// Flushes whenever the policy asks for it, until the scope stops. If that breaks an invariant of ours the epoch ends:
/// without flushes producers would wait for ever.
pub(crate) async fn run(shared: Arc<Shared>) {
    let flushed = AssertUnwindSafe(flush_when_due(&shared)).catch_unwind().await;
    if flushed.is_err() {
        tracing::error!("flushing panicked: the broker epoch ends");
        if let Some(wal) = shared.log() {
            wal.seal().await;
        }
    }
}

async fn flush_when_due(shared: &Arc<Shared>) {
    let stopping = shared.runtime.stopping().clone();
    let mut retry_ms = RETRY_MS_MIN;
    while !stopping.is_cancelled() && !shared.is_sealed() {
        if is_due(shared) {
            match flush_oldest(shared).await {
                Ok(_) => {
                    retry_ms = RETRY_MS_MIN;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, retry_ms, "records stay in the write-ahead log for now");
                    let pause = Duration::from_millis(retry_ms);
                    let _ = tokio::time::timeout(pause, stopping.cancelled()).await;
                    retry_ms = (retry_ms * 2).min(RETRY_MS_MAX);
                    continue;
                }
            }
        }
        let age = shared.config.flush.age;
        let wait = shared.tail.waiting().1.map_or(age, |since| {
            (since + age).saturating_sub(shared.runtime.monotonic()).max(Duration::from_millis(1))
        });
        tokio::select! {
            () = stopping.cancelled() => {}
            () = shared.flush_wanted.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn is_due(shared: &Shared) -> bool {
    let (bytes, oldest) = shared.tail.waiting();
    let Some(oldest) = oldest else { return false };
    let policy = &shared.config.flush;
    bytes >= policy.bytes || shared.budget.is_pressed() || shared.runtime.monotonic() >= oldest + policy.age
}

/// Flushes until nothing that was committed when it was called is left.
pub(crate) async fn flush_all(shared: &Arc<Shared>) -> Result<(), FlushError> {
    let target = shared.tail.newest();
    while let (Some(target), Some(oldest)) = (target, shared.tail.oldest_unflushed()) {
        if oldest > target || !flush_oldest(shared).await? {
            break;
        }
    }
    Ok(())
}

/// One flush. `false`: there was nothing to flush.
pub(crate) async fn flush_oldest(shared: &Arc<Shared>) -> Result<bool, FlushError> {
    let mut flusher = shared.flusher.lock().await;
    if flusher.uploaded.is_none() {
        flusher.uploaded = upload(shared).await?;
    }
    let Some(uploaded) = &flusher.uploaded else { return Ok(false) };
    let partitions = commit(shared, uploaded).await?;
    let (epoch, floor_end) = (uploaded.epoch, uploaded.floor_end);
    let segments = flusher.uploaded.take().map_or_else(Vec::new, |uploaded| uploaded.segments);
    let released = match let_go_of_deleted(shared, &segments).await {
        Ok(()) => finish(shared, epoch, floor_end).await,
        Err(error) => Err(error),
    };
    drop(flusher);
    fold_due(shared, partitions).await;
    released?;
    Ok(true)
}

/// Builds and uploads segments for the oldest chunks.
async fn upload(shared: &Arc<Shared>) -> Result<Option<Uploaded>, FlushError> {
    let chunks = shared.tail.unflushed(FLUSH_BYTES_MAX);
    let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else { return Ok(None) };
    let (epoch, expected_floor, floor_end) = (first.epoch, first.seq, last.seq.next());
    let count = chunks.len();
    let plans = plan(shared, &chunks);
    let objects: Vec<_> = plans.iter().map(|_| shared.new_object("segments")).collect();
    let mut segments = Vec::with_capacity(plans.len());
    if !plans.is_empty() {
        let names: Vec<_> = objects.iter().map(ToString::to_string).collect();
        let announced = shared.ledger.announce(&names).await?;
        for (index, (plan, object)) in plans.into_iter().zip(&objects).enumerate() {
            let key = flush_key(shared.config.broker, epoch, expected_floor, index);
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
    drop(chunks);
    Ok(Some(Uploaded { epoch, expected_floor, floor_end, chunks: count, segments }))
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
fn plan(shared: &Shared, chunks: &[Arc<TailChunk>]) -> Vec<build::SegmentPlan> {
    let mut all = build::SegmentPlan::new();
    let deleted = shared.deleted().clone();
    for chunk in chunks {
        for (index, part) in chunk.footer.partitions.iter().enumerate() {
            if !deleted.contains_key(&part.partition) {
                all.entry(part.partition).or_default().push(chunk.run(index));
            }
        }
    }
    let size =
        |runs: &Vec<crate::partition::TailRun>| runs.iter().map(|run| run.bytes.len() as u64).sum::<u64>();
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
    let Uploaded { epoch, expected_floor, floor_end, segments, .. } = uploaded;
    shared.ledger.commit_flush(*epoch, *expected_floor, *floor_end, segments).await?;
    let mut partitions = Vec::new();
    for segment in segments {
        let key: Arc<str> = segment.key.as_str().into();
        for part in &segment.record.parts {
            let deleted = shared.deleted().contains_key(&part.partition);
            if let Some(partition) = shared.partition(part.partition).filter(|_| !deleted) {
                let of_part = segment.record.segment_of(part);
                let (flush, epochs) = (key.clone(), part.epochs.clone());
                partition.flushed(Unfolded { flush, epochs, segment: of_part });
                partitions.push(partition);
            }
        }
    }
    let bytes = shared.tail.flushed(uploaded.chunks);
    shared.budget.remove_unflushed(bytes);
    Ok(partitions)
}

/// A partition that was deleted while its records were on their way into a segment is struck off again.
async fn let_go_of_deleted(shared: &Arc<Shared>, segments: &[FlushedSegment]) -> Result<(), FlushError> {
    let deleted = shared.deleted().clone();
    let parts = segments.iter().flat_map(|segment| &segment.record.parts);
    for part in parts {
        if let Some(until) = deleted.get(&part.partition) {
            opening::delete(shared, part.partition, *until).await.map_err(Box::new)?;
        }
    }
    Ok(())
}

/// Lets go of what the flush made superfluous.
async fn finish(shared: &Shared, epoch: BrokerEpoch, floor_end: ChunkSeq) -> Result<(), FlushError> {
    shared.evict();
    if let Some(wal) = shared.log() {
        wal.release(epoch, floor_end).await;
    }
    let ours = epoch == shared.config.broker_epoch;
    if !ours && shared.tail.oldest_unflushed().is_none_or(|(oldest, _)| oldest > epoch) {
        shared.ledger.retire_epoch(epoch).await?;
    }
    let older_done =
        shared.tail.oldest_unflushed().is_none_or(|(oldest, _)| oldest >= shared.config.broker_epoch);
    let floor = if ours { floor_end } else { ChunkSeq(0) };
    let done: Vec<_> = {
        let deleted = shared.deleted();
        deleted.iter().filter(|(_, until)| older_done && **until <= floor).map(|(id, _)| *id).collect()
    };
    if !done.is_empty() {
        shared.ledger.forget_deleted(&done).await?;
        let mut deleted = shared.deleted();
        deleted.retain(|id, _| !done.contains(id));
    }
    Ok(())
}
