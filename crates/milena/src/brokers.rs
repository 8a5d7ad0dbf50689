//! Brokers as tasks of this process.
//!
//! Each broker has one slot, locked while it starts or stops, so that there is never a second
//! instance. The embedded metadata store belongs to one process, and so do the brokers on it.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::{FutureExt, future::join_all};
use milena_broker::{
    AllowAll, Broker, BrokerConfig, BrokerParts, BrokerTuning, ConnectionPool, SharedMemory,
    StartError,
};
use milena_runtime::Runtime;
use milena_security::local_key::LocalKey;
use milena_service::{BrokerSpec, ProvisionError, Provisioner};
use milena_storage::{
    BlockCache, SealedLogs, StorageError,
    disk::LocalDisk,
    encryption::{DataKey, KeyId, KeyRing},
    objects::Objects,
};
use milena_store::MetadataStore;
use milena_types::{BrokerId, ClusterId};
use tokio::sync::Mutex as AsyncMutex;

use crate::data_dir::DataDir;

/// The number of a cluster's first data key.
const FIRST_KEY: KeyId = KeyId(1);

type Slot = Arc<AsyncMutex<Option<Broker>>>;

/// What all brokers have together.
pub(crate) struct SharedResources {
    /// What they keep of segments in memory.
    pub(crate) blocks: BlockCache,
    /// The rest of the memory.
    pub(crate) memory: SharedMemory,
    pub(crate) connections: ConnectionPool,
}

/// Runs the brokers of all clusters.
pub(crate) struct InProcessBrokers {
    runtime: Runtime,
    store: Arc<dyn MetadataStore>,
    data: Arc<DataDir>,
    local_key: LocalKey,
    shared: SharedResources,
    tuning: BrokerTuning,
    slots: Mutex<HashMap<(ClusterId, BrokerId), Slot>>,
    /// For each cluster: where the write-ahead logs of its brokers are.
    sealed_logs: Mutex<HashMap<ClusterId, SealedLogs>>,
    closing: AtomicBool,
}

impl InProcessBrokers {
    /// `tuning` is each broker's.
    pub(crate) fn new(
        runtime: Runtime,
        store: Arc<dyn MetadataStore>,
        data: Arc<DataDir>,
        local_key: LocalKey,
        shared: SharedResources,
        tuning: BrokerTuning,
    ) -> Self {
        let (slots, sealed_logs, closing) =
            (Mutex::default(), Mutex::default(), AtomicBool::new(false));
        Self { runtime, store, data, local_key, shared, tuning, slots, sealed_logs, closing }
    }

    /// Stops all brokers at once. None starts any more.
    pub(crate) async fn shutdown(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let slots: Vec<Slot> = self.slots().values().cloned().collect();
        let stop = |slot: Slot| async move {
            if let Some(broker) = slot.lock().await.take() {
                // All brokers stop: there is none to hand over to.
                broker.shutdown().await;
            }
        };
        join_all(slots.into_iter().map(stop)).await;
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<(ClusterId, BrokerId), Slot>> {
        self.slots.lock().expect("nothing panics with the slots")
    }

    fn slot(&self, cluster: &ClusterId, broker: BrokerId) -> Slot {
        self.slots().entry((cluster.clone(), broker)).or_default().clone()
    }

    fn sealed_logs(&self, cluster: &ClusterId) -> SealedLogs {
        let mut all = self.sealed_logs.lock().expect("nothing panics with the logs");
        let of_cluster = all.entry(cluster.clone()).or_insert_with(|| {
            let (data, cluster) = (self.data.clone(), cluster.clone());
            SealedLogs::new(Arc::new(LocalDisk), move |broker| {
                Broker::wal_dir(&data.wal(&cluster, broker))
            })
        });
        of_cluster.clone()
    }

    async fn launch(&self, spec: &BrokerSpec) -> Result<Broker, ProvisionError> {
        let context = spec.cluster.as_str();
        let data_key =
            self.local_key.unwrap(&spec.wrapped_data_key, context).map_err(ProvisionError::new)?;
        let keys = KeyRing::new(DataKey::new(FIRST_KEY, *data_key.bytes()), []);
        let (objects, wal) =
            (self.data.objects(&spec.cluster), self.data.wal(&spec.cluster, spec.broker));
        let opened = self.runtime.spawn_blocking(move || Objects::in_directory(&objects));
        let objects = opened.await.map_err(ProvisionError::new)?.map_err(ProvisionError::new)?;
        let config = BrokerConfig {
            cluster: spec.cluster.clone(),
            broker: spec.broker,
            zone: spec.zone.clone(),
            kafka_version: spec.kafka_release.parse().map_err(ProvisionError::new)?,
            data_dir: wal,
            lost_log_accepted: spec.lost_log_accepted,
            listen: spec.address.bind,
            advertised_host: Some(spec.address.host.clone()),
            advertised_port: None,
            // Those of the cluster are in its record, where the broker reads them.
            kafka_config: Default::default(),
            tuning: self.tuning.clone(),
        };
        let parts = BrokerParts {
            store: self.store.clone(),
            objects,
            keys,
            blocks: self.shared.blocks.clone(),
            sealed_logs: self.sealed_logs(&spec.cluster),
            runtime: self.runtime.clone(),
            disk: Arc::new(LocalDisk),
            memory: self.shared.memory.clone(),
            connections: self.shared.connections.clone(),
            authorizer: Box::new(AllowAll),
        };
        Broker::start(config, parts).await.map_err(|error| refusal(spec, &error))
    }
}

/// The error of a broker that did not start, with the command that may help.
fn refusal(spec: &BrokerSpec, error: &StartError) -> ProvisionError {
    match error {
        StartError::Storage(StorageError::LogLost { broker, epoch, .. }) => {
            ProvisionError::new(format!(
                "{error} with: milena broker accept-lost-log {} {broker} {epoch}",
                spec.cluster_name
            ))
        }
        error => ProvisionError::new(error),
    }
}

/// Whether this life of a broker is over.
fn has_ended(broker: &Broker) -> bool {
    broker.ended().now_or_never().is_some()
}

#[async_trait]
impl Provisioner for InProcessBrokers {
    async fn start(&self, spec: &BrokerSpec) -> Result<(), ProvisionError> {
        let slot = self.slot(&spec.cluster, spec.broker);
        let mut running = slot.lock().await;
        if let Some(ended) = running.take_if(|broker| has_ended(broker)) {
            ended.shutdown().await;
        }
        if self.closing.load(Ordering::SeqCst) {
            return Err(ProvisionError::new("milena is stopping; start it again"));
        }
        if running.is_none() {
            *running = Some(self.launch(spec).await?);
        }
        Ok(())
    }

    async fn stop(&self, cluster: &ClusterId, broker: BrokerId) -> Result<(), ProvisionError> {
        let running = self.slot(cluster, broker).lock().await.take();
        if let Some(broker) = running {
            broker.leave().await;
        }
        Ok(())
    }

    async fn kill(&self, cluster: &ClusterId, broker: BrokerId) -> Result<(), ProvisionError> {
        let running = self.slot(cluster, broker).lock().await.take();
        if let Some(broker) = running {
            broker.kill().await.end_registration().await.map_err(ProvisionError::new)?;
        }
        Ok(())
    }

    async fn is_serving(&self, cluster: &ClusterId, broker: BrokerId) -> bool {
        let slot = self.slot(cluster, broker);
        slot.try_lock()
            .is_ok_and(|running| running.as_ref().is_some_and(|broker| !has_ended(broker)))
    }

    async fn remove_data(&self, cluster: &ClusterId) -> Result<(), ProvisionError> {
        self.slots().retain(|(other, _), _| other != cluster);
        self.sealed_logs.lock().expect("nothing panics with the logs").remove(cluster);
        let path = self.data.cluster(cluster);
        let removed = self.runtime.spawn_blocking(move || match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ProvisionError::new(format!("cannot remove {}: {error}", path.display())))
            }
            _ => Ok(()),
        });
        removed.await.map_err(ProvisionError::new)?
    }
}
