//! Memory of decoders that a thread keeps for its next batch: making it anew for each costs more
//! than decompressing a small one.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
};

use flate2::bufread::GzDecoder;
use zstd::zstd_safe::{DCtx, ResetDirective};

use super::gzip_input::GzipInput;

/// A context of Zstandard with a larger window is not kept.
const ZSTD_BYTES_MAX: usize = 4 << 20;

/// A larger buffer is not kept.
const BUFFER_BYTES_MAX: usize = 1 << 20;

/// How many buffers a thread keeps.
const BUFFERS_MAX: usize = 2;

thread_local! {
    static SPARE: RefCell<Spare> = RefCell::default();
}

#[derive(Default)]
struct Spare {
    zstd: Option<DCtx<'static>>,
    gzip: Option<Box<GzDecoder<GzipInput>>>,
    buffers: Vec<Vec<u8>>,
}

/// What the thread has to spare; `None` while it ends.
fn spare<T>(with: impl FnOnce(&mut Spare) -> T) -> Option<T> {
    SPARE.try_with(|spare| spare.try_borrow_mut().ok().map(|mut spare| with(&mut spare))).ok()?
}

/// A context that begins with a new frame; its parameters may be any.
pub(super) fn take_zstd() -> DCtx<'static> {
    let kept = spare(|spare| spare.zstd.take()).flatten();
    let usable = kept.and_then(|mut context| {
        context.reset(ResetDirective::SessionOnly).is_ok().then_some(context)
    });
    usable.unwrap_or_else(DCtx::create)
}

pub(super) fn keep_zstd(context: DCtx<'static>) {
    if context.sizeof() <= ZSTD_BYTES_MAX {
        spare(|spare| spare.zstd = Some(context));
    }
}

pub(super) fn take_gzip(input: GzipInput) -> Box<GzDecoder<GzipInput>> {
    match spare(|spare| spare.gzip.take()).flatten() {
        Some(mut decoder) => {
            decoder.reset(input);
            decoder
        }
        None => Box::new(GzDecoder::new(input)),
    }
}

pub(super) fn keep_gzip(mut decoder: Box<GzDecoder<GzipInput>>) {
    // Not the batch.
    decoder.reset(GzipInput::default());
    spare(|spare| spare.gzip = Some(decoder));
}

/// Bytes of any content, to be overwritten.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    pub(crate) fn new(len: usize) -> Self {
        let mut bytes = spare(|spare| spare.buffers.pop()).flatten().unwrap_or_default();
        bytes.resize(len, 0);
        Self(bytes)
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.0);
        if bytes.capacity() > 0 && bytes.capacity() <= BUFFER_BYTES_MAX {
            spare(|spare| {
                if spare.buffers.len() < BUFFERS_MAX {
                    spare.buffers.push(bytes);
                }
            });
        }
    }
}
