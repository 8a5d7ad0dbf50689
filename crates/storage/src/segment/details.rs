//! The details of an entry of records: its frames, section by section, and the batches that state
//! is rebuilt from.

use crate::segment::{
    cursor::{Cursor, FooterError, put_unsigned},
    field_codec::{FrameCursor, PreviousFrame, decode_batches, encode_batches},
    footer::PartitionFooter,
    list::{EntryKind, List},
};
use smallvec::SmallVec;

const SECTION_BYTES_MIN: usize = 4;

/// The details of a partition's records in a segment with these sections.
pub(crate) fn encode_details(footer: &PartitionFooter, list: &List) -> Vec<u8> {
    let by_section = footer.frames.chunk_by(|frame, next| frame.section == next.section);
    let mut out = Vec::with_capacity(8 * footer.frames.len() + 16 * footer.batches.len() + 16);
    put_unsigned(&mut out, by_section.clone().count() as u64);
    let (mut section, mut before) = (0, PreviousFrame::new(footer.offsets.start));
    for frames in by_section {
        let first = &frames[0];
        let begins = list.section_range(first.section).expect("the section is listed").start;
        put_unsigned(&mut out, u64::from(first.section - section));
        put_unsigned(&mut out, u64::from(first.index));
        put_unsigned(&mut out, first.position - begins);
        put_unsigned(&mut out, frames.len() as u64);
        frames.iter().for_each(|frame| before.encode(frame, &mut out));
        section = first.section;
    }
    encode_batches(footer, &mut out);
    out
}

/// Reads the plaintext of the details of the entry at `index`. Allocates in proportion to `bytes`
/// only.
///
/// # Errors
/// The first rule of the format that is broken.
pub(crate) fn decode_details(
    bytes: &[u8],
    list: &List,
    index: usize,
) -> Result<PartitionFooter, FooterError> {
    let mut cursor = Cursor::new(bytes);
    let entry = &list.entries[index];
    if entry.kind != EntryKind::Records {
        return Err(cursor.error("the entry has no records"));
    }
    let sections = cursor.count(SECTION_BYTES_MIN)?;
    let (mut frames, mut before) = (SmallVec::new(), PreviousFrame::new(entry.offsets.start));
    let mut section = 0;
    for number in 0..sections {
        let next = cursor.unsigned()?.checked_add(section);
        let next = next.filter(|&next| number == 0 || next > section);
        let range = next.and_then(|next| list.section_range(u16::try_from(next).ok()?));
        let (Some(next), Some(range)) = (next, range) else {
            return Err(
                cursor.error("frames are in no section, or in one that they were in before")
            );
        };
        section = next;
        let index = cursor.unsigned_32()?;
        let position = cursor.unsigned()?.checked_add(range.start);
        let position = position.ok_or_else(|| cursor.error("a frame is past its section"))?;
        let mut places = FrameCursor { section: section as u16, index, position, end: range.end };
        let known = frames.len();
        before.decode_all(&mut cursor, &mut places, &entry.offsets, &mut frames)?;
        if frames.len() == known {
            return Err(cursor.error("a section has no frame of the partition"));
        }
    }
    let mut footer = PartitionFooter {
        partition: entry.partition,
        offsets: entry.offsets.clone(),
        epochs: entry.epochs.clone(),
        frames,
        batches: Vec::new(),
    };
    if footer.frames.is_empty()
        || footer.plaintext_bytes() != entry.bytes
        || footer.max_timestamp() != entry.max_timestamp
    {
        return Err(cursor.error("the list says something else of the frames"));
    }
    footer.batches = decode_batches(&mut cursor, &footer)?;
    if !cursor.is_empty() {
        return Err(cursor.error("bytes follow the last batch"));
    }
    Ok(footer)
}
