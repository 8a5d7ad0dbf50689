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
    codec::{Compression, footprint::zstd_window_log_max, snappy},
    error::BatchError,
};

/// What an LZ4 frame begins with, as a little-endian number.
const LZ4_MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// The bit of an LZ4 frame's flags that says that its blocks do not refer to each other.
const LZ4_INDEPENDENT: u8 = 1 << 5;

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
                let window_log_max = zstd_window_log_max(&payload);
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

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("codec", &self.codec).field("ended", &self.ended).finish()
    }
}
