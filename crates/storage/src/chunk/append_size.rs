//! The size of an append in the log and in memory.

/// A batch's entry in a chunk's footer may be larger than a tiny batch.
const FOOTER_BYTES_A_BATCH: usize = 192;

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
