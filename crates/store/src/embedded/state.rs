//! [`StoreState`]: the open file, the history, the leases and the newest revision.

use std::sync::{
    Mutex, MutexGuard, RwLock,
    atomic::{AtomicBool, Ordering},
};

use milena_types::Revision;
use redb::Database;
use tokio::sync::watch;

use super::{history::History, leases::Leases};

/// The state that the store, its writer thread and its watches share.
pub(super) struct StoreState {
    /// `None` after a failure, until the file has been opened again, and after the store was
    /// closed.
    pub(super) database: RwLock<Option<Database>>,
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
            history: Mutex::new(history),
            leases: Mutex::new(leases),
            closed: AtomicBool::new(false),
        }
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
        drop(self.database.write().expect("no panic while held").take());
        self.published.send_modify(|_| {});
    }
}
