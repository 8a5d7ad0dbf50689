//! Reads of segments that are not in memory: how often objects are read, and what is there for the
//! next read.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use milena_records::{Batch, BatchBuilder, Compression, NewRecord};
use milena_types::{LeaderEpoch, Offset, Timestamp};
use object_store::memory::InMemory;

use crate::{
    BlockCache, Missing, ObjectReads, Partition, PartitionOptions, ReadData, ReadError,
    ReadRequest, Storage,
    disk::memory::MemoryDisk,
    objects::{FaultyStore, Objects, object_id::ObjectId},
    partition::bounds::Isolation,
    segment::batch_spans::batch_spans,
    testing::*,
};

/// A broker whose objects are counted and may hang.
struct ColdBroker {
    broker: Broker,
    objects: Arc<FaultyStore>,
    blocks: BlockCache,
}

impl ColdBroker {
    fn new() -> Self {
        let broker = Broker::on(&MemoryDisk::default());
        let objects = FaultyStore::new(Arc::new(InMemory::new()));
        Self { broker, objects, blocks: BlockCache::new(64 << 20) }
    }

    async fn open_broker(&mut self, broker: i32) -> Storage {
        let mut config = self.broker.config_of(broker);
        config.blocks = self.blocks.clone();
        let (disk, objects) = (self.broker.disk(), Objects::new(self.objects.clone()));
        let keyspace = self.broker.keyspace();
        let opened = Storage::open(config, disk, objects, keyspace, &self.broker.runtime).await;
        opened.expect("storage opens")
    }

    /// Partitions with so many segments of one batch of two records each, of which nothing is in
    /// memory; each segment is shared by all of them.
    async fn cold(&mut self, partitions: i32, segments: i64) -> (Storage, Vec<Arc<Partition>>) {
        let storage = self.open_broker(1).await;
        let mut opened = Vec::new();
        for number in 0..partitions {
            opened.push(open_partition(&storage, number, 1).await);
        }
        for segment in 0..segments {
            for partition in &opened {
                append(partition, batch(&[10 * segment, 10 * segment + 1])).await;
            }
            storage.flush().await.expect("a flush");
        }
        for partition in &opened {
            partition.lock().tail.clear();
        }
        self.blocks.clear();
        self.objects.take_reads();
        (storage, opened)
    }

    async fn loaded(&self) {
        eventually("all loads end", || self.blocks.loads_under_way() == 0).await;
    }
}

fn request(from: i64, max_bytes: usize) -> ReadRequest {
    let isolation = Isolation::Uncommitted;
    ReadRequest { from: Offset(from), max_bytes, at_least_one: true, isolation }
}

/// How many batches were read.
fn batches(data: &ReadData) -> usize {
    data.parts.iter().map(|part| batch_spans(part).count()).sum()
}

/// What a fetch of one partition does.
async fn fetch(partition: &Partition, from: i64, max_bytes: usize) -> ReadData {
    let mut reads = ObjectReads::default();
    let request = request(from, max_bytes);
    let data = loop {
        let data = partition.read_loaded(&request, &mut reads).await.expect("a read");
        if data.missing.is_none() || reads.next().await.is_none() {
            break data;
        }
    };
    if let Some(from) = data.ahead_from {
        partition.read_ahead(from, &mut reads);
    }
    data
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_of_many_cold_segments_reads_few_objects_a_few_at_a_time() {
    const SEGMENTS: i64 = 400;
    let mut broker = ColdBroker::new();
    let (_storage, partitions) = broker.cold(1, SEGMENTS).await;
    let partition = &partitions[0];
    let pages = partition.lock().manifest.record.pages.len() as u64;
    assert!(pages >= 3);
    let (mut from, mut fetches, mut all) = (0, 0, 0);
    while from < 2 * SEGMENTS {
        let data = fetch(partition, from, 1 << 20).await;
        broker.loaded().await;
        let (reads, at_a_time) = broker.objects.take_reads();
        assert!(reads <= 16 && at_a_time <= 4 + 4, "{reads} reads, {at_a_time} at a time");
        assert!(data.bytes > 0, "a fetch gets on");
        from += 2 * batches(&data) as i64;
        (fetches, all) = (fetches + 1, all + reads);
    }
    assert_eq!(from, 2 * SEGMENTS);
    let once = pages + 2 * SEGMENTS as u64;
    assert_eq!(all, once, "pages, lists, and blocks, each read once");
    assert!(fetches <= once / 16 + 2, "{fetches} fetches");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deadline_cut_off_is_there_for_the_next_fetch() {
    let mut broker = ColdBroker::new();
    let (_storage, partitions) = broker.cold(1, 1).await;
    for what in ["the list", "the records"] {
        broker.objects.hold_reads(true);
        let mut reads = ObjectReads::default();
        let data = partitions[0].read_loaded(&request(0, 1 << 20), &mut reads).await;
        let data = data.expect("a read");
        assert!(matches!(data.missing, Some(Missing::Read(_))), "{what} is missing");
        assert!(tokio::time::timeout(Duration::from_millis(20), reads.next()).await.is_err());
        // The same is not read twice, whoever asks.
        let mut others = ObjectReads::default();
        let other = partitions[0].read_loaded(&request(0, 1 << 20), &mut others).await;
        assert!(other.expect("a read").missing.is_some());
        drop((reads, others));
        broker.objects.hold_reads(false);
        broker.loaded().await;
        assert_eq!(broker.objects.take_reads().0, 1, "{what}");
    }
    let mut reads = ObjectReads::default();
    let data = partitions[0].read_loaded(&request(0, 1 << 20), &mut reads).await.expect("a read");
    assert_eq!((data.bytes, data.missing), (batch(&[0, 1]).size(), None));
    assert_eq!(broker.objects.take_reads().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_finds_the_next_segments_loaded_also_behind_a_page() {
    const SEGMENTS: i64 = 60;
    let mut broker = ColdBroker::new();
    let (_storage, partitions) = broker.cold(1, SEGMENTS).await;
    let partition = &partitions[0];
    let manifest = partition.lock().manifest.clone();
    let listed: i64 = manifest.record.pages.iter().map(|page| i64::from(page.segments)).sum();
    assert!((16..SEGMENTS - 4).contains(&listed), "a page ends on the way: {listed}");
    for segment in 0..SEGMENTS {
        // A list tells where the block is that is loaded at the next fetch.
        let fetches = if segment == 0 { 2 } else { 1 };
        for attempt in 0..fetches {
            let mut reads = ObjectReads::default();
            let data = partition.read_loaded(&request(2 * segment, 1), &mut reads).await;
            let missing = data.expect("a read").missing;
            assert_eq!(missing.is_some(), segment == 0 && attempt == 0, "segment {segment}");
            drop(reads);
            assert!(fetch(partition, 2 * segment, 1).await.bytes > 0);
            broker.loaded().await;
        }
    }
    let reads = broker.objects.take_reads().0;
    assert_eq!(reads, manifest.record.pages.len() as u64 + 2 * SEGMENTS as u64, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_are_found_by_time_with_few_reads() {
    const SEGMENTS: i64 = 200;
    let mut broker = ColdBroker::new();
    let (_storage, partitions) = broker.cold(1, SEGMENTS).await;
    for (time, offset) in [
        (0, Some(0)),
        (771, Some(155)),
        (10 * SEGMENTS - 9, Some(2 * SEGMENTS - 1)),
        (10 * SEGMENTS, None),
    ] {
        let found = partitions[0].offset_for_timestamp(Timestamp(time), Isolation::Uncommitted);
        let found = found.await.expect("a search").map(|found| found.offset.0);
        assert_eq!(found, offset, "at {time}");
        let reads = broker.objects.take_reads().0;
        assert!(reads <= 3, "{reads} reads: a page, a list, a block");
    }
    let largest = partitions[0].max_timestamp(Isolation::Uncommitted).await.expect("a search");
    assert_eq!(largest.map(|found| found.offset.0), Some(2 * SEGMENTS - 1));
    assert_eq!(broker.objects.take_reads().0, 0, "the last segment is loaded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_hangs_costs_those_nothing_who_need_none_of_it() {
    const PARTITIONS: i32 = 24;
    let mut broker = ColdBroker::new();
    // Room for so many blocks under way.
    const ROOM: u64 = 32;
    broker.blocks = BlockCache::with_room(4 << 20, ROOM << 10);
    let (storage, partitions) = broker.cold(PARTITIONS, 8).await;
    let bystander = &partitions[0];
    assert_eq!(read_all(bystander, 0, 1 << 20).await.len(), 16);
    append(&partitions[1], batch(&[1_000])).await;
    broker.objects.take_reads();
    broker.objects.hold_reads(true);
    // Fetches come and go, each of all that is cold.
    for _ in 0..100 {
        let mut reads = ObjectReads::default();
        for partition in &partitions[1..] {
            let data = partition.read_loaded(&request(0, 1 << 20), &mut reads).await;
            let data = data.expect("no error");
            assert!(data.bytes == 0 && data.missing.is_some());
        }
        assert!(tokio::time::timeout(Duration::from_millis(1), reads.next()).await.is_err());
    }
    let under_way = broker.blocks.loads_under_way();
    let begun = broker.objects.take_reads().0;
    assert_eq!((begun, under_way as u64), (ROOM, ROOM));
    let mut reads = ObjectReads::default();
    let cached = bystander.read_loaded(&request(0, 1 << 20), &mut reads).await.expect("a read");
    assert_eq!((batches(&cached), cached.missing), (8, None));
    let tail = partitions[1].read_loaded(&request(16, 1 << 20), &mut reads).await.expect("a read");
    assert!(tail.bytes > 0);
    broker.objects.hold_reads(false);
    for partition in &partitions[1..] {
        assert!(read_all(partition, 0, 1 << 20).await.len() >= 16);
    }
    drop(storage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_was_deposed_learns_it_from_an_object_that_has_gone() {
    let mut broker = ColdBroker::new();
    let (storage, partitions) = broker.cold(1, 2).await;
    let segment = partitions[0].lock().manifest.newer().next().expect("a segment").clone();
    let objects = Objects::new(broker.objects.clone());
    objects.delete(&ObjectId::new(&*segment.object)).await.expect("the store works");
    // The object is lost: the manifest still names it.
    let lost = partitions[0].read(&request(0, 1 << 20)).await;
    assert!(matches!(lost, Err(ReadError::Block(_))), "{lost:?}");
    broker.loaded().await;
    assert_eq!(broker.objects.take_reads().0, 2, "each segment's list, once");
    let other = broker.open_broker(2).await;
    let options = PartitionOptions::default();
    let taken = other.open_partition(id(0), LeaderEpoch(2), options).await.expect("opens");
    taken.delete_records(Some(Offset(2))).await.expect("in range");
    let deposed = partitions[0].read(&request(0, 1 << 20)).await;
    assert!(matches!(deposed, Err(ReadError::Closed)), "{deposed:?}");
    drop((storage, other));
}

/// A batch that a cache of 64 KiB does not take.
fn large_batch() -> Batch {
    let value = vec![1; 100 << 10];
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() });
    builder.build().expect("a batch")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_cache_does_not_take_waits_for_its_reader() {
    let mut broker = ColdBroker::new();
    broker.blocks = BlockCache::new(64 << 10);
    let storage = broker.open_broker(1).await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, large_batch()).await;
    storage.flush().await.expect("a flush");
    partition.lock().tail.clear();
    broker.blocks.clear();
    assert!(fetch(&partition, 0, 1).await.bytes > 0);
    broker.loaded().await;
    broker.objects.take_reads();
    // A fetch that has no time.
    let mut reads = ObjectReads::default();
    let data = partition.read_loaded(&request(0, 1), &mut reads).await.expect("a read");
    assert!(data.missing.is_some(), "its list is cached, and its records are not");
    drop(reads);
    let ended = async {
        loop {
            let mut reads = ObjectReads::default();
            let looked = partition.read_loaded(&request(0, 1), &mut reads).await.expect("a read");
            assert!(looked.missing.is_some());
            if reads.next().now_or_never().is_some() {
                break partition.read_loaded(&request(0, 1), &mut reads).await.expect("a read");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let data = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it is kept");
    assert!(data.bytes > 100 << 10 && data.missing.is_none());
    assert_eq!(broker.objects.take_reads().0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_needs_all_gets_all_however_many_objects_that_takes() {
    const SEGMENTS: i64 = 60;
    let mut broker = ColdBroker::new();
    // A cache that keeps next to nothing, and room for one load at a time.
    broker.blocks = BlockCache::with_room(4 << 10, 1 << 10);
    let (_storage, partitions) = broker.cold(2, SEGMENTS).await;
    let all = request(0, 1 << 20);
    let both = async { tokio::join!(partitions[0].read(&all), partitions[1].read(&all)) };
    let (one, other) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("it ends");
    for data in [one, other] {
        let data = data.expect("a read");
        assert_eq!((batches(&data), data.missing), (SEGMENTS as usize, None));
    }
    broker.loaded().await;
}
