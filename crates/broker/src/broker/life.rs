//! A running broker and the ways to end it: [`Broker::shutdown`], [`Broker::leave`],
//! [`Broker::kill`].

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use milena_kafka_config::ConfigError;
use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataError, Registration};
use milena_runtime::{BoxFuture, Runtime};
use milena_storage::{
    BlockCache, Partition, SealedLogs, Storage, StorageError, disk::Disk, encryption::KeyRing,
    objects::Objects,
};
use milena_store::MetadataStore;
use milena_types::PartitionIndex;
use tokio_util::sync::CancellationToken;

use crate::{
    access::Authorizer,
    leadership::{handoff::Handoff, partitions::LedPartitions},
    memory::SharedMemory,
    net::connection_slots::ConnectionPool,
    topic_ref::TopicRef,
    tuning::SHUTDOWN_LIMITS,
};

/// How long the tasks of a broker that is killed get to end.
const KILL_MAX: Duration = Duration::from_millis(500);

/// The stores and services that a broker is started with, besides its configuration.
pub struct BrokerParts {
    /// The metadata store, shared by all brokers of the process.
    pub store: Arc<dyn MetadataStore>,
    /// The disk that the write-ahead log is on: [`LocalDisk`], or in tests one that fails.
    ///
    /// [`LocalDisk`]: milena_storage::disk::LocalDisk
    pub disk: Arc<dyn Disk>,
    /// The store of segments, shared by all brokers of the cluster.
    pub objects: Objects,
    /// The cluster's data keys.
    pub keys: KeyRing,
    /// The process's cache of segment blocks.
    pub blocks: BlockCache,
    /// The write-ahead logs of the cluster's other brokers, for takeover. Shared by the brokers of
    /// the process.
    pub sealed_logs: SealedLogs,
    /// Clock, randomness, tasks. The broker makes a scope of its own in it.
    pub runtime: Runtime,
    /// Memory that the brokers of the process share.
    pub memory: SharedMemory,
    /// How many connections they may have together.
    pub connections: ConnectionPool,
    /// Decides what principals may do.
    pub authorizer: Box<dyn Authorizer>,
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("broker cannot listen on {address} ({source}): free the port or configure another")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the broker was stopped while it started")]
    Stopped,
}

/// A broker that was killed. Its registration lasts until its lease runs out.
pub struct KilledBroker {
    metadata: ClusterMetadata,
    registration: Registration,
}

impl KilledBroker {
    /// Ends the registration, so that the others take over now and not when its lease runs out.
    pub fn end_registration(self) -> BoxFuture<'static, Result<(), MetadataError>> {
        Box::pin(async move { self.metadata.deregister(&self.registration).await })
    }
}

/// A running broker: the parts that are needed to end it. Its APIs hold the parts that they use.
pub struct Broker {
    pub(super) address: SocketAddr,
    pub(super) metadata: ClusterMetadata,
    pub(super) registration: Registration,
    pub(super) images: ImageWatcher,
    pub(super) storage: Arc<Storage>,
    pub(super) partitions: Arc<LedPartitions>,
    pub(super) handoff: Arc<Handoff>,
    pub(super) handover_max: Duration,
    pub(super) scopes: Scopes,
}

/// The scopes of tasks, by when they end.
pub(super) struct Scopes {
    /// All tasks of the broker.
    pub(super) runtime: Runtime,
    /// The tasks of its connections.
    pub(super) connections: Runtime,
    /// Cancelled when this life of the broker is about to end: it decides nothing for the cluster
    /// any more.
    pub(super) leaving: CancellationToken,
    /// Cancelled when the broker is killed: its connections end where they are.
    pub(super) killed: CancellationToken,
    /// Cancelled when this life of the broker is over, for any reason.
    pub(super) ended: CancellationToken,
}

impl Scopes {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self {
            connections: runtime.child(),
            leaving: runtime.stopping().child_token(),
            killed: CancellationToken::new(),
            ended: CancellationToken::new(),
            runtime,
        }
    }
}

impl Broker {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The directory of the write-ahead log of a broker with this data directory, for
    /// [`SealedLogs`].
    pub fn wal_dir(data_dir: &Path) -> PathBuf {
        data_dir.join("wal")
    }

    /// The newest image of the cluster's records that this broker has.
    pub fn images(&self) -> &ImageWatcher {
        &self.images
    }

    /// Its logs.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The log of a partition that is open here, because this broker leads it.
    pub fn open_partition(&self, topic: &str, partition: PartitionIndex) -> Option<Arc<Partition>> {
        self.partitions.find(TopicRef::Name(topic), partition).map(|found| found.partition)
    }

    /// How many partitions are open here.
    pub fn open_partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// Waits until this life of the broker is over because its registration ended (its lease ran
    /// out, or another process registered the same broker) or its log was sealed. It acknowledges
    /// nothing any more; shut it down and start it again.
    pub async fn ended(&self) {
        self.scopes.ended.cancelled().await;
    }

    /// Stops while other brokers go on: hands over to them everything it leads, then continues as
    /// [`Broker::shutdown`].
    pub fn leave(self) -> BoxFuture<'static, ()> {
        Box::pin(self.hand_over_and_close())
    }

    async fn hand_over_and_close(self) {
        self.scopes.leaving.cancel();
        match self.metadata.end_serving(&self.registration).await {
            Ok(()) => self.handoff.hand_over_everything(self.handover_max).await,
            Err(error) => {
                let broker = self.registration.broker;
                tracing::warn!(%error, %broker, "stopping without handing over");
            }
        }
        self.drain_and_close().await;
    }

    /// Ends this life of the broker at once, as a crash would: responses that are not being sent
    /// yet are dropped, nothing is flushed or handed over, and the registration stays. The caller
    /// ends it with `KilledBroker::end_registration`; then the others take over.
    pub fn kill(self) -> BoxFuture<'static, KilledBroker> {
        Box::pin(self.crash())
    }

    async fn crash(self) -> KilledBroker {
        let Self { metadata, registration, storage, scopes, .. } = self;
        scopes.leaving.cancel();
        scopes.killed.cancel();
        scopes.connections.stop();
        storage.crash().await;
        scopes.runtime.stop();
        let ended = async {
            scopes.connections.shutdown().await;
            scopes.runtime.shutdown().await;
        };
        let _ = tokio::time::timeout(KILL_MAX, ended).await;
        tracing::info!(broker = %registration.broker, epoch = %registration.epoch, "broker killed");
        KilledBroker { metadata, registration }
    }

    /// Stops within 2 s, without handing anything over, as when the whole process stops: takes no
    /// new requests, sends the responses to those begun, closes storage, ends the registration.
    pub fn shutdown(self) -> BoxFuture<'static, ()> {
        Box::pin(self.drain_and_close())
    }

    async fn drain_and_close(self) {
        let Self { metadata, registration, storage, scopes, .. } = self;
        let (broker, epoch) = (registration.broker, registration.epoch);
        let limits = SHUTDOWN_LIMITS;
        scopes.leaving.cancel();
        scopes.connections.stop();
        if tokio::time::timeout(limits.drain, scopes.connections.shutdown()).await.is_err() {
            tracing::warn!(%broker, "connections did not drain in time and are dropped");
        }
        storage.shutdown(limits.flush).await;
        let deregister = metadata.deregister(&registration);
        match tokio::time::timeout(limits.deregister, deregister).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the registration was left to its lease"),
            Err(_) => tracing::debug!("the registration was left to its lease"),
        }
        scopes.runtime.stop();
        let _ = tokio::time::timeout(limits.join, scopes.runtime.shutdown()).await;
        tracing::info!(%broker, %epoch, "broker stopped");
    }
}
