//! Reading whole batches, as slices of memory shared with the caches.

use std::sync::Arc;

use bytes::Bytes;
use milena_types::{Offset, Timestamp};

use crate::{
    cache::object_reads::{Miss, ObjectRead, ObjectReads},
    catalog::records::SegmentRef,
    catalog::{
        manifest::{Manifest, ManifestEntry},
        pages::PageError,
    },
    partition::{
        bounds::{Bounds, Isolation},
        collector::BatchCollector,
        partition::Partition,
        state::RecordPlace,
    },
    segment::block_error::BlockError,
};

#[derive(Clone, Copy, Debug)]
pub struct ReadRequest {
    /// The first offset wanted. The first batch may begin below it.
    pub from: Offset,
    /// At most this many bytes of batches.
    pub max_bytes: usize,
    /// The first batch is returned whole even if it is larger (KIP-74).
    pub at_least_one: bool,
    /// Determines the end of the readable range.
    pub isolation: Isolation,
}

/// Whole batches, and the bounds of the log.
#[derive(Clone, Debug)]
pub struct ReadData {
    /// The batches' bytes, in offset order; a part holds one or more whole batches.
    pub parts: Vec<Bytes>,
    /// The length of all parts.
    pub bytes: usize,
    /// The bounds of the log when the read was planned.
    pub bounds: Bounds,
    /// Whether `max_bytes` ended the read, so that there is more, or may be.
    pub is_cut: bool,
    /// Where the read ended, if that is in segments.
    pub ahead_from: Option<Offset>,
    /// What ended the read, if it would go on with something that is not loaded yet.
    pub missing: Option<Missing>,
}

/// What ends a read early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// This read of an object has not ended.
    Read(ObjectRead),
    /// An object has to be read, and no read may begin: too many are under way, or none are left.
    Turn,
}

impl Missing {
    fn new(read: Option<ObjectRead>) -> Self {
        read.map_or(Self::Turn, Self::Read)
    }
}

impl ReadData {
    fn new(collector: BatchCollector, bounds: Bounds) -> Self {
        let BatchCollector { parts, bytes, is_cut, .. } = collector;
        Self { parts, bytes, bounds, is_cut, ahead_from: None, missing: None }
    }

    /// Of a partition of which nothing was read.
    pub fn nothing(bounds: Bounds) -> Self {
        Self { parts: Vec::new(), bytes: 0, bounds, is_cut: false, ahead_from: None, missing: None }
    }
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum ReadError {
    /// OFFSET_OUT_OF_RANGE.
    #[error(
        "offset {asked} is outside of the log ({} to {}): seek into it",
        .bounds.log_start, .bounds.high_watermark
    )]
    OutOfRange { asked: Offset, bounds: Bounds },
    /// The partition was closed here (NOT_LEADER_OR_FOLLOWER).
    #[error("the partition is not led here any more: find its new leader")]
    Closed,
    /// A segment cannot be read (KAFKA_STORAGE_ERROR).
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A page of the manifest cannot be read (KAFKA_STORAGE_ERROR).
    #[error(transparent)]
    Page(#[from] PageError),
    /// A batch in the log cannot be read (CORRUPT_MESSAGE).
    #[error(transparent)]
    Batch(#[from] milena_records::BatchError),
}

impl ReadError {
    /// The object to read was removed meanwhile: plan again.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Block(error) => error.is_gone(),
            Self::Page(error) => error.is_gone(),
            _ => false,
        }
    }
}

/// How many blocks are fetched ahead of a reader, and in how many of the segments behind the one that
/// it is in.
const BLOCKS_AHEAD: usize = 4;
const SEGMENTS_AHEAD: usize = 2;

impl Partition {
    /// Reads from the tail, without waiting. `None`: the batches are not in the tail;
    /// [`Partition::read`] fetches them.
    ///
    /// # Errors
    /// [`ReadError::OutOfRange`], [`ReadError::Closed`].
    pub fn try_read(&self, request: &ReadRequest) -> Result<Option<ReadData>, ReadError> {
        let state = self.lock();
        if state.closed {
            return Err(ReadError::Closed);
        }
        let bounds = state.bounds();
        if request.from < bounds.log_start || request.from > bounds.high_watermark {
            return Err(ReadError::OutOfRange { asked: request.from, bounds });
        }
        let end = bounds.end(request.isolation);
        let mut collector =
            BatchCollector::new(request.from, end, request.max_bytes, request.at_least_one);
        if request.from < end {
            match state.place_of(request.from) {
                RecordPlace::Segments => return Ok(None),
                RecordPlace::Tail => {
                    let next = state.read_tail(request.from, &mut collector);
                    // Segments have what follows.
                    collector.is_cut |= next.is_some_and(|next| next < end);
                }
                RecordPlace::Nowhere => {}
            }
        }
        Ok(Some(ReadData::new(collector, bounds)))
    }

    /// Reads from the tail or from segments. Cancel-safe.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(&self, request: &ReadRequest) -> Result<ReadData, ReadError> {
        let mut reads = ObjectReads::unlimited();
        loop {
            let data = self.read_loaded(request, &mut reads).await?;
            if data.missing.is_none() {
                if let Some(from) = data.ahead_from {
                    self.read_ahead(from, &mut reads);
                }
                return Ok(data);
            }
            reads.next().await;
        }
    }

    /// Reads from the tail, or what is loaded of segments: waits for no object, but begins to read
    /// those that it misses, as far as `reads` allows. Cancel-safe.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read_loaded(
        &self,
        request: &ReadRequest,
        reads: &mut ObjectReads,
    ) -> Result<ReadData, ReadError> {
        loop {
            if let Some(data) = self.try_read(request)? {
                return Ok(data);
            }
            let planned = self.lock().manifest.clone();
            match self.read_segments(request, reads) {
                Err(error) if error.is_gone() => self.plan_again(&planned, error).await?,
                outcome => return outcome,
            }
        }
    }

    /// Reads from segments and, where they have gaps, from the tail, up to the first block that is
    /// not loaded. Looks up what follows it, too, as far as it is wanted.
    fn read_segments(
        &self,
        request: &ReadRequest,
        reads: &mut ObjectReads,
    ) -> Result<ReadData, ReadError> {
        let bounds = self.bounds();
        let end = bounds.end(request.isolation);
        let collector =
            BatchCollector::new(request.from, end, request.max_bytes, request.at_least_one);
        let mut reader = SegmentsReader { partition: self, reads, collector, missing: None };
        match reader.run(end) {
            // What was read before counts; the error is told to the next read, which begins here.
            Err(error) if reader.collector.bytes == 0 => return Err(error),
            _ => {}
        }
        let SegmentsReader { collector, missing, .. } = reader;
        let ahead_from = Some(collector.next).filter(|_| missing.is_none());
        Ok(ReadData { ahead_from, missing, ..ReadData::new(collector, bounds) })
    }

    /// Loads what a reader that has come to `from` will want next: blocks, and what tells of the next
    /// segments.
    pub fn read_ahead(&self, from: Offset, reads: &mut ObjectReads) {
        reads.ahead(|reads| self.look_ahead(from, reads));
    }

    fn look_ahead(&self, mut from: Offset, reads: &mut ObjectReads) {
        let mut blocks = 0;
        for at in 0..=SEGMENTS_AHEAD {
            let manifest = {
                let state = self.lock();
                if state.place_of(from) != RecordPlace::Segments {
                    return;
                }
                state.manifest.clone()
            };
            let Ok(Some(segment)) = self.look_up_segment(&manifest, from, reads) else { return };
            let part = self.segments.look_up(self.id, &segment.object, segment.base, reads);
            if let Ok(part) = part {
                let mut frame = part.footer().frame_of(from.max(part.footer().offsets.start));
                // Of the next segments the first.
                let blocks_max = if at == 0 { BLOCKS_AHEAD } else { BLOCKS_AHEAD.min(blocks + 1) };
                while let Some(index) = frame
                    && blocks < blocks_max
                {
                    let _ = self.segments.look_up_block(&part, index, reads);
                    blocks += 1;
                    frame = part.after_block(index);
                }
            }
            from = segment.end;
        }
    }

    /// After an object was not found: takes the manifest from the store again, unless it has changed
    /// since it was `planned` with. Returns the error if it still is what it was: then the object is
    /// lost.
    pub(super) async fn plan_again(
        &self,
        planned: &Arc<Manifest>,
        error: ReadError,
    ) -> Result<(), ReadError> {
        let serialised = self.manifest_change.lock().await;
        if self.is_closed() {
            return Err(ReadError::Closed);
        }
        if !Arc::ptr_eq(&self.lock().manifest, planned) {
            return Ok(());
        }
        let reloaded = self.reload().await;
        drop(serialised);
        if self.is_closed() {
            return Err(ReadError::Closed);
        }
        if let Err(failed) = reloaded {
            tracing::warn!(partition = %self.id, %failed, "the manifest cannot be read again");
            return Err(error);
        }
        let now = self.lock().manifest.clone();
        let flushes = |manifest: &Manifest| {
            let keys = manifest.unfolded.iter().map(|unfolded| unfolded.flush.clone());
            keys.collect::<Vec<_>>()
        };
        let is_same = now.revision == planned.revision && flushes(&now) == flushes(planned);
        if is_same { Err(error) } else { Ok(()) }
    }

    /// The segment that has `offset`.
    fn look_up_segment(
        &self,
        manifest: &Manifest,
        offset: Offset,
        reads: &mut ObjectReads,
    ) -> Result<Option<SegmentRef>, Miss<PageError>> {
        match manifest.find(offset) {
            None => Ok(None),
            Some(ManifestEntry::Segment(segment)) => Ok(Some(segment)),
            Some(ManifestEntry::Page(page)) => {
                let segments = self.manifests.pages.look_up(&page, reads)?;
                Ok(segments.iter().find(|segment| offset < segment.end).cloned())
            }
        }
    }

    /// The first segment from `offset` on whose largest timestamp is not below `timestamp`.
    pub(super) async fn segment_at_time(
        &self,
        manifest: &Manifest,
        offset: Offset,
        timestamp: Timestamp,
    ) -> Result<Option<SegmentRef>, ReadError> {
        match manifest.find_time(offset, timestamp) {
            None => Ok(None),
            Some(ManifestEntry::Segment(segment)) => Ok(Some(segment)),
            Some(ManifestEntry::Page(page)) => {
                let segments = self.manifests.pages.read(&page).await?;
                let later = |segment: &&SegmentRef| {
                    segment.end > offset && segment.max_timestamp >= timestamp
                };
                Ok(segments.iter().find(later).cloned())
            }
        }
    }
}

/// A read of segments under way.
struct SegmentsReader<'a> {
    partition: &'a Partition,
    reads: &'a mut ObjectReads,
    collector: BatchCollector,
    missing: Option<Missing>,
}

impl SegmentsReader<'_> {
    fn run(&mut self, end: Offset) -> Result<(), ReadError> {
        let mut from = self.collector.next;
        // What follows the first miss is only looked up, as far as it may still be wanted.
        let mut wanted = usize::MAX;
        while from < end && self.goes_on(wanted) {
            let manifest = {
                let state = self.partition.lock();
                if state.log_start > from {
                    // Deleted meanwhile: a read does not go on behind it as if nothing were missing.
                    return Ok(());
                }
                match state.place_of(from) {
                    RecordPlace::Nowhere => return Ok(()),
                    RecordPlace::Segments => state.manifest.clone(),
                    RecordPlace::Tail if self.missing.is_some() => return Ok(()),
                    RecordPlace::Tail => match state.read_tail(from, &mut self.collector) {
                        Some(next) => {
                            from = next;
                            continue;
                        }
                        None => return Ok(()),
                    },
                }
            };
            let segment = self.partition.look_up_segment(&manifest, from, self.reads);
            let Some(segment) = self.found(segment)?.flatten() else { return Ok(()) };
            match self.segment(&segment, from, wanted)? {
                Some(left) => wanted = left,
                None => return Ok(()),
            }
            from = segment.end;
        }
        Ok(())
    }

    /// Reads from a segment. Returns how much is wanted of the next; none if the read ends.
    fn segment(
        &mut self,
        segment: &SegmentRef,
        from: Offset,
        mut wanted: usize,
    ) -> Result<Option<usize>, ReadError> {
        let Partition { id, segments, .. } = self.partition;
        let part = segments.look_up(*id, &segment.object, segment.base, self.reads);
        let Some(part) = self.found(part)? else {
            let wanted = wanted.min(self.collector.remaining());
            return Ok(Some(wanted.saturating_sub(segment.bytes as usize)));
        };
        let mut frame = part.footer().frame_of(from.max(part.footer().offsets.start));
        while let Some(index) = frame {
            let block = segments.look_up_block(&part, index, self.reads);
            let block = self.found(block)?;
            if self.missing.is_none() {
                if block.is_some_and(|block| !self.collector.take(&block)) {
                    return Ok(None);
                }
            } else {
                wanted = wanted.min(self.collector.remaining());
                wanted = wanted.saturating_sub(part.block_bytes(index));
                if !self.goes_on(wanted) {
                    return Ok(None);
                }
            }
            frame = part.after_block(index);
        }
        Ok(Some(wanted))
    }

    fn goes_on(&self, wanted: usize) -> bool {
        self.missing.is_none() || (wanted > 0 && self.reads.may_begin())
    }

    /// None if it is not loaded. A failure behind the first miss is left to the read that gets there.
    fn found<T, E>(&mut self, found: Result<T, Miss<E>>) -> Result<Option<T>, ReadError>
    where
        ReadError: From<E>,
    {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Miss::Failed(error)) if self.missing.is_none() => Err(error.into()),
            Err(Miss::Failed(_)) => Ok(None),
            Err(Miss::Later(read)) => {
                self.missing.get_or_insert(Missing::new(read));
                Ok(None)
            }
        }
    }
}
