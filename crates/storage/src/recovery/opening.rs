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
        state::{Loss, PartitionState, RecoveredPartition},
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
            // A gap may be one of what is read here, for a moment.
            let last = attempt == ATTEMPTS;
            match self.open_once(id, leader_epoch, options, last).await {
                Err(
                    OpenPartitionError::SealedEpoch(SealedError::Gone { .. })
                    | OpenPartitionError::Gap { .. },
                ) if !last => {
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
        accept_losses: bool,
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
        let (recovered, loss) = self.recover(id, leader_epoch, accept_losses).await?;
        let state = PartitionState::new(leader_epoch, options, recovered);
        let (core, manifests) = (self.core.clone(), self.manifests.clone());
        let partition = Partition::new(id, state, core, manifests, self.segments.clone());
        partition.settle_loss(&loss).await?;
        match self.partitions.insert(&partition) {
            Ok(()) => Ok(partition),
            Err(open) => already_open(open, leader_epoch),
        }
    }

    /// What is there of a partition, and what is lost.
    async fn recover(
        &self,
        id: TopicPartition,
        leader_epoch: LeaderEpoch,
        accept_losses: bool,
    ) -> Result<(RecoveredPartition, Loss), OpenPartitionError> {
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
        let gaps = gaps(&manifest, &sealed, runs.iter().map(|(run, _)| run));
        if let Some(gap) = gaps.first() {
            let accepted = accept_losses && self.are_accepted(&gaps).await?;
            if !accepted {
                let Gap { from, to, .. } = *gap;
                return Err(OpenPartitionError::Gap { partition: id, from, to });
            }
        }
        let first_missing = runs.last().map_or(manifest.end(), |(run, _)| run.end);
        let first_missing = gaps.first().map_or(first_missing, |gap| gap.from);
        let snapshot = manifest.record.producers.as_ref();
        let loss = Loss {
            snapshot: snapshot.is_some_and(|snapshot| snapshot.offset > first_missing),
            before: gaps.last().map(|gap| gap.to),
        };
        let snapshot = snapshot.filter(|_| !loss.snapshot);
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
        Ok((RecoveredPartition { manifest, epochs, producers, tail }, loss))
    }

    /// Whether what is missing was in epochs whose loss was accepted: it went before what was sealed
    /// later.
    async fn are_accepted(&self, gaps: &[Gap]) -> Result<bool, OpenPartitionError> {
        let lost = self.manifests.catalog.first_lost().await?;
        Ok(gaps.iter().all(|gap| gap.from < gap.to && lost.is_some_and(|lost| lost < gap.order)))
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

/// A place where records do not go on where those before end.
#[derive(Clone, Copy)]
struct Gap {
    from: Offset,
    to: Offset,
    /// The place in the order of seals of the epoch that goes on; the last, if it is not known.
    order: u64,
}

/// Flushes and runs go on where the segments end, each where the one before ends, but behind what was
/// deleted, also where it was lost before that. Returns the places where they do not.
fn gaps<'a>(
    manifest: &'a Manifest,
    sealed: &'a [(u64, Arc<EpochChunks>)],
    runs: impl Iterator<Item = &'a TailRun>,
) -> Vec<Gap> {
    let order_of = |log| sealed.iter().find(|(_, epoch)| epoch.log == log).map(|(order, _)| *order);
    let flushes = manifest.unfolded.iter().map(|unfolded| &unfolded.segment);
    let flushes = flushes.map(|segment| (segment.base, segment.end, u64::MAX));
    let runs =
        runs.map(|run| (run.base, run.end, run.sealed.and_then(order_of).unwrap_or(u64::MAX)));
    let mut from = manifest.record.end;
    let mut gaps = Vec::new();
    for (to, end, order) in flushes.chain(runs) {
        if !manifest.record.continues(from, to) {
            gaps.push(Gap { from, to, order });
        }
        from = end;
    }
    gaps
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
