//! The write-ahead log in a directory of local files.
//!
//! Two *appenders*, threads (tasks, where the runtime starts no threads), take turns: each waits for a
//! notification, makes sure there is space, has the open chunk built into its buffer, writes the
//! frame, syncs, and commits the chunk. One `fdatasync` per chunk, always; a chunk holds what
//! collected while those before were built and synced.
//!
//! - **One builds while the other writes**: chunk n + 1 is built, and has its number and its space,
//!   while n is written and synced, so that the disk need not wait for it. Only one chunk is built
//!   ahead, and only once as much is open as is being written: else what arrives during a sync shares
//!   the next one.
//! - **Space before number.** A chunk is built only when its frame fits into the current file or a
//!   spare one that is ready. The spare is made ahead of need, so that switching files costs nothing,
//!   and reused files were written before, so that `fdatasync` has no metadata to write. The file
//!   of the frame before may fail, and that frame take the spare; if there is no space for another
//!   file then, the chunk stalls.
//! - At most one frame is in flight, so at the start of the next epoch only the very last frame is
//!   in doubt: it is readable, but a sync of it may have failed just before. It is written again
//!   before anything else.
//! - When a chunk stalls, so does the one that was built ahead. Nothing more is built.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use milena_runtime::Runtime;
use milena_types::{BrokerEpoch, ChunkSeq};
use tokio::sync::{Mutex, MutexGuard, watch};

use crate::{
    disk::buffer::WriteBuffer,
    log::{
        backend::{ChunkSource, HeldEpoch, LogBackend, LogError},
        local::{
            directory::{AppendFile, LogDirectory},
            frame,
            frame_writer::{Frame, FrameWriter},
            wakeup::{BuilderStep, Wakeup},
        },
    },
};

const APPENDERS: usize = 2;

/// A buffer larger than this is freed when the chunk that needed it is committed.
const BUFFER_BYTES_KEPT: usize = 8 << 20;

/// A chunk is built ahead when this share of the longest chunk is open, and no less than is being
/// written: building less takes less time than a sync, and with smaller chunks the disk would do
/// less.
const BUILD_AHEAD_SHARE: usize = 32;

/// The write-ahead log of a broker epoch in a directory of local files. Dropping it seals it.
pub(crate) struct LocalLog {
    pub(super) shared: Arc<LogShared>,
    source: Arc<dyn ChunkSource>,
    frames: Arc<FrameWriter>,
    runtime: Runtime,
    threads: Vec<thread::JoinHandle<()>>,
}

#[derive(Debug)]
pub(super) struct LogShared {
    pub(super) directory: Arc<LogDirectory>,
    epoch: BrokerEpoch,
    wakeup: Wakeup,
    committed_end: AtomicU64,
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
            sealed: watch::Sender::new(None),
        });
        let frames = Arc::new(FrameWriter::new(shared.directory.clone()));
        let line = Arc::new(AppendLine {
            shared: shared.clone(),
            source: source.clone(),
            runtime: runtime.clone(),
            frames: frames.clone(),
            build: Mutex::new(BuildStage::default()),
            appenders: AtomicUsize::new(APPENDERS),
            panicked: AtomicBool::new(false),
        });
        line.frames.rewrite_last_chunk()?;
        line.frames.prepare_ahead();
        let threads = Vec::new();
        let mut log = Self { shared, source, frames, runtime: runtime.clone(), threads };
        for number in 0..APPENDERS {
            let appender = Appender { line: line.clone(), buffer: WriteBuffer::default() };
            if runtime.is_on_one_thread() {
                runtime.spawn(appender.run());
                continue;
            }
            let run = move || {
                appender.run().now_or_never().expect("a thread's waits block until they are over");
            };
            match runtime.spawn_thread(&format!("wal-{number}"), run) {
                Ok(thread) => log.threads.push(thread),
                Err(source) => {
                    // Those that run end when the log is dropped.
                    line.appenders.fetch_sub(APPENDERS - number, Ordering::AcqRel);
                    let path = log.shared.directory.config().dir.clone();
                    let action = "start the write-ahead log's threads";
                    return Err(LogError::Io { path, action, source });
                }
            }
        }
        Ok(Arc::new(log))
    }
}

#[async_trait]
impl LogBackend for LocalLog {
    fn epoch(&self) -> BrokerEpoch {
        self.shared.epoch
    }

    fn notify(&self) {
        self.shared.wakeup.notify(|| self.source.open_bytes());
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
        let frames = self.frames.clone();
        drop(self.runtime.spawn_blocking(move || frames.remove_free()));
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
        for thread in self.threads.drain(..) {
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join(); // Panics are caught and reported on the thread.
            }
        }
    }
}

/// The state that the appenders of a log share.
struct AppendLine {
    shared: Arc<LogShared>,
    source: Arc<dyn ChunkSource>,
    runtime: Runtime,
    frames: Arc<FrameWriter>,
    /// Held by the appender that builds, until it begins to write: so chunks are written in the order
    /// they were built.
    build: Mutex<BuildStage>,
    /// How many appenders have not ended.
    appenders: AtomicUsize,
    panicked: AtomicBool,
}

#[derive(Default)]
struct BuildStage {
    next: ChunkSeq,
    previous_checksum: u32,
    /// Whether the last chunk found no space. Logged once, not for every notification.
    refusing: bool,
}

/// Ends the epoch when a step of an appender panics, most likely in the source, before the other
/// appender goes on.
struct SealAtPanic<'a>(&'a Wakeup);

impl Drop for SealAtPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.start_sealing();
        }
    }
}

/// The state of one of the log's threads or tasks.
struct Appender {
    line: Arc<AppendLine>,
    buffer: WriteBuffer,
}

/// A chunk that was built into the appender's buffer.
struct BuiltFrame {
    frame: Frame,
    /// Its appends were failed because the chunk before stalled.
    failed: bool,
}

impl Appender {
    /// Commits until the epoch is sealed. A panic, most likely in the source, seals it too, so that
    /// nothing waits for ever.
    async fn run(mut self) {
        let ended = AssertUnwindSafe(self.commit_until_sealed()).catch_unwind().await;
        if ended.is_err() {
            self.line.panicked.store(true, Ordering::Release);
            self.line.shared.wakeup.start_sealing();
            tracing::error!(
                epoch = %self.line.shared.epoch,
                "a thread of the write-ahead log panicked: the broker epoch ends"
            );
        }
        if self.line.appenders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.line.end();
        }
    }

    async fn commit_until_sealed(&mut self) {
        let Self { line, buffer } = self;
        loop {
            let mut stage = line.build_stage().await;
            let seal_at_panic = SealAtPanic(&line.shared.wakeup);
            let Some(mut built) = line.build_next(&mut stage, buffer).await else { return };
            if !line.wait_to_write(&mut built).await {
                return;
            }
            // Before space is set aside for the next chunk, which goes behind it.
            let place = line.frames.place(buffer.len());
            drop(seal_at_panic);
            drop(stage);
            if !line.commit(&built, place, buffer).await {
                return;
            }
            line.frames.prepare_ahead();
            if buffer.memory_bytes() > BUFFER_BYTES_KEPT {
                *buffer = WriteBuffer::default();
            }
        }
    }
}

impl AppendLine {
    async fn build_stage(&self) -> MutexGuard<'_, BuildStage> {
        match self.runtime.is_on_one_thread() {
            true => self.build.lock().await,
            false => self.build.blocking_lock(),
        }
    }

    /// Waits until a chunk is to be built, and builds it into the buffer. `None`: the epoch is to be
    /// sealed.
    async fn build_next(
        &self,
        stage: &mut BuildStage,
        buffer: &mut WriteBuffer,
    ) -> Option<BuiltFrame> {
        let ahead_bytes_min = self.shared.directory.config().chunk_bytes_max / BUILD_AHEAD_SHARE;
        let wakeup = &self.shared.wakeup;
        loop {
            match wakeup.wait_for_open(ahead_bytes_min, || self.source.open_bytes()).await {
                BuilderStep::Proceed => {
                    if let Some(frame) = self.build(stage, buffer) {
                        return Some(BuiltFrame { frame, failed: false });
                    }
                }
                BuilderStep::Stall(seq) => {
                    seq.into_iter().for_each(|seq| self.source.fail_built(seq));
                    self.source.fail_open();
                }
                BuilderStep::Refuse => self.source.fail_open(),
                BuilderStep::Seal => return None,
            }
        }
    }

    /// Fails the appends of the open chunks, for which no file can be allocated: most often because
    /// the disk is full.
    fn refuse_open(&self, stage: &mut BuildStage, error: &LogError) {
        if !std::mem::replace(&mut stage.refusing, true) {
            tracing::error!(
                %error,
                "the write-ahead log cannot allocate a file; appends are refused"
            );
        }
        self.source.fail_open();
    }

    /// Builds the open chunk into the buffer. `None`: nothing is open, or there is no space.
    fn build(&self, stage: &mut BuildStage, buffer: &mut WriteBuffer) -> Option<Frame> {
        let next_bytes_max = self.source.next_bytes_max()?;
        if let Err(error) = self.frames.reserve_space(next_bytes_max) {
            self.refuse_open(stage, &error);
            return None;
        }
        if std::mem::take(&mut stage.refusing) {
            tracing::info!("the write-ahead log accepts appends again");
        }
        buffer.clear();
        buffer.grow(frame::HEADER_BYTES);
        if !self.source.build(stage.next, buffer) {
            return None;
        }
        let chunk_bytes = buffer.len() - frame::HEADER_BYTES;
        let chunk_bytes_max = self.shared.directory.config().chunk_bytes_max.max(next_bytes_max);
        assert!(
            chunk_bytes <= chunk_bytes_max,
            "a chunk of {chunk_bytes} bytes was built, {chunk_bytes_max} fit"
        );
        let frame =
            Frame::of_buffer(buffer, self.shared.epoch, stage.next, stage.previous_checksum);
        stage.previous_checksum = frame.chunk_checksum;
        stage.next = stage.next.next();
        Some(frame)
    }

    /// Waits until the frame before is durable. Returns `false` if the epoch is to be sealed.
    async fn wait_to_write(&self, built: &mut BuiltFrame) -> bool {
        let (bytes, wakeup) = (built.frame.chunk_bytes as usize, &self.shared.wakeup);
        loop {
            match wakeup.wait_to_write(bytes, || self.source.open_bytes()).await {
                BuilderStep::Proceed => return true,
                BuilderStep::Stall(seq) => {
                    seq.into_iter().for_each(|seq| self.source.fail_built(seq));
                    if !std::mem::replace(&mut built.failed, true) {
                        self.source.fail_built(built.frame.seq);
                    }
                    self.source.fail_open();
                }
                BuilderStep::Refuse => self.source.fail_open(),
                BuilderStep::Seal => return false,
            }
        }
    }

    /// Writes the frame in the buffer until it is durable, and commits its chunk. Returns `false` if
    /// the epoch is to be sealed first.
    async fn commit(
        &self,
        built: &BuiltFrame,
        place: Result<AppendFile, LogError>,
        buffer: &mut WriteBuffer,
    ) -> bool {
        let _seal_at_panic = SealAtPanic(&self.shared.wakeup);
        if !self.write_until_durable(built, place, buffer).await {
            return false;
        }
        let seq = built.frame.seq;
        self.shared.committed_end.store(seq.next().0, Ordering::Release);
        self.source.committed(seq);
        self.shared.wakeup.end_write();
        true
    }

    /// Writes the frame in the buffer until it is durable: first to `place`, then each time to
    /// another file, always the same bytes. Returns `false` if the epoch is to be sealed first.
    async fn write_until_durable(
        &self,
        built: &BuiltFrame,
        place: Result<AppendFile, LogError>,
        buffer: &mut WriteBuffer,
    ) -> bool {
        let (seq, wakeup) = (built.frame.seq, &self.shared.wakeup);
        let Err(error) = self.write(built.frame, place, buffer).await else { return true };
        // The second try is made at once: a single bad file should not delay the appends.
        tracing::warn!(%error, %seq, "a chunk is written again to another file");
        let mut stalled = false;
        while !wakeup.is_sealing() {
            let place = self.frames.place(buffer.len());
            let Err(error) = self.write(built.frame, place, buffer).await else {
                tracing::info!(%seq, "the chunk is durable");
                wakeup.end_stall(built.frame.chunk_bytes as usize);
                return true;
            };
            if !std::mem::replace(&mut stalled, true) {
                tracing::error!(%error, %seq, "a chunk cannot be made durable for now");
                wakeup.stall((!built.failed).then_some(seq));
            }
            wakeup.wait_to_retry(self.shared.directory.config().retry_delay).await;
        }
        false
    }

    /// Writes the frame in the buffer once and syncs the file. On failure the file is abandoned.
    async fn write(
        &self,
        frame: Frame,
        place: Result<AppendFile, LogError>,
        buffer: &mut WriteBuffer,
    ) -> Result<(), LogError> {
        let place = self.frames.write_unsynced(place?, frame, buffer)?;
        self.runtime.pace().await;
        self.frames.sync(frame, &place)
    }

    /// The last appender has ended.
    fn end(&self) {
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
        if !self.panicked.load(Ordering::Acquire) {
            self.frames.remove_free();
        }
    }
}
