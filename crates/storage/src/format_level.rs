//! The version of the formats of chunks, segments, manifest pages and producer snapshots.

use std::fmt;

/// The newest format this release reads and the one it writes.
pub(crate) const FORMAT_LEVEL: FormatLevel = FormatLevel(1);

/// A version of what is written to disk and to the object store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FormatLevel(pub u16);

impl fmt::Display for FormatLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
