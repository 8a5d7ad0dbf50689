//! The file format of chunks and segments, its writer and reader, and the cache they are read
//! through.

pub(crate) mod batch_spans;
pub(crate) mod block_error;
pub(crate) mod blocks;
pub(crate) mod cursor;
pub(crate) mod footer;
pub(crate) mod format;
pub(crate) mod reader;
mod stored;
#[cfg(test)]
mod tests;
pub(crate) mod writer;
