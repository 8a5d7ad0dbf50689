use std::sync::Arc;

use milena_runtime::Runtime;
use milena_store::{FaultyStore, Keyspace, MemoryStore, MetadataStore, Txn};
use milena_types::{BrokerEpoch, BrokerId, ChunkSeq, LeaderEpoch, Offset, Timestamp};

use super::{
    keys::StorageKey,
    manifest_swaps::{FlushedSegment, ManifestSwap, ManifestSwaps},
    records::{FlushPart, FlushRecord, LogId, ManifestRecord},
    storage_catalog::{CatalogError, StorageCatalog},
};
use crate::testing::id;

const FIRST: LogId = LogId { broker: BrokerId(1), epoch: BrokerEpoch(1) };

fn store() -> FaultyStore {
    FaultyStore::new(MemoryStore::new(&Runtime::system()))
}

fn catalog(store: &FaultyStore, epoch: i64) -> StorageCatalog {
    catalog_of(BrokerId(1), store, epoch)
}

fn catalog_of(broker: BrokerId, store: &FaultyStore, epoch: i64) -> StorageCatalog {
    let keyspace = Keyspace::new(Arc::new(store.clone()), "");
    StorageCatalog::new(keyspace, Runtime::system(), broker, BrokerEpoch(epoch)).without_epoch()
}

fn writer(broker: BrokerId, store: &FaultyStore, epoch: i64) -> StorageCatalog {
    let keyspace = Keyspace::new(Arc::new(store.clone()), "");
    StorageCatalog::new(keyspace, Runtime::system(), broker, BrokerEpoch(epoch))
}

fn is_sealed<T>(outcome: &Result<T, CatalogError>) -> bool {
    matches!(outcome, Err(CatalogError::EpochSealed { .. }))
}

async fn announced(catalog: &StorageCatalog, object: &str) -> FlushedSegment {
    let announced = catalog.announce(&[object.to_owned()]).await.expect("announced");
    let part = FlushPart {
        partition: id(0),
        base: Offset(0),
        end: Offset(5),
        bytes: 50,
        max_timestamp: Timestamp(1),
        epochs: vec![(LeaderEpoch(1), Offset(0))],
    };
    let record = FlushRecord {
        object: object.into(),
        object_bytes: 90,
        written: Timestamp(0),
        parts: vec![part],
    };
    let key = StorageKey::Flush { log: FIRST, first: ChunkSeq(0), index: 0 }.to_string();
    FlushedSegment { key, record, announced }
}

fn is_conflict<T>(outcome: &Result<T, CatalogError>) -> bool {
    matches!(outcome, Err(CatalogError::Conflict(_)))
}

#[tokio::test]
async fn an_unknown_outcome_differs_from_an_unavailable_store() {
    let store = store();
    let catalog = catalog(&store, 1);
    store.set_unavailable(true);
    let unavailable = catalog.announce(&["a".to_owned()]).await;
    assert!(matches!(unavailable, Err(CatalogError::Unavailable(_))), "{unavailable:?}");
    store.set_unavailable(false);

    store.fail_after_putting("uploads/");
    let unknown = catalog.announce(&["a".to_owned()]).await;
    assert!(matches!(unknown, Err(CatalogError::OutcomeUnknown(_))), "{unknown:?}");
    store.set_unavailable(false);
    assert!(catalog.exists(StorageKey::Upload("a")).await.expect("readable"), "it was made");
}

#[tokio::test]
async fn a_flush_commits_only_if_floor_and_flusher_are_the_expected_ones() {
    let store = store();
    let first = catalog(&store, 1);
    first.open_epoch().await.expect("new");
    let segment = announced(&first, "a").await;
    let stale_floor =
        first.commit_flush(FIRST, ChunkSeq(3), ChunkSeq(9), std::slice::from_ref(&segment));
    assert!(is_conflict(&stale_floor.await));

    let second = catalog(&store, 2);
    let (epoch, seen) = second.all_epochs().await.expect("epochs").remove(0);
    second.seal_epoch(epoch, &seen, ChunkSeq(9)).await.expect("sealed");
    let stale_flusher = first.commit_flush(FIRST, ChunkSeq(0), ChunkSeq(9), &[segment]).await;
    assert!(is_conflict(&stale_flusher));
    assert_eq!(first.flush_records().await.expect("records").len(), 0);

    let segment = announced(&second, "b").await;
    let segments = [segment];
    second
        .commit_flush(FIRST, ChunkSeq(0), ChunkSeq(9), &segments)
        .await
        .expect("the recoverer flushes");
    let again = second.commit_flush(FIRST, ChunkSeq(0), ChunkSeq(9), &segments).await;
    again.expect("done already is success");
    assert_eq!(first.flush_records().await.expect("records").len(), 1);
}

#[tokio::test]
async fn a_commit_requires_the_announcement_and_the_sweeper_removes_that_first() {
    let store = store();
    let first = catalog(&store, 1);
    first.open_epoch().await.expect("new");
    let segment = announced(&first, "a").await;
    assert_eq!(catalog(&store, 2).abandon_uploads().await, Ok(1));
    assert!(is_conflict(&first.commit_flush(FIRST, ChunkSeq(0), ChunkSeq(1), &[segment]).await));
    assert_eq!(first.garbage_since(i64::MAX, |_| true).await, Ok(vec!["a".to_owned()]));
}

#[tokio::test]
async fn a_manifest_changes_only_from_the_revision_last_read() {
    let store = store();
    let catalog = catalog(&store, 1);
    let swap = |seen, version| {
        let record = ManifestRecord { version, ..ManifestRecord::new(LeaderEpoch(1)) };
        let swap = ManifestSwap { partition: id(0), seen, record: Some(record) };
        ManifestSwaps { manifests: vec![swap], ..ManifestSwaps::default() }
    };
    let first = catalog.swap_manifests(&swap(None, 1)).await.expect("new");
    assert!(is_conflict(&catalog.swap_manifests(&swap(None, 2)).await));
    let second = catalog.swap_manifests(&swap(Some(first), 2)).await.expect("from what was read");
    assert!(is_conflict(&catalog.swap_manifests(&swap(Some(first), 3)).await));
    assert_eq!(
        catalog.manifest(id(0)).await.expect("readable").map(|seen| seen.revision),
        Some(second)
    );
}

#[tokio::test]
async fn an_object_adopted_and_released_in_one_transaction_is_garbage() {
    let store = store();
    let catalog = catalog(&store, 1);
    let announced = catalog.announce(&["a".to_owned()]).await.expect("announced");
    let mut swaps = ManifestSwaps::default();
    swaps.objects.adopt("a", announced, 1);
    swaps.objects.release("a");
    catalog.swap_manifests(&swaps).await.expect("swapped");
    assert_eq!(catalog.garbage_since(i64::MAX, |_| true).await, Ok(vec!["a".to_owned()]));
}

#[tokio::test]
async fn an_unknown_outcome_is_read_back() {
    let store = store();
    let catalog = catalog(&store, 1);
    store.lose_responses(1);
    catalog.open_epoch().await.expect("it had happened");
    assert!(is_conflict(&catalog.open_epoch().await), "an epoch is opened once");
}

#[tokio::test]
async fn an_epoch_is_sealed_at_one_tail_for_ever() {
    let store = store();
    catalog(&store, 1).open_epoch().await.expect("new");
    let second = catalog(&store, 2);
    let seen = second.all_epochs().await.expect("epochs").remove(0).1;
    let sealed = second.seal_epoch(FIRST, &seen, ChunkSeq(4)).await.expect("sealed");
    assert!(is_conflict(&second.seal_epoch(FIRST, &seen, ChunkSeq(4)).await), "a stale revision");
    assert!(is_conflict(&second.seal_epoch(FIRST, &sealed, ChunkSeq(5)).await), "another tail");
    let third = catalog(&store, 3);
    let sealed = third.seal_epoch(FIRST, &sealed, ChunkSeq(4)).await.expect("the same tail");
    assert_eq!(sealed.value.flusher, BrokerEpoch(3));
}

#[tokio::test]
async fn records_of_a_newer_level_and_damaged_ones_are_refused_by_name() {
    let store = store();
    let catalog = catalog(&store, 1);
    for value in [r#"{"level":2,"floor_end":0,"tail_end":null,"flusher":1}"#, "nonsense"] {
        let txn = Txn::new().put("wal/1/0000000000000000007", value);
        assert!(store.txn(txn).await.expect("put").committed().is_some());
        let refused = catalog.all_epochs().await.expect_err("unreadable");
        assert!(refused.to_string().contains("wal/1/0000000000000000007"), "{refused}");
    }
}

/// A partition of the flush is deleted, or folds it, before the flusher knows that it was
/// committed.
#[tokio::test]
async fn a_flush_is_known_to_be_committed_although_its_record_has_changed_since() {
    let store = store();
    let (first, other) = (catalog(&store, 1), catalog(&store, 2));
    first.open_epoch().await.expect("new");
    let segments = [announced(&first, "a").await];
    store.fail_after_putting("flushes/");
    let commit = first.commit_flush(FIRST, ChunkSeq(0), ChunkSeq(9), &segments);
    let removal = async {
        store.set_unavailable(false);
        let mut seen =
            other.flush_record(&segments[0].key).await.expect("readable").expect("committed");
        seen.value.remove_partition(id(0));
        let mut swaps = ManifestSwaps::default();
        swaps.flush_records.push((segments[0].key.clone(), seen));
        swaps.objects.release("a");
        other.swap_manifests(&swaps).await.expect("removed");
    };
    let (committed, ()) = tokio::join!(commit, removal);
    committed.expect("it had happened");
    assert_eq!(
        first.epoch(FIRST).await.expect("readable").expect("known").value.floor_end,
        ChunkSeq(9)
    );
}

/// Its process died while the transaction was on its way, and the next life was faster.
#[tokio::test]
async fn an_epoch_does_not_begin_after_a_later_one() {
    let store = store();
    let (late, next) = (catalog(&store, 1), catalog(&store, 2));
    next.open_epoch().await.expect("new");
    assert!(is_conflict(&late.open_epoch().await));
    assert_eq!(next.all_epochs().await.expect("epochs").len(), 1);
}

#[tokio::test]
async fn a_broker_is_not_noted_as_sealed_while_any_of_its_epochs_is_not() {
    let store = store();
    let (first, second) = (catalog(&store, 1), catalog(&store, 2));
    first.open_epoch().await.expect("new");
    second.open_epoch().await.expect("new");
    let other = catalog_of(BrokerId(2), &store, 3);
    let seal = async |epoch: usize| {
        let (log, seen) = other.epochs_of(BrokerId(1)).await.expect("epochs").remove(epoch);
        other.seal_epoch(log, &seen, ChunkSeq(0)).await.expect("sealed");
    };
    seal(1).await;
    assert!(is_conflict(&other.note_sealed(BrokerId(1), BrokerEpoch(2)).await));
    seal(0).await;
    other.note_sealed(BrokerId(1), BrokerEpoch(2)).await.expect("noted");
}

/// Whatever it was about to do, and however late that arrives.
#[tokio::test]
async fn a_sealed_epoch_changes_nothing() {
    let store = store();
    let (dead, other) = (writer(BrokerId(1), &store, 1), writer(BrokerId(2), &store, 2));
    assert!(is_sealed(&dead.announce(&["early".to_owned()]).await), "it has not begun");
    dead.open_epoch().await.expect("new");
    other.open_epoch().await.expect("new");
    let segment = announced(&dead, "a").await;
    let record = ManifestRecord::new(LeaderEpoch(1));
    let swap = ManifestSwap { partition: id(0), seen: None, record: Some(record) };
    let swaps = ManifestSwaps { manifests: vec![swap], ..ManifestSwaps::default() };
    // A recoverer that died with its seal on the way, and one that lives.
    let seen = other.epoch(FIRST).await.expect("readable").expect("known");
    let recoverer = writer(BrokerId(3), &store, 3);
    recoverer.open_epoch().await.expect("new");
    let log = LogId { broker: BrokerId(3), epoch: BrokerEpoch(3) };
    let of_recoverer = other.epoch(log).await.expect("readable").expect("known");
    other.seal_epoch(log, &of_recoverer, ChunkSeq(0)).await.expect("sealed");
    assert!(is_sealed(&recoverer.seal_epoch(FIRST, &seen, ChunkSeq(4)).await));
    let sealed = other.seal_epoch(FIRST, &seen, ChunkSeq(4)).await.expect("sealed");
    assert_eq!(sealed.value.flusher_of(FIRST), other.own());
    assert!(is_sealed(&dead.announce(&["late".to_owned()]).await));
    assert!(is_sealed(&dead.swap_manifests(&swaps).await));
    assert!(is_sealed(&dead.abandon_upload("a", segment.announced).await));
    let flush = dead.commit_flush(FIRST, ChunkSeq(0), ChunkSeq(4), std::slice::from_ref(&segment));
    assert!(flush.await.is_err());
    other.swap_manifests(&swaps).await.expect("it lives");
    let next = writer(BrokerId(1), &store, 4);
    next.open_epoch().await.expect("a later life begins");
    next.announce(&["late".to_owned()]).await.expect("and writes");
}

/// With nothing left in its log an epoch ends in one step.
#[tokio::test]
async fn an_epoch_that_ended_by_itself_is_retired_and_changes_nothing() {
    let store = store();
    let ended = writer(BrokerId(1), &store, 1);
    ended.open_epoch().await.expect("new");
    ended.end_epoch(ChunkSeq(0)).await.expect("nothing is left");
    assert!(ended.epoch(FIRST).await.expect("readable").is_none());
    assert_eq!(ended.newest_retired(BrokerId(1)).await, Ok(Some(BrokerEpoch(1))));
    assert!(is_sealed(&ended.announce(&["late".to_owned()]).await));
}
