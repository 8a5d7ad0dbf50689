//! Writes what is behind the frames of a segment of level 2.

use crate::{
    disk::buffer::WriteBuffer,
    encryption::{KeyId, ObjectCipher, Salt, TAG_BYTES},
    format_level::FormatLevel,
    segment::{
        format::{
            FOOTER_FRAME, LIST_BYTES_MAX, LIST_ENTRIES_MAX, LIST_GAP_BYTES, TRAILER_BYTES,
            details_frame,
        },
        list::List,
        trailer::{Trailer, padded_list_bytes},
    },
};

/// What list and details are sealed with, and the number of the object's own frames.
pub(super) struct ListSeal<'a> {
    pub(super) cipher: &'a ObjectCipher,
    pub(super) key: KeyId,
    pub(super) salt: Salt,
    pub(super) frames: u32,
}

impl ListSeal<'_> {
    /// Appends the list and the details of its entries, which get their places here. Returns the
    /// length of the object. A list that is too long is a bug and panics.
    pub(super) fn write(&self, list: &mut List, details: &[Vec<u8>], out: &mut WriteBuffer) -> u64 {
        assert_eq!(list.entries.len(), details.len(), "each entry has details");
        assert!(details.len() <= LIST_ENTRIES_MAX, "a segment has too many partitions");
        let mut end = 0;
        for (entry, details) in list.entries.iter_mut().zip(details) {
            entry.details = end..end + (details.len() + TAG_BYTES) as u64;
            end = entry.details.end;
        }
        let plaintext = list.encode();
        let mut sealed = vec![0; plaintext.len() + TAG_BYTES];
        self.cipher.seal_into(FOOTER_FRAME, &plaintext, &mut sealed);
        let sealed_bytes = sealed.len() as u64;
        assert!(sealed_bytes <= LIST_BYTES_MAX, "the list of a segment is too long");

        let start = list.frames_end + TRAILER_BYTES as u64;
        let footer = start..start + sealed_bytes;
        for entry in &mut list.entries {
            entry.details.start += footer.end;
            entry.details.end += footer.end;
        }
        let trailer = Trailer {
            footer,
            frames: self.frames,
            key: self.key,
            salt: self.salt,
            level: FormatLevel::TWO,
        };
        let trailer = trailer.encode();
        out.extend(&trailer);
        out.extend(&sealed);
        for (index, details) in details.iter().enumerate() {
            let sealed = out.grow(details.len() + TAG_BYTES);
            self.cipher.seal_into(details_frame(index), details, sealed);
        }
        let gap = LIST_GAP_BYTES.saturating_sub(end);
        out.grow(gap as usize).fill(0);
        out.extend(&trailer);
        out.extend(&sealed);
        let padding = padded_list_bytes(sealed_bytes) - sealed_bytes;
        out.grow(padding as usize).fill(0);
        out.extend(&trailer);
        let before_second = start + sealed_bytes + end + gap;
        before_second + padded_list_bytes(sealed_bytes) + 2 * TRAILER_BYTES as u64
    }
}
