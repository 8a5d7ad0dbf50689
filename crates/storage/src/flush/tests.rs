use std::time::Duration;

use milena_store::{
    FaultyStore, Keyspace, LeaseId, MetadataStore, Page, StoreError, Txn, TxnOutcome, Versioned,
    Watch,
};
use milena_types::{LeaderEpoch, Offset, Revision};

use crate::{
    FlushPolicy, Isolation, MemoryBudget, PartitionOptions, ReadRequest, Storage, disk::MemoryDisk,
    testing::*,
};
use crate::{catalog::object_names::ObjectKind, recovery::errors::OpenPartitionError};

fn unflushed(storage: &Storage) -> u64 {
    storage.flusher.waiting().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_partitions_share_a_segment_and_a_large_one_gets_its_own() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.flush.own_segment_bytes = 2_000;
    let storage = broker.open_with(config).await;
    for partition in 0..3 {
        let partition = open_partition(&storage, partition, 1).await;
        append(&partition, batch(&[1, 2, 3])).await;
    }
    let large = open_partition(&storage, 3, 1).await;
    append(&large, batch(&vec![5; 500])).await;
    storage.flush().await.expect("a flush");
    let object_of = |partition| {
        let partition = storage.partition(id(partition)).expect("open");
        let state = partition.lock();
        state.manifest.newer().map(|segment| segment.object.clone()).collect::<Vec<_>>()
    };
    assert_eq!((object_of(0), object_of(0).len()), (object_of(1), 1));
    assert_eq!(object_of(0), object_of(2));
    assert_ne!(object_of(0), object_of(3));
    assert_eq!(check_references(&broker).await, 2);
    assert_eq!(
        broker.catalog().flush_records().await.expect("records").len(),
        0,
        "all of it is folded"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_leaves_the_tail_cache_only_when_a_segment_has_it() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.memory.tail_bytes = 0;
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..20 {
        append(&partition, batch(&[time])).await;
    }
    storage.flusher.evict();
    assert_eq!(partition.lock().tail.len(), 20, "no segment has them");
    storage.flush().await.expect("a flush");
    assert_eq!(partition.lock().tail.len(), 0, "there is no room for them any more");
    let request = ReadRequest {
        from: Offset(0),
        max_bytes: 10,
        at_least_one: true,
        isolation: Isolation::Uncommitted,
    };
    assert!(partition.try_read(&request).expect("in range").is_none());
    assert_eq!(read_all(&partition, 0, 500).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_data_stays_in_the_tail_cache_while_there_is_room() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    storage.flush().await.expect("a flush");
    let request = ReadRequest {
        from: Offset(0),
        max_bytes: 10,
        at_least_one: true,
        isolation: Isolation::Uncommitted,
    };
    assert!(partition.try_read(&request).expect("in range").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushes_happen_by_bytes_and_by_age() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.flush = FlushPolicy { bytes: 5_000, ..FlushPolicy::default() };
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&vec![1; 100])).await;
    assert!(unflushed(&storage) > 0);
    append(&partition, batch(&vec![1; 1_000])).await;
    eventually("flushed by bytes", || unflushed(&storage) == 0).await;
    drop((partition, storage));
    let mut config = broker.config();
    config.flush = FlushPolicy { age: Duration::from_millis(50), ..FlushPolicy::default() };
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 2).await;
    append(&partition, batch(&[1])).await;
    eventually("flushed by age", || unflushed(&storage) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_fails_is_tried_again_and_reads_and_writes_go_on() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.flush.bytes = 1;
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    // A file where a directory is needed.
    let blocked = broker.dir.path().join("objects/inc");
    std::fs::create_dir_all(broker.dir.path().join("objects")).expect("a directory");
    std::fs::write(&blocked, b"").expect("a file");
    append(&partition, batch(&[1])).await;
    storage.flush().await.expect_err("nothing can be stored");
    append(&partition, batch(&[2])).await;
    assert_eq!(read_all(&partition, 0, 500).await.len(), 2);
    std::fs::remove_file(&blocked).expect("removed");
    eventually("flushed in the end", || unflushed(&storage) == 0).await;
    check_references(&broker).await;
    drop((partition, storage));
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 500).await.len(), 2);
    storage.sweeper.remove_garbage().await.expect("a sweep");
    check_references(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_whose_outcome_is_unknown_is_found_out_not_repeated() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    broker.metadata.lose_answers(3);
    storage.flush().await.expect("asked again at once");
    append(&partition, batch(&[2])).await;
    broker.metadata.fail_after_putting("flushes/");
    storage.flush().await.expect_err("it is committed, but nobody says so");
    broker.metadata.set_unavailable(false);
    storage.flush().await.expect("found out");
    append(&partition, batch(&[3])).await;
    storage.flush().await.expect("a flush");
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1), (1, 2), (2, 3)]);
    drop((partition, storage));
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1), (1, 2), (2, 3)]);
    check_references(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_broker_epoch_flushes_nothing() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    // Somebody seals this epoch and becomes its flusher, as a recoverer does.
    broker.epoch += 1;
    let recoverer = broker.catalog();
    let epochs = recoverer.all_epochs().await.expect("epochs");
    let (epoch, seen) = &epochs[0];
    recoverer.seal_epoch(*epoch, seen, milena_types::ChunkSeq(1)).await.expect("sealed");
    storage.flush().await.expect_err("another flusher");
    assert_eq!(broker.catalog().flush_records().await.expect("records").len(), 0);
    assert!(
        storage.is_sealed() && partition.append(&[batch(&[2])], &CLIENT).is_err(),
        "its epoch has ended"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producers_wait_when_flushing_falls_behind_and_memory_stays_bounded() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let mut config = broker.config();
    config.memory = MemoryBudget { unflushed_bytes: 20_000, tail_bytes: 0 };
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    broker.metadata.set_unavailable(true);
    let large = batch(&vec![1; 500]);
    let mut taken = 0;
    loop {
        let admitted =
            tokio::time::timeout(Duration::from_millis(100), storage.admit(large.size())).await;
        let Ok(room) = admitted else { break };
        append(&partition, large.clone()).await;
        drop(room);
        taken += large.size();
        assert!(taken <= 20_000, "more was accepted than may be");
    }
    assert!(taken > 10_000 && storage.pressure() > 0.5);
    broker.metadata.set_unavailable(false);
    let admitted = tokio::time::timeout(Duration::from_secs(20), storage.admit(large.size())).await;
    drop(admitted.expect("flushing makes room"));
    // A request larger than everything passes alone.
    let admitted = tokio::time::timeout(Duration::from_secs(20), storage.admit(1 << 30)).await;
    drop(admitted.expect("room for one huge request"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_nothing_refers_to_is_deleted() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.delete_grace = Duration::ZERO;
    let storage = broker.open_with(config).await;
    let (one, two) = (open_partition(&storage, 0, 1).await, open_partition(&storage, 1, 1).await);
    for time in 0..5 {
        append(&one, sequenced(7, time, &[1])).await;
        append(&two, batch(&[1])).await;
        storage.flush().await.expect("a flush");
    }
    one.delete_records(Some(Offset(4))).await.expect("in range");
    storage.sweeper.remove_garbage().await.expect("a sweep");
    check_references(&broker).await;
    assert_eq!(read_all(&two, 0, 500).await.len(), 5, "the other partition shares the segments");
    append(&two, batch(&[1])).await;
    storage.delete_partition(id(1)).await.expect("deleted");
    storage.flush().await.expect("a flush");
    assert!(storage.sweeper.remove_garbage().await.expect("a sweep") >= 4);
    assert_eq!(check_references(&broker).await, 2, "one segment and one snapshot are left");
    assert_eq!(read_all(&one, 4, 500).await.len(), 1);
    let again = storage.open_partition(id(1), LeaderEpoch(2), PartitionOptions::default()).await;
    assert_eq!(again.expect("nothing of it is left").bounds().high_watermark, Offset(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_partition_does_not_come_back_from_the_write_ahead_log() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    storage.delete_partition(id(0)).await.expect("deleted");
    drop((partition, storage));
    let storage = broker.open().await;
    let reopened = storage.open_partition(id(0), LeaderEpoch(2), PartitionOptions::default()).await;
    assert!(matches!(reopened, Err(OpenPartitionError::Deleted { .. })));
    storage.flush().await.expect("a flush");
    assert_eq!(check_references(&broker).await, 0);
    assert!(
        broker.catalog().deleted().await.expect("records").is_empty(),
        "nothing is left to skip"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_deleted_while_it_is_flushed_leaves_nothing_behind() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let (gone, kept) = (open_partition(&storage, 0, 1).await, open_partition(&storage, 1, 1).await);
    append(&gone, batch(&[1])).await;
    append(&kept, batch(&[2])).await;
    broker.metadata.fail_after_putting("uploads/");
    storage.flush().await.expect_err("stopped half-way");
    broker.metadata.set_unavailable(false);
    broker.metadata.fail_after_putting("flushes/");
    storage.flush().await.expect_err("committed, and nobody knows");
    broker.metadata.set_unavailable(false);
    storage.delete_partition(id(0)).await.expect("deleted");
    storage.flush().await.expect("found out");
    assert_eq!(broker.catalog().flush_records().await.expect("records").len(), 0);
    assert!(broker.catalog().deleted().await.expect("records").is_empty());
    assert_eq!(read_all(&kept, 0, 500).await, [(0, 2)]);
    drop((gone, kept, storage));
    let mut config = broker.config();
    config.delete_grace = Duration::ZERO;
    let storage = broker.open_with(config).await;
    storage.sweeper.remove_garbage().await.expect("a sweep");
    assert_eq!(check_references(&broker).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_a_crash_left_behind_is_swept() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let orphan = storage.manifests.names.next(ObjectKind::Segment);
    broker.catalog().announce(&[orphan.to_string()]).await.expect("announced");
    broker.objects().put(&orphan, bytes::Bytes::from_static(b"half")).await.expect("stored");
    assert_eq!(check_references(&broker).await, 1);
    drop(storage);
    let mut config = broker.config();
    config.delete_grace = Duration::ZERO;
    let storage = broker.open_with(config).await;
    storage.sweeper.remove_garbage().await.expect("a sweep");
    assert_eq!(check_references(&broker).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_whose_segment_was_replaced_plans_again() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.memory.tail_bytes = 0;
    config.delete_grace = Duration::ZERO;
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    for time in 0..2 {
        append(&partition, batch(&[time])).await;
        storage.flush().await.expect("a flush");
    }
    let before = partition.lock().manifest.clone();
    partition.delete_records(Some(Offset(1))).await.expect("in range");
    storage.sweeper.remove_garbage().await.expect("a sweep");
    // The plan of a reader that was slower than the sweeper.
    let current = std::mem::replace(&mut partition.lock().manifest, before);
    let request = ReadRequest {
        from: Offset(1),
        max_bytes: 10,
        at_least_one: true,
        isolation: Isolation::Uncommitted,
    };
    assert!(partition.read(&request).await.expect("its segment is there").bytes > 0);
    partition.lock().manifest = current;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_flushes_and_the_next_start_finds_an_empty_log() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let accepted = partition.append(&[batch(&[1])], &CLIENT).expect("accepted");
    storage.shutdown(Duration::from_secs(10)).await;
    assert_eq!(accepted.await.expect("committed before the end").base_offset, Offset(0));
    drop(partition);
    let storage = broker.open().await;
    assert_eq!(unflushed(&storage), 0);
    assert_eq!(
        broker.catalog().all_epochs().await.expect("epochs").len(),
        1,
        "the old epoch is retired"
    );
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_partitions_are_folded_together() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    for round in 0..3 {
        for partition in 0..120 {
            let partition = open_partition(&storage, partition, 1).await;
            append(&partition, batch(&[round])).await;
        }
        storage.flush().await.expect("a flush");
        assert_eq!(
            broker.catalog().flush_records().await.expect("records").len(),
            0,
            "all of it is folded"
        );
    }
    assert_eq!(check_references(&broker).await, 3);
    drop(storage);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 77, 2).await;
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 0), (1, 1), (2, 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_partitions_leader_folds_flush_records_into_its_manifest() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    storage.flush().await.expect("a flush");
    // A newer leader takes the manifest.
    let catalog = broker.catalog();
    let seen = catalog.manifest(id(0)).await.expect("readable").expect("folded before");
    let record =
        crate::catalog::records::ManifestRecord { leader_epoch: LeaderEpoch(5), ..seen.value };
    let swap = crate::catalog::manifest_swaps::ManifestSwap {
        partition: id(0),
        seen: Some(seen.revision),
        record: Some(record),
    };
    let swaps = crate::catalog::manifest_swaps::ManifestSwaps {
        manifests: vec![swap],
        ..Default::default()
    };
    catalog.swap_manifests(&swaps).await.expect("swapped");
    append(&partition, batch(&[2])).await;
    storage.flush().await.expect("what is committed is flushed");
    assert_eq!(
        catalog.flush_records().await.expect("records").len(),
        1,
        "and waits for its leader"
    );
    assert!(partition.is_closed(), "the stale leader has noticed");
    let stale = storage.open_partition(id(0), LeaderEpoch(4), PartitionOptions::default()).await;
    assert!(stale.is_err());
    drop((partition, storage));
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 6).await;
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1), (1, 2)]);
    append(&partition, batch(&[3])).await;
    storage.flush().await.expect("a flush");
    assert_eq!(catalog.flush_records().await.expect("records").len(), 0);
    check_references(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_record_can_be_read_at_rest() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let times: Vec<_> = (0..200).map(|_| 31_415_926_535).collect();
    append(&partition, batch(&times)).await;
    storage.flush().await.expect("a flush");
    let (mut dirs, mut files) = (vec![broker.dir.path().to_owned()], 0);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).expect("a file");
            let clear = bytes.windows(11).any(|window| window == b"31415926535");
            assert!(!clear, "{} holds a record in the clear", path.display());
        }
    }
    assert!(files >= 3, "the log's files and a segment");
}

/// Holds the transaction that folds a flush back, and lets it happen between two reads of the next
/// opening.
struct LateFold {
    inner: FaultyStore,
    state: std::sync::Mutex<LateFoldState>,
}

#[derive(Default)]
struct LateFoldState {
    late: Option<Txn>,
    release: bool,
}

impl LateFold {
    async fn happen(&self, key: &str) {
        let late = {
            let mut state = self.state.lock().expect("no panic");
            let of_partition = key.starts_with("manifests/") || key.starts_with("flushes/");
            if state.release && of_partition { state.late.take() } else { None }
        };
        if let Some(late) = late {
            let outcome = self.inner.txn(late).await.expect("available");
            assert!(outcome.committed().is_some(), "nobody was faster");
        }
    }
}

#[async_trait::async_trait]
impl MetadataStore for LateFold {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let found = self.inner.get(key).await;
        self.happen(key).await;
        found
    }

    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let found = self.inner.range(prefix, after, limit).await;
        self.happen(prefix).await;
        found
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        if txn.puts.iter().any(|put| put.key.starts_with("manifests/")) {
            let mut state = self.state.lock().expect("no panic");
            if !state.release {
                state.late = Some(txn);
                return Err(StoreError::OutcomeUnknown { reason: "on its way".to_owned() });
            }
        }
        self.inner.txn(txn).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch(prefix, after).await
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.inner.grant(ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.inner.keep_alive(lease).await
    }

    async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.inner.revoke(lease).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fold_of_an_earlier_life_that_comes_late_hides_nothing_from_the_next() {
    let mut broker = Broker::new();
    let store = std::sync::Arc::new(LateFold {
        inner: broker.metadata.clone(),
        state: std::sync::Mutex::default(),
    });
    let keyspace = || Keyspace::new(store.clone(), "");
    let (config, objects) = (broker.config(), broker.objects());
    let opened = Storage::open(config, broker.disk(), objects, keyspace(), &broker.runtime).await;
    let storage = opened.expect("storage opens");
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1, 2])).await;
    storage.flush().await.expect("flushed, though not folded");
    drop((partition, storage));

    let (config, objects) = (broker.config(), broker.objects());
    let opened = Storage::open(config, broker.disk(), objects, keyspace(), &broker.runtime).await;
    let storage = opened.expect("storage opens");
    store.state.lock().expect("no panic").release = true;
    let partition = open_partition(&storage, 0, 2).await;
    assert!(
        store.state.lock().expect("no panic").late.is_none(),
        "it came while the partition was opened"
    );
    assert_eq!(partition.bounds().high_watermark, Offset(2));
    assert_eq!(append(&partition, batch(&[3])).await.base_offset, Offset(2));
    storage.flush().await.expect("a flush");
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1), (1, 2), (2, 3)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_waits_for_room_is_let_go_when_the_epoch_ends() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.memory = MemoryBudget { unflushed_bytes: 500, ..MemoryBudget::default() };
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    broker.metadata.set_unavailable(true);
    append(&partition, batch(&vec![1; 100])).await;
    let waits = storage.admit(500);
    let seal = async { storage.core.log().expect("it runs").seal().await };
    let ended = async { tokio::join!(waits, seal) };
    let (admission, _) =
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("nobody waits");
    assert!(partition.append(&[batch(&[1])], &CLIENT).is_err());
    drop(admission);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_breaks_an_invariant_ends_the_epoch() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.flush.bytes = 1;
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    {
        let mut state = partition.lock();
        let mut manifest = (*state.manifest).clone();
        manifest.record.end = Offset(1);
        state.manifest = std::sync::Arc::new(manifest);
    }
    append(&partition, batch(&[1, 2, 3])).await;
    eventually("the epoch has ended", || storage.is_sealed()).await;
}
