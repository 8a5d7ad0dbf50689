//! The process's threads: an executor for each kind of task.

use std::{io, thread::available_parallelism};

use tokio::runtime::{Builder, Runtime};

/// The executors of a process.
pub(crate) struct Executors {
    io: Runtime,
    compute: Runtime,
    compute_slices: usize,
    vital: Runtime,
    seal: Runtime,
}

impl Executors {
    /// `threads` for connections; by default as many as there are processors.
    pub(crate) fn start(threads: Option<usize>) -> io::Result<Self> {
        let processors = || available_parallelism().map_or(1, usize::from);
        let threads = threads.unwrap_or_else(processors);
        // One processor is left to those who wait for a response to something small.
        let compute_slices = threads.saturating_sub(1).max(1);
        Ok(Self {
            io: start("milena", threads)?,
            compute: start("compute", compute_slices)?,
            compute_slices,
            vital: start("vital", 1)?,
            seal: start("seal", 1)?,
        })
    }

    pub(crate) fn handles(&self) -> milena_runtime::Executors {
        milena_runtime::Executors {
            io: self.io.handle().clone(),
            compute: self.compute.handle().clone(),
            compute_slices: self.compute_slices,
            vital: self.vital.handle().clone(),
            seal: self.seal.handle().clone(),
        }
    }

    /// Runs `main` to its end on this thread. What has not ended by then holds nothing that must
    /// last.
    pub(crate) fn run<T>(self, main: impl Future<Output = T>) -> T {
        let outcome = self.io.block_on(main);
        for executor in [self.io, self.compute, self.vital, self.seal] {
            executor.shutdown_background();
        }
        outcome
    }
}

fn start(name: &str, threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(threads).enable_all().thread_name(name).build()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn vital_tasks_run_while_all_else_computes() {
        let executors = Executors::start(Some(1)).unwrap();
        let runtime = milena_runtime::Runtime::system().with_executors(executors.handles());
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        let (ended, has_ended) = std::sync::mpsc::channel();
        let blocked = std::sync::Arc::new(std::sync::Mutex::new(is_done));
        let busy = |ended: std::sync::mpsc::Sender<()>| {
            let blocked = blocked.clone();
            async move {
                // Holds its thread until the test says so.
                let _ = blocked.lock().unwrap().recv_timeout(Duration::from_secs(60));
                ended.send(()).unwrap();
            }
        };
        let tasks = [
            runtime.spawn(busy(ended.clone())),
            runtime.spawn_compute(busy(ended.clone())),
            runtime.spawn_seal(busy(ended)),
        ];
        let renewed = executors.vital.block_on(async {
            let renewal = async { std::thread::current().name().map(str::to_owned) };
            tokio::time::timeout(Duration::from_secs(30), runtime.spawn_vital(renewal)).await
        });
        assert_eq!(renewed.unwrap().unwrap().as_deref(), Some("vital"));
        assert!(has_ended.try_recv().is_err(), "the others still run");
        for _ in 0..3 {
            done.send(()).unwrap();
        }
        executors.run(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}
