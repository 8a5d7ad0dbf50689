//! The blocks of segments, read through the process's cache.
//!
//! A block is a few adjacent frames of one partition, read and decrypted together. Lists and details
//! are in the same cache.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use milena_types::{Offset, TopicPartition};

use crate::{
    cache::{
        block::{Cacheable, Place},
        object_cache::ObjectCache,
        object_reads::{Miss, ObjectReads, Wanted, until_there},
    },
    encryption::KeyRing,
    objects::{object_id::ObjectId, store::Objects},
    segment::{
        block_error::BlockError,
        footer::{Footer, FrameEntry, PartitionFooter},
        list::List,
        reader::{Contents, SegmentReader, TAIL_BYTES},
        stored::{
            OpenedSegment, open_details, open_segment, read_damaged_details, read_details,
            read_frames,
        },
    },
};

/// A block is the frames of one section that start within the same range of this length of a
/// partition's part.
const BLOCK_SPAN_BYTES: u64 = 512 << 10;

/// While something is loaded, its sealed bytes and what is opened of them are in memory.
const COPIES: u64 = 2;

impl Cacheable for SegmentReader {
    type Error = BlockError;

    fn memory_bytes(&self) -> usize {
        match self.contents() {
            Contents::Footer(footer) => footer.memory_bytes(),
            Contents::List(list) => list.memory_bytes(),
        }
    }
}

/// Details that were read together, but those that are damaged.
impl Cacheable for Arc<Footer> {
    type Error = BlockError;

    fn memory_bytes(&self) -> usize {
        Footer::memory_bytes(self)
    }
}

impl Cacheable for Bytes {
    type Error = BlockError;

    fn memory_bytes(&self) -> usize {
        self.len()
    }
}

/// Reads the segments of one cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Segments {
    objects: Objects,
    keys: KeyRing,
    cache: ObjectCache,
}

/// One partition's part of an opened segment. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SegmentPart {
    reader: SegmentReader,
    /// The footer of this partition, and of others.
    footer: Arc<Footer>,
    index: usize,
}

impl SegmentPart {
    pub(crate) fn footer(&self) -> &PartitionFooter {
        &self.footer.partitions[self.index]
    }

    /// The frames of the block that holds frame `frame` of this partition, as indexes.
    fn block(&self, frame: usize) -> Range<usize> {
        let frames = &self.footer().frames;
        let block_number = |entry: &FrameEntry| {
            (entry.section, (entry.position - frames[0].position) / BLOCK_SPAN_BYTES)
        };
        let this = block_number(&frames[frame]);
        frames.partition_point(|entry| block_number(entry) < this)
            ..frames.partition_point(|entry| block_number(entry) <= this)
    }

    fn block_frames(&self, frame: usize) -> &[FrameEntry] {
        &self.footer().frames[self.block(frame)]
    }

    /// The bytes of the block that holds frame `frame`.
    pub(crate) fn block_bytes(&self, frame: usize) -> usize {
        self.block_frames(frame).iter().map(|frame| frame.plaintext_bytes as usize).sum()
    }

    /// The first frame after the block that holds frame `frame`; none when it is the last block.
    pub(crate) fn after_block(&self, frame: usize) -> Option<usize> {
        Some(self.block(frame).end).filter(|next| *next < self.footer().frames.len())
    }
}

impl Segments {
    pub(crate) fn new(objects: Objects, keys: KeyRing, cache: ObjectCache) -> Self {
        Self { objects, keys, cache }
    }

    /// Opens a partition's part of a segment, which starts at `base`. Cancel-safe.
    pub(crate) async fn open(
        &self,
        partition: TopicPartition,
        object: &str,
        base: Offset,
    ) -> Result<SegmentPart, BlockError> {
        until_there(|reads| self.look_up(partition, object, base, reads)).await
    }

    /// As [`Segments::open`], if it is cached; else begins to read what is missing first.
    pub(crate) fn look_up(
        &self,
        partition: TopicPartition,
        object: &str,
        base: Offset,
        reads: &mut ObjectReads,
    ) -> Result<SegmentPart, Miss<BlockError>> {
        let object = ObjectId::new(object);
        let reader = self.reader(&object, reads)?;
        let footer = match reader.contents() {
            Contents::Footer(footer) => footer.clone(),
            Contents::List(list) => match list.records_of(partition) {
                Some(entry) => self.details(&reader, list, entry, reads)?,
                None => Arc::default(),
            },
        };
        match footer.index_of(partition) {
            Some(index) => Ok(SegmentPart { reader, footer, index }),
            None => Err(Miss::Failed(BlockError::Missing { object, partition, offset: base })),
        }
    }

    fn reader(
        &self,
        object: &ObjectId,
        reads: &mut ObjectReads,
    ) -> Result<SegmentReader, Miss<BlockError>> {
        let load = || {
            let (segments, object) = (self.clone(), object.clone());
            async move {
                let opened = open_segment(&segments.objects, &object, &segments.keys).await?;
                segments.keep_details(&opened);
                Ok(opened.reader)
            }
        };
        let load_bytes = TAIL_BYTES * COPIES;
        reads.look_up(&self.cache, Wanted { object, place: Place::Contents, load_bytes, load })
    }

    /// Puts details into the cache that were read with the list, if all were: small segments are
    /// opened by one read.
    fn keep_details(&self, opened: &OpenedSegment) {
        let OpenedSegment { reader, tail, tail_start } = opened;
        let Contents::List(list) = reader.contents() else { return };
        let mut next = 0;
        while let Some(entry) = list.entries.get(next) {
            let start = entry.details.start;
            if start < *tail_start {
                return;
            }
            let entries = list.read_together(next);
            next = entries.end;
            let footer = open_details(reader, list, entries, *tail_start, tail);
            self.cache.insert(reader.object(), Place::Details(start), Arc::new(footer));
        }
    }

    /// The footer of an entry of records, and of those whose details are read with it.
    fn details(
        &self,
        reader: &SegmentReader,
        list: &Arc<List>,
        entry: usize,
        reads: &mut ObjectReads,
    ) -> Result<Arc<Footer>, Miss<BlockError>> {
        let (object, entries) = (reader.object(), list.read_together(entry));
        let range = list.details_range(&entries);
        let load_bytes = (range.end - range.start) * COPIES;
        let load = || {
            let (objects, reader, list) = (self.objects.clone(), reader.clone(), list.clone());
            async move { Ok(Arc::new(read_details(&objects, &reader, &list, entries).await?)) }
        };
        let place = Place::Details(range.start);
        let footer: Arc<Footer> =
            reads.look_up(&self.cache, Wanted { object, place, load_bytes, load })?;
        if footer.index_of(list.entries[entry].partition).is_some() {
            return Ok(footer);
        }
        // They were damaged. Perhaps the object was put back from a copy.
        let load = || {
            let (objects, reader, list) = (self.objects.clone(), reader.clone(), list.clone());
            async move { Ok(Arc::new(read_damaged_details(&objects, &reader, &list, entry).await?)) }
        };
        let place = Place::DetailsAgain(list.entries[entry].details.start);
        reads.look_up(&self.cache, Wanted { object, place, load_bytes, load })
    }

    /// The block that holds frame `frame` of the part, decrypted. Cancel-safe.
    pub(crate) async fn block(
        &self,
        part: &SegmentPart,
        frame: usize,
    ) -> Result<Bytes, BlockError> {
        until_there(|reads| self.look_up_block(part, frame, reads)).await
    }

    /// As [`Segments::block`], if it is cached; else begins to read it.
    pub(crate) fn look_up_block(
        &self,
        part: &SegmentPart,
        frame: usize,
        reads: &mut ObjectReads,
    ) -> Result<Bytes, Miss<BlockError>> {
        let frames = part.block_frames(frame);
        let load = || {
            let (objects, part) = (self.objects.clone(), part.clone());
            async move { read_frames(&objects, &part.reader, part.block_frames(frame)).await }
        };
        let (object, place) = (part.reader.object(), Place::Records(frames[0].position));
        let load_bytes = part.block_bytes(frame) as u64 * COPIES;
        reads.look_up(&self.cache, Wanted { object, place, load_bytes, load })
    }
}
