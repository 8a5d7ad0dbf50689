//! The footer of level 1: everything in one.

use milena_types::{Offset, PartitionIndex, TopicId, TopicPartition};
use smallvec::SmallVec;

use crate::segment::{
    cursor::{Cursor, FooterError, put_signed, put_unsigned},
    field_codec::{
        FrameCursor, PreviousFrame, decode_batches, decode_epochs, encode_batches, encode_epochs,
    },
    footer::{Footer, PartitionFooter},
    format::HEADER_BYTES,
};

const PARTITION_BYTES_MIN: usize = 16 + 7;

impl Footer {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 * self.partitions.len() + 16);
        put_unsigned(&mut out, self.partitions.len() as u64);
        for partition in &self.partitions {
            encode_partition(partition, &mut out);
        }
        out
    }

    /// Reads a footer's plaintext; `frames_end` is where the file's frames end, which is where its
    /// sealed footer starts. Allocates in proportion to `bytes` only.
    ///
    /// # Errors
    /// The first rule of the format that is broken.
    pub(crate) fn decode(bytes: &[u8], frames_end: u64) -> Result<Self, FooterError> {
        let mut cursor = Cursor::new(bytes);
        let count = cursor.count(PARTITION_BYTES_MIN)?;
        let mut partitions: Vec<PartitionFooter> = Vec::with_capacity(count);
        let position = HEADER_BYTES as u64;
        let mut places = FrameCursor { section: 0, index: 0, position, end: frames_end };
        for _ in 0..count {
            let partition = decode_partition(&mut cursor, &mut places)?;
            if partitions.last().is_some_and(|last| last.partition >= partition.partition) {
                return Err(cursor.error("partitions are not in ascending order"));
            }
            partitions.push(partition);
        }
        if !cursor.is_empty() {
            return Err(cursor.error("bytes follow the last partition"));
        }
        if places.position != frames_end {
            return Err(cursor.error("the frames do not fill the file up to the footer"));
        }
        Ok(Self { partitions })
    }
}

fn encode_partition(footer: &PartitionFooter, out: &mut Vec<u8>) {
    let first = footer.offsets.start;
    out.extend_from_slice(footer.partition.topic.0.as_bytes());
    put_signed(out, i64::from(footer.partition.partition.0));
    put_signed(out, first.0);
    put_unsigned(out, (footer.offsets.end.0 - first.0) as u64);
    encode_epochs(&footer.epochs, first, out);
    put_unsigned(out, footer.frames.len() as u64);
    let mut before = PreviousFrame::new(first);
    footer.frames.iter().for_each(|frame| before.encode(frame, out));
    encode_batches(footer, out);
}

fn decode_partition(
    cursor: &mut Cursor<'_>,
    places: &mut FrameCursor,
) -> Result<PartitionFooter, FooterError> {
    let topic = TopicId(uuid::Uuid::from_bytes(cursor.array()?));
    let partition = TopicPartition { topic, partition: PartitionIndex(cursor.signed_32()?) };
    let start = cursor.signed()?;
    let offsets = Offset(start)..Offset(cursor.step_from(start)?);
    if offsets.is_empty() || start < 0 {
        return Err(cursor.error("an offset range is empty or below zero"));
    }
    let epochs = decode_epochs(cursor, &offsets)?;
    if epochs.first().is_none_or(|first| first.start != offsets.start) {
        return Err(cursor.error("a partition's first leader epoch starts after its first offset"));
    }
    let (mut frames, mut before) = (SmallVec::new(), PreviousFrame::new(offsets.start));
    before.decode_all(cursor, places, &offsets, &mut frames)?;
    if frames.is_empty() {
        return Err(cursor.error("a partition has no frame"));
    }
    let mut footer = PartitionFooter { partition, offsets, epochs, frames, batches: Vec::new() };
    footer.batches = decode_batches(cursor, &footer)?;
    Ok(footer)
}
