//! Writing frames into the files of a write-ahead directory.
//!
//! A file whose write or sync failed is abandoned: never written, never synced again. The frame
//! that was not acknowledged is written to another file: the same chunk, epoch, number and
//! checksums under that file's id. Frames before it in the abandoned file are durable and stay
//! where they are.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

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

/// Makes the newest chunk of a directory durable in which no log runs. A sync of it may have failed
/// just before, so reading it does not prove that it is on disk. It is written again to another
/// file, as at a start.
///
/// # Errors
/// [`LogError::Full`], [`LogError::Io`], [`LogError::Damaged`].
pub(crate) fn make_newest_durable(directory: &Arc<LogDirectory>) -> Result<(), LogError> {
    let frames = FrameWriter::new(directory.clone());
    let outcome = frames.rewrite_last_chunk();
    frames.retire_files();
    outcome
}

/// Writes frames into the directory's files. One frame is written at a time; meanwhile space may be
/// reserved for the next.
pub(super) struct FrameWriter {
    directory: Arc<LogDirectory>,
    files: Mutex<AppendFiles>,
}

#[derive(Default)]
struct AppendFiles {
    /// Its position is behind the frame that is being written.
    current: Option<AppendFile>,
    spare: Option<AppendFile>,
}

/// The description of a chunk's frame.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) epoch: BrokerEpoch,
    pub(super) seq: ChunkSeq,
    previous_checksum: u32,
    pub(super) chunk_bytes: u32,
    pub(super) chunk_checksum: u32,
}

impl Frame {
    /// Describes the chunk in the buffer, which follows space for a header, and pads it to whole
    /// blocks.
    pub(super) fn of_buffer(
        buffer: &mut WriteBuffer,
        epoch: BrokerEpoch,
        seq: ChunkSeq,
        previous_checksum: u32,
    ) -> Self {
        let chunk = &buffer.as_slice()[frame::HEADER_BYTES..];
        let chunk_bytes = u32::try_from(chunk.len()).expect("a chunk is below 4 GiB");
        let chunk_checksum = crc32c::crc32c(chunk);
        buffer.pad_to(BLOCK_BYTES);
        Self { epoch, seq, previous_checksum, chunk_bytes, chunk_checksum }
    }
}

impl AppendFiles {
    /// The bytes that fit into the current file.
    fn bytes_left(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.bytes - current.position)
    }

    /// Takes a file of at least `bytes` ahead. One that was taken before is given back: files get
    /// their frames in the order of their ids.
    fn take_spare(&mut self, directory: &LogDirectory, bytes: u64) -> Result<(), LogError> {
        if let Some(short) = self.spare.take() {
            directory.retire_file(short.id, true);
        }
        self.spare = Some(directory.take_file(bytes)?);
        Ok(())
    }

    /// Goes on to a file of at least `bytes`.
    fn switch(&mut self, directory: &LogDirectory, bytes: u64) -> Result<(), LogError> {
        if self.spare.as_ref().is_none_or(|spare| spare.bytes < bytes) {
            self.take_spare(directory, bytes)?;
        }
        let Some(next) = self.spare.take() else { return Ok(()) };
        self.replace_current(directory, next);
        Ok(())
    }

    fn replace_current(&mut self, directory: &LogDirectory, next: AppendFile) {
        if let Some(before) = self.current.replace(next) {
            directory.retire_file(before.id, true);
        }
    }

    /// Where the next frame, of so many bytes, is written. The current file has room for it.
    fn place(&mut self, bytes: u64) -> AppendFile {
        let current = self.current.as_mut().expect("there is room, so there is a file");
        let place = current.clone();
        current.position += bytes;
        place
    }
}

impl FrameWriter {
    pub(super) fn new(directory: Arc<LogDirectory>) -> Self {
        Self { directory, files: Mutex::default() }
    }

    /// Held whenever a file is made, used again or removed: the directory's files have to be in the
    /// order of their ids.
    fn files(&self) -> MutexGuard<'_, AppendFiles> {
        // After a panic they are only retired.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that the frame of a chunk of `chunk_bytes` fits behind the one that is being
    /// written.
    pub(super) fn reserve_space(&self, chunk_bytes: usize) -> Result<(), LogError> {
        let frame = frame::frame_bytes(chunk_bytes);
        let mut files = self.files();
        let fits = files.bytes_left() >= frame;
        if fits || files.spare.as_ref().is_some_and(|spare| spare.bytes >= frame) {
            return Ok(());
        }
        files.take_spare(&self.directory, frame)
    }

    /// Prepares a spare file and removes surplus ones.
    pub(super) fn prepare_ahead(&self) {
        let mut files = self.files();
        let half = files.current.as_ref().map_or(1, |current| current.bytes / 2);
        if files.bytes_left() < half && files.spare.is_none() {
            // If there is no space now, there may be when it is needed.
            files.spare = self.directory.take_file(0).ok();
        }
        self.directory.remove_surplus();
    }

    /// Removes the files that are kept for later use.
    pub(super) fn remove_free(&self) {
        let _files = self.files();
        self.directory.remove_free();
    }

    /// Where the next frame, of so many bytes, is written: behind the one before, or in another
    /// file.
    pub(super) fn place(&self, bytes: usize) -> Result<AppendFile, LogError> {
        let bytes = bytes as u64;
        let mut files = self.files();
        if files.bytes_left() < bytes {
            files.switch(&self.directory, bytes)?;
        }
        Ok(files.place(bytes))
    }

    /// Writes the frame in the buffer to its place. On failure the file is abandoned.
    pub(super) fn write_unsynced(
        &self,
        place: AppendFile,
        frame: Frame,
        buffer: &mut WriteBuffer,
    ) -> Result<AppendFile, LogError> {
        let header = FrameHeader {
            file: place.id,
            epoch: frame.epoch,
            seq: frame.seq,
            previous_checksum: frame.previous_checksum,
            chunk_bytes: frame.chunk_bytes,
            chunk_checksum: frame.chunk_checksum,
        };
        buffer.as_mut_slice()[..frame::HEADER_BYTES].copy_from_slice(&header.encode());
        match write_all_at(&*place.file, buffer.as_slice(), place.position) {
            Ok(()) => Ok(place),
            Err(source) => Err(self.abandon(&place, "write to it", source)),
        }
    }

    /// Makes the frame just written durable. On failure the file is abandoned.
    pub(super) fn sync(&self, frame: Frame, place: &AppendFile) -> Result<(), LogError> {
        place.file.sync().map_err(|source| self.abandon(place, "sync it", source))?;
        let (chunk_bytes, chunk_checksum) = (frame.chunk_bytes, frame.chunk_checksum);
        let (file, position) = (place.id, place.position);
        let place = ChunkLocation { file, position, chunk_bytes, chunk_checksum };
        self.directory.note_chunk(frame.epoch, frame.seq, place);
        Ok(())
    }

    /// Ends writing: the files are not appended to any more.
    pub(super) fn retire_files(&self) {
        let AppendFiles { current, spare } = std::mem::take(&mut *self.files());
        for file in [current, spare].into_iter().flatten() {
            self.directory.retire_file(file.id, true);
        }
    }

    /// No other frame is being written, so the file of the failed one is the current one.
    fn abandon(&self, failed: &AppendFile, action: &'static str, source: io::Error) -> LogError {
        let mut files = self.files();
        let current = files.current.take();
        assert!(current.is_some_and(|current| current.id == failed.id), "one frame at a time");
        self.directory.retire_file(failed.id, false);
        self.directory.remove_surplus();
        LogError::Io { path: self.directory.path(failed.id), action, source }
    }

    /// Writes the newest chunk of the directory again: reading it does not prove that it is on
    /// disk.
    pub(super) fn rewrite_last_chunk(&self) -> Result<(), LogError> {
        let Some((epoch, seq, place)) = self.directory.last_chunk() else { return Ok(()) };
        let chunk = self.directory.read(epoch, seq)?;
        let mut buffer = WriteBuffer::default();
        buffer.grow(frame::HEADER_BYTES);
        buffer.extend(&chunk);
        let previous_checksum = self.directory.previous_checksum(place)?;
        let frame = Frame::of_buffer(&mut buffer, epoch, seq, previous_checksum);
        let mut again = || {
            let place = self.place(buffer.len())?;
            let place = self.write_unsynced(place, frame, &mut buffer)?;
            self.sync(frame, &place)
        };
        match again().or_else(|_| again()) {
            // The log can be read and flushed without space to append to it.
            Err(LogError::Full { .. }) => match self.write_alone(frame, &mut buffer) {
                Err(LogError::Full { .. }) => self.write_in_place(frame, &mut buffer, place),
                outcome => outcome,
            },
            outcome => outcome,
        }
    }

    /// Writes the frame in the buffer where it is already: the same bytes, so that a write which is
    /// cut short leaves the frame whole.
    fn write_in_place(
        &self,
        frame: Frame,
        buffer: &mut WriteBuffer,
        place: ChunkLocation,
    ) -> Result<(), LogError> {
        self.write_to(self.directory.file(place), true, frame, buffer)
    }

    /// Writes the frame in the buffer into a file that has room for nothing else.
    fn write_alone(&self, frame: Frame, buffer: &mut WriteBuffer) -> Result<(), LogError> {
        let file = self.directory.take_small_file(buffer.len() as u64)?;
        self.write_to(file, false, frame, buffer)
    }

    /// Writes the frame in the buffer into this file alone. `sound`: as of
    /// [`LogDirectory::retire_file`].
    fn write_to(
        &self,
        file: AppendFile,
        sound: bool,
        frame: Frame,
        buffer: &mut WriteBuffer,
    ) -> Result<(), LogError> {
        let place = {
            let mut files = self.files();
            files.replace_current(&self.directory, file);
            files.place(buffer.len() as u64)
        };
        let place = self.write_unsynced(place, frame, buffer)?;
        self.sync(frame, &place)?;
        self.files().current = None;
        self.directory.retire_file(place.id, sound);
        Ok(())
    }
}
