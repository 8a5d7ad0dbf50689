//! The message sets of before Kafka 0.11: magic 0 and, with timestamps, magic 1 (KIP-32).
//!
//! The log holds magic 2 only. [`UpConversion`] makes a batch of what an old producer sends,
//! [`down_convert`] makes a message set for an old consumer; both cost a copy and, with a codec,
//! decompressing and compressing again.
//!
//! A message: offset (8 bytes), size (4), CRC-32 of what follows (4), magic (1), attributes (1),
//! timestamp (8, magic 1 only), then key and value, each behind its length (4, -1 for null).
//! Several messages are compressed together by putting their set into the value of one more, the
//! wrapper, whose offset is that of the last of them. Inside it, offsets are absolute in magic 0
//! and relative in magic 1.

mod down;
mod lz4_header;
mod message;
mod up;

pub use down::{DownConverter, down_convert};
pub use message::{Message, MessageSet, messages};
pub use up::{UpConversion, UpConverted, up_convert};

/// Which of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageFormat {
    /// Without timestamps: Produce v0 and v1, Fetch v0 and v1.
    Magic0,
    /// With timestamps: Produce v2, Fetch v2 and v3.
    Magic1,
}

impl MessageFormat {
    const fn magic(self) -> i8 {
        match self {
            Self::Magic0 => 0,
            Self::Magic1 => 1,
        }
    }
}
