//! Time, randomness, tasks, threads and retries: what the simulation replaces.
//!
//! Everything that needs one of these takes a [`Runtime`] in its constructor, so that a simulation
//! can hand in its own clock and its own randomness, and so that every task is joined at shutdown.
//! Waiting (`sleep`, `timeout`) is tokio's, whose clock a simulation controls already.
//!
//! A runtime is a *scope*: [`Runtime::child`] makes a scope inside it (one broker, say) that can be
//! stopped and joined alone; stopping a scope stops the scopes made from it.
//!
//! Tasks run on one of four executors. [`Runtime::spawn`] is for what waits and costs little at a
//! time: connections above all. [`Runtime::spawn_compute`] is for what computes, in slices of which
//! few run at a time: see [`ComputeSlices`]. [`Runtime::spawn_vital`] is for what must never wait
//! behind a request, such as the renewal of a lease, and [`Runtime::spawn_seal`] for what reads the
//! logs of brokers that are gone. Without [`Executors`] all of them are one.
//!
//! A runtime made by [`Runtime::on_one_thread`] starts no threads: blocking work runs as a task,
//! after a pause that a [`Pace`] decides. Everything then happens on the thread of the caller's
//! executor, in an order that the pauses decide.

#![allow(clippy::disallowed_methods)] // This crate is where they are allowed.

mod compute;
mod log_limit;
mod on_wake;
mod retry;

use std::{future::Future, io, pin::Pin, sync::Arc, thread, time::Duration};

use aws_lc_rs::rand::SecureRandom;
use tokio::{runtime::Handle, sync::Semaphore, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use compute::{ComputeSlices, OwnedTask};
pub use log_limit::LogLimit;
pub use on_wake::OnWake;
pub use retry::{Backoff, FailureLog, Retry, RetryEnded};

/// The result of an asynchronous function at the border of a crate, unless every record or request
/// passes it: the code of an `async fn`, and of all that it awaits, is
/// compiled in the crate that polls it; that of a boxed future in the crate that boxes it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z. May jump; only for what people and records see.
    fn wall_ms(&self) -> i64;
    /// Time since some fixed moment. Never goes back; for time-outs and leases.
    fn monotonic(&self) -> Duration;
}

/// Where randomness comes from. It must be fit for keys.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// How long blocking work takes where it runs as a task.
pub trait Pace: Send + Sync + 'static {
    /// How long the next piece of blocking work takes.
    fn pause(&self) -> Duration;
}

struct SystemClock(std::time::Instant);

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |d| d.as_millis() as i64)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::SystemRandom::new()
            .fill(bytes)
            .expect("the operating system gives random bytes");
    }
}

/// Where tasks run, by kind.
#[derive(Clone, Debug)]
pub struct Executors {
    pub io: Handle,
    pub compute: Handle,
    /// How many slices of computing work run at a time.
    pub compute_slices: usize,
    pub vital: Handle,
    pub seal: Handle,
}

/// A scope of tasks, with the clock and the randomness they use.
#[derive(Clone)]
pub struct Runtime {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// The simulated duration of blocking work; `None`: threads do that work.
    pace: Option<Arc<dyn Pace>>,
    /// `None`: the caller's executor runs everything.
    executors: Option<Executors>,
    /// What a slice of computing work has a permit of. First come, first served.
    slices: Arc<Semaphore>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Runtime {
    /// The operating system's clock and randomness.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock(std::time::Instant::now())), Arc::new(SystemRandom))
    }

    /// A runtime over the given clock and randomness.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            clock,
            random,
            pace: None,
            executors: None,
            slices: Arc::new(Semaphore::new(1)),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }
    }

    /// A runtime that starts no threads: for simulation.
    pub fn on_one_thread(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        pace: Arc<dyn Pace>,
    ) -> Self {
        Self { pace: Some(pace), ..Self::new(clock, random) }
    }

    /// The same, with an executor for each kind of task.
    #[must_use]
    pub fn with_executors(self, executors: Executors) -> Self {
        let slices = Arc::new(Semaphore::new(executors.compute_slices.max(1)));
        Self { executors: Some(executors), slices, ..self }
    }

    /// Whether it starts no threads.
    pub fn is_on_one_thread(&self) -> bool {
        self.pace.is_some()
    }

    /// Waits as long as a piece of blocking work takes, where no thread does that work; else not at
    /// all.
    pub async fn pace(&self) {
        if let Some(pace) = &self.pace {
            self.sleep(pace.pause()).await;
        }
    }

    /// A scope of its own inside this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            clock: self.clock.clone(),
            random: self.random.clone(),
            pace: self.pace.clone(),
            executors: self.executors.clone(),
            slices: self.slices.clone(),
            tasks: TaskTracker::new(),
            stopping: self.stopping.child_token(),
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z. May jump.
    pub fn wall_ms(&self) -> i64 {
        self.clock.wall_ms()
    }

    /// Time since some fixed moment. Never goes back.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Fills `bytes` with randomness fit for keys.
    pub fn fill_random(&self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }

    /// 16 random bytes, for a version 4 UUID.
    pub fn random_u128(&self) -> u128 {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        u128::from_be_bytes(bytes)
    }

    pub fn random_u64(&self) -> u64 {
        self.random_u128() as u64
    }

    /// Completes after `duration` on tokio's clock.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Starts a task of this scope. It should end when [`Runtime::stopping`] is cancelled.
    ///
    /// The future is boxed, so that the executor's code for a task is compiled once for every type
    /// of result and not for every future.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_boxed(Box::pin(task))
    }

    fn spawn_boxed<T: Send + 'static>(&self, task: BoxFuture<'static, T>) -> JoinHandle<T> {
        self.spawn_boxed_on(task, self.executors.as_ref().map(|all| &all.io))
    }

    /// As [`Runtime::spawn`], for work that computes, in slices: see [`Runtime::compute_slices`].
    pub fn spawn_compute<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_boxed_on(Box::pin(task), self.executors.as_ref().map(|all| &all.compute))
    }

    /// Waits until work of this task may compute.
    pub async fn compute_slices(&self) -> ComputeSlices {
        ComputeSlices::begin(&self.slices).await
    }

    /// As [`Runtime::spawn`], for what must never wait behind a request. It never computes for long
    /// and awaits nothing that a request may hold.
    pub fn spawn_vital<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_boxed_on(Box::pin(task), self.executors.as_ref().map(|all| &all.vital))
    }

    /// As [`Runtime::spawn`], for what seals and reads the logs of brokers that are gone: it must
    /// wait behind no request either, and takes long.
    pub fn spawn_seal<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_boxed_on(Box::pin(task), self.executors.as_ref().map(|all| &all.seal))
    }

    fn spawn_boxed_on<T: Send + 'static>(
        &self,
        task: BoxFuture<'static, T>,
        executor: Option<&Handle>,
    ) -> JoinHandle<T> {
        match executor {
            Some(executor) => self.tasks.spawn_on(task, executor),
            None => self.tasks.spawn(task),
        }
    }

    /// Runs blocking work on a thread kept for that, or, without threads, as a task.
    pub fn spawn_blocking<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_boxed_blocking(Box::new(work))
    }

    fn spawn_boxed_blocking<T: Send + 'static>(
        &self,
        work: Box<dyn FnOnce() -> T + Send>,
    ) -> JoinHandle<T> {
        if self.pace.is_none() {
            return match &self.executors {
                Some(all) => self.tasks.spawn_blocking_on(work, &all.io),
                None => self.tasks.spawn_blocking(work),
            };
        }
        let runtime = self.clone();
        self.spawn(async move {
            runtime.pace().await;
            work()
        })
    }

    /// Starts a dedicated thread, for work that blocks all the time, such as syncing a log. The
    /// caller joins it. Fails with `Unsupported` on one thread: start a task there.
    pub fn spawn_thread<F, T>(&self, name: &str, work: F) -> io::Result<thread::JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if self.is_on_one_thread() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        thread::Builder::new().name(name.to_owned()).spawn(work)
    }

    /// How many tasks of this scope have not ended.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// Cancelled when this scope, or one it was made from, stops.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Cancels [`Runtime::stopping`], without waiting for the tasks.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Stops the scope and waits until all its tasks have ended.
    pub async fn shutdown(&self) {
        self.stop();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
