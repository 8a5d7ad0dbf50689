//! A reusable output buffer that starts on a block boundary.

use bytes::Bytes;

use super::BLOCK_BYTES;

/// Bytes to be written to a file or a store. Starts on a boundary of [`BLOCK_BYTES`] in memory, so that it may
/// be written without the page cache, and keeps its memory when cleared, so that it is zeroed only once.
#[derive(Debug, Default)]
pub struct WriteBuffer {
    memory: Vec<u8>,
    /// Where the first aligned byte of `memory` is.
    start: usize,
    len: usize,
}

impl WriteBuffer {
    /// An empty buffer with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut buffer = Self::default();
        buffer.reserve(bytes);
        buffer
    }

    /// How many bytes were appended.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets the bytes and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Forgets the bytes from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.len]
    }

    /// The bytes, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.len]
    }

    /// Makes room for `additional` more bytes.
    pub fn reserve(&mut self, additional: usize) {
        let needed = self.len + additional;
        if self.start + needed <= self.memory.len() {
            return;
        }
        let capacity = needed.max(self.len * 2).next_multiple_of(BLOCK_BYTES);
        let mut memory = vec![0; capacity + BLOCK_BYTES];
        let start = memory.as_ptr().align_offset(BLOCK_BYTES).min(BLOCK_BYTES);
        memory[start..start + self.len].copy_from_slice(self.as_slice());
        (self.memory, self.start) = (memory, start);
    }

    /// Appends `len` bytes and hands them out to be filled in; what they hold before that is undefined.
    pub fn grow(&mut self, len: usize) -> &mut [u8] {
        self.reserve(len);
        let from = self.start + self.len;
        self.len += len;
        &mut self.memory[from..from + len]
    }

    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.grow(bytes.len()).copy_from_slice(bytes);
    }

    /// Appends zeros up to the next multiple of `alignment`.
    pub fn pad_to(&mut self, alignment: usize) {
        let padding = self.len.next_multiple_of(alignment) - self.len;
        self.grow(padding).fill(0);
    }

    /// The memory this buffer holds on to, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.memory.len()
    }

    /// The bytes, shared from now on.
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.memory).slice(self.start..self.start + self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_growth_and_stay_aligned() {
        let mut buffer = WriteBuffer::default();
        let mut expected = Vec::new();
        for i in 0..5_000_u32 {
            buffer.extend(&i.to_be_bytes());
            expected.extend(i.to_be_bytes());
            assert_eq!(buffer.as_slice().as_ptr().align_offset(BLOCK_BYTES), 0);
        }
        buffer.pad_to(BLOCK_BYTES);
        assert_eq!(buffer.len() % BLOCK_BYTES, 0);
        assert_eq!(buffer.as_slice()[..expected.len()], expected);
        assert!(buffer.as_slice()[expected.len()..].iter().all(|&b| b == 0));
        buffer.truncate(expected.len());
        assert_eq!(buffer.into_bytes(), expected);
    }
}
