//! The options of an embedded store, and the errors of opening it.

use std::path::PathBuf;

use crate::store::Limits;

#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The file. Its directory must exist.
    pub path: PathBuf,
    /// Bytes of the file kept in memory.
    pub cache_bytes: usize,
    /// Bytes of past changes kept for watches that lag behind.
    pub history_bytes: usize,
    /// Keys that no watch shows, and that no past change is kept of. They are changed so often that
    /// they would push out the changes of all others.
    pub unwatched: fn(&str) -> bool,
    /// The limits of one transaction, [`Limits::MIN`] or more.
    pub limits: Limits,
}

/// What one commit takes without delaying others much.
const LIMITS: Limits = Limits { ops: 16_384, bytes: 16 << 20 };

impl EmbeddedOptions {
    /// The defaults, for the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            cache_bytes: 24 << 20,
            history_bytes: 16 << 20,
            unwatched: |_| false,
            limits: LIMITS,
        }
    }
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another store has it open.
    #[error(
        "'{path}' is in use by another process; stop it first, or choose another data directory"
    )]
    InUse { path: PathBuf },
    /// A later release wrote it.
    #[error(
        "'{path}' has metadata format {found}, and this release knows formats up to {known}; start \
         a newer release"
    )]
    NewerFormat { path: PathBuf, found: u64, known: u64 },
    /// It could not be read or created.
    #[error("cannot open the metadata store '{path}': {reason}")]
    Failed { path: PathBuf, reason: String },
}
