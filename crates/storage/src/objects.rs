//! Access to the object store: whole objects in, ranges out.

use std::{fmt, sync::Arc};

/// The path of an object in the store; also its name under encryption, so an object cannot be renamed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectId(Arc<str>);

impl ObjectId {
    /// The id with this path: segments joined by `/`.
    pub fn new(path: impl Into<Arc<str>>) -> Self {
        Self(path.into())
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
