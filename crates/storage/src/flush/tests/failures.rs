//! Flushes that fail or whose epoch is over.

use milena_store::Limits;
use milena_types::ChunkSeq;

use super::*;
use crate::{CatalogError, FlushError};

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
async fn a_flush_with_an_unknown_outcome_is_resolved_not_repeated() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    broker.metadata.lose_responses(3);
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

/// It would be refused for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_whose_transaction_is_invalid_is_not_tried_again() {
    // What opens an epoch fits, what commits a flush does not.
    let mut broker = Broker::with_limits(Limits { ops: 3, ..Limits::MIN });
    let mut config = broker.config();
    config.flush.bytes = 1;
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    append(&partition, batch(&[1])).await;
    // By this call or by the policy, whichever comes first.
    let refused = storage.flush().await.expect_err("it is too large");
    let FlushError::Catalog(CatalogError::Invalid(invalid)) = refused else { panic!("{refused}") };
    assert_eq!((invalid.size.ops, invalid.size.preconditions), (4, 4));
    let sent = broker.metadata.transactions_sent();
    append(&partition, batch(&[2])).await;
    for _ in 0..3 {
        let refused = storage.flush().await.expect_err("as before");
        assert!(refused.to_string().contains("4 operations"), "{refused}");
    }
    assert_eq!(broker.metadata.transactions_sent(), sent);
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1), (1, 2)]);
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
    recoverer.seal_epoch(*epoch, seen, ChunkSeq(1)).await.expect("sealed");
    storage.flush().await.expect_err("another flusher");
    assert_eq!(broker.catalog().flush_records().await.expect("records").len(), 0);
    assert!(
        storage.is_sealed() && partition.append(&[batch(&[2])], &CLIENT).is_err(),
        "its epoch has ended"
    );
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
