//! The wake-up of the idle log: on a thread or, where the runtime starts no threads, in a task.
//!
//! The waits are `async` for the task's sake. On a thread they block and are ready when they
//! return, so that a thread runs the same code to its end with a single poll.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// Wakes the log's thread or task.
#[derive(Debug)]
pub(super) struct Wakeup {
    notified: AtomicBool,
    state: Mutex<WakeupState>,
    wake: Condvar,
    /// Wakes a task; `None`: a thread waits.
    task: Option<Notify>,
}

#[derive(Debug, Default)]
struct WakeupState {
    waiting: bool,
    sealing: bool,
}

impl Wakeup {
    pub(super) fn new(for_task: bool) -> Self {
        Self {
            notified: AtomicBool::new(false),
            state: Mutex::default(),
            wake: Condvar::new(),
            task: for_task.then(Notify::new),
        }
    }

    fn state(&self) -> MutexGuard<'_, WakeupState> {
        self.state.lock().expect("no holder of the bell panics")
    }

    fn wake(&self) {
        match &self.task {
            Some(task) => task.notify_one(),
            None => self.wake.notify_one(),
        }
    }

    /// Announces that something is open.
    pub(super) fn notify(&self) {
        // The flag is what counts; the lock is taken once per chunk, not once per batch.
        if !self.notified.swap(true, Ordering::AcqRel) && self.state().waiting {
            self.wake();
        }
    }

    /// Takes the notification. Returns whether there was one.
    pub(super) fn take_notification(&self) -> bool {
        self.notified.swap(false, Ordering::AcqRel)
    }

    pub(super) fn start_sealing(&self) {
        self.state().sealing = true;
        self.wake();
    }

    pub(super) fn is_sealing(&self) -> bool {
        self.state().sealing
    }

    /// Waits for a notification and takes it. Returns `false` if the epoch is to be sealed.
    pub(super) async fn wait(&self) -> bool {
        loop {
            if let Some(notified) = self.look() {
                return notified;
            }
            if let Some(task) = &self.task {
                task.notified().await;
            }
        }
    }

    /// Like [`Wakeup::wait`]. `None`: a task has to wait. A thread waits here.
    fn look(&self) -> Option<bool> {
        let mut state = self.state();
        loop {
            state.waiting = false;
            if state.sealing {
                return Some(false);
            }
            if self.take_notification() {
                return Some(true);
            }
            state.waiting = true;
            if self.task.is_some() {
                return None;
            }
            state = self.wake.wait(state).expect("no holder of the bell panics");
        }
    }

    /// Waits for `delay`, or until the epoch is to be sealed.
    pub(super) async fn wait_to_retry(&self, delay: Duration) {
        let Some(task) = &self.task else {
            let waited = self.wake.wait_timeout_while(self.state(), delay, |state| !state.sealing);
            drop(waited.expect("no holder of the bell panics"));
            return;
        };
        let sealing = async {
            while !self.is_sealing() {
                task.notified().await;
            }
        };
        let _ = tokio::time::timeout(delay, sealing).await;
    }
}
