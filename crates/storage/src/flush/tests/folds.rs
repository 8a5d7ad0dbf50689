//! Flush records that are folded into manifests.

use std::sync::{Arc, Mutex};

use milena_store::{
    FaultyStore, Keyspace, LeaseId, MetadataStore, Page, StoreError, Txn, TxnOutcome, Versioned,
    Watch,
};
use milena_types::Revision;

use super::*;
use crate::{
    Storage,
    catalog::{
        manifest_swaps::{ManifestSwap, ManifestSwaps},
        records::ManifestRecord,
    },
};

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
    let record = ManifestRecord { leader_epoch: LeaderEpoch(5), ..seen.value };
    let swap = ManifestSwap { partition: id(0), seen: Some(seen.revision), record: Some(record) };
    let swaps = ManifestSwaps { manifests: vec![swap], ..Default::default() };
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

/// Holds the transaction that folds a flush back, and lets it happen between two reads of the next
/// opening.
struct LateFold {
    inner: FaultyStore,
    state: Mutex<LateFoldState>,
}

#[derive(Default)]
struct LateFoldState {
    late: Option<Txn>,
    release: bool,
    /// Whether it was applied, once it has come.
    applied: Option<bool>,
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
            self.state.lock().expect("no panic").applied = Some(outcome.committed().is_some());
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

/// A broker leads a partition and its fold is on its way; then another term begins, in its next life or
/// on another broker. Returns whether the fold was applied when it came.
async fn fold_late(next_life: bool) -> Option<bool> {
    let mut broker = Broker::new();
    let store = Arc::new(LateFold { inner: broker.metadata.clone(), state: Mutex::default() });
    let keyspace = || Keyspace::new(store.clone(), "");
    let (config, objects) = (broker.config(), broker.objects());
    let opened = Storage::open(config, broker.disk(), objects, keyspace(), &broker.runtime).await;
    let first = opened.expect("storage opens");
    let partition = open_partition(&first, 0, 1).await;
    append(&partition, batch(&[1, 2])).await;
    first.flush().await.expect("flushed, though not folded");
    drop(partition);
    let first = if next_life {
        drop(first);
        None
    } else {
        assert!(!first.close_partition(id(0)).await.expect("flushed").folded);
        Some(first)
    };
    let (config, objects) = (broker.config_of(if next_life { 1 } else { 2 }), broker.objects());
    let opened = Storage::open(config, broker.disk(), objects, keyspace(), &broker.runtime).await;
    let storage = opened.expect("storage opens");
    store.state.lock().expect("no panic").release = true;
    let partition = open_partition(&storage, 0, 2).await;
    let applied = store.state.lock().expect("no panic").applied;
    assert_eq!(partition.bounds().high_watermark, Offset(2));
    assert_eq!(append(&partition, batch(&[3])).await.base_offset, Offset(2));
    storage.flush().await.expect("a flush");
    assert_eq!(read_all(&partition, 0, 500).await, [(0, 1), (1, 2), (2, 3)]);
    drop(first);
    applied
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fold_that_comes_late_hides_nothing_from_the_next_leader() {
    assert_eq!(fold_late(false).await, Some(true), "it came while the partition was opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fold_of_a_sealed_epoch_that_comes_late_is_refused() {
    assert_eq!(fold_late(true).await, Some(false), "it came while the partition was opened");
}
