//! Reads a segment, whole or in ranges. Does not trust its bytes.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    encryption::{EncryptionError, KeyRing, ObjectCipher, TAG_BYTES},
    format_level::FormatLevel,
    objects::object_id::ObjectId,
    segment::{
        details::decode_details,
        footer::{Footer, FrameEntry, PartitionFooter},
        format::{FOOTER_FRAME, HEADER_BYTES, LIST_BYTES_MAX, MAGIC, TRAILER_BYTES, details_frame},
        list::{EntryKind, List},
        segment_error::SegmentError,
        trailer::Trailer,
    },
};

/// The end of a segment that is read first: the second list and both trailers of it fit.
pub(crate) const TAIL_BYTES: u64 = LIST_BYTES_MAX + (4 << 10);

/// A segment whose footer or list is read and whose frames can be opened. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct SegmentReader {
    object: ObjectId,
    contents: Contents,
    /// The number of the object's own frames.
    frames: u32,
    /// Of the object itself, not of other sections.
    cipher: Arc<ObjectCipher>,
    keys: KeyRing,
}

/// What a segment says of its contents.
#[derive(Clone, Debug)]
pub(crate) enum Contents {
    /// Level 1.
    Footer(Arc<Footer>),
    /// Level 2.
    List(Arc<List>),
}

/// The outcome of reading the end of a segment.
#[derive(Debug)]
pub(crate) enum TailOutcome {
    /// The footer, or one of the lists, was in it.
    Opened(SegmentReader),
    /// It starts before it: read this many bytes from the end.
    NeedsMore(u64),
}

impl SegmentReader {
    /// Opens a segment from its last bytes. `segment_bytes` is the object's whole length.
    ///
    /// # Errors
    /// Any [`SegmentError`].
    pub(crate) fn open_tail(
        object: &ObjectId,
        segment_bytes: u64,
        tail: &[u8],
        keys: &KeyRing,
    ) -> Result<TailOutcome, SegmentError> {
        let shortest = (HEADER_BYTES + TAG_BYTES + TRAILER_BYTES) as u64;
        if segment_bytes < shortest || tail.len() as u64 > segment_bytes {
            let what = "it is too short to be a segment";
            return Err(damaged(object, segment_bytes, what));
        }
        let Some(trailer_bytes) = tail.last_chunk() else {
            return Ok(TailOutcome::NeedsMore(shortest));
        };
        let last = segment_bytes - TRAILER_BYTES as u64;
        let trailer = match Trailer::parse(object, last, last, trailer_bytes) {
            Err(error @ SegmentError::Damaged { .. }) => {
                let wanted = TAIL_BYTES.min(segment_bytes);
                if (tail.len() as u64) < wanted {
                    return Ok(TailOutcome::NeedsMore(wanted));
                }
                Trailer::before_second_list(object, last, tail).ok_or(error)?
            }
            outcome => outcome?,
        };
        let mut copies = vec![trailer.footer.clone()];
        if trailer.level == FormatLevel::TWO {
            copies.insert(0, trailer.second_list(last));
        }
        let tail_start = segment_bytes - tail.len() as u64;
        let mut damage = None;
        for place in copies {
            if place.start < tail_start {
                return Ok(TailOutcome::NeedsMore(segment_bytes - place.start));
            }
            let sealed = (place.start - tail_start) as usize..(place.end - tail_start) as usize;
            match Self::open(object, &trailer, last, place.start, &tail[sealed], keys) {
                Ok(reader) => return Ok(TailOutcome::Opened(reader)),
                Err(error) if error.is_not_authentic() => damage = damage.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(damage.expect("a segment has a footer, or lists"))
    }

    /// Opens a segment from its sealed footer, or one of its lists, which is at `position`.
    fn open(
        object: &ObjectId,
        trailer: &Trailer,
        last: u64,
        position: u64,
        sealed: &[u8],
        keys: &KeyRing,
    ) -> Result<Self, SegmentError> {
        let encryption =
            |source| SegmentError::Encryption { object: object.clone(), position, source };
        let key = keys.find(trailer.key).map_err(encryption)?;
        let cipher = key.object_cipher(object, trailer.salt, trailer.level);
        let mut plaintext = vec![0; sealed.len() - TAG_BYTES];
        cipher.open_into(FOOTER_FRAME, sealed, &mut plaintext).map_err(encryption)?;
        let rules = |source| SegmentError::Footer { object: object.clone(), source };
        let contents = if trailer.level == FormatLevel::ONE {
            let footer = Footer::decode(&plaintext, trailer.footer.start).map_err(rules)?;
            let frames: usize = footer.partitions.iter().map(|entry| entry.frames.len()).sum();
            if frames != trailer.frames as usize {
                return Err(damaged(object, last, "footer and trailer count other frames"));
            }
            Contents::Footer(Arc::new(footer))
        } else {
            let details_max = trailer.second_list(last).start - TRAILER_BYTES as u64;
            let list = List::decode(&plaintext, &trailer.footer, details_max);
            Contents::List(Arc::new(list.map_err(rules)?))
        };
        let (cipher, keys) = (Arc::new(cipher), keys.clone());
        Ok(Self { object: object.clone(), contents, frames: trailer.frames, cipher, keys })
    }

    /// Opens a segment that is in memory whole, with everything that is in it, and checks its header
    /// too.
    ///
    /// # Errors
    /// Any [`SegmentError`].
    pub(crate) fn open_whole(
        object: &ObjectId,
        bytes: &[u8],
        keys: &KeyRing,
    ) -> Result<(Self, Arc<Footer>), SegmentError> {
        let outcome = Self::open_tail(object, bytes.len() as u64, bytes, keys)?;
        let TailOutcome::Opened(reader) = outcome else {
            return Err(damaged(object, bytes.len() as u64, "the trailer points outside of it"));
        };
        let trailer = &bytes[bytes.len() - TRAILER_BYTES..];
        let header = &bytes[..HEADER_BYTES];
        let same = header[..8] == MAGIC
            && header[8..12] == trailer[48..52]
            && header[12..] == trailer[16..36];
        if !same {
            return Err(damaged(object, 0, "the header is not what the trailer says"));
        }
        let footer = match &reader.contents {
            Contents::Footer(footer) => footer.clone(),
            Contents::List(list) => {
                let entries = list.entries.iter().enumerate();
                let records = entries.filter(|(_, entry)| entry.kind == EntryKind::Records);
                let details = records.map(|(index, entry)| {
                    let place = entry.details.start as usize..entry.details.end as usize;
                    reader.open_details(list, index, &bytes[place])
                });
                Arc::new(Footer { partitions: details.collect::<Result<_, _>>()? })
            }
        };
        Ok((reader, footer))
    }

    /// Where the segment is stored.
    pub(crate) fn object(&self) -> &ObjectId {
        &self.object
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Opens the details of the entry of records at `index` of the segment's list.
    ///
    /// # Errors
    /// Any [`SegmentError`].
    pub(crate) fn open_details(
        &self,
        list: &List,
        index: usize,
        sealed: &[u8],
    ) -> Result<PartitionFooter, SegmentError> {
        let position = list.entries[index].details.start;
        let Some(plaintext_bytes) = sealed.len().checked_sub(TAG_BYTES) else {
            return Err(damaged(&self.object, position, "its details are cut"));
        };
        let mut plaintext = vec![0; plaintext_bytes];
        let opened = self.cipher.open_into(details_frame(index), sealed, &mut plaintext);
        let object = self.object.clone();
        opened.map_err(|source| SegmentError::Encryption {
            object: object.clone(),
            position,
            source,
        })?;
        let details = decode_details(&plaintext, list, index);
        let details = details.map_err(|source| SegmentError::Footer { object, source })?;
        let own = |frame: &FrameEntry| frame.section == 0;
        if details.frames.iter().filter(|frame| own(frame)).any(|frame| frame.index >= self.frames)
        {
            return Err(damaged(&self.object, position, "a frame has a number that none has"));
        }
        Ok(details)
    }

    /// Opens adjacent frames of one section and appends their batches to `out`. `sealed` are the
    /// bytes from the first frame's start to the last frame's end ([`FrameEntry::byte_range`]).
    ///
    /// # Errors
    /// [`SegmentError::Encryption`] for the first frame that does not authenticate; `out` is then
    /// as it was.
    pub(crate) fn open_frames_into(
        &self,
        frames: &[FrameEntry],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SegmentError> {
        let Some(first) = frames.first() else { return Ok(()) };
        let before = out.len();
        let total: usize = frames.iter().map(|frame| frame.plaintext_bytes as usize).sum();
        if sealed.len() != total + frames.len() * TAG_BYTES {
            let what = "a read of frames came back with another length";
            return Err(damaged(&self.object, first.position, what));
        }
        let encryption = |frame: &FrameEntry, source| SegmentError::Encryption {
            object: self.object.clone(),
            position: frame.position,
            source,
        };
        let cipher = self.section_cipher(first.section);
        let cipher = cipher.map_err(|source| encryption(first, source))?;
        out.reserve_exact(total);
        let mut rest = sealed;
        for frame in frames {
            let (sealed_frame, sealed_after) =
                rest.split_at(frame.plaintext_bytes as usize + TAG_BYTES);
            // Frame by frame, so that what was just zeroed is still in the processor's cache when
            // it is filled.
            let start = out.len();
            out.resize(start + frame.plaintext_bytes as usize, 0);
            if let Err(source) = cipher.open_into(frame.index, sealed_frame, &mut out[start..]) {
                out.truncate(before);
                return Err(encryption(frame, source));
            }
            rest = sealed_after;
        }
        Ok(())
    }

    /// What a section's frames are opened with.
    fn section_cipher(&self, section: u16) -> Result<Arc<ObjectCipher>, EncryptionError> {
        let listed = match &self.contents {
            Contents::List(list) => {
                usize::from(section).checked_sub(1).map(|at| &list.sections[at])
            }
            Contents::Footer(_) => None,
        };
        let Some(listed) = listed else { return Ok(self.cipher.clone()) };
        let key = self.keys.find(listed.key)?;
        Ok(Arc::new(key.object_cipher(&listed.name, listed.salt, listed.level)))
    }

    /// Like [`SegmentReader::open_frames_into`], into new memory.
    ///
    /// # Errors
    /// As [`SegmentReader::open_frames_into`].
    pub(crate) fn open_frames(
        &self,
        frames: &[FrameEntry],
        sealed: &[u8],
    ) -> Result<Bytes, SegmentError> {
        let mut out = Vec::new();
        self.open_frames_into(frames, sealed, &mut out)?;
        Ok(Bytes::from(out))
    }

    /// Opens adjacent frames of one section of a segment that is in memory whole.
    ///
    /// # Errors
    /// As [`SegmentReader::open_frames_into`].
    pub(crate) fn open_frames_of(
        &self,
        segment: &[u8],
        frames: &[FrameEntry],
    ) -> Result<Bytes, SegmentError> {
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
            return Ok(Bytes::new());
        };
        let range = first.position as usize..last.byte_range().end as usize;
        self.open_frames(frames, segment.get(range).unwrap_or_default())
    }
}

fn damaged(object: &ObjectId, position: u64, what: &'static str) -> SegmentError {
    SegmentError::Damaged { object: object.clone(), position, what }
}
