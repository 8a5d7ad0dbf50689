//! [`EmbeddedStore`]: the metadata store in one local file, for a process that owns its directory.
//!
//! Reads go straight to the file's last committed state (and its page cache). Changes go to one
//! writer thread, which puts all that are queued into one synced commit: each transaction is still
//! checked and applied alone, in order, and returns only after the sync. Past changes for watches
//! are kept in memory, bounded in bytes, but for those of keys that are [not
//! watched](EmbeddedOptions::unwatched); after a restart every watch reads its range again.
//!
//! Invariants: nothing is returned or shown to a watch before it is synced; a file whose sync
//! failed is neither read nor written again, but written anew into another ([`file`]); after a full
//! disk the file is opened again, which rolls it back to the last commit.

mod file;
mod history;
mod leases;
mod options;
mod request;
mod staging;
mod state;
#[cfg(any(test, feature = "testing"))]
mod stepped;
mod tables;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use milena_runtime::Runtime;
use milena_types::Revision;
use redb::Database;
use tokio::sync::{Semaphore, oneshot};

use crate::{
    store::{LeaseId, Limits, MetadataStore, Page, StoreError, Txn, TxnOutcome, Versioned, Watch},
    watch_position::WatchPosition,
};

use file::Opener;
use history::History;
use leases::Leases;
pub use options::EmbeddedOptions;
use options::OpenError;
use request::{QueuedRequest, Request};
use state::StoreState;
use watch::HistoryWatch;
use writer::Writer;
#[cfg(any(test, feature = "testing"))]
pub use {file::OpenFile, stepped::SteppedStore};

/// The metadata store in one local file.
///
/// It is closed when dropped; [`EmbeddedStore::close`] does the same without blocking the executor.
pub struct EmbeddedStore {
    state: Arc<StoreState>,
    requests: mpsc::Sender<QueuedRequest>,
    /// The free part of the queue, in units of [`QUEUE_UNIT_BYTES`].
    queue: Arc<Semaphore>,
    /// The free part that is kept for what is vital.
    vital_queue: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
    limits: Limits,
    runtime: Runtime,
}

/// The changes queued for the writer thread at most; the callers of more wait.
const QUEUE_UNITS_MAX: u32 = 16_384;
/// As much again for what is vital, of which there is little.
const VITAL_UNITS_MAX: u32 = 4096;
const QUEUE_UNIT_BYTES: usize = 4096;

impl EmbeddedStore {
    /// Opens the file, or creates it. Blocks for as long as a repair after an unclean end takes.
    pub fn open(options: EmbeddedOptions, runtime: &Runtime) -> Result<Self, OpenError> {
        Self::open_with(Opener::new(options), runtime)
    }

    fn open_with(opener: Opener, runtime: &Runtime) -> Result<Self, OpenError> {
        let path = opener.options().path.clone();
        let (store, writer) = Self::assemble(opener, runtime)?;
        let thread = runtime.spawn_thread("metadata", move || writer.run()).map_err(|e| {
            OpenError::Failed { path, reason: format!("no thread for the writer: {e}") }
        })?;
        *store.thread.lock().expect("no panic while held") = Some(thread);
        Ok(store)
    }

    /// The open store, and its writer, which does not run yet.
    fn assemble(opener: Opener, runtime: &Runtime) -> Result<(Self, Writer), OpenError> {
        let options = opener.options().clone();
        let failed = |reason: String| OpenError::Failed { path: options.path.clone(), reason };
        let database = opener.open()?;
        let revision = tables::prepare(&database, &options.path)?;
        opener.sync_directory()?;
        let granted = tables::leases(&database).map_err(|e| failed(e.to_string()))?;
        let history = History::new(revision, options.history_bytes);
        let leases = Leases::restart(granted, runtime.monotonic());
        let state = Arc::new(StoreState::new(database, history, leases));
        let (requests, inbox) = mpsc::channel();
        let writer = Writer::new(state.clone(), opener, inbox, runtime.clone(), revision);
        let store = Self {
            state,
            requests,
            queue: Arc::new(Semaphore::new(QUEUE_UNITS_MAX as usize)),
            vital_queue: Arc::new(Semaphore::new(VITAL_UNITS_MAX as usize)),
            thread: Mutex::default(),
            limits: options.limits,
            runtime: runtime.clone(),
        };
        Ok((store, writer))
    }

    /// Finishes all queued requests, closes the file and ends all watches.
    pub async fn close(&self) {
        if let Some(thread) = self.stop_writer() {
            // The writer never panics by design; if it did, the store is closed all the same.
            let _ = self.runtime.spawn_blocking(move || thread.join().is_ok()).await;
        }
    }

    fn stop_writer(&self) -> Option<JoinHandle<()>> {
        let _ = self.requests.send(QueuedRequest { request: Request::Close, _permit: None });
        self.thread.lock().expect("no panic while held").take()
    }

    /// Queues a request of about so many bytes and waits for its outcome.
    async fn call<T>(
        &self,
        bytes: usize,
        vital: bool,
        request: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Request,
    ) -> Result<T, StoreError> {
        let (queue, units_max) = match vital {
            true => (&self.vital_queue, VITAL_UNITS_MAX),
            false => (&self.queue, QUEUE_UNITS_MAX),
        };
        let units = u32::try_from(bytes / QUEUE_UNIT_BYTES + 1)
            .map_or(units_max, |units| units.min(units_max));
        let permit =
            queue.clone().acquire_many_owned(units).await.map_err(|_| StoreError::Closed)?;
        let (reply, outcome) = oneshot::channel();
        let queued = QueuedRequest { request: request(reply), _permit: Some(permit) };
        self.requests.send(queued).map_err(|_| StoreError::Closed)?;
        // The writer replies to every request that it takes; those left in its inbox were not
        // begun.
        outcome.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads, and once more after the file has been opened again if it had failed.
    async fn read<T>(
        &self,
        read: impl Fn(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let opened = self.state.opened();
        match self.try_read(&read) {
            Err(StoreError::Unavailable { .. }) => {}
            outcome => return outcome,
        }
        self.call(0, true, |reply| Request::Reopen(opened, reply)).await?;
        self.try_read(&read)
    }

    fn try_read<T>(
        &self,
        read: &impl Fn(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.state.database();
        let closed = || StoreError::Unavailable { reason: "the file is not open".to_owned() };
        read(database.as_ref().ok_or_else(closed)?)
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        if let Some(thread) = self.stop_writer() {
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl MetadataStore for EmbeddedStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.read(|database| tables::get(database, key)).await
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.read(|database| tables::range(database, prefix, after, limit)).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        txn.check(self.limits)?;
        self.call(txn.bytes(), txn.vital, |reply| Request::Txn(txn, reply)).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        // What was read before the watch began may not be published yet.
        let revision = |database: &Database| {
            let unavailable = |e: redb::Error| StoreError::Unavailable { reason: e.to_string() };
            tables::revision(database).map_err(unavailable)
        };
        let published = *self.state.published.borrow();
        let begun_at = self.try_read(&revision).unwrap_or(published);
        let (state, position) = (self.state.clone(), WatchPosition::new(after, begun_at));
        Ok(Box::new(HistoryWatch::new(state, prefix, position, self.runtime.clone())))
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let ttl = ttl.max(Duration::from_millis(1));
        self.call(0, true, |reply| Request::Grant(ttl, reply)).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        let now = self.runtime.monotonic();
        self.state.leases().keep_alive(lease, now)
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.call(0, true, |reply| Request::Revoke(lease, reply)).await
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
