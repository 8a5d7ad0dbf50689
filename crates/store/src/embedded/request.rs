//! Requests to the store's writer thread.

use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::store::{LeaseId, StoreError, Txn, TxnOutcome};

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

pub(super) enum Request {
    Txn(Txn, Reply<TxnOutcome>),
    Grant(Duration, Reply<LeaseId>),
    Revoke(LeaseId, Reply<()>),
    /// Opens the file again unless it was since it was opened for the time that is named here.
    Reopen(u64, Reply<()>),
    Close,
}

/// A request with its part of the queue's size.
pub(super) struct QueuedRequest {
    pub(super) request: Request,
    pub(super) _permit: Option<OwnedSemaphorePermit>,
}
