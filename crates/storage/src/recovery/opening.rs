//! Opening and deleting partitions: what has to be read to know a partition, and what has to be let
//! go of.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use milena_types::{ChunkSeq, LeaderEpoch, Offset, Timestamp, TopicPartition};

use crate::{
    catalog::{
        flushes::Flushes,
        manifest::{Manifest, Unfolded},
    },
    ledger::{
        FlushRecord, LedgerError, ManifestRecord, ManifestSwap, ManifestSwaps, SegmentRef,
        SnapshotRef, Versioned,
    },
    objects::store::ObjectId,
    partition::{
        partition_log::Partition,
        producers::{snapshot::SnapshotError, state::Producers},
        state::{Recovered, State, TailRun},
        upkeep::UpkeepError,
    },
    recovery::sealed::{EpochChunks, SealedError},
    segment::footer::PartitionFooter,
    shared::Shared,
    storage::OpenPartitionError,
    tuning::PartitionOptions,
};

/// How often a partition is looked for whose records were moved from chunks to segments meanwhile.
const PLANS_MAX: usize = 8;

/// See [`crate::Storage::open_partition`].
pub(crate) async fn open(
    shared: &Arc<Shared>,
    id: TopicPartition,
    leader_epoch: LeaderEpoch,
    options: PartitionOptions,
) -> Result<Arc<Partition>, OpenPartitionError> {
    let mut plans = 0;
    loop {
        match open_once(shared, id, leader_epoch, options).await {
            Err(
                OpenPartitionError::SealedEpoch(SealedError::Gone { .. })
                | OpenPartitionError::Gap { .. },
            ) if plans < PLANS_MAX => {
                plans += 1;
                shared.runtime.sleep(Duration::from_millis(1 << plans)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn open_once(
    shared: &Arc<Shared>,
    id: TopicPartition,
    leader_epoch: LeaderEpoch,
    options: PartitionOptions,
) -> Result<Arc<Partition>, OpenPartitionError> {
    // No flush of this broker is committed meanwhile, so whatever is in the tail or in a flush
    // record now stays there.
    let _no_flush = shared.flush_commit.read().await;
    if shared.is_sealed() {
        return Err(OpenPartitionError::Sealed);
    }
    if shared.deleted().contains_key(&id) {
        return Err(OpenPartitionError::Deleted { partition: id });
    }
    if let Some(open) = shared.partition(id) {
        return already_open(&open, leader_epoch);
    }
    // Chunks, then flushes, then the manifest: what moves on between two reads is then seen twice,
    // and in any other order perhaps not at all.
    let sealed = sealed_epochs(shared).await?;
    let flushes = shared.flushes.read(&shared.ledger).await?;
    let manifest = load_manifest(shared, id, leader_epoch, &flushes).await?;
    let mut epochs = manifest.epochs();
    let mut producers = rebuild_producers(shared, id, &manifest).await?;
    let now = Timestamp(shared.runtime.wall_ms());
    let from = manifest.record.producers.as_ref().map_or(Offset::ZERO, |snapshot| snapshot.offset);
    let own = shared.tail.unflushed_of(id);
    let own = own.iter().filter_map(|chunk| {
        let (index, part) = chunk.part_of(id)?;
        Some((chunk.run(index), part))
    });
    let mut runs: Vec<(TailRun, &PartitionFooter)> =
        sealed.iter().flat_map(|(_, epoch)| epoch.runs_of(id)).chain(own).collect();
    runs.sort_by_key(|(run, _)| run.base);
    let (mut end, mut tail) = (manifest.end(), VecDeque::new());
    for (run, part) in runs.into_iter().filter(|(run, _)| run.end > manifest.end()) {
        if run.base != end {
            return Err(OpenPartitionError::Gap { partition: id, from: end, to: run.base });
        }
        end = run.end;
        part.epochs.iter().for_each(|begun| epochs.begin(begun.epoch, begun.start));
        let newer = part.batches.iter().filter(|batch| batch.base_offset >= from);
        newer.for_each(|batch| producers.commit_summary(batch, now));
        tail.push_back(run);
    }
    producers.expire(expiration(shared));
    borrow(shared, id, &sealed, &tail);
    let state = State::new(leader_epoch, options, Recovered { manifest, epochs, producers, tail });
    let partition = Partition::new(id, shared.clone(), state);
    let mut partitions = shared.partitions();
    if let Some(open) = partitions.get(&id) {
        return already_open(open, leader_epoch);
    }
    partitions.insert(id, partition.clone());
    Ok(partition)
}

/// The chunks of all sealed epochs that are not all in segments, each with its place in the order
/// of seals.
async fn sealed_epochs(
    shared: &Arc<Shared>,
) -> Result<Vec<(u64, Arc<EpochChunks>)>, OpenPartitionError> {
    let own = shared.ledger.own();
    let mut epochs = Vec::new();
    for (log, seen) in shared.ledger.all_epochs().await? {
        if let Some(chunks) = seen.record.unflushed().filter(|_| log != own) {
            epochs.push((
                seen.record.order,
                shared.config.sealed_logs.load(shared, log, chunks).await?,
            ));
        }
    }
    Ok(epochs)
}

/// Notes what is borrowed from others.
fn borrow(
    shared: &Shared,
    id: TopicPartition,
    epochs: &[(u64, Arc<EpochChunks>)],
    tail: &VecDeque<TailRun>,
) {
    let mut sealed = shared.sealed_epochs();
    for (order, epoch) in epochs {
        let has_runs = tail.iter().any(|run| run.sealed == Some(epoch.log));
        if has_runs && !sealed.is_queued(epoch.log) {
            sealed.borrow(*order, epoch, id);
            shared.config.sealed_logs.want(epoch.log);
        }
    }
}

fn already_open(
    open: &Arc<Partition>,
    leader_epoch: LeaderEpoch,
) -> Result<Arc<Partition>, OpenPartitionError> {
    if open.leader_epoch() == leader_epoch && !open.is_closed() {
        return Ok(open.clone());
    }
    Err(OpenPartitionError::AlreadyOpen { partition: open.id(), current: open.leader_epoch() })
}

/// Records of producers that wrote nothing since then are dropped.
pub(crate) fn expiration(shared: &Shared) -> Timestamp {
    let kept = i64::try_from(shared.config.producer_expiration.as_millis()).unwrap_or(i64::MAX);
    Timestamp(shared.runtime.wall_ms().saturating_sub(kept))
}

/// The manifest and the flushes that it does not name yet.
pub(crate) async fn load_manifest(
    shared: &Shared,
    id: TopicPartition,
    leader_epoch: LeaderEpoch,
    flushes: &Flushes,
) -> Result<Manifest, OpenPartitionError> {
    let seen = shared.ledger.manifest(id).await?;
    let (record, revision) = match seen {
        Some(seen) => (seen.record, Some(seen.revision)),
        None => (ManifestRecord::new(leader_epoch), None),
    };
    if record.leader_epoch > leader_epoch {
        let (ours, theirs) = (leader_epoch, record.leader_epoch);
        return Err(LedgerError::Fenced { partition: id, ours, theirs }.into());
    }
    let newer = flushes.of(id).iter().filter(|unfolded| unfolded.segment.end > record.end);
    let mut unfolded: Vec<Unfolded> = newer.cloned().collect();
    unfolded.sort_by_key(|unfolded| unfolded.segment.base);
    let mut end = record.end;
    for unfolded in &unfolded {
        if unfolded.segment.base != end {
            return Err(OpenPartitionError::Gap {
                partition: id,
                from: end,
                to: unfolded.segment.base,
            });
        }
        end = unfolded.segment.end;
    }
    Ok(Manifest { record, revision, unfolded })
}

/// Producer state of everything in segments: the newest snapshot, and the footers of what came
/// after it.
async fn rebuild_producers(
    shared: &Shared,
    id: TopicPartition,
    manifest: &Manifest,
) -> Result<Producers, OpenPartitionError> {
    let (mut producers, from) = match &manifest.record.producers {
        Some(snapshot) => read_snapshot(shared, id, snapshot).await?,
        None => (Producers::default(), Offset::ZERO),
    };
    for page in manifest.record.pages.iter().filter(|page| page.end > from) {
        for segment in shared.pages.read(page).await? {
            replay_footer(shared, id, &segment, from, &mut producers).await?;
        }
    }
    for segment in manifest.newer() {
        replay_footer(shared, id, segment, from, &mut producers).await?;
    }
    Ok(producers)
}

/// The state of a snapshot, and from where on the segments add to it. A snapshot that is lost or
/// damaged is made up for: the footers of all segments say the same.
async fn read_snapshot(
    shared: &Shared,
    id: TopicPartition,
    snapshot: &SnapshotRef,
) -> Result<(Producers, Offset), OpenPartitionError> {
    let Some(object) = &snapshot.object else { return Ok((Producers::default(), snapshot.offset)) };
    let error = match shared.pages.open(&ObjectId::new(object.as_str())).await {
        Ok(bytes) => match Producers::from_snapshot(&bytes) {
            Ok(producers) => return Ok((producers, snapshot.offset)),
            Err(error @ SnapshotError::Level(_)) => return Err(error.into()),
            Err(error) => OpenPartitionError::from(error),
        },
        Err(error) if error.is_lost() => error.into(),
        Err(error) => return Err(error.into()),
    };
    tracing::warn!(partition = %id, %object, %error, "producer state is rebuilt from all segments");
    Ok((Producers::default(), Offset::ZERO))
}

async fn replay_footer(
    shared: &Shared,
    id: TopicPartition,
    segment: &SegmentRef,
    from: Offset,
    producers: &mut Producers,
) -> Result<(), OpenPartitionError> {
    if segment.end <= from {
        return Ok(());
    }
    let part = shared.segments.open(id, segment).await?;
    // When it was appended is not known: as long as that may have been just now, the producer is
    // remembered.
    let now = Timestamp(shared.runtime.wall_ms());
    let newer = part.footer().batches.iter().filter(|batch| batch.base_offset >= from);
    newer.for_each(|batch| producers.commit_summary(batch, now));
    Ok(())
}

/// Strikes a partition off a flush record.
pub(crate) fn strike(seen: &mut Versioned<FlushRecord>, id: TopicPartition) -> usize {
    let before = seen.record.parts.len();
    seen.record.parts.retain(|part| part.partition != id);
    before - seen.record.parts.len()
}

/// See [`crate::Storage::delete_partition`].
pub(crate) async fn delete(
    shared: &Arc<Shared>,
    id: TopicPartition,
    until: ChunkSeq,
) -> Result<(), UpkeepError> {
    let _no_flush = shared.flush_commit.read().await;
    let_go(shared, id, Some(until)).await?;
    // A flush of another broker may have been committed that did not know of the deletion yet. One
    // that is committed from now on finds out by itself.
    if !shared.flushes.read(&shared.ledger).await?.of(id).is_empty() {
        let_go(shared, id, None).await?;
    }
    Ok(())
}

/// Lets go of everything a deleted partition refers to. `until`: the first chunk of this broker
/// without records of it, to be noted with it.
pub(crate) async fn let_go(
    shared: &Arc<Shared>,
    id: TopicPartition,
    until: Option<ChunkSeq>,
) -> Result<(), UpkeepError> {
    const ATTEMPTS: usize = 5;
    let mut attempt = 0;
    loop {
        let (swaps, more) = release(shared, id, until).await?;
        match shared.ledger.swap_manifests(&swaps).await {
            Ok(_) if more => attempt = 0,
            Ok(_) => return Ok(()),
            Err(LedgerError::Conflict(_)) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// How many pages of a manifest one transaction lets go of: each names up to 128 segments, and
/// metadata stores bound their transactions.
const PAGES_A_STEP: usize = if cfg!(test) { 1 } else { 8 };

/// The next transaction that lets go of what a partition refers to, and whether another has to
/// follow: of a long manifest first the pages go, the oldest first, so that whoever repeats this
/// goes on where it stopped.
async fn release(
    shared: &Shared,
    id: TopicPartition,
    until: Option<ChunkSeq>,
) -> Result<(ManifestSwaps, bool), UpkeepError> {
    let mut swaps =
        ManifestSwaps { deleted: until.map(|until| (id, until)), ..ManifestSwaps::default() };
    let manifest = shared.ledger.manifest(id).await?;
    let seen = manifest.as_ref().map(|seen| seen.revision);
    if let Some(mut seen) = manifest {
        let more = seen.record.pages.len() > PAGES_A_STEP;
        let pages: Vec<_> =
            seen.record.pages.drain(..seen.record.pages.len().min(PAGES_A_STEP)).collect();
        for page in &pages {
            for segment in shared.pages.read(page).await? {
                swaps.objects.release(&segment.object);
            }
            swaps.objects.release(&page.object);
        }
        if more {
            let gone = pages[pages.len() - 1].end;
            seen.record.log_start = seen.record.log_start.max(gone);
            seen.record.version += 1;
            swaps.manifests.push(ManifestSwap {
                partition: id,
                seen: Some(seen.revision),
                record: Some(seen.record),
            });
            return Ok((swaps, true));
        }
        seen.record.segments.iter().for_each(|segment| swaps.objects.release(&segment.object));
        if let Some(object) =
            seen.record.producers.as_ref().and_then(|snapshot| snapshot.object.as_ref())
        {
            swaps.objects.release(object);
        }
    }
    // Also when there is none: a fold must not make one meanwhile.
    swaps.manifests.push(ManifestSwap { partition: id, seen, record: None });
    for (key, mut seen) in shared.ledger.flush_records().await? {
        let struck = strike(&mut seen, id);
        if struck > 0 {
            (0..struck).for_each(|_| swaps.objects.release(&seen.record.object));
            swaps.flush_records.push((key, seen));
        }
    }
    Ok((swaps, false))
}

/// Reads back which partitions were deleted while chunks held records of them.
pub(crate) async fn recover_deleted(shared: &Arc<Shared>) -> Result<(), LedgerError> {
    for record in shared.ledger.deleted().await? {
        // Chunks of older epochs only: this epoch has none yet.
        shared.deleted().insert(record.partition, ChunkSeq(0));
    }
    Ok(())
}
