//! [`StoreState`]: the open file, the history, the leases and the newest revision.

use std::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use milena_types::Revision;
use redb::Database;
use tokio::sync::watch;

use super::{history::History, leases::Leases};

/// The state that the store, its writer thread and its watches share.
pub(super) struct StoreState {
    /// `None` after a failure, until the file has been opened again, and after the store was
    /// closed. Never locked for long: readers block their threads meanwhile.
    database: RwLock<Option<Database>>,
    /// How many times the file was opened again.
    opened: AtomicU64,
    history: Mutex<History>,
    leases: Mutex<Leases>,
    /// The last revision that watches may show.
    pub(super) published: watch::Sender<Revision>,
    closed: AtomicBool,
}

impl StoreState {
    pub(super) fn new(database: Database, history: History, leases: Leases) -> Self {
        Self {
            published: watch::Sender::new(history.revision()),
            database: RwLock::new(Some(database)),
            opened: AtomicU64::new(0),
            history: Mutex::new(history),
            leases: Mutex::new(leases),
            closed: AtomicBool::new(false),
        }
    }

    /// The open file, if it is open.
    pub(super) fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().expect("no panic while held")
    }

    /// Closes the file once reads in progress are over.
    pub(super) fn close_file(&self) {
        let closed = self.database.write().expect("no panic while held").take();
        drop(closed);
    }

    pub(super) fn set_opened(&self, database: Database) {
        *self.database.write().expect("no panic while held") = Some(database);
        self.opened.fetch_add(1, Ordering::AcqRel);
    }

    /// How many times the file was opened again.
    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Acquire)
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("no panic while held")
    }

    pub(super) fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().expect("no panic while held")
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Closes the file, once reads in progress are over, and wakes all watches.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.close_file();
        self.published.send_modify(|_| {});
    }
}
