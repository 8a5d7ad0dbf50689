//! What can be wrong with a batch.

use crate::codec::Compression;

/// A batch, or bytes that should be one, that cannot be used. The message says which rule is
/// broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end before the batch does. In a fetch response the last batch may be cut; in a
    /// produce request this is CORRUPT_MESSAGE.
    #[error("the bytes end within a record batch: it needs {needed} bytes, {have} are there")]
    Truncated {
        /// How many bytes the batch needs, as far as known.
        needed: usize,
        /// How many there are.
        have: usize,
    },
    /// The length field cannot be right (CORRUPT_MESSAGE).
    #[error("the batch length {length} is less than the header needs")]
    Length {
        /// The field as read.
        length: i32,
    },
    /// Not the format that was asked for: magic 0 and 1 are for [`crate::legacy`], others do not
    /// exist.
    #[error("magic {magic} is not the record batch format in use here (2)")]
    Magic {
        /// The byte as read.
        magic: i8,
    },
    /// The checksum does not match the bytes (CORRUPT_MESSAGE).
    #[error(
        "the checksum is {computed:#010x} but the batch says {stored:#010x}: it was damaged on the way, send it again"
    )]
    Checksum {
        /// The checksum that the batch carries.
        stored: u32,
        /// The checksum of its bytes.
        computed: u32,
    },
    /// No such codec (UNSUPPORTED_COMPRESSION_TYPE).
    #[error("compression codec {id} is not known: use none, gzip, snappy, lz4 or zstd")]
    Codec {
        /// The codec's number as read.
        id: u8,
    },
    /// The codec refused the bytes (CORRUPT_MESSAGE), or could not compress.
    #[error("{codec} failed on the records: {reason}")]
    Compression { codec: Compression, reason: String },
    /// The records are larger than the limit the caller set (MESSAGE_TOO_LARGE).
    #[error("the records are larger than {limit} bytes once decompressed: send smaller batches")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A rule about the batch as a whole is broken (INVALID_RECORD).
    #[error("invalid record batch: {reason}")]
    Invalid { reason: &'static str },
    /// A producer marked its records with the broker's time (INVALID_TIMESTAMP).
    #[error("the log append time is the broker's to set: send records with their creation time")]
    TimestampType,
    /// A record cannot be read (INVALID_RECORD).
    #[error("record {index} of the batch is invalid: {reason}")]
    Record {
        /// The record's place in the batch, from 0.
        index: i32,
        reason: &'static str,
    },
}
