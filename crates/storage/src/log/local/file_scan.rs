//! Finds the chunks in the files of a write-ahead directory.
//!
//! Files are scanned in the order of their ids, each from its beginning, by the headers of frames: the
//! chunk of a frame is read, and its checksum checked, when somebody wants it. Frames are only
//! written after the one before is durable, so every frame that another one follows was whole; only
//! of the last frame of a file, unless the next file continues the log, the chunk is read here.
//!
//! A file ends, for the log, with its last whole frame. What follows is either nothing (zeros, or old
//! contents of a reused file), or a frame that was being written when the log ended or abandoned the
//! file: both are cut. It is neither if
//! - the header of another frame of this file follows further on, or
//! - the next file continues with a later chunk than the next:
//!
//! then an acknowledged chunk was damaged. That is an error, never skipped.
//!
//! Files are allocated before frames are written, so a frame that extends beyond the end of its
//! file means that the file was cut, which is an error too. Damage to the very last frame cannot be
//! told from a frame that was being written: it is cut off, and logged.
//!
//! A chunk may be in several files, if it could not be made durable in the first: the latest whole
//! one counts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use milena_types::{BrokerEpoch, ChunkSeq};

use crate::{
    disk::{
        buffer::WriteBuffer,
        file_system::{BLOCK_BYTES, DiskFile, read_exact_at},
    },
    log::{
        backend::LogError,
        local::{
            frame,
            frame::{ChunkLocation, FileId, FrameHeader, HEADER_BYTES},
        },
    },
};

/// How much is read at a time in the search for frames after the end.
const WINDOW_BYTES: usize = 1 << 20;

#[derive(Default)]
pub(super) struct DirectoryScan {
    places: BTreeMap<(BrokerEpoch, ChunkSeq), ChunkLocation>,
    /// The newest chunk so far.
    last: Option<ChunkMark>,
    /// Where the newest chunk is, if nothing follows it in its file: the latest place last. It may not
    /// be whole.
    in_doubt: Vec<ChunkLocation>,
    files: BTreeMap<FileId, (PathBuf, Arc<dyn DiskFile>)>,
    /// The newest chunk before the one in doubt.
    before_doubt: Option<ChunkMark>,
    /// The end of the previous file's frames, for the message.
    last_end: Option<(PathBuf, u64)>,
    frame: WriteBuffer,
}

/// A chunk, as the one after it names it: epoch, number, checksum.
type ChunkMark = (BrokerEpoch, ChunkSeq, u32);

/// The bytes behind the last frame of a file.
enum Remainder {
    Nothing,
    /// A frame whose header was not written to its end, or was damaged since.
    HalfFrame,
    /// A frame that extends beyond the end of the file.
    BeyondEnd,
}

/// The outcome of scanning one file.
pub(super) struct ScannedFile {
    pub(super) file_bytes: u64,
    pub(super) has_frames: bool,
}

impl DirectoryScan {
    pub(super) fn file(
        &mut self,
        id: FileId,
        file: &Arc<dyn DiskFile>,
        path: &Path,
    ) -> Result<ScannedFile, LogError> {
        let io = || LogError::io(path, "read it");
        let file_bytes = file.bytes().map_err(io())?;
        self.files.insert(id, (path.to_owned(), file.clone()));
        let (mut position, mut last) = (0, None);
        while let Some(header) = header_at(id, &**file, position, file_bytes).map_err(io())? {
            self.add(path, position, &header)?;
            last = Some((position, header));
            position += header.frame_bytes();
        }
        let remainder = remainder(id, &**file, position, file_bytes).map_err(io())?;
        if let Remainder::BeyondEnd = remainder {
            let what =
                "the frame here goes on behind the end of the file, which was cut".to_owned();
            return Err(LogError::Damaged { path: path.to_owned(), position, what });
        }
        if let Some(later) = later_frame(id, &**file, position, file_bytes).map_err(io())? {
            let what =
                format!("the frame here is not whole, but others follow from byte {later} on");
            return Err(LogError::Damaged { path: path.to_owned(), position, what });
        }
        if let Remainder::HalfFrame = remainder {
            warn_of_cut(path, position);
        }
        if let Some((start, header)) = last {
            self.in_doubt.push(ChunkLocation::of(&header, start));
            self.last_end = Some((path.to_owned(), position));
        }
        Ok(ScannedFile { file_bytes, has_frames: last.is_some() })
    }

    /// Decides whether the chunk in doubt is whole, and where. If it is nowhere, it is cut off.
    fn settle(&mut self) -> Result<(), LogError> {
        let Some((epoch, seq, _)) = self.last.filter(|_| !self.in_doubt.is_empty()) else {
            return Ok(());
        };
        let mut whole = None;
        for place in self.in_doubt.drain(..).rev() {
            let (path, file) = &self.files[&place.file];
            let is_whole = is_whole(&mut self.frame, &**file, &place);
            if is_whole.map_err(LogError::io(path, "read it"))? {
                whole = Some(place);
                break;
            }
            warn_of_cut(path, place.position);
        }
        match whole {
            Some(place) => drop(self.places.insert((epoch, seq), place)),
            None => {
                self.places.remove(&(epoch, seq));
                self.last = self.before_doubt.take();
            }
        }
        Ok(())
    }

    /// Adds a frame, which must follow the one before.
    fn add(&mut self, path: &Path, position: u64, header: &FrameHeader) -> Result<(), LogError> {
        let (epoch, seq) = (header.epoch, header.seq);
        let damaged = |path: &Path, position, what| LogError::Damaged {
            path: path.to_owned(),
            position,
            what,
        };
        if seq == ChunkSeq(u64::MAX) {
            let what = format!("no log has as many chunks as the number of this one says: {seq}");
            return Err(damaged(path, position, what));
        }
        if position > 0 {
            // The frame before it in this file is whole.
            self.in_doubt.clear();
        }
        let mark = (epoch, seq, header.chunk_checksum);
        if self.last != Some(mark) {
            // So is what the log went on behind, but of several places only one.
            let continues = self.last.is_some_and(|last| is_next(last, header));
            if !(continues && self.in_doubt.len() == 1) {
                self.settle()?;
            }
            self.in_doubt.clear();
        }
        let again = self.last == Some(mark);
        if again && self.in_doubt.is_empty() {
            self.in_doubt.extend(self.places.get(&(epoch, seq)).copied());
        }
        match self.last {
            Some(last) if again || is_next(last, header) => {}
            Some((last_epoch, last_seq, _)) if last_epoch == epoch => {
                let (path, position) = match &self.last_end {
                    Some((end_path, end)) if position == 0 => (&**end_path, *end),
                    _ => (path, position),
                };
                let what =
                    format!("after chunk {last_seq} of broker epoch {epoch} chunk {seq} follows");
                return Err(damaged(path, position, what));
            }
            Some((last_epoch, ..)) if last_epoch > epoch => {
                let what = format!("a chunk of broker epoch {epoch} follows one of {last_epoch}");
                return Err(damaged(path, position, what));
            }
            _ if seq == ChunkSeq(0) && header.previous_checksum != 0 => {
                let what = format!("the first chunk of broker epoch {epoch} names one before it");
                return Err(damaged(path, position, what));
            }
            _ => {}
        }
        if !again {
            self.before_doubt = self.last;
        }
        self.last = Some((epoch, seq, header.chunk_checksum));
        self.places.insert((epoch, seq), ChunkLocation::of(header, position));
        Ok(())
    }

    /// Every chunk found, in order.
    pub(super) fn finish(
        mut self,
    ) -> Result<impl Iterator<Item = (BrokerEpoch, ChunkSeq, ChunkLocation)>, LogError> {
        self.settle()?;
        Ok(self.places.into_iter().map(|((epoch, seq), place)| (epoch, seq, place)))
    }
}

fn is_next((epoch, seq, checksum): ChunkMark, header: &FrameHeader) -> bool {
    header.epoch == epoch && header.seq == seq.next() && header.previous_checksum == checksum
}

fn warn_of_cut(path: &Path, position: u64) {
    tracing::warn!(
        path = %path.display(),
        position,
        "the last frame is not whole and is cut off, as one that was being written when the process \
         ended"
    );
}

/// The header of the frame at `position`, if there is one and the file is long enough for it.
fn header_at(
    id: FileId,
    file: &dyn DiskFile,
    position: u64,
    file_bytes: u64,
) -> std::io::Result<Option<FrameHeader>> {
    if file_bytes < position + HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut header = [0; HEADER_BYTES];
    read_exact_at(file, &mut header, position)?;
    let header = FrameHeader::decode(&header, id);
    Ok(header.filter(|header| header.frame_bytes() <= file_bytes - position))
}

/// Whether the chunk of the frame is what its header says.
fn is_whole(
    buffer: &mut WriteBuffer,
    file: &dyn DiskFile,
    place: &ChunkLocation,
) -> std::io::Result<bool> {
    let chunk_bytes = place.chunk_bytes as usize;
    buffer.clear();
    let frame = buffer.grow(frame::frame_bytes(chunk_bytes) as usize);
    read_exact_at(file, frame, place.position)?;
    Ok(crc32c::crc32c(&frame[HEADER_BYTES..][..chunk_bytes]) == place.chunk_checksum)
}

/// Classifies the bytes behind the last frame.
fn remainder(
    id: FileId,
    file: &dyn DiskFile,
    position: u64,
    file_bytes: u64,
) -> std::io::Result<Remainder> {
    let left = file_bytes.saturating_sub(position);
    let mut bytes = [0; HEADER_BYTES];
    read_exact_at(file, &mut bytes[..left.min(HEADER_BYTES as u64) as usize], position)?;
    if left < HEADER_BYTES as u64 {
        // A file whose allocation was interrupted has zeros.
        let cut = left > 0 && (position > 0 || bytes.iter().any(|byte| *byte != 0));
        return Ok(if cut { Remainder::BeyondEnd } else { Remainder::Nothing });
    }
    Ok(match FrameHeader::decode(&bytes, id) {
        Some(_) => Remainder::BeyondEnd,
        None if frame::is_broken_header(&bytes) => Remainder::HalfFrame,
        None => Remainder::Nothing,
    })
}

/// The position of another frame header of this file, after a frame that is not whole.
fn later_frame(
    id: FileId,
    file: &dyn DiskFile,
    from: u64,
    file_bytes: u64,
) -> std::io::Result<Option<u64>> {
    let mut buffer = WriteBuffer::default();
    let window = buffer.grow(WINDOW_BYTES);
    let mut start = from + BLOCK_BYTES as u64;
    while start < file_bytes {
        let length = WINDOW_BYTES.min((file_bytes - start) as usize);
        read_exact_at(file, &mut window[..length], start)?;
        for (i, block) in window[..length].chunks(BLOCK_BYTES).enumerate() {
            let header = block.first_chunk().and_then(|header| FrameHeader::decode(header, id));
            if header.is_some() {
                return Ok(Some(start + (i * BLOCK_BYTES) as u64));
            }
        }
        start += length as u64;
    }
    Ok(None)
}
