//! The versions of the formats of chunks, segments, manifest pages and producer snapshots.

use std::fmt;

/// A version of what is written to disk and to the object store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FormatLevel(pub u16);

impl FormatLevel {
    /// Chunks, manifest pages and producer snapshots are written at it; so were segments.
    pub(crate) const ONE: Self = Self(1);
    /// Segments are written at it.
    pub(crate) const TWO: Self = Self(2);
    /// The newest that this release reads.
    pub(crate) const NEWEST: Self = Self::TWO;
}

impl fmt::Display for FormatLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
