//! Putting committed chunks into segments.
//!
//! One flush takes the oldest chunks of one broker epoch, groups their batches by partition, gives
//! a partition with enough of them a segment of its own and lets the others share one, uploads, and
//! commits with one transaction that fails unless floor and flusher are the expected ones. Then the
//! flush is applied to the open partitions, the log releases the chunks, and the partitions fold
//! their flushes into their manifests.
//!
//! Logs are flushed in any order: this broker's own, and the sealed epochs it is the flusher of. What
//! a flush records of a partition may lie behind records that another log still has; only folding
//! waits for those.
//!
//! A failed flush is repeated with growing pauses; meanwhile other logs are flushed, reads work, and
//! back-pressure slows producers. Once its objects are uploaded only its commit is repeated, so that an
//! unknown outcome is resolved.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex as StdMutex, MutexGuard},
};

use milena_store::InvalidTxn;
use milena_types::{ChunkSeq, Revision, Timestamp, TopicPartition};
use tokio::sync::Mutex;

use crate::{
    catalog::{
        deletion::DeletedPartitions, manifest::UnfoldedFlush, manifests::Manifests,
        object_names::ObjectKind,
    },
    catalog::{
        keys::StorageKey,
        manifest_swaps::FlushedSegment,
        records::{FlushRecord, LogId},
        storage_catalog::CatalogError,
    },
    chunk::{
        log_core::LogCore,
        tail::{FlushMax, TailChunk},
    },
    disk::buffer::SpareBuffers,
    flush::{
        build::SegmentBuilder,
        errors::FlushError,
        plan::{SegmentPlan, plan_segments},
    },
    objects::{object_id::ObjectId, store::Objects},
    partition::{fold::fold_due, partition::Partition, registry::OpenPartitions},
    recovery::sealed_epochs::SealedEpochs,
    tuning::FlushPolicy,
};

/// The chunks of one flush, at most.
const FLUSH_BYTES_MAX: u64 = 64 << 20;

/// The bytes that a partition takes in the transaction that commits a flush: an upper estimate.
const FLUSH_PART_BYTES: usize = 256;

/// The memory that is kept from one segment to the next.
const SEGMENT_BUFFER_MAX: usize = FLUSH_BYTES_MAX as usize + (2 << 20);

/// The partitions that are looked up under one lock.
const LOOKED_UP_AT_ONCE_MAX: usize = 512;

/// The outcome of one flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlushOutcome {
    Flushed,
    /// There was nothing to flush.
    Nothing,
}

/// A flush whose objects are uploaded.
struct UploadedFlush {
    log: LogId,
    expected_floor: ChunkSeq,
    floor_end: ChunkSeq,
    chunks: Vec<Arc<TailChunk>>,
    segments: Vec<FlushedSegment>,
}

/// Flushes the chunks of one broker: of its own epoch, and of the sealed ones it is the flusher of.
pub(crate) struct Flusher {
    pub(super) policy: FlushPolicy,
    pub(super) core: Arc<LogCore>,
    pub(super) sealed: Arc<SealedEpochs>,
    pub(super) builder: SegmentBuilder,
    manifests: Arc<Manifests>,
    partitions: Arc<OpenPartitions>,
    deleted: Arc<DeletedPartitions>,
    objects: Objects,
    slots: StdMutex<HashMap<LogId, FlushSlot>>,
}

/// Serialises the flushes of one log.
pub(crate) type FlushSlot = Arc<Mutex<LogFlushes>>;

#[derive(Default)]
pub(crate) struct LogFlushes {
    /// The upload whose commit is being retried.
    uploaded: Option<UploadedFlush>,
    /// The transaction that the metadata store does not take, and would not take again.
    invalid: Option<InvalidTxn>,
}

impl LogFlushes {
    /// Has an invalid transaction end the flushes of the log.
    fn noted(&mut self, error: FlushError) -> FlushError {
        if let FlushError::Catalog(CatalogError::Invalid(invalid)) = &error {
            self.invalid = Some(invalid.clone());
        }
        error
    }
}

impl Flusher {
    pub(crate) fn new(
        policy: FlushPolicy,
        sealed: Arc<SealedEpochs>,
        partitions: Arc<OpenPartitions>,
        deleted: Arc<DeletedPartitions>,
        objects: Objects,
    ) -> Arc<Self> {
        let (core, manifests) = (sealed.core.clone(), sealed.manifests.clone());
        let buffers = SpareBuffers::new(1, SEGMENT_BUFFER_MAX);
        let (keys, runtime) = (core.keys.clone(), core.runtime.clone());
        let builder = SegmentBuilder { keys, runtime, buffers };
        let slots = StdMutex::default();
        Arc::new(Self {
            policy,
            core,
            sealed,
            builder,
            manifests,
            partitions,
            deleted,
            objects,
            slots,
        })
    }

    /// Flushes the oldest chunks of a log. Once a transaction of its flushes was invalid, this returns
    /// that error at once.
    pub(super) async fn flush_oldest(&self, log: LogId) -> Result<FlushOutcome, FlushError> {
        let outcome = self.try_flush_oldest(log).await;
        if let Err(FlushError::Catalog(CatalogError::EpochSealed { .. })) = outcome {
            self.end_epoch().await;
        }
        outcome
    }

    /// Another broker has sealed this epoch.
    async fn end_epoch(&self) {
        tracing::error!(epoch = %self.core.id.epoch, "another broker has sealed this epoch: it ends");
        if let Some(log) = self.core.log() {
            log.seal().await;
        }
    }

    async fn try_flush_oldest(&self, log: LogId) -> Result<FlushOutcome, FlushError> {
        let slot = self.slots().entry(log).or_default().clone();
        let mut flushes = slot.lock().await;
        if let Some(invalid) = &flushes.invalid {
            return Err(CatalogError::Invalid(invalid.clone()).into());
        }
        if flushes.uploaded.is_none() {
            let Some(chunks) = self.oldest_chunks(log) else {
                if log != self.core.id {
                    self.slots().remove(&log);
                }
                return Ok(FlushOutcome::Nothing);
            };
            if chunks.is_empty() {
                self.retire_epoch(log).await.map_err(|error| flushes.noted(error))?;
                self.slots().remove(&log);
                return Ok(FlushOutcome::Flushed);
            }
            let uploaded = self.upload(chunks).await.map_err(|error| flushes.noted(error))?;
            flushes.uploaded = Some(uploaded);
        }
        let Some(uploaded) = &flushes.uploaded else { return Ok(FlushOutcome::Nothing) };
        let partitions = match self.commit(uploaded).await {
            Ok(partitions) => partitions,
            Err(FlushError::Catalog(error @ CatalogError::Conflict(_))) => {
                let uploaded = flushes.uploaded.take().expect("it is there");
                let outcome = self.abandon_flush(uploaded, error).await;
                if matches!(outcome, Ok(FlushOutcome::Nothing)) {
                    self.slots().remove(&log);
                }
                return outcome;
            }
            Err(error) => return Err(flushes.noted(error)),
        };
        let Some(uploaded) = flushes.uploaded.take() else { return Ok(FlushOutcome::Nothing) };
        // First: nothing else releases these chunks, and a file of the log goes after those before it.
        self.release_flushed(&uploaded).await;
        let tidied = match self.delete_refs_of_deleted(&uploaded).await {
            Ok(()) => self.forget_deleted().await,
            Err(error) => Err(error),
        };
        drop(flushes);
        fold_due(&self.manifests, Timestamp(self.core.runtime.wall_ms()), partitions).await;
        tidied?;
        Ok(FlushOutcome::Flushed)
    }

    pub(crate) fn slots(&self) -> MutexGuard<'_, HashMap<LogId, FlushSlot>> {
        self.slots.lock().expect("no panic while flushes are listed")
    }

    /// The chunks to flush next of a log. Empty: a sealed epoch is to be retired. None: there is
    /// nothing to do.
    fn oldest_chunks(&self, log: LogId) -> Option<Vec<Arc<TailChunk>>> {
        let max = FlushMax {
            bytes: FLUSH_BYTES_MAX,
            epochs: self.manifests.catalog.txn_bytes_max() / 2 / FLUSH_PART_BYTES,
        };
        if log == self.core.id {
            return Some(self.core.tail.unflushed(max)).filter(|own| !own.is_empty());
        }
        let sealed = self.sealed.lock();
        let queued = sealed.queue.iter().find(|queued| queued.log == log);
        queued.map(|queued| queued.oldest(max))
    }

    /// All chunks of a sealed epoch are in segments.
    async fn retire_epoch(&self, log: LogId) -> Result<(), FlushError> {
        match self.manifests.catalog.retire_epoch(log).await {
            // Another epoch of that broker was retired at the same time.
            Err(CatalogError::Conflict(_)) => self.manifests.catalog.retire_epoch(log).await?,
            outcome => outcome?,
        }
        self.sealed.lock().queue.retain(|queued| queued.log != log);
        self.sealed.logs.epoch_retired(log);
        self.forget_deleted().await
    }

    /// The catalog says that this broker is not to flush these chunks.
    async fn abandon_flush(
        &self,
        uploaded: UploadedFlush,
        error: CatalogError,
    ) -> Result<FlushOutcome, FlushError> {
        let UploadedFlush { log, segments, .. } = uploaded;
        for segment in &segments {
            self.abandon_uploads(&[segment.record.object.to_string()], segment.announced).await;
        }
        if log != self.core.id {
            self.sealed.yield_epoch(log).await?;
            self.sealed.lock().unsettled = true;
            self.sealed.logs.notify();
            let is_queued = self.sealed.lock().is_queued(log);
            return if is_queued { Err(error.into()) } else { Ok(FlushOutcome::Nothing) };
        }
        let seen = self.manifests.catalog.epoch(log).await?;
        if seen.is_none_or(|seen| seen.value.tail_end.is_some()) {
            self.end_epoch().await;
        }
        Err(error.into())
    }

    /// Builds and uploads segments for chunks of one log.
    async fn upload(&self, chunks: Vec<Arc<TailChunk>>) -> Result<UploadedFlush, FlushError> {
        let (first, last) = (&chunks[0], &chunks[chunks.len() - 1]);
        let (log, expected_floor, floor_end) = (first.log, first.seq, last.seq.next());
        let deleted = self.deleted_in(log).await?;
        let plans = plan_segments(&chunks, &deleted, self.policy.own_segment_bytes);
        let objects: Vec<_> =
            plans.iter().map(|_| self.manifests.names.next(ObjectKind::Segment)).collect();
        let mut segments = Vec::with_capacity(plans.len());
        if !plans.is_empty() {
            let names: Vec<_> = objects.iter().map(ToString::to_string).collect();
            let announced = self.manifests.catalog.announce(&names).await?;
            for (index, (plan, object)) in plans.into_iter().zip(&objects).enumerate() {
                let key = StorageKey::Flush { log, first: expected_floor, index }.to_string();
                match self.store(object, plan).await {
                    Ok(record) => segments.push(FlushedSegment { key, record, announced }),
                    Err(error) => {
                        self.abandon_uploads(&names, announced).await;
                        return Err(error);
                    }
                }
            }
        }
        Ok(UploadedFlush { log, expected_floor, floor_end, chunks, segments })
    }

    /// Builds a segment on a thread for blocking work, and stores it.
    async fn store(&self, object: &ObjectId, plan: SegmentPlan) -> Result<FlushRecord, FlushError> {
        let (builder, name) = (self.builder.clone(), object.clone());
        let built = self.core.runtime.spawn_blocking(move || builder.build(&name, &plan)).await;
        let (sealed, record) = built.map_err(|_| FlushError::Stopping)?;
        self.objects.put(object, sealed).await?;
        Ok(record)
    }

    /// The deleted partitions that chunks of a log may have records of. Those of a sealed epoch may
    /// have been led by others since, which have deleted them.
    async fn deleted_in(&self, log: LogId) -> Result<BTreeSet<TopicPartition>, FlushError> {
        let mut deleted = self.deleted.all();
        if log != self.core.id {
            deleted.extend(self.manifests.catalog.deleted_anywhere().await?);
        }
        Ok(deleted)
    }

    async fn abandon_uploads(&self, objects: &[String], announced: Revision) {
        for object in objects {
            let abandoned = self.manifests.catalog.abandon_upload(object, announced).await;
            if let Err(error) = abandoned {
                // The next broker epoch finds the announcement.
                tracing::warn!(%error, object, "an upload that failed stays announced");
            }
        }
    }

    /// Commits the flush and applies it to the open partitions. Returns those.
    async fn commit(&self, uploaded: &UploadedFlush) -> Result<Vec<Arc<Partition>>, FlushError> {
        let UploadedFlush { log, expected_floor, floor_end, segments, chunks } = uploaded;
        let catalog = &self.manifests.catalog;
        catalog.commit_flush(*log, *expected_floor, *floor_end, segments).await?;
        // Whoever deletes one of the others from now on finds the flush's record.
        let deleted = self.deleted.all();
        let mut flushed = Vec::new();
        for segment in segments {
            let key: Arc<str> = segment.key.as_str().into();
            let parts = segment.record.parts.iter();
            for part in parts.filter(|part| !deleted.contains(&part.partition)) {
                let of_part = segment.record.segment_of(part);
                let (flush, epochs) = (key.clone(), part.epochs.clone());
                let unfolded = UnfoldedFlush { flush, epochs, segment: of_part };
                flushed.push((part.partition, unfolded));
            }
        }
        let partitions = self.partitions.flushed(flushed);
        if *log == self.core.id {
            let bytes = self.core.tail.flushed(chunks.len());
            self.core.budget.remove_unflushed(bytes);
        } else if let Some(queued) = self.sealed.lock().queued_mut(*log) {
            queued.floor_end = *floor_end;
            if queued.charged {
                let bytes = chunks.iter().map(|chunk| chunk.charged).sum();
                self.core.budget.remove_unflushed(bytes);
            }
            if *floor_end == queued.tail_end {
                // Retired next; its memory is free.
                queued.chunks = None;
            }
        }
        Ok(partitions)
    }

    /// Removes the references of partitions that were deleted between upload and commit.
    async fn delete_refs_of_deleted(&self, uploaded: &UploadedFlush) -> Result<(), FlushError> {
        let deleted = self.deleted_in(uploaded.log).await?;
        let parts = uploaded.segments.iter().flat_map(|segment| &segment.record.parts);
        for part in parts.filter(|part| deleted.contains(&part.partition)) {
            self.manifests.delete_refs(part.partition, None).await.map_err(Box::new)?;
        }
        Ok(())
    }

    /// Releases the memory and the log's chunks that the flush made superfluous.
    async fn release_flushed(&self, uploaded: &UploadedFlush) {
        let UploadedFlush { log, floor_end, chunks, .. } = uploaded;
        self.evict();
        if *log != self.core.id {
            let parts = chunks.iter().flat_map(|chunk| &chunk.footer.partitions);
            let ids: BTreeSet<TopicPartition> = parts.map(|part| part.partition).collect();
            let open = ids.into_iter().filter_map(|id| self.partitions.get(id));
            open.for_each(|partition| partition.lock().drop_sealed());
        }
        let own_log = self.core.log().filter(|_| log.broker == self.core.id.broker);
        if let Some(own_log) = own_log {
            own_log.release(log.epoch, *floor_end).await;
        }
    }

    /// Evicts flushed chunks that exceed the tail's budget.
    pub(super) fn evict(&self) {
        for chunk in self.core.tail.evict() {
            // Not all under one lock: every look-up of a partition waits for it.
            for entries in chunk.footer.partitions.chunks(LOOKED_UP_AT_ONCE_MAX) {
                let open = self.partitions.get_each(entries.iter().map(|entry| entry.partition));
                for (entry, partition) in entries.iter().zip(open) {
                    if let Some(partition) = partition {
                        partition.lock().drop_tail(entry.offsets.end);
                    }
                }
            }
        }
    }

    /// Forgets the deleted partitions that no chunk has records of any more.
    async fn forget_deleted(&self) -> Result<(), FlushError> {
        let floor = self.core.tail.oldest_unflushed();
        let floor = floor.or_else(|| Some(self.core.log()?.committed_end()));
        let floor = floor.unwrap_or(ChunkSeq(0));
        if !self.sealed.lock().queue.is_empty() || self.deleted.done_below(floor).is_empty() {
            return Ok(());
        }
        // Another broker's epoch may be from when that broker led them.
        let epochs = self.manifests.catalog.all_epochs().await?;
        if epochs.iter().any(|(_, seen)| seen.value.unflushed().is_some()) {
            return Ok(());
        }
        let done = self.deleted.done_below(floor);
        Ok(self.manifests.forget_deleted(&self.deleted, &done).await?)
    }
}
