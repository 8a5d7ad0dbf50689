//! The write-ahead log in a directory of local files.
//!
//! One thread (a task, where the runtime starts no threads) does all of it: it waits for a
//! notification, makes sure there is space, has the open chunk built into its buffer, writes the
//! frame, syncs, and commits the chunk. One `fdatasync` per chunk, always; a chunk holds what
//! collected while the one before was synced.
//!
//! - **Space before number.** A chunk is built only when its frame fits into the current file or a
//!   spare one that is ready. The spare is made ahead of need, so that switching files costs nothing,
//!   and reused files were written before, so that `fdatasync` has no metadata to write.
//! - At most one frame is in flight, so at the start of the next epoch only the very last frame is
//!   in doubt: it is readable, but a sync of it may have failed just before. It is written again
//!   before anything else.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use milena_runtime::Runtime;
use milena_types::{BrokerEpoch, ChunkSeq};
use tokio::sync::watch;

use crate::log::{
    backend::{ChunkSource, HeldEpoch, LogBackend, LogError},
    local::{
        directory::LogDirectory,
        frame,
        frame_writer::{Frame, FrameWriter},
        wakeup::Wakeup,
    },
};

/// The write-ahead log of a broker epoch in a directory of local files. Dropping it seals it.
pub(crate) struct LocalLog {
    pub(super) shared: Arc<LogShared>,
    runtime: Runtime,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
pub(super) struct LogShared {
    pub(super) directory: Arc<LogDirectory>,
    epoch: BrokerEpoch,
    wakeup: Wakeup,
    committed_end: AtomicU64,
    /// Free files are to be removed. The log's thread does it: they go in the order of their ids.
    gives_back: AtomicBool,
    /// The tail, once the epoch is sealed.
    sealed: watch::Sender<Option<ChunkSeq>>,
}

impl LocalLog {
    /// Starts a broker epoch in an open directory. Blocks while the last chunk found there is made
    /// durable.
    ///
    /// # Errors
    /// [`LogError::Sealed`] unless `epoch` is newer than every epoch in the directory;
    /// [`LogError::Full`], [`LogError::Io`].
    pub(crate) fn start(
        directory: Arc<LogDirectory>,
        epoch: BrokerEpoch,
        source: Arc<dyn ChunkSource>,
        runtime: &Runtime,
    ) -> Result<Arc<Self>, LogError> {
        if directory.held().last().is_some_and(|newest| newest.epoch >= epoch) {
            return Err(LogError::Sealed { epoch });
        }
        let shared = Arc::new(LogShared {
            directory,
            epoch,
            wakeup: Wakeup::new(runtime.is_on_one_thread()),
            committed_end: AtomicU64::new(0),
            gives_back: AtomicBool::new(false),
            sealed: watch::Sender::new(None),
        });
        let mut appender = Appender::new(shared.clone(), source, runtime.clone());
        appender.frames.rewrite_last_chunk()?;
        appender.frames.prepare_ahead();
        if runtime.is_on_one_thread() {
            runtime.spawn(appender.run());
            return Ok(Arc::new(Self { shared, runtime: runtime.clone(), thread: None }));
        }
        let run = move || {
            appender.run().now_or_never().expect("a thread's waits block until they are over");
        };
        let thread = runtime.spawn_thread("wal", run);
        let thread = thread.map_err(|source| LogError::Io {
            path: shared.directory.config().dir.clone(),
            action: "start the write-ahead log's thread",
            source,
        })?;
        Ok(Arc::new(Self { shared, runtime: runtime.clone(), thread: Some(thread) }))
    }
}

#[async_trait]
impl LogBackend for LocalLog {
    fn epoch(&self) -> BrokerEpoch {
        self.shared.epoch
    }

    fn notify(&self) {
        self.shared.wakeup.notify();
    }

    fn committed_end(&self) -> ChunkSeq {
        ChunkSeq(self.shared.committed_end.load(Ordering::Acquire))
    }

    fn held(&self) -> Vec<HeldEpoch> {
        self.shared.directory.held()
    }

    async fn read(&self, epoch: BrokerEpoch, seq: ChunkSeq) -> Result<Bytes, LogError> {
        let directory = self.shared.directory.clone();
        let read = self.runtime.spawn_blocking(move || directory.read(epoch, seq)).await;
        read.unwrap_or(Err(LogError::Sealed { epoch: self.shared.epoch })) // Only at shutdown.
    }

    async fn release(&self, epoch: BrokerEpoch, end: ChunkSeq) {
        self.shared.directory.release(epoch, end);
    }

    fn give_back_space(&self) {
        self.shared.gives_back.store(true, Ordering::Release);
        self.shared.wakeup.notify();
    }

    async fn seal(&self) -> ChunkSeq {
        self.shared.wakeup.start_sealing();
        let mut sealed = self.shared.sealed.subscribe();
        let end =
            sealed.wait_for(Option::is_some).await.expect("the sender lives as long as the log");
        end.expect("waited for it to be there")
    }
}

impl Drop for LocalLog {
    fn drop(&mut self) {
        self.shared.wakeup.start_sealing();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join(); // Panics are caught and reported on the thread.
        }
    }
}

/// The state of the log's thread.
struct Appender {
    shared: Arc<LogShared>,
    source: Arc<dyn ChunkSource>,
    runtime: Runtime,
    frames: FrameWriter,
    next: ChunkSeq,
    previous_checksum: u32,
    /// Whether the last notification found no space. Logged once, not for every notification.
    refusing: bool,
}

impl Appender {
    fn new(shared: Arc<LogShared>, source: Arc<dyn ChunkSource>, runtime: Runtime) -> Self {
        let frames = FrameWriter::new(shared.directory.clone());
        Self {
            shared,
            source,
            runtime,
            frames,
            next: ChunkSeq(0),
            previous_checksum: 0,
            refusing: false,
        }
    }

    /// Commits until the epoch is sealed. A panic, most likely in the source, seals it too, so that
    /// nothing waits for ever.
    async fn run(mut self) {
        let ended = AssertUnwindSafe(self.commit_until_sealed()).catch_unwind().await;
        if ended.is_err() {
            tracing::error!(
                epoch = %self.shared.epoch,
                "the write-ahead log's thread panicked: the broker epoch ends"
            );
        }
        self.frames.retire_files();
        let end = ChunkSeq(self.shared.committed_end.load(Ordering::Acquire));
        let told = panic::catch_unwind(AssertUnwindSafe(|| self.source.sealed(end)));
        if told.is_err() {
            tracing::error!(
                epoch = %self.shared.epoch,
                "the appends that wait for the write-ahead log were not failed at its end"
            );
        }
        self.shared.sealed.send_replace(Some(end));
        if ended.is_ok() {
            self.shared.directory.remove_free();
        }
    }

    async fn commit_until_sealed(&mut self) {
        while self.shared.wakeup.wait().await {
            self.give_back_space();
            while self.commit_next().await {
                self.give_back_space();
                if self.shared.wakeup.is_sealing() {
                    return;
                }
            }
        }
    }

    /// Removes the free files, if others need their space.
    fn give_back_space(&self) {
        if self.shared.gives_back.swap(false, Ordering::AcqRel) {
            self.shared.directory.remove_free();
        }
    }

    /// Fails the appends of the open chunks, for which no file can be allocated: most often because
    /// the disk is full.
    fn refuse_open(&mut self, error: &LogError) {
        if !std::mem::replace(&mut self.refusing, true) {
            tracing::error!(
                %error,
                "the write-ahead log cannot allocate a file; appends are refused"
            );
        }
        self.source.fail_open();
    }

    /// Builds and commits one chunk. Returns `false` if nothing is open, or nothing can be built or
    /// committed now.
    async fn commit_next(&mut self) -> bool {
        let Some(next_bytes_max) = self.source.next_bytes_max() else { return false };
        if let Err(error) = self.frames.reserve_space(next_bytes_max) {
            self.refuse_open(&error);
            return false;
        }
        if std::mem::take(&mut self.refusing) {
            tracing::info!("the write-ahead log accepts appends again");
        }
        let buffer = &mut self.frames.buffer;
        buffer.clear();
        buffer.grow(frame::HEADER_BYTES);
        if !self.source.build(self.next, buffer) {
            return false;
        }
        let chunk_bytes = buffer.len() - frame::HEADER_BYTES;
        let chunk_bytes_max = self.shared.directory.config().chunk_bytes_max.max(next_bytes_max);
        assert!(
            chunk_bytes <= chunk_bytes_max,
            "a chunk of {chunk_bytes} bytes was built, {chunk_bytes_max} fit"
        );
        let frame =
            self.frames.frame_of_buffer(self.shared.epoch, self.next, self.previous_checksum);
        if !self.write_until_durable(frame).await {
            return false;
        }
        self.previous_checksum = frame.chunk_checksum;
        self.next = self.next.next();
        self.shared.committed_end.store(self.next.0, Ordering::Release);
        self.source.committed(frame.seq);
        self.frames.prepare_ahead();
        true
    }

    /// Writes the frame in the buffer until it is durable: each time to another file, always the
    /// same bytes. Returns `false` if the epoch is to be sealed first.
    async fn write_until_durable(&mut self, frame: Frame) -> bool {
        let Err(error) = self.write(frame).await else { return true };
        // The second try is made at once: a single bad file should not delay the appends.
        tracing::warn!(%error, seq = %frame.seq, "a chunk is written again to another file");
        let mut stalled = false;
        while !self.shared.wakeup.is_sealing() {
            let Err(error) = self.write(frame).await else {
                tracing::info!(seq = %frame.seq, "the chunk is durable");
                return true;
            };
            let notified = self.shared.wakeup.take_notification();
            let first = !std::mem::replace(&mut stalled, true);
            if first {
                tracing::error!(%error, seq = %frame.seq, "a chunk cannot be made durable for now");
                self.source.fail_built(frame.seq);
            }
            // Later chunks may have been announced together with it.
            if first || notified {
                self.source.fail_open();
            }
            self.shared.wakeup.wait_to_retry(self.shared.directory.config().retry_delay).await;
        }
        false
    }

    /// Writes the frame in the buffer once and syncs the file. On failure the file is abandoned.
    async fn write(&mut self, frame: Frame) -> Result<(), LogError> {
        self.frames.write_unsynced(frame)?;
        self.runtime.pace().await;
        self.frames.sync(frame)
    }
}
