//! Reading whole batches, as slices of memory shared with the caches.

use std::time::Duration;

use bytes::Bytes;
use milena_types::{Offset, Timestamp};

use crate::{
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
}

impl ReadData {
    fn new(collector: BatchCollector, bounds: Bounds) -> Self {
        let BatchCollector { parts, bytes, is_cut, .. } = collector;
        Self { parts, bytes, bounds, is_cut }
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

/// How often a read is planned again whose object was removed meanwhile.
pub(super) const PLANS_MAX: usize = 4;

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
        self.read_until(request, Duration::MAX).await
    }

    /// As [`Partition::read`]; from `until` on, in monotonic time, it reads no more once it has read
    /// something.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read_until(
        &self,
        request: &ReadRequest,
        until: Duration,
    ) -> Result<ReadData, ReadError> {
        let mut plans = 0;
        loop {
            if let Some(data) = self.try_read(request)? {
                return Ok(data);
            }
            match self.read_segments(request, until).await {
                Err(error) if error.is_gone() && plans < PLANS_MAX => plans += 1,
                outcome => return outcome,
            }
        }
    }

    /// Reads from segments and, where they have gaps, from the tail.
    async fn read_segments(
        &self,
        request: &ReadRequest,
        until: Duration,
    ) -> Result<ReadData, ReadError> {
        let bounds = self.bounds();
        let end = bounds.end(request.isolation);
        let mut collector =
            BatchCollector::new(request.from, end, request.max_bytes, request.at_least_one);
        let mut from = request.from;
        while from < end {
            let manifest = {
                let state = self.lock();
                if state.log_start > from {
                    // Deleted meanwhile: a read does not go on behind it as if nothing were missing.
                    break;
                }
                match state.place_of(from) {
                    RecordPlace::Nowhere => break,
                    RecordPlace::Segments => state.manifest.clone(),
                    RecordPlace::Tail => match state.read_tail(from, &mut collector) {
                        Some(next) => {
                            from = next;
                            continue;
                        }
                        None => break,
                    },
                }
            };
            let Some(segment) = self.segment_at(&manifest, from).await? else { break };
            let read = self.read_segment(&segment, from, &mut collector, until);
            if !Box::pin(read).await? {
                break;
            }
            from = segment.end;
        }
        Ok(ReadData::new(collector, bounds))
    }

    /// The segment that has `offset`.
    pub(super) async fn segment_at(
        &self,
        manifest: &Manifest,
        offset: Offset,
    ) -> Result<Option<SegmentRef>, ReadError> {
        match manifest.find(offset) {
            None => Ok(None),
            Some(ManifestEntry::Segment(segment)) => Ok(Some(segment)),
            Some(ManifestEntry::Page(page)) => {
                let segments = self.manifests.pages.read(&page).await?;
                Ok(segments.into_iter().find(|segment| offset < segment.end))
            }
        }
    }

    /// Like [`Partition::segment_at`], for the first segment from `offset` on whose largest
    /// timestamp is not below `timestamp`.
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
                let later = |segment: &SegmentRef| {
                    segment.end > offset && segment.max_timestamp >= timestamp
                };
                Ok(segments.into_iter().find(later))
            }
        }
    }

    /// Collects from a segment, from `from` on. Returns whether more is wanted.
    async fn read_segment(
        &self,
        segment: &SegmentRef,
        from: Offset,
        collector: &mut BatchCollector,
        until: Duration,
    ) -> Result<bool, ReadError> {
        let Some(left) = self.time_left(collector, until) else { return Ok(false) };
        let open = self.segments.open(self.id, &segment.object, segment.base);
        let Ok(part) = tokio::time::timeout(left, open).await else { return Ok(false) };
        let part = part?;
        let mut frame = part.footer().frame_of(from.max(part.footer().offsets.start));
        while let Some(index) = frame {
            let Some(left) = self.time_left(collector, until) else { return Ok(false) };
            let block = self.segments.block(&part, index);
            let Ok(block) = tokio::time::timeout(left, block).await else { return Ok(false) };
            let block = block?;
            self.segments.fetch_ahead(&part, index);
            if !collector.take(&block) {
                return Ok(false);
            }
            frame = part.after_block(index);
        }
        Ok(true)
    }

    /// How long a read may go on, if it may: without limit before it has read something.
    fn time_left(&self, collector: &BatchCollector, until: Duration) -> Option<Duration> {
        if collector.bytes == 0 {
            return Some(Duration::MAX);
        }
        let left = until.saturating_sub(self.segments.runtime().monotonic());
        (!left.is_zero()).then_some(left)
    }
}
