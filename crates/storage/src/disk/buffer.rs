//! Reusable output buffers that start on a block boundary.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use crate::disk::file_system::BLOCK_BYTES;

/// Bytes to be written to a file or a store. Starts on a boundary of [`BLOCK_BYTES`] in memory, so
/// that it may be written without the page cache, and keeps its memory when cleared, so that it is
/// zeroed only once.
#[derive(Debug, Default)]
pub struct WriteBuffer {
    memory: Vec<u8>,
    /// Where the first aligned byte of `memory` is.
    start: usize,
    len: usize,
}

impl WriteBuffer {
    /// How many bytes were appended.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Removes the bytes and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Removes the bytes from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.len]
    }

    /// The bytes, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.len]
    }

    /// Reserves memory for `additional` more bytes.
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

    /// Appends `len` bytes and returns them to be filled in; their initial contents are undefined.
    pub fn grow(&mut self, len: usize) -> &mut [u8] {
        self.reserve(len);
        let from = self.start + self.len;
        self.len += len;
        &mut self.memory[from..from + len]
    }

    pub fn extend(&mut self, bytes: &[u8]) {
        self.grow(bytes.len()).copy_from_slice(bytes);
    }

    /// Appends zeros up to the next multiple of `alignment`.
    pub fn pad_to(&mut self, alignment: usize) {
        let padding = self.len.next_multiple_of(alignment) - self.len;
        self.grow(padding).fill(0);
    }

    /// The allocated memory, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.memory.len()
    }

    /// The bytes, shared from now on.
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.memory).slice(self.start..self.start + self.len)
    }
}

/// Buffers for reuse: mapping large memory, which the kernel clears, costs as much as encrypting
/// what goes into it. Clones share them.
#[derive(Clone, Debug)]
pub struct SpareBuffers(Arc<BufferPool>);

#[derive(Debug)]
struct BufferPool {
    count_max: usize,
    bytes_max: usize,
    buffers: Mutex<Vec<WriteBuffer>>,
}

impl SpareBuffers {
    /// Keeps at most `count_max` buffers, of at most `bytes_max` each.
    pub fn new(count_max: usize, bytes_max: usize) -> Self {
        Self(Arc::new(BufferPool { count_max, bytes_max, buffers: Mutex::default() }))
    }

    /// An empty buffer, with the memory of a spare one if there is one.
    pub fn take(&self) -> WriteBuffer {
        self.buffers().pop().unwrap_or_default()
    }

    /// The bytes of a buffer, which becomes spare when the last slice of them is dropped.
    pub fn lend(&self, buffer: WriteBuffer) -> Bytes {
        Bytes::from_owner(LentBuffer { buffer, spare: self.clone() })
    }

    /// Frees the spare buffers.
    pub fn clear(&self) {
        self.buffers().clear();
    }

    fn buffers(&self) -> MutexGuard<'_, Vec<WriteBuffer>> {
        self.0.buffers.lock().expect("no panic while buffers are put away")
    }
}

struct LentBuffer {
    buffer: WriteBuffer,
    spare: SpareBuffers,
}

impl AsRef<[u8]> for LentBuffer {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_slice()
    }
}

impl Drop for LentBuffer {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let mut buffers = self.spare.buffers();
        if buffers.len() < self.spare.0.count_max && buffer.memory_bytes() <= self.spare.0.bytes_max
        {
            buffers.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_spare_again_when_its_last_reader_ends() {
        let spare = SpareBuffers::new(1, 64 << 10);
        let lend = |bytes: usize| {
            let mut buffer = spare.take();
            buffer.extend(&vec![7; bytes]);
            spare.lend(buffer)
        };
        let (first, second) = (lend(10_000), lend(10_000));
        let slice = first.slice(10..20);
        drop(first);
        assert_eq!(spare.buffers().len(), 0, "a slice is still read");
        drop(slice);
        drop(second);
        assert_eq!(spare.buffers().len(), 1, "no more than one is kept");
        let again = lend(100);
        assert_eq!(again, [7; 100].as_slice(), "nothing of what it held before shows");
        drop(again);
        spare.clear();
        drop(lend(100_000));
        assert_eq!(spare.buffers().len(), 0, "a large one is not kept");
    }

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
