//! The conformance suite of object stores for segments, which each one runs.
//!
//! A check that does not hold panics with what was expected. [`run`] needs a store without faults,
//! [`run_with_faults`] wraps one.

use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;

use crate::objects::{
    faulty::{FaultyStore, StoreFault},
    object_id::ObjectId,
    store::{ObjectError, Objects},
};

fn object(name: &str) -> ObjectId {
    ObjectId::new(format!("incarnation-1/seg/{name}"))
}

/// A megabyte without repetition.
fn megabyte() -> Bytes {
    (0..1_u32 << 18).flat_map(u32::to_be_bytes).collect()
}

/// Runs the whole suite, apart from faults, in an empty store.
pub async fn run(objects: &Objects) {
    a_put_is_read_at_once(objects).await;
    a_put_may_be_repeated(objects).await;
    a_missing_object_differs_from_a_failure(objects).await;
    a_deleted_object_is_gone_and_may_be_deleted_again(objects).await;
    many_may_put_and_read_at_once(objects).await;
}

async fn a_put_is_read_at_once(objects: &Objects) {
    let (object, bytes) = (object("ranges/0.seg"), megabyte());
    objects.put(&object, bytes.clone()).await.expect("a put");
    let end = bytes.len() as u64;
    for range in [0..1, 0..end, 4096..8192, end - 1..end, 7..7] {
        let expected = bytes.slice(range.start as usize..range.end as usize);
        assert_eq!(
            objects.range(&object, range.clone()).await.expect("a range"),
            expected,
            "{range:?}"
        );
    }
    for (bytes_max, expected) in [(64, 64), (end, end), (2 * end, end)] {
        let (tail, object_bytes) = objects.tail(&object, bytes_max).await.expect("a tail");
        assert_eq!((tail.len() as u64, object_bytes), (expected, end));
        assert_eq!(tail, bytes.slice((end - expected) as usize..));
    }
    let past = objects.range(&object, end - 1..end + 1).await;
    assert!(past.is_err(), "a range past the end is an error, not short: {past:?}");
}

async fn a_put_may_be_repeated(objects: &Objects) {
    let object = object("repeated");
    for _ in 0..2 {
        objects.put(&object, Bytes::from_static(b"the same")).await.expect("the same put again");
    }
    assert_eq!(objects.range(&object, 0..8).await.expect("it is there"), &b"the same"[..]);
}

async fn a_missing_object_differs_from_a_failure(objects: &Objects) {
    let missing = object("missing");
    for error in [
        objects.range(&missing, 0..1).await.expect_err("nothing is there"),
        objects.tail(&missing, 64).await.expect_err("nothing is there"),
    ] {
        assert!(matches!(error, ObjectError::NotFound { .. }), "{error}");
        assert!(error.to_string().contains("seg/missing"), "{error}");
    }
}

async fn a_deleted_object_is_gone_and_may_be_deleted_again(objects: &Objects) {
    let object = object("deleted");
    objects.put(&object, Bytes::from_static(b"soon gone")).await.expect("a put");
    for _ in 0..2 {
        objects.delete(&object).await.expect("a delete");
    }
    assert!(matches!(objects.range(&object, 0..1).await, Err(ObjectError::NotFound { .. })));
}

async fn many_may_put_and_read_at_once(objects: &Objects) {
    let all = (0..32_u8).map(|i| async move {
        let object = object(&format!("many/{i}"));
        objects.put(&object, Bytes::from(vec![i; 1000])).await.expect("a put");
        assert_eq!(objects.range(&object, 500..600).await.expect("a range"), vec![i; 100]);
    });
    futures_util::future::join_all(all).await;
}

/// Checks that failures come out as what they are and that putting again heals them, over any empty
/// store.
pub async fn run_with_faults(inner: Arc<dyn ObjectStore>) {
    let store = FaultyStore::new(inner);
    let objects = Objects::new(store.clone());
    run(&objects).await;
    let (object, bytes) = (object("faulty"), megabyte());

    store.fail([StoreFault::NoSpace, StoreFault::NotApplied]);
    let full = objects.put(&object, bytes.clone()).await;
    assert!(matches!(full, Err(ObjectError::Full { .. })), "{full:?}");
    let failed = objects.put(&object, bytes.clone()).await;
    assert!(matches!(failed, Err(ObjectError::Store { .. })), "{failed:?}");
    let missing = objects.range(&object, 0..1).await;
    assert!(
        matches!(missing, Err(ObjectError::NotFound { .. })),
        "a failed put leaves nothing: {missing:?}"
    );

    store.fail([StoreFault::Applied]);
    objects.put(&object, bytes.clone()).await.expect_err("the answer was lost");
    objects
        .put(&object, bytes.clone())
        .await
        .expect("an unknown outcome is resolved by putting again");

    store.fail([StoreFault::NotApplied, StoreFault::Applied]);
    for _ in 0..2 {
        let failed = objects.range(&object, 0..1).await;
        assert!(
            matches!(failed, Err(ObjectError::Store { .. })),
            "a failure is not taken for absence: {failed:?}"
        );
    }
    store.fail([StoreFault::NotApplied]);
    objects.delete(&object).await.expect_err("a delete that failed");
    assert_eq!(objects.range(&object, 0..8).await.expect("it is still there"), bytes.slice(..8));
}
