//! LZ4 frames as Kafka's Java clients write and read them: of independent blocks.

use std::{hash::Hasher as _, ops::Range};

use bytes::{Buf, Bytes};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use twox_hash::XxHash32;

use super::spare::Buffer;

/// What a frame begins with, as a little-endian number.
const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// The bits of a frame's flags.
mod flag {
    pub(super) const VERSION: u8 = 0b11 << 6;
    pub(super) const VERSION_1: u8 = 0b01 << 6;
    /// Its blocks do not refer to each other.
    pub(super) const INDEPENDENT: u8 = 1 << 5;
    pub(super) const BLOCK_CHECKSUMS: u8 = 1 << 4;
    pub(super) const CONTENT_SIZE: u8 = 1 << 3;
    pub(super) const CONTENT_CHECKSUM: u8 = 1 << 2;
    pub(super) const RESERVED: u8 = 1 << 1;
    pub(super) const DICTIONARY: u8 = 1;
}

/// With blocks of 64 KiB.
pub(super) fn encoder(out: Vec<u8>) -> FrameEncoder<Vec<u8>> {
    let frame = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    FrameEncoder::with_frame_info(frame, out)
}

/// Decompresses one frame, a block at a time.
pub(super) struct Decoder {
    rest: Bytes,
    /// The longest block.
    block_bytes: usize,
    has_block_checksums: bool,
    /// What the frame says it expands to.
    content_bytes: Option<u64>,
    content_hash: Option<XxHash32>,
    expanded: u64,
    block: Buffer,
    unread: Range<usize>,
}

impl Decoder {
    pub(super) fn new(mut payload: Bytes) -> Result<Self, &'static str> {
        const NO_FRAME: &str = "the payload is no frame";
        let header = payload.strip_prefix(&MAGIC).ok_or(NO_FRAME)?;
        let [flags, descriptor] = *header.first_chunk().ok_or(NO_FRAME)?;
        if flags & flag::VERSION != flag::VERSION_1 || flags & flag::RESERVED != 0 {
            return Err("the version of the frame is unknown");
        }
        if flags & flag::INDEPENDENT == 0 {
            return Err("blocks that refer to others are not supported");
        }
        if flags & flag::DICTIONARY != 0 {
            return Err("dictionaries are not supported");
        }
        let block_bytes = match descriptor {
            0x40 => 64 << 10,
            0x50 => 256 << 10,
            0x60 => 1 << 20,
            0x70 => 4 << 20,
            _ => return Err("the block size of the frame is unknown"),
        };
        let has_size = flags & flag::CONTENT_SIZE != 0;
        let len = if has_size { 10 } else { 2 };
        let (header, rest) = header.split_at_checked(len).ok_or(CUT)?;
        let checksum = *rest.first().ok_or(CUT)?;
        if checksum != (XxHash32::oneshot(0, header) >> 8) as u8 {
            return Err("the checksum of the frame's header is wrong");
        }
        let content_bytes = header[2..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        payload.advance(MAGIC.len() + len + 1);
        Ok(Self {
            rest: payload,
            block_bytes,
            has_block_checksums: flags & flag::BLOCK_CHECKSUMS != 0,
            content_bytes,
            content_hash: (flags & flag::CONTENT_CHECKSUM != 0).then(|| XxHash32::with_seed(0)),
            expanded: 0,
            block: Buffer::default(),
            unread: 0..0,
        })
    }

    /// Decompresses into `out`, which is not empty; 0 at the end. What follows the frame is
    /// ignored.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize, &'static str> {
        if self.unread.is_empty() {
            let len = self.next_block()?;
            self.unread = 0..len;
        }
        let len = self.unread.len().min(out.len());
        out[..len].copy_from_slice(&self.block[self.unread.start..self.unread.start + len]);
        self.unread.start += len;
        Ok(len)
    }

    pub(super) const fn memory(&self) -> usize {
        self.block_bytes
    }

    /// Decompresses the next block; its length, 0 at the end.
    fn next_block(&mut self) -> Result<usize, &'static str> {
        const UNCOMPRESSED: u32 = 1 << 31;
        let size = self.number()?;
        let len = (size & !UNCOMPRESSED) as usize;
        if len == 0 {
            return self.finish();
        }
        if len > self.block_bytes {
            return Err("a block is longer than the frame says");
        }
        if len > self.rest.len() {
            return Err(CUT);
        }
        let compressed = self.rest.split_to(len);
        if self.has_block_checksums && self.number()? != XxHash32::oneshot(0, &compressed) {
            return Err("the checksum of a block is wrong");
        }
        if self.block.len() < self.block_bytes {
            self.block = Buffer::new(self.block_bytes);
        }
        let block = &mut self.block[..self.block_bytes];
        let len = if size & UNCOMPRESSED == 0 {
            lz4_flex::block::decompress_into(&compressed, block)
                .map_err(|_| "a block is damaged")?
        } else {
            block[..len].copy_from_slice(&compressed);
            len
        };
        if let Some(hash) = &mut self.content_hash {
            hash.write(&block[..len]);
        }
        self.expanded += len as u64;
        Ok(len)
    }

    fn finish(&mut self) -> Result<usize, &'static str> {
        if self.content_bytes.is_some_and(|bytes| bytes != self.expanded) {
            return Err("the frame does not expand to what it says");
        }
        if let Some(hash) = self.content_hash.take()
            && self.number()? != hash.finish_32()
        {
            return Err("the checksum of the frame is wrong");
        }
        Ok(0)
    }

    fn number(&mut self) -> Result<u32, &'static str> {
        let number = self.rest.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)).ok_or(CUT)?;
        self.rest.advance(4);
        Ok(number)
    }
}

const CUT: &str = "the frame is cut";
