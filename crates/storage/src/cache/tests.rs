use std::{future, pin::pin, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, poll};
use milena_runtime::Runtime;

use super::{
    block::Place,
    block_cache::BlockCache,
    object_cache::ObjectCache,
    object_reads::{ObjectReads, Wanted, until_there},
};
use crate::{objects::object_id::ObjectId, segment::block_error::BlockError, testing::eventually};

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

fn cache(blocks: &BlockCache, runtime: &Runtime) -> ObjectCache {
    ObjectCache::new("c".parse().unwrap(), blocks.clone(), runtime.clone())
}

/// Looks up the bytes at `place`, which `load` loads.
macro_rules! wanted {
    ($object:expr, $place:expr, $bytes:expr, $load:expr) => {
        Wanted { object: $object, place: Place::Records($place), load_bytes: $bytes, load: $load }
    };
}

#[tokio::test]
async fn a_load_that_panics_is_an_error_and_is_not_repeated_for_ever() {
    let blocks = BlockCache::new(1 << 20);
    let (cache, object) = (cache(&blocks, &Runtime::system()), ObjectId::new("o"));
    let load = || async { panic!("a bug") };
    let looked = until_there::<Bytes, BlockError>(|reads| {
        reads.look_up(&cache, wanted!(&object, 0, 1, load))
    });
    let looked = tokio::time::timeout(Duration::from_secs(10), looked).await.expect("it ends");
    assert!(matches!(looked, Err(BlockError::Object(_))), "{looked:?}");
    assert_eq!(blocks.loads_under_way(), 0);
    // Nothing is left of it.
    let load = || async { Ok(Bytes::from_static(b"a")) };
    let looked = until_there::<Bytes, BlockError>(|reads| {
        reads.look_up(&cache, wanted!(&object, 0, 1, load))
    });
    assert_eq!(looked.await.unwrap(), "a");
}

#[tokio::test]
async fn a_broker_that_stops_does_not_wait_for_what_others_load() {
    let blocks = BlockCache::with_room(1 << 20, 1 << 10);
    let (other, own) = (Runtime::system().child(), Runtime::system().child());
    let object = ObjectId::new("o");
    let (other_cache, own_cache) = (cache(&blocks, &other), cache(&blocks, &own));
    let mut reads = ObjectReads::default();
    let hanging = || future::pending::<Result<Bytes, BlockError>>();
    assert!(reads.look_up(&other_cache, wanted!(&object, 0, 1 << 10, hanging)).is_err());
    let load = || async { Ok(Bytes::from_static(b"a")) };
    let mut waiting = pin!(until_there::<Bytes, BlockError>(|reads| {
        reads.look_up(&own_cache, wanted!(&object, 1, 1 << 10, load))
    }));
    assert!(poll!(waiting.as_mut()).is_pending(), "there is no room");
    own.stop();
    let ended = tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it ends");
    assert!(matches!(ended, Err(BlockError::Object(_))), "{ended:?}");
    other.shutdown().await;
    assert_eq!(blocks.loads_under_way(), 0);
}

#[tokio::test]
async fn a_fetch_that_waits_for_something_else_holds_only_what_the_cache_has_not() {
    let blocks = BlockCache::new(1 << 20);
    let (cache, object) = (cache(&blocks, &Runtime::system()), ObjectId::new("o"));
    let sizes: [usize; 2] = [10 << 10, 4 << 20];
    let mut reads = ObjectReads::default();
    let look_up = |reads: &mut ObjectReads, at: usize| {
        let load = || async move { Ok::<_, BlockError>(Bytes::from(vec![1; sizes[at]])) };
        reads.look_up::<Bytes, _, _>(&cache, wanted!(&object, at as u64, 1, load))
    };
    for at in 0..sizes.len() {
        assert!(look_up(&mut reads, at).is_err());
        assert!(reads.next().await.is_some());
    }
    reads.release_cached();
    blocks.clear();
    assert!(look_up(&mut reads, 0).is_err(), "the cache had it");
    assert_eq!(look_up(&mut reads, 1).expect("it is held").len(), sizes[1]);
    reads.release();
    assert!(reads.next().now_or_never().expect("nothing is under way").is_none());
}

#[tokio::test]
async fn what_is_kept_for_readers_that_have_gone_holds_up_no_other_load() {
    let blocks = BlockCache::with_room(1 << 10, 8 << 10);
    let (cache, object) = (cache(&blocks, &Runtime::system()), ObjectId::new("o"));
    let load = || async { Ok::<_, BlockError>(Bytes::from(vec![1; 2 << 10])) };
    for at in 0..2 {
        let mut gone = ObjectReads::default();
        let looked = gone.look_up::<Bytes, _, _>(&cache, wanted!(&object, at, 4 << 10, load));
        assert!(looked.is_err());
    }
    let large = until_there(|reads| {
        reads.look_up::<Bytes, _, _>(&cache, wanted!(&object, 2, 1 << 20, load))
    });
    let large = tokio::time::timeout(Duration::from_secs(5), large).await;
    assert_eq!(large.expect("it waits for none of them").expect("it is loaded").len(), 2 << 10);
    eventually("the others are kept", || blocks.loads_under_way() == 2).await;
}
