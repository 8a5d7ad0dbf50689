//! Taking batches in: checks, offsets, and the push into the open chunk.

use std::sync::Arc;

use milena_records::{
    Batch, BatchError, BatchHeader, TimestampType, control::EndTransactionMarker,
};
use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::{
    chunk::{
        open_chunks::{PushError, Stamped, append_cost},
        ticket::{AppendFuture, Appended},
    },
    partition::{
        partition_log::Partition,
        producers::state::{CachedBatch, SequenceError, SequencedBatch, Verdict},
        state::State,
    },
    segment::format::{BatchSummary, ProducerBatch},
};

/// Who appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A producer: sequences are checked.
    Client,
    /// A coordinator of this broker: its batches are taken as they are.
    Coordinator,
}

/// How batches are appended.
#[derive(Clone, Copy, Debug)]
pub struct AppendOptions {
    /// The term the caller believes the partition is led in; None: whatever it is.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The wall-clock time, for topics with LogAppendTime.
    pub now: Timestamp,
    /// Who appends.
    pub origin: Origin,
}

/// Why batches were not appended. Nothing of them was.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The partition was closed here (NOT_LEADER_OR_FOLLOWER).
    #[error("the partition is not led here any more: find its new leader")]
    Closed,
    /// The caller knows another term (FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH).
    #[error("the partition is led in epoch {current}, not {asked}: refresh the metadata")]
    LeaderEpoch {
        /// The term the caller named.
        asked: LeaderEpoch,
        /// The term it is.
        current: LeaderEpoch,
    },
    /// OUT_OF_ORDER_SEQUENCE_NUMBER or INVALID_PRODUCER_EPOCH.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// MESSAGE_TOO_LARGE.
    #[error(
        "a batch of {bytes} bytes is larger than the {limit} the topic allows: send smaller batches"
    )]
    TooLarge {
        /// The batch's size.
        bytes: usize,
        /// `max.message.bytes`.
        limit: usize,
    },
    /// No batches were given (INVALID_RECORD).
    #[error("there is no batch to append: send at least one")]
    Empty,
    /// A control batch that cannot be read.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The log takes nothing: its disk is full or fails (KAFKA_STORAGE_ERROR).
    #[error(
        "the write-ahead log takes nothing now: free space or replace the disk, then send again"
    )]
    Storage,
}

/// What the checks decided about a whole append.
enum Decided {
    Push(Vec<Stamped>),
    Duplicate { original: CachedBatch, pending: bool },
}

impl Partition {
    /// Appends batches, all or none, and gives back a future that resolves when they are committed.
    /// Synchronous and short: checks the term and the producers' sequences, gives offsets, and
    /// puts the batches into the open chunk. The caller has checked the batches themselves
    /// ([`Batch::validate_produced`], the CRC).
    ///
    /// A duplicate of a committed batch resolves at once, one of a pending batch with that batch;
    /// both with the original offsets. With acks=0 the future may be dropped.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn append(
        self: &Arc<Self>,
        batches: &[Batch],
        options: &AppendOptions,
    ) -> Result<AppendFuture, AppendError> {
        if batches.is_empty() {
            return Err(AppendError::Empty);
        }
        let mut state = self.lock();
        loop {
            let generation = self.shared.open.generation();
            state.revert(self.built_end(), generation);
            state.check_open(options)?;
            state.check_sizes(batches, options, self.shared.open.append_cost_max())?;
            let log_start = state.log_start;
            let base = state.next_offset;
            let stamped = match state.decide(batches, options) {
                Ok(Decided::Push(stamped)) => stamped,
                Ok(Decided::Duplicate { original, pending }) => {
                    state.forget_new(base);
                    return Ok(state.duplicate(&original, pending));
                }
                Err(error) => {
                    state.forget_new(base);
                    return Err(error);
                }
            };
            let end = state.next_offset;
            let log_append_time = state.log_append_time(options);
            let pushed = self.shared.push(generation, &mut state.slot, self, stamped);
            match pushed {
                Ok(ticket) => {
                    state.note_ticket(end, &ticket);
                    drop(state);
                    self.shared.ring();
                    let appended = Appended {
                        base_offset: base,
                        last_offset: end.plus(-1),
                        log_append_time,
                        log_start,
                        duplicate: false,
                    };
                    return Ok(AppendFuture::waiting(appended, ticket));
                }
                Err(PushError::StaleGeneration) => {}
                Err(PushError::Closed) => {
                    state.forget_new(base);
                    return Err(AppendError::Closed);
                }
            }
        }
    }
}

impl State {
    fn check_open(&self, options: &AppendOptions) -> Result<(), AppendError> {
        if self.closed {
            return Err(AppendError::Closed);
        }
        match options.leader_epoch {
            Some(asked) if asked != self.leader_epoch => {
                Err(AppendError::LeaderEpoch { asked, current: self.leader_epoch })
            }
            _ => Ok(()),
        }
    }

    fn check_sizes(
        &self,
        batches: &[Batch],
        options: &AppendOptions,
        cost_max: usize,
    ) -> Result<(), AppendError> {
        let limit = self.options.batch_bytes_max;
        let large = batches.iter().map(Batch::size).find(|size| *size > limit);
        match large {
            Some(bytes) if options.origin == Origin::Client => {
                return Err(AppendError::TooLarge { bytes, limit });
            }
            _ => {}
        }
        let bytes = append_cost(batches.iter().map(Batch::size).sum(), batches.len());
        if bytes > cost_max {
            return Err(AppendError::TooLarge { bytes, limit: cost_max });
        }
        Ok(())
    }

    /// The time every record gets, or [`Timestamp::NONE`] for topics with CreateTime.
    fn log_append_time(&self, options: &AppendOptions) -> Timestamp {
        match self.options.timestamp_type {
            TimestampType::LogAppendTime => options.now,
            TimestampType::CreateTime => Timestamp::NONE,
        }
    }

    /// Checks the batches one after another and gives them offsets, pending. Whatever this leaves
    /// behind when it fails is taken back by [`State::forget_new`].
    fn decide(
        &mut self,
        batches: &[Batch],
        options: &AppendOptions,
    ) -> Result<Decided, AppendError> {
        let time = self.log_append_time(options);
        let log_append_time = (time != Timestamp::NONE).then_some(time);
        let mut stamped = Vec::with_capacity(batches.len());
        for batch in batches {
            let summary = summarise(batch, self.next_offset, self.leader_epoch, log_append_time)?;
            if let Some(sequenced) = SequencedBatch::of(&summary) {
                if options.origin == Origin::Client {
                    match self.producers.check(&sequenced)? {
                        Verdict::Next => {}
                        Verdict::Duplicate { original, pending } => {
                            return Ok(Decided::Duplicate { original, pending });
                        }
                    }
                }
                self.producers.push_pending(&sequenced);
            }
            if summary.producer.is_some() {
                self.pending.push_back(summary.clone());
            }
            self.next_offset = summary.end_offset();
            stamped.push(Stamped { bytes: batch.bytes().clone(), summary, log_append_time });
        }
        Ok(Decided::Push(stamped))
    }

    /// Takes back what [`State::decide`] did since the end was `base`.
    fn forget_new(&mut self, base: Offset) {
        if self.next_offset > base {
            self.next_offset = base;
            self.producers.revert_pending(base);
            while self.pending.back().is_some_and(|batch| batch.base_offset >= base) {
                self.pending.pop_back();
            }
        }
    }

    fn duplicate(&self, original: &CachedBatch, pending: bool) -> AppendFuture {
        let log_append_time = match self.options.timestamp_type {
            TimestampType::LogAppendTime => original.timestamp,
            TimestampType::CreateTime => Timestamp::NONE,
        };
        let appended = Appended {
            base_offset: original.base_offset,
            last_offset: original.last_offset,
            log_append_time,
            log_start: self.log_start,
            duplicate: true,
        };
        match self.ticket_of(original.base_offset) {
            Some(ticket) if pending => AppendFuture::waiting(appended, ticket.clone()),
            _ => AppendFuture::committed(appended),
        }
    }
}

/// What the log has to know about a batch that starts at `base_offset`.
pub(crate) fn summarise(
    batch: &Batch,
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    log_append_time: Option<Timestamp>,
) -> Result<BatchSummary, BatchError> {
    let header = batch.header();
    Ok(BatchSummary {
        base_offset,
        last_offset: base_offset.plus(i64::from(header.last_offset_delta)),
        leader_epoch,
        max_timestamp: log_append_time.unwrap_or(header.max_timestamp),
        producer: if header.has_producer() { Some(producer_of(batch, header)?) } else { None },
    })
}

fn producer_of(batch: &Batch, header: &BatchHeader) -> Result<ProducerBatch, BatchError> {
    let marker = if header.attributes.is_control() { marker_of(batch)? } else { None };
    let last_sequence =
        if header.base_sequence.raw() < 0 { header.base_sequence } else { header.last_sequence() };
    Ok(ProducerBatch {
        id: header.producer_id,
        epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
        last_sequence,
        transactional: header.attributes.is_transactional(),
        marker,
    })
}

/// Control batches are a few bytes and hold one record.
const CONTROL_BYTES_MAX: usize = 4096;

fn marker_of(batch: &Batch) -> Result<Option<EndTransactionMarker>, BatchError> {
    let records = batch.records(CONTROL_BYTES_MAX)?;
    match (&records).into_iter().next() {
        Some(record) => EndTransactionMarker::of(&record?),
        None => Ok(None),
    }
}
