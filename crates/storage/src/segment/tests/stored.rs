//! Segments in an object store.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::{future::join_all, stream::BoxStream};
use milena_runtime::Runtime;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult,
    memory::InMemory, path::Path,
};

use super::*;
use crate::{
    cache::{block_cache::BlockCache, object_cache::ObjectCache},
    objects::store::Objects,
    segment::{
        block_error::BlockError,
        blocks::{SegmentPart, Segments},
    },
};

/// A store that counts what is read of it.
#[derive(Debug, Default)]
struct CountingStore {
    inner: InMemory,
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl CountingStore {
    /// Reads and their bytes since this was asked last.
    fn take(&self) -> (u64, u64) {
        (self.reads.swap(0, Ordering::Relaxed), self.bytes.swap(0, Ordering::Relaxed))
    }
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("counting")
    }
}

#[async_trait]
impl ObjectStore for CountingStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        let found = self.inner.get_opts(location, options).await?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(found.range.end - found.range.start, Ordering::Relaxed);
        Ok(found)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// Segments in a store of their own, with a cache of so many bytes.
fn segments(store: &Arc<CountingStore>, cache_bytes: u64) -> Segments {
    let objects = Objects::new(store.clone());
    let cluster = "c".parse().unwrap();
    let cache = ObjectCache::new(cluster, BlockCache::new(cache_bytes), Runtime::system());
    Segments::new(objects, keys(), cache)
}

async fn put(store: &Arc<CountingStore>, bytes: Bytes) {
    Objects::new(store.clone()).put(&object(), bytes).await.unwrap();
}

async fn open(segments: &Segments, partition: TopicPartition) -> Result<SegmentPart, BlockError> {
    segments.open(partition, object().as_str(), Offset(0)).await
}

/// A segment of so many partitions of one topic, so many batches of an idempotent producer in each.
fn shared(level: FormatLevel, partitions: i32, batches: i64, batch_bytes: usize) -> Bytes {
    let mut out = WriteBuffer::default();
    let options = SegmentOptions { level, ..SegmentOptions::default() };
    let mut writer = SegmentWriter::new(&mut out, &object(), &key(), SALT, options);
    for number in 0..partitions {
        let bytes = batch(&vec![number as u8; batch_bytes - 61]);
        for at in 0..batches {
            let time = 1_700_000_000_000 + at * 37 + i64::from(number);
            let summary = summary(1_000_000 + at * 10, 10, 3, time);
            let summary = from_producer(4_000 + at % 3, at as i32 * 10, &summary);
            writer.append(partition(7, number), &summary, None, &bytes);
        }
    }
    writer.finish();
    out.into_bytes()
}

#[tokio::test]
async fn a_segment_is_opened_whether_or_not_its_footer_fits_the_first_read() {
    for (level, partitions) in
        [(FormatLevel::ONE, 1), (FormatLevel::ONE, 10_000), (FormatLevel::TWO, 1_024)]
    {
        let store = Arc::default();
        put(&store, shared(level, partitions, 1, 100)).await;
        let segments = segments(&store, 4 << 20);
        for number in [0, partitions - 1] {
            let part = open(&segments, partition(7, number)).await.unwrap();
            let opened = segments.block(&part, 0).await.unwrap();
            assert_eq!(opened[61..], [number as u8; 39]);
        }
        let missing = open(&segments, partition(7, partitions)).await;
        assert!(matches!(missing.err(), Some(BlockError::Missing { .. })));
    }
}

#[tokio::test]
async fn bytes_that_are_no_segment_are_reported_with_the_object() {
    for bytes in [vec![], vec![0; 10], vec![0xff; 200_000]] {
        let store = Arc::default();
        put(&store, Bytes::from(bytes)).await;
        let error = open(&segments(&store, 4 << 20), partition(7, 0)).await.err().unwrap();
        assert!(error.to_string().contains("c/seg/1"), "{error}");
    }
}

#[tokio::test]
async fn a_small_segment_is_opened_by_one_read() {
    let store = Arc::default();
    put(&store, shared(FormatLevel::TWO, 30, 20, 500)).await;
    let segments = segments(&store, 4 << 20);
    for number in 0..30 {
        open(&segments, partition(7, number)).await.unwrap();
    }
    assert_eq!(store.take().0, 1);
}

/// Prints what opening partitions of a shared segment costs, at level 1 and at level 2:
///
/// ```sh
/// cargo test -p milena-storage --lib -- opening_one_partition --nocapture
/// ```
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_one_partition_of_many_reads_the_list_and_its_details() {
    const PARTITIONS: i32 = 1_024;
    let mut costs = Vec::new();
    for level in LEVELS {
        let bytes = shared(level, PARTITIONS, 64, 1024);
        let object_bytes = bytes.len() as u64;
        let store = Arc::default();
        put(&store, bytes).await;
        let (one, all) = (segments(&store, 64 << 20), segments(&store, 64 << 20));
        let part = open(&one, partition(7, 500)).await.unwrap();
        assert_eq!(part.footer().batches.len(), 64);
        let opened_one = store.take();
        open(&one, partition(7, 500)).await.unwrap();
        assert_eq!(store.take(), (0, 0), "list and details are cached");
        let at_once = join_all((0..PARTITIONS).map(|number| open(&all, partition(7, number))));
        assert!(at_once.await.iter().all(Result::is_ok));
        let opened_all = store.take();
        println!(
            "level {level}: {object_bytes} bytes; one of {PARTITIONS} partitions: {} bytes in {} \
             reads; all: {} bytes in {} reads",
            opened_one.1, opened_one.0, opened_all.1, opened_all.0
        );
        costs.push((opened_one, opened_all));
    }
    let [(before, before_all), (after, after_all)] = costs[..] else { panic!("two levels") };
    assert!(after.0 == 2 && after.1 <= 136 << 10, "{after:?}");
    assert!(before.1 > 5 * after.1, "{before:?}, {after:?}");
    // So 100,000 partitions that share 98 segments are opened by fewer than 2,000 reads.
    assert!(after_all.1 <= before_all.1 + (8 << 10) && after_all.0 <= 20, "{after_all:?}");
}

#[tokio::test]
async fn damaged_details_hide_one_partition_until_the_object_is_put_back() {
    let bytes = shared(FormatLevel::TWO, 300, 20, 100);
    let Contents::List(list) = open_by_tails(&bytes).unwrap().contents().clone() else {
        panic!("a list")
    };
    let mut bent = bytes.to_vec();
    bent[list.entries[150].details.start as usize] ^= 1;
    let store = Arc::default();
    put(&store, bent.into()).await;
    let segments = segments(&store, 4 << 20);
    for number in 0..300 {
        let outcome = open(&segments, partition(7, number)).await;
        assert_eq!(outcome.is_ok(), number != 150, "partition {number}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("c/seg/1"), "{error}");
        }
    }
    put(&store, bytes).await;
    let part = open(&segments, partition(7, 150)).await.unwrap();
    assert_eq!(part.footer().batches.len(), 20);
}

#[tokio::test]
async fn a_damaged_list_costs_one_more_read() {
    let bytes = shared(FormatLevel::TWO, 1_000, 20, 100);
    let whole = open_by_tails(&bytes).unwrap();
    let Contents::List(list) = whole.contents() else { panic!("a list") };
    let details_end = list.entries[999].details.end as usize;
    let last = bytes.len() - TRAILER_BYTES;
    let second: Range<usize> = details_end + TRAILER_BYTES..last;
    for at in [second.start, second.start + 20_000, last + 3] {
        let mut bent = bytes.to_vec();
        bent[at] ^= 1;
        let store = Arc::default();
        put(&store, bent.into()).await;
        let segments = segments(&store, 4 << 20);
        for number in [0, 999] {
            open(&segments, partition(7, number)).await.unwrap();
        }
        // A longer read up to the first list has the details; the other way they are read apart.
        let reads = if at < last { 2 } else { 3 };
        assert_eq!(store.take().0, reads, "byte {at}");
    }
}
