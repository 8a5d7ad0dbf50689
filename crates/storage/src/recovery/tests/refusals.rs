//! Refusals to take over, hand over, and retire.

use milena_types::Offset;

use super::{NoObjects, all_retired, crashed, seal, times};
use crate::{
    MaintenanceError, SealBrokerError, Storage, StorageError, disk::MemoryDisk,
    log::backend::LogError, partition::fold::fold_now, testing::*,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_directory_is_not_treated_as_empty() {
    let mut cluster = Broker::new();
    let (first, second) = (cluster.open_broker(1).await, cluster.open_broker(2).await);
    append(&open_partition(&first, 0, 1).await, batch(&[1])).await;
    let dead = crashed(first).await;
    let (dir, aside) = (cluster.dir.path().join("wal/1"), cluster.dir.path().join("aside"));
    std::fs::rename(&dir, &aside).expect("not mounted");
    let gone = second.seal_broker(dead.0, dead.1).await;
    assert!(matches!(gone, Err(SealBrokerError::NoDirectory { .. })), "{gone:?}");
    std::fs::rename(&aside, &dir).expect("mounted again");
    seal(&second, dead).await;
    assert_eq!(times(&read_all(&*open_partition(&second, 0, 2).await, 0, 500).await), [1]);
}

/// Each such start would take space: they go on until somebody mends the cause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_finds_a_damaged_log_writes_nothing_into_it() {
    let mut cluster = Broker::new();
    let first = cluster.open_broker(1).await;
    let partition = open_partition(&first, 0, 1).await;
    for value in 0..3 {
        append(&partition, batch(&[value])).await;
    }
    drop(partition);
    crashed(first).await;
    let wal = cluster.dir.path().join("wal/1");
    let files = || {
        let names = std::fs::read_dir(&wal).expect("the log").map(|entry| entry.expect("a name"));
        let mut files: Vec<_> = names
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "wal"))
            .map(|entry| (entry.path(), std::fs::read(entry.path()).expect("a file")))
            .collect();
        files.sort();
        files
    };
    let (path, mut bytes) = files().swap_remove(0);
    bytes[200] ^= 1;
    std::fs::write(&path, &bytes).expect("damaged");
    let before = files();
    for _ in 0..3 {
        let config = cluster.config_of(1);
        let (disk, objects, keyspace) = (cluster.disk(), cluster.objects(), cluster.keyspace());
        let opened = Storage::open(config, disk, objects, keyspace, &cluster.runtime).await;
        match opened.map(drop) {
            Err(StorageError::Log(LogError::Damaged { path: named, position: 0, .. })) => {
                assert_eq!(named, path);
            }
            other => panic!("{other:?}"),
        }
        assert!(files() == before, "the log is as it was");
    }
    bytes[200] ^= 1;
    std::fs::write(&path, &bytes).expect("mended");
    let back = cluster.open_broker(1).await;
    let partition = open_partition(&back, 0, 2).await;
    assert_eq!(times(&read_all(&partition, 0, 500).await), [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flusher_that_leads_nothing_is_known_as_long_as_others_wait_for_it() {
    let mut cluster = Broker::new();
    let (first, second) = (cluster.open_broker(1).await, cluster.open_broker(2).await);
    append(&open_partition(&first, 0, 1).await, batch(&[1])).await;
    let no_objects = NoObjects::new(&cluster);
    seal(&second, crashed(first).await).await;
    append(&open_partition(&second, 0, 2).await, batch(&[2])).await;
    // It comes back, is the flusher again, and is gone before it has led anything.
    let back = cluster.open_broker(1).await;
    let gone = crashed(back).await;
    assert_eq!(second.flushers().await.expect("epochs"), [gone].into());
    seal(&second, gone).await;
    drop(no_objects);
    second.flush().await.expect("nothing is waited for any more");
    all_retired(&cluster, 1).await;
    assert!(second.flushers().await.expect("epochs").is_empty());
}

/// A broker epoch that ends with a chunk in doubt hands nothing over: whether the chunk counts is
/// for the recoverer to find out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_pending_when_the_epoch_ended_are_not_handed_over() {
    let disk = MemoryDisk::default();
    let mut cluster = Broker::on(&disk);
    let first = cluster.open_broker(1).await;
    let partition = open_partition(&first, 0, 1).await;
    append(&partition, batch(&[1])).await;
    disk.fail_syncs(u32::MAX);
    let pending = partition.append(&[batch(&[2])], &CLIENT).expect("accepted");
    pending.await.expect_err("not durable for now");
    let ids = [id(0)];
    let closing = first.close_partitions(&ids);
    let ending = async {
        eventually("it is closing", || partition.is_closed()).await;
        first.crash().await;
    };
    let (closed, ()) = tokio::join!(closing, ending);
    assert!(closed[0].1.is_err(), "its records are in a chunk that may count");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_does_not_change_where_the_partition_was_handed_over() {
    let mut cluster = Broker::new();
    let (first, second) = (cluster.open_broker(1).await, cluster.open_broker(2).await);
    let before = open_partition(&first, 0, 1).await;
    append(&before, batch(&[1])).await;
    first.close_partition(id(0)).await.expect("closed");
    let after = open_partition(&second, 0, 2).await;
    let revision = async || {
        let seen = cluster.catalog().manifest(id(0)).await.expect("readable");
        seen.map(|seen| seen.revision)
    };
    let handed_over = revision().await;
    append(&after, batch(&[2])).await;
    second.flush().await.expect("a flush");
    let led = revision().await;
    fold_now(&first.manifests, vec![before.clone()]).await;
    assert!(handed_over.is_some() && led > handed_over && revision().await == led);
    let refused = before.delete_records(None).await;
    assert!(matches!(refused, Err(MaintenanceError::Closed)), "{refused:?}");
    assert_eq!(after.delete_records(Some(Offset(1))).await.expect("the leader does it"), Offset(1));
}

/// Nothing that is open here is handed over while flushing fails, nor is what was open before and
/// is in the same log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_that_could_not_be_flushed_are_not_handed_over_the_second_time_either() {
    let mut cluster = Broker::new();
    let first = cluster.open_broker(1).await;
    append(&open_partition(&first, 0, 1).await, batch(&[1])).await;
    let no_objects = NoObjects::new(&cluster);
    for _ in 0..2 {
        let closed = first.close_partitions(&[id(0)]).await;
        assert!(closed[0].1.is_err(), "only the log of this broker has its records");
    }
    drop(no_objects);
    assert!(first.close_partitions(&[id(0)]).await[0].1.is_ok());
}
