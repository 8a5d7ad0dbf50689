//! Logs that cannot be flushed, or not be read, for a while: nobody else waits for them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use milena_store::{MetadataStore, Txn};
use milena_types::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, Timestamp};

use super::{all_retired, crashed, pins, seal, times};
use crate::{
    Isolation, LeaderTerm, MemoryBudget, Partition, PartitionOptions, SealedLogs, Storage,
    catalog::keys::StorageKey,
    disk::{Disk, DiskFile, DiskLock},
    recovery::{errors::OpenPartitionError, sealed_logs::SealedError},
    testing::*,
};

/// A broker that keeps nothing in memory that segments have.
async fn without_tail(cluster: &mut Broker, broker: i32) -> Storage {
    let mut config = cluster.config_of(broker);
    config.memory = MemoryBudget { tail_bytes: 0, ..MemoryBudget::default() };
    cluster.open_with(config).await
}

/// Nothing of the log of a broker is flushed from now on.
fn hold_log(cluster: &Broker, broker: i32) {
    cluster.metadata.refuse_putting(Some(&format!("flushes/{broker}/")));
}

/// A partition whose second leader has flushed so often, one record each, while the log of the first
/// is not flushed.
async fn flushes_behind_a_gap(flushes: i64) -> (Broker, Storage, Arc<Partition>) {
    let mut cluster = Broker::with_limits(milena_store::Limits::MIN);
    let first = cluster.open_broker(1).await;
    let second = without_tail(&mut cluster, 2).await;
    append(&open_partition(&first, 0, 1).await, batch(&[0])).await;
    hold_log(&cluster, 1);
    seal(&second, crashed(first).await).await;
    let partition = open_partition(&second, 0, 2).await;
    for time in 1..=flushes {
        append(&partition, sequenced(7, time as i32 - 1, &[time])).await;
        second.flusher.flush_own().await.expect("a flush");
    }
    assert_eq!(unfolded(&cluster).await as i64, flushes);
    (cluster, second, partition)
}

/// The partition's flushes that are recorded and not folded.
async fn unfolded(cluster: &Broker) -> usize {
    cluster.catalog().flush_records().await.expect("records").len()
}

/// Its own records are in segments before those that they come after, and it is led by one after
/// another meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_behind_a_log_that_is_not_flushed_are_flushed_and_handed_over() {
    let mut cluster = Broker::new();
    let first = without_tail(&mut cluster, 1).await;
    let (second, third) =
        (without_tail(&mut cluster, 2).await, without_tail(&mut cluster, 3).await);
    append(&open_partition(&first, 0, 1).await, sequenced(7, 0, &[10])).await;
    hold_log(&cluster, 1);
    seal(&second, crashed(first).await).await;
    let partition = open_partition(&third, 0, 2).await;
    append(&partition, sequenced(7, 1, &[20])).await;
    third.flush().await.expect("its own log is not held up");
    let in_tail = partition.lock().tail.len();
    assert_eq!((in_tail, unfolded(&cluster).await), (1, 1), "behind a gap");
    assert_eq!(times(&read_all(&partition, 0, 1).await), [10, 20]);
    assert_eq!(times(&read_all(&partition, 0, 500).await), [10, 20]);
    let size = partition.size_bytes();
    append(&partition, sequenced(7, 2, &[30])).await;
    assert_eq!(partition.size_bytes(), size / 2 * 3, "nothing counts twice");
    let found = async |partition: &Partition, time| {
        let found = partition.offset_for_timestamp(Timestamp(time), Isolation::Uncommitted).await;
        found.expect("a search").map(|found| (found.offset.0, found.leader_epoch.0))
    };
    for (time, expected) in [(0, Some((0, 1))), (11, Some((1, 2))), (21, Some((2, 2))), (31, None)]
    {
        assert_eq!(found(&partition, time).await, expected, "a record at or after {time}");
    }
    third.close_partition(id(0)).await.expect("handed over");
    let partition = open_partition(&second, 0, 3).await;
    assert_eq!(times(&read_all(&partition, 0, 500).await), [10, 20, 30]);
    for (sequence, offset) in [(0, 0), (1, 1), (2, 2)] {
        let time = 10 * (sequence + 1);
        let again = append(&partition, sequenced(7, sequence as i32, &[time])).await;
        assert_eq!((again.base_offset, again.duplicate), (Offset(offset), true));
    }
    append(&partition, sequenced(7, 3, &[40])).await;
    for (time, expected) in [(11, Some((1, 2))), (31, Some((3, 3)))] {
        assert_eq!(found(&partition, time).await, expected, "a record at or after {time}");
    }
    cluster.metadata.refuse_putting(None);
    all_retired(&cluster, 2).await;
    second.flush().await.expect("a flush");
    assert_eq!(unfolded(&cluster).await, 0, "all of it is folded");
    assert!(partition.lock().tail.is_empty());
    assert_eq!(times(&read_all(&partition, 0, 500).await), [10, 20, 30, 40]);
    check_references(&cluster).await;
}

/// The flusher of a held log dies; who takes over has borrowed from it before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_filled_whoever_flushes_the_log_in_the_end() {
    let mut cluster = Broker::new();
    let (first, second) = (cluster.open_broker(1).await, cluster.open_broker(2).await);
    let third = without_tail(&mut cluster, 3).await;
    append(&open_partition(&first, 0, 1).await, batch(&[10])).await;
    append(&open_partition(&first, 1, 1).await, batch(&[10])).await;
    hold_log(&cluster, 1);
    seal(&second, crashed(first).await).await;
    let (own, others) = (open_partition(&second, 1, 2).await, open_partition(&third, 0, 2).await);
    append(&own, batch(&[20])).await;
    append(&others, batch(&[20])).await;
    third.flush().await.expect("a flush");
    assert!(pins(&third));
    seal(&third, crashed(second).await).await;
    let taken = open_partition(&third, 1, 3).await;
    append(&taken, batch(&[30])).await;
    // Both logs of others are queued; one of them is held up.
    eventually("the log of the recoverer is flushed", || third.sealed.lock().queue.len() == 1)
        .await;
    assert_eq!(times(&read_all(&taken, 0, 500).await), [10, 20, 30]);
    cluster.metadata.refuse_putting(None);
    all_retired(&cluster, 1).await;
    third.flush().await.expect("a flush");
    assert!(!pins(&third) && unfolded(&cluster).await == 0);
    assert_eq!(times(&read_all(&others, 0, 500).await), [10, 20]);
    assert_eq!(times(&read_all(&taken, 0, 500).await), [10, 20, 30]);
    check_references(&cluster).await;
}

/// A log start behind a gap does not let later flushes be folded past what is still to come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_records_in_a_log_that_is_not_flushed_leave_nothing_behind() {
    let mut cluster = Broker::new();
    let first = cluster.open_broker(1).await;
    let second = without_tail(&mut cluster, 2).await;
    append(&open_partition(&first, 0, 1).await, batch(&[10, 11])).await;
    hold_log(&cluster, 1);
    seal(&second, crashed(first).await).await;
    let partition = open_partition(&second, 0, 2).await;
    append(&partition, batch(&[20, 21])).await;
    second.flusher.flush_own().await.expect("a flush");
    assert_eq!(partition.delete_records(Some(Offset(3))).await.expect("in range"), Offset(3));
    assert_eq!(unfolded(&cluster).await, 1, "its place is behind what is to come");
    assert_eq!(read_all(&partition, 3, 500).await, [(3, 21)]);
    cluster.metadata.refuse_putting(None);
    all_retired(&cluster, 1).await;
    second.flush().await.expect("a flush");
    assert_eq!(unfolded(&cluster).await, 0);
    assert_eq!(read_all(&partition, 3, 500).await, [(3, 21)]);
    check_references(&cluster).await;
}

/// More flushes than one transaction releases lie behind a gap, and all of it is deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_start_moves_past_many_flushes_behind_a_gap() {
    let (cluster, second, partition) = flushes_behind_a_gap(70).await;
    let deleting = partition.delete_records(Some(Offset(70)));
    let deleted = tokio::time::timeout(Duration::from_secs(20), deleting).await;
    assert_eq!(deleted.expect("it waits for no flush").expect("in range"), Offset(70));
    cluster.metadata.refuse_putting(None);
    all_retired(&cluster, 1).await;
    second.flush().await.expect("a flush");
    assert_eq!(unfolded(&cluster).await, 0);
    assert_eq!(read_all(&partition, 70, 500).await, [(70, 70)]);
    assert_eq!(partition.lock().manifest.newer().count(), 1, "the others are released");
    check_references(&cluster).await;
}

/// A partition that cannot be read again is tried in a while, and keeps nobody busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_that_cannot_end_wakes_nobody() {
    let mut cluster = Broker::new();
    let (first, second, third) =
        (cluster.open_broker(1).await, cluster.open_broker(2).await, cluster.open_broker(3).await);
    append(&open_partition(&first, 0, 1).await, batch(&[10])).await;
    hold_log(&cluster, 1);
    seal(&second, crashed(first).await).await;
    let partition = open_partition(&third, 0, 2).await;
    assert!(pins(&third));
    let manifest = StorageKey::Manifest(id(0)).to_string();
    let damage = Txn::new().absent(&manifest).put(&manifest, "damage");
    assert!(cluster.metadata.txn(damage).await.expect("a store").committed().is_some());
    cluster.metadata.refuse_putting(None);
    all_retired(&cluster, 2).await;
    let told = || *third.sealed.logs.changes().borrow();
    let before = told();
    for _ in 0..8 {
        third.sealed.settle().await.expect_err("its manifest cannot be read");
    }
    // The flusher may just have said that it has retired the epoch.
    assert!(told() <= before + 1, "{before} and then {}", told());
    let mended = cluster.metadata.txn(Txn::new().delete(&manifest)).await.expect("a store");
    assert!(mended.committed().is_some());
    eventually("nothing is pinned any more", || !pins(&third)).await;
    assert!(partition.lock().tail.is_empty(), "it has the segment");
    assert_eq!(times(&read_all(&partition, 0, 500).await), [10]);
}

/// More flushes than one transaction folds, once the gap before them is filled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_flushes_behind_a_gap_are_folded_in_steps() {
    let (cluster, second, partition) = flushes_behind_a_gap(100).await;
    cluster.metadata.refuse_putting(None);
    all_retired(&cluster, 1).await;
    second.flush().await.expect("a flush");
    assert_eq!(unfolded(&cluster).await, 0);
    assert_eq!(times(&read_all(&partition, 0, 500).await), (0..=100).collect::<Vec<_>>());
    check_references(&cluster).await;
}

/// Opens a partition that these lives have led before.
async fn open_after(
    storage: &Storage,
    partition: i32,
    epoch: i32,
    lives: &[(BrokerId, BrokerEpoch)],
) -> Result<Arc<Partition>, OpenPartitionError> {
    let term = LeaderTerm { epoch: LeaderEpoch(epoch), unfolded: Some(lives.to_vec()) };
    storage.open_partition(id(partition), term, PartitionOptions::default()).await
}

/// A disk of which one directory does not respond for a while.
#[derive(Debug)]
struct HangingDisk {
    disk: Arc<dyn Disk>,
    hanging: Mutex<Option<PathBuf>>,
    changed: Condvar,
}

impl HangingDisk {
    fn hang(&self, dir: Option<PathBuf>) {
        *self.hanging.lock().expect("no panic") = dir;
        self.changed.notify_all();
    }
}

impl Disk for HangingDisk {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let hanging = self.hanging.lock().expect("no panic");
        let hangs = |hanging: &mut Option<PathBuf>| hanging.as_deref() == Some(dir);
        drop(self.changed.wait_while(hanging, hangs).expect("no panic"));
        self.disk.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(path)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.disk.try_lock(path)
    }
}

/// The directory of a sealed epoch is away, or does not respond, and its flusher has died too: only who
/// has records in it waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_read_fails_only_who_needs_it() {
    for hangs in [false, true] {
        let mut cluster = Broker::new();
        let (hanging, changed) = (Mutex::default(), Condvar::new());
        let disk = Arc::new(HangingDisk { disk: cluster.disk(), hanging, changed });
        let root = cluster.dir.path().join("wal");
        let (dir, aside) = (root.join("1"), root.join("aside"));
        let logs = SealedLogs::new(disk.clone(), move |broker| root.join(broker.to_string()));
        let mut storages = Vec::new();
        for broker in 1..=3 {
            let mut config = cluster.config_of(broker);
            config.sealed_logs = logs.clone();
            storages.push(cluster.open_with(config).await);
        }
        let [first, second, third]: [Storage; 3] = storages.try_into().ok().expect("three");
        append(&open_after(&first, 0, 1, &[]).await.expect("new"), batch(&[10])).await;
        append(&open_after(&second, 1, 1, &[]).await.expect("new"), batch(&[10])).await;
        hold_log(&cluster, 1);
        let stuck = crashed(first).await;
        seal(&second, stuck).await;
        let dead = crashed(second).await;
        if hangs {
            disk.hang(Some(dir.clone()));
        } else {
            std::fs::rename(&dir, &aside).expect("not mounted");
        }
        seal(&third, dead).await;
        match open_after(&third, 0, 2, &[stuck]).await {
            Err(OpenPartitionError::SealedEpoch(SealedError::Loading { .. })) if hangs => {}
            Err(OpenPartitionError::SealedEpoch(SealedError::Unreadable { .. })) if !hangs => {}
            opened => panic!("its records cannot be read: {opened:?}"),
        }
        let partition = open_after(&third, 1, 2, &[dead]).await.expect("it has nothing there");
        append(&partition, batch(&[20])).await;
        third.flusher.flush_own().await.expect("a flush");
        eventually("the other log is flushed", || third.sealed.lock().queue.is_empty()).await;
        assert_eq!(times(&read_all(&partition, 0, 500).await), [10, 20]);
        assert!(third.close_partition(id(1)).await.expect("flushed").folded);
        let partition = open_after(&third, 1, 3, &[]).await.expect("from its manifest");
        assert_eq!(times(&read_all(&partition, 0, 500).await), [10, 20]);
        append(&open_after(&third, 2, 1, &[]).await.expect("new"), batch(&[1])).await;
        let ended = (BrokerId(3), third.core.id.epoch);
        cluster.metadata.refuse_putting(None);
        let crash = tokio::time::timeout(Duration::from_secs(20), third.crash());
        crash.await.expect("nothing waits for the directory at the end either");
        disk.hang(None);
        if !hangs {
            std::fs::rename(&aside, &dir).expect("mounted again");
        }
        let third = cluster.open_broker(3).await;
        let partition = open_after(&third, 0, 2, &[stuck]).await.expect("it is there");
        assert_eq!(times(&read_all(&partition, 0, 500).await), [10]);
        let other = open_after(&third, 2, 2, &[ended]).await.expect("in its own log");
        assert_eq!(times(&read_all(&other, 0, 500).await), [1]);
        third.flush().await.expect("a flush");
        all_retired(&cluster, 1).await;
        let lives = third.lives().await.expect("readable");
        assert_eq!(lives.retired.get(&BrokerId(1)), Some(&stuck.1));
        third.flush().await.expect("a flush");
        let lives = third.lives().await.expect("readable");
        assert_eq!(lives.unfolded, [(BrokerId(3), third.core.id.epoch)].into());
        check_references(&cluster).await;
    }
}

/// A partition with records behind a gap is handed over with the list of those who have led it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handoff_could_not_fold_is_said() {
    let mut cluster = Broker::new();
    let (first, second) = (cluster.open_broker(1).await, cluster.open_broker(2).await);
    for partition in 0..2 {
        append(&open_after(&first, partition, 1, &[]).await.expect("new"), batch(&[10])).await;
    }
    first.prepare_close(&[id(1)]).await.expect("a flush");
    let closed = first.close_partitions(&[id(1)]).await.remove(0).1;
    assert!(closed.expect("flushed").folded);
    append(&first.partition(id(0)).expect("open"), batch(&[11])).await;
    hold_log(&cluster, 1);
    let dead = crashed(first).await;
    seal(&second, dead).await;
    append(&open_after(&second, 1, 2, &[]).await.expect("folded"), batch(&[20])).await;
    append(&open_after(&second, 0, 2, &[dead]).await.expect("in its log"), batch(&[20])).await;
    let closed = second.close_partitions(&[id(0), id(1)]).await;
    let folded: Vec<bool> =
        closed.into_iter().map(|(_, outcome)| outcome.expect("flushed").folded).collect();
    assert_eq!(folded, [false, true], "one has records in a log that is held up");
    cluster.metadata.refuse_putting(None);
    all_retired(&cluster, 1).await;
    let again = (BrokerId(2), second.core.id.epoch);
    let partition = open_after(&second, 0, 3, &[dead, again]).await.expect("flushed by now");
    assert_eq!(times(&read_all(&partition, 0, 500).await), [10, 11, 20]);
}
