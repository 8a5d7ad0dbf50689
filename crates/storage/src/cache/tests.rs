use bytes::Bytes;
use milena_runtime::Runtime;

use super::{block::Place, block_cache::BlockCache, object_cache::ObjectCache};
use crate::objects::object_id::ObjectId;

#[test]
fn what_was_loaded_ahead_is_kept_although_what_was_read_before_fills_the_cache() {
    const BLOCK: usize = 512 << 10;
    let blocks = BlockCache::with_room(64 << 20, 1 << 20);
    let cache = ObjectCache::new("c".parse().unwrap(), blocks.clone(), Runtime::system());
    let object = ObjectId::new("i/segments/1/1/1");
    let place = |at: usize| Place::Records((at * BLOCK) as u64);
    for at in 0..200 {
        cache.insert(&object, place(at), Bytes::from(vec![0; BLOCK]));
        assert!(blocks.get(&cache.key(&object, place(at))).is_some());
    }
    assert!(blocks.bytes() > 56 << 20 && blocks.bytes() <= 64 << 20);
    // For five readers.
    for at in 200..220 {
        cache.insert(&object, place(at), Bytes::from(vec![0; BLOCK]));
    }
    for at in 200..220 {
        assert!(blocks.peek(&cache.key(&object, place(at))).is_some(), "block {at}");
    }
}
