//! Appending batches: checks, offsets, and the push into the open chunk.

use std::sync::Arc;

use milena_records::{Batch, BatchError, TimestampType};
use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::{
    chunk::{
        append_size::{APPEND_COST_MAX, AppendSize},
        open_chunks::{ChunkMember, PushError, StampedBatch},
        ticket::{AppendFuture, CommittedAppend},
    },
    partition::{
        partition::Partition,
        producers::state::{CachedBatch, SequenceError, SequencedBatch, Verdict},
        state::PartitionState,
    },
    segment::format::BatchSummary,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A producer: sequences are checked.
    Client,
    /// A coordinator of this broker: sequences are not checked.
    Coordinator,
}

/// The inputs of an append besides its batches.
#[derive(Clone, Copy, Debug)]
pub struct AppendOptions {
    /// The leader epoch the caller expects; `None`: any.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The wall-clock time, for topics with LogAppendTime.
    pub now: Timestamp,
    /// Whether a producer or a coordinator appends.
    pub origin: Origin,
}

/// Why batches were not appended. Nothing of them was.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum AppendError {
    /// The partition was closed here (NOT_LEADER_OR_FOLLOWER).
    #[error("the partition is not led here any more: find its new leader")]
    Closed,
    /// The caller expects another leader epoch (FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH).
    #[error("the partition is led in epoch {current}, not {asked}: refresh the metadata")]
    LeaderEpoch { asked: LeaderEpoch, current: LeaderEpoch },
    /// OUT_OF_ORDER_SEQUENCE_NUMBER or INVALID_PRODUCER_EPOCH.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// MESSAGE_TOO_LARGE.
    #[error(
        "a batch of {bytes} bytes is larger than the {limit} the topic allows: send smaller batches"
    )]
    TooLarge { bytes: usize, limit: usize },
    /// No batches were given (INVALID_RECORD).
    #[error("there is no batch to append: send at least one")]
    Empty,
    /// A control batch that cannot be read.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// The checks' decision about a whole append.
enum Decision {
    Push(Vec<StampedBatch>),
    Duplicate { original: CachedBatch, pending: bool },
}

impl Partition {
    /// Appends batches, all or none. The future resolves when they are committed. Synchronous and
    /// short: checks the leader epoch and the producers' sequences, assigns offsets, and puts the
    /// batches into the open chunk. The caller has checked the batches themselves
    /// ([`Batch::validate_produced`], the CRC, [`milena_records::RecordCheck`]).
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
        let size = AppendSize::new(batches.iter().map(Batch::size).sum(), batches.len());
        let open = &self.core.open;
        let mut state = self.lock();
        loop {
            let generation = open.generation();
            state.revert(self.built_end(), generation);
            state.check_open(options)?;
            state.check_sizes(batches, options, size)?;
            let log_start = state.log_start;
            let base = state.next_offset;
            let stamped = match state.decide(batches, options) {
                Ok(Decision::Push(stamped)) => stamped,
                Ok(Decision::Duplicate { original, pending }) => {
                    state.undo_decide(base);
                    return Ok(state.duplicate(&original, pending));
                }
                Err(error) => {
                    state.undo_decide(base);
                    return Err(error);
                }
            };
            let end = state.next_offset;
            let log_append_time = state.log_append_time(options);
            let member = || self.clone() as Arc<dyn ChunkMember>;
            let pushed = self.core.push(generation, &mut state.slot, member, stamped, size);
            match pushed {
                Ok(ticket) => {
                    state.note_ticket(end, &ticket);
                    drop(state);
                    self.core.notify_log();
                    let appended = CommittedAppend {
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
                    state.undo_decide(base);
                    return Err(AppendError::Closed);
                }
            }
        }
    }
}

impl PartitionState {
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
        size: AppendSize,
    ) -> Result<(), AppendError> {
        let limit = self.options.max_message_bytes;
        let large = batches.iter().map(Batch::size).find(|size| *size > limit);
        match large {
            Some(bytes) if options.origin == Origin::Client => {
                return Err(AppendError::TooLarge { bytes, limit });
            }
            _ => {}
        }
        if size.cost > APPEND_COST_MAX {
            return Err(AppendError::TooLarge { bytes: size.cost, limit: APPEND_COST_MAX });
        }
        Ok(())
    }

    /// The timestamp of all records; [`Timestamp::NONE`] for topics with CreateTime.
    fn log_append_time(&self, options: &AppendOptions) -> Timestamp {
        match self.options.timestamp_type {
            TimestampType::LogAppendTime => options.now,
            TimestampType::CreateTime => Timestamp::NONE,
        }
    }

    /// Checks the batches one after another, assigns offsets and adds them as pending. Undone by
    /// [`PartitionState::undo_decide`].
    fn decide(
        &mut self,
        batches: &[Batch],
        options: &AppendOptions,
    ) -> Result<Decision, AppendError> {
        let time = self.log_append_time(options);
        let log_append_time = (time != Timestamp::NONE).then_some(time);
        let mut stamped = Vec::with_capacity(batches.len());
        for batch in batches {
            let summary =
                BatchSummary::of(batch, self.next_offset, self.leader_epoch, log_append_time)?;
            if let Some(sequenced) = SequencedBatch::of(&summary) {
                if options.origin == Origin::Client {
                    match self.producers.check(&sequenced)? {
                        Verdict::Next => {}
                        Verdict::Duplicate { original, pending } => {
                            return Ok(Decision::Duplicate { original, pending });
                        }
                    }
                }
                self.producers.push_pending(&sequenced);
            }
            if summary.producer.is_some() {
                self.pending.push_back(summary.clone());
            }
            self.next_offset = summary.end_offset();
            stamped.push(StampedBatch { bytes: batch.bytes().clone(), summary, log_append_time });
        }
        Ok(Decision::Push(stamped))
    }

    /// Undoes [`PartitionState::decide`], before which the next offset was `base`.
    fn undo_decide(&mut self, base: Offset) {
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
        let appended = CommittedAppend {
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
