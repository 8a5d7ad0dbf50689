//! A cluster of brokers in this process, in a temporary directory, on ports that the system
//! chooses.

use std::{collections::BTreeMap, future::Future, path::PathBuf, sync::Arc, time::Duration};

use milena_broker::{
    AllowAll, Broker, BrokerConfig, BrokerParts, BrokerTuning, ConnectionPool, MemoryShares,
    SharedMemory,
};
use milena_metadata::{ClusterMetadata, ClusterRecord, NewTopic, Placement};
use milena_runtime::Runtime;
use milena_storage::{
    BlockCache, SealedLogs,
    disk::{Disk, LocalDisk, MemoryDisk},
    encryption::{DataKey, KeyId, KeyRing},
    objects::Objects,
};
use milena_store::{EmbeddedOptions, EmbeddedStore, FaultyStore, MetadataStore};
use milena_types::{BrokerId, ClusterId, PartitionIndex, TopicId};
use tempfile::TempDir;

use crate::wire::Client;

/// How long a test waits for anything.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Zones of the brokers, in turn.
const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];

/// A running cluster. Dropping it is a crash; [`Cluster::stop`] is a shutdown.
pub struct Cluster {
    pub metadata: ClusterMetadata,
    pub runtime: Runtime,
    store: Arc<dyn MetadataStore>,
    /// The store, if it is the embedded one.
    embedded: Option<Arc<EmbeddedStore>>,
    id: ClusterId,
    kafka_version: String,
    tuning: BrokerTuning,
    disk: Option<MemoryDisk>,
    objects: Option<Objects>,
    memory: SharedMemory,
    kafka_config: BTreeMap<String, String>,
    brokers: BTreeMap<i32, Broker>,
    blocks: BlockCache,
    sealed_logs: SealedLogs,
    dir: TempDir,
}

pub struct ClusterOptions {
    pub brokers: i32,
    pub kafka_version: &'static str,
    pub tuning: BrokerTuning,
    /// The disk of the write-ahead logs; none: a real one.
    pub disk: Option<MemoryDisk>,
    /// The metadata store; none: an embedded one.
    pub store: Option<FaultyStore>,
    /// The object store; none: a directory.
    pub objects: Option<Objects>,
    pub memory: MemoryShares,
    pub kafka_config: BTreeMap<String, String>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            brokers: 3,
            kafka_version: "3.9",
            tuning: BrokerTuning::default(),
            disk: None,
            store: None,
            objects: None,
            memory: MemoryShares::default(),
            kafka_config: BTreeMap::new(),
        }
    }
}

/// See [`Cluster::block_objects`].
pub struct BlockedObjects {
    blocked: PathBuf,
    aside: PathBuf,
}

impl Drop for BlockedObjects {
    fn drop(&mut self) {
        std::fs::remove_file(&self.blocked).expect("it was made");
        if self.aside.is_dir() {
            std::fs::rename(&self.aside, &self.blocked).expect("moved back");
        }
    }
}

impl Cluster {
    /// Three brokers of Kafka 3.9 (which has versions old and new of most APIs).
    pub async fn start() -> Self {
        Self::start_with(ClusterOptions::default()).await
    }

    /// One broker, for tests that need no more.
    pub async fn single() -> Self {
        Self::start_with(ClusterOptions { brokers: 1, ..ClusterOptions::default() }).await
    }

    /// One broker of a Kafka version.
    pub async fn of_version(kafka_version: &'static str) -> Self {
        Self::start_with(ClusterOptions { brokers: 1, kafka_version, ..ClusterOptions::default() })
            .await
    }

    /// One broker with this configuration.
    pub async fn single_with(kafka_config: &[(&str, &str)]) -> Self {
        let kafka_config =
            kafka_config.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let kafka_config = kafka_config.collect();
        Self::start_with(ClusterOptions { brokers: 1, kafka_config, ..ClusterOptions::default() })
            .await
    }

    /// A cluster as the options say.
    pub async fn start_with(options: ClusterOptions) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let runtime = Runtime::system();
        let (store, embedded): (Arc<dyn MetadataStore>, _) = match options.store {
            Some(store) => (Arc::new(store), None),
            None => {
                let options = EmbeddedOptions::new(dir.path().join("metadata.redb"));
                let store = EmbeddedStore::open(options, &runtime).expect("the store opens");
                let store = Arc::new(store);
                (store.clone(), Some(store))
            }
        };
        let id = ClusterId::from_uuid(milena_protocol::Uuid::from_u128(runtime.random_u128()));
        let metadata = ClusterMetadata::new(store.clone(), id.clone(), runtime.clone());
        let record = ClusterRecord {
            kafka_version: options.kafka_version.to_owned(),
            incarnation: "i1".to_owned(),
            wrapped_data_key: Vec::new(),
            server_properties: BTreeMap::new(),
            zones: ZONES.map(str::to_owned).to_vec(),
            created_ms: 0,
        };
        metadata.create_cluster(&record).await.expect("the cluster is new");
        let path = dir.path().to_owned();
        let wal_dir =
            move |broker: BrokerId| Broker::wal_dir(&path.join(format!("broker-{broker}")));
        let sealed_logs = SealedLogs::new(disk(options.disk.as_ref()), wal_dir);
        let mut cluster = Self {
            metadata,
            runtime,
            store,
            embedded,
            id,
            kafka_version: options.kafka_version.to_owned(),
            tuning: options.tuning,
            disk: options.disk,
            objects: options.objects,
            memory: SharedMemory::new(options.memory),
            kafka_config: options.kafka_config,
            brokers: BTreeMap::new(),
            blocks: BlockCache::new(8 << 20),
            sealed_logs,
            dir,
        };
        for broker in 1..=options.brokers {
            cluster.start_broker(broker).await;
        }
        // From here on nothing moves by itself.
        let images = cluster.any().images().clone();
        let settled =
            images.wait_until(|image| image.nodes().values().all(|node| !node.below_quota));
        tokio::time::timeout(DEADLINE, settled)
            .await
            .expect("in time")
            .expect("the images are kept");
        cluster.agreed().await;
        cluster
    }

    /// Starts a broker that is not running.
    pub async fn start_broker(&mut self, broker: i32) {
        let config = BrokerConfig {
            cluster: self.id.clone(),
            broker: BrokerId(broker),
            zone: ZONES[(broker as usize - 1) % ZONES.len()].to_owned(),
            kafka_version: self.kafka_version.parse().expect("a Kafka version"),
            data_dir: self.dir.path().join(format!("broker-{broker}")),
            lost_log_accepted: None,
            listen: "127.0.0.1:0".parse().expect("an address"),
            advertised_host: None,
            advertised_port: None,
            kafka_config: self.kafka_config.clone(),
            tuning: self.tuning.clone(),
        };
        let key = DataKey::new(KeyId(1), [7; 32]);
        let parts = BrokerParts {
            store: self.store.clone(),
            objects: self.objects.clone().unwrap_or_else(|| {
                Objects::in_directory(&self.dir.path().join("objects"))
                    .expect("a directory of objects")
            }),
            keys: KeyRing::new(key, Vec::new()),
            blocks: self.blocks.clone(),
            sealed_logs: self.sealed_logs.clone(),
            runtime: self.runtime.clone(),
            disk: disk(self.disk.as_ref()),
            memory: self.memory.clone(),
            connections: ConnectionPool::default(),
            authorizer: Box::new(AllowAll),
        };
        let started = Broker::start(config, parts).await.expect("the broker starts");
        self.brokers.insert(broker, started);
    }

    /// A client of the brokers that run now.
    pub fn client(&self) -> milena_client::Client {
        let addresses: Vec<String> =
            self.brokers.values().map(|broker| broker.address().to_string()).collect();
        let config = milena_client::ClientConfig::new(&addresses.join(","));
        milena_client::Client::new(config, self.runtime.clone())
    }

    /// A partition's record as the brokers see it.
    pub fn partition(&self, topic: &str, partition: i32) -> milena_metadata::PartitionImage {
        let image = self.any().images().current();
        let topic = image.topic(topic).expect("the topic exists");
        topic.partition(PartitionIndex(partition)).expect("the partition exists").clone()
    }

    /// The partition of `__consumer_offsets` that a group is in.
    pub fn any_partition_of_group(&self, group: &str) -> i32 {
        let count = self
            .any()
            .images()
            .current()
            .topic("__consumer_offsets")
            .expect("it exists")
            .partition_count();
        let hash =
            group.bytes().fold(0_i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        hash.abs() % count
    }

    /// The id of a topic.
    pub fn any_topic_id(&self, topic: &str) -> TopicId {
        self.any().images().current().topic(topic).expect("the topic exists").id()
    }

    /// Sets the wanted leader of partitions of a topic.
    pub async fn request_leader(
        &self,
        topic: &str,
        partitions: impl Iterator<Item = i32>,
        target: i32,
    ) {
        self.agreed().await;
        let image = self.any().images().current();
        let topic = image.topic(topic).expect("the topic exists");
        let change = |partition: i32| {
            let partition = PartitionIndex(partition);
            let mut record = milena_metadata::PartitionRecord::from(
                topic.partition(partition).expect("it exists"),
            );
            record.wanted_leader = Some(BrokerId(target));
            let partition = milena_types::TopicPartition { topic: topic.id(), partition };
            milena_metadata::PartitionChange { partition, record }
        };
        let changes: Vec<_> = partitions.map(change).collect();
        let applied =
            self.metadata.change_partitions(&[], &changes).await.expect("the store works");
        assert_eq!(applied.partitions.len(), changes.len());
    }

    /// Waits until a broker leads a partition and serves it.
    pub async fn led_by(&self, topic: &str, partition: i32, broker: i32) {
        eventually("another broker leads", || async {
            self.broker(broker).open_partition(topic, PartitionIndex(partition)).is_some()
        })
        .await;
        self.agreed().await;
    }

    /// Waits until all brokers know what any of them knows now.
    pub async fn agreed(&self) {
        let images = || self.brokers.values().map(|broker| broker.images());
        let newest =
            images().map(|images| images.current().revision()).max().expect("a broker runs");
        for images in images() {
            images.wait_for(newest).await.expect("the images are kept");
        }
    }

    /// Makes partitions of a topic fail to open.
    pub async fn break_manifests(&self, topic: TopicId, partitions: std::ops::Range<i32>) {
        let prefix = milena_metadata::storage_prefix(&self.id);
        for partition in partitions {
            let key = format!("{prefix}manifests/{}/{partition}", topic.0.simple());
            let put = milena_store::Txn::new().put(key, "not a manifest");
            let _ = self.store.txn(put).await.expect("the store works");
        }
    }

    /// Lets no object be written until the returned guard is dropped.
    pub fn block_objects(&self) -> BlockedObjects {
        let objects = self.dir.path().join("objects");
        let (blocked, aside) = (objects.join("i1"), objects.join("aside"));
        if blocked.is_dir() {
            std::fs::rename(&blocked, &aside).expect("moved aside");
        }
        std::fs::write(&blocked, b"").expect("a file where a directory is needed");
        BlockedObjects { blocked, aside }
    }

    /// The files of a kind of objects, by name.
    pub fn object_files(&self, kind: &str) -> Vec<PathBuf> {
        let (mut found, mut dirs) =
            (Vec::new(), vec![self.dir.path().join("objects/i1").join(kind)]);
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { &mut dirs } else { &mut found }.push(path);
            }
        }
        found.sort();
        found
    }

    /// Kills a broker, and ends its registration.
    pub async fn kill_broker(&mut self, broker: i32) {
        let killed = self.brokers.remove(&broker).expect("the broker runs").kill().await;
        killed.end_registration().await.expect("the metadata store hears of it");
    }

    /// Kills a broker while the metadata store is away, which comes back then.
    pub async fn kill_broker_without(&mut self, store: &FaultyStore, broker: i32) {
        let killed = self.brokers.remove(&broker).expect("the broker runs").kill().await;
        store.set_unavailable(false);
        killed.end_registration().await.expect("the metadata store hears of it");
    }

    /// Stops a broker in good order.
    pub async fn stop_broker(&mut self, broker: i32) {
        self.brokers.remove(&broker).expect("the broker runs").leave().await;
    }

    /// Stops and starts a broker: a new life on the same directory.
    pub async fn restart_broker(&mut self, broker: i32) {
        self.stop_broker(broker).await;
        self.start_broker(broker).await;
    }

    /// Stops all brokers in good order.
    pub async fn stop(mut self) {
        let brokers = std::mem::take(&mut self.brokers);
        futures_util::future::join_all(brokers.into_values().map(Broker::shutdown)).await;
        if let Some(store) = &self.embedded {
            store.close().await;
        }
    }

    /// How many files a broker's write-ahead log has.
    pub fn wal_files(&self, broker: i32) -> usize {
        let dir = self.dir.path().join(format!("broker-{broker}/wal"));
        let names = std::fs::read_dir(dir).expect("the directory of the log");
        let names = names.map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".wal")).count()
    }

    /// A running broker.
    pub fn broker(&self, broker: i32) -> &Broker {
        &self.brokers[&broker]
    }

    /// The cluster's id.
    pub fn id(&self) -> &ClusterId {
        &self.id
    }

    /// A new connection to a broker.
    pub async fn connect(&self, broker: i32) -> Client {
        Client::connect(self.broker(broker).address()).await
    }

    /// A new connection to the leader of a partition.
    pub async fn connect_to_leader(&self, topic: &str, partition: i32) -> Client {
        self.connect(self.leader(topic, partition)).await
    }

    /// The broker that leads a partition.
    pub fn leader(&self, topic: &str, partition: i32) -> i32 {
        let image = self.any().images().current();
        let topic = image.topic(topic).expect("the topic exists");
        topic.partition(PartitionIndex(partition)).expect("the partition exists").leader.0
    }

    /// A broker that does not lead a partition.
    pub fn follower(&self, topic: &str, partition: i32) -> i32 {
        let leader = self.leader(topic, partition);
        *self.brokers.keys().find(|id| **id != leader).expect("more than one broker")
    }

    pub fn any(&self) -> &Broker {
        self.brokers.values().next().expect("a broker runs")
    }

    /// Creates a topic with one replica per zone; returns when all brokers know it and its leaders
    /// serve it.
    pub async fn create_topic(&self, name: &str, partitions: i32) -> TopicId {
        self.create_topic_with(name, partitions, &[]).await
    }

    /// Creates a topic with configuration.
    pub async fn create_topic_with(
        &self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> TopicId {
        let replication_factor = self.brokers.len().min(3) as i16;
        let topic = NewTopic {
            name: name.parse().expect("a topic name"),
            placement: Placement::Spread { partitions, replication_factor },
            configs: configs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        let created = self.metadata.create_topic(&topic).await.expect("the topic is created");
        for broker in self.brokers.values() {
            broker.images().wait_for(created.revision).await.expect("the image follows");
        }
        self.served(name, partitions).await;
        created.id
    }

    /// Waits until the leaders of all partitions of a topic serve them.
    pub async fn served(&self, topic: &str, partitions: i32) {
        eventually("the partitions are served", || async {
            (0..partitions).all(|partition| {
                let leader = self.broker(self.leader(topic, partition));
                leader.open_partition(topic, PartitionIndex(partition)).is_some()
            })
        })
        .await;
    }
}

/// The disk of a process of its own.
fn disk(memory: Option<&MemoryDisk>) -> Arc<dyn Disk> {
    memory.map_or_else(|| Arc::new(LocalDisk) as Arc<dyn Disk>, MemoryDisk::process)
}

/// Waits until a condition holds; fails after [`DEADLINE`].
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let check = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, check).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
