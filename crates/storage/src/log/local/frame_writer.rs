//! Writing frames into the files of a write-ahead directory.
//!
//! A file whose write or sync failed is abandoned: never written, never synced again. The frame
//! that was not acknowledged is written to another file: the same chunk, epoch, number and
//! checksums under that file's id. Frames before it in the abandoned file are durable and stay
//! where they are.

use std::{io, sync::Arc};

use milena_types::{BrokerEpoch, ChunkSeq};

use crate::{
    disk::{
        buffer::WriteBuffer,
        file_system::{BLOCK_BYTES, write_all_at},
    },
    log::{
        backend::LogError,
        local::{
            directory::{AppendFile, LogDirectory},
            frame,
            frame::{ChunkLocation, FrameHeader},
        },
    },
};

/// A buffer larger than this is freed when the chunk that needed it is committed.
const BUFFER_BYTES_KEPT: usize = 8 << 20;

/// Makes the newest chunk of a directory durable in which no log runs. A sync of it may have failed
/// just before, so reading it does not prove that it is on disk. It is written again to another
/// file, as at a start.
///
/// # Errors
/// [`LogError::Full`], [`LogError::Io`], [`LogError::Damaged`].
pub(crate) fn make_newest_durable(directory: &Arc<LogDirectory>) -> Result<(), LogError> {
    let mut frames = FrameWriter::new(directory.clone());
    let outcome = frames.rewrite_last_chunk();
    frames.retire_files();
    outcome
}

/// Writes frames into the directory's files.
pub(super) struct FrameWriter {
    directory: Arc<LogDirectory>,
    current: Option<AppendFile>,
    spare: Option<AppendFile>,
    pub(super) buffer: WriteBuffer,
}

/// The chunk in the buffer, framed for a file.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) epoch: BrokerEpoch,
    pub(super) seq: ChunkSeq,
    previous_checksum: u32,
    chunk_bytes: u32,
    pub(super) chunk_checksum: u32,
}

impl FrameWriter {
    pub(super) fn new(directory: Arc<LogDirectory>) -> Self {
        Self { directory, current: None, spare: None, buffer: WriteBuffer::default() }
    }

    /// Makes sure that the frame of a chunk of `chunk_bytes` fits.
    pub(super) fn reserve_space(&mut self, chunk_bytes: usize) -> Result<(), LogError> {
        let frame = frame::frame_bytes(chunk_bytes);
        let fits = self.bytes_left() >= frame;
        if fits || self.spare.as_ref().is_some_and(|spare| spare.bytes >= frame) {
            return Ok(());
        }
        self.take_spare(frame)
    }

    /// Takes a file of at least `bytes` ahead. One that was taken before is given back: files get
    /// their frames in the order of their ids.
    fn take_spare(&mut self, bytes: u64) -> Result<(), LogError> {
        if let Some(short) = self.spare.take() {
            self.directory.retire_file(short.id, true);
        }
        self.spare = Some(self.directory.take_file(bytes)?);
        Ok(())
    }

    /// The bytes that fit into the current file.
    fn bytes_left(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.bytes - current.position)
    }

    /// Prepares a spare file and removes surplus ones, while no append waits.
    pub(super) fn prepare_ahead(&mut self) {
        let directory = &self.directory;
        let half = self.current.as_ref().map_or(1, |current| current.bytes / 2);
        if self.bytes_left() < half && self.spare.is_none() {
            // If there is no space now, there may be when it is needed.
            self.spare = directory.take_file(0).ok();
        }
        directory.remove_surplus();
        if self.buffer.memory_bytes() > BUFFER_BYTES_KEPT {
            self.buffer = WriteBuffer::default();
        }
    }

    /// Describes the chunk in the buffer, which follows space for a header, and pads it to whole
    /// blocks.
    pub(super) fn frame_of_buffer(
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

    /// Writes the frame in the buffer into a file where it fits. On failure the file is abandoned.
    pub(super) fn write_unsynced(&mut self, frame: Frame) -> Result<(), LogError> {
        let bytes = self.buffer.len() as u64;
        if self.bytes_left() < bytes {
            self.switch_file(bytes)?;
        }
        self.write_to_current(frame)
    }

    /// The current file has room for the frame.
    fn write_to_current(&mut self, frame: Frame) -> Result<(), LogError> {
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
        written.map_err(|source| self.abandon_current("write to it", source))
    }

    /// Makes the frame just written durable. On failure the file is abandoned.
    pub(super) fn sync(&mut self, frame: Frame) -> Result<(), LogError> {
        let current = self.current.as_mut().expect("the frame was written to it");
        current.file.sync().map_err(|source| self.abandon_current("sync it", source))?;
        let current = self.current.as_mut().expect("the frame was written to it");
        let (file, position) = (current.id, current.position);
        current.position += self.buffer.len() as u64;
        let (chunk_bytes, chunk_checksum) = (frame.chunk_bytes, frame.chunk_checksum);
        let place = ChunkLocation { file, position, chunk_bytes, chunk_checksum };
        self.directory.note_chunk(frame.epoch, frame.seq, place);
        Ok(())
    }

    /// Goes on to a file of at least `bytes`.
    fn switch_file(&mut self, bytes: u64) -> Result<(), LogError> {
        if self.spare.as_ref().is_none_or(|spare| spare.bytes < bytes) {
            self.take_spare(bytes)?;
        }
        let Some(next) = self.spare.take() else { return Ok(()) };
        if let Some(full) = self.current.replace(next) {
            self.directory.retire_file(full.id, true);
        }
        Ok(())
    }

    /// Ends writing: the files are not appended to any more.
    pub(super) fn retire_files(&mut self) {
        for file in [self.current.take(), self.spare.take()].into_iter().flatten() {
            self.directory.retire_file(file.id, true);
        }
    }

    fn abandon_current(&mut self, action: &'static str, source: io::Error) -> LogError {
        let failed = self.current.take().expect("a file that failed is the current one");
        self.directory.retire_file(failed.id, false);
        self.directory.remove_surplus();
        LogError::Io { path: self.directory.path(failed.id), action, source }
    }

    /// Writes the newest chunk of the directory again: reading it does not prove that it is on
    /// disk.
    pub(super) fn rewrite_last_chunk(&mut self) -> Result<(), LogError> {
        let Some((epoch, seq, place)) = self.directory.last_chunk() else { return Ok(()) };
        let chunk = self.directory.read(epoch, seq)?;
        self.buffer.grow(frame::HEADER_BYTES);
        self.buffer.extend(&chunk);
        let previous_checksum = self.directory.previous_checksum(place)?;
        let frame = self.frame_of_buffer(epoch, seq, previous_checksum);
        let mut again = || self.write_unsynced(frame).and_then(|()| self.sync(frame));
        match again().or_else(|_| again()) {
            // The log can be read and flushed without space to append to it.
            Err(LogError::Full { .. }) => match self.write_alone(frame) {
                Err(LogError::Full { .. }) => self.write_in_place(frame, place),
                outcome => outcome,
            },
            outcome => outcome,
        }
    }

    /// Writes the frame in the buffer where it is already, which makes its pages dirty again: the
    /// same bytes, so that a write which is cut short leaves the frame whole.
    fn write_in_place(&mut self, frame: Frame, place: ChunkLocation) -> Result<(), LogError> {
        let file = self.directory.file(place);
        if let Some(before) = self.current.replace(file) {
            self.directory.retire_file(before.id, true);
        }
        self.write_to_current(frame)?;
        self.sync(frame)?;
        let file = self.current.take().expect("the frame was written to it");
        self.directory.retire_file(file.id, true);
        Ok(())
    }

    /// Writes the frame in the buffer into a file that has room for nothing else.
    fn write_alone(&mut self, frame: Frame) -> Result<(), LogError> {
        let file = self.directory.take_small_file(self.buffer.len() as u64)?;
        if let Some(before) = self.current.replace(file) {
            self.directory.retire_file(before.id, true);
        }
        self.write_to_current(frame)?;
        self.sync(frame)?;
        let file = self.current.take().expect("the frame was written to it");
        self.directory.retire_file(file.id, false);
        Ok(())
    }
}
