//! Reading segments in the object store.

use bytes::Bytes;

use crate::{
    encryption::KeyRing,
    objects::{object_id::ObjectId, store::Objects},
    segment::{
        block_error::BlockError,
        footer::FrameEntry,
        reader::{SegmentError, SegmentReader, TailOutcome},
    },
};

/// How much of a segment's end is read first: most footers are in it.
const TAIL_BYTES: u64 = 64 << 10;

/// Reads a segment's footer: one read of its end or, if the footer is large, two.
pub(super) async fn open_segment(
    objects: &Objects,
    object: &ObjectId,
    keys: &KeyRing,
) -> Result<SegmentReader, BlockError> {
    let (tail, object_bytes) = objects.tail(object, TAIL_BYTES).await?;
    let needed = match SegmentReader::open_tail(object, object_bytes, &tail, keys)? {
        TailOutcome::Opened(reader) => return Ok(reader),
        TailOutcome::NeedsMore(bytes) => bytes,
    };
    let (tail, object_bytes) = objects.tail(object, needed).await?;
    match SegmentReader::open_tail(object, object_bytes, &tail, keys)? {
        TailOutcome::Opened(reader) => Ok(reader),
        TailOutcome::NeedsMore(_) => {
            let what = "its end is not the same when read again";
            let (object, position) = (object.clone(), object_bytes);
            Err(SegmentError::Damaged { object, position, what }.into())
        }
    }
}

/// Reads and decrypts adjacent frames of one partition: the batches in them.
pub(super) async fn read_frames(
    objects: &Objects,
    segment: &SegmentReader,
    frames: &[FrameEntry],
) -> Result<Bytes, BlockError> {
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return Ok(Bytes::new());
    };
    let sealed = objects.range(segment.object(), first.position..last.byte_range().end).await?;
    Ok(segment.open_frames(frames, &sealed)?)
}
