//! Decompressing a little at a time: one decoder for checks, which keep nothing, and for readers,
//! which keep everything.
//!
//! What is accepted is what Kafka's Java clients read, since a consumer that cannot read a batch
//! never gets past it: one LZ4 frame of independent blocks, Zstandard frames with windows up to
//! 128 MiB, gzip members until something else follows, snappy with or without framing.

use std::io::{self, Read};

use bytes::{Buf, Bytes, buf::Reader};
use flate2::bufread::GzDecoder;

use crate::{
    codec::{Compression, snappy, zstd_window},
    error::BatchError,
};

/// What an LZ4 frame begins with, as a little-endian number.
const LZ4_MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// The bit of an LZ4 frame's flags that says that its blocks do not refer to each other.
const LZ4_INDEPENDENT: u8 = 1 << 5;

/// What a decoder has beside its window or its blocks.
const TABLE_BYTES: usize = 64 * 1024;
/// The same for Zstandard, where blocks are beside the window.
const ZSTD_BYTES: usize = 512 * 1024;

/// A place in compressed bytes, and how far their decompression is.
pub(crate) struct Decoder {
    codec: Compression,
    stream: Stream,
    ended: bool,
}

enum Stream {
    Gzip(Box<GzDecoder<Reader<Bytes>>>),
    Snappy(Box<snappy::Decoder>),
    Lz4(Box<lz4_flex::frame::FrameDecoder<EndWatch>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Reader<Bytes>>>),
}

/// Knows whether its reader wanted more than there is. An LZ4 decoder takes a frame that is cut
/// between two blocks for one that has ended.
struct EndWatch {
    bytes: Reader<Bytes>,
    passed_end: bool,
}

impl Read for EndWatch {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(out)?;
        self.passed_end |= read == 0 && !out.is_empty();
        Ok(read)
    }
}

impl Decoder {
    /// How many bytes a decoder of `payload` takes in memory at most, about.
    pub(crate) fn bytes(codec: Compression, payload: &[u8]) -> usize {
        match codec {
            Compression::None => 0,
            Compression::Gzip | Compression::Snappy => TABLE_BYTES,
            Compression::Lz4 => TABLE_BYTES + 2 * lz4_block_bytes(payload),
            Compression::Zstd => ZSTD_BYTES + (1 << zstd_window::window_log_max(payload)),
        }
    }

    /// A decoder for the payload of a batch; `None` without a codec.
    ///
    /// Errors: [`BatchError::Compression`].
    pub(crate) fn new(codec: Compression, payload: Bytes) -> Result<Option<Self>, BatchError> {
        let stream = match codec {
            Compression::None => return Ok(None),
            Compression::Gzip => Stream::Gzip(Box::new(GzDecoder::new(payload.reader()))),
            Compression::Snappy => Stream::Snappy(Box::new(snappy::Decoder::new(payload))),
            Compression::Lz4 => {
                let flags = payload.strip_prefix(&LZ4_MAGIC).and_then(|rest| rest.first());
                match flags {
                    None => return Err(codec.failed(&"the payload is no frame")),
                    Some(flags) if flags & LZ4_INDEPENDENT == 0 => {
                        return Err(codec.failed(&"blocks that refer to others are not supported"));
                    }
                    Some(_) => {}
                }
                let bytes = EndWatch { bytes: payload.reader(), passed_end: false };
                Stream::Lz4(Box::new(lz4_flex::frame::FrameDecoder::new(bytes)))
            }
            Compression::Zstd => {
                let window_log_max = zstd_window::window_log_max(&payload);
                let mut decoder = zstd::stream::read::Decoder::with_buffer(payload.reader())
                    .map_err(|error| codec.failed(&error))?;
                decoder.window_log_max(window_log_max).map_err(|error| codec.failed(&error))?;
                Stream::Zstd(Box::new(decoder))
            }
        };
        Ok(Some(Self { codec, stream, ended: false }))
    }

    /// Decompresses into `out`; 0 at the end.
    ///
    /// Errors: [`BatchError::Compression`].
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, BatchError> {
        while !self.ended {
            let read = match &mut self.stream {
                Stream::Gzip(decoder) => decoder.read(out),
                Stream::Snappy(decoder) => decoder.read(out).map_err(io::Error::other),
                Stream::Lz4(decoder) => match decoder.read(out) {
                    Ok(0) if decoder.get_ref().passed_end => {
                        Err(io::ErrorKind::UnexpectedEof.into())
                    }
                    outcome => outcome,
                },
                Stream::Zstd(decoder) => decoder.read(out),
            };
            match read.map_err(|error| self.codec.failed(&error))? {
                0 if !out.is_empty() => self.ended = !self.next_member(),
                read => return Ok(read),
            }
        }
        Ok(0)
    }

    /// Appends all that is left to `out`, which may have `limit` bytes then.
    ///
    /// Errors: [`BatchError::Compression`], [`BatchError::TooLarge`].
    pub(crate) fn read_to_end(
        &mut self,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), BatchError> {
        const SLICE: usize = 16 * 1024;
        loop {
            let filled = out.len();
            if out.capacity() == filled {
                out.reserve(filled.max(SLICE));
            }
            let room = out.capacity().min(limit.saturating_add(1));
            if room == filled {
                return Err(BatchError::TooLarge { limit });
            }
            out.resize(room, 0);
            let read = self.read(&mut out[filled..]);
            out.truncate(filled + read.as_ref().map_or(0, |read| *read));
            if read? == 0 {
                return Ok(());
            }
        }
    }

    /// Goes on to the next member of a gzip stream. What follows a member and is no other is
    /// ignored, as in Java.
    fn next_member(&mut self) -> bool {
        let Stream::Gzip(decoder) = &mut self.stream else { return false };
        let rest = std::mem::take(decoder.get_mut().get_mut());
        let next = GzDecoder::new(rest.reader());
        let found = next.header().is_some();
        if found {
            **decoder = next;
        }
        found
    }
}

/// How large the blocks of an LZ4 frame are at most: its descriptor says so.
fn lz4_block_bytes(payload: &[u8]) -> usize {
    match payload.get(LZ4_MAGIC.len() + 1).map(|descriptor| descriptor >> 4 & 7) {
        Some(4) => 64 << 10,
        Some(5) => 256 << 10,
        Some(6) => 1 << 20,
        _ => 4 << 20,
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("codec", &self.codec).field("ended", &self.ended).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_but_none_has_a_decoder_that_takes_memory() {
        for codec in Compression::ALL {
            let payload = codec.compress(vec![7; 100_000]).unwrap();
            let bytes = Decoder::bytes(codec, &payload);
            assert_eq!(bytes == 0, codec == Compression::None, "{codec}");
            assert!(bytes <= 16 << 20, "{codec}: {bytes}");
        }
    }
}
