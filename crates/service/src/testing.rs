//! For the tests of this crate: a store in a directory of its own, a provisioner without brokers,
//! and an API over both.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use milena_runtime::{Backoff, Runtime};
use milena_security::local_key::LocalKey;
use milena_store::{EmbeddedOptions, EmbeddedStore, Limits, MetadataStore};
use milena_types::{BrokerId, ClusterId};
use serde_json::{Value, json};

use crate::{
    account::AccountScope,
    addresses::AddressPlan,
    api::{Api, ApiRequest, ApiResponse},
    cluster_store::ClusterStore,
    error::ApiError,
    provisioner::{BrokerSpec, ProvisionError, Provisioner},
    reconciler::{self, ReconcileContext, RetryPolicy},
    zones::Zones,
};

/// How long a test waits for something that must happen.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Remembers which brokers run, and starts none.
#[derive(Default)]
pub(crate) struct FakeProvisioner {
    pub(crate) running: Mutex<BTreeMap<(ClusterId, BrokerId), BrokerSpec>>,
    /// Clusters whose data was removed.
    pub(crate) removed: Mutex<BTreeSet<ClusterId>>,
    /// Calls so far, and the reason that calls fail with, by number.
    pub(crate) calls: Mutex<(usize, BTreeMap<usize, &'static str>)>,
    /// Brokers started so far, how many starts are refused from now on, and why.
    starts: Mutex<(usize, usize, &'static str)>,
}

impl FakeProvisioner {
    fn call(&self) -> Result<(), ProvisionError> {
        let mut calls = self.calls.lock().unwrap();
        calls.0 += 1;
        let number = calls.0;
        calls.1.get(&number).map_or(Ok(()), |reason| Err(ProvisionError::new(reason)))
    }

    pub(crate) fn running(&self) -> usize {
        self.running.lock().unwrap().len()
    }

    /// How many brokers were started so far.
    pub(crate) fn starts(&self) -> usize {
        self.starts.lock().unwrap().0
    }

    /// Makes the next starts fail.
    pub(crate) fn refuse_starts(&self, count: usize, reason: &'static str) {
        let mut starts = self.starts.lock().unwrap();
        (starts.1, starts.2) = (count, reason);
    }

    /// Makes the next calls fail.
    pub(crate) fn fail_next(&self, count: usize, reason: &'static str) {
        self.fail_next_with(std::iter::repeat_n(reason, count));
    }

    /// Makes as many of the next calls fail as there are reasons.
    pub(crate) fn fail_next_with(&self, reasons: impl Iterator<Item = &'static str>) {
        let mut calls = self.calls.lock().unwrap();
        let next = calls.0 + 1;
        calls.1.extend((next..).zip(reasons));
    }
}

#[async_trait]
impl Provisioner for FakeProvisioner {
    async fn start(&self, spec: &BrokerSpec) -> Result<(), ProvisionError> {
        self.call()?;
        {
            let mut starts = self.starts.lock().unwrap();
            if starts.1 > 0 {
                starts.1 -= 1;
                return Err(ProvisionError::new(starts.2));
            }
            starts.0 += 1;
        }
        let before =
            self.running.lock().unwrap().insert((spec.cluster.clone(), spec.broker), spec.clone());
        assert!(before.is_none(), "broker {} is started although it runs", spec.broker);
        Ok(())
    }

    async fn stop(&self, cluster: &ClusterId, broker: BrokerId) -> Result<(), ProvisionError> {
        self.call()?;
        self.running.lock().unwrap().remove(&(cluster.clone(), broker));
        Ok(())
    }

    async fn kill(&self, cluster: &ClusterId, broker: BrokerId) -> Result<(), ProvisionError> {
        self.stop(cluster, broker).await
    }

    async fn is_serving(&self, cluster: &ClusterId, broker: BrokerId) -> bool {
        self.running.lock().unwrap().contains_key(&(cluster.clone(), broker))
    }

    async fn remove_data(&self, cluster: &ClusterId) -> Result<(), ProvisionError> {
        self.call()?;
        let running = self.running.lock().unwrap();
        assert!(
            running.keys().all(|(other, _)| other != cluster),
            "data is removed while brokers run"
        );
        self.removed.lock().unwrap().insert(cluster.clone());
        Ok(())
    }
}

/// A store with the smallest limits that one may have, in a directory that goes away with it.
pub(crate) fn store() -> (tempfile::TempDir, Arc<dyn MetadataStore>) {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions {
        limits: Limits::MIN,
        ..EmbeddedOptions::new(dir.path().join("metadata"))
    };
    let store = EmbeddedStore::open(options, &Runtime::system()).unwrap();
    (dir, Arc::new(store))
}

/// A service without its HTTP server.
pub(crate) struct TestService {
    pub(crate) runtime: Runtime,
    pub(crate) api: Arc<Api>,
    pub(crate) brokers: Arc<FakeProvisioner>,
}

impl TestService {
    pub(crate) fn begin(metadata: Arc<dyn MetadataStore>) -> Self {
        Self::begin_in(Runtime::system(), metadata)
    }

    pub(crate) fn begin_in(runtime: Runtime, metadata: Arc<dyn MetadataStore>) -> Self {
        let backoff = Backoff::doubling(Duration::from_millis(1), Duration::from_millis(5));
        Self::begin_with(runtime, metadata, backoff)
    }

    pub(crate) fn begin_with(
        runtime: Runtime,
        metadata: Arc<dyn MetadataStore>,
        backoff: Backoff,
    ) -> Self {
        let service = Self::idle(runtime, metadata.clone());
        let retry = RetryPolicy {
            backoff,
            failures_max: 5,
            check_every: Duration::from_millis(5),
            poll_every: Duration::from_millis(1),
        };
        let context = ReconcileContext {
            runtime: service.runtime.clone(),
            store: ClusterStore::new(metadata.clone(), service.runtime.clone()),
            metadata,
            provisioner: service.brokers.clone(),
            local_key: LocalKey::from_bytes([9; 32]),
            addresses: AddressPlan::Ports {
                bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
                host: "kafka.example".to_owned(),
                first: 40_000,
            },
            retry,
        };
        drop(service.runtime.spawn(reconciler::supervise(Arc::new(context))));
        service
    }

    /// Without reconcilers: records stay as requests wrote them.
    pub(crate) fn idle(runtime: Runtime, metadata: Arc<dyn MetadataStore>) -> Self {
        let api = Api {
            runtime: runtime.clone(),
            store: ClusterStore::new(metadata.clone(), runtime.clone()),
            metadata,
            kafka_timeout: Duration::from_millis(200),
            scope: AccountScope {
                region: "us-east-1".to_owned(),
                account: "000000000000".to_owned(),
                zones: Zones::new("us-east-1", BTreeMap::new()),
            },
        };
        Self { runtime, api: Arc::new(api), brokers: Arc::default() }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<ApiResponse, ApiError> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call_raw(method, path, &body).await
    }

    pub(crate) async fn call_raw(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<ApiResponse, ApiError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = ApiRequest {
            method,
            raw_path: path.to_owned(),
            raw_query: query.to_owned(),
            body: body.to_owned().into(),
            request_id: "0a1b2c3d".to_owned(),
        };
        self.api.call(&request).await
    }

    pub(crate) async fn json(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body).await.unwrap();
        serde_json::from_slice(&answer.body.unwrap()).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.json(Method::GET, path, Value::Null).await
    }

    /// Asks for a cluster and gives its ARN back, encoded as a label.
    pub(crate) async fn create(&self, name: &str) -> String {
        let created = self.json(Method::POST, "/v1/clusters", create_request(name)).await;
        encode(created["clusterArn"].as_str().unwrap())
    }

    /// Creates a configuration with these properties and gives its ARN back.
    pub(crate) async fn configure(&self, name: &str, properties: &str) -> String {
        let request = json!({"name": name, "serverProperties": STANDARD.encode(properties)});
        let created = self.json(Method::POST, "/v1/configurations", request).await;
        created["arn"].as_str().unwrap().to_owned()
    }

    /// Waits until the cluster fulfils the condition.
    pub(crate) async fn wait_for(&self, label: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = self.runtime.monotonic() + WAIT_MAX;
        loop {
            let info = self.get(&format!("/v1/clusters/{label}")).await["clusterInfo"].take();
            if wanted(&info) {
                return info;
            }
            assert!(self.runtime.monotonic() < deadline, "the cluster stays {info}");
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn wait_for_state(&self, label: &str, state: &str) -> Value {
        self.wait_for(label, |info| info["state"] == state).await
    }

    pub(crate) async fn wait_until_gone(&self, label: &str) {
        let deadline = self.runtime.monotonic() + WAIT_MAX;
        let path = format!("/v1/clusters/{label}");
        while self.call(Method::GET, &path, Value::Null).await.is_ok() {
            assert!(self.runtime.monotonic() < deadline, "the cluster stays");
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn delete(&self, label: &str) {
        self.json(Method::DELETE, &format!("/v1/clusters/{label}"), Value::Null).await;
    }
}

/// A text as one label of a path, as AWS clients encode it.
pub(crate) fn encode(arn: &str) -> String {
    percent_encoding::utf8_percent_encode(arn, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The least that CreateCluster needs.
pub(crate) fn create_request(name: &str) -> Value {
    json!({
        "clusterName": name,
        "kafkaVersion": "3.9.x.kraft",
        "numberOfBrokerNodes": 3,
        "brokerNodeGroupInfo": {
            "clientSubnets": ["subnet-a", "subnet-b", "subnet-c"],
            "instanceType": "kafka.m7g.large",
        },
    })
}
