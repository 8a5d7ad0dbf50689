//! Why the bytes of a segment cannot be read.

use crate::{
    encryption::EncryptionError, format_level::FormatLevel, objects::object_id::ObjectId,
    segment::cursor::FooterError,
};

/// Why a segment cannot be read. Names the object and the position.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SegmentError {
    /// The bytes are not those that were written.
    #[error(
        "segment {object} is damaged at byte {position}: {what}; restore the object from a copy"
    )]
    Damaged { object: ObjectId, position: u64, what: &'static str },
    /// It was written by a later release.
    #[error(
        "segment {object} has format level {found}, this release reads up to {}: upgrade milena",
        FormatLevel::NEWEST
    )]
    NewerFormat { object: ObjectId, found: FormatLevel },
    /// Its bytes authenticate, but its footer breaks the format's rules.
    #[error("segment {object} has a footer that breaks the format's rules: {source}")]
    Footer { object: ObjectId, source: FooterError },
    /// A frame does not open.
    #[error("segment {object} cannot be opened at byte {position}: {source}")]
    Encryption { object: ObjectId, position: u64, source: EncryptionError },
}

impl SegmentError {
    /// The bytes were changed, or belong elsewhere: another copy of them may be intact.
    pub(super) fn is_not_authentic(&self) -> bool {
        matches!(self, Self::Encryption { source: EncryptionError::NotAuthentic { .. }, .. })
    }
}
