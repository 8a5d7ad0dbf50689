//! The size of an append in the log and in memory.

/// A batch's entry in a chunk's footer may be larger than a tiny batch. Its frame's and its
/// partition's entries are in here too.
const FOOTER_BYTES_A_BATCH: usize = 192;

/// The largest cost of one append: the lengths of chunks and of frames have 32 bits.
pub(crate) const APPEND_COST_MAX: usize = i32::MAX as usize;

/// The size of an append, or of the batches of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppendSize {
    pub(crate) bytes: usize,
    /// An upper bound of what the batches take in the log and in memory.
    pub(crate) cost: usize,
}

impl AppendSize {
    pub(crate) const fn new(bytes: usize, batches: usize) -> Self {
        Self { bytes, cost: bytes + FOOTER_BYTES_A_BATCH * batches }
    }
}
