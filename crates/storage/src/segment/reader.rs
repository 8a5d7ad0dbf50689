//! Reads a segment, whole or in ranges. Does not trust its bytes.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use crate::{
    encryption::{EncryptionError, KeyId, KeyRing, ObjectCipher, Salt, TAG_BYTES},
    format_level::{FORMAT_LEVEL, FormatLevel},
    objects::object_id::ObjectId,
    segment::{
        cursor::FooterError,
        footer::{Footer, FrameEntry},
        format::{FOOTER_FRAME, HEADER_BYTES, MAGIC, TRAILER_BYTES},
    },
};

/// Why a segment cannot be read. Names the object and the position.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SegmentError {
    /// The bytes are not those that were written.
    #[error(
        "segment {object} is damaged at byte {position}: {what}; restore the object from a copy"
    )]
    Damaged { object: ObjectId, position: u64, what: &'static str },
    /// It was written by a later release.
    #[error(
        "segment {object} has format level {found}, this release reads up to {FORMAT_LEVEL}: \
         upgrade milena"
    )]
    NewerFormat { object: ObjectId, found: FormatLevel },
    /// Its bytes authenticate, but its footer breaks the format's rules.
    #[error("segment {object} has a footer that breaks the format's rules: {source}")]
    Footer { object: ObjectId, source: FooterError },
    /// A frame does not open.
    #[error("segment {object} cannot be opened at byte {position}: {source}")]
    Encryption { object: ObjectId, position: u64, source: EncryptionError },
}

/// A segment whose footer is read and whose frames can be opened. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct SegmentReader {
    object: ObjectId,
    footer: Arc<Footer>,
    cipher: Arc<ObjectCipher>,
}

/// The outcome of reading the end of a segment.
#[derive(Debug)]
pub(crate) enum TailOutcome {
    /// The footer was in it.
    Opened(SegmentReader),
    /// The footer starts before it: read this many bytes from the end.
    NeedsMore(u64),
}

struct Trailer {
    footer: Range<u64>,
    frames: u32,
    key: KeyId,
    salt: Salt,
    level: FormatLevel,
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
        let shortest = HEADER_BYTES + TAG_BYTES + TRAILER_BYTES;
        if segment_bytes < shortest as u64 || tail.len() as u64 > segment_bytes {
            let what = "it is too short to be a segment";
            return Err(SegmentError::Damaged {
                object: object.clone(),
                position: segment_bytes,
                what,
            });
        }
        let Some(trailer_bytes) = tail.last_chunk::<TRAILER_BYTES>() else {
            return Ok(TailOutcome::NeedsMore(shortest as u64));
        };
        let trailer = Trailer::parse(object, segment_bytes, trailer_bytes)?;
        let tail_start = segment_bytes - tail.len() as u64;
        if trailer.footer.start < tail_start {
            return Ok(TailOutcome::NeedsMore(segment_bytes - trailer.footer.start));
        }
        let position = trailer.footer.start;
        let encryption =
            |source| SegmentError::Encryption { object: object.clone(), position, source };
        let key = keys.find(trailer.key).map_err(encryption)?;
        let cipher = key.object_cipher(object, trailer.salt, trailer.level);
        let sealed = &tail[(position - tail_start) as usize..tail.len() - TRAILER_BYTES];
        let mut plaintext = vec![0; sealed.len() - TAG_BYTES];
        cipher.open_into(FOOTER_FRAME, sealed, &mut plaintext).map_err(encryption)?;
        let footer = Footer::decode(&plaintext, position);
        let footer =
            footer.map_err(|source| SegmentError::Footer { object: object.clone(), source })?;
        let frames: usize = footer.partitions.iter().map(|partition| partition.frames.len()).sum();
        if frames != trailer.frames as usize {
            let (object, position) = (object.clone(), segment_bytes - TRAILER_BYTES as u64);
            return Err(SegmentError::Damaged {
                object,
                position,
                what: "footer and trailer count other frames",
            });
        }
        let (footer, cipher) = (Arc::new(footer), Arc::new(cipher));
        Ok(TailOutcome::Opened(Self { object: object.clone(), footer, cipher }))
    }

    /// Opens a segment that is in memory whole, and checks its header too.
    ///
    /// # Errors
    /// Any [`SegmentError`].
    pub(crate) fn open_whole(
        object: &ObjectId,
        bytes: &[u8],
        keys: &KeyRing,
    ) -> Result<Self, SegmentError> {
        let outcome = Self::open_tail(object, bytes.len() as u64, bytes, keys)?;
        let TailOutcome::Opened(reader) = outcome else {
            let what = "the trailer points outside of it";
            return Err(SegmentError::Damaged {
                object: object.clone(),
                position: bytes.len() as u64,
                what,
            });
        };
        let trailer = &bytes[bytes.len() - TRAILER_BYTES..];
        let header = &bytes[..HEADER_BYTES];
        let same = header[..8] == MAGIC
            && header[8..12] == trailer[48..52]
            && header[12..] == trailer[16..36];
        if !same {
            let what = "the header is not what the trailer says";
            return Err(SegmentError::Damaged { object: object.clone(), position: 0, what });
        }
        Ok(reader)
    }

    /// Where the segment is stored.
    pub(crate) fn object(&self) -> &ObjectId {
        &self.object
    }

    pub(crate) fn footer(&self) -> &Arc<Footer> {
        &self.footer
    }

    /// Opens adjacent frames of one partition and appends their batches to `out`. `sealed` are the
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
        let before = out.len();
        let total: usize = frames.iter().map(|frame| frame.plaintext_bytes as usize).sum();
        if sealed.len() != total + frames.len() * TAG_BYTES {
            let position = frames.first().map_or(0, |frame| frame.position);
            let what = "a read of frames came back with another length";
            return Err(SegmentError::Damaged { object: self.object.clone(), position, what });
        }
        out.reserve_exact(total);
        let mut rest = sealed;
        for frame in frames {
            let (sealed_frame, sealed_after) =
                rest.split_at(frame.plaintext_bytes as usize + TAG_BYTES);
            // Frame by frame, so that what was just zeroed is still in the processor's cache when
            // it is filled.
            let start = out.len();
            out.resize(start + frame.plaintext_bytes as usize, 0);
            if let Err(source) = self.cipher.open_into(frame.index, sealed_frame, &mut out[start..])
            {
                out.truncate(before);
                let (object, position) = (self.object.clone(), frame.position);
                return Err(SegmentError::Encryption { object, position, source });
            }
            rest = sealed_after;
        }
        Ok(())
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

    /// Opens frames of a segment that is in memory whole.
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

impl Trailer {
    fn parse(
        object: &ObjectId,
        segment_bytes: u64,
        bytes: &[u8; TRAILER_BYTES],
    ) -> Result<Self, SegmentError> {
        let start = segment_bytes - TRAILER_BYTES as u64;
        let damaged = |at: u64, what| SegmentError::Damaged {
            object: object.clone(),
            position: start + at,
            what,
        };
        if bytes[56..] != MAGIC {
            return Err(damaged(56, "it does not end as a segment does"));
        }
        if crc32c::crc32c(&bytes[..52]) != u32::from_be_bytes(array(&bytes[52..56])) {
            return Err(damaged(52, "the trailer's checksum does not match"));
        }
        let level = FormatLevel(u16::from_be_bytes(array(&bytes[48..50])));
        if level > FORMAT_LEVEL {
            return Err(SegmentError::NewerFormat { object: object.clone(), found: level });
        }
        let footer_start = u64::from_be_bytes(array(&bytes[..8]));
        let footer_bytes = u64::from(u32::from_be_bytes(array(&bytes[8..12])));
        let fits = footer_start >= HEADER_BYTES as u64
            && footer_bytes >= TAG_BYTES as u64
            && footer_start.checked_add(footer_bytes) == Some(start);
        if !fits || level < FormatLevel(1) {
            return Err(damaged(0, "the trailer points outside of the segment"));
        }
        Ok(Self {
            footer: footer_start..start,
            frames: u32::from_be_bytes(array(&bytes[12..16])),
            key: KeyId(u32::from_be_bytes(array(&bytes[16..20]))),
            salt: Salt(array(&bytes[20..36])),
            level,
        })
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the slice has the array's length")
}
