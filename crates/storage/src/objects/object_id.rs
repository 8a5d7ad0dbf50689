//! The names of objects.

use std::{fmt, sync::Arc};

use object_store::path;

/// The path of an object in the store. Also authenticated when the object is decrypted, so an
/// object cannot be renamed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectId(Arc<str>);

impl ObjectId {
    /// The id with this path: parts of letters, digits, `.`, `_` and `-`, joined by `/`.
    pub fn new(path: impl Into<Arc<str>>) -> Self {
        Self(path.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn path(&self) -> path::Path {
        path::Path::from(self.as_str())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
