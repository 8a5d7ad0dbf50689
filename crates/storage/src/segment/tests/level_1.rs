//! Files of level 1, as the release before level 2 wrote them: the segment is `sample()` with
//! `small_frames()`, the page lists two segments, the snapshot has one producer.

use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;

use super::*;
use crate::{
    cache::{block_cache::BlockCache, object_cache::ObjectCache},
    catalog::{
        pages::Pages,
        records::{PageRef, SegmentRef},
    },
    objects::store::Objects,
    partition::producers::state::Producers,
};

const SEGMENT: &[u8] = include_bytes!("golden/level-1.segment");
const PAGE: &[u8] = include_bytes!("golden/level-1.page");
const SNAPSHOT: &[u8] = include_bytes!("golden/level-1.snapshot");

#[test]
fn a_segment_of_level_1_is_read() {
    check(&sample(), SEGMENT);
}

#[test]
fn chunks_are_still_written_as_at_level_1() {
    assert_eq!(write(&sample(), small_frames(FormatLevel::ONE)).0, SEGMENT);
}

#[tokio::test]
async fn a_page_and_a_snapshot_of_level_1_are_read() {
    let objects = Objects::new(Arc::new(InMemory::new()));
    let (page, snapshot) = (ObjectId::new("c/manifests/1/1/2"), ObjectId::new("c/producers/1/1/3"));
    objects.put(&page, Bytes::from_static(PAGE)).await.unwrap();
    objects.put(&snapshot, Bytes::from_static(SNAPSHOT)).await.unwrap();
    let runtime = milena_runtime::Runtime::system();
    let cache = ObjectCache::new("c".parse().unwrap(), BlockCache::new(4 << 20), runtime.clone());
    let pages = Pages::new(objects, keys(), cache, runtime);
    let (object, segments, bytes) = (page.to_string(), 2, 1_400);
    let (base, end, max_timestamp) = (Offset(0), Offset(20), Timestamp(1));
    let page = PageRef { object, base, end, bytes, max_timestamp, segments };
    let listed = pages.read(&page).await.unwrap();
    let expected = (0..2).map(|number: i64| SegmentRef {
        object: format!("c/segments/1/1/{number}").into(),
        object_bytes: 900,
        base: Offset(10 * number),
        end: Offset(10 * number + 10),
        bytes: 700,
        max_timestamp: Timestamp(number),
        written: Timestamp(1_000),
    });
    assert_eq!(*listed, *expected.collect::<Vec<_>>());

    let found = Producers::from_snapshot(&pages.open(&snapshot).await.unwrap()).unwrap();
    let mut producers = Producers::default();
    producers.commit_summary(&from_producer(8, 5, &summary(3, 2, 0, 90)), Timestamp(95));
    assert_eq!(found.snapshot(), producers.snapshot());
}
