//! Reading segments in the object store.

use std::ops::Range;

use bytes::Bytes;

use crate::{
    encryption::KeyRing,
    objects::{object_id::ObjectId, store::Objects},
    segment::{
        block_error::BlockError,
        footer::{Footer, FrameEntry},
        list::{EntryKind, List},
        reader::{SegmentReader, TAIL_BYTES, TailOutcome},
        segment_error::SegmentError,
    },
};

/// How often the end of a segment is read, each time more of it: the usual part, then that with the
/// first list in place of a damaged one, or with a large footer of level 1.
const TAILS_MAX: usize = 3;

/// An opened segment, and the end of it that was read for that.
pub(super) struct OpenedSegment {
    pub(super) reader: SegmentReader,
    pub(super) tail: Bytes,
    /// Where in the segment `tail` begins.
    pub(super) tail_start: u64,
}

/// Reads a segment's footer or list.
pub(super) async fn open_segment(
    objects: &Objects,
    object: &ObjectId,
    keys: &KeyRing,
) -> Result<OpenedSegment, BlockError> {
    let mut wanted = TAIL_BYTES;
    let mut object_bytes = 0;
    for _ in 0..TAILS_MAX {
        let tail;
        (tail, object_bytes) = objects.tail(object, wanted).await?;
        match SegmentReader::open_tail(object, object_bytes, &tail, keys)? {
            TailOutcome::Opened(reader) => {
                let tail_start = object_bytes - tail.len() as u64;
                return Ok(OpenedSegment { reader, tail, tail_start });
            }
            TailOutcome::NeedsMore(bytes) => wanted = bytes,
        }
    }
    let what = "its end is not the same when read again";
    let (object, position) = (object.clone(), object_bytes);
    Err(SegmentError::Damaged { object, position, what }.into())
}

/// Reads the details of adjacent entries of a list, in one read. Those that are damaged are left
/// out.
pub(super) async fn read_details(
    objects: &Objects,
    segment: &SegmentReader,
    list: &List,
    entries: Range<usize>,
) -> Result<Footer, BlockError> {
    let range = list.details_range(&entries);
    let sealed = objects.range(segment.object(), range.clone()).await?;
    Ok(open_details(segment, list, entries, range.start, &sealed))
}

/// Reads the details of one entry of records, for the error where they are damaged.
pub(super) async fn read_damaged_details(
    objects: &Objects,
    segment: &SegmentReader,
    list: &List,
    entry: usize,
) -> Result<Footer, BlockError> {
    let range = list.entries[entry].details.clone();
    let sealed = objects.range(segment.object(), range).await?;
    Ok(Footer { partitions: vec![segment.open_details(list, entry, &sealed)?] })
}

/// Opens the details of adjacent entries, in bytes of the segment from `start` on. Those that are
/// damaged are left out.
pub(super) fn open_details(
    segment: &SegmentReader,
    list: &List,
    entries: Range<usize>,
    start: u64,
    bytes: &[u8],
) -> Footer {
    let records = entries.filter(|&index| list.entries[index].kind == EntryKind::Records);
    let opened = records.filter_map(|index| {
        let place = &list.entries[index].details;
        let place = (place.start - start) as usize..(place.end - start) as usize;
        segment.open_details(list, index, bytes.get(place)?).ok()
    });
    Footer { partitions: opened.collect() }
}

/// Reads and decrypts adjacent frames of one partition in one section: the batches in them.
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
