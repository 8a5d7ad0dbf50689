//! The notification that all appends of a chunk share, and the future an append returns.
//!
//! Invariant: a ticket is settled exactly once. Waiting costs one waker in the ticket's list and no
//! allocation, so a chunk of a thousand appends is completed by one pass over a list.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker},
};

use milena_types::{Offset, Timestamp};

/// Why an append that was accepted was not committed.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CommitError {
    /// The write-ahead log could not take the append, as when the disk is full, and nothing of it
    /// is in the log (KAFKA_STORAGE_ERROR).
    #[error(
        "the write-ahead log could not be written: free space or replace the disk, then send again"
    )]
    Refused,
    /// The append was given its place in the write-ahead log but could not be made durable. It may
    /// still be committed when the disk recovers (KAFKA_STORAGE_ERROR).
    #[error(
        "the write-ahead log could not be synced, and the records may still be committed: free \
         space or replace the disk, then send again"
    )]
    Stalled,
    /// The partition or the broker stopped before the append was committed
    /// (NOT_LEADER_OR_FOLLOWER).
    #[error(
        "the partition was closed before the records were committed: find its new leader and send \
         again"
    )]
    Closed,
}

const OPEN: u8 = 0;
const COMMITTED: u8 = 1;
const REFUSED: u8 = 2;
const STALLED: u8 = 3;
const CLOSED: u8 = 4;

/// The outcome of a chunk, once it is known.
#[derive(Debug, Default)]
pub(crate) struct Ticket {
    outcome: AtomicU8,
    waiting: Mutex<Vec<Waker>>,
}

impl Ticket {
    fn outcome(&self) -> Option<Result<(), CommitError>> {
        match self.outcome.load(Ordering::Acquire) {
            OPEN => None,
            COMMITTED => Some(Ok(())),
            REFUSED => Some(Err(CommitError::Refused)),
            STALLED => Some(Err(CommitError::Stalled)),
            _ => Some(Err(CommitError::Closed)),
        }
    }

    /// Sets the outcome and wakes all that wait.
    pub(crate) fn settle(&self, outcome: Result<(), CommitError>) {
        let value = match outcome {
            Ok(()) => COMMITTED,
            Err(CommitError::Refused) => REFUSED,
            Err(CommitError::Stalled) => STALLED,
            Err(CommitError::Closed) => CLOSED,
        };
        let waiting = {
            let mut waiting = self.waiting.lock().expect("no panic while wakers are listed");
            assert_eq!(self.outcome.swap(value, Ordering::AcqRel), OPEN, "a chunk is settled once");
            std::mem::take(&mut *waiting)
        };
        for waker in waiting {
            waker.wake();
        }
    }

    /// Waits for the outcome. Cancel-safe.
    pub(crate) async fn settled(&self) -> Result<(), CommitError> {
        let mut slot = None;
        std::future::poll_fn(|context| self.poll(&mut slot, context)).await
    }

    fn poll(
        &self,
        slot: &mut Option<usize>,
        context: &Context<'_>,
    ) -> Poll<Result<(), CommitError>> {
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        let mut waiting = self.waiting.lock().expect("no panic while wakers are listed");
        // Settling stores the outcome with the list locked, so after this check no wake-up can be
        // missed.
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        match *slot {
            Some(index) => waiting[index].clone_from(context.waker()),
            None => {
                *slot = Some(waiting.len());
                waiting.push(context.waker().clone());
            }
        }
        Poll::Pending
    }
}

/// A committed append, as the Produce response shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedAppend {
    /// The offset of the first record; of a duplicate, the original one.
    pub base_offset: Offset,
    /// The offset of the last record.
    pub last_offset: Offset,
    /// The timestamp of all records, for topics with LogAppendTime; else [`Timestamp::NONE`].
    pub log_append_time: Timestamp,
    /// Where the log started when the records were appended.
    pub log_start: Offset,
    /// The batch had been appended before and was not appended again.
    pub duplicate: bool,
}

/// Resolves when the append is committed (on disk, synced) or has failed. Dropping it does not undo
/// the append.
#[derive(Debug)]
#[must_use = "an append is acknowledged only when its future says so"]
pub struct AppendFuture {
    appended: CommittedAppend,
    /// `None`: committed already.
    ticket: Option<Arc<Ticket>>,
    slot: Option<usize>,
}

impl AppendFuture {
    pub(crate) fn waiting(appended: CommittedAppend, ticket: Arc<Ticket>) -> Self {
        Self { appended, ticket: Some(ticket), slot: None }
    }

    pub(crate) fn committed(appended: CommittedAppend) -> Self {
        Self { appended, ticket: None, slot: None }
    }

    /// The outcome, if there is one already.
    pub fn now(&self) -> Option<Result<CommittedAppend, CommitError>> {
        let outcome = self.ticket.as_ref().map_or(Some(Ok(())), |ticket| ticket.outcome());
        outcome.map(|outcome| outcome.map(|()| self.appended))
    }

    /// The outcome if the append is committed.
    pub const fn if_committed(&self) -> &CommittedAppend {
        &self.appended
    }
}

impl Future for AppendFuture {
    type Output = Result<CommittedAppend, CommitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(ticket) = &this.ticket else { return Poll::Ready(Ok(this.appended)) };
        ticket.poll(&mut this.slot, context).map(|outcome| outcome.map(|()| this.appended))
    }
}
