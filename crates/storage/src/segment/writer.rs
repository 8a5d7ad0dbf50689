//! Builds a segment front to back.

use std::ops::Range;

use bytes::Bytes;
use milena_records::Stamp;
use milena_types::{Offset, Timestamp, TopicPartition};
use smallvec::SmallVec;

use crate::{
    disk::buffer::WriteBuffer,
    encryption::{DataKey, KeyId, ObjectCipher, Salt, TAG_BYTES},
    format_level::FormatLevel,
    objects::object_id::ObjectId,
    segment::{
        details::encode_details,
        footer::{EpochStart, Footer, FrameEntry, PartitionFooter},
        format::{BatchSummary, FOOTER_FRAME, FRAMES_MAX, HEADER_BYTES, MAGIC, TRAILER_BYTES},
        list::{List, ListEntry},
        list_writer::ListSeal,
        trailer::Trailer,
    },
};

/// The format and frame size of a segment, and whether its plaintext is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentOptions {
    /// 1 for a chunk, which is read whole and may have any number of partitions; 2 for a segment.
    pub level: FormatLevel,
    /// A frame is closed when another batch would take it past this many bytes; a larger batch gets
    /// its own frame. A read of one record fetches and decrypts this much.
    pub frame_bytes: usize,
    /// Whether to keep the written batches, unencrypted, for the tail cache; the expected bytes if
    /// so.
    pub keep_plaintext: Option<usize>,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self { level: FormatLevel::TWO, frame_bytes: 128 * 1024, keep_plaintext: None }
    }
}

/// Writes batches, grouped by partition, as a segment.
///
/// Sealed bytes are appended to the caller's buffer, after what it already holds. Batches of a
/// partition come one after another, partitions in ascending order: breaking that is a bug and
/// panics.
#[derive(Debug)]
pub(crate) struct SegmentWriter<'a> {
    out: &'a mut WriteBuffer,
    /// The segment's position of the first byte that `out` gets next.
    position: u64,
    key: KeyId,
    salt: Salt,
    cipher: ObjectCipher,
    options: SegmentOptions,
    /// The unencrypted batches: of the open frame, or of the whole segment if they are kept.
    plain: Vec<u8>,
    frame_start: usize,
    frame: Option<OpenFrame>,
    frames: u32,
    footer: Footer,
    plaintext_ranges: Vec<Range<usize>>,
}

#[derive(Debug)]
struct OpenFrame {
    first_offset: Offset,
    max_timestamp: Timestamp,
}

#[derive(Debug)]
pub(crate) struct FinishedSegment {
    pub footer: Footer,
    /// The segment's whole length.
    pub segment_bytes: u64,
    /// The unencrypted batches, if they were to be kept.
    pub plaintext: Bytes,
    /// Each partition's batches within `plaintext`, in the order of `footer.partitions`.
    pub plaintext_ranges: Vec<Range<usize>>,
}

impl<'a> SegmentWriter<'a> {
    /// Starts a segment that will be stored as `object`. `salt` must be fresh from
    /// [`milena_runtime::Runtime`].
    pub(crate) fn new(
        out: &'a mut WriteBuffer,
        object: &ObjectId,
        key: &DataKey,
        salt: Salt,
        options: SegmentOptions,
    ) -> Self {
        let header = out.grow(HEADER_BYTES);
        header[..8].copy_from_slice(&MAGIC);
        header[8..10].copy_from_slice(&options.level.0.to_be_bytes());
        header[10..12].fill(0);
        header[12..16].copy_from_slice(&key.id().0.to_be_bytes());
        header[16..].copy_from_slice(&salt.0);
        let cipher = key.object_cipher(object, salt, options.level);
        Self {
            out,
            position: HEADER_BYTES as u64,
            key: key.id(),
            salt,
            cipher,
            options,
            plain: Vec::with_capacity(options.keep_plaintext.unwrap_or(options.frame_bytes)),
            frame_start: 0,
            frame: None,
            frames: 0,
            footer: Footer::default(),
            plaintext_ranges: Vec::new(),
        }
    }

    /// Reserves memory for the entries of `count` partitions.
    pub(crate) fn reserve_partitions(&mut self, count: usize) {
        self.footer.partitions.reserve_exact(count);
        self.plaintext_ranges.reserve_exact(count);
    }

    /// Appends one whole batch (magic 2), given as the client sent it, and stamps the stored copy
    /// with base offset, leader epoch and largest timestamp of `summary`, and for LogAppendTime with
    /// the time.
    pub(crate) fn append(
        &mut self,
        partition: TopicPartition,
        summary: &BatchSummary,
        log_append_time: Option<Timestamp>,
        batch: &[u8],
    ) {
        let frame_bytes = self.plain.len() - self.frame_start;
        let same = self.footer.partitions.last().is_some_and(|last| last.partition == partition);
        if !same {
            self.start_partition(partition, summary.base_offset);
        } else if frame_bytes + batch.len() > self.options.frame_bytes {
            self.finish_frame();
        }
        self.note(summary);
        let stamp = Stamp {
            base_offset: summary.base_offset,
            leader_epoch: summary.leader_epoch,
            max_timestamp: summary.max_timestamp,
            log_append_time,
        };
        stamp.copy_to(batch, &mut self.plain);
    }

    fn start_partition(&mut self, partition: TopicPartition, start: Offset) {
        self.finish_frame();
        if let Some(last) = self.footer.partitions.last() {
            assert!(last.partition < partition, "partitions are written in ascending order");
        }
        let (epochs, frames, batches) = (SmallVec::new(), SmallVec::new(), Vec::new());
        self.footer.partitions.push(PartitionFooter {
            partition,
            offsets: start..start,
            epochs,
            frames,
            batches,
        });
        self.plaintext_ranges.push(self.plain.len()..self.plain.len());
    }

    /// Adds a batch to the index.
    fn note(&mut self, summary: &BatchSummary) {
        let entry = self.footer.partitions.last_mut().expect("a partition was started");
        assert!(
            entry.offsets.end <= summary.base_offset && summary.base_offset <= summary.last_offset,
            "offsets of {} ascend: {summary:?} after {:?}",
            entry.partition,
            entry.offsets
        );
        entry.offsets.end = summary.end_offset();
        match entry.epochs.last() {
            Some(last) if last.epoch == summary.leader_epoch => {}
            last => {
                assert!(
                    last.is_none_or(|last| last.epoch < summary.leader_epoch),
                    "leader epochs ascend"
                );
                entry
                    .epochs
                    .push(EpochStart { epoch: summary.leader_epoch, start: summary.base_offset });
            }
        }
        if summary.producer.is_some() {
            entry.batches.push(summary.clone());
        }
        let (first_offset, time) = (summary.base_offset, summary.max_timestamp);
        let frame = self.frame.get_or_insert(OpenFrame { first_offset, max_timestamp: time });
        frame.max_timestamp = frame.max_timestamp.max(time);
    }

    /// Seals the open frame, if there is one.
    fn finish_frame(&mut self) {
        let Some(frame) = self.frame.take() else { return };
        let plaintext = &self.plain[self.frame_start..];
        self.cipher.seal_into(self.frames, plaintext, self.out.grow(plaintext.len() + TAG_BYTES));
        let entry = self.footer.partitions.last_mut().expect("a frame belongs to a partition");
        entry.frames.push(FrameEntry {
            section: 0,
            index: self.frames,
            position: self.position,
            plaintext_bytes: u32::try_from(plaintext.len()).expect("a frame is below 4 GiB"),
            first_offset: frame.first_offset,
            max_timestamp: frame.max_timestamp,
        });
        self.position += (plaintext.len() + TAG_BYTES) as u64;
        self.frames += 1;
        assert!(self.frames <= FRAMES_MAX, "a segment has fewer than 2^32 - 1024 frames");
        if self.options.keep_plaintext.is_some() {
            self.frame_start = self.plain.len();
            self.plaintext_ranges.last_mut().expect("a partition was started").end =
                self.frame_start;
        } else {
            self.plain.clear();
        }
    }

    /// Seals the open frame and writes footer and trailer.
    pub(crate) fn finish(mut self) -> FinishedSegment {
        self.finish_frame();
        let segment_bytes = match self.options.level {
            FormatLevel::ONE => self.write_footer(),
            _ => self.write_list(),
        };
        let keep = self.options.keep_plaintext.is_some();
        FinishedSegment {
            footer: self.footer,
            segment_bytes,
            plaintext: if keep { Bytes::from(self.plain) } else { Bytes::new() },
            plaintext_ranges: if keep { self.plaintext_ranges } else { Vec::new() },
        }
    }

    /// The end of a segment of level 1. Returns the segment's length.
    fn write_footer(&mut self) -> u64 {
        let plaintext = self.footer.encode();
        let sealed = self.out.grow(plaintext.len() + TAG_BYTES);
        self.cipher.seal_into(FOOTER_FRAME, &plaintext, sealed);
        let footer = self.position..self.position + sealed.len() as u64;
        let end = footer.end + TRAILER_BYTES as u64;
        let (frames, key, salt) = (self.frames, self.key, self.salt);
        let trailer = Trailer { footer, frames, key, salt, level: FormatLevel::ONE };
        self.out.extend(&trailer.encode());
        end
    }

    /// The end of a segment of level 2. Returns the segment's length.
    fn write_list(&mut self) -> u64 {
        let entries = self.footer.partitions.iter().map(entry_of).collect();
        let mut list = List { sections: Vec::new(), entries, frames_end: self.position };
        let partitions = self.footer.partitions.iter();
        let details: Vec<_> =
            partitions.map(|partition| encode_details(partition, &list)).collect();
        let (cipher, key, salt, frames) = (&self.cipher, self.key, self.salt, self.frames);
        ListSeal { cipher, key, salt, frames }.write(&mut list, &details, self.out)
    }
}

fn entry_of(footer: &PartitionFooter) -> ListEntry {
    let PartitionFooter { partition, offsets, epochs, .. } = footer;
    let (bytes, max_timestamp) = (footer.plaintext_bytes(), footer.max_timestamp());
    ListEntry::records(*partition, offsets.clone(), bytes, max_timestamp, epochs)
}
