//! The write-ahead log in a directory of local files.
//!
//! One thread (a task, where the runtime starts no threads) does it all: it waits for a ring, makes
//! sure there is room, has the open chunk built into its buffer, writes the frame, syncs, and
//! completes the chunk. One `fdatasync` a chunk, always; a chunk is all that collected
//! while the one before was synced.
//!
//! - **Room before number.** A chunk is built only when the longest possible frame fits into the
//!   current file or a spare one is ready. The spare is made ahead of need, so that a switch costs
//!   nothing, and files come out of use already written once, so that `fdatasync` has no metadata
//!   to write.
//! - **A file whose write or sync failed is given up**: never written, never synced again. The
//!   frame that was not acknowledged is written to another file: the same chunk, epoch, number and
//!   checksums under that file's id. Frames before it in the file given up are durable and stay
//!   where they are.
//! - One frame is in flight at a most, so at the start of the next epoch only the very last frame
//!   is in doubt: it is readable, but a sync of it may have failed just before. It is written again
//!   before anything else.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use milena_runtime::Runtime;
use milena_types::{BrokerEpoch, ChunkSeq};
use tokio::sync::watch;

use crate::{
    disk::{
        buffer::WriteBuffer,
        file_system::{BLOCK_BYTES, write_all_at},
    },
    log::{
        backend::{ChunkSource, HeldEpoch, WalError, WriteAheadLog},
        local::{
            directory::{AppendFile, Place, WalDirectory},
            frame,
            frame::FrameHeader,
            wakeup::Bell,
        },
    },
};

/// A buffer larger than this is given back when the chunk that needed it is committed.
const BUFFER_BYTES_KEPT: usize = 8 << 20;

/// The write-ahead log of a broker epoch in a directory of local files. Dropping it seals it.
pub struct LocalWal {
    shared: Arc<Shared>,
    runtime: Runtime,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    directory: Arc<WalDirectory>,
    epoch: BrokerEpoch,
    bell: Bell,
    committed_end: AtomicU64,
    /// The tail, once the epoch is sealed.
    sealed: watch::Sender<Option<ChunkSeq>>,
}

impl LocalWal {
    /// Starts a broker epoch in an open directory. Blocks while the last chunk found there is made
    /// durable.
    ///
    /// # Errors
    /// [`WalError::Sealed`] unless `epoch` is newer than every epoch in the directory;
    /// [`WalError::Full`], [`WalError::Io`].
    pub fn start(
        directory: Arc<WalDirectory>,
        epoch: BrokerEpoch,
        source: Arc<dyn ChunkSource>,
        runtime: &Runtime,
    ) -> Result<Arc<Self>, WalError> {
        if directory.held().last().is_some_and(|newest| newest.epoch >= epoch) {
            return Err(WalError::Sealed { epoch });
        }
        let shared = Arc::new(Shared {
            directory,
            epoch,
            bell: Bell::new(runtime.is_on_one_thread()),
            committed_end: AtomicU64::new(0),
            sealed: watch::Sender::new(None),
        });
        let mut appender = Appender::new(shared.clone(), source, runtime.clone());
        appender.frames.rewrite_last_chunk()?;
        appender.frames.keep_house();
        if runtime.is_on_one_thread() {
            runtime.spawn(appender.run());
            return Ok(Arc::new(Self { shared, runtime: runtime.clone(), thread: None }));
        }
        let run = move || {
            appender.run().now_or_never().expect("a thread's waits block until they are over")
        };
        let thread = runtime.spawn_thread("wal", run);
        let thread = thread.map_err(|source| WalError::Io {
            path: shared.directory.config().dir.clone(),
            action: "start the write-ahead log's thread",
            source,
        })?;
        Ok(Arc::new(Self { shared, runtime: runtime.clone(), thread: Some(thread) }))
    }

    /// The directory, for reading without a runtime.
    pub fn directory(&self) -> &Arc<WalDirectory> {
        &self.shared.directory
    }
}

#[async_trait]
impl WriteAheadLog for LocalWal {
    fn epoch(&self) -> BrokerEpoch {
        self.shared.epoch
    }

    fn ring(&self) {
        self.shared.bell.ring();
    }

    fn committed_end(&self) -> ChunkSeq {
        ChunkSeq(self.shared.committed_end.load(Ordering::Acquire))
    }

    fn held(&self) -> Vec<HeldEpoch> {
        self.shared.directory.held()
    }

    async fn read(&self, epoch: BrokerEpoch, seq: ChunkSeq) -> Result<Bytes, WalError> {
        let directory = self.shared.directory.clone();
        let read = self.runtime.spawn_blocking(move || directory.read(epoch, seq)).await;
        read.unwrap_or(Err(WalError::Sealed { epoch: self.shared.epoch })) // Only at shutdown.
    }

    async fn release(&self, epoch: BrokerEpoch, end: ChunkSeq) {
        self.shared.directory.release(epoch, end);
    }

    async fn seal(&self) -> ChunkSeq {
        self.shared.bell.start_sealing();
        let mut sealed = self.shared.sealed.subscribe();
        let end =
            sealed.wait_for(Option::is_some).await.expect("the sender lives as long as the log");
        end.expect("waited for it to be there")
    }
}

impl Drop for LocalWal {
    fn drop(&mut self) {
        self.shared.bell.start_sealing();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join(); // Panics are caught and reported on the thread.
        }
    }
}

/// Makes the newest chunk of a directory durable that no log runs in: a sync of it may have failed
/// just before, so that it can be read does not say that it is on disk. It is written again to
/// another file, as a start does.
///
/// # Errors
/// [`WalError::Full`], [`WalError::Io`], [`WalError::Damaged`].
pub(crate) fn make_newest_durable(directory: &Arc<WalDirectory>) -> Result<(), WalError> {
    let mut frames = FrameWriter::new(directory.clone());
    let outcome = frames.rewrite_last_chunk();
    frames.retire_files();
    outcome
}

/// What the log's thread owns.
struct Appender {
    shared: Arc<Shared>,
    source: Arc<dyn ChunkSource>,
    runtime: Runtime,
    frames: FrameWriter,
    next: ChunkSeq,
    previous_checksum: u32,
    /// Whether the last ring found no room. Logged once, not for every ring.
    refusing: bool,
}

/// Writes frames into the directory's files.
struct FrameWriter {
    directory: Arc<WalDirectory>,
    current: Option<AppendFile>,
    spare: Option<AppendFile>,
    buffer: WriteBuffer,
}

/// The chunk in the buffer, framed for a file.
#[derive(Clone, Copy)]
struct Frame {
    epoch: BrokerEpoch,
    seq: ChunkSeq,
    previous_checksum: u32,
    chunk_bytes: u32,
    chunk_checksum: u32,
}

impl Appender {
    fn new(shared: Arc<Shared>, source: Arc<dyn ChunkSource>, runtime: Runtime) -> Self {
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

    /// Commits until the epoch is sealed. A panic, of the source's code most likely, seals it too:
    /// nobody waits for ever.
    async fn run(mut self) {
        let ended = AssertUnwindSafe(self.commit_until_sealed()).catch_unwind().await;
        if ended.is_err() {
            tracing::error!(epoch = %self.shared.epoch, "the write-ahead log's thread panicked: the broker epoch ends");
        }
        self.frames.retire_files();
        let end = ChunkSeq(self.shared.committed_end.load(Ordering::Acquire));
        let told = panic::catch_unwind(AssertUnwindSafe(|| self.source.sealed(end)));
        if told.is_err() {
            tracing::error!(epoch = %self.shared.epoch, "whoever waits for the write-ahead log was not told of its end");
        }
        self.shared.sealed.send_replace(Some(end));
        if ended.is_ok() {
            self.shared.directory.remove_free();
        }
    }

    async fn commit_until_sealed(&mut self) {
        while self.shared.bell.wait_for_ring().await {
            while self.commit_next().await {
                if self.shared.bell.is_sealing() {
                    return;
                }
            }
        }
    }

    /// Builds and commits one chunk. `false`: nothing is open, or nothing can be built or committed
    /// now.
    async fn commit_next(&mut self) -> bool {
        if let Err(error) = self.frames.make_room() {
            if !std::mem::replace(&mut self.refusing, true) {
                tracing::error!(%error, "the write-ahead log takes nothing for now");
            }
            self.source.refused(&error);
            return false;
        }
        if std::mem::take(&mut self.refusing) {
            tracing::info!("the write-ahead log goes on");
        }
        let buffer = &mut self.frames.buffer;
        buffer.clear();
        buffer.grow(frame::HEADER_BYTES);
        if !self.source.build(self.next, buffer) {
            return false;
        }
        let chunk_bytes = buffer.len() - frame::HEADER_BYTES;
        let chunk_bytes_max = self.shared.directory.config().chunk_bytes_max;
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
        self.frames.keep_house();
        true
    }

    /// Writes the frame in the buffer until it is durable; each time to another file, always the
    /// same bytes. `false`: the epoch is to be sealed, and the frame is given up.
    async fn write_until_durable(&mut self, frame: Frame) -> bool {
        let Err(error) = self.write(frame).await else { return true };
        // The second try is made at once: one bad file is no reason to keep anybody waiting.
        tracing::warn!(%error, seq = %frame.seq, "a chunk is written again to another file");
        let mut stalled = false;
        while !self.shared.bell.is_sealing() {
            let Err(error) = self.write(frame).await else {
                tracing::info!(seq = %frame.seq, "the chunk is durable");
                return true;
            };
            let rung = self.shared.bell.take_ring();
            let first = !std::mem::replace(&mut stalled, true);
            if first {
                tracing::error!(%error, seq = %frame.seq, "a chunk cannot be made durable for now");
                self.source.stalled(frame.seq, &error);
            }
            // What is behind it may have rung together with it.
            if first || rung {
                self.source.refused(&error);
            }
            self.shared.bell.wait_to_retry(self.shared.directory.config().retry_delay).await;
        }
        false
    }

    /// Writes the frame in the buffer once and syncs the file. On failure the file is given up.
    async fn write(&mut self, frame: Frame) -> Result<(), WalError> {
        self.frames.write_unsynced(frame)?;
        self.runtime.pace().await;
        self.frames.sync(frame)
    }
}

impl FrameWriter {
    fn new(directory: Arc<WalDirectory>) -> Self {
        Self { directory, current: None, spare: None, buffer: WriteBuffer::default() }
    }

    /// Makes sure that the longest frame has a place.
    fn make_room(&mut self) -> Result<(), WalError> {
        let longest = self.directory.config().frame_bytes_max();
        if self.room() < longest && self.spare.is_none() {
            self.spare = Some(self.directory.take_file()?);
        }
        Ok(())
    }

    /// What fits into the current file.
    fn room(&self) -> u64 {
        let file_bytes = self.directory.config().file_bytes;
        self.current.as_ref().map_or(0, |current| file_bytes - current.position)
    }

    /// What can be done ahead, while nobody waits for it.
    fn keep_house(&mut self) {
        let directory = &self.directory;
        if self.room() < directory.config().file_bytes / 2 && self.spare.is_none() {
            // If there is no room, there may be when it is needed.
            self.spare = directory.take_file().ok();
        }
        directory.remove_surplus();
        if self.buffer.memory_bytes() > BUFFER_BYTES_KEPT {
            self.buffer = WriteBuffer::default();
        }
    }

    /// Describes the chunk that stands in the buffer after room for a header, and pads it to whole
    /// blocks.
    fn frame_of_buffer(
        &mut self,
        epoch: BrokerEpoch,
        seq: ChunkSeq,
        previous_checksum: u32,
    ) -> Frame {
        let chunk = &self.buffer.as_slice()[frame::HEADER_BYTES..];
        let chunk_bytes = u32::try_from(chunk.len()).expect("a chunk is below 4 GiB");
        let chunk_checksum = crc32c::crc32c(chunk);
        self.buffer.pad_to(BLOCK_BYTES);
        Frame { epoch, seq, previous_checksum, chunk_bytes, chunk_checksum }
    }

    /// Writes the frame in the buffer into a file with room for it. On failure the file is given
    /// up.
    fn write_unsynced(&mut self, frame: Frame) -> Result<(), WalError> {
        if self.room() < self.buffer.len() as u64 {
            self.switch_file()?;
        }
        let current = self.current.as_mut().expect("there is room, so there is a file");
        let header = FrameHeader {
            file: current.id,
            epoch: frame.epoch,
            seq: frame.seq,
            previous_checksum: frame.previous_checksum,
            chunk_bytes: frame.chunk_bytes,
            chunk_checksum: frame.chunk_checksum,
        };
        self.buffer.as_mut_slice()[..frame::HEADER_BYTES].copy_from_slice(&header.encode());
        let written = write_all_at(&*current.file, self.buffer.as_slice(), current.position);
        written.map_err(|source| self.give_up_current("write to it", source))
    }

    /// Makes the frame just written durable. On failure the file is given up.
    fn sync(&mut self, frame: Frame) -> Result<(), WalError> {
        let current = self.current.as_mut().expect("the frame was written to it");
        current.file.sync().map_err(|source| self.give_up_current("sync it", source))?;
        let current = self.current.as_mut().expect("the frame was written to it");
        let (file, position) = (current.id, current.position);
        current.position += self.buffer.len() as u64;
        let (chunk_bytes, chunk_checksum) = (frame.chunk_bytes, frame.chunk_checksum);
        let place = Place { file, position, chunk_bytes, chunk_checksum };
        self.directory.note_chunk(frame.epoch, frame.seq, place);
        Ok(())
    }

    fn switch_file(&mut self) -> Result<(), WalError> {
        let next = match self.spare.take() {
            Some(spare) => spare,
            None => self.directory.take_file()?,
        };
        if let Some(full) = self.current.replace(next) {
            self.directory.retire_file(full.id, true);
        }
        Ok(())
    }

    /// Nothing more is written.
    fn retire_files(&mut self) {
        for file in [self.current.take(), self.spare.take()].into_iter().flatten() {
            self.directory.retire_file(file.id, true);
        }
    }

    fn give_up_current(&mut self, action: &'static str, source: io::Error) -> WalError {
        let failed = self.current.take().expect("a file that failed is the current one");
        self.directory.retire_file(failed.id, false);
        self.directory.remove_surplus();
        WalError::Io { path: self.directory.path(failed.id), action, source }
    }

    /// Writes the newest chunk found in the directory again: that it can be read does not say that
    /// it is on disk.
    fn rewrite_last_chunk(&mut self) -> Result<(), WalError> {
        let Some((epoch, seq, place)) = self.directory.last_chunk() else { return Ok(()) };
        let chunk = self.directory.read(epoch, seq)?;
        self.buffer.grow(frame::HEADER_BYTES);
        self.buffer.extend(&chunk);
        let previous_checksum = self.directory.previous_checksum(place)?;
        let frame = self.frame_of_buffer(epoch, seq, previous_checksum);
        let mut again = || self.write_unsynced(frame).and_then(|()| self.sync(frame));
        again().or_else(|_| again())
    }
}
