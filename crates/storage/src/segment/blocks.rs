//! Reading segments through a bounded cache of decrypted blocks.
//!
//! A block is a few adjacent frames of one partition, read and decrypted together. While a reader
//! uses a block, the next ones are fetched ahead. Footers are in the same cache. Keys include the
//! cluster, since one cache serves every broker of a process; its budget is in bytes and exceeded
//! by no more than what readers hold.

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
        footer::{FrameEntry, PartitionFooter},
        reader::SegmentReader,
        stored::{open_segment, read_frames},
    },
};

/// A block is the frames that start within the same range of this length of a partition's part.
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
    /// The index of the block's first frame; [`FOOTER`] for the footer.
    frame: u32,
}

const FOOTER: u32 = u32::MAX;

#[derive(Clone)]
enum Block {
    Records(Bytes),
    Footer(SegmentReader),
}

#[derive(Clone)]
struct WeightInBytes;

impl Weighter<BlockKey, Block> for WeightInBytes {
    fn weight(&self, key: &BlockKey, block: &Block) -> u64 {
        let overhead = 200 + key.object.as_str().len() as u64;
        match block {
            Block::Records(bytes) => bytes.len() as u64 + overhead,
            Block::Footer(reader) => {
                let partitions = reader.footer().partitions.iter();
                let entries = partitions.map(|p| 150 + 40 * p.frames.len() + 100 * p.batches.len());
                entries.sum::<usize>() as u64 + overhead
            }
        }
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
    partition: usize,
}

impl SegmentPart {
    pub(crate) fn footer(&self) -> &PartitionFooter {
        &self.reader.footer().partitions[self.partition]
    }

    /// The frames of the block that holds frame `frame` of this partition, as indexes.
    fn block(&self, frame: usize) -> Range<usize> {
        let frames = &self.footer().frames;
        let block_number =
            |entry: &FrameEntry| (entry.position - frames[0].position) / BLOCK_SPAN_BYTES;
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
        let found =
            reader.footer().partitions.binary_search_by_key(&partition, |entry| entry.partition);
        let index = found.map_err(|_| BlockError::Missing { object, partition, offset: base })?;
        Ok(SegmentPart { reader, partition: index })
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    async fn reader(&self, object: &ObjectId) -> Result<SegmentReader, BlockError> {
        let key = self.key(object, FOOTER);
        let load =
            async { open_segment(&self.objects, object, &self.keys).await.map(Block::Footer) };
        match self.cache.0.get_or_insert_async(&key, load).await? {
            Block::Footer(reader) => Ok(reader),
            Block::Records(_) => unreachable!("the footer's key holds footers only"),
        }
    }

    /// The block that holds frame `frame` of the part, decrypted.
    pub(crate) async fn block(
        &self,
        part: &SegmentPart,
        frame: usize,
    ) -> Result<Bytes, BlockError> {
        let frames = part.block_frames(frame);
        let object = part.reader.object();
        let key = self.key(object, frames[0].index);
        let load =
            async { read_frames(&self.objects, &part.reader, frames).await.map(Block::Records) };
        match self.cache.0.get_or_insert_async(&key, load).await? {
            Block::Records(bytes) => Ok(bytes),
            Block::Footer(_) => unreachable!("a block's key holds records only"),
        }
    }

    /// Begins to fetch the blocks after the one that holds frame `frame`, as far as they are not
    /// cached. A failure is left to the reader that gets there.
    pub(crate) fn fetch_ahead(&self, part: &SegmentPart, frame: usize) {
        let following =
            std::iter::successors(part.after_block(frame), |next| part.after_block(*next));
        for next in following.take(BLOCKS_AHEAD) {
            let key = self.key(part.reader.object(), part.block_frames(next)[0].index);
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

    fn key(&self, object: &ObjectId, frame: u32) -> BlockKey {
        BlockKey { cluster: self.cluster.clone(), object: object.clone(), frame }
    }
}
