//! Opening a partition: its manifest, the flushes that are not folded into it, the unflushed chunks
//! of this broker and of the sealed epochs that its record names, and its producer state. An epoch that
//! cannot be read fails only the partitions that name it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use milena_runtime::Backoff;
use milena_types::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, Timestamp, TopicPartition};

use crate::{
    catalog::{
        deletion::DeletedPartitions,
        leader_epochs::EpochHistory,
        manifest::{Gap, Manifest},
        manifests::Manifests,
        records::LogId,
    },
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

/// A term in which a broker leads a partition, as the partition's record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderTerm {
    pub epoch: LeaderEpoch,
    /// The lives of brokers whose logs may have records of the partition that are not in its manifest.
    /// `None`, where a record of an earlier release does not say: any.
    pub unfolded: Option<Vec<(BrokerId, BrokerEpoch)>>,
}

impl From<LeaderEpoch> for LeaderTerm {
    fn from(epoch: LeaderEpoch) -> Self {
        Self { epoch, unfolded: None }
    }
}

impl LeaderTerm {
    fn may_be_in(&self, log: LogId) -> bool {
        let named = self.unfolded.as_ref().map(|lives| lives.contains(&(log.broker, log.epoch)));
        named.unwrap_or(true)
    }
}

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
        term: &LeaderTerm,
        options: PartitionOptions,
    ) -> Result<Arc<Partition>, OpenPartitionError> {
        let mut attempt = 0;
        loop {
            // A gap may be one of what is read here, for a moment.
            let last = attempt == ATTEMPTS;
            match self.open_once(id, term, options, last).await {
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
        term: &LeaderTerm,
        options: PartitionOptions,
        accept_losses: bool,
    ) -> Result<Arc<Partition>, OpenPartitionError> {
        if self.core.is_sealed() {
            return Err(OpenPartitionError::Sealed);
        }
        if self.deleted.contains(id) {
            return Err(OpenPartitionError::Deleted { partition: id });
        }
        if let Some(open) = self.partitions.get(id) {
            return already_open(open, term.epoch);
        }
        let opening = self.partitions.begin_opening(id);
        let Recovery { partition: recovered, loss, epochs } =
            self.recover(id, term, accept_losses).await?;
        let state = PartitionState::new(term.epoch, options, recovered);
        let (core, manifests) = (self.core.clone(), self.manifests.clone());
        let partition = Partition::new(id, state, core, manifests, self.segments.clone());
        partition.settle_loss(&loss).await?;
        match opening.finish(&partition) {
            Ok(()) => {
                self.pin_epochs(&partition, &epochs);
                Ok(partition)
            }
            Err(open) => already_open(open, term.epoch),
        }
    }

    /// What is there of a partition, and what is lost.
    async fn recover(
        &self,
        id: TopicPartition,
        term: &LeaderTerm,
        accept_losses: bool,
    ) -> Result<Recovery, OpenPartitionError> {
        // Chunks, then flushes, then the manifest: what moves on between two reads is then seen
        // twice, and in any other order perhaps not at all.
        let own = self.core.tail.unflushed_of(id);
        let sealed = self.sealed_chunks(term).await?;
        let flushes = self.manifests.flushes.read(&self.manifests.catalog).await?;
        let manifest = self.manifests.load(id, term.epoch, &flushes).await?;
        let own = own.iter().filter_map(|chunk| {
            let (index, part) = chunk.part_of(id)?;
            Some((chunk.run(index), part))
        });
        let sealed_runs = sealed.iter().flat_map(|epoch| epoch.chunks.runs_of(id));
        let mut runs: Vec<(TailRun, &PartitionFooter)> = sealed_runs.chain(own).collect();
        runs.sort_by_key(|(run, _)| run.base);
        runs.retain(|(run, _)| !manifest.covers(run.base, run.end));
        let gaps = manifest.gaps(runs.iter().map(|(run, _)| (run.base, run.end)));
        if let Some(gap) = gaps.first() {
            let accepted = accept_losses && self.are_accepted(&gaps, term).await?;
            if !accepted {
                let Gap { from, to } = *gap;
                return Err(OpenPartitionError::Gap { partition: id, from, to });
            }
        }
        let flushed_end = manifest.unfolded.last().map(|unfolded| unfolded.segment.end);
        let ends = flushed_end.into_iter().chain(runs.last().map(|(run, _)| run.end));
        let end = ends.max().unwrap_or(manifest.record.end);
        let first_missing = gaps.first().map_or(end, |gap| gap.from);
        let snapshot = manifest.record.producers.as_ref();
        let loss = Loss {
            snapshot: snapshot.is_some_and(|snapshot| snapshot.offset > first_missing),
            before: gaps.last().map(|gap| gap.to),
        };
        let snapshot = snapshot.filter(|_| !loss.snapshot);
        let now = Timestamp(self.core.runtime.wall_ms());
        let parts = runs.iter().map(|(_, part)| *part);
        let mut producers = rebuild_producers(
            &self.manifests,
            &self.segments,
            id,
            &manifest,
            parts.clone(),
            snapshot,
            now,
        )
        .await?;
        producers.expire(expired_before(now, self.producer_expiration));
        let epochs = epochs_of(&manifest, parts);
        let tail: VecDeque<TailRun> = runs.into_iter().map(|(run, _)| run).collect();
        let partition = RecoveredPartition { manifest, epochs, producers, tail };
        Ok(Recovery { partition, loss, epochs: sealed })
    }

    /// Whether what is missing may have been in an epoch whose loss was accepted.
    async fn are_accepted(
        &self,
        gaps: &[Gap],
        term: &LeaderTerm,
    ) -> Result<bool, OpenPartitionError> {
        let lost = self.manifests.catalog.lost_epochs().await?;
        let is_lost = lost.into_iter().any(|log| term.may_be_in(log));
        Ok(is_lost && gaps.iter().all(|gap| gap.from < gap.to))
    }

    /// The chunks of the sealed epochs that may have records of the partition which are not in
    /// segments.
    async fn sealed_chunks(
        &self,
        term: &LeaderTerm,
    ) -> Result<Vec<BorrowedEpoch>, OpenPartitionError> {
        let own = self.core.id;
        let mut epochs = Vec::new();
        for (log, seen) in self.manifests.catalog.all_epochs().await? {
            let is_needed = log != own && term.may_be_in(log);
            if let Some(chunks) = seen.value.unflushed().filter(|_| is_needed) {
                let chunks = self.sealed.logs.load_within(&self.core, log, chunks).await?;
                let flushed_here = seen.value.flusher_of(log) == own;
                epochs.push(BorrowedEpoch { chunks, flushed_here });
            }
        }
        Ok(epochs)
    }

    /// Notes of which epochs flushes may come, or may have come, that are not applied to the partition,
    /// and requests them. The partition is open: whoever ends a pin has it read the records again.
    fn pin_epochs(&self, partition: &Partition, epochs: &[BorrowedEpoch]) {
        let logs: BTreeSet<LogId> =
            partition.lock().tail.iter().filter_map(|run| run.sealed).collect();
        let mut sealed = self.sealed.lock();
        for BorrowedEpoch { chunks, flushed_here, .. } in epochs {
            // The record was read before the flushes were: if this broker was the flusher by then, it
            // has missed none of another.
            let is_complete = *flushed_here && sealed.is_queued(chunks.log);
            if logs.contains(&chunks.log) && !is_complete {
                sealed.pin_epoch(chunks, partition.id());
                self.sealed.logs.request_flush(chunks.log);
            }
        }
    }
}

/// What is there of a partition, and what is lost.
struct Recovery {
    partition: RecoveredPartition,
    loss: Loss,
    epochs: Vec<BorrowedEpoch>,
}

/// A sealed epoch with chunks that are not in segments.
struct BorrowedEpoch {
    chunks: Arc<EpochChunks>,
    /// Whether this broker was its flusher when the record was read.
    flushed_here: bool,
}

/// The leader epochs of everything in segments and in chunks.
fn epochs_of<'a>(
    manifest: &'a Manifest,
    parts: impl Iterator<Item = &'a PartitionFooter>,
) -> EpochHistory {
    let flushed = manifest.unfolded.iter().flat_map(|unfolded| &unfolded.epochs).copied();
    let in_chunks = parts.flat_map(|part| &part.epochs).map(|begun| (begun.epoch, begun.start));
    let mut begun: Vec<(LeaderEpoch, Offset)> = flushed.chain(in_chunks).collect();
    begun.sort_by_key(|(_, start)| *start);
    let mut epochs = manifest.record.epochs.clone();
    begun.into_iter().for_each(|(epoch, start)| epochs.begin(epoch, start));
    epochs
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
