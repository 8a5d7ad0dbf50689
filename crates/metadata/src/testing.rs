//! Clusters for this crate's tests: records on an embedded store in a directory of their own, or in
//! memory; with the smallest limits that a store may have.

use std::{sync::Arc, time::Duration};

use crate::{
    ClusterMetadata, ClusterRecord, Configs, ListenerRecord, NewBroker, NewTopic, Placement,
    Registration,
};
use milena_runtime::Runtime;
use milena_store::{
    EmbeddedOptions, EmbeddedStore, FaultyStore, Limits, MemoryStore, MetadataStore,
};
use milena_types::{BrokerId, ClusterId, TopicName};
use tempfile::TempDir;

pub(crate) struct TestCluster {
    pub(crate) metadata: ClusterMetadata,
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<dyn MetadataStore>,
    _directory: Option<TempDir>,
}

impl TestCluster {
    pub(crate) async fn new() -> Self {
        Self::on(EmbeddedOptions::new("")).await
    }

    /// A cluster on a store that keeps few bytes of history for watches.
    pub(crate) async fn with_history(history_bytes: usize) -> Self {
        Self::on(EmbeddedOptions { history_bytes, ..EmbeddedOptions::new("") }).await
    }

    /// A cluster on a store in memory.
    pub(crate) async fn in_memory() -> Self {
        let runtime = Runtime::system();
        Self::on_store(Arc::new(MemoryStore::new(&runtime)), runtime, None).await
    }

    /// A cluster on a store that loses answers, and that store.
    pub(crate) async fn on_faulty_store() -> (Self, FaultyStore) {
        let runtime = Runtime::system();
        let store = FaultyStore::new(MemoryStore::new(&runtime));
        (Self::on_store(Arc::new(store.clone()), runtime, None).await, store)
    }

    async fn on(options: EmbeddedOptions) -> Self {
        let directory = TempDir::new().unwrap();
        let runtime = Runtime::system();
        let path = directory.path().join("metadata.redb");
        let (limits, unwatched) = (Limits::MIN, crate::is_storage_key as fn(&str) -> bool);
        let options = EmbeddedOptions { path, limits, unwatched, ..options };
        let store = Arc::new(EmbeddedStore::open(options, &runtime).unwrap());
        Self::on_store(store, runtime, Some(directory)).await
    }

    async fn on_store(
        store: Arc<dyn MetadataStore>,
        runtime: Runtime,
        directory: Option<TempDir>,
    ) -> Self {
        let cluster: ClusterId = "test-cluster".parse().unwrap();
        let metadata = ClusterMetadata::new(store.clone(), cluster, runtime.clone());
        let record = ClusterRecord {
            kafka_version: "3.9.1".to_owned(),
            incarnation: "one".to_owned(),
            wrapped_data_key: vec![1, 2, 255],
            server_properties: Configs::new(),
            zones: vec!["a".to_owned(), "b".to_owned()],
            created_ms: 5,
        };
        metadata.create_cluster(&record).await.unwrap();
        Self { metadata, runtime, store, _directory: directory }
    }

    pub(crate) async fn register(&self, id: i32) -> Registration {
        self.metadata.register_broker(&broker(id), Duration::from_secs(60)).await.unwrap()
    }

    pub(crate) async fn create(
        &self,
        topic: &str,
        partitions: i32,
        replication_factor: i16,
    ) -> crate::CreatedTopic {
        let placement = Placement::Spread { partitions, replication_factor };
        self.metadata.create_topic(&new_topic(topic, placement)).await.unwrap()
    }
}

pub(crate) fn broker(id: i32) -> NewBroker {
    let listener = ListenerRecord {
        name: "PLAINTEXT".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 9092 + id as u16,
    };
    NewBroker {
        id: BrokerId(id),
        listeners: vec![listener],
        rack: Some(format!("zone-{}", id % 3)),
    }
}

pub(crate) fn name(text: &str) -> TopicName {
    text.parse().unwrap()
}

pub(crate) fn new_topic(topic: &str, placement: Placement) -> NewTopic {
    NewTopic { name: name(topic), placement, configs: Configs::new() }
}
