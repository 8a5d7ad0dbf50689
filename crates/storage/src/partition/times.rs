//! Finding offsets by time, exact to the record (ListOffsets).
//!
//! Segments and frames are chosen by their largest timestamp; then one batch is decoded. Others have
//! their turn after each block, and within a batch that expands far.

use std::collections::VecDeque;

use bytes::Bytes;
use milena_records::{
    Batch, BatchError, RecordSearch, SearchProgress, find_record, first_record_at_or_after,
    first_record_with_max_timestamp,
};
use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::{
    chunk::tail::TailRun,
    partition::{bounds::Isolation, partition::Partition, read::ReadError},
    segment::batch_spans::batch_spans,
};

/// How much of a batch is searched before others have their turn, decompressed.
const SLICE_BYTES: usize = 64 * 1024;

/// A record found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    pub offset: Offset,
    pub timestamp: Timestamp,
    /// The leader epoch in which it was written.
    pub leader_epoch: LeaderEpoch,
}

/// The record to find.
#[derive(Clone, Copy)]
enum TimestampQuery {
    AtOrAfter(Timestamp),
    Largest(Timestamp),
}

impl TimestampQuery {
    fn timestamp(self) -> Timestamp {
        match self {
            Self::AtOrAfter(timestamp) | Self::Largest(timestamp) => timestamp,
        }
    }

    async fn in_batch(self, batch: &Batch) -> Result<Option<(Offset, Timestamp)>, BatchError> {
        match self {
            Self::AtOrAfter(timestamp) => found(first_record_at_or_after(batch, timestamp)?).await,
            Self::Largest(_) => found(first_record_with_max_timestamp(batch)?).await,
        }
    }
}

/// The outcome of a search, a slice at a time.
async fn found<F: FnMut(Offset, Timestamp) -> bool>(
    mut search: RecordSearch<F>,
) -> Result<Option<(Offset, Timestamp)>, BatchError> {
    loop {
        match search.step(SLICE_BYTES)? {
            SearchProgress::Done(found) => return Ok(found),
            SearchProgress::Pending => tokio::task::yield_now().await,
        }
    }
}

impl Partition {
    /// The first record at or after `timestamp` below the end for `isolation`; none if there is no
    /// such record. Cancel-safe.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn offset_for_timestamp(
        &self,
        timestamp: Timestamp,
        isolation: Isolation,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        self.find(TimestampQuery::AtOrAfter(timestamp), isolation).await
    }

    /// The first record with the largest timestamp of the log (KIP-734); none when the log is
    /// empty. Cancel-safe.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn max_timestamp(
        &self,
        isolation: Isolation,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let largest = loop {
            let planned = self.lock().manifest.clone();
            match self.largest_timestamp(isolation).await {
                Err(error) if error.is_gone() => self.plan_again(&planned, error).await?,
                outcome => break outcome?,
            }
        };
        if largest == Timestamp::NONE {
            Ok(None)
        } else {
            self.find(TimestampQuery::Largest(largest), isolation).await
        }
    }

    /// The largest timestamp from the log start to the end for `isolation`. Segments and runs
    /// wholly within count as their metadata says; of the others the batches are read.
    async fn largest_timestamp(&self, isolation: Isolation) -> Result<Timestamp, ReadError> {
        let (manifest, bounds, tail) = {
            let state = self.lock();
            (state.manifest.clone(), state.bounds(), state.tail.clone())
        };
        let within = SearchRange { from: bounds.log_start, end: bounds.end(isolation) };
        let mut largest = Timestamp::NONE;
        let mut partial = Vec::new();
        for page in &manifest.record.pages {
            if within.has_all(page.base, page.end) {
                largest = largest.max(page.max_timestamp);
            } else {
                partial.extend(self.manifests.pages.read(page).await?.iter().cloned());
            }
        }
        partial.extend(manifest.newer().cloned());
        for segment in partial {
            if within.has_all(segment.base, segment.end) {
                largest = largest.max(segment.max_timestamp);
            } else if within.has_some(segment.base, segment.end) && segment.max_timestamp > largest
            {
                let part = self.segments.open(self.id, &segment.object, segment.base).await?;
                let mut frame = Some(0).filter(|_| !part.footer().frames.is_empty());
                while let Some(index) = frame {
                    let block = self.segments.block(&part, index).await?;
                    largest = largest.max(within.largest(&block).await?);
                    tokio::task::yield_now().await;
                    frame = part.after_block(index);
                }
            }
        }
        for run in &tail {
            if within.has_all(run.base, run.end) {
                largest = largest.max(run.max_timestamp);
            } else if within.has_some(run.base, run.end) && run.max_timestamp > largest {
                largest = largest.max(within.largest(&run.bytes).await?);
                tokio::task::yield_now().await;
            }
        }
        Ok(largest)
    }

    async fn find(
        &self,
        query: TimestampQuery,
        isolation: Isolation,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        loop {
            let planned = self.lock().manifest.clone();
            match self.find_once(query, isolation).await {
                Err(error) if error.is_gone() => self.plan_again(&planned, error).await?,
                outcome => return outcome,
            }
        }
    }

    async fn find_once(
        &self,
        query: TimestampQuery,
        isolation: Isolation,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        // Under one lock: what leaves the tail for a segment in between would be in neither.
        let (manifest, bounds, mut runs) = {
            let state = self.lock();
            if state.closed {
                return Err(ReadError::Closed);
            }
            let runs = state.tail.iter().filter(|run| run.max_timestamp >= query.timestamp());
            (state.manifest.clone(), state.bounds(), runs.cloned().collect::<VecDeque<_>>())
        };
        let within = SearchRange { from: bounds.log_start, end: bounds.end(isolation) };
        let mut from = bounds.log_start;
        while from < within.end {
            while runs.front().is_some_and(|run| run.end <= from) {
                runs.pop_front();
            }
            let segment = self.segment_at_time(&manifest, from, query.timestamp()).await?;
            // In offset order; what both have is searched in memory.
            let is_next = |run: &TailRun| {
                segment.as_ref().is_none_or(|segment| run.base <= segment.base.max(from))
            };
            if runs.front().is_some_and(is_next)
                && let Some(run) = runs.pop_front()
            {
                if let Some(found) = within.search(&run.bytes, query).await? {
                    return Ok(Some(self.with_epoch(found)));
                }
                tokio::task::yield_now().await;
                from = run.end;
                continue;
            }
            let Some(segment) = segment else { break };
            let part = self.segments.open(self.id, &segment.object, segment.base).await?;
            let mut frame = part.footer().frame_at_time(query.timestamp());
            while let Some(index) = frame {
                let block = self.segments.block(&part, index).await?;
                if let Some(found) = within.search(&block, query).await? {
                    return Ok(Some(self.with_epoch(found)));
                }
                tokio::task::yield_now().await;
                frame = part.after_block(index);
            }
            from = segment.end;
        }
        Ok(None)
    }

    fn with_epoch(&self, (offset, timestamp): (Offset, Timestamp)) -> TimestampOffset {
        let leader_epoch = self.epoch_at(offset).unwrap_or(LeaderEpoch::NONE);
        TimestampOffset { offset, timestamp, leader_epoch }
    }
}

/// The offsets that are searched.
struct SearchRange {
    from: Offset,
    end: Offset,
}

impl SearchRange {
    fn has_all(&self, base: Offset, end: Offset) -> bool {
        self.from <= base && end <= self.end
    }

    fn has_some(&self, base: Offset, end: Offset) -> bool {
        self.from < end && base < self.end
    }

    /// The largest timestamp of the searched records in `batches`.
    async fn largest(&self, batches: &Bytes) -> Result<Timestamp, BatchError> {
        let mut largest = Timestamp::NONE;
        for span in batch_spans(batches) {
            let header = &span.header;
            if !self.has_some(header.base_offset, header.last_offset().plus(1))
                || header.max_timestamp <= largest
            {
                continue;
            }
            if header.base_offset >= self.from || header.log_append_time().is_some() {
                largest = header.max_timestamp;
                continue;
            }
            // The log starts within this batch.
            let batch = Batch::parse(&batches.slice(span.start..span.end()))?;
            let all = find_record(&batch, |offset, timestamp| {
                if offset >= self.from {
                    largest = largest.max(timestamp);
                }
                false
            });
            found(all?).await?;
        }
        Ok(largest)
    }

    async fn search(
        &self,
        batches: &Bytes,
        query: TimestampQuery,
    ) -> Result<Option<(Offset, Timestamp)>, BatchError> {
        for span in batch_spans(batches) {
            let header = &span.header;
            if header.base_offset >= self.end {
                return Ok(None);
            }
            if header.last_offset() < self.from || header.max_timestamp < query.timestamp() {
                continue;
            }
            let batch = Batch::parse(&batches.slice(span.start..span.end()))?;
            match query.in_batch(&batch).await? {
                Some((offset, time)) if offset >= self.from => return Ok(Some((offset, time))),
                // The log starts within this batch, after the record that was found: check each.
                Some(_) => {
                    if let Some(found) = self.first_in(&batch, query.timestamp()).await? {
                        return Ok(Some(found));
                    }
                }
                None => {}
            }
        }
        Ok(None)
    }

    async fn first_in(
        &self,
        batch: &Batch,
        timestamp: Timestamp,
    ) -> Result<Option<(Offset, Timestamp)>, BatchError> {
        if let Some(time) = batch.header().log_append_time() {
            return Ok((time >= timestamp).then_some((self.from, time)));
        }
        found(find_record(batch, |offset, time| offset >= self.from && time >= timestamp)?).await
    }
}
