//! A broker's life: it registers, opens its logs, takes over what it led before, listens; and the
//! way back.
//!
//! Order at the start: the listening socket is bound first, because the registration names its
//! port; the broker is registered, which ends the life before; its storage seals and replays what
//! the earlier lives left; only then does it take the leadership of its partitions, one leader
//! epoch later; and only when all of them are open does it accept connections. At the end:
//! connections answer what they began, storage closes, the registration ends.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use milena_kafka_config::{ConfigError, EffectiveConfig, KafkaConfig};
use milena_metadata::{
    ClusterMetadata, ImageWatcher, ListenerRecord, MetadataError, MetadataImage, NewBroker,
    Registration,
};
use milena_runtime::{BoxFuture, Runtime};
use milena_storage::{
    BlockCache, Partition, SealedLogs, Storage, StorageConfig, StorageError, disk::Disk,
    encryption::KeyRing, objects::Objects,
};
use milena_store::MetadataStore;
use milena_types::PartitionIndex;
use tokio_util::sync::CancellationToken;

use crate::{
    access::Authorizer,
    api::{ApiParts, ApiSet},
    config::BrokerConfig,
    controller::{
        Controller, ControllerParts, deleted_topics::DeletedTopics, failover::Failover,
        role::ControllerRole,
    },
    coordinators::groups::Groups,
    decisions::StoredDecisions,
    identity::BrokerIdentity,
    kafka_config::{self, BrokerKafkaConfig, server_properties},
    leadership::{
        deletion::delete_leftovers, handoff::Handoff, lifecycle::PartitionLifecycle,
        partitions::PartitionTable, reconcile::LeadershipReconciler, resolve::LeaderResolver,
    },
    net::{
        connection_slots::ConnectionSlots,
        frame::RequestMemory,
        listener::{self, Listener},
        network::{ConnectionLimits, Network},
        sockets::TcpListener,
    },
    shared::BrokerShared,
    topic_ref::TopicRef,
    topics::Topics,
};

/// How long connections get to answer what they began.
const DRAIN_MAX: Duration = Duration::from_millis(1200);
/// How long the tasks of a broker that is killed get to notice.
const KILL_MAX: Duration = Duration::from_millis(500);
/// How long storage gets to put what is in its log into segments; the next start reads the rest
/// back.
const FLUSH_MAX: Duration = Duration::from_millis(400);
/// How long the metadata store gets to hear that the broker leaves.
const DEREGISTER_MAX: Duration = Duration::from_millis(200);

/// What a broker is made of besides its configuration.
pub struct BrokerParts {
    /// The metadata store, shared by all brokers of the process.
    pub store: Arc<dyn MetadataStore>,
    /// The disk that the write-ahead log is on: [`LocalDisk`], or in tests one that fails.
    ///
    /// [`LocalDisk`]: milena_storage::disk::LocalDisk
    pub disk: Arc<dyn Disk>,
    /// The object store.
    pub objects: Objects,
    /// The cluster's data keys.
    pub keys: KeyRing,
    /// The process's cache of segment blocks.
    pub blocks: BlockCache,
    /// Where the write-ahead logs of the cluster's other brokers are, shared by those of the
    /// process: what this broker takes over from.
    pub sealed_logs: SealedLogs,
    /// Clock, randomness, tasks. The broker makes a scope of its own in it.
    pub runtime: Runtime,
    /// Decides what principals may do.
    pub authorizer: Box<dyn Authorizer>,
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("broker cannot listen on {address} ({source}): free the port or configure another")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The metadata store did not do what it was asked.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The logs cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A broker property has a value that is not allowed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The broker was told to stop while it started.
    #[error("the broker was stopped while it started")]
    Stopped,
}

/// A broker whose life has ended, although its registration may not know.
pub struct KilledBroker {
    metadata: ClusterMetadata,
    registration: Registration,
}

impl KilledBroker {
    /// Ends the registration, so that the others take over now and not when its lease runs out.
    pub fn declare_gone(self) -> BoxFuture<'static, Result<(), MetadataError>> {
        Box::pin(async move { self.metadata.deregister(&self.registration).await })
    }
}

/// A running broker.
pub struct Broker {
    shared: Arc<BrokerShared>,
    handoff: Arc<Handoff>,
    address: SocketAddr,
    /// Cancelled when this life of the broker is over, for whatever reason.
    ended: CancellationToken,
}

impl Broker {
    /// Starts a broker; returns when it serves.
    ///
    /// Errors: see [`StartError`]; nothing is left running then.
    pub fn start(
        config: BrokerConfig,
        parts: BrokerParts,
    ) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(Self::start_or_deregister(config, parts))
    }

    async fn start_or_deregister(
        config: BrokerConfig,
        parts: BrokerParts,
    ) -> Result<Self, StartError> {
        let runtime = parts.runtime.child();
        let mut registered = None;
        let started = Self::start_in(config, parts, runtime.clone(), &mut registered).await;
        if started.is_err() {
            runtime.shutdown().await;
            if let Some((metadata, registration)) = registered {
                // Others need not wait for the lease.
                let left =
                    tokio::time::timeout(DEREGISTER_MAX, metadata.deregister(&registration)).await;
                tracing::debug!(?left, "a broker that did not start is registered no more");
            }
        }
        started
    }

    async fn start_in(
        config: BrokerConfig,
        parts: BrokerParts,
        runtime: Runtime,
        registered: &mut Option<(ClusterMetadata, Registration)>,
    ) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen { address: config.listen, source };
        let socket = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = socket.local_addr().map_err(listen)?;
        let metadata =
            ClusterMetadata::new(parts.store.clone(), config.cluster.clone(), runtime.clone());
        let cluster = metadata
            .cluster()
            .await?
            .ok_or_else(|| MetadataError::UnknownCluster(config.cluster.clone()))?;
        let properties = server_properties(&cluster.record.server_properties, &config, address);
        let kafka_config = KafkaConfig::new(config.kafka_version, &properties)?;
        let registration =
            metadata.register_broker(&new_broker(&config, address), config.tuning.lease).await?;
        *registered = Some((metadata.clone(), registration.clone()));
        let ended = CancellationToken::new();
        runtime.spawn(keep_registered(
            metadata.clone(),
            registration.clone(),
            runtime.clone(),
            ended.clone(),
        ));

        let incarnation = cluster.record.incarnation.clone();
        let mut storage = storage_config(
            &config,
            kafka_config.at_start(),
            incarnation,
            &registration,
            parts.keys,
            parts.blocks,
        );
        storage.sealed_logs = parts.sealed_logs;
        let decisions = Arc::new(StoredDecisions::new(parts.store, metadata.storage_prefix()));
        let storage =
            Storage::open_on(storage, parts.disk, parts.objects, decisions, &runtime).await?;
        let storage = Arc::new(storage);
        let taken = metadata.take_leadership(&registration).await?;
        let images = ImageWatcher::start(&metadata, &runtime).await?;
        let image = images.wait_for(taken.revision).await.map_err(|_| StartError::Stopped)?;

        let connections = runtime.child();
        let identity = Arc::new(BrokerIdentity::new(config.cluster.clone(), &registration));
        let partitions = Arc::new(PartitionTable::default());
        let leaders = LeaderResolver::new(
            partitions.clone(),
            images.clone(),
            identity.clone(),
            connections.stopping().clone(),
        );
        let kafka_config = BrokerKafkaConfig::new(kafka_config, identity.id, images.clone());
        let topics =
            Topics::new(metadata.clone(), kafka_config.clone(), leaders.clone(), runtime.clone());
        let groups = Groups::new(
            leaders.clone(),
            kafka_config.at_start(),
            config.tuning.group_log_growth_bytes,
            runtime.clone(),
            connections.stopping().clone(),
        );
        let lifecycle = Arc::new(PartitionLifecycle::new(
            partitions.clone(),
            storage.clone(),
            vec![groups.clone()],
        ));
        let handoff = Arc::new(Handoff::new(
            metadata.clone(),
            registration.clone(),
            leaders.clone(),
            lifecycle.clone(),
            runtime.clone(),
        ));
        let apis = ApiSet::new(ApiParts {
            kafka_version: config.kafka_version,
            broker: identity.id,
            data_dir: config.data_dir.clone(),
            fetch_bytes_max: kafka_config.at_start().fetch_max_bytes(),
            fetch_sessions_max: kafka_config.at_start().max_incremental_fetch_session_cache_slots(),
            metadata: metadata.clone(),
            storage: storage.clone(),
            kafka_config: kafka_config.clone(),
            partitions: partitions.clone(),
            leaders: leaders.clone(),
            topics: topics.clone(),
            groups,
            runtime: runtime.clone(),
            stopping: connections.stopping().clone(),
        });
        let killed = CancellationToken::new();
        let network = Arc::new(Network {
            service: apis,
            cluster: identity.cluster.clone(),
            authorizer: parts.authorizer.into(),
            limits: ConnectionLimits {
                request_bytes_max: kafka_config.at_start().socket_request_max_bytes(),
                idle_max: Duration::from_millis(kafka_config.at_start().connections_max_idle_ms()),
                requests_in_flight_max: config.tuning.connection_requests_in_flight_max,
            },
            slots: ConnectionSlots::default(),
            request_memory: RequestMemory::new(kafka_config::queued_request_bytes_max(
                kafka_config.at_start(),
            )),
            kafka_config: kafka_config.clone(),
            images: images.clone(),
            runtime: connections.clone(),
            killed: killed.clone(),
        });
        let shared = Arc::new(BrokerShared {
            network,
            connections_stopping: connections.stopping().clone(),
            connections,
            config,
            identity,
            metadata,
            images,
            registration,
            storage,
            partitions,
            leaders,
            leaving: runtime.stopping().child_token(),
            killed,
            runtime: runtime.clone(),
            kafka_config,
        });
        let broker = Self { shared, handoff, address, ended };
        broker.serve(socket, &image, lifecycle).await?;
        Ok(broker)
    }

    /// Opens the partitions that `image` says are led here, and listens.
    async fn serve(
        &self,
        socket: TcpListener,
        image: &MetadataImage,
        lifecycle: Arc<PartitionLifecycle>,
    ) -> Result<(), StartError> {
        let Self { shared, handoff, address, ended } = self;
        let runtime = &shared.runtime;
        let undeleted = delete_leftovers(&shared.metadata, &shared.storage).await?;
        let mut reconciler = LeadershipReconciler::new(
            shared.id(),
            shared.leaders.clone(),
            lifecycle,
            handoff.clone(),
            shared.kafka_config.clone(),
            runtime.clone(),
            undeleted,
        );
        reconciler.reconcile(image).await;
        runtime.spawn(reconciler.run());
        runtime.spawn(end_when_over(shared.clone(), ended.clone()));
        self.control();
        let listener = Listener::plaintext(*address);
        runtime.spawn(listener::accept(socket, listener, shared.network.clone()));
        shared.metadata.begin_serving(&shared.registration).await?;
        let (broker, epoch, partitions) = (shared.id(), shared.epoch(), shared.partitions.len());
        tracing::info!(%broker, %epoch, %address, partitions, "broker started");
        Ok(())
    }

    /// Begins what the controller does.
    fn control(&self) {
        let shared = &self.shared;
        let (metadata, images) = (shared.metadata.clone(), shared.images.clone());
        let (storage, runtime) = (shared.storage.clone(), shared.runtime.clone());
        let role = ControllerRole::new(metadata.clone(), shared.registration.clone());
        let deleted_topics = DeletedTopics::new(
            role.clone(),
            metadata.clone(),
            images.clone(),
            storage.clone(),
            runtime.clone(),
        );
        let failover = Failover::new(
            role.clone(),
            metadata.clone(),
            images.clone(),
            storage.clone(),
            runtime.clone(),
            shared.leaving.clone(),
        );
        let controller = Controller::new(ControllerParts {
            broker: shared.id(),
            role,
            failover,
            metadata,
            images,
            storage,
            kafka_config: shared.kafka_config.clone(),
            runtime,
            leaving: shared.leaving.clone(),
            lease: shared.config.tuning.lease,
            leaders_return_after: shared.config.tuning.leaders_return_after,
        });
        shared.runtime.spawn(deleted_topics.run());
        shared.runtime.spawn(controller.run());
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a broker with this data directory has its write-ahead log, for [`SealedLogs`].
    pub fn wal_dir(data_dir: &Path) -> PathBuf {
        data_dir.join("wal")
    }

    /// The newest image of the cluster's records that this broker has.
    pub fn images(&self) -> &ImageWatcher {
        &self.shared.images
    }

    /// Its logs.
    pub fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    /// The log of a partition that is open here, because this broker leads it.
    pub fn open_partition(&self, topic: &str, partition: PartitionIndex) -> Option<Arc<Partition>> {
        let found = self.shared.partitions.find(TopicRef::Name(topic), partition);
        found.map(|found| found.partition)
    }

    /// How many partitions are open here.
    pub fn open_partition_count(&self) -> usize {
        self.shared.partitions.len()
    }

    /// Waits until this life of the broker is over because its registration ended (its lease ran
    /// out, or another process registered the same broker) or its log was sealed. It
    /// acknowledges nothing any more; shut it down and start it again.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Stops in good order while other brokers go on: hands everything it leads over to them, then
    /// stops like [`Broker::shutdown_alone`].
    pub fn shutdown(self) -> BoxFuture<'static, ()> {
        Box::pin(self.hand_over_and_stop())
    }

    async fn hand_over_and_stop(self) {
        let shared = &self.shared;
        shared.leaving.cancel();
        match shared.metadata.end_serving(&shared.registration).await {
            Ok(()) => self.handoff.hand_over_everything(shared.config.tuning.handover_max).await,
            Err(error) => {
                tracing::warn!(%error, broker = %shared.id(), "stopping without handing over")
            }
        }
        self.stop().await;
    }

    /// Ends this life of the broker at once, as a crash would: no answer that is not on its way is
    /// given, nothing is flushed or handed over, and the registration stays. Whoever knows that
    /// it is gone ends that with [`KilledBroker::declare_gone`]; then the others take over.
    pub fn kill(self) -> BoxFuture<'static, KilledBroker> {
        Box::pin(self.stop_at_once())
    }

    async fn stop_at_once(self) -> KilledBroker {
        let shared = &self.shared;
        shared.leaving.cancel();
        shared.killed.cancel();
        shared.connections.stop();
        shared.storage.crash().await;
        shared.runtime.stop();
        let ended = async {
            shared.connections.shutdown().await;
            shared.runtime.shutdown().await;
        };
        let _ = tokio::time::timeout(KILL_MAX, ended).await;
        tracing::info!(broker = %shared.id(), epoch = %shared.epoch(), "broker killed");
        KilledBroker {
            metadata: shared.metadata.clone(),
            registration: shared.registration.clone(),
        }
    }

    /// Stops within 2 s, without handing anything over, as when the whole process stops: no new
    /// requests, answers to those begun, then storage and registration.
    pub fn shutdown_alone(self) -> BoxFuture<'static, ()> {
        Box::pin(self.stop())
    }

    async fn stop(self) {
        let shared = &self.shared;
        shared.leaving.cancel();
        shared.connections.stop();
        if tokio::time::timeout(DRAIN_MAX, shared.connections.shutdown()).await.is_err() {
            tracing::warn!(broker = %shared.id(), "connections did not drain in time and are dropped");
        }
        shared.storage.shutdown(FLUSH_MAX).await;
        let leave = shared.metadata.deregister(&shared.registration);
        match tokio::time::timeout(DEREGISTER_MAX, leave).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the registration was left to its lease"),
            Err(_) => tracing::debug!("the registration was left to its lease"),
        }
        shared.runtime.stop();
        let _ = tokio::time::timeout(DEREGISTER_MAX, shared.runtime.shutdown()).await;
        tracing::info!(broker = %shared.id(), epoch = %shared.epoch(), "broker stopped");
    }
}

fn storage_config(
    config: &BrokerConfig,
    kafka_config: EffectiveConfig<'_>,
    incarnation: String,
    registration: &Registration,
    keys: KeyRing,
    blocks: BlockCache,
) -> StorageConfig {
    let (broker, epoch) = (registration.broker, registration.epoch);
    let wal = Broker::wal_dir(&config.data_dir);
    let mut storage =
        StorageConfig::new(config.cluster.clone(), incarnation, broker, epoch, wal, keys, blocks);
    (storage.memory, storage.flush) = (config.tuning.memory, config.tuning.flush);
    storage.lost_log_accepted = config.lost_log_accepted;
    storage.wal.file_bytes = config.tuning.wal_file_bytes;
    storage.wal.chunk_bytes_max = config.tuning.wal_chunk_bytes_max;
    storage.delete_grace = config.tuning.delete_grace;
    storage.retention_interval =
        Duration::from_millis(kafka_config.log_retention_check_interval_ms());
    if let Some(ms) = kafka_config.producer_id_expiration_ms() {
        storage.producer_expiration = Duration::from_millis(ms);
    }
    storage
}

fn new_broker(config: &BrokerConfig, address: SocketAddr) -> NewBroker {
    let listener = ListenerRecord {
        name: "PLAINTEXT".to_owned(),
        host: config.advertised_host.clone().unwrap_or_else(|| address.ip().to_string()),
        port: config.advertised_port.unwrap_or(address.port()),
    };
    let rack = (!config.zone.is_empty()).then(|| config.zone.clone());
    NewBroker { id: config.broker, listeners: vec![listener], rack }
}

/// Ends this life of the broker when its log was sealed or a later life has registered: it
/// acknowledges nothing more.
async fn end_when_over(broker: Arc<BrokerShared>, ended: CancellationToken) {
    const LOOK_EVERY: Duration = Duration::from_millis(500);
    let (id, epoch) = (broker.id(), broker.epoch());
    loop {
        tokio::select! {
            () = broker.runtime.sleep(LOOK_EVERY) => {}
            () = broker.connections_stopping.cancelled() => return,
        }
        let superseded = broker.image().broker(id).is_some_and(|record| record.epoch > epoch);
        if superseded || broker.storage.is_sealed() {
            let reason =
                if superseded { "a later life has registered" } else { "its log is sealed" };
            tracing::error!(broker = %id, %epoch, reason, "this life of the broker is over");
            ended.cancel();
            return;
        }
    }
}

/// Keeps the lease. Ends with the registration.
async fn keep_registered(
    metadata: ClusterMetadata,
    registration: Registration,
    runtime: Runtime,
    ended: CancellationToken,
) {
    let every = registration.ttl / 3;
    loop {
        tokio::select! {
            () = runtime.sleep(every) => {}
            () = runtime.stopping().cancelled() => return,
        }
        match metadata.keep_alive(&registration).await {
            Ok(()) => {}
            Err(error @ MetadataError::Superseded { .. }) => {
                tracing::error!(%error, "this life of the broker is over");
                ended.cancel();
                return;
            }
            // The lease lapses without consequence unless somebody acts on it; then the next
            // attempt tells.
            Err(error) => {
                tracing::warn!(%error, "the broker's lease could not be renewed; trying again")
            }
        }
    }
}
