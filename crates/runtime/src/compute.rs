//! Work that computes: turns that are taken in order, and tasks that end with whoever wants their
//! result.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinHandle},
};

/// The right to compute, of which there are as many as the machine has processors for. It is held
/// for a slice at a time: who has it awaits nothing but [`ComputeSlices::next`], and drops it before
/// it waits for anything else.
#[derive(Debug)]
pub struct ComputeSlices {
    slices: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl ComputeSlices {
    pub(crate) async fn begin(slices: &Arc<Semaphore>) -> Self {
        let mut begun = Self { slices: slices.clone(), permit: None };
        begun.acquire().await;
        begun
    }

    /// Between two slices: others have their turn.
    pub async fn next(&mut self) {
        let mut next = std::pin::pin!(self.slices.clone().acquire_owned());
        // In the queue before the permit is given back: each of the others comes first, once.
        let ready = poll_fn(|context| match next.as_mut().poll(context) {
            Poll::Ready(permit) => Poll::Ready(Some(permit)),
            Poll::Pending => Poll::Ready(None),
        });
        let ready = ready.await;
        self.permit = None;
        tokio::task::yield_now().await;
        let permit = match ready {
            Some(permit) => permit,
            None => next.await,
        };
        self.permit = permit.ok();
    }

    async fn acquire(&mut self) {
        // Fails when the semaphore is closed, which it never is.
        self.permit = self.slices.clone().acquire_owned().await.ok();
    }
}

/// A task that is aborted when this is dropped.
#[derive(Debug)]
pub struct OwnedTask<T>(JoinHandle<T>);

impl<T> From<JoinHandle<T>> for OwnedTask<T> {
    fn from(task: JoinHandle<T>) -> Self {
        Self(task)
    }
}

impl<T> Future for OwnedTask<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for OwnedTask<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    };

    use crate::{OwnedTask, Runtime};

    #[tokio::test]
    async fn slices_of_two_tasks_take_turns() {
        let runtime = Runtime::system();
        let order = Arc::new(Mutex::new(Vec::new()));
        let work = |name: u8| {
            let (runtime, order) = (runtime.clone(), order.clone());
            async move {
                let mut slices = runtime.compute_slices().await;
                for _ in 0..3 {
                    order.lock().unwrap().push(name);
                    slices.next().await;
                }
            }
        };
        let held = runtime.compute_slices().await;
        let (first, second) = (runtime.spawn_compute(work(1)), runtime.spawn_compute(work(2)));
        // Both are in the queue then.
        tokio::task::yield_now().await;
        drop(held);
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(*order.lock().unwrap(), [1, 2, 1, 2, 1, 2]);
    }

    #[tokio::test]
    async fn a_task_ends_with_who_wants_its_result() {
        struct Ended(Arc<AtomicBool>);
        impl Drop for Ended {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let runtime = Runtime::system();
        let ended = Arc::new(AtomicBool::new(false));
        let guard = Ended(ended.clone());
        let task = runtime.spawn_compute(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        drop(OwnedTask::from(task));
        runtime.shutdown().await;
        assert!(ended.load(Ordering::SeqCst));
        let done = OwnedTask::from(Runtime::system().spawn_compute(async { 7 }));
        assert_eq!(done.await.unwrap(), 7);
    }
}
