//! The four codecs, each within the caller's limit.

use std::fmt;

use bytes::Bytes;

use crate::error::BatchError;

mod decoder;
mod encoder;
mod gzip_input;
mod lz4;
mod snappy;
mod spare;

pub(crate) use decoder::{Decoder, Decompressed};
pub(crate) use encoder::Encoder;
pub(crate) use spare::Buffer;

/// How the records of a batch are compressed (`compression.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    #[default]
    None,
    /// Gzip (RFC 1952).
    Gzip,
    /// Snappy: written in the framing of Kafka's Java clients, read with and without it.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (KIP-110).
    Zstd,
}

impl Compression {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The number in a batch's attributes.
    pub const fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The codec with this number.
    pub const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            0 => Self::None,
            1 => Self::Gzip,
            2 => Self::Snappy,
            3 => Self::Lz4,
            4 => Self::Zstd,
            _ => return None,
        })
    }

    /// The codec's name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Decompresses `payload` into at most `limit` bytes; without a codec it is shared as it is.
    ///
    /// Errors: [`BatchError::Compression`], [`BatchError::TooLarge`].
    pub fn decompress(self, payload: Bytes, limit: usize) -> Result<Bytes, BatchError> {
        // A batch that compaction emptied has no payload, and keeps its attributes.
        if self == Self::None || payload.is_empty() {
            return Ok(payload);
        }
        let Some(mut decoder) = Decoder::new(self, payload.clone())? else { return Ok(payload) };
        let mut out = Vec::new();
        decoder.read_to_end(&mut out, limit)?;
        Ok(out.into())
    }

    /// Compresses `payload` at the codec's default level.
    ///
    /// Errors: as [`Compression::compress_at`].
    pub fn compress(self, payload: Vec<u8>) -> Result<Vec<u8>, BatchError> {
        self.compress_at(None, payload)
    }

    /// Compresses `payload` at a level of gzip or zstd; without one at the codec's default, and lz4
    /// and snappy have no other.
    ///
    /// Errors: [`BatchError::Compression`].
    pub fn compress_at(self, level: Option<i32>, payload: Vec<u8>) -> Result<Vec<u8>, BatchError> {
        if self == Self::None {
            return Ok(payload);
        }
        let mut encoder = Encoder::new(self, level, Vec::with_capacity(payload.len() / 2))?;
        encoder.write(&payload)?;
        encoder.finish()
    }

    pub(crate) fn failed(self, reason: &dyn fmt::Display) -> BatchError {
        BatchError::Compression { codec: self, reason: reason.to_string() }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
