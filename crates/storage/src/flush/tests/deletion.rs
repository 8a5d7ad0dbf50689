//! Deleted records, partitions and objects.

use std::sync::Arc;

use futures_util::future::join_all;
use milena_store::{EmbeddedOptions, EmbeddedStore, Keyspace, Limits, MetadataStore as _};
use milena_types::TopicPartition;

use super::*;

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
    storage.delete_partitions(&[id(1)]).await.expect("deleted");
    storage.flush().await.expect("a flush");
    assert!(storage.sweeper.remove_garbage().await.expect("a sweep") >= 4);
    assert_eq!(check_references(&broker).await, 2, "one segment and one snapshot are left");
    assert_eq!(read_all(&one, 4, 500).await.len(), 1);
    let again = storage.open_partition(id(1), LeaderEpoch(2), PartitionOptions::default()).await;
    assert_eq!(again.expect("nothing of it is left").bounds().high_watermark, Offset(0));
}

/// A broker that has just started learns of a deletion twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_are_named_twice_are_deleted_once() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    for partition in 0..2 {
        append(&open_partition(&storage, partition, 1).await, batch(&[1])).await;
    }
    // Their records are in the log alone.
    storage.delete_partitions(&[id(0), id(1), id(0)]).await.expect("deleted");
    assert_eq!(broker.catalog().deleted().await.expect("records").len(), 2);
    storage.delete_partitions(&[id(1), id(0), id(1)]).await.expect("as before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_partition_does_not_come_back_from_the_write_ahead_log() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    storage.delete_partitions(&[id(0)]).await.expect("deleted");
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

/// The files of a log become free in their order, so one that is kept would keep all later ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_gives_back_its_chunks_whatever_fails_after_its_commit() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    append(&open_partition(&storage, 0, 1).await, batch(&[1])).await;
    drop(storage);
    let mut config = broker.config();
    (config.log.file_bytes, config.log.first_file_bytes) = (64 << 10, 64 << 10);
    config.log.chunk_bytes_max = 32 << 10;
    let files = config.log.dir.clone();
    let storage = broker.open_with(config).await;
    broker.metadata.fail_after_putting("flushes/");
    storage.flush().await.expect_err("committed, and nobody knows");
    broker.metadata.set_unavailable(false);
    storage.delete_partitions(&[id(0)]).await.expect("deleted");
    broker.metadata.fail_after_transactions(0);
    storage.flush().await.expect_err("found out, and then the store is away");
    broker.metadata.set_unavailable(false);
    storage.flush().await.expect("the earlier epoch is retired");
    let partition = open_partition(&storage, 1, 1).await;
    for _ in 0..60 {
        append(&partition, batch(&vec![1; 1_000])).await;
        storage.flush().await.expect("a flush");
    }
    let is_file = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("an entry").path().extension().is_some_and(|kind| kind == "wal")
    };
    let left = std::fs::read_dir(files).expect("a directory").map(is_file).filter(|is| *is).count();
    assert!(left <= 8, "{left} files");
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
    storage.delete_partitions(&[id(0)]).await.expect("deleted");
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
async fn a_deletion_whose_outcome_is_unknown_is_repeated_or_read_back_by_a_restart() {
    for restarts in [false, true] {
        let mut broker = Broker::new();
        let mut config = broker.config();
        config.delete_grace = Duration::ZERO;
        let mut storage = broker.open_with(config).await;
        let gone = open_partition(&storage, 0, 1).await;
        let kept = open_partition(&storage, 1, 1).await;
        append(&gone, batch(&[1])).await;
        append(&kept, batch(&[2])).await;
        broker.metadata.fail_after_putting("deleted/");
        let (failed, _) = storage.delete_partitions(&[id(0)]).await.expect_err("nobody knows");
        assert_eq!(failed, [id(0)]);
        broker.metadata.set_unavailable(false);
        drop((gone, kept));
        if restarts {
            drop(storage);
            let mut config = broker.config();
            config.delete_grace = Duration::ZERO;
            storage = broker.open_with(config).await;
            let opened = storage.open_partition(id(0), LeaderEpoch(2), Default::default()).await;
            assert!(matches!(opened, Err(OpenPartitionError::Deleted { .. })));
        }
        // A flush between the two tries, and one that ends what the second left to do.
        storage.flush().await.expect("a flush");
        storage.delete_partitions(&[id(0)]).await.expect("deleted");
        let kept = open_partition(&storage, 1, if restarts { 2 } else { 1 }).await;
        append(&kept, batch(&[3])).await;
        storage.flush().await.expect("a flush");
        assert!(broker.catalog().deleted().await.expect("records").is_empty(), "{restarts}");
        storage.sweeper.remove_garbage().await.expect("a sweep");
        assert_eq!(check_references(&broker).await, 2, "{restarts}: the two segments of the other");
        assert_eq!(read_all(&kept, 0, 500).await, [(0, 2), (1, 3)]);
    }
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

/// A broker that does not come back had announced an upload, and had garbage to remove.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broker_left_behind_that_is_gone_is_swept_by_another() {
    let mut broker = Broker::new();
    let mut configs = [broker.config_of(1), broker.config_of(2)];
    configs.iter_mut().for_each(|config| config.delete_grace = Duration::ZERO);
    let [gone, stays] = configs;
    let (gone, stays) = (broker.open_with(gone).await, broker.open_with(stays).await);
    for storage in [&gone, &stays] {
        let orphan = storage.manifests.names.next(ObjectKind::Segment);
        let announced = storage.manifests.catalog.announce(&[orphan.to_string()]).await;
        announced.expect("announced");
        broker.objects().put(&orphan, bytes::Bytes::from_static(b"half")).await.expect("stored");
    }
    append(&open_partition(&gone, 0, 1).await, batch(&[1])).await;
    gone.flush().await.expect("a flush");
    gone.delete_partitions(&[id(0)]).await.expect("deleted");
    assert_eq!(check_references(&broker).await, 3);
    gone.crash().await;
    stays.sweeper.remove_garbage().await.expect("a sweep");
    assert_eq!(check_references(&broker).await, 3, "it is not its own");
    stays.sweep_absent(&[milena_types::BrokerId(1)].into()).await.expect("a sweep");
    assert_eq!(check_references(&broker).await, 3, "who is there does it itself");
    for _ in 0..2 {
        stays.sweep_absent(&[].into()).await.expect("a sweep");
        stays.sweeper.remove_garbage().await.expect("a sweep");
        assert_eq!(check_references(&broker).await, 1, "what it is uploading itself stays");
    }
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

async fn revision(broker: &Broker) -> u64 {
    broker.metadata.range("", None, 1).await.expect("the store is there").revision.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_partitions_are_deleted_in_few_transactions_and_once() {
    const PARTITIONS: i32 = 200;
    let mut broker = Broker::with_limits(Limits::MIN);
    let mut config = broker.config();
    config.delete_grace = Duration::ZERO;
    let storage = broker.open_with(config).await;
    let ids: Vec<_> = (0..PARTITIONS).map(id).collect();
    let kept = open_partition(&storage, PARTITIONS, 1).await;
    append(&kept, batch(&[1])).await;
    for index in 0..PARTITIONS {
        append(&open_partition(&storage, index, 1).await, sequenced(7, 0, &[1])).await;
        if index == PARTITIONS / 2 {
            storage.flush().await.expect("a flush");
        }
    }
    let before = revision(&broker).await;
    storage.delete_partitions(&ids).await.expect("deleted");
    let transactions = revision(&broker).await - before;
    assert!(transactions <= 12, "{transactions} transactions");
    let before = revision(&broker).await;
    storage.delete_partitions(&ids).await.expect("deleted already");
    assert_eq!(revision(&broker).await, before);
    drop((kept, storage));
    // At the next starts, too: the first finds unflushed chunks, and notes of what is deleted.
    for _ in 0..2 {
        let storage = broker.open().await;
        let before = revision(&broker).await;
        storage.delete_partitions(&ids).await.expect("deleted before");
        assert_eq!(revision(&broker).await, before);
        storage.flush().await.expect("a flush");
        let kept = open_partition(&storage, PARTITIONS, 9).await;
        assert_eq!(read_all(&kept, 0, 500).await, [(0, 1)]);
        assert_eq!(check_references(&broker).await, 1);
        assert!(broker.catalog().deleted().await.expect("records").is_empty(), "all forgotten");
        drop((kept, storage));
    }
}

/// Seconds, of which most go to making the topic; `-- --nocapture` shows them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_9_000_partitions_takes_few_transactions() {
    const PARTITIONS: i32 = 9_000;
    /// As many as a broker deletes at a time.
    const AT_ONCE: usize = 512;
    let mut broker = Broker::new();
    let options = EmbeddedOptions::new(broker.dir.path().join("metadata"));
    let metadata = Arc::new(EmbeddedStore::open(options, &broker.runtime).expect("a store"));
    let (first, second) = (broker.config(), broker.config());
    let runtime = broker.runtime.clone();
    let open = async |config| {
        let keyspace = Keyspace::new(metadata.clone(), "");
        let opened =
            Storage::open(config, broker.disk(), broker.objects(), keyspace, &runtime).await;
        opened.expect("storage opens")
    };
    let delete = async |storage: &Storage, ids: &[TopicPartition]| {
        let (begun, before) = (runtime.monotonic(), metadata.range("", None, 1).await);
        for some in ids.chunks(AT_ONCE) {
            storage.delete_partitions(some).await.expect("deleted");
        }
        let after = metadata.range("", None, 1).await.expect("readable").revision.0;
        let transactions = after - before.expect("readable").revision.0;
        (runtime.monotonic() - begun, transactions)
    };
    let ids: Vec<_> = (0..PARTITIONS).map(id).collect();
    let storage = open(first).await;
    for (round, some) in ids.chunks(AT_ONCE).enumerate() {
        let fill = async |id: &TopicPartition| {
            append(&open_partition(&storage, id.partition.0, 1).await, batch(&[1])).await;
        };
        join_all(some.iter().map(fill)).await;
        if round == 9 {
            storage.flush().await.expect("a flush");
        }
    }
    println!("filled");
    let (took, transactions) = delete(&storage, &ids).await;
    println!("deleted in {took:?}, {transactions} transactions");
    assert!(transactions <= 200, "{transactions} transactions");
    storage.crash().await;
    let begun = runtime.monotonic();
    let storage = open(second).await;
    println!("started in {:?}", runtime.monotonic() - begun);
    let (took, transactions) = delete(&storage, &ids).await;
    println!("deleted again in {took:?}, {transactions} transactions");
    assert_eq!(transactions, 0);
    let begun = runtime.monotonic();
    storage.flush().await.expect("a flush");
    println!("flushed, and all notes forgotten, in {:?}", runtime.monotonic() - begun);
    let left = metadata.range("deleted/", None, 1).await.expect("readable").entries;
    assert!(left.is_empty(), "{left:?}");
}
