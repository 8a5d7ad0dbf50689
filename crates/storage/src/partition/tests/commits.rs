//! Appends and their commits, with disks that fail.

use std::time::Duration;

use milena_records::Batch;
use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::partition::{append::AppendError, bounds::Isolation, read::ReadRequest};
use crate::{CommitError, PartitionOptions, Storage, disk::MemoryDisk, testing::*};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_waited_for_and_nothing_is_shown_before() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    disk.hold_syncs(true);
    let accepted = partition.append(&[batch(&[1, 2])], &CLIENT).expect("accepted");
    disk.wait_for_held_sync();
    assert_eq!(accepted.now(), None);
    assert_eq!(partition.bounds().high_watermark, Offset(0));
    assert_eq!(partition.pending_end(), Offset(2));
    assert!(read_all(&partition, 0, 1000).await.is_empty());
    disk.hold_syncs(false);
    assert_eq!(accepted.await.expect("committed").last_offset, Offset(1));
    assert_eq!(partition.bounds().high_watermark, Offset(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_of_a_pending_batch_waits_for_it() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[0])).await;
    disk.hold_syncs(true);
    let first = partition.append(&[sequenced(7, 0, &[1])], &CLIENT).expect("accepted");
    disk.wait_for_held_sync();
    let again = partition.append(&[sequenced(7, 0, &[1])], &CLIENT).expect("a duplicate");
    assert_eq!(again.now(), None);
    disk.hold_syncs(false);
    let (first, again) = (first.await.expect("committed"), again.await.expect("with the first"));
    assert_eq!((first.base_offset, first.duplicate), (Offset(1), false));
    assert_eq!((again.base_offset, again.duplicate), (Offset(1), true));
    assert_eq!(read_all(&partition, 0, 1000).await.len(), 2);
    let committed = partition.append(&[sequenced(7, 0, &[1])], &CLIENT).expect("a duplicate");
    assert!(committed.now().is_some(), "a duplicate of a committed batch need not wait");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_fails_the_produce_it_hits_and_passes_by() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, sequenced(7, 0, &[1])).await;
    disk.limit_space(Some(0));
    // Files set aside already are used up first.
    let big = vec![9; 20_000];
    let mut sequence = 1;
    let mut kept = 1;
    let failed = loop {
        let accepted =
            partition.append(&[sequenced(7, sequence, &big)], &CLIENT).expect("accepted");
        match accepted.await {
            Ok(appended) => kept = appended.last_offset.0 + 1,
            Err(error) => break error,
        }
        sequence += 20_000;
    };
    assert_eq!(failed, CommitError::Refused);
    assert_eq!(partition.pending_end(), Offset(kept), "a failed commit reverts what was pending");
    assert_eq!(read_all(&partition, 0, 1 << 20).await.len() as i64, kept, "reads go on");
    disk.limit_space(None);
    let appended = append(&partition, sequenced(7, sequence, &big)).await;
    assert_eq!(
        appended.base_offset,
        Offset(kept),
        "the sequence is accepted again, the offset used again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_were_given_a_sequence_number_never_change() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, sequenced(7, 0, &[0])).await;
    // The log writes the chunk again, to another file, until it is durable: nobody notices but
    // those who waited.
    disk.fail_syncs(4);
    let stalled = partition.append(&[sequenced(7, 1, &[1])], &CLIENT).expect("accepted");
    assert_eq!(stalled.await, Err(CommitError::Stalled));
    let retried = partition
        .append(&[sequenced(7, 1, &[1])], &CLIENT)
        .expect("a duplicate, pending or committed");
    let retried = retried.await.expect("the same bytes were committed in the end");
    assert_eq!((retried.base_offset, retried.duplicate), (Offset(1), true));
    assert_eq!(disk.syncs_after_failure(), 0, "a file whose sync failed is never synced again");
    assert_eq!(read_all(&partition, 0, 1000).await, [(0, 0), (1, 1)]);
    drop((partition, storage));
    disk.crash(3);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 1000).await, [(0, 0), (1, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_that_was_built_ahead_stalls_with_the_one_before_and_keeps_its_offsets() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let large = |number: i32| sequenced(7, number * 20_000, &[9; 20_000]);
    disk.hold_syncs(true);
    let first = partition.append(&[large(0)], &CLIENT).expect("accepted");
    disk.wait_for_held_sync();
    let ahead = partition.append(&[large(1)], &CLIENT).expect("accepted");
    let built = async {
        while partition.built_end() < Offset(40_000) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), built).await.expect("built during the sync");
    let open = partition.append(&[large(2)], &CLIENT).expect("accepted");
    assert_eq!((first.now(), ahead.now(), open.now()), (None, None, None));
    disk.fail_syncs(u32::MAX);
    disk.hold_syncs(false);
    assert_eq!(first.await, Err(CommitError::Stalled));
    assert_eq!(ahead.await, Err(CommitError::Stalled));
    assert_eq!(open.await, Err(CommitError::Refused));
    let again = partition.append(&[large(1)], &CLIENT).expect("a duplicate of a pending batch");
    assert_eq!(again.now(), None);
    disk.fail_syncs(0);
    let again = again.await.expect("the same bytes are committed in the end");
    assert_eq!((again.base_offset, again.duplicate), (Offset(20_000), true));
    let refused = append(&partition, large(2)).await;
    assert_eq!((refused.base_offset, refused.duplicate), (Offset(40_000), false));
    drop((partition, storage));
    disk.crash(5);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 1 << 20).await.len(), 60_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producers_wait_for_a_log_that_is_slow_and_are_refused_by_one_that_fails() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let large = batch(&vec![1; 100_000]);
    disk.hold_syncs(true);
    let mut accepted = Vec::new();
    loop {
        let admitted =
            tokio::time::timeout(Duration::from_millis(100), storage.admit(large.size())).await;
        let Ok(permit) = admitted else { break };
        accepted.push(partition.append(std::slice::from_ref(&large), &CLIENT).expect("accepted"));
        drop(permit);
        assert!(
            accepted.len() * large.size() < 20 << 20,
            "more waits for the log than it writes in a moment"
        );
    }
    assert!(accepted.len() * large.size() > 8 << 20, "the log would have too little to do");
    disk.fail_syncs(u32::MAX);
    disk.hold_syncs(false);
    let outcomes = futures_util::future::join_all(accepted).await;
    let (stalled, refused) = (Err(CommitError::Stalled), Err(CommitError::Refused));
    let built = outcomes.iter().take_while(|outcome| **outcome == stalled).count();
    assert!(built > 0, "the chunk that was being synced: {outcomes:?}");
    assert!(outcomes[built..].iter().all(|outcome| *outcome == refused), "{outcomes:?}");
    for _ in 0..3 {
        let permit = storage.admit(large.size()).await;
        let refused = partition.append(std::slice::from_ref(&large), &CLIENT).expect("accepted");
        drop(permit);
        assert_eq!(refused.await, Err(CommitError::Refused), "not left to wait");
    }
    disk.fail_syncs(0);
    // A chunk that had its number is committed, and everything behind it goes on.
    eventually("the log goes on", || partition.bounds().high_watermark > Offset(0)).await;
    append(&partition, large).await;
    assert_eq!(partition.core.budget.in_log(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_invariant_ends_the_epoch_and_every_wait() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let (broken, other) =
        (open_partition(&storage, 0, 1).await, open_partition(&storage, 1, 1).await);
    append(&broken, batch(&[1])).await;
    broken.lock().high_watermark = Offset(7);
    let accepted = broken.append(&[batch(&[1])], &CLIENT).expect("accepted");
    assert_eq!(accepted.await, Err(CommitError::Closed));
    eventually("the epoch has ended", || storage.is_sealed() && other.is_closed()).await;
    assert!(matches!(other.append(&[batch(&[1])], &CLIENT), Err(AppendError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_longer_than_chunks_and_files_of_the_log_is_committed_and_survives() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let options = PartitionOptions { max_message_bytes: 100 << 20, ..PartitionOptions::default() };
    let open = async |storage: &Storage, epoch| {
        storage.open_partition(id(0), LeaderEpoch(epoch), options).await.expect("opens")
    };
    let mut partition = open(&storage, 1).await;
    let large = batch(&vec![1_700_000_000_000; 500_000]);
    assert!(large.size() > 8 << 20, "twice a file of the log");
    let mut expected = 0;
    for _ in 0..2 {
        for batch in [batch(&[1]), large.clone(), batch(&[2]), batch(&[3])] {
            let appended = append(&partition, batch).await;
            assert_eq!(appended.base_offset, Offset(expected));
            expected = appended.last_offset.0 + 1;
        }
    }
    let count = expected as usize;
    assert_eq!(read_all(&partition, 0, 1000).await.len(), count);
    drop((partition, storage));
    disk.kill();
    broker.next_process();
    let mut storage = broker.open().await;
    partition = open(&storage, 2).await;
    assert_eq!(read_all(&partition, 0, 1000).await.len(), count, "from the log");
    append(&partition, large.clone()).await;
    storage.flush().await.expect("a flush");
    drop((partition, storage));
    disk.kill();
    broker.next_process();
    storage = broker.open().await;
    partition = open(&storage, 3).await;
    let all = read_all(&partition, 0, 1000).await;
    assert_eq!(all.len(), count + 500_000, "from segments");
    assert!(all.iter().map(|(offset, _)| *offset).eq(0..all.len() as i64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_for_which_the_disk_has_no_room_is_refused_alone() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let storage = broker.open().await;
    let options = PartitionOptions { max_message_bytes: 100 << 20, ..PartitionOptions::default() };
    let partition = storage.open_partition(id(0), LeaderEpoch(1), options).await.expect("opens");
    append(&partition, batch(&[1])).await;
    disk.limit_space(Some(5 << 20));
    let large = batch(&vec![1_700_000_000_000; 500_000]);
    let refused = partition.append(std::slice::from_ref(&large), &CLIENT).expect("accepted").await;
    assert_eq!(refused, Err(CommitError::Refused));
    assert_eq!(
        append(&partition, batch(&[2])).await.base_offset,
        Offset(1),
        "there is room for it"
    );
    disk.limit_space(None);
    assert_eq!(append(&partition, large).await.base_offset, Offset(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_has_the_largest_timestamp_that_was_computed() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let mut checked = batch(&[100, 300, 200]);
    // As after a check of a batch whose header says so.
    checked.set_max_timestamp(Timestamp(350));
    append(&partition, checked).await;
    for flushed in [false, true] {
        if flushed {
            storage.flush().await.expect("a flush");
        }
        let request = ReadRequest {
            from: Offset(0),
            max_bytes: 1000,
            at_least_one: true,
            isolation: Isolation::Uncommitted,
        };
        let data = partition.read(&request).await.expect("a read");
        let stored = Batch::parse(&data.parts[0]).expect("a batch");
        assert_eq!(stored.header().max_timestamp, Timestamp(350));
        stored.verify_crc().expect("the checksum covers it");
    }
}
