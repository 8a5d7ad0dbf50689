//! Decompressing a little at a time: one decoder for checks, which keep nothing, and for readers,
//! which keep everything.
//!
//! What is accepted is what Kafka's Java clients read, since a consumer that cannot read a batch
//! never gets past it: one LZ4 frame of independent blocks, Zstandard frames with windows up to
//! 128 MiB, gzip members until something else follows, snappy with or without framing.
//!
//! Bytes that expand to nothing (empty members, frames and blocks) take time too: a read ends after
//! some of them.

use std::io::{self, Read as _};

use bytes::{Buf as _, Bytes};
use flate2::bufread::GzDecoder;
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::{Compression, gzip_input::GzipInput, lz4, snappy, spare};
use crate::error::BatchError;

/// The largest window of a Zstandard frame as a power of two: what decoders accept that are not
/// told otherwise.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How much of the input one read takes, each: the longest compressed block is a third of it.
const ZSTD_SLICE: usize = 384 * 1024;

/// The same for gzip, whose empty members cost more.
const GZIP_SLICE: usize = 16 * 1024;

/// A place in compressed bytes, and how far their decompression is.
pub(crate) struct Decoder {
    codec: Compression,
    stream: Stream,
    ended: bool,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decompressed {
    Some(usize),
    /// Nothing yet. It took as long as [`Decompressed::PENDING_COST`] bytes do, about.
    Pending,
    End,
}

impl Decompressed {
    pub(crate) const PENDING_COST: usize = 64 * 1024;
}

enum Stream {
    Gzip(Gzip),
    Snappy(Box<snappy::Decoder>),
    Lz4(Box<lz4::Decoder>),
    Zstd(Zstd),
}

impl Decoder {
    /// A decoder for the payload of a batch; `None` without a codec.
    ///
    /// Errors: [`BatchError::Compression`].
    pub(crate) fn new(codec: Compression, payload: Bytes) -> Result<Option<Self>, BatchError> {
        let stream = match codec {
            Compression::None => return Ok(None),
            Compression::Gzip => Stream::Gzip(Gzip::new(payload)),
            Compression::Snappy => Stream::Snappy(Box::new(snappy::Decoder::new(payload))),
            Compression::Lz4 => {
                let decoder = lz4::Decoder::new(payload).map_err(|reason| codec.failed(&reason))?;
                Stream::Lz4(Box::new(decoder))
            }
            Compression::Zstd => {
                Stream::Zstd(Zstd::new(payload).map_err(|reason| codec.failed(&reason))?)
            }
        };
        Ok(Some(Self { codec, stream, ended: false }))
    }

    /// Decompresses into `out`, which is not empty.
    ///
    /// Errors: [`BatchError::Compression`].
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<Decompressed, BatchError> {
        if self.ended {
            return Ok(Decompressed::End);
        }
        let codec = self.codec;
        let read = match &mut self.stream {
            Stream::Gzip(gzip) => gzip.read(out).map_err(|error| codec.failed(&error)),
            Stream::Snappy(decoder) => decoder.read(out).map_err(|reason| codec.failed(&reason)),
            Stream::Lz4(decoder) => match decoder.read(out) {
                Ok(0) => Ok(Decompressed::End),
                Ok(read) => Ok(Decompressed::Some(read)),
                Err(reason) => Err(codec.failed(&reason)),
            },
            Stream::Zstd(zstd) => zstd.read(out).map_err(|reason| codec.failed(&reason)),
        }?;
        self.ended = read == Decompressed::End;
        Ok(read)
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
            let len = if let Ok(Decompressed::Some(len)) = read { len } else { 0 };
            out.truncate(filled + len);
            if read? == Decompressed::End {
                return Ok(());
            }
        }
    }

    /// How much memory it has, about.
    pub(crate) fn memory(&self) -> usize {
        match &self.stream {
            Stream::Gzip(_) => 64 * 1024,
            Stream::Snappy(decoder) => decoder.memory(),
            Stream::Lz4(decoder) => decoder.memory(),
            Stream::Zstd(zstd) => zstd.context.as_ref().map_or(0, DCtx::sizeof),
        }
    }
}

/// Gzip members one after the other. What follows a member and is no other is ignored, as in Java.
struct Gzip {
    /// There until this is dropped.
    decoder: Option<Box<GzDecoder<GzipInput>>>,
    is_first: bool,
}

impl Gzip {
    fn new(payload: Bytes) -> Self {
        let input = GzipInput { bytes: payload, allowed: GZIP_SLICE };
        Self { decoder: Some(spare::take_gzip(input)), is_first: true }
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<Decompressed> {
        let Some(decoder) = &mut self.decoder else { return Ok(Decompressed::End) };
        decoder.get_mut().allowed = GZIP_SLICE;
        loop {
            match decoder.read(out) {
                Ok(0) => {
                    let rest = std::mem::take(decoder.get_mut());
                    if rest.bytes.is_empty() {
                        return Ok(Decompressed::End);
                    }
                    decoder.reset(rest);
                    self.is_first = false;
                }
                Ok(read) => return Ok(Decompressed::Some(read)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Decompressed::Pending);
                }
                Err(_) if !self.is_first && decoder.header().is_none() => {
                    return Ok(Decompressed::End);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Gzip {
    fn drop(&mut self) {
        if let Some(decoder) = self.decoder.take() {
            spare::keep_gzip(decoder);
        }
    }
}

/// Zstandard frames one after the other.
struct Zstd {
    /// There until this is dropped.
    context: Option<DCtx<'static>>,
    rest: Bytes,
    /// Whether what was read ends with a frame.
    is_whole: bool,
}

impl Zstd {
    fn new(payload: Bytes) -> Result<Self, &'static str> {
        let mut context = spare::take_zstd();
        context
            .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
            .map_err(get_error_name)?;
        Ok(Self { context: Some(context), rest: payload, is_whole: true })
    }

    fn read(&mut self, out: &mut [u8]) -> Result<Decompressed, &'static str> {
        let Some(context) = &mut self.context else { return Ok(Decompressed::End) };
        if self.rest.is_empty() && self.is_whole {
            return Ok(Decompressed::End);
        }
        let mut input = InBuffer::around(&self.rest[..self.rest.len().min(ZSTD_SLICE)]);
        let mut output = OutBuffer::around(out);
        loop {
            let before = input.pos();
            let missing =
                context.decompress_stream(&mut output, &mut input).map_err(get_error_name)?;
            self.is_whole = missing == 0;
            let is_used_up = input.pos() == before || input.pos() == input.src.len();
            if output.pos() > 0 || is_used_up {
                break;
            }
        }
        let (read, written) = (input.pos(), output.pos());
        self.rest.advance(read);
        match written {
            0 if self.rest.is_empty() && self.is_whole => Ok(Decompressed::End),
            0 if read == 0 => Err("the frame is cut"),
            0 => Ok(Decompressed::Pending),
            written => Ok(Decompressed::Some(written)),
        }
    }
}

impl Drop for Zstd {
    fn drop(&mut self) {
        if let Some(context) = self.context.take() {
            spare::keep_zstd(context);
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("codec", &self.codec).field("ended", &self.ended).finish()
    }
}
