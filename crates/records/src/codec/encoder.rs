//! Compressing a little at a time.

use std::io::Write;

use flate2::write::GzEncoder;

use crate::{
    codec::{Compression, lz4, snappy},
    error::BatchError,
};

/// What an encoder of Zstandard has at levels up to 9, about.
const ZSTD_BYTES: usize = 16 << 20;

/// Appends what is written to it, compressed, to bytes that are there already.
pub(crate) struct Encoder {
    codec: Compression,
    stream: Stream,
}

enum Stream {
    None(Vec<u8>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Snappy(Box<snappy::Encoder>),
    Lz4(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
}

impl Encoder {
    /// An encoder that appends to `out`, at a level of gzip or zstd; without one at the codec's
    /// default, and lz4 and snappy have no other.
    ///
    /// Errors: [`BatchError::Compression`].
    pub(crate) fn new(
        codec: Compression,
        level: Option<i32>,
        out: Vec<u8>,
    ) -> Result<Self, BatchError> {
        let stream = match codec {
            Compression::None => Stream::None(out),
            Compression::Gzip => {
                let level = level.and_then(|level| u32::try_from(level.min(9)).ok());
                let level =
                    level.map_or_else(flate2::Compression::default, flate2::Compression::new);
                Stream::Gzip(Box::new(GzEncoder::new(out, level)))
            }
            Compression::Snappy => Stream::Snappy(Box::new(snappy::Encoder::new(out))),
            Compression::Lz4 => Stream::Lz4(Box::new(lz4::encoder(out))),
            Compression::Zstd => {
                let level = level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
                let encoder = zstd::stream::write::Encoder::new(out, level);
                Stream::Zstd(Box::new(encoder.map_err(|error| codec.failed(&error))?))
            }
        };
        Ok(Self { codec, stream })
    }

    /// Errors: [`BatchError::Compression`].
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), BatchError> {
        let written = match &mut self.stream {
            Stream::None(out) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Stream::Gzip(encoder) => encoder.write_all(bytes),
            Stream::Snappy(encoder) => return encoder.write(bytes),
            Stream::Lz4(encoder) => encoder.write_all(bytes),
            Stream::Zstd(encoder) => encoder.write_all(bytes),
        };
        written.map_err(|error| self.codec.failed(&error))
    }

    /// How many bytes there are so far.
    pub(crate) fn len(&self) -> usize {
        match &self.stream {
            Stream::None(out) => out.len(),
            Stream::Gzip(encoder) => encoder.get_ref().len(),
            Stream::Snappy(encoder) => encoder.len(),
            Stream::Lz4(encoder) => encoder.get_ref().len(),
            Stream::Zstd(encoder) => encoder.get_ref().len(),
        }
    }

    /// How much memory it has, about: a growing buffer has up to twice what is in it.
    pub(crate) fn memory(&self) -> usize {
        let own = match &self.stream {
            Stream::None(_) => 0,
            Stream::Gzip(_) | Stream::Snappy(_) | Stream::Lz4(_) => 256 * 1024,
            Stream::Zstd(_) => ZSTD_BYTES,
        };
        own + self.len().next_power_of_two()
    }

    /// All the bytes.
    ///
    /// Errors: [`BatchError::Compression`].
    pub(crate) fn finish(self) -> Result<Vec<u8>, BatchError> {
        let codec = self.codec;
        match self.stream {
            Stream::None(out) => Ok(out),
            Stream::Gzip(encoder) => encoder.finish().map_err(|error| codec.failed(&error)),
            Stream::Snappy(encoder) => encoder.finish(),
            Stream::Lz4(encoder) => encoder.finish().map_err(|error| codec.failed(&error)),
            Stream::Zstd(encoder) => encoder.finish().map_err(|error| codec.failed(&error)),
        }
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("codec", &self.codec).finish_non_exhaustive()
    }
}
