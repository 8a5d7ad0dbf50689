//! The input of a gzip decoder that pauses.

use std::io::{self, BufRead, Read};

use bytes::{Buf, Bytes};

/// What is left of a payload, of which so much may be read.
#[derive(Debug, Default)]
pub(super) struct GzipInput {
    pub(super) bytes: Bytes,
    pub(super) allowed: usize,
}

impl Read for GzipInput {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for GzipInput {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let len = self.bytes.len().min(self.allowed);
        if len == 0 && !self.bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes[..len])
    }

    fn consume(&mut self, len: usize) {
        self.bytes.advance(len);
        self.allowed -= len;
    }
}
