//! [`Wakeup`]: the waits of a log's two appenders, which are threads or, where the runtime starts none,
//! tasks.
//!
//! One of them at most is the *builder*, which waits here for something to build and for its turn to
//! write; one at most writes, and waits here between attempts while the log stalls.
//!
//! The waits are `async` for the tasks' sake. On a thread they block and are ready when they
//! return, so that a thread runs the same code to its end with a single poll.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use milena_types::ChunkSeq;
use tokio::sync::Notify;

/// Wakes the log's threads or tasks.
#[derive(Debug)]
pub(super) struct Wakeup {
    /// The builder waits until so many bytes are open; 0: it does not wait for that.
    awaited_bytes: AtomicUsize,
    state: Mutex<WakeupState>,
    wake: Condvar,
    /// Wake tasks; `None`: threads wait.
    tasks: Option<TaskWakeups>,
}

#[derive(Debug, Default)]
struct TaskWakeups {
    builder: Notify,
    retry: Notify,
}

#[derive(Debug, Default)]
struct WakeupState {
    sealing: bool,
    flight: Flight,
}

/// The frame that is being written.
#[derive(Clone, Copy, Debug, Default)]
enum Flight {
    #[default]
    None,
    Writing {
        bytes: usize,
    },
    /// It cannot be made durable for now.
    Stalled {
        /// The chunk, unless its appends were failed before.
        seq: Option<ChunkSeq>,
        /// Whether the builder knows.
        reported: bool,
    },
}

/// The builder's next step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BuilderStep {
    /// To build a chunk, or to write the one it has built: no other may be written until
    /// [`Wakeup::end_write`].
    Proceed,
    /// To fail this chunk, the one that was built ahead, and what is open.
    Stall(Option<ChunkSeq>),
    /// To fail what is open: the log stalls.
    Refuse,
    /// To end.
    Seal,
}

impl Wakeup {
    pub(super) fn new(for_tasks: bool) -> Self {
        Self {
            awaited_bytes: AtomicUsize::new(0),
            state: Mutex::default(),
            wake: Condvar::new(),
            tasks: for_tasks.then(TaskWakeups::default),
        }
    }

    fn state(&self) -> MutexGuard<'_, WakeupState> {
        // Whole also after a panic, which is to end the epoch: it is changed by single assignments.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_builder(&self) {
        match &self.tasks {
            Some(tasks) => tasks.builder.notify_one(),
            None => self.wake.notify_all(),
        }
    }

    /// Announces that something was opened; `open_bytes` says how much is open. Most often this
    /// takes no lock.
    pub(super) fn notify(&self, open_bytes: impl FnOnce() -> usize) {
        let awaited = self.awaited_bytes.load(Ordering::SeqCst);
        if awaited > 0 && (awaited == 1 || open_bytes() >= awaited) {
            // With the lock, the builder either has not looked yet, or waits.
            let _state = self.state();
            self.awaited_bytes.store(0, Ordering::SeqCst);
            self.wake_builder();
        }
    }

    pub(super) fn start_sealing(&self) {
        self.state().sealing = true;
        self.wake_builder();
        if let Some(tasks) = &self.tasks {
            tasks.retry.notify_one();
        }
    }

    pub(super) fn is_sealing(&self) -> bool {
        self.state().sealing
    }

    /// Waits until a chunk is to be built: something is open, and no frame is being written or as
    /// much is open as in that one, and at least `ahead_bytes_min`.
    pub(super) async fn wait_for_open(
        &self,
        ahead_bytes_min: usize,
        open_bytes: impl Fn() -> usize,
    ) -> BuilderStep {
        self.wait(|state| {
            let needed = match state.flight {
                Flight::Writing { bytes } => bytes.max(ahead_bytes_min).max(1),
                Flight::None | Flight::Stalled { .. } => 1,
            };
            // Set before it is looked at, so that nothing opened meanwhile is missed.
            self.awaited_bytes.store(needed, Ordering::SeqCst);
            (open_bytes() >= needed).then_some(BuilderStep::Proceed)
        })
        .await
    }

    /// Waits until the chunk that was built, of so many bytes, may be written, which begins with this.
    pub(super) async fn wait_to_write(
        &self,
        bytes: usize,
        open_bytes: impl Fn() -> usize,
    ) -> BuilderStep {
        self.wait(|state| match state.flight {
            Flight::None => {
                state.flight = Flight::Writing { bytes };
                Some(BuilderStep::Proceed)
            }
            Flight::Writing { .. } => None,
            Flight::Stalled { .. } => {
                self.awaited_bytes.store(1, Ordering::SeqCst);
                (open_bytes() > 0).then_some(BuilderStep::Refuse)
            }
        })
        .await
    }

    async fn wait(&self, look: impl Fn(&mut WakeupState) -> Option<BuilderStep>) -> BuilderStep {
        loop {
            if let Some(step) = self.look(&look) {
                return step;
            }
            if let Some(tasks) = &self.tasks {
                tasks.builder.notified().await;
            }
        }
    }

    /// `None`: a task has to wait. A thread waits here.
    fn look(&self, look: &impl Fn(&mut WakeupState) -> Option<BuilderStep>) -> Option<BuilderStep> {
        let mut state = self.state();
        loop {
            let step = state.next_step(look);
            if step.is_some() {
                self.awaited_bytes.store(0, Ordering::SeqCst);
            }
            if step.is_some() || self.tasks.is_some() {
                return step;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The frame being written cannot be made durable for now. `seq`: its chunk, unless the chunk's
    /// appends were failed before.
    pub(super) fn stall(&self, seq: Option<ChunkSeq>) {
        self.state().flight = Flight::Stalled { seq, reported: false };
        self.wake_builder();
    }

    /// The frame being written is durable after all. Before its chunk is committed: what is opened by
    /// those who see that is not refused.
    pub(super) fn end_stall(&self, bytes: usize) {
        self.state().flight = Flight::Writing { bytes };
        self.wake_builder();
    }

    /// The next frame may be written.
    pub(super) fn end_write(&self) {
        self.state().flight = Flight::None;
        self.wake_builder();
    }

    /// Waits for `delay`, or until the epoch is to be sealed.
    pub(super) async fn wait_to_retry(&self, delay: Duration) {
        let Some(tasks) = &self.tasks else {
            let waited = self.wake.wait_timeout_while(self.state(), delay, |state| !state.sealing);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            return;
        };
        let sealing = async {
            while !self.is_sealing() {
                tasks.retry.notified().await;
            }
        };
        let _ = tokio::time::timeout(delay, sealing).await;
    }
}

impl WakeupState {
    fn next_step(
        &mut self,
        look: &impl Fn(&mut Self) -> Option<BuilderStep>,
    ) -> Option<BuilderStep> {
        if self.sealing {
            return Some(BuilderStep::Seal);
        }
        let Flight::Stalled { seq, reported } = &mut self.flight else { return look(self) };
        if !std::mem::replace(reported, true) {
            return Some(BuilderStep::Stall(*seq));
        }
        look(self).map(|_| BuilderStep::Refuse)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// The next step of a builder that has built a chunk of 10 bytes, while `open` bytes are open.
    /// `None`: it waits.
    fn with_built(wakeup: &Wakeup, open: usize) -> Option<BuilderStep> {
        wakeup.wait_to_write(10, || open).now_or_never()
    }

    fn with_nothing_built(wakeup: &Wakeup, open: usize) -> Option<BuilderStep> {
        wakeup.wait_for_open(5, || open).now_or_never()
    }

    #[test]
    fn chunks_are_built_ahead_that_are_no_smaller_than_the_one_being_written() {
        let wakeup = Wakeup::new(true);
        assert_eq!(with_nothing_built(&wakeup, 0), None);
        assert_eq!(with_nothing_built(&wakeup, 1), Some(BuilderStep::Proceed));
        assert_eq!(with_built(&wakeup, 0), Some(BuilderStep::Proceed));
        assert_eq!(with_nothing_built(&wakeup, 9), None);
        assert_eq!(with_nothing_built(&wakeup, 10), Some(BuilderStep::Proceed));
        assert_eq!(with_built(&wakeup, 100), None, "one frame is in flight");
        wakeup.end_write();
        assert_eq!(with_built(&wakeup, 100), Some(BuilderStep::Proceed));
    }

    #[test]
    fn every_stall_is_reported_also_that_of_a_chunk_that_was_failed_before() {
        let wakeup = Wakeup::new(true);
        assert_eq!(with_built(&wakeup, 0), Some(BuilderStep::Proceed));
        wakeup.stall(Some(ChunkSeq(0)));
        assert_eq!(with_built(&wakeup, 1), Some(BuilderStep::Stall(Some(ChunkSeq(0)))));
        assert_eq!(with_built(&wakeup, 0), None);
        assert_eq!(with_built(&wakeup, 1), Some(BuilderStep::Refuse));
        wakeup.end_stall(10);
        assert_eq!(with_built(&wakeup, 1), None);
        assert_eq!(with_nothing_built(&wakeup, 1), None);
        wakeup.end_write();
        assert_eq!(with_built(&wakeup, 1), Some(BuilderStep::Proceed));
        wakeup.stall(None);
        assert_eq!(with_nothing_built(&wakeup, 1), Some(BuilderStep::Stall(None)));
        assert_eq!(with_nothing_built(&wakeup, 1), Some(BuilderStep::Refuse));
        wakeup.start_sealing();
        assert_eq!(with_nothing_built(&wakeup, 1), Some(BuilderStep::Seal));
    }
}
