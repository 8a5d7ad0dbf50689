//! Snappy, as one raw block (librdkafka and others) or in the framing of the snappy-java library
//! (Kafka's Java clients): a 16-byte header, then blocks behind their 32-bit big-endian sizes.
//!
//! A block: its decompressed length as a varint, then elements, each a tag byte and what it says:
//! bytes as they are, or a copy of bytes before. A raw block is as large as a batch: a large one is
//! decompressed a little at a time, with as much of its output kept as copies reach back to.

use bytes::{Buf, Bytes};

use super::{Compression, decoder::Decompressed, spare::Buffer};
use crate::error::BatchError;

const CODEC: Compression = Compression::Snappy;

/// What framed streams begin with; no raw block does, for it would say that its last length byte is
/// not the last.
const FRAMING: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];

/// Version, and the oldest version that can read it: 1 and 1.
const FRAMING_VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];

/// How much of the input goes into one block, as snappy-java does by default.
const BLOCK_LEN: usize = 32 * 1024;

/// A snappy element of three bytes copies 64 bytes at most, so that no block grows by more than
/// this.
const GROWTH_MAX: usize = 32;

/// A block that expands to no more is decompressed in one go, which is several times faster.
const WHOLE_MAX: usize = 1 << 20;

/// How much of the input one read takes of blocks that expand to nothing.
const INPUT_SLICE: usize = 64 * 1024;

/// How far back copies reach. Most encoders stay within 64 KiB; those that do not still work on
/// blocks of their own, which are batches.
const WINDOW_MAX: usize = 32 << 20;

/// Compresses with framing.
pub(super) struct Encoder {
    encoder: snap::raw::Encoder,
    /// What is not enough for a block yet.
    block: Vec<u8>,
    out: Vec<u8>,
}

impl Encoder {
    pub(super) fn new(mut out: Vec<u8>) -> Self {
        out.extend_from_slice(&FRAMING);
        out.extend_from_slice(&FRAMING_VERSIONS);
        Self { encoder: snap::raw::Encoder::new(), block: Vec::new(), out }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), BatchError> {
        while !bytes.is_empty() {
            let len = bytes.len().min(BLOCK_LEN - self.block.len());
            let (head, rest) = bytes.split_at(len);
            self.block.extend_from_slice(head);
            bytes = rest;
            if self.block.len() == BLOCK_LEN {
                self.end_block()?;
            }
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), BatchError> {
        let compressed =
            self.encoder.compress_vec(&self.block).map_err(|error| CODEC.failed(&error))?;
        self.out.extend_from_slice(&(compressed.len() as u32).to_be_bytes());
        self.out.extend_from_slice(&compressed);
        self.block.clear();
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, BatchError> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        Ok(self.out)
    }
}

/// Decompresses a stream with or without framing.
pub(super) struct Decoder {
    /// What follows the block.
    rest: Bytes,
    framed: Option<bool>,
    block: Block,
}

/// The block that is being decompressed.
#[derive(Default)]
struct Block {
    /// Its elements that were not looked at yet.
    input: Bytes,
    /// How many bytes it has left to give, those in the window included.
    left: usize,
    /// All of the output, if it is short.
    whole: Buffer,
    is_whole: bool,
    /// Otherwise the last bytes of it, at their positions modulo the length, a power of two.
    window: Vec<u8>,
    /// How many bytes were decompressed, and how many of them were read.
    written: usize,
    read: usize,
    /// How much of a literal is still in the input.
    literal: usize,
}

impl Decoder {
    pub(super) fn new(payload: Bytes) -> Self {
        Self { rest: payload, framed: None, block: Block::default() }
    }

    /// Decompresses into `out`, which is not empty.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<Decompressed, &'static str> {
        let end = self.rest.len().saturating_sub(INPUT_SLICE);
        loop {
            match self.block.read(out)? {
                0 if self.rest.len() < end => return Ok(Decompressed::Pending),
                0 if !self.next_block()? => return Ok(Decompressed::End),
                0 => {}
                read => return Ok(Decompressed::Some(read)),
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.block.whole.len() + self.block.window.len()
    }

    /// Begins the next block; `false` when there is none.
    fn next_block(&mut self) -> Result<bool, &'static str> {
        let begins = self.rest.starts_with(&FRAMING);
        let framed = *self.framed.get_or_insert(begins);
        // Streams may follow each other.
        if framed && begins {
            if self.rest.len() < FRAMING.len() + FRAMING_VERSIONS.len() {
                return Err("the framing's header is cut");
            }
            self.rest.advance(FRAMING.len() + FRAMING_VERSIONS.len());
        }
        if self.rest.is_empty() {
            return Ok(false);
        }
        let block = if framed {
            const CUT: &str = "a block is cut";
            let len = self.rest.first_chunk().map(|len| u32::from_be_bytes(*len)).ok_or(CUT)?;
            self.rest.advance(4);
            let len = usize::try_from(len).ok().filter(|len| *len <= self.rest.len());
            self.rest.split_to(len.ok_or(CUT)?)
        } else {
            std::mem::take(&mut self.rest)
        };
        self.block.begin(&block)?;
        Ok(true)
    }
}

impl Block {
    fn begin(&mut self, block: &Bytes) -> Result<(), &'static str> {
        let mut input = block.clone();
        let len = length(&mut input).ok_or("a block has no length")?;
        if len > block.len().saturating_mul(GROWTH_MAX) {
            return Err("a block says it is larger than it can be");
        }
        (self.left, self.literal, self.written, self.read) = (len, 0, 0, 0);
        self.is_whole = (1..=WHOLE_MAX).contains(&len);
        if self.is_whole {
            if self.whole.len() < len {
                self.whole = Buffer::new(len);
            }
            // It reads the length again.
            let out = &mut self.whole[..len];
            snap::raw::Decoder::new().decompress(block, out).map_err(|_| "a block is damaged")?;
            (self.input, self.written) = (Bytes::new(), len);
            return Ok(());
        }
        self.input = input;
        let window = len.min(WINDOW_MAX).next_power_of_two();
        if self.window.len() < window {
            self.window = vec![0; window];
        }
        Ok(())
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize, &'static str> {
        if self.left == 0 {
            return if self.input.is_empty() {
                Ok(0)
            } else {
                Err("a block is longer than it says")
            };
        }
        if self.written == self.read {
            self.decompress(out.len())?;
        }
        let len = (self.written - self.read).min(out.len());
        self.copy_out(&mut out[..len]);
        self.read += len;
        self.left -= len;
        Ok(len)
    }

    /// Takes elements until about `wanted` bytes can be read.
    fn decompress(&mut self, wanted: usize) -> Result<(), &'static str> {
        // A copy may add 63 bytes more, and what was not read stays in the window. A block that is
        // not larger than the window has room for all of it.
        let wanted = wanted.min(self.left).min((self.window.len() / 2).max(1));
        while self.written - self.read < wanted {
            if self.literal > 0 {
                let missing = wanted - (self.written - self.read);
                let len = self.literal.min(missing);
                self.put_literal(len);
                continue;
            }
            self.element()?;
        }
        Ok(())
    }

    fn element(&mut self) -> Result<(), &'static str> {
        const CUT: &str = "a block ends within an element";
        const LONG: &str = "a block is longer than it says";
        let left = self.left - (self.written - self.read);
        let tag = *self.input.first().ok_or(CUT)?;
        let (len, extra) = match tag & 0b11 {
            0b00 => match usize::from(tag >> 2) {
                len @ 0..60 => (len + 1, 0),
                more => (0, more - 59),
            },
            0b01 => (usize::from(tag >> 2 & 0b111) + 4, 1),
            0b10 => (usize::from(tag >> 2) + 1, 2),
            _ => (usize::from(tag >> 2) + 1, 4),
        };
        let mut number = [0; 8];
        number[..extra].copy_from_slice(self.input.get(1..=extra).ok_or(CUT)?);
        let number = usize::try_from(u64::from_le_bytes(number)).map_err(|_| LONG)?;
        self.input.advance(1 + extra);
        if tag & 0b11 == 0 {
            let len = if extra == 0 { len } else { number + 1 };
            if len > self.input.len() {
                return Err(CUT);
            }
            self.literal = len;
            return if len > left { Err(LONG) } else { Ok(()) };
        }
        let back = if extra == 1 { usize::from(tag >> 5) << 8 | number } else { number };
        if len > left {
            return Err(LONG);
        }
        if back == 0 || back > self.written.min(self.window.len()) {
            return Err("a copy reaches back too far");
        }
        self.put_copy(back, len);
        Ok(())
    }

    fn put_literal(&mut self, mut len: usize) {
        self.literal -= len;
        while len > 0 {
            let at = self.written & (self.window.len() - 1);
            let fits = len.min(self.window.len() - at);
            self.window[at..at + fits].copy_from_slice(&self.input[..fits]);
            self.input.advance(fits);
            self.written += fits;
            len -= fits;
        }
    }

    fn put_copy(&mut self, back: usize, len: usize) {
        let mask = self.window.len() - 1;
        let (from, at) = ((self.written - back) & mask, self.written & mask);
        if back >= len && from + len <= self.window.len() && at + len <= self.window.len() {
            self.window.copy_within(from..from + len, at);
        } else {
            for i in 0..len {
                self.window[(at + i) & mask] = self.window[(from + i) & mask];
            }
        }
        self.written += len;
    }

    fn copy_out(&self, out: &mut [u8]) {
        if self.is_whole {
            out.copy_from_slice(&self.whole[self.read..self.read + out.len()]);
            return;
        }
        let at = self.read & (self.window.len() - 1);
        let first = out.len().min(self.window.len() - at);
        let (head, tail) = out.split_at_mut(first);
        head.copy_from_slice(&self.window[at..at + first]);
        tail.copy_from_slice(&self.window[..tail.len()]);
    }
}

/// The length that a block begins with: a varint of at most five bytes.
fn length(input: &mut Bytes) -> Option<usize> {
    let mut value = 0_u64;
    for (i, byte) in input.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            input.advance(i + 1);
            return u32::try_from(value).ok().and_then(|len| usize::try_from(len).ok());
        }
    }
    None
}
