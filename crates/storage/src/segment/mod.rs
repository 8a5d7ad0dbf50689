//! The file format of chunks and segments, its writer and reader, and the cache they are read
//! through.

pub(crate) mod blocks;
pub(crate) mod cursor;
pub(crate) mod footer;
pub mod format;
pub(crate) mod reader;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
pub(crate) mod writer;

pub use footer::{EpochStart, Footer, FooterError, FrameEntry, PartitionFooter};
pub use format::{
    BatchSummary, FORMAT_LEVEL, FormatLevel, HEADER_BYTES, ProducerBatch, TRAILER_BYTES,
};
pub use reader::{SegmentError, SegmentReader, TailOutcome};
pub use writer::{FinishedSegment, SegmentOptions, SegmentWriter, overhead_bytes_max};
