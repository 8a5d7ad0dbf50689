//! Counters: offsets, epochs, sequences, times.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $raw);

        impl $name {
            /// The raw value, for wire formats and files.
            pub const fn raw(self) -> $raw {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl From<$raw> for $name {
            fn from(raw: $raw) -> Self {
                Self(raw)
            }
        }
    };
}

counter! {
    /// The place of a record in its partition. The first record of a new partition has offset 0.
    Offset(i64)
}
counter! {
    /// One term of leadership of a partition; rises by one at each change (KIP-101). -1 on the
    /// wire: unknown.
    LeaderEpoch(i32)
}
counter! {
    /// One life of one broker id, given out by the metadata store, never by a clock.
    BrokerEpoch(i64)
}
counter! {
    /// The place of a chunk in the write-ahead log of one broker epoch: dense, from 0.
    ChunkSeq(u64)
}
counter! {
    /// A producer's id (KIP-98). -1 on the wire: the producer is not idempotent.
    ProducerId(i64)
}
counter! {
    /// One life of a producer id.
    ProducerEpoch(i16)
}
counter! {
    /// The number of a record within one producer epoch and partition; wraps from `i32::MAX` to 0.
    Sequence(i32)
}
counter! {
    /// Milliseconds since 1970-01-01T00:00:00Z. -1 on the wire: none.
    Timestamp(i64)
}
counter! {
    /// A revision of the metadata store: rises with every transaction that changes anything.
    Revision(u64)
}

impl Offset {
    /// The first offset of a new partition.
    pub const ZERO: Self = Self(0);

    /// The offset `count` records further on.
    #[must_use]
    pub const fn plus(self, count: i64) -> Self {
        Self(self.0 + count)
    }
}

impl LeaderEpoch {
    /// "Unknown" or "do not check" on the wire.
    pub const NONE: Self = Self(-1);

    /// The term after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl ChunkSeq {
    /// The chunk after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl ProducerId {
    /// The producer is not idempotent.
    pub const NONE: Self = Self(-1);
}

impl Sequence {
    /// The sequence `count` records further on, wrapping from `i32::MAX` to 0 as producers do.
    #[must_use]
    pub const fn plus(self, count: i32) -> Self {
        let sum = self.0 as i64 + count as i64;
        Self((sum % (i32::MAX as i64 + 1)) as i32)
    }
}

impl Timestamp {
    pub const NONE: Self = Self(-1);
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn sequence_wraps_to_zero_after_i32_max() {
        assert_eq!(Sequence(i32::MAX).plus(1), Sequence(0));
        assert_eq!(Sequence(i32::MAX - 1).plus(3), Sequence(1));
        assert_eq!(Sequence(5).plus(3), Sequence(8));
    }
}
