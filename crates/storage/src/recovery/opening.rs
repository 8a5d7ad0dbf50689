//! Opening a partition: its manifest, the flushes that are not folded into it, the unflushed chunks
//! of this broker and of sealed epochs of any, and its producer state.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use milena_runtime::Backoff;
use milena_types::{LeaderEpoch, Offset, Timestamp, TopicPartition};

use crate::{
    catalog::{deletion::DeletedPartitions, manifest::Manifest, manifests::Manifests},
    chunk::{log_core::LogCore, tail::TailRun},
    partition::{
        options::PartitionOptions,
        partition::Partition,
        registry::OpenPartitions,
        state::{PartitionState, RecoveredPartition},
    },
    recovery::{
        epoch_chunks::EpochChunks, errors::OpenPartitionError, producer_state::rebuild_producers,
        sealed_epochs::SealedEpochs, sealed_logs::SealedError,
    },
    segment::{blocks::Segments, footer::PartitionFooter},
};

/// How often a partition is opened again whose records moved from chunks to segments meanwhile.
const ATTEMPTS: u32 = 8;

const RETRY: Backoff = Backoff::doubling(Duration::from_millis(2), Duration::from_millis(256));

/// Opens the partitions of one broker.
pub(crate) struct PartitionOpener {
    pub(crate) core: Arc<LogCore>,
    pub(crate) manifests: Arc<Manifests>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) partitions: Arc<OpenPartitions>,
    pub(crate) deleted: Arc<DeletedPartitions>,
    pub(crate) sealed: Arc<SealedEpochs>,
    /// `producer.id.expiration.ms`.
    pub(crate) producer_expiration: Duration,
}

/// The producers that were active last before this time are expired.
pub(crate) fn expired_before(now: Timestamp, expiration: Duration) -> Timestamp {
    let kept = i64::try_from(expiration.as_millis()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(kept))
}

impl PartitionOpener {
    /// See [`crate::Storage::open_partition`].
    pub(crate) async fn open(
        &self,
        id: TopicPartition,
        leader_epoch: LeaderEpoch,
        options: PartitionOptions,
    ) -> Result<Arc<Partition>, OpenPartitionError> {
        let mut attempt = 0;
        loop {
            match self.open_once(id, leader_epoch, options).await {
                Err(
                    OpenPartitionError::SealedEpoch(SealedError::Gone { .. })
                    | OpenPartitionError::Gap { .. },
                ) if attempt < ATTEMPTS => {
                    attempt += 1;
                    self.core.runtime.sleep(RETRY.pause(attempt)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn open_once(
        &self,
        id: TopicPartition,
        leader_epoch: LeaderEpoch,
        options: PartitionOptions,
    ) -> Result<Arc<Partition>, OpenPartitionError> {
        // No flush of this broker is committed meanwhile, so what is in the tail or in a flush
        // record now stays there.
        let _no_flush = self.manifests.flush_gate.read().await;
        if self.core.is_sealed() {
            return Err(OpenPartitionError::Sealed);
        }
        if self.deleted.contains(id) {
            return Err(OpenPartitionError::Deleted { partition: id });
        }
        if let Some(open) = self.partitions.get(id) {
            return already_open(open, leader_epoch);
        }
        let (recovered, snapshot_lost) = self.recover(id, leader_epoch).await?;
        let state = PartitionState::new(leader_epoch, options, recovered);
        let (core, manifests) = (self.core.clone(), self.manifests.clone());
        let partition = Partition::new(id, state, core, manifests, self.segments.clone());
        partition.settle_loss(snapshot_lost).await?;
        match self.partitions.insert(&partition) {
            Ok(()) => Ok(partition),
            Err(open) => already_open(open, leader_epoch),
        }
    }

    /// What is there of a partition, and whether its producer snapshot knows of records that are
    /// not: they were lost.
    async fn recover(
        &self,
        id: TopicPartition,
        leader_epoch: LeaderEpoch,
    ) -> Result<(RecoveredPartition, bool), OpenPartitionError> {
        // Chunks, then flushes, then the manifest: what moves on between two reads is then seen
        // twice, and in any other order perhaps not at all.
        let sealed = self.sealed_chunks().await?;
        let flushes = self.manifests.flushes.read(&self.manifests.catalog).await?;
        let manifest = self.manifests.load(id, leader_epoch, &flushes).await?;
        let mut epochs = manifest.epochs();
        let own = self.core.tail.unflushed_of(id);
        let own = own.iter().filter_map(|chunk| {
            let (index, part) = chunk.part_of(id)?;
            Some((chunk.run(index), part))
        });
        let mut runs: Vec<(TailRun, &PartitionFooter)> =
            sealed.iter().flat_map(|(_, epoch)| epoch.runs_of(id)).chain(own).collect();
        runs.sort_by_key(|(run, _)| run.base);
        runs.retain(|(run, _)| run.end > manifest.end());
        check_continuous(id, &manifest, runs.iter().map(|(run, _)| run))?;
        let end = runs.last().map_or(manifest.end(), |(run, _)| run.end);
        let snapshot = manifest.record.producers.as_ref();
        let snapshot_lost = snapshot.is_some_and(|snapshot| snapshot.offset > end);
        let snapshot = snapshot.filter(|_| !snapshot_lost);
        let from = snapshot.map_or(Offset::ZERO, |snapshot| snapshot.offset);
        let now = Timestamp(self.core.runtime.wall_ms());
        let mut producers =
            rebuild_producers(&self.manifests, &self.segments, id, &manifest, snapshot, now)
                .await?;
        let mut tail = VecDeque::new();
        for (run, part) in runs {
            part.epochs.iter().for_each(|begun| epochs.begin(begun.epoch, begun.start));
            let newer = part.batches.iter().filter(|batch| batch.base_offset >= from);
            newer.for_each(|batch| producers.commit_summary(batch, now));
            tail.push_back(run);
        }
        producers.expire(expired_before(now, self.producer_expiration));
        self.pin_epochs(id, &sealed, &tail);
        Ok((RecoveredPartition { manifest, epochs, producers, tail }, snapshot_lost))
    }

    /// The chunks of all sealed epochs that are not all in segments, each with its place in the
    /// order of seals.
    async fn sealed_chunks(&self) -> Result<Vec<(u64, Arc<EpochChunks>)>, OpenPartitionError> {
        let own = self.core.id;
        let mut epochs = Vec::new();
        for (log, seen) in self.manifests.catalog.all_epochs().await? {
            if let Some(chunks) = seen.value.unflushed().filter(|_| log != own) {
                let chunks = self.sealed.logs.load(&self.core, log, chunks).await?;
                epochs.push((seen.value.order, chunks));
            }
        }
        Ok(epochs)
    }

    /// Notes which epochs of other flushers the partition has runs of, and requests their flush.
    fn pin_epochs(
        &self,
        id: TopicPartition,
        epochs: &[(u64, Arc<EpochChunks>)],
        tail: &VecDeque<TailRun>,
    ) {
        let mut sealed = self.sealed.lock();
        for (order, epoch) in epochs {
            let has_runs = tail.iter().any(|run| run.sealed == Some(epoch.log));
            if has_runs && !sealed.is_queued(epoch.log) {
                sealed.pin_epoch(*order, epoch, id);
                self.sealed.logs.request_flush(epoch.log);
            }
        }
    }
}

/// The runs go on where the segments end, each where the one before ends. Only below the log start
/// there may be nothing: those records were deleted, also where they were lost before that.
fn check_continuous<'a>(
    id: TopicPartition,
    manifest: &Manifest,
    runs: impl Iterator<Item = &'a TailRun>,
) -> Result<(), OpenPartitionError> {
    let mut end = manifest.end();
    for run in runs {
        let deleted = end < run.base && run.base <= manifest.record.log_start;
        if run.base != end && !deleted {
            return Err(OpenPartitionError::Gap { partition: id, from: end, to: run.base });
        }
        end = run.end;
    }
    Ok(())
}

fn already_open(
    open: Arc<Partition>,
    leader_epoch: LeaderEpoch,
) -> Result<Arc<Partition>, OpenPartitionError> {
    if open.leader_epoch() == leader_epoch && !open.is_closed() {
        return Ok(open);
    }
    Err(OpenPartitionError::AlreadyOpen { partition: open.id(), current: open.leader_epoch() })
}
