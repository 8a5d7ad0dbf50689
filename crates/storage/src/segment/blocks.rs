//! Reading segments through a bounded cache of decrypted blocks.
//!
//! A block is a few adjacent frames of one partition, read and decrypted together. While a reader
//! uses a block, the next ones are fetched ahead. Footers, lists and details are in the same cache.
//! Keys include the cluster, since one cache serves every broker of a process, and the place in the
//! object: frames of several sections have the same indexes. The cache's budget is in bytes and
//! exceeded by no more than what readers hold.

use std::{hash::RandomState, ops::Range, sync::Arc};

use bytes::Bytes;
use milena_runtime::Runtime;
use milena_types::{ClusterId, Offset, TopicPartition};
use quick_cache::{
    Weighter,
    sync::{Cache, DefaultLifecycle},
};
use tokio::sync::Semaphore;

use crate::{
    encryption::KeyRing,
    objects::{object_id::ObjectId, store::Objects},
    segment::{
        block_error::BlockError,
        footer::{Footer, FrameEntry, PartitionFooter},
        list::List,
        reader::{Contents, SegmentReader},
        stored::{
            OpenedSegment, open_details, open_segment, read_damaged_details, read_details,
            read_frames,
        },
    },
};

/// A block is the frames of one section that start within the same range of this length of a
/// partition's part.
const BLOCK_SPAN_BYTES: u64 = 512 << 10;

/// How many blocks are fetched ahead of a reader.
const BLOCKS_AHEAD: usize = 4;

/// How many blocks are being fetched ahead, for all readers: bounds the memory of fetches in
/// flight.
const FETCHES_AHEAD_MAX: usize = 16;

/// A process's cache of segment blocks. Cheap to clone; clones are the same cache.
#[derive(Clone)]
pub struct BlockCache(Arc<Cache<BlockKey, Block, WeightInBytes, RandomState>>);

impl std::fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockCache").field("bytes", &self.0.weight()).finish()
    }
}

impl BlockCache {
    /// A cache of at most `bytes`.
    pub fn new(bytes: u64) -> Self {
        let expected_items =
            usize::try_from(bytes / (128 << 10)).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        // The cache's default hasher takes its seed from addresses, which a simulation cannot
        // control.
        let (hasher, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        Self(Arc::new(Cache::with(expected_items, bytes, WeightInBytes, hasher, lifecycle)))
    }

    /// How many bytes are cached.
    pub fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct BlockKey {
    cluster: ClusterId,
    object: ObjectId,
    place: Place,
}

/// What a block is, and where in its object it begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Contents,
    Details(u64),
    Records(u64),
}

#[derive(Clone)]
enum Block {
    /// The footer of level 1, or the list.
    Contents(SegmentReader),
    /// Details that were read together, but those that are damaged.
    Details(Arc<Footer>),
    Records(Bytes),
}

#[derive(Clone)]
struct WeightInBytes;

impl Weighter<BlockKey, Block> for WeightInBytes {
    fn weight(&self, key: &BlockKey, block: &Block) -> u64 {
        let bytes = match block {
            Block::Contents(reader) => match reader.contents() {
                Contents::Footer(footer) => footer.memory_bytes(),
                Contents::List(list) => list.memory_bytes(),
            },
            Block::Details(footer) => footer.memory_bytes(),
            Block::Records(bytes) => bytes.len(),
        };
        (bytes + 200 + key.object.as_str().len()) as u64
    }
}

/// Reads the segments of one cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Segments {
    cluster: ClusterId,
    objects: Objects,
    keys: KeyRing,
    cache: BlockCache,
    runtime: Runtime,
    ahead: Arc<Semaphore>,
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

    /// The first frame after the block that holds frame `frame`; none when it is the last block.
    pub(crate) fn after_block(&self, frame: usize) -> Option<usize> {
        Some(self.block(frame).end).filter(|next| *next < self.footer().frames.len())
    }
}

impl Segments {
    pub(crate) fn new(
        cluster: ClusterId,
        objects: Objects,
        keys: KeyRing,
        cache: BlockCache,
        runtime: Runtime,
    ) -> Self {
        Self {
            cluster,
            objects,
            keys,
            cache,
            runtime,
            ahead: Arc::new(Semaphore::new(FETCHES_AHEAD_MAX)),
        }
    }

    /// Opens a partition's part of a segment, which starts at `base`.
    pub(crate) async fn open(
        &self,
        partition: TopicPartition,
        object: &str,
        base: Offset,
    ) -> Result<SegmentPart, BlockError> {
        let object = ObjectId::new(object);
        let reader = self.reader(&object).await?;
        let footer = match reader.contents() {
            Contents::Footer(footer) => footer.clone(),
            Contents::List(list) => match list.records_of(partition) {
                Some(entry) => self.details(&reader, list, entry).await?,
                None => Arc::default(),
            },
        };
        match footer.index_of(partition) {
            Some(index) => Ok(SegmentPart { reader, footer, index }),
            None => Err(BlockError::Missing { object, partition, offset: base }),
        }
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    async fn reader(&self, object: &ObjectId) -> Result<SegmentReader, BlockError> {
        let key = self.key(object, Place::Contents);
        let load = async {
            let opened = open_segment(&self.objects, object, &self.keys).await?;
            self.keep_details(&opened);
            Ok::<_, BlockError>(Block::Contents(opened.reader))
        };
        match self.cache.0.get_or_insert_async(&key, load).await? {
            Block::Contents(reader) => Ok(reader),
            _ => unreachable!("the contents' key holds contents only"),
        }
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
            let key = self.key(reader.object(), Place::Details(start));
            self.cache.0.insert(key, Block::Details(Arc::new(footer)));
        }
    }

    /// The footer of an entry of records, and of those whose details are read with it.
    async fn details(
        &self,
        reader: &SegmentReader,
        list: &List,
        entry: usize,
    ) -> Result<Arc<Footer>, BlockError> {
        let entries = list.read_together(entry);
        let start = list.details_range(&entries).start;
        let key = self.key(reader.object(), Place::Details(start));
        let load = async {
            let footer = read_details(&self.objects, reader, list, entries).await?;
            Ok::<_, BlockError>(Block::Details(Arc::new(footer)))
        };
        let footer = match self.cache.0.get_or_insert_async(&key, load).await? {
            Block::Details(footer) => footer,
            _ => unreachable!("the details' key holds details only"),
        };
        if footer.index_of(list.entries[entry].partition).is_some() {
            return Ok(footer);
        }
        // They were damaged. Perhaps the object was put back from a copy.
        let footer = read_damaged_details(&self.objects, reader, list, entry).await?;
        Ok(Arc::new(footer))
    }

    /// The block that holds frame `frame` of the part, decrypted.
    pub(crate) async fn block(
        &self,
        part: &SegmentPart,
        frame: usize,
    ) -> Result<Bytes, BlockError> {
        let frames = part.block_frames(frame);
        let object = part.reader.object();
        let key = self.key(object, Place::Records(frames[0].position));
        let load =
            async { read_frames(&self.objects, &part.reader, frames).await.map(Block::Records) };
        match self.cache.0.get_or_insert_async(&key, load).await? {
            Block::Records(bytes) => Ok(bytes),
            _ => unreachable!("a block's key holds records only"),
        }
    }

    /// Begins to fetch the blocks after the one that holds frame `frame`, as far as they are not
    /// cached. A failure is left to the reader that gets there.
    pub(crate) fn fetch_ahead(&self, part: &SegmentPart, frame: usize) {
        let following =
            std::iter::successors(part.after_block(frame), |next| part.after_block(*next));
        for next in following.take(BLOCKS_AHEAD) {
            let place = Place::Records(part.block_frames(next)[0].position);
            let key = self.key(part.reader.object(), place);
            if self.cache.0.peek(&key).is_some() {
                continue;
            }
            let Ok(permit) = self.ahead.clone().try_acquire_owned() else { return };
            let (segments, part) = (self.clone(), part.clone());
            self.runtime.spawn(async move {
                let _permit = permit;
                let _ = segments.block(&part, next).await;
            });
        }
    }

    fn key(&self, object: &ObjectId, place: Place) -> BlockKey {
        BlockKey { cluster: self.cluster.clone(), object: object.clone(), place }
    }
}
