//! The writer thread: takes the queued requests, stages them in order, commits once, publishes the
//! changes, and replies.

use std::{
    mem,
    sync::{Arc, mpsc},
    time::Duration,
};

use milena_runtime::Runtime;
use milena_types::Revision;
use redb::{Database, WriteTransaction};

use crate::store::{LeaseId, StoreError};

use super::{
    file::Opener,
    request::{QueuedRequest, Request},
    staging::{AppliedBatch, Outcome, Staging},
    state::StoreState,
    tables,
};

/// One commit takes at most this many requests, operations and bytes (and one request more).
const COMMIT_REQUESTS_MAX: usize = 2048;
const COMMIT_OPS_MAX: usize = 32_768;
const COMMIT_BYTES_MAX: usize = 32 << 20;
/// How long changes are refused after the disk was full, rather than repairing the file for each of
/// them.
const FULL_PAUSE: Duration = Duration::from_millis(250);
/// How long everything is refused after a sync failed and the file could not be written anew; how
/// long the file is not opened again for the sake of reads that fail.
const UNSYNCED_PAUSE: Duration = Duration::from_secs(1);
/// The longest wait while leases live: their clock may be a simulated one that runs faster than
/// this thread's.
const LEASE_CHECK: Duration = Duration::from_millis(100);

pub(super) struct Writer {
    state: Arc<StoreState>,
    opener: Opener,
    inbox: mpsc::Receiver<QueuedRequest>,
    runtime: Runtime,
    revision: Revision,
    /// While changes are refused because the disk is full: until when, and the error.
    full: Option<(Duration, String)>,
    /// While a file whose sync failed has not been written anew: when that is tried, and the error.
    unsynced: Option<(Duration, String)>,
    /// When the file was last opened again because it could not be read.
    reopened: Option<Duration>,
    /// Whether the last changes could not be made: the ends of leases are not tried again at once.
    failed: bool,
}

/// Why a commit failed.
struct CommitFailure {
    error: redb::Error,
    /// Whether the commit itself had begun, so that it may have reached the disk.
    may_be_applied: bool,
}

impl<E: Into<redb::Error>> From<E> for CommitFailure {
    fn from(error: E) -> Self {
        Self { error: error.into(), may_be_applied: false }
    }
}

impl Writer {
    pub(super) fn new(
        state: Arc<StoreState>,
        opener: Opener,
        inbox: mpsc::Receiver<QueuedRequest>,
        runtime: Runtime,
        revision: Revision,
    ) -> Self {
        Self {
            state,
            opener,
            inbox,
            runtime,
            revision,
            full: None,
            unsynced: None,
            reopened: None,
            failed: false,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let (requests, closing) = self.next_requests();
            self.state.leases().writer_runs(self.runtime.monotonic());
            self.serve(requests);
            if closing {
                break;
            }
        }
        self.state.close();
    }

    /// Serves what is queued now, and ends leases whose time is over.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn step(&mut self) {
        let queued: Vec<_> = self.inbox.try_iter().collect();
        self.state.leases().writer_runs(self.runtime.monotonic());
        self.serve(queued.into_iter().filter(|q| !matches!(q.request, Request::Close)).collect());
    }

    /// Whether a sync of the file has failed.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn is_file_unsynced(&self) -> bool {
        self.opener.sync_failed()
    }

    /// Waits for a request or the end of a lease, and takes all that are queued, up to the size of
    /// one commit. Returns them and whether the store is to be closed.
    fn next_requests(&self) -> (Vec<QueuedRequest>, bool) {
        let first = match self.receive_timeout() {
            None => self.inbox.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            Some(timeout) => self.inbox.recv_timeout(timeout),
        };
        let mut next = match first {
            Ok(queued) => queued,
            Err(mpsc::RecvTimeoutError::Timeout) => return (Vec::new(), false),
            Err(mpsc::RecvTimeoutError::Disconnected) => return (Vec::new(), true),
        };
        let (mut requests, mut ops, mut bytes) = (Vec::new(), 0, 0);
        loop {
            match &next.request {
                Request::Close => return (requests, true),
                Request::Txn(txn, _) => {
                    ops += txn.ops();
                    bytes += txn.bytes();
                }
                _ => ops += 1,
            }
            requests.push(next);
            if requests.len() >= COMMIT_REQUESTS_MAX
                || ops >= COMMIT_OPS_MAX
                || bytes >= COMMIT_BYTES_MAX
            {
                return (requests, false);
            }
            next = match self.inbox.try_recv() {
                Ok(queued) => queued,
                Err(_) => return (requests, false),
            };
        }
    }

    fn receive_timeout(&self) -> Option<Duration> {
        let deadline = self.state.leases().next_deadline()?;
        let left = deadline.saturating_sub(self.runtime.monotonic());
        Some(if self.failed { LEASE_CHECK } else { left.min(LEASE_CHECK) })
    }

    fn serve(&mut self, requests: Vec<QueuedRequest>) {
        let (reopens, changes): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|e| matches!(e.request, Request::Reopen(..)));
        for queued in reopens {
            if let Request::Reopen(opened, reply) = queued.request {
                let _ = reply.send(self.reopen_for_read(opened));
            }
        }
        let expired = self.state.leases().expire(self.runtime.monotonic());
        if changes.is_empty() && expired.is_empty() {
            return;
        }
        let outcome = self.change(&changes, &expired);
        self.failed = outcome.is_err();
        match outcome {
            Ok(applied) => self.publish(applied, changes),
            Err(error) => refuse(changes, &error),
        }
    }

    fn change(
        &mut self,
        changes: &[QueuedRequest],
        expired: &[LeaseId],
    ) -> Result<AppliedBatch, StoreError> {
        if let Some((until, reason)) = &self.full {
            if self.runtime.monotonic() < *until {
                return Err(StoreError::NoSpace { reason: reason.clone() });
            }
            self.full = None;
        }
        self.open_if_closed()?;
        let mut expected = self.revision;
        match self.commit(changes, expired, &mut expected) {
            Ok(applied) => Ok(applied),
            Err(failure) => self.recover(&failure, expected),
        }
    }

    /// Stages and commits. `staged_revision` is what the file has if the commit goes through.
    fn commit(
        &self,
        changes: &[QueuedRequest],
        expired: &[LeaseId],
        staged_revision: &mut Revision,
    ) -> Result<AppliedBatch, CommitFailure> {
        let txn = self.begin_write()?;
        let applied = self.stage(&txn, changes, expired)?;
        if !applied.changed {
            txn.abort()?;
            return Ok(applied);
        }
        *staged_revision = applied.revision;
        match txn.commit() {
            Ok(()) => Ok(applied),
            Err(error) => Err(CommitFailure { error: error.into(), may_be_applied: true }),
        }
    }

    fn begin_write(&self) -> Result<WriteTransaction, CommitFailure> {
        let database = self.state.database();
        let open = database.as_ref().expect("opened by open_if_closed");
        Ok(open.begin_write()?)
    }

    fn stage(
        &self,
        txn: &WriteTransaction,
        changes: &[QueuedRequest],
        expired: &[LeaseId],
    ) -> Result<AppliedBatch, redb::Error> {
        // A copy: renewals go on while this stages. No other thread ends leases.
        let live = self.state.leases().live(self.runtime.monotonic());
        #[cfg(test)]
        self.opener.faults().wait_to_stage();
        let mut staging = Staging::new(txn, live, self.opener.options().unwatched, self.revision)?;
        for lease in expired {
            staging.end_lease(*lease)?;
        }
        for queued in changes {
            let outcome = match &queued.request {
                Request::Txn(change, _) => staging.txn(change)?.map(Outcome::Txn),
                Request::Grant(ttl, _) => Ok(Outcome::Granted(staging.grant(*ttl)?)),
                Request::Revoke(lease, _) => {
                    staging.end_lease(*lease)?;
                    Ok(Outcome::Revoked)
                }
                Request::Reopen(..) | Request::Close => continue,
            };
            staging.push_outcome(outcome);
        }
        staging.finish()
    }

    /// Opens the file again after a failed commit, which tells whether the commit reached the disk.
    fn recover(
        &mut self,
        failure: &CommitFailure,
        staged_revision: Revision,
    ) -> Result<AppliedBatch, StoreError> {
        let reason = failure.error.to_string();
        let full = is_space_exhausted(&failure.error) && !self.opener.sync_failed();
        tracing::warn!(%reason, full, "a commit of the metadata store failed");
        self.state.close_file();
        if self.opener.sync_failed() {
            // What a read finds may not be on the disk: nobody is told that it is.
            self.unsynced = Some((self.runtime.monotonic(), reason.clone()));
            return Err(StoreError::OutcomeUnknown { reason });
        }
        if full {
            self.full = Some((self.runtime.monotonic() + FULL_PAUSE, reason.clone()));
        }
        let before = self.revision;
        match self.open_if_closed() {
            Err(_) if failure.may_be_applied => Err(StoreError::OutcomeUnknown { reason }),
            Ok(()) if self.revision != before => {
                assert_eq!(self.revision, staged_revision, "only this thread writes the file");
                // It was applied after all; watches read again, and so do the callers.
                Err(StoreError::OutcomeUnknown { reason })
            }
            _ if full => Err(StoreError::NoSpace { reason }),
            _ => Err(StoreError::Unavailable { reason }),
        }
    }

    /// Opens the file anew for a read that failed in the file as it was opened for the time
    /// `opened`: after a failed read redb reads nothing any more but what it has in memory. Not more
    /// often than once in a while, since the disk may be what fails.
    fn reopen_for_read(&mut self, opened: u64) -> Result<(), StoreError> {
        let now = self.runtime.monotonic();
        let recently = self.reopened.is_some_and(|at| now < at + UNSYNCED_PAUSE);
        if self.state.opened() == opened && self.state.database().is_some() && !recently {
            self.reopened = Some(now);
            self.state.close_file();
        }
        self.open_if_closed()
    }

    /// Opens the file if it is closed or cannot be used. Meanwhile readers find it closed, and wait for
    /// this thread instead of blocking theirs.
    fn open_if_closed(&mut self) -> Result<(), StoreError> {
        if self.state.database().as_ref().is_some_and(|open| tables::revision(open).is_ok()) {
            return Ok(());
        }
        self.state.close_file();
        let unavailable = |reason: String| StoreError::Unavailable { reason };
        let now = self.runtime.monotonic();
        if let Some((_, reason)) = self.unsynced.as_ref().filter(|(at, _)| now < *at) {
            return Err(unavailable(reason.clone()));
        }
        let open: Database = self.opener.open().map_err(|error| {
            let reason = error.to_string();
            if self.opener.sync_failed() {
                tracing::error!(%reason, "the metadata store is closed until it can be written anew");
                self.unsynced = Some((now + UNSYNCED_PAUSE, reason.clone()));
            }
            unavailable(reason)
        })?;
        self.unsynced = None;
        let revision = tables::revision(&open).map_err(|e| unavailable(e.to_string()))?;
        self.state.set_opened(open);
        if revision != self.revision {
            self.revision = revision;
            self.state.history().restart(revision);
            self.state.published.send_replace(revision);
        }
        Ok(())
    }

    fn publish(&mut self, applied: AppliedBatch, changes: Vec<QueuedRequest>) {
        let now = self.runtime.monotonic();
        let is_new = applied.revision != mem::replace(&mut self.revision, applied.revision);
        let mut leases = self.state.leases();
        for (id, ttl) in applied.granted {
            leases.grant(id, ttl, now);
        }
        for id in applied.ended {
            leases.remove(id);
        }
        drop(leases);
        if is_new {
            let mut history = self.state.history();
            applied.batches.into_iter().for_each(|batch| history.push(batch));
            drop(history);
            self.state.published.send_replace(self.revision);
        }
        for (queued, outcome) in changes.into_iter().zip(applied.outcomes) {
            reply(queued.request, outcome);
        }
    }
}

/// Here and below a caller that no longer waits is ignored.
fn reply(request: Request, outcome: Result<Outcome, StoreError>) {
    match (request, outcome) {
        (Request::Txn(_, reply), Ok(Outcome::Txn(outcome))) => mem::drop(reply.send(Ok(outcome))),
        (Request::Grant(_, reply), Ok(Outcome::Granted(id))) => mem::drop(reply.send(Ok(id))),
        (Request::Revoke(_, reply), Ok(Outcome::Revoked)) => mem::drop(reply.send(Ok(()))),
        (request, Err(error)) => refuse_one(request, error),
        (request, Ok(_)) => {
            refuse_one(
                request,
                StoreError::Unavailable { reason: "replied out of order".to_owned() },
            );
        }
    }
}

fn refuse(changes: Vec<QueuedRequest>, error: &StoreError) {
    for queued in changes {
        refuse_one(queued.request, error.clone());
    }
}

fn refuse_one(request: Request, error: StoreError) {
    match request {
        Request::Txn(_, reply) => mem::drop(reply.send(Err(error))),
        Request::Grant(_, reply) => mem::drop(reply.send(Err(error))),
        Request::Revoke(_, reply) | Request::Reopen(_, reply) => {
            mem::drop(reply.send(Err(error)));
        }
        Request::Close => {}
    }
}

/// Whether a write failed for lack of space: on the disk, of a quota, or below the limit of the
/// file's size.
fn is_space_exhausted(error: &redb::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let redb::Error::Io(e) = error else { return false };
    matches!(e.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
