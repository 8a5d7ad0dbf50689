//! Futures that rarely have anything to say.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// A future that is polled when it has woken its task, and not whenever something else has: for one
/// whose look takes a lock that all tasks share.
#[derive(Debug)]
pub struct OnWake<F> {
    future: Pin<Box<F>>,
    woken: Option<Arc<Woken>>,
}

/// The waker that the future is given.
#[derive(Debug)]
struct Woken {
    is_woken: AtomicBool,
    task: Waker,
}

impl<F: Future> OnWake<F> {
    pub fn new(future: F) -> Self {
        Self { future: Box::pin(future), woken: None }
    }
}

impl<F: Future> Future for OnWake<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let woken = match &self.woken {
            Some(woken) if woken.task.will_wake(context.waker()) => {
                if !woken.is_woken.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                // Before the look, so that a wake-up during it leads to another.
                woken.is_woken.store(false, Ordering::Release);
                woken.clone()
            }
            // Another task, or the first look.
            _ => {
                Arc::new(Woken { is_woken: AtomicBool::new(false), task: context.waker().clone() })
            }
        };
        self.woken = Some(woken.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&woken.into()))
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, atomic::AtomicUsize};

    use super::*;

    /// Counts how often it is polled, and is ready at the `ready_at`th time.
    struct Counted<'a> {
        polls: &'a AtomicUsize,
        ready_at: usize,
        waker: &'a Mutex<Option<Waker>>,
    }

    impl Future for Counted<'_> {
        type Output = usize;

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
            *self.waker.lock().unwrap() = Some(context.waker().clone());
            let polls = self.polls.fetch_add(1, Ordering::Relaxed) + 1;
            if polls == self.ready_at { Poll::Ready(polls) } else { Poll::Pending }
        }
    }

    /// A task that counts its wake-ups.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_is_polled_when_it_has_woken_its_task_and_by_a_new_task() {
        let (polls, waker) = (AtomicUsize::new(0), Mutex::new(None));
        let mut future = OnWake::new(Counted { polls: &polls, ready_at: 4, waker: &waker });
        let (first, second) = (Arc::new(Task::default()), Arc::new(Task::default()));
        let mut poll = |task: &Arc<Task>| {
            Pin::new(&mut future).poll(&mut Context::from_waker(&task.clone().into()))
        };
        let wake = || waker.lock().unwrap().as_ref().expect("it was polled").wake_by_ref();
        for _ in 0..3 {
            assert_eq!(poll(&first), Poll::Pending);
            assert_eq!(polls.load(Ordering::Relaxed), 1, "nothing has woken it");
        }
        wake();
        wake();
        assert_eq!(first.0.load(Ordering::Relaxed), 2);
        for _ in 0..2 {
            assert_eq!(poll(&first), Poll::Pending);
            assert_eq!(polls.load(Ordering::Relaxed), 2);
        }
        for _ in 0..2 {
            assert_eq!(poll(&second), Poll::Pending);
            assert_eq!(polls.load(Ordering::Relaxed), 3, "another task has to be woken now");
        }
        wake();
        assert_eq!((first.0.load(Ordering::Relaxed), second.0.load(Ordering::Relaxed)), (2, 1));
        assert_eq!(poll(&second), Poll::Ready(4));
    }

    #[tokio::test]
    async fn no_wake_up_is_lost() {
        for _ in 0..200 {
            let token = tokio_util::sync::CancellationToken::new();
            let cancelled = token.clone();
            let cancelling = std::thread::spawn(move || cancelled.cancel());
            OnWake::new(token.cancelled()).await;
            cancelling.join().unwrap();
        }
    }
}
