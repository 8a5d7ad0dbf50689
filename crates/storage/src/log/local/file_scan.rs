//! Finds the chunks in the files of a write-ahead directory.
//!
//! Files are scanned in the order of their ids, each from its beginning. A file ends, for the log,
//! with its last whole frame. What follows is either nothing (zeros, or old contents of a reused
//! file), or a frame that was being written when the log ended or abandoned the file: both are cut.
//! It is neither if
//! - a whole frame of this file follows further on, or
//! - the next file continues with a later chunk than the next:
//!
//! frames are only written after the one before is durable, so then an acknowledged chunk was
//! damaged. That is an error, never skipped.
//!
//! Files are allocated before frames are written, so a frame that extends beyond the end of its
//! file means that the file was cut, which is an error too. Damage to the very last frame cannot be
//! told from a frame that was being written: it is cut off, and logged.
//!
//! A chunk may be in two files, if it could not be made durable in the first: the later location
//! counts, and the bytes must be the same.

use std::{collections::BTreeMap, path::Path};

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
    /// The newest chunk so far: epoch, number, checksum.
    last: Option<(BrokerEpoch, ChunkSeq, u32)>,
    /// The end of the previous file's frames, for the message.
    last_end: Option<(std::path::PathBuf, u64)>,
    frame: WriteBuffer,
}

/// The bytes behind the last whole frame of a file.
enum Remainder {
    Nothing,
    /// A frame that was not written to its end, or was damaged since.
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
        file: &dyn DiskFile,
        path: &Path,
    ) -> Result<ScannedFile, LogError> {
        let io = || LogError::io(path, "read it");
        let file_bytes = file.bytes().map_err(io())?;
        let (mut position, mut torn) = (0, false);
        while let Some(header) = self.frame_at(id, file, position, file_bytes).map_err(io())? {
            self.add(path, position, &header)?;
            position += header.frame_bytes();
        }
        match self.remainder(id, file, position, file_bytes).map_err(io())? {
            Remainder::BeyondEnd => {
                let what =
                    "the frame here goes on behind the end of the file, which was cut".to_owned();
                return Err(LogError::Damaged { path: path.to_owned(), position, what });
            }
            Remainder::HalfFrame => torn = true,
            Remainder::Nothing => {}
        }
        if let Some(later) = later_frame(id, file, position, file_bytes).map_err(io())? {
            let what = format!(
                "the frame here is not whole, but whole frames follow from byte {later} on"
            );
            return Err(LogError::Damaged { path: path.to_owned(), position, what });
        }
        if torn {
            tracing::warn!(
                path = %path.display(),
                position,
                "the last frame is not whole and is cut off, as one that was being written when \
                 the process ended"
            );
        }
        if position > 0 {
            self.last_end = Some((path.to_owned(), position));
        }
        Ok(ScannedFile { file_bytes, has_frames: position > 0 })
    }

    /// The whole frame at `position`, if there is one.
    fn frame_at(
        &mut self,
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
        let Some(header) = FrameHeader::decode(&header, id) else { return Ok(None) };
        if file_bytes - position < header.frame_bytes() {
            return Ok(None);
        }
        self.frame.clear();
        let frame = self.frame.grow(header.frame_bytes() as usize);
        read_exact_at(file, frame, position)?;
        let chunk = &frame[HEADER_BYTES..][..header.chunk_bytes as usize];
        Ok((crc32c::crc32c(chunk) == header.chunk_checksum).then_some(header))
    }

    /// Classifies the bytes behind the last whole frame.
    fn remainder(
        &self,
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
            Some(header) if left < header.frame_bytes() => Remainder::BeyondEnd,
            Some(_) => Remainder::HalfFrame,
            None if frame::is_broken_header(&bytes) => Remainder::HalfFrame,
            None => Remainder::Nothing,
        })
    }

    /// Adds a whole frame, which must follow the one before.
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
        match self.last {
            Some((last_epoch, last_seq, checksum)) if last_epoch == epoch => {
                let again = seq == last_seq && header.chunk_checksum == checksum;
                let next = seq == last_seq.next() && header.previous_checksum == checksum;
                if !again && !next {
                    let (path, position) = match &self.last_end {
                        Some((end_path, end)) if position == 0 => (&**end_path, *end),
                        _ => (path, position),
                    };
                    let what = format!(
                        "after chunk {last_seq} of broker epoch {epoch} chunk {seq} follows"
                    );
                    return Err(damaged(path, position, what));
                }
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
        self.last = Some((epoch, seq, header.chunk_checksum));
        let (chunk_bytes, chunk_checksum) = (header.chunk_bytes, header.chunk_checksum);
        self.places.insert(
            (epoch, seq),
            ChunkLocation { file: header.file, position, chunk_bytes, chunk_checksum },
        );
        Ok(())
    }

    /// Every chunk found, in order.
    pub(super) fn finish(self) -> impl Iterator<Item = (BrokerEpoch, ChunkSeq, ChunkLocation)> {
        self.places.into_iter().map(|((epoch, seq), place)| (epoch, seq, place))
    }
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
