//! Why a segment in the object store could not be read.

use milena_types::{Offset, TopicPartition};

use crate::{
    objects::{object_id::ObjectId, store::ObjectError},
    segment::segment_error::SegmentError,
};

/// Why a segment could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BlockError {
    /// The object store failed, or has no such object (then the reader plans again).
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The object is damaged, or cannot be decrypted.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The object does not hold what its manifest says.
    #[error(
        "segment {object} has no records of {partition} at {offset}: restore the object from a copy"
    )]
    Missing { object: ObjectId, partition: TopicPartition, offset: Offset },
}

impl BlockError {
    /// The object is gone: the read has to be planned again.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Object(ObjectError::NotFound { .. }))
    }
}
