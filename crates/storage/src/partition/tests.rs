use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::partition::{
    append::{AppendError, Origin},
    bounds::Isolation,
    read::ReadRequest,
};
use crate::{AppendOptions, PartitionOptions, SequenceError, testing::*};

mod model;

mod cold_reads;
mod commits;
mod maintenance;
mod reads;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_records_are_there_after_a_crash_and_after_a_flush() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    for i in 0..10 {
        let appended = append(&partition, batch(&[i * 10, i * 10 + 1])).await;
        assert_eq!(appended.base_offset, Offset(i * 2));
    }
    let written = read_all(&partition, 0, 200).await;
    assert_eq!(written.len(), 20);
    drop((partition, storage));

    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 200).await, written);
    storage.flush().await.expect("a flush");
    append(&partition, batch(&[1000])).await;
    assert_eq!(read_all(&partition, 0, 200).await[..20], written);
    drop((partition, storage));

    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 3).await;
    assert_eq!(read_all(&partition, 0, 200).await[..20], written);
    assert_eq!(partition.bounds().high_watermark, Offset(21));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_directory_has_one_owner() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let config = broker.config();
    let second = crate::Storage::open(
        config,
        broker.disk(),
        broker.objects(),
        broker.keyspace(),
        &broker.runtime,
    );
    let refused = second.await.err().expect("the directory is in use");
    assert!(refused.to_string().contains("in use"), "{refused}");
    drop(storage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metadata_store_older_than_the_log_is_refused() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    append(&open_partition(&storage, 0, 1).await, batch(&[1])).await;
    drop(storage);
    let forgetful = Broker::new().keyspace();
    let (config, objects) = (broker.config(), broker.objects());
    let opened =
        crate::Storage::open(config, broker.disk(), objects, forgetful, &broker.runtime).await;
    assert!(matches!(opened.err(), Some(crate::StorageError::UnknownEpoch { .. })));
    let storage = broker.open().await;
    assert_eq!(
        read_all(&*open_partition(&storage, 0, 2).await, 0, 100).await,
        [(0, 1)],
        "nothing was lost by it"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producer_state_survives_restart_from_chunks_from_footers_and_from_a_snapshot() {
    let mut broker = Broker::new();
    let mut next = 0;
    for (epoch, folds) in [(1, 0), (2, 1), (3, 12), (4, 0)] {
        let storage = broker.open().await;
        let partition = open_partition(&storage, 0, epoch).await;
        if next > 0 {
            for back in 1..=next.min(5) {
                let retry = sequenced(7, next - back, &[1]);
                let answer = partition
                    .append(&[retry], &CLIENT)
                    .expect("a duplicate")
                    .await
                    .expect("committed");
                assert_eq!(
                    (answer.base_offset.0, answer.duplicate),
                    (i64::from(next - back), true)
                );
            }
            let gap = partition.append(&[sequenced(7, next + 1, &[1])], &CLIENT);
            assert!(matches!(gap, Err(AppendError::Sequence(SequenceError::OutOfOrder { .. }))));
        }
        for _ in 0..3 {
            append(&partition, sequenced(7, next, &[1])).await;
            next += 1;
        }
        for _ in 0..folds {
            append(&partition, sequenced(7, next, &[1])).await;
            next += 1;
            storage.flush().await.expect("a flush");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_or_damaged_snapshot_of_producers_is_rebuilt_from_the_segments() {
    let mut broker = Broker::new();
    for (epoch, damage) in
        [(1, None), (2, Some(b"MLNABLB1 but no more".as_slice())), (3, Some(b""))]
    {
        let snapshots = broker.dir.path().join("objects");
        for snapshot in
            files_below(&snapshots).filter(|path| path.to_string_lossy().contains("/producers/"))
        {
            match damage {
                Some(b"") | None => std::fs::remove_file(snapshot).unwrap(),
                Some(bytes) => std::fs::write(snapshot, bytes).unwrap(),
            }
        }
        let storage = broker.open().await;
        let partition = open_partition(&storage, 0, epoch).await;
        if epoch == 1 {
            for sequence in 0..12 {
                append(&partition, sequenced(7, sequence, &[1])).await;
                storage.flush().await.expect("a flush");
            }
            let found =
                files_below(&snapshots).any(|path| path.to_string_lossy().contains("/producers/"));
            assert!(found, "there is a snapshot to damage");
        }
        let retry = partition.append(&[sequenced(7, 11, &[1])], &CLIENT).expect("a duplicate");
        assert_eq!(retry.await.expect("committed").base_offset, Offset(11));
    }
}

fn files_below(dir: &std::path::Path) -> Box<dyn Iterator<Item = std::path::PathBuf>> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    Box::new(entries.flat_map(|path| match path.is_dir() {
        true => files_below(&path),
        false => Box::new(std::iter::once(path)),
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handed_over_partition_needs_nothing_of_its_last_leader() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, sequenced(7, 0, &[1, 2])).await;
    storage.close_partition(partition.id()).await.expect("a hand-over");
    assert!(matches!(partition.append(&[batch(&[1])], &CLIENT), Err(AppendError::Closed)));
    // Another directory, the same metadata and objects.
    let mut config = broker.config();
    config.broker = milena_types::BrokerId(2);
    config.log = crate::log::local::directory::LogConfig {
        dir: broker.dir.path().join("other"),
        ..config.log
    };
    let other = broker.open_with(config).await;
    let partition = open_partition(&other, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 1000).await, [(0, 1), (1, 2)]);
    let retry = partition.append(&[sequenced(7, 0, &[1, 2])], &CLIENT).expect("a duplicate");
    assert!(retry.await.expect("committed").duplicate);
    assert_eq!(append(&partition, sequenced(7, 2, &[3])).await.base_offset, Offset(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leader_epochs_are_checked_and_their_ends_known_after_a_restart() {
    let mut broker = Broker::new();
    for (epoch, flush) in [(1, false), (3, true), (5, false), (8, false)] {
        let storage = broker.open().await;
        let partition = open_partition(&storage, 0, epoch).await;
        append(&partition, batch(&[1, 2])).await;
        let stale = AppendOptions { leader_epoch: Some(LeaderEpoch(epoch - 1)), ..CLIENT };
        let refused = partition.append(&[batch(&[1])], &stale);
        assert!(
            matches!(refused, Err(AppendError::LeaderEpoch { current, .. }) if current.0 == epoch)
        );
        if flush {
            storage.flush().await.expect("a flush");
        }
    }
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 9).await;
    let end_of =
        |epoch| partition.end_offset_for_epoch(LeaderEpoch(epoch)).map(|(e, end)| (e.0, end.0));
    assert_eq!(end_of(1), Some((1, 2)));
    assert_eq!(end_of(4), Some((3, 4)));
    assert_eq!(end_of(5), Some((5, 6)));
    assert_eq!(end_of(8), Some((8, 8)));
    assert_eq!(end_of(9), Some((9, 8)), "the new leader's epoch begins at the end");
    assert_eq!(end_of(10), None);
    assert_eq!(partition.epoch_at(Offset(3)), Some(LeaderEpoch(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_larger_than_the_topic_allows_is_refused() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    let large = batch(&vec![1; 1000]);
    partition.set_options(PartitionOptions {
        max_message_bytes: large.size() - 1,
        ..PartitionOptions::default()
    });
    let refused = partition.append(std::slice::from_ref(&large), &CLIENT);
    assert!(matches!(refused, Err(AppendError::TooLarge { .. })));
    let coordinator = AppendOptions { origin: Origin::Coordinator, ..CLIENT };
    assert!(partition.append(&[large], &coordinator).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_transaction_holds_the_last_stable_offset() {
    use milena_records::control::{EndTransactionMarker, TransactionResult};
    use milena_types::{ProducerEpoch, ProducerId};
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    append(&partition, transactional(7, 0, &[2, 3])).await;
    append(&partition, batch(&[4])).await;
    let bounds = partition.bounds();
    assert_eq!((bounds.last_stable, bounds.high_watermark), (Offset(1), Offset(4)));
    let request = ReadRequest {
        from: Offset(0),
        max_bytes: 1 << 20,
        at_least_one: true,
        isolation: Isolation::Committed,
    };
    let data = partition.read(&request).await.expect("a read");
    assert_eq!(data.bytes, batch(&[1]).size());
    drop((partition, storage));
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(partition.bounds().last_stable, Offset(1), "also after a restart");
    let marker = EndTransactionMarker { result: TransactionResult::Commit, coordinator_epoch: 3 };
    let marker = marker.batch(ProducerId(7), ProducerEpoch(0), Timestamp(9)).expect("a marker");
    let coordinator = AppendOptions { origin: Origin::Coordinator, ..CLIENT };
    partition.append(&[marker], &coordinator).expect("accepted").await.expect("committed");
    assert_eq!(partition.bounds().last_stable, Offset(5));
}
