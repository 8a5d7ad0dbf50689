//! Kafka's record batches (magic 2, KIP-98) as views over [`bytes::Bytes`]: headers, checksums,
//! codecs, patching, records.
//!
//! - [`split`] walks the records of a produce request or of a fetch response; a [`Batch`] is a parsed
//!   [`BatchHeader`] and the batch's own bytes, shared, not copied.
//! - [`Stamp`] writes what a broker decides (base offset, leader epoch, log append time) into a
//!   copy of a batch.
//! - [`RecordCheck`] looks at every record of a batch in bounded steps and memory, and finds its
//!   largest timestamp.
//! - [`RecordSearch`] finds a record by its time, in bounded steps too.
//! - [`Batch::records`] decompresses within a limit and yields [`Record`]s that borrow from the
//!   payload.
//! - [`Recompression`] gives a batch another codec, likewise.
//! - [`BatchBuilder`] makes batches; [`control`] the markers that end transactions; [`legacy`]
//!   converts the message sets of before (magic 0 and 1) both ways.
//!
//! Invariants: bytes from outside never panic and never make it reserve more than they justify;
//! decompression stops at the caller's limit; a batch that is not patched keeps every byte.
//!
//! Not here: files, sockets, clocks, offsets being assigned, producer state.

mod batch;
mod builder;
mod bytes_in;
mod check;
mod codec;
pub mod control;
mod crc_shift;
mod error;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod header;
pub mod legacy;
mod recompress;
mod record;
mod search;
mod stamp;

pub use batch::{Batch, Batches, Checksum, magic_of, split};
pub use builder::{BatchBuilder, NewRecord};
pub use check::{
    CheckProgress, RecordCheck, RecordError, RecordFault, RecordRules, RecordsSummary,
    RejectedRecords,
};
pub use codec::Compression;
pub use error::BatchError;
pub use header::{Attributes, BatchHeader, HEADER_LEN, MAGIC, TimestampType};
pub use recompress::{Recompressed, Recompression};
pub use record::{Headers, Record, RecordSet, Records};
pub use search::{
    RecordSearch, SearchProgress, find_record, first_record_at_or_after,
    first_record_with_max_timestamp,
};
pub use stamp::Stamp;
