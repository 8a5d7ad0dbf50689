//! Fixtures of storage's tests: a broker's storage over real files in a temporary directory,
//! metadata in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use milena_records::{Batch, BatchBuilder, Compression, NewRecord};
use milena_runtime::Runtime;
use milena_store::{Entry, FaultyStore, Keyspace, Limits, MemoryStore, read_range};
use milena_types::{
    BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionIndex, ProducerEpoch, ProducerId,
    Sequence, Timestamp, TopicId, TopicPartition,
};

use crate::{
    cache::{block_cache::BlockCache, object_cache::ObjectCache},
    catalog::pages::Pages,
    catalog::{
        records::{FlushRecord, ManifestRecord},
        storage_catalog::StorageCatalog,
    },
    chunk::ticket::CommittedAppend,
    disk::{file_system::Disk, local::LocalDisk, memory::MemoryDisk},
    encryption::{DataKey, KeyId, KeyRing},
    objects::store::Objects,
    partition::{
        append::{AppendOptions, Origin},
        bounds::Isolation,
        options::PartitionOptions,
        partition::Partition,
        read::ReadRequest,
    },
    recovery::sealed_logs::SealedLogs,
    segment::batch_spans::batch_spans,
    storage::Storage,
    storage_config::StorageConfig,
};

/// A broker whose storage is opened again and again; and, by other ids, further brokers of the same
/// cluster and process.
pub(crate) struct Broker {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) metadata: FaultyStore,
    pub(crate) runtime: Runtime,
    /// The disk its write-ahead log is on; none: a real one.
    memory: Option<MemoryDisk>,
    /// Of the present process; none yet.
    logs: Option<SealedLogs>,
    /// The newest epoch of any broker.
    pub(crate) epoch: i64,
}

impl Broker {
    pub(crate) fn new() -> Self {
        // As large as the embedded store's: not every transaction here fits into the smallest.
        Self::with_limits(Limits { ops: 16_384, bytes: 16 << 20 })
    }

    /// A broker whose metadata store has these limits.
    pub(crate) fn with_limits(limits: Limits) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let runtime = Runtime::system();
        let metadata = FaultyStore::new(MemoryStore::new(&runtime).with_limits(limits));
        Self { dir, metadata, runtime, memory: None, logs: None, epoch: 0 }
    }

    /// A broker whose write-ahead log is on this disk.
    pub(crate) fn on(disk: &MemoryDisk) -> Self {
        Self { memory: Some(disk.clone()), ..Self::new() }
    }

    /// The configuration of the next broker epoch: small files, no flush unless asked for.
    pub(crate) fn config(&mut self) -> StorageConfig {
        self.config_of(1)
    }

    /// Like [`Broker::config`], for any broker.
    pub(crate) fn config_of(&mut self, broker: i32) -> StorageConfig {
        self.epoch += 1;
        let cluster = "c".parse().expect("a cluster id");
        let (wal, epoch) = (self.dir.path().join(format!("wal/{broker}")), BrokerEpoch(self.epoch));
        let blocks = BlockCache::new(4 << 20);
        let mut config =
            StorageConfig::new(cluster, "inc", BrokerId(broker), epoch, wal, keys(), blocks);
        let (root, disk) = (self.dir.path().join("wal"), self.disk());
        let logs = self.logs.get_or_insert_with(|| {
            SealedLogs::new(disk, move |broker: BrokerId| root.join(broker.to_string()))
        });
        config.sealed_logs = logs.clone();
        config.log.file_bytes = 4 << 20;
        config.log.chunk_bytes_max = 2 << 20;
        config
    }

    /// The disk as the next process sees it.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        self.memory
            .as_ref()
            .map_or_else(|| Arc::new(LocalDisk) as Arc<dyn Disk>, MemoryDisk::process)
    }

    pub(crate) fn objects(&self) -> Objects {
        Objects::in_directory(&self.dir.path().join("objects")).expect("a directory")
    }

    pub(crate) async fn open(&mut self) -> Storage {
        self.open_broker(1).await
    }

    pub(crate) async fn open_broker(&mut self, broker: i32) -> Storage {
        let config = self.config_of(broker);
        self.open_with(config).await
    }

    /// Brokers opened from now on are in another process.
    pub(crate) fn next_process(&mut self) {
        self.logs = None;
    }

    pub(crate) async fn open_with(&self, config: StorageConfig) -> Storage {
        let opened =
            Storage::open(config, self.disk(), self.objects(), self.keyspace(), &self.runtime)
                .await;
        opened.expect("storage opens")
    }

    /// All of the metadata store.
    pub(crate) fn keyspace(&self) -> Keyspace {
        Keyspace::new(Arc::new(self.metadata.clone()), "")
    }

    /// The metadata store's entries below a prefix.
    pub(crate) async fn entries(&self, prefix: &str) -> Vec<Entry> {
        read_range(&self.metadata, prefix).await.expect("available").0
    }

    pub(crate) fn catalog(&self) -> StorageCatalog {
        let (runtime, epoch) = (self.runtime.clone(), BrokerEpoch(self.epoch));
        StorageCatalog::new(self.keyspace(), runtime, BrokerId(1), epoch).without_epoch()
    }
}

pub(crate) fn keys() -> KeyRing {
    KeyRing::new(DataKey::new(KeyId(1), [7; 32]), Vec::new())
}

pub(crate) fn id(partition: i32) -> TopicPartition {
    TopicPartition {
        topic: TopicId(uuid::Uuid::from_u128(9)),
        partition: PartitionIndex(partition),
    }
}

pub(crate) async fn open_partition(
    storage: &Storage,
    partition: i32,
    epoch: i32,
) -> Arc<Partition> {
    let opened = storage
        .open_partition(id(partition), LeaderEpoch(epoch), PartitionOptions::default())
        .await;
    opened.expect("the partition opens")
}

pub(crate) const CLIENT: AppendOptions =
    AppendOptions { leader_epoch: None, now: Timestamp(5_000), origin: Origin::Client };

/// A batch of records with these times, each with its time as its value.
pub(crate) fn batch(times: &[i64]) -> Batch {
    build(times, BatchBuilder::new(Compression::None))
}

/// A batch of an idempotent producer in its epoch 0.
pub(crate) fn sequenced(producer: i64, first_sequence: i32, times: &[i64]) -> Batch {
    let (id, sequence) = (ProducerId(producer), Sequence(first_sequence));
    build(times, BatchBuilder::new(Compression::None).producer(id, ProducerEpoch(0), sequence))
}

/// A batch of a transactional producer in its epoch 0.
pub(crate) fn transactional(producer: i64, first_sequence: i32, times: &[i64]) -> Batch {
    let (id, sequence) = (ProducerId(producer), Sequence(first_sequence));
    let builder = BatchBuilder::new(Compression::None).producer(id, ProducerEpoch(0), sequence);
    build(times, builder.transactional())
}

fn build(times: &[i64], mut builder: BatchBuilder) -> Batch {
    for time in times {
        let value = time.to_string();
        let value = Some(value.as_bytes());
        builder.push(&NewRecord { timestamp: Timestamp(*time), key: None, value, headers: &[] });
    }
    builder.build().expect("a batch")
}

pub(crate) async fn append(partition: &Arc<Partition>, batch: Batch) -> CommittedAppend {
    let accepted = partition.append(&[batch], &CLIENT).expect("accepted");
    accepted.await.expect("committed")
}

/// Every record from `from` on: offset and time, read in steps of `max_bytes`.
pub(crate) async fn read_all(
    partition: &Partition,
    from: i64,
    max_bytes: usize,
) -> Vec<(i64, i64)> {
    let (mut from, mut found) = (Offset(from), Vec::new());
    loop {
        let request =
            ReadRequest { from, max_bytes, at_least_one: true, isolation: Isolation::Uncommitted };
        let data = partition.read(&request).await.expect("a read");
        let before = found.len();
        for part in &data.parts {
            for span in batch_spans(part) {
                let batch =
                    Batch::parse(&part.slice(span.start..span.end())).expect("a whole batch");
                batch.verify_crc().expect("an undamaged batch");
                for record in &batch.records(1 << 20).expect("records") {
                    let record = record.expect("a record");
                    if record.offset >= from {
                        found.push((record.offset.0, record.timestamp.0));
                    }
                }
            }
        }
        if found.len() == before {
            return found;
        }
        from = Offset(found[found.len() - 1].0 + 1);
    }
}

/// The references to each object, by name: from manifests, the pages they name, and flush records.
async fn references(broker: &Broker) -> BTreeMap<String, u32> {
    let entries = broker.entries("").await;
    let (cluster, blocks) = ("c".parse().expect("a cluster id"), BlockCache::new(1 << 20));
    let cache = ObjectCache::new(cluster, blocks, broker.runtime.clone());
    let storage_pages = Pages::new(broker.objects(), keys(), cache, broker.runtime.clone());
    let mut found = BTreeMap::new();
    let mut refer = |object: &str| *found.entry(object.to_owned()).or_default() += 1;
    for entry in entries {
        if entry.key.starts_with("manifests/") {
            let record: ManifestRecord =
                serde_json::from_slice(&entry.versioned.value).expect("a manifest");
            for page in &record.pages {
                refer(&page.object);
                let listed = storage_pages.read(page).await.expect("a page");
                listed.iter().for_each(|segment| refer(&segment.object));
            }
            record.segments.iter().for_each(|segment| refer(&segment.object));
            let snapshot = record.producers.and_then(|snapshot| snapshot.object);
            snapshot.iter().for_each(|object| refer(object));
        } else if entry.key.starts_with("flushes/") {
            let record: FlushRecord =
                serde_json::from_slice(&entry.versioned.value).expect("a flush record");
            record.parts.iter().for_each(|_| refer(&record.object));
        }
    }
    found
}

/// Checks that the count of each object is that of its references, that everything referred to is
/// in the store, and that everything in the store is referred to, announced, or known as garbage.
/// The number of objects in the store.
pub(crate) async fn check_references(broker: &Broker) -> usize {
    let references = references(broker).await;
    let named = async |prefix: &str| {
        let entries = broker.entries(prefix).await;
        let named = entries
            .into_iter()
            .map(|entry| (entry.key[prefix.len()..].to_owned(), entry.versioned.value));
        named.collect::<BTreeMap<_, _>>()
    };
    let counted = named("objects/").await;
    let counts = counted.iter().map(|(object, record)| {
        let record: serde_json::Value = serde_json::from_slice(record).expect("a record");
        (object.clone(), record["references"].as_u64().expect("a count") as u32)
    });
    assert_eq!(counts.collect::<BTreeMap<_, _>>(), references, "counts and references");
    let (uploads, garbage) = (named("uploads/").await, named("garbage/").await);
    let stored = stored_objects(&broker.dir.path().join("objects"));
    for object in references.keys() {
        assert!(stored.contains(object), "{object} is referred to and not in the store");
    }
    for object in &stored {
        let known =
            [&counted, &uploads, &garbage].iter().filter(|of| of.contains_key(object)).count();
        assert_eq!(
            known, 1,
            "{object} is in the store: announced, referred to, or garbage, one of them"
        );
    }
    stored.len()
}

pub(crate) fn stored_objects(dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("below the directory");
                found.insert(name.to_str().expect("text").to_owned());
            }
        }
    }
    found
}

/// Waits for a condition that must come true.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached).await.expect(what);
}
