//! Brokers of one cluster that die, come back and take over from each other, over real directories.

mod lost;
mod model;
mod refusals;
mod stuck;

use std::{sync::Arc, time::Duration};

use milena_store::MetadataStore;
use milena_types::{BrokerEpoch, BrokerId, LeaderEpoch, Offset};

use crate::{
    AppendError, Partition, PartitionOptions, SealBrokerError, SequenceError, Storage,
    log::local::directory::LogDirectory, recovery::errors::OpenPartitionError, testing::*,
};

/// So that a death leaves everything in the write-ahead log.
async fn crashed(storage: Storage) -> (BrokerId, BrokerEpoch) {
    let (broker, epoch) = (storage.core.id.broker, storage.core.id.epoch);
    storage.crash().await;
    (broker, epoch)
}

async fn seal(recoverer: &Storage, (broker, epoch): (BrokerId, BrokerEpoch)) {
    recoverer.seal_broker(broker, epoch).await.expect("nobody has it");
}

/// Makes every flush fail until it is dropped: a file is where a directory is needed.
struct NoObjects(std::path::PathBuf);

impl NoObjects {
    fn new(broker: &Broker) -> Self {
        let objects = broker.dir.path().join("objects");
        std::fs::create_dir_all(&objects).expect("a directory");
        let (path, aside) = (objects.join("inc"), objects.join("aside"));
        if path.is_dir() {
            std::fs::rename(&path, aside).expect("moved aside");
        }
        std::fs::write(&path, b"").expect("a file");
        Self(path)
    }
}

impl Drop for NoObjects {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("it was made");
        let aside = self.0.with_file_name("aside");
        if aside.is_dir() {
            std::fs::rename(aside, &self.0).expect("moved back");
        }
    }
}

/// Waits until no epoch has chunks that are in no segment but those of running brokers.
async fn all_retired(broker: &Broker, running: usize) {
    let catalog = broker.catalog();
    let retired = async {
        while catalog.all_epochs().await.expect("epochs").len() > running {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(20), retired).await.is_err() {
        panic!("sealed epochs are flushed and retired, not {:?}", catalog.all_epochs().await);
    }
}

fn pins(storage: &Storage) -> bool {
    !storage.sealed.lock().pinned.is_empty()
}

fn times(records: &[(i64, i64)]) -> Vec<i64> {
    assert!(
        records.iter().enumerate().all(|(offset, (found, _))| offset as i64 == *found),
        "offsets are continuous"
    );
    records.iter().map(|(_, time)| *time).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survivors_lead_at_once_what_a_dead_broker_had_only_in_its_log() {
    let mut cluster = Broker::new();
    let (first, second, third) =
        (cluster.open_broker(1).await, cluster.open_broker(2).await, cluster.open_broker(3).await);
    for partition in 0..4 {
        let partition = open_partition(&first, partition, 1).await;
        append(&partition, sequenced(7, 0, &[1, 2])).await;
        append(&partition, batch(&[3])).await;
    }
    let dead = crashed(first).await;
    let no_objects = NoObjects::new(&cluster);
    seal(&second, dead).await;
    for index in 0..4 {
        let survivor = if index % 2 == 0 { &second } else { &third };
        let partition = open_partition(survivor, index, 2).await;
        assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2, 3]);
        // The dead broker's state of its producers was recovered.
        let again = append(&partition, sequenced(7, 0, &[1, 2])).await;
        assert_eq!((again.base_offset, again.duplicate), (Offset(0), true));
        let ahead = partition.append(&[sequenced(7, 9, &[5])], &CLIENT);
        assert!(matches!(ahead, Err(AppendError::Sequence(SequenceError::OutOfOrder { .. }))));
        assert_eq!(append(&partition, sequenced(7, 2, &[4])).await.base_offset, Offset(3));
        assert_eq!(
            partition.end_offset_for_epoch(LeaderEpoch(1)),
            Some((LeaderEpoch(1), Offset(3)))
        );
    }
    assert!(pins(&third) && !pins(&second));
    {
        let (flushes, reads) = (second.sealed.lock(), third.sealed.lock());
        let pinned = &reads.pinned.values().next().expect("it pins").chunks;
        let queued = flushes.queue[0].chunks.as_ref().expect("not flushed");
        assert!(Arc::ptr_eq(queued, pinned), "there is one copy of the chunks");
    }
    drop(no_objects);
    all_retired(&cluster, 2).await;
    eventually("nothing is pinned any more", || !pins(&third)).await;
    second.flush().await.expect("a flush");
    third.flush().await.expect("a flush");
    for (storage, index) in [(&second, 0), (&third, 1), (&second, 2), (&third, 3)] {
        let partition = storage.partition(id(index)).expect("open");
        partition.lock().tail.clear();
        assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2, 3, 4]);
    }
    check_references(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_broker_that_is_gone_is_sealed_and_sealing_twice_is_sealing_once() {
    let mut cluster = Broker::new();
    let (first, second, third) =
        (cluster.open_broker(1).await, cluster.open_broker(2).await, cluster.open_broker(3).await);
    let partition = open_partition(&first, 0, 1).await;
    append(&partition, batch(&[1])).await;
    let alive = second.seal_broker(BrokerId(1), BrokerEpoch(1)).await;
    assert!(matches!(alive, Err(SealBrokerError::Alive { .. })), "{alive:?}");
    append(&partition, batch(&[2])).await;
    let dead = crashed(first).await;
    partition.append(&[batch(&[3])], &CLIENT).expect_err("its epoch has ended");
    let (one, two) =
        tokio::join!(second.seal_broker(dead.0, dead.1), third.seal_broker(dead.0, dead.1));
    let sealed = [one, two].into_iter().flatten().next().expect("one of them has the directory");
    for recoverer in [&second, &third] {
        let again = recoverer.seal_broker(dead.0, dead.1).await.expect("it is sealed");
        assert_eq!(
            again, sealed,
            "the same record at the same revision, also when it is flushed meanwhile"
        );
    }
    all_retired(&cluster, 2).await;
    assert_eq!(second.seal_broker(dead.0, dead.1).await.expect("it is sealed"), sealed);
    let back = cluster.open_broker(1).await;
    back.crash().await;
    let old = second.seal_broker(dead.0, dead.1).await;
    assert!(matches!(old, Err(SealBrokerError::Superseded { .. })), "{old:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_starts_while_it_is_recovered_waits_for_its_directory() {
    let mut cluster = Broker::new();
    let config = cluster.config_of(1);
    let recovering = LogDirectory::open(config.log.clone(), cluster.disk()).expect("nobody has it");
    let mut opening = std::pin::pin!(cluster.open_with(config));
    let early = tokio::time::timeout(Duration::from_millis(50), opening.as_mut()).await;
    assert!(early.is_err(), "the directory has two owners");
    drop(recovering);
    append(&open_partition(&opening.await, 0, 1).await, batch(&[1])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_that_was_sealed_before_it_began_does_not_begin() {
    let mut cluster = Broker::new();
    let second = cluster.open_broker(2).await;
    let config = cluster.config_of(1);
    // It registered and died before it opened its log.
    seal(&second, (BrokerId(1), config.broker_epoch)).await;
    let (objects, keyspace) = (cluster.objects(), cluster.keyspace());
    let opened = Storage::open(config, cluster.disk(), objects, keyspace, &cluster.runtime).await;
    assert!(opened.is_err());
    let next = cluster.open_broker(1).await;
    append(&open_partition(&next, 0, 1).await, batch(&[1])).await;
}

/// A recoverer dies with everything still to flush; another takes over from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_takeover_of_a_takeover_keeps_the_order_of_records() {
    let mut cluster = Broker::new();
    let second = cluster.open_broker(2).await;
    let (first, third) = (cluster.open_broker(1).await, cluster.open_broker(3).await);
    append(&open_partition(&first, 0, 1).await, sequenced(7, 0, &[1])).await;
    append(&open_partition(&first, 1, 1).await, batch(&[1])).await;
    let no_objects = NoObjects::new(&cluster);
    seal(&second, crashed(first).await).await;
    let partition = open_partition(&second, 0, 2).await;
    append(&partition, sequenced(7, 1, &[2])).await;
    let pinned = open_partition(&third, 1, 2).await;
    append(&pinned, batch(&[2])).await;
    seal(&third, crashed(second).await).await;
    assert!(!pins(&third), "what it pinned it flushes itself now");
    let partition = open_partition(&third, 0, 3).await;
    assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2]);
    let again = append(&partition, sequenced(7, 0, &[1])).await;
    assert_eq!((again.base_offset, again.duplicate), (Offset(0), true));
    append(&partition, sequenced(7, 2, &[3])).await;
    drop(no_objects);
    third.flush().await.expect("a flush");
    all_retired(&cluster, 1).await;
    drop((partition, pinned));
    third.crash().await;
    let third = cluster.open_broker(3).await;
    assert_eq!(times(&read_all(&*open_partition(&third, 0, 4).await, 0, 500).await), [1, 2, 3]);
    assert_eq!(times(&read_all(&*open_partition(&third, 1, 4).await, 0, 500).await), [1, 2]);
    check_references(&cluster).await;
}

/// The recoverer stops at each of its decisions, and another recovers both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recoverer_may_die_after_any_of_its_decisions() {
    for decision in ["wal/1/", "sealed/1", "uploads/", "flushes/", "retired/1"] {
        let mut cluster = Broker::new();
        let (first, second, third) = (
            cluster.open_broker(1).await,
            cluster.open_broker(2).await,
            cluster.open_broker(3).await,
        );
        let partition = open_partition(&first, 0, 1).await;
        append(&partition, sequenced(7, 0, &[1])).await;
        append(&partition, sequenced(7, 1, &[2])).await;
        let dead = crashed(first).await;
        cluster.metadata.fail_after_putting(decision);
        let sealed = second.seal_broker(dead.0, dead.1).await;
        if sealed.is_ok() {
            let reached = async {
                // It is made in the background.
                while cluster.metadata.get("").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), reached).await.expect(decision);
        }
        let stopped = crashed(second).await;
        cluster.metadata.set_unavailable(false);
        seal(&third, dead).await;
        seal(&third, stopped).await;
        let partition = open_partition(&third, 0, 2).await;
        assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2], "{decision}");
        let again = append(&partition, sequenced(7, 0, &[1])).await;
        assert_eq!((again.base_offset, again.duplicate), (Offset(0), true), "{decision}");
        append(&partition, sequenced(7, 2, &[3])).await;
        third.flush().await.expect(decision);
        all_retired(&cluster, 1).await;
        partition.lock().tail.clear();
        assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2, 3], "{decision}");
        drop(partition);
        third.crash().await;
        for broker in [2, 3] {
            let mut config = cluster.config_of(broker);
            config.delete_grace = Duration::ZERO;
            let storage = cluster.open_with(config).await;
            storage.sweeper.remove_garbage().await.expect("a sweep");
            storage.crash().await;
        }
        check_references(&cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_broker_that_comes_back_flushes_by_itself_and_the_recoverer_pins() {
    let mut cluster = Broker::new();
    let (first, second, third) =
        (cluster.open_broker(1).await, cluster.open_broker(2).await, cluster.open_broker(3).await);
    for partition in 0..2 {
        append(&open_partition(&first, partition, 1).await, batch(&[1])).await;
    }
    let no_objects = NoObjects::new(&cluster);
    seal(&second, crashed(first).await).await;
    let (at_second, at_third) =
        (open_partition(&second, 0, 2).await, open_partition(&third, 1, 2).await);
    append(&at_second, batch(&[2])).await;
    append(&at_third, batch(&[2])).await;
    let back = cluster.open_broker(1).await;
    append(&open_partition(&back, 2, 1).await, batch(&[9])).await;
    drop(no_objects);
    all_retired(&cluster, 3).await;
    for (storage, partition) in [(&second, &at_second), (&third, &at_third)] {
        storage.flush().await.expect("nothing is in the way");
        eventually("nothing is pinned", || !pins(storage)).await;
        assert!(storage.sealed.lock().queue.is_empty());
        let own = storage.core.id;
        let only_own = || storage.flusher.slots().keys().all(|log| *log == own);
        eventually("nothing is left of other logs", only_own).await;
        partition.lock().tail.clear();
        assert_eq!(times(&read_all(partition, 0, 500).await), [1, 2]);
    }
    back.flush().await.expect("a flush");
    assert!(!second.is_sealed() && !third.is_sealed() && !back.is_sealed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_goes_from_a_dead_broker_to_a_survivor_and_back() {
    let mut cluster = Broker::new();
    let (first, second) = (cluster.open_broker(1).await, cluster.open_broker(2).await);
    append(&open_partition(&first, 0, 1).await, sequenced(7, 0, &[1])).await;
    seal(&second, crashed(first).await).await;
    append(&open_partition(&second, 0, 2).await, sequenced(7, 1, &[2])).await;
    let back = cluster.open_broker(1).await;
    second.prepare_close(&[id(0)]).await.expect("a flush");
    for (closed, outcome) in second.close_partitions(&[id(0), id(5)]).await {
        outcome.unwrap_or_else(|error| panic!("{closed}: {error}"));
    }
    assert!(second.partition(id(0)).is_none());
    let partition = open_partition(&back, 0, 3).await;
    assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2]);
    let again = append(&partition, sequenced(7, 1, &[2])).await;
    assert_eq!((again.base_offset, again.duplicate), (Offset(1), true));
    append(&partition, sequenced(7, 2, &[3])).await;
    back.flush().await.expect("a flush");
    check_references(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_partitions_do_not_come_back_out_of_a_dead_brokers_log() {
    let mut cluster = Broker::new();
    let (first, second, third) =
        (cluster.open_broker(1).await, cluster.open_broker(2).await, cluster.open_broker(3).await);
    for partition in 0..3 {
        append(&open_partition(&first, partition, 1).await, batch(&[1])).await;
    }
    first.delete_partitions(&[id(0)]).await.expect("deleted");
    let no_objects = NoObjects::new(&cluster);
    seal(&second, crashed(first).await).await;
    append(&open_partition(&third, 1, 2).await, batch(&[2])).await;
    third.delete_partitions(&[id(1)]).await.expect("deleted by who leads it now");
    drop(no_objects);
    all_retired(&cluster, 2).await;
    third.flush().await.expect("a flush");
    let parts: Vec<_> = cluster.catalog().flush_records().await.expect("records");
    let parts: Vec<_> =
        parts.iter().flat_map(|(_, seen)| &seen.value.parts).map(|part| part.partition).collect();
    assert_eq!(parts, [id(2)], "only what is left is in segments");
    let back = cluster.open_broker(1).await;
    let reopened = back.open_partition(id(0), LeaderEpoch(5), PartitionOptions::default()).await;
    assert!(
        matches!(reopened, Err(OpenPartitionError::Deleted { .. }))
            || reopened.is_ok_and(|it| it.size_bytes() == 0)
    );
    check_references(&cluster).await;
}

/// The whole process dies while partitions read what others are to flush; everybody comes back, or
/// only some.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_in_a_takeover_comes_back_with_any_of_its_brokers() {
    for back in [&[1, 2, 3][..], &[3, 2, 1], &[2, 3], &[3, 2]] {
        let mut cluster = Broker::new();
        let (first, second, third) = (
            cluster.open_broker(1).await,
            cluster.open_broker(2).await,
            cluster.open_broker(3).await,
        );
        append(&open_partition(&first, 0, 1).await, sequenced(7, 0, &[1])).await;
        let no_objects = NoObjects::new(&cluster);
        seal(&second, crashed(first).await).await;
        append(&open_partition(&third, 0, 2).await, sequenced(7, 1, &[2])).await;
        drop((second, third));
        cluster.next_process();
        let mut brokers = Vec::new();
        for broker in back {
            brokers.push(cluster.open_broker(*broker).await);
        }
        let third = brokers
            .iter()
            .find(|storage| storage.core.id.broker == BrokerId(3))
            .expect("it is back");
        let partition = open_partition(third, 0, 3).await;
        assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2], "{back:?}");
        let again = append(&partition, sequenced(7, 0, &[1])).await;
        assert_eq!((again.base_offset, again.duplicate), (Offset(0), true));
        append(&partition, sequenced(7, 2, &[3])).await;
        drop(no_objects);
        third.flush().await.expect("the others flush what it needs");
        assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2, 3], "{back:?}");
        for storage in &brokers {
            storage.flush().await.expect("a flush");
        }
        all_retired(&cluster, brokers.len()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_lets_nothing_more_be_acknowledged() {
    let disk = crate::disk::MemoryDisk::default();
    let mut cluster = Broker::on(&disk);
    let (first, second) = (cluster.open_broker(1).await, cluster.open_broker(2).await);
    let partition = open_partition(&first, 0, 1).await;
    append(&partition, batch(&[1])).await;
    disk.hold_syncs(true);
    let joined = partition.append(&[batch(&[2])], &CLIENT).expect("accepted");
    disk.wait_for_held_sync();
    let late = partition.append(&[batch(&[3])], &CLIENT).expect("accepted");
    let ((), ()) = tokio::join!(first.crash(), async {
        tokio::task::yield_now().await;
        disk.hold_syncs(false);
    });
    joined.await.expect("its sync was running");
    late.await.expect_err("it was not written");
    // Garbage behind the last whole frame, as a torn write leaves it.
    let dir = cluster.dir.path().join("wal/1");
    let newest =
        disk.paths(&dir).into_iter().rfind(|path| path.extension().is_some_and(|it| it == "wal"));
    let newest = newest.expect("a file");
    disk.edit(&newest, |bytes| {
        let end = bytes.len();
        bytes[end - 8192..end - 4096].fill(0xa5);
    });
    seal(&second, (BrokerId(1), first.core.id.epoch)).await;
    let partition = open_partition(&second, 0, 2).await;
    assert_eq!(times(&read_all(&partition, 0, 500).await), [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_partitions_are_handed_over_and_taken_over_in_less_than_seconds() {
    const PARTITIONS: i32 = 1000;
    let mut cluster = Broker::new();
    let mut configs = [cluster.config_of(1), cluster.config_of(2)];
    // The footers of segments that a thousand partitions share are large.
    configs.iter_mut().for_each(|config| config.blocks = crate::BlockCache::new(64 << 20));
    let [first, second] = configs;
    let (first, second) = (cluster.open_with(first).await, cluster.open_with(second).await);
    let ids: Vec<_> = (0..PARTITIONS).map(id).collect();
    let fill = async |storage: &Storage, epoch, sequence| {
        let mut accepted = Vec::new();
        for index in 0..PARTITIONS {
            let partition = open_partition(storage, index, epoch).await;
            accepted.push(
                partition.append(&[sequenced(7, sequence, &[1])], &CLIENT).expect("accepted"),
            );
        }
        for accepted in accepted {
            accepted.await.expect("committed");
        }
    };
    fill(&first, 1, 0).await;
    let begun = cluster.runtime.monotonic();
    first.prepare_close(&ids).await.expect("a flush");
    let prepared = cluster.runtime.monotonic();
    assert!(first.close_partitions(&ids).await.iter().all(|(_, outcome)| outcome.is_ok()));
    let closed = cluster.runtime.monotonic();
    fill(&second, 2, 1).await;
    let opened = cluster.runtime.monotonic();
    second.crash().await;
    let killed = cluster.runtime.monotonic();
    seal(&first, (BrokerId(2), second.core.id.epoch)).await;
    let sealed = cluster.runtime.monotonic();
    let open: Vec<Arc<Partition>> = {
        let opening = ids
            .iter()
            .map(|id| first.open_partition(*id, LeaderEpoch(3), PartitionOptions::default()));
        let opened = futures_util::future::join_all(opening).await;
        opened.into_iter().map(|opened| opened.expect("it opens")).collect()
    };
    let taken = cluster.runtime.monotonic();
    assert!(open.iter().all(|partition| partition.bounds().high_watermark == Offset(2)));
    println!(
        "prepare {:?}, close {:?}, open and append {:?}, crash {:?}, seal {:?}, open {:?}",
        prepared - begun,
        closed - prepared,
        opened - closed,
        killed - opened,
        sealed - killed,
        taken - sealed
    );
    // Unoptimised, on a busy machine: far below what it takes if each is flushed alone.
    assert!(closed - prepared < Duration::from_secs(5) && taken - killed < Duration::from_secs(10));
}
