mod updates;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::Method;
use milena_metadata::ClusterMetadata;
use milena_runtime::{Backoff, Runtime};
use milena_security::local_key::LocalKey;
use milena_store::{
    LeaseId, MemoryStore, MetadataStore, Page, StoreError, Txn, TxnOutcome, Versioned, Watch,
};
use milena_types::Revision;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::RetryPolicy;
use crate::testing::{TestService, store};

/// A store in whose n-th transaction the process crashes: before the transaction is applied, or
/// just after. A crashed process changes nothing any more.
struct CrashingStore {
    inner: Arc<dyn MetadataStore>,
    runtime: Runtime,
    left: AtomicUsize,
    applied: bool,
    crashed: AtomicBool,
}

#[async_trait]
impl MetadataStore for CrashingStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.inner.get(key).await
    }
    async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.inner.range(prefix, after, limit).await
    }
    async fn txn(&self, txn: Txn) -> Result<TxnOutcome, StoreError> {
        if self.crashed.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        if self.left.fetch_sub(1, Ordering::SeqCst) > 1 {
            return self.inner.txn(txn).await;
        }
        self.crashed.store(true, Ordering::SeqCst);
        self.runtime.stop();
        if self.applied {
            let _ = self.inner.txn(txn).await?;
        }
        Err(StoreError::Closed)
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

/// Runs a service until it crashes in its n-th transaction or `done` returns true. True when it
/// crashed.
async fn run_until_crash(
    metadata: &Arc<dyn MetadataStore>,
    (number, applied): (usize, bool),
    done: impl AsyncFn(&TestService) -> bool,
) -> bool {
    let runtime = Runtime::system();
    let crashing = Arc::new(CrashingStore {
        inner: metadata.clone(),
        runtime: runtime.clone(),
        left: AtomicUsize::new(number),
        applied,
        crashed: AtomicBool::new(false),
    });
    let service = TestService::begin_in(runtime.clone(), crashing.clone());
    while !crashing.crashed.load(Ordering::SeqCst) && !done(&service).await {
        tokio::task::yield_now().await;
    }
    runtime.shutdown().await;
    crashing.crashed.load(Ordering::SeqCst)
}

async fn keys(metadata: &Arc<dyn MetadataStore>, prefix: &str) -> Vec<String> {
    let page = metadata.range(prefix, None, 1000).await.unwrap();
    page.entries.into_iter().map(|entry| entry.key).collect()
}

async fn state(service: &TestService, label: &str) -> Value {
    let info = service.call(Method::GET, &format!("/v1/clusters/{label}"), Value::Null).await;
    info.map_or(Value::Null, |answer| {
        serde_json::from_slice::<Value>(&answer.body.unwrap()).unwrap()
    })["clusterInfo"]["state"]
        .take()
}

#[tokio::test]
async fn a_creation_goes_on_after_a_crash_in_any_of_its_transactions() {
    let mut crashes = 0;
    for number in 1.. {
        let mut crashed = false;
        for applied in [false, true] {
            let (_dir, metadata) = store();
            // The request itself returned: its change is recorded.
            let label =
                TestService::idle(Runtime::system(), metadata.clone()).create("orders").await;
            let active = async |service: &TestService| state(service, &label).await == "ACTIVE";
            crashed = run_until_crash(&metadata, (number, applied), active).await;
            let service = TestService::begin(metadata.clone());
            service.wait_for_state(&label, "ACTIVE").await;
            service.wait_for(&label, |_| service.brokers.running() == 3).await;
            assert_eq!(
                keys(&metadata, "service/addresses/").await.len(),
                3,
                "addresses are taken once"
            );
            assert_eq!(
                keys(&metadata, "clusters/").await.len(),
                1,
                "there is one record for the brokers"
            );
            service.runtime.shutdown().await;
        }
        if !crashed {
            break;
        }
        crashes += 1;
    }
    assert!(crashes >= 4, "there are transactions to crash in, but only {crashes} were seen");
}

#[tokio::test]
async fn a_deletion_goes_on_after_a_crash_in_any_of_its_transactions() {
    let mut crashes = 0;
    for number in 1.. {
        let mut crashed = false;
        for applied in [false, true] {
            let (_dir, metadata) = store();
            let service = TestService::begin(metadata.clone());
            let label = service.create("orders").await;
            service.wait_for_state(&label, "ACTIVE").await;
            service.runtime.shutdown().await;
            TestService::idle(Runtime::system(), metadata.clone()).delete(&label).await;
            let gone = async |service: &TestService| state(service, &label).await.is_null();
            crashed = run_until_crash(&metadata, (number, applied), gone).await;
            let service = TestService::begin(metadata.clone());
            service.wait_until_gone(&label).await;
            let left =
                [keys(&metadata, "clusters/").await, keys(&metadata, "service/").await].concat();
            assert_eq!(left, ["service/address-cursor"], "nothing is left of the cluster");
            service.runtime.shutdown().await;
        }
        if !crashed {
            break;
        }
        crashes += 1;
    }
    assert!(crashes >= 3, "there are transactions to crash in, but only {crashes} were seen");
}

#[tokio::test]
async fn a_reboot_goes_on_after_a_crash_in_any_of_its_transactions() {
    for number in 1.. {
        let mut crashed = false;
        for applied in [false, true] {
            let (_dir, metadata) = store();
            let service = TestService::begin(metadata.clone());
            let label = service.create("orders").await;
            service.wait_for_state(&label, "ACTIVE").await;
            service.runtime.shutdown().await;
            let path = format!("/v1/clusters/{label}/reboot-broker");
            let idle = TestService::idle(Runtime::system(), metadata.clone());
            idle.json(Method::PUT, &path, json!({"brokerIds": ["3", "1"]})).await;
            let active = async |service: &TestService| state(service, &label).await == "ACTIVE";
            crashed = run_until_crash(&metadata, (number, applied), active).await;
            let service = TestService::begin(metadata.clone());
            let info = service.wait_for_state(&label, "ACTIVE").await;
            assert_eq!(info.get("activeOperationArn"), None);
            let list = service.get(&format!("/v1/clusters/{label}/operations")).await;
            assert_eq!(list["clusterOperationInfoList"][0]["operationState"], "REBOOT_COMPLETE");
            service.runtime.shutdown().await;
        }
        if !crashed {
            break;
        }
    }
}

#[tokio::test]
async fn the_data_key_stays_the_same_when_its_step_is_taken_again() {
    let (_dir, metadata) = store();
    let label = TestService::idle(Runtime::system(), metadata.clone()).create("orders").await;
    let mut seen = Mutex::new(None);
    for number in 1..=3 {
        run_until_crash(&metadata, (number, true), async |service| {
            state(service, &label).await == "ACTIVE"
        })
        .await;
        let Some(key) = keys(&metadata, "clusters/").await.pop() else { continue };
        let cluster = key.split('/').nth(1).unwrap().parse().unwrap();
        let cluster = ClusterMetadata::new(metadata.clone(), cluster, Runtime::system());
        let record = cluster.cluster().await.unwrap().unwrap().value;
        let data_key = LocalKey::from_bytes([9; 32])
            .unwrap(&record.wrapped_data_key, cluster.cluster_id().as_str())
            .expect("the key opens for its cluster");
        let before = seen.get_mut().unwrap().replace(data_key.clone());
        assert!(before.is_none_or(|before| before == data_key));
    }
    assert!(seen.get_mut().unwrap().is_some());
}

#[tokio::test]
async fn a_provisioner_that_fails_for_a_while_only_delays() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    service.brokers.fail_next(4, "the disk is full");
    let label = service.create("orders").await;
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(info.get("stateInfo"), None);
    assert_eq!(service.brokers.running(), 3);
    service.brokers.fail_next(7, "the disk is full");
    service.delete(&label).await;
    service.wait_until_gone(&label).await;
    assert_eq!((service.brokers.running(), service.brokers.removed.lock().unwrap().len()), (0, 1));
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn a_creation_that_goes_on_failing_is_given_up_with_its_reason_and_can_be_deleted() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    // Three brokers are started at a time, and a step is given up after five failures.
    service.brokers.fail_next(15, "the disk is full");
    let label = service.create("orders").await;
    let info = service.wait_for_state(&label, "FAILED").await;
    let message = info["stateInfo"]["message"].as_str().unwrap();
    assert!(message.contains("the disk is full") && message.contains("broker"), "{message}");
    assert_eq!(info["stateInfo"]["code"], "CREATION_FAILED");
    service.delete(&label).await;
    service.wait_until_gone(&label).await;
    let again = service.create("orders").await;
    service.wait_for_state(&again, "ACTIVE").await;
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn a_broker_that_dies_is_started_again_and_the_cluster_says_so() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata);
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    service.brokers.fail_next(3, "its address is taken");
    service.brokers.running.lock().unwrap().pop_first();
    let info = service.wait_for_state(&label, "HEALING").await;
    assert!(
        info["stateInfo"]["message"].as_str().unwrap().contains("its address is taken"),
        "{info}"
    );
    let info = service.wait_for_state(&label, "ACTIVE").await;
    assert_eq!(info.get("stateInfo"), None);
    assert_eq!(service.brokers.running(), 3);
    service.runtime.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn brokers_are_back_within_seconds_however_long_they_could_not_start() {
    let runtime = Runtime::system();
    let metadata = Arc::new(MemoryStore::new(&runtime));
    let service = TestService::begin_with(runtime, metadata, RetryPolicy::DEFAULT.backoff);
    service.create("orders").await;
    let all_run = || async {
        while service.brokers.running() < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), all_run()).await.expect("they start");
    service.brokers.refuse_starts(usize::MAX, "the disk is full");
    service.brokers.running.lock().unwrap().clear();
    let hour = Duration::from_secs(3600);
    timeout(hour, all_run()).await.expect_err("none can start");
    service.brokers.refuse_starts(0, "");
    timeout(Duration::from_secs(3), all_run()).await.expect("there is space");
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn a_step_that_fails_with_another_reason_each_time_is_not_run_again_at_once() {
    let (_dir, metadata) = store();
    let hour = Duration::from_secs(3600);
    let service =
        TestService::begin_with(Runtime::system(), metadata, Backoff::doubling(hour, hour));
    let label = service.create("orders").await;
    service.wait_for_state(&label, "ACTIVE").await;
    let calls = || service.brokers.calls.lock().unwrap().0;
    let before = calls();
    service
        .brokers
        .fail_next_with(["epoch 1 ended", "epoch 2 ended"].into_iter().cycle().take(1000));
    service.brokers.running.lock().unwrap().pop_first();
    service.wait_for_state(&label, "HEALING").await;
    // Were it run again for its own record of the failure, that would be meanwhile.
    for number in 0..20 {
        service.configure(&format!("c{number}"), "").await;
    }
    assert_eq!(calls(), before + 1);
    // A change by its owner is seen at once all the same.
    *service.brokers.calls.lock().unwrap() = (0, Default::default());
    service.delete(&label).await;
    service.wait_until_gone(&label).await;
    service.runtime.shutdown().await;
}

#[tokio::test]
async fn clusters_come_back_with_their_addresses_and_addresses_are_not_given_again_at_once() {
    let (_dir, metadata) = store();
    let service = TestService::begin(metadata.clone());
    let mut bootstraps = Vec::new();
    for name in ["a", "b"] {
        let label = service.create(name).await;
        service.wait_for_state(&label, "ACTIVE").await;
        let brokers = service.get(&format!("/v1/clusters/{label}/bootstrap-brokers")).await;
        bootstraps.push((label, brokers["bootstrapBrokerString"].as_str().unwrap().to_owned()));
    }
    service.runtime.shutdown().await;
    let service = TestService::begin(metadata);
    for (label, before) in &bootstraps {
        service.wait_for(label, |_| service.brokers.running() == 6).await;
        let after = service.get(&format!("/v1/clusters/{label}/bootstrap-brokers")).await;
        assert_eq!(after["bootstrapBrokerString"], before.as_str());
    }
    service.delete(&bootstraps[0].0).await;
    service.wait_until_gone(&bootstraps[0].0).await;
    let label = service.create("c").await;
    service.wait_for_state(&label, "ACTIVE").await;
    let fresh = service.get(&format!("/v1/clusters/{label}/bootstrap-brokers")).await;
    let fresh = fresh["bootstrapBrokerString"].as_str().unwrap().to_owned();
    for (_, old) in &bootstraps {
        assert!(
            fresh.split(',').all(|endpoint| !old.split(',').any(|other| other == endpoint)),
            "{fresh} {old}"
        );
    }
    service.runtime.shutdown().await;
}
