//! The file format of chunks and segments, its writer and reader, and the cache they are read
//! through.

pub(crate) mod batch_spans;
pub(crate) mod block_error;
pub(crate) mod blocks;
pub(crate) mod cursor;
pub(crate) mod details;
mod field_codec;
pub(crate) mod footer;
mod footer_codec;
pub(crate) mod format;
pub(crate) mod list;
mod list_writer;
pub(crate) mod reader;
pub(crate) mod segment_error;
mod stored;
#[cfg(test)]
mod tests;
mod trailer;
pub(crate) mod writer;
