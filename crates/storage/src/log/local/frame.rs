//! A frame of a write-ahead file: a header, then a chunk, padded to whole blocks.
//!
//! ```text
//! magic(4) · format level(2) · 0(2) · file id(8) · broker epoch(8) · seq(8) · checksum of the
//! chunk before(4) · chunk length(4) · checksum of the chunk(4) · 0(16) · CRC32C of the 60 bytes
//! before(4) · chunk · zeros
//! ```
//!
//! Integers are big-endian, checksums CRC32C. The first chunk of an epoch has 0 as "the chunk
//! before". The chunk's checksum does not cover the header, so a chunk that is written again
//! elsewhere keeps it.

use milena_types::{BrokerEpoch, ChunkSeq};

use crate::disk::file_system::BLOCK_BYTES;

/// The length of a frame's header.
pub(super) const HEADER_BYTES: usize = 64;

/// The format of the files and of the directory they are in.
pub(super) const FORMAT_LEVEL: u16 = 1;

const MAGIC: [u8; 4] = *b"MWAL";

/// The number of a write-ahead file. A reused file gets a new one, so that its old frames are not
/// taken for new.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct FileId(pub(super) u64);

impl FileId {
    pub(super) fn file_name(self) -> String {
        format!("{:016x}.wal", self.0)
    }

    pub(super) fn of_file_name(name: &str) -> Option<Self> {
        let id = Self(u64::from_str_radix(name.strip_suffix(".wal")?, 16).ok()?);
        (id.file_name() == name && id.0 < u64::MAX).then_some(id)
    }
}

/// The location of a chunk in the directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ChunkLocation {
    pub(super) file: FileId,
    pub(super) position: u64,
    pub(super) chunk_bytes: u32,
    pub(super) chunk_checksum: u32,
}

impl ChunkLocation {
    /// Of the chunk whose frame has this header and place.
    pub(super) fn of(header: &FrameHeader, position: u64) -> Self {
        let FrameHeader { file, chunk_bytes, chunk_checksum, .. } = *header;
        Self { file, position, chunk_bytes, chunk_checksum }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FrameHeader {
    pub(super) file: FileId,
    pub(super) epoch: BrokerEpoch,
    pub(super) seq: ChunkSeq,
    pub(super) previous_checksum: u32,
    pub(super) chunk_bytes: u32,
    pub(super) chunk_checksum: u32,
}

impl FrameHeader {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&FORMAT_LEVEL.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.file.0.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.epoch.0.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.seq.0.to_be_bytes());
        bytes[32..36].copy_from_slice(&self.previous_checksum.to_be_bytes());
        bytes[36..40].copy_from_slice(&self.chunk_bytes.to_be_bytes());
        bytes[40..44].copy_from_slice(&self.chunk_checksum.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// The header in these bytes, if they are one, of this format level, and of the file with this
    /// id.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES], file: FileId) -> Option<Self> {
        fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
            bytes[at..at + N].try_into().expect("the field is inside the header")
        }
        let intact = crc32c::crc32c(&bytes[..60]) == u32::from_be_bytes(field(bytes, 60));
        let ours = bytes[..4] == MAGIC && u16::from_be_bytes(field(bytes, 4)) == FORMAT_LEVEL;
        let header = Self {
            file: FileId(u64::from_be_bytes(field(bytes, 8))),
            epoch: BrokerEpoch(i64::from_be_bytes(field(bytes, 16))),
            seq: ChunkSeq(u64::from_be_bytes(field(bytes, 24))),
            previous_checksum: u32::from_be_bytes(field(bytes, 32)),
            chunk_bytes: u32::from_be_bytes(field(bytes, 36)),
            chunk_checksum: u32::from_be_bytes(field(bytes, 40)),
        };
        (intact && ours && header.file == file).then_some(header)
    }

    /// The length of the frame in the file.
    pub(super) fn frame_bytes(&self) -> u64 {
        frame_bytes(self.chunk_bytes as usize)
    }
}

/// Whether these bytes begin as a header does and are none, of whatever file.
pub(super) fn is_broken_header(bytes: &[u8; HEADER_BYTES]) -> bool {
    bytes[..4] == MAGIC && crc32c::crc32c(&bytes[..60]).to_be_bytes() != bytes[60..]
}

/// The length of the frame of a chunk of this length.
pub(super) fn frame_bytes(chunk_bytes: usize) -> u64 {
    (HEADER_BYTES + chunk_bytes).next_multiple_of(BLOCK_BYTES) as u64
}

/// Corrects the checksums of the frames in these bytes.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn reseal(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(frame) =
        bytes.get_mut(at..).filter(|rest| rest.len() >= HEADER_BYTES && rest[..4] == MAGIC)
    {
        let chunk_bytes =
            u32::from_be_bytes(*frame[36..].first_chunk().expect("inside of the header")) as usize;
        if let Some(chunk) = frame.get(HEADER_BYTES..HEADER_BYTES.saturating_add(chunk_bytes)) {
            let checksum = crc32c::crc32c(chunk);
            frame[40..44].copy_from_slice(&checksum.to_be_bytes());
        }
        let checksum = crc32c::crc32c(&frame[..60]);
        frame[60..HEADER_BYTES].copy_from_slice(&checksum.to_be_bytes());
        at = at.saturating_add(frame_bytes(chunk_bytes) as usize);
    }
}
