//! [`EmbeddedStore`]: the metadata store in one local file, for a process that owns its directory.
//!
//! Reads go straight to the file's last committed state (and its page cache). Changes go to one
//! writer thread, which puts all that wait into one synced commit: each transaction is still judged
//! and applied alone, in order, and answered only after the sync. What watches need is kept in
//! memory, bounded in bytes; after a restart every watch begins with reading its range again.
//!
//! Invariants: nothing is answered or shown to a watch before it is synced; a file whose sync
//! failed is never written again; after a full disk the file is opened anew, which rolls it back to
//! the last commit.

mod file;
mod history;
mod leases;
mod staging;
mod tables;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use milena_runtime::Runtime;
use milena_types::Revision;
use redb::Database;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::store::{
    LeaseId, Limits, MetadataStore, Page, StoreError, Txn, TxnOutcome, Versioned, Watch,
};

use file::Opener;
use history::{History, HistoryWatch};
use leases::Leases;
use writer::{Request, Writer};

#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The file. Its directory must exist.
    pub path: PathBuf,
    /// Bytes of the file kept in memory.
    pub cache_bytes: usize,
    /// Bytes of past changes kept for watches that lag behind.
    pub history_bytes: usize,
}

impl EmbeddedOptions {
    /// The defaults, for the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), cache_bytes: 24 << 20, history_bytes: 16 << 20 }
    }
}

/// Why an [`EmbeddedStore`] could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another store has it open.
    #[error(
        "'{path}' is in use by another process; stop it first, or choose another data directory"
    )]
    InUse { path: PathBuf },
    /// A later release wrote it.
    #[error(
        "'{path}' has metadata format {found}, and this release knows formats up to {known}; start a newer release"
    )]
    NewerFormat { path: PathBuf, found: u64, known: u64 },
    /// It could not be read or created.
    #[error("cannot open the metadata store '{path}': {reason}")]
    Failed { path: PathBuf, reason: String },
}

/// The metadata store in one local file.
///
/// It is closed when dropped; [`EmbeddedStore::close`] does the same without blocking the executor.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Envelope>,
    room: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
    runtime: Runtime,
}

/// What the store, its writer thread and its watches share.
struct Shared {
    /// `None` after a failure, until the file has been opened anew, and after the store was
    /// closed.
    database: RwLock<Option<Database>>,
    history: Mutex<History>,
    leases: Mutex<Leases>,
    /// The last revision that watches may show.
    published: watch::Sender<Revision>,
    /// Why changes are refused until the process has been restarted.
    broken: Mutex<Option<String>>,
    closed: AtomicBool,
}

impl Shared {
    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("no panic while held")
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().expect("no panic while held")
    }

    fn broken(&self) -> Option<String> {
        self.broken.lock().expect("no panic while held").clone()
    }

    fn set_broken(&self, reason: String) {
        *self.broken.lock().expect("no panic while held") = Some(reason);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Closes the file, once reads in progress are over, and wakes all watches.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        drop(self.database.write().expect("no panic while held").take());
        self.published.send_modify(|_| {});
    }
}

struct Envelope {
    request: Request,
    _room: Option<OwnedSemaphorePermit>,
}

/// Changes that may wait for the writer thread, in units of [`ROOM_UNIT`] bytes; more wait at the
/// door.
const ROOM_MAX: u32 = 16_384;
const ROOM_UNIT: usize = 4096;

const EMBEDDED_LIMITS: Limits = Limits { ops: 16_384, bytes: 16 << 20 };

impl EmbeddedStore {
    /// Opens the file, or creates it. Blocks for as long as a repair after an unclean end takes.
    pub fn open(options: EmbeddedOptions, runtime: &Runtime) -> Result<Self, OpenError> {
        Self::open_with(Opener::new(options), runtime)
    }

    fn open_with(opener: Opener, runtime: &Runtime) -> Result<Self, OpenError> {
        let options = opener.options().clone();
        let failed = |reason: String| OpenError::Failed { path: options.path.clone(), reason };
        let database = opener.open()?;
        let revision = tables::prepare(&database, &options.path)?;
        sync_directory(&options.path).map_err(|e| failed(e.to_string()))?;
        let granted = tables::leases(&database).map_err(|e| failed(e.to_string()))?;
        let shared = Arc::new(Shared {
            database: RwLock::new(Some(database)),
            history: Mutex::new(History::new(revision, options.history_bytes)),
            leases: Mutex::new(Leases::restart(granted, runtime.monotonic())),
            published: watch::Sender::new(revision),
            broken: Mutex::new(None),
            closed: AtomicBool::new(false),
        });
        let (requests, inbox) = mpsc::channel();
        let writer = Writer::new(shared.clone(), opener, inbox, runtime.clone(), revision);
        let thread = runtime
            .spawn_thread("metadata", move || writer.run())
            .map_err(|e| failed(format!("no thread for the writer: {e}")))?;
        Ok(Self {
            shared,
            requests,
            room: Arc::new(Semaphore::new(ROOM_MAX as usize)),
            thread: Mutex::new(Some(thread)),
            runtime: runtime.clone(),
        })
    }

    /// Finishes what has been asked for, closes the file and ends all watches.
    pub async fn close(&self) {
        if let Some(thread) = self.stop_writer() {
            // The writer never panics by design; if it did, the store is closed all the same.
            let _ = self.runtime.spawn_blocking(move || thread.join().is_ok()).await;
        }
    }

    fn stop_writer(&self) -> Option<JoinHandle<()>> {
        let _ = self.requests.send(Envelope { request: Request::Close, _room: None });
        self.thread.lock().expect("no panic while held").take()
    }

    /// Has the writer do something that takes about so many bytes to ask.
    async fn ask<T>(
        &self,
        bytes: usize,
        request: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Request,
    ) -> Result<T, StoreError> {
        let units =
            u32::try_from(bytes / ROOM_UNIT + 1).map_or(ROOM_MAX, |units| units.min(ROOM_MAX));
        let room =
            self.room.clone().acquire_many_owned(units).await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let envelope = Envelope { request: request(reply), _room: Some(room) };
        self.requests.send(envelope).map_err(|_| StoreError::Closed)?;
        // The writer answers everything that it takes; what it leaves in its inbox was not begun.
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads, and once more after the file has been opened anew if it had failed.
    async fn read<T>(
        &self,
        read: impl Fn(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(outcome) = self.try_read(&read) {
            return outcome;
        }
        self.ask(0, Request::Reopen).await?;
        self.try_read(&read).unwrap_or(Err(StoreError::Unavailable {
            reason: "the file could not be opened anew".to_owned(),
        }))
    }

    fn try_read<T>(
        &self,
        read: &impl Fn(&Database) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let database = self.shared.database.read().expect("no panic while held");
        match read(database.as_ref()?) {
            Err(StoreError::Unavailable { .. }) => None,
            outcome => Some(outcome),
        }
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
        txn.check(EMBEDDED_LIMITS)?;
        self.ask(txn.bytes(), |reply| Request::Txn(txn, reply)).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        Ok(Box::new(HistoryWatch::new(self.shared.clone(), prefix, after)))
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let ttl = ttl.max(Duration::from_millis(1));
        self.ask(0, |reply| Request::Grant(ttl, reply)).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        let now = self.runtime.monotonic();
        self.shared.leases().keep_alive(lease, now)
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.ask(0, |reply| Request::Revoke(lease, reply)).await
    }

    fn limits(&self) -> Limits {
        EMBEDDED_LIMITS
    }
}

/// Makes the file's name last: without this a crash may lose a new file that was synced.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(parent)?.sync_all()
}
