//! The process's bounded cache of what was read from objects: lists, details, blocks of records,
//! pages of manifests.
//!
//! The budget is in bytes; part of it is for loads under way, and it is exceeded by no more than
//! what readers hold.

use std::{hash::RandomState, sync::Arc};

use quick_cache::{
    OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use crate::cache::{
    block::{BlockKey, CachedBlock},
    loads::Loads,
};

/// The part of the budget that loads under way may take, and at least so many bytes, but never more
/// than half.
const LOADS_PART: u64 = 8;
const LOADS_BYTES_MIN: u64 = 4 << 20;

/// The bytes of a shard of the cache, at least. A block larger than the reused part of one is not kept.
const SHARD_BYTES_MIN: u64 = 32 << 20;
const SHARDS_MAX: u64 = 16;

/// The part of the cache that is for what was used more than once. The rest is for what was just
/// loaded, often ahead of its reader: most of what is read is read once, in order.
const REUSED_PART: f64 = 0.5;

/// A process's cache of what is read from objects. Cheap to clone; clones are the same cache.
#[derive(Clone)]
pub struct BlockCache(Arc<Shared>);

struct Shared {
    blocks: Cache<BlockKey, CachedBlock, WeightInBytes, RandomState>,
    loads: Loads,
}

impl std::fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockCache").field("bytes", &self.bytes()).finish()
    }
}

impl BlockCache {
    /// A cache of at most `bytes`, loads under way included.
    pub fn new(bytes: u64) -> Self {
        let loads_bytes = (bytes / LOADS_PART).max(LOADS_BYTES_MIN).min(bytes / 2);
        Self::with_room(bytes - loads_bytes, loads_bytes)
    }

    /// A cache of at most `bytes`, and so many for loads under way.
    pub(crate) fn with_room(bytes: u64, loads_bytes: u64) -> Self {
        let expected_items =
            usize::try_from(bytes / (128 << 10)).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(expected_items)
            .weight_capacity(bytes)
            .shards((bytes / SHARD_BYTES_MIN).clamp(1, SHARDS_MAX) as usize)
            .hot_allocation(REUSED_PART)
            .build()
            .expect("the capacities are set");
        // The cache's default hasher takes its seed from addresses, which a simulation cannot
        // control.
        let (hasher, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        let blocks = Cache::with_options(options, WeightInBytes, hasher, lifecycle);
        Self(Arc::new(Shared { blocks, loads: Loads::new(loads_bytes) }))
    }

    /// How many bytes are cached.
    pub fn bytes(&self) -> u64 {
        self.0.blocks.weight()
    }

    /// Takes everything out of it.
    #[cfg(test)]
    pub(crate) fn clear(&self) {
        self.0.blocks.clear();
    }

    /// How many loads are under way.
    #[cfg(test)]
    pub(crate) fn loads_under_way(&self) -> usize {
        self.0.loads.lock().len()
    }

    pub(super) fn loads(&self) -> &Loads {
        &self.0.loads
    }

    pub(super) fn get(&self, key: &BlockKey) -> Option<CachedBlock> {
        self.0.blocks.get(key)
    }

    /// As [`BlockCache::get`], without counting as a use.
    pub(super) fn peek(&self, key: &BlockKey) -> Option<CachedBlock> {
        self.0.blocks.peek(key)
    }

    pub(super) fn insert(&self, key: BlockKey, block: CachedBlock) {
        self.0.blocks.insert(key, block);
    }
}

#[derive(Clone)]
struct WeightInBytes;

impl Weighter<BlockKey, CachedBlock> for WeightInBytes {
    fn weight(&self, key: &BlockKey, block: &CachedBlock) -> u64 {
        (block.bytes + 200 + key.object.as_str().len()) as u64
    }
}
