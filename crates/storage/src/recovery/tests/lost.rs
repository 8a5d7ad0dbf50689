//! A broker that starts while its write-ahead directory is not there.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use milena_store::{MetadataStore, Txn};
use milena_types::{BrokerEpoch, Offset};

use super::{NoObjects, all_retired, crashed, seal, times};
use crate::{
    SealBrokerError, Storage, StorageError,
    disk::{Disk, LocalDisk},
    log::local::epoch_markers::EpochMarkers,
    recovery::errors::OpenPartitionError,
    testing::*,
};

/// A broker that has acknowledged a record and died, and its directory.
async fn with_records(cluster: &mut Broker) -> (BrokerEpoch, PathBuf) {
    let storage = cluster.open().await;
    append(&open_partition(&storage, 0, 1).await, batch(&[1])).await;
    let (_, epoch) = crashed(storage).await;
    (epoch, cluster.dir.path().join("wal/1"))
}

/// Its next start, with an operator's word that epochs up to `accepted` are lost.
async fn start(
    cluster: &mut Broker,
    accepted: Option<BrokerEpoch>,
) -> Result<Storage, StorageError> {
    cluster.next_process();
    let mut config = cluster.config();
    config.lost_log_accepted = accepted;
    let (disk, objects) = (cluster.disk(), cluster.objects());
    Storage::open(config, disk, objects, cluster.keyspace(), &cluster.runtime).await
}

/// The message of a start that is refused because the log is lost.
async fn refused(cluster: &mut Broker, accepted: Option<BrokerEpoch>, lost: BrokerEpoch) -> String {
    match start(cluster, accepted).await {
        Err(error @ StorageError::LogLost { epoch, .. }) if epoch == lost => error.to_string(),
        Err(error) => panic!("refused for another reason: {error}"),
        Ok(_) => panic!("it took the directory for an empty one"),
    }
}

async fn times_of_the_partition(storage: &Storage) -> Vec<i64> {
    times(&read_all(&*open_partition(storage, 0, 9).await, 0, 500).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_its_directory_is_refused_until_it_is_back() {
    let mut cluster = Broker::new();
    let (epoch, dir) = with_records(&mut cluster).await;
    let aside = cluster.dir.path().join("aside");
    std::fs::rename(&dir, &aside).expect("not mounted");
    let said = refused(&mut cluster, None, epoch).await;
    assert!(
        said.contains(dir.to_str().expect("text")) && said.contains(&format!("epoch {epoch}")),
        "{said}"
    );
    assert!(!dir.exists(), "nothing is made where the directory was");
    std::fs::create_dir(&dir).expect("the place where it is mounted");
    refused(&mut cluster, None, epoch).await;
    assert_eq!(std::fs::read_dir(&dir).expect("a directory").count(), 0, "nothing is put there");
    std::fs::rename(&aside, &dir).expect("mounted again");
    let storage = start(&mut cluster, None).await.expect("it is there");
    assert_eq!(times_of_the_partition(&storage).await, [1]);
}

/// All of a directory's files, by name.
fn names(dir: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}

/// However often it is repeated before somebody mends its cause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_leaves_no_epoch_behind() {
    let mut cluster = Broker::new();
    let (_, dir) = with_records(&mut cluster).await;
    let no_objects = NoObjects::new(&cluster);
    // The epoch is sealed and cannot be flushed.
    crashed(start(&mut cluster, None).await.expect("its directory is there")).await;
    let aside = cluster.dir.path().join("aside");
    std::fs::rename(&dir, &aside).expect("moved aside");
    std::fs::create_dir(&dir).expect("a directory");
    let kept: BTreeSet<String> =
        names(&aside).into_iter().filter(|name| !name.ends_with(".wal")).collect();
    for name in &kept {
        std::fs::copy(aside.join(name), dir.join(name)).expect("copied");
    }
    let keys = async |cluster: &Broker| -> Vec<String> {
        let entries = [cluster.entries("wal/").await, cluster.entries("live/").await].concat();
        entries.into_iter().map(|entry| entry.key).collect()
    };
    let before = keys(&cluster).await;
    for _ in 0..3 {
        let started = start(&mut cluster, None).await.map(|_| ());
        assert!(matches!(started, Err(StorageError::ChunksLost { .. })), "{started:?}");
    }
    assert_eq!(keys(&cluster).await, before);
    let without_logs = names(&dir).into_iter().filter(|name| !name.ends_with(".wal"));
    assert_eq!(without_logs.collect::<BTreeSet<_>>(), kept);
    std::fs::remove_dir_all(&dir).expect("removed");
    std::fs::rename(&aside, &dir).expect("the right one is back");
    drop(no_objects);
    let storage = start(&mut cluster, None).await.expect("all is there");
    assert_eq!(times_of_the_partition(&storage).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_of_the_directory_and_another_brokers_are_refused() {
    let mut cluster = Broker::new();
    cluster.open().await.shutdown(std::time::Duration::from_secs(5)).await;
    let (dir, copy) = (cluster.dir.path().join("wal/1"), cluster.dir.path().join("copy"));
    std::fs::create_dir(&copy).expect("a directory");
    for entry in std::fs::read_dir(&dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("copied");
    }
    let (epoch, _) = with_records(&mut cluster).await;
    crashed(cluster.open_broker(2).await).await;
    let aside = cluster.dir.path().join("aside");
    std::fs::rename(&dir, &aside).expect("set aside");
    for other in [copy, cluster.dir.path().join("wal/2")] {
        std::fs::rename(&other, &dir).expect("put in its place");
        refused(&mut cluster, None, epoch).await;
        std::fs::rename(&dir, &other).expect("put back");
    }
    std::fs::rename(&aside, &dir).expect("put back");
    assert_eq!(
        times_of_the_partition(&start(&mut cluster, None).await.expect("its own")).await,
        [1]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_loss_takes_what_was_only_in_the_directory_and_counts_once() {
    let mut cluster = Broker::new();
    let storage = cluster.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    storage.flush().await.expect("flushed");
    append(&partition, batch(&[2])).await;
    let (_, epoch) = crashed(storage).await;
    let dir = cluster.dir.path().join("wal/1");
    std::fs::remove_dir_all(&dir).expect("removed");
    refused(&mut cluster, Some(BrokerEpoch(epoch.0 - 1)), epoch).await;
    let storage = start(&mut cluster, Some(epoch)).await.expect("accepted");
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(times(&read_all(&partition, 0, 500).await), [1], "what was flushed is there");
    assert_eq!(append(&partition, batch(&[3])).await.base_offset, Offset(1));
    let (_, later) = crashed(storage).await;
    // The directory is sound now, and the word says nothing of what is lost from now on.
    let aside = cluster.dir.path().join("aside");
    std::fs::rename(&dir, &aside).expect("moved away");
    refused(&mut cluster, Some(epoch), later).await;
    std::fs::rename(&aside, &dir).expect("moved back");
    assert_eq!(
        times_of_the_partition(&start(&mut cluster, None).await.expect("there")).await,
        [1, 3]
    );
}

/// Deleted records keep their offsets, also where the log that had them is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_accepted_loss_offsets_go_on_behind_the_log_start() {
    let mut cluster = Broker::new();
    let storage = cluster.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    storage.flush().await.expect("flushed");
    for time in 2..=10 {
        append(&partition, batch(&[time])).await;
    }
    assert_eq!(partition.delete_records(None).await.expect("deleted"), Offset(10));
    let (_, epoch) = crashed(storage).await;
    std::fs::remove_dir_all(cluster.dir.path().join("wal/1")).expect("removed");
    let storage = start(&mut cluster, Some(epoch)).await.expect("accepted");
    let partition = open_partition(&storage, 0, 2).await;
    let bounds = partition.bounds();
    assert_eq!((bounds.log_start, bounds.high_watermark), (Offset(10), Offset(10)));
    assert_eq!(append(&partition, batch(&[11])).await.base_offset, Offset(10));
    assert_eq!(read_all(&partition, 10, 500).await, [(10, 11)]);
    // Through a crash, a flush, and a start from segments alone.
    crashed(storage).await;
    let storage = start(&mut cluster, None).await.expect("it is there");
    let partition = open_partition(&storage, 0, 3).await;
    assert_eq!(append(&partition, batch(&[12])).await.base_offset, Offset(11));
    storage.flush().await.expect("flushed");
    assert_eq!(append(&partition, batch(&[13])).await.base_offset, Offset(12));
    storage.flush().await.expect("flushed");
    crashed(storage).await;
    let storage = start(&mut cluster, None).await.expect("it is there");
    let partition = open_partition(&storage, 0, 4).await;
    assert_eq!(read_all(&partition, 10, 500).await, [(10, 11), (11, 12), (12, 13)]);
}

/// A producer snapshot knows of everything committed, which may be more than segments have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_accepted_loss_producers_are_known_by_what_is_left_and_by_what_follows() {
    let mut cluster = Broker::new();
    let storage = cluster.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, sequenced(7, 0, &[1])).await;
    storage.flush().await.expect("flushed");
    for sequence in 1..=5 {
        append(&partition, sequenced(7, sequence, &[1])).await;
    }
    // Writes a snapshot, of six records.
    partition.delete_records(Some(Offset(1))).await.expect("deleted");
    let (_, epoch) = crashed(storage).await;
    std::fs::remove_dir_all(cluster.dir.path().join("wal/1")).expect("removed");
    let storage = start(&mut cluster, Some(epoch)).await.expect("accepted");
    let partition = open_partition(&storage, 0, 2).await;
    let again = append(&partition, sequenced(7, 1, &[2])).await;
    assert_eq!((again.base_offset, again.duplicate), (Offset(1), false), "the first was lost");
    crashed(storage).await;
    let storage = start(&mut cluster, None).await.expect("it is there");
    let partition = open_partition(&storage, 0, 3).await;
    let again = append(&partition, sequenced(7, 1, &[2])).await;
    assert_eq!((again.base_offset, again.duplicate), (Offset(1), true), "this one was not");
    assert_eq!(append(&partition, sequenced(7, 2, &[3])).await.base_offset, Offset(2));
}

/// Two brokers lead a partition in turn, each once before and once after the other, and the directory of
/// one is lost with all that it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn epochs_that_were_sealed_behind_lost_ones_open_and_go_on() {
    let mut cluster = Broker::new();
    let no_objects = NoObjects::new(&cluster);
    let mut dead = None;
    for (time, broker) in [(1, 1), (2, 2), (3, 1), (4, 2)] {
        let storage = cluster.open_broker(broker).await;
        if let Some(dead) = dead {
            seal(&storage, dead).await;
        }
        let partition = open_partition(&storage, 0, time as i32).await;
        append(&partition, sequenced(7, time as i32 - 1, &[time])).await;
        dead = Some(crashed(storage).await);
    }
    std::fs::remove_dir_all(cluster.dir.path().join("wal/1")).expect("removed");
    let lost = BrokerEpoch(3);
    refused(&mut cluster, None, lost).await;
    let storage = start(&mut cluster, Some(lost)).await.expect("accepted");
    seal(&storage, dead.expect("broker 2")).await;
    let partition = open_partition(&storage, 0, 5).await;
    assert_eq!(partition.bounds().high_watermark, Offset(4));
    for from in 0..4 {
        let left: Vec<_> = [(1, 2), (3, 4)].into_iter().filter(|(at, _)| *at >= from).collect();
        assert_eq!(read_all(&partition, from, 500).await, left, "from {from}");
    }
    let again = append(&partition, sequenced(7, 3, &[4])).await;
    assert_eq!((again.base_offset, again.duplicate), (Offset(3), true), "it is not lost");
    assert_eq!(append(&partition, sequenced(7, 4, &[5])).await.base_offset, Offset(4));
    drop(no_objects);
    all_retired(&cluster, 1).await;
    storage.flush().await.expect("flushed");
    let all = [(1, 2), (3, 4), (4, 5)];
    assert_eq!(read_all(&partition, 0, 500).await, all, "the flushes fit");
    crashed(storage).await;
    let storage = start(&mut cluster, None).await.expect("it is there");
    let partition = open_partition(&storage, 0, 6).await;
    for (max_bytes, from) in [(500, 0), (1, 0), (500, 2)] {
        let left: Vec<_> = all.into_iter().filter(|(at, _)| *at >= from).collect();
        assert_eq!(read_all(&partition, from, max_bytes).await, left, "from segments");
    }
    assert_eq!(partition.delete_records(Some(Offset(3))).await.expect("deleted"), Offset(3));
    check_references(&cluster).await;
}

/// The same where the later epoch is in segments before anybody opens the partition; and without a word
/// that the loss is accepted a gap stays one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_behind_lost_records_open_if_the_loss_was_accepted() {
    let mut cluster = Broker::new();
    let no_objects = NoObjects::new(&cluster);
    let first = cluster.open_broker(1).await;
    append(&open_partition(&first, 0, 1).await, batch(&[1, 2])).await;
    let dead = crashed(first).await;
    let second = cluster.open_broker(2).await;
    seal(&second, dead).await;
    append(&open_partition(&second, 0, 2).await, batch(&[3])).await;
    let dead_second = crashed(second).await;
    std::fs::remove_dir_all(cluster.dir.path().join("wal/1")).expect("removed");
    let storage = start(&mut cluster, Some(dead.1)).await.expect("accepted");
    seal(&storage, dead_second).await;
    drop(no_objects);
    storage.flush().await.expect("flushed");
    all_retired(&cluster, 1).await;
    let note = cluster.entries("lost/").await.remove(0);
    let delete = Txn::new().delete(note.key.clone());
    assert!(cluster.metadata.txn(delete).await.expect("deleted").committed().is_some());
    let options = crate::PartitionOptions::default();
    let gap = storage.open_partition(id(0), milena_types::LeaderEpoch(3), options).await;
    assert!(matches!(gap, Err(OpenPartitionError::Gap { .. })), "{gap:?}");
    let put = Txn::new().put(note.key, note.versioned.value);
    assert!(cluster.metadata.txn(put).await.expect("put").committed().is_some());
    let partition = open_partition(&storage, 0, 3).await;
    assert_eq!(read_all(&partition, 0, 500).await, [(2, 3)]);
    assert_eq!(append(&partition, batch(&[4])).await.base_offset, Offset(3));
    storage.flush().await.expect("flushed");
    crashed(storage).await;
    let storage = start(&mut cluster, None).await.expect("it is there");
    assert_eq!(read_all(&*open_partition(&storage, 0, 4).await, 0, 500).await, [(2, 3), (3, 4)]);
    check_references(&cluster).await;
}

/// Sealed epochs have a tail that is known; where the directory is gone it can be given up all the
/// same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_loss_includes_epochs_that_are_sealed_and_not_flushed() {
    let mut cluster = Broker::new();
    let no_objects = NoObjects::new(&cluster);
    let (_, dir) = with_records(&mut cluster).await;
    let second = start(&mut cluster, None).await.expect("there");
    append(&open_partition(&second, 0, 2).await, batch(&[2])).await;
    let (_, epoch) = crashed(second).await;
    std::fs::remove_dir_all(&dir).expect("removed");
    drop(no_objects);
    refused(&mut cluster, None, epoch).await;
    let storage = start(&mut cluster, Some(epoch)).await.expect("accepted");
    assert!(times_of_the_partition(&storage).await.is_empty());
    all_retired(&cluster, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_left_nothing_behind_starts_in_an_empty_directory() {
    let mut cluster = Broker::new();
    let other = cluster.open_broker(2).await;
    let storage = cluster.open().await;
    append(&open_partition(&storage, 0, 1).await, batch(&[1])).await;
    seal(&other, crashed(storage).await).await;
    other.flush().await.expect("flushed");
    all_retired(&cluster, 1).await;
    std::fs::remove_dir_all(cluster.dir.path().join("wal/1")).expect("removed");
    let storage = start(&mut cluster, None).await.expect("nothing is missing");
    assert_eq!(times_of_the_partition(&storage).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stopped_with_everything_flushed_does_not_need_its_directory() {
    let mut cluster = Broker::new();
    let patience = std::time::Duration::from_secs(10);
    cluster.open().await.shutdown(patience).await;
    let storage = cluster.open().await;
    append(&open_partition(&storage, 0, 1).await, batch(&[1])).await;
    storage.shutdown(patience).await;
    assert!(cluster.catalog().all_epochs().await.expect("epochs").is_empty());
    std::fs::remove_dir_all(cluster.dir.path().join("wal/1")).expect("removed");
    let storage = start(&mut cluster, None).await.expect("nothing is missing");
    append(&open_partition(&storage, 0, 2).await, batch(&[2])).await;
    // Chunks that could not be flushed keep the directory needed.
    let no_objects = NoObjects::new(&cluster);
    storage.shutdown(patience).await;
    let epoch = BrokerEpoch(cluster.epoch);
    let (dir, aside) = (cluster.dir.path().join("wal/1"), cluster.dir.path().join("aside"));
    std::fs::rename(&dir, &aside).expect("not mounted");
    refused(&mut cluster, None, epoch).await;
    std::fs::rename(&aside, &dir).expect("mounted again");
    drop(no_objects);
    assert_eq!(
        times_of_the_partition(&start(&mut cluster, None).await.expect("there")).await,
        [1, 2]
    );
}

/// Between the sign and the record of an epoch; and where a first start got no further than its
/// directory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_got_no_further_than_its_sign_leaves_nothing_that_is_missed() {
    let mut cluster = Broker::new();
    let dir = cluster.dir.path().join("wal/1");
    let ledger_fails = |cluster: &Broker, fails: bool| {
        cluster.metadata.refuse_putting(fails.then_some("wal/1/"));
    };
    ledger_fails(&cluster, true);
    assert!(start(&mut cluster, None).await.is_err());
    ledger_fails(&cluster, false);
    let never_begun = BrokerEpoch(cluster.epoch);
    assert!(EpochMarkers::read(&dir, &LocalDisk).expect("a directory").has_epoch(never_begun));
    std::fs::remove_dir_all(&dir).expect("removed");
    let storage = start(&mut cluster, None).await.expect("no epoch has begun");
    append(&open_partition(&storage, 0, 1).await, batch(&[1])).await;
    let (_, epoch) = crashed(storage).await;
    let storage = start(&mut cluster, None).await.expect("it is there");
    assert_eq!(times_of_the_partition(&storage).await, [1]);
    storage.flush().await.expect("flushed");
    all_retired(&cluster, 1).await;
    storage.crash().await;
    start(&mut cluster, None).await.expect("it is there").crash().await;
    let markers = EpochMarkers::read(&dir, &LocalDisk).expect("a directory");
    assert!(
        !markers.has_epoch(epoch) && markers.has_epoch(BrokerEpoch(cluster.epoch)),
        "old markers go: {markers:?}"
    );
}

/// The directories of releases that left no markers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_of_an_older_release_is_known_by_its_log() {
    let mut cluster = Broker::new();
    let (epoch, dir) = with_records(&mut cluster).await;
    LocalDisk.remove(&dir.join(format!("epoch-{epoch}"))).expect("there");
    let aside = cluster.dir.path().join("aside");
    refused(&mut cluster, None, epoch).await;
    let entry = cluster.entries("wal/1/").await.remove(0);
    let unsigned = String::from_utf8_lossy(&entry.versioned.value).replace(r#","signed":true"#, "");
    assert_ne!(unsigned.as_bytes(), &entry.versioned.value[..]);
    let txn = Txn::new().put(entry.key, unsigned);
    assert!(cluster.metadata.txn(txn).await.expect("put").committed().is_some());
    std::fs::rename(&dir, &aside).expect("not mounted");
    refused(&mut cluster, None, epoch).await;
    std::fs::rename(&aside, &dir).expect("mounted again");
    std::fs::remove_file(dir.join("FORMAT")).expect("removed");
    assert_eq!(times_of_the_partition(&start(&mut cluster, None).await.expect("there")).await, [1]);
}

/// A recoverer does not use an empty directory either, also when all epochs of the broker are
/// sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recoverer_puts_nothing_where_a_directory_was() {
    let mut cluster = Broker::new();
    let no_objects = NoObjects::new(&cluster);
    let (_, dir) = with_records(&mut cluster).await;
    let dead = crashed(start(&mut cluster, None).await.expect("there")).await;
    let other = cluster.open_broker(2).await;
    let aside = cluster.dir.path().join("aside");
    std::fs::rename(&dir, &aside).expect("not mounted");
    let gone = other.seal_broker(dead.0, dead.1).await;
    assert!(matches!(gone, Err(SealBrokerError::NoDirectory { .. })), "{gone:?}");
    assert!(!dir.exists());
    std::fs::rename(&aside, &dir).expect("mounted again");
    seal(&other, dead).await;
    drop(no_objects);
    all_retired(&cluster, 1).await;
}
