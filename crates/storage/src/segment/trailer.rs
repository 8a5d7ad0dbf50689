//! The trailer of a segment, which says where its footer is.

use std::ops::Range;

use crate::{
    encryption::{KeyId, Salt, TAG_BYTES},
    format_level::FormatLevel,
    objects::object_id::ObjectId,
    segment::{
        format::{HEADER_BYTES, LIST_BYTES_MAX, LIST_GAP_BYTES, MAGIC, TRAILER_BYTES},
        segment_error::SegmentError,
    },
};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    /// The sealed footer; at level 2 the first sealed list.
    pub(super) footer: Range<u64>,
    /// How many frames of records the object itself has, those of other sections not counted.
    pub(super) frames: u32,
    pub(super) key: KeyId,
    pub(super) salt: Salt,
    pub(super) level: FormatLevel,
}

/// The length of the second list, with the zeros behind it.
pub(super) fn padded_list_bytes(sealed_bytes: u64) -> u64 {
    sealed_bytes.next_multiple_of(LIST_GAP_BYTES)
}

impl Trailer {
    pub(super) fn encode(&self) -> [u8; TRAILER_BYTES] {
        let mut bytes = [0; TRAILER_BYTES];
        let footer_bytes = self.footer.end - self.footer.start;
        let footer_bytes = u32::try_from(footer_bytes).expect("a footer is below 4 GiB");
        bytes[..8].copy_from_slice(&self.footer.start.to_be_bytes());
        bytes[8..12].copy_from_slice(&footer_bytes.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.frames.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.key.0.to_be_bytes());
        bytes[20..36].copy_from_slice(&self.salt.0);
        bytes[48..50].copy_from_slice(&self.level.0.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[..52]);
        bytes[52..56].copy_from_slice(&crc.to_be_bytes());
        bytes[56..].copy_from_slice(&MAGIC);
        bytes
    }

    /// Reads a trailer that ends an object, or, as a copy, says how it ends. `last` is where the
    /// object's last trailer is, `at` where these bytes are.
    pub(super) fn parse(
        object: &ObjectId,
        last: u64,
        at: u64,
        bytes: &[u8; TRAILER_BYTES],
    ) -> Result<Self, SegmentError> {
        let damaged = |offset: u64, what| SegmentError::Damaged {
            object: object.clone(),
            position: at + offset,
            what,
        };
        if bytes[56..] != MAGIC {
            return Err(damaged(56, "it does not end as a segment does"));
        }
        if crc32c::crc32c(&bytes[..52]) != u32::from_be_bytes(array(&bytes[52..56])) {
            return Err(damaged(52, "the trailer's checksum does not match"));
        }
        let level = FormatLevel(u16::from_be_bytes(array(&bytes[48..50])));
        if level > FormatLevel::NEWEST {
            return Err(SegmentError::NewerFormat { object: object.clone(), found: level });
        }
        let start = u64::from_be_bytes(array(&bytes[..8]));
        let footer_bytes = u64::from(u32::from_be_bytes(array(&bytes[8..12])));
        let end = start.checked_add(footer_bytes).filter(|_| footer_bytes >= TAG_BYTES as u64);
        let end = end.filter(|&end| match level {
            FormatLevel::ONE => start >= HEADER_BYTES as u64 && end == last,
            FormatLevel::TWO => {
                let gap_end = end.saturating_add(LIST_GAP_BYTES + TRAILER_BYTES as u64);
                let second = last.checked_sub(padded_list_bytes(footer_bytes));
                start >= (HEADER_BYTES + TRAILER_BYTES) as u64
                    && footer_bytes <= LIST_BYTES_MAX
                    && second.is_some_and(|second| gap_end <= second)
            }
            _ => false,
        });
        let end = end.ok_or_else(|| damaged(0, "the trailer points outside of the segment"))?;
        Ok(Self {
            footer: start..end,
            frames: u32::from_be_bytes(array(&bytes[12..16])),
            key: KeyId(u32::from_be_bytes(array(&bytes[16..20]))),
            salt: Salt(array(&bytes[20..36])),
            level,
        })
    }

    /// The trailer before the second list, for when the last one is damaged. Its place follows from
    /// the length of the list, of which there are few that are possible.
    pub(super) fn before_second_list(object: &ObjectId, last: u64, tail: &[u8]) -> Option<Self> {
        let end = tail.len().checked_sub(TRAILER_BYTES)?;
        let lengths = (LIST_GAP_BYTES..=padded_list_bytes(LIST_BYTES_MAX))
            .step_by(LIST_GAP_BYTES as usize)
            .map(|padded| padded as usize + TRAILER_BYTES);
        lengths.map_while(|length| end.checked_sub(length)).find_map(|start| {
            let bytes = tail[start..].first_chunk()?;
            let at = last - (end - start) as u64;
            let trailer = Self::parse(object, last, at, bytes).ok()?;
            let fits = trailer.level == FormatLevel::TWO
                && trailer.second_list(last).start == at + TRAILER_BYTES as u64;
            fits.then_some(trailer)
        })
    }

    /// The second sealed list, at level 2.
    pub(super) fn second_list(&self, last: u64) -> Range<u64> {
        let list_bytes = self.footer.end - self.footer.start;
        let start = last - padded_list_bytes(list_bytes);
        start..start + list_bytes
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the slice has the array's length")
}
