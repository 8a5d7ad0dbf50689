//! Starting a broker: the one place where its parts are made and given to each other.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use milena_kafka_config::{EffectiveConfig, KafkaConfig};
use milena_metadata::{
    ClusterMetadata, ImageWatcher, ListenerRecord, MetadataError, MetadataImage, NewBroker,
    Registration,
};
use milena_runtime::{BoxFuture, LogLimit, Runtime};
use milena_storage::{BlockCache, Storage, StorageConfig, StorageError, encryption::KeyRing};
use milena_store::Keyspace;

use super::{
    life::{Broker, BrokerParts, Scopes, StartError},
    registration::{keep_registered, reason_of_end, watch_for_end},
};
use crate::{
    access::Authorizer,
    api::{ApiParts, ApiSet},
    config::BrokerConfig,
    controller::{
        Controller, ControllerParts, absent_brokers::AbsentBrokers, deleted_topics::DeletedTopics,
        failover::Failover, role::ControllerRole,
    },
    coordinators::groups::Groups,
    identity::BrokerIdentity,
    kafka_config::{BrokerKafkaConfig, with_broker_properties},
    leadership::{
        deletion::DeletionQueue,
        handoff::Handoff,
        lifecycle::{PartitionLifecycle, lives},
        partitions::LedPartitions,
        reconcile::LeadershipReconciler,
        resolve::LeaderResolver,
    },
    memory::{SharedMemory, requests::RequestMemory},
    net::{
        accept::accept,
        connection_slots::{ConnectionPool, ConnectionSlots},
        listener::Listener,
        network::{ConnectionLimits, Network},
        sockets::TcpListener,
    },
    topics::Topics,
    tuning::SHUTDOWN_LIMITS,
};

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
        let started = start_in(config, parts, runtime.clone(), &mut registered).await;
        if started.is_err() {
            runtime.shutdown().await;
            if let Some((metadata, registration)) = registered {
                // Others need not wait for the lease.
                let leave = metadata.deregister(&registration);
                let left = tokio::time::timeout(SHUTDOWN_LIMITS.deregister, leave).await;
                tracing::debug!(?left, "a broker that did not start is registered no more");
            }
        }
        started
    }
}

/// Starts a broker whose tasks are in `runtime`. What is left when this fails: those tasks, and the
/// registration in `registered`.
async fn start_in(
    config: BrokerConfig,
    parts: BrokerParts,
    runtime: Runtime,
    registered: &mut Option<(ClusterMetadata, Registration)>,
) -> Result<Broker, StartError> {
    let listen = |source| StartError::Listen { address: config.listen, source };
    let socket = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = socket.local_addr().map_err(listen)?;
    let metadata =
        ClusterMetadata::new(parts.store.clone(), config.cluster.clone(), runtime.clone());
    let cluster = metadata
        .cluster()
        .await?
        .ok_or_else(|| MetadataError::UnknownCluster(config.cluster.clone()))?
        .value;
    let properties = with_broker_properties(&cluster.server_properties, &config, address);
    let kafka_config = KafkaConfig::new(config.kafka_version, &properties)?;
    let registration =
        metadata.register_broker(&new_broker(&config, address), config.tuning.lease).await?;
    *registered = Some((metadata.clone(), registration.clone()));
    let scopes = Scopes::new(runtime);
    let runtime = &scopes.runtime;
    runtime.spawn_vital(keep_registered(
        metadata.clone(),
        registration.clone(),
        runtime.clone(),
        scopes.connections.stopping().clone(),
        scopes.ended.clone(),
    ));

    let mut storage = storage_config(
        &config,
        kafka_config.at_start(),
        cluster.incarnation,
        &registration,
        parts.keys,
        parts.blocks,
    );
    storage.sealed_logs = parts.sealed_logs;
    storage.pool = parts.memory.records.clone();
    let keyspace = Keyspace::new(parts.store, metadata.storage_prefix());
    let storage = Storage::open(storage, parts.disk, parts.objects, keyspace, runtime).await?;
    let lives = lives(&storage).await.map_err(StorageError::from)?;
    let taken = metadata.take_leadership(&registration, &lives).await?;
    let images = ImageWatcher::start(&metadata, runtime).await?;
    let image = images.wait_for(taken.revision).await.map_err(|_| StartError::Stopped)?;

    let foundation = Foundation {
        identity: Arc::new(BrokerIdentity::new(config.cluster.clone(), &registration)),
        kafka_config: BrokerKafkaConfig::new(kafka_config, config.broker, images.clone()),
        config,
        address,
        metadata,
        registration,
        images,
        storage: Arc::new(storage),
        memory: parts.memory,
        connections: parts.connections,
        scopes,
    };
    foundation.serve(socket, &image, parts.authorizer).await
}

/// A broker that is registered and whose logs are open. The other parts are made from it.
struct Foundation {
    config: BrokerConfig,
    address: SocketAddr,
    metadata: ClusterMetadata,
    registration: Registration,
    identity: Arc<BrokerIdentity>,
    images: ImageWatcher,
    storage: Arc<Storage>,
    kafka_config: BrokerKafkaConfig,
    memory: SharedMemory,
    connections: ConnectionPool,
    scopes: Scopes,
}

/// The parts that lead partitions, and the coordinators on them.
struct Leadership {
    partitions: Arc<LedPartitions>,
    leaders: LeaderResolver,
    groups: Arc<Groups>,
    lifecycle: Arc<PartitionLifecycle>,
    handoff: Arc<Handoff>,
}

impl Foundation {
    /// Opens the partitions that `image` says are led here, then listens.
    async fn serve(
        self,
        socket: TcpListener,
        image: &MetadataImage,
        authorizer: Box<dyn Authorizer>,
    ) -> Result<Broker, StartError> {
        let runtime = &self.scopes.runtime;
        let Leadership { partitions, leaders, groups, lifecycle, handoff } = self.leadership();
        let deletions = DeletionQueue::start(self.metadata.clone(), lifecycle.clone(), runtime);
        let mut reconciler = LeadershipReconciler::new(
            self.identity.id,
            leaders.clone(),
            lifecycle,
            handoff.clone(),
            self.kafka_config.clone(),
            runtime.clone(),
            deletions,
        );
        reconciler.reconcile(image).await;
        runtime.spawn(reconciler.run());
        let (registration, images, storage) =
            (self.registration.clone(), self.images.clone(), self.storage.clone());
        runtime.spawn_vital(watch_for_end(
            self.registration.clone(),
            move || reason_of_end(&registration, &images, &storage),
            runtime.clone(),
            self.scopes.connections.stopping().clone(),
            self.scopes.ended.clone(),
        ));
        self.control();
        let apis = self.apis(partitions.clone(), leaders, groups);
        let network = Arc::new(self.network(apis, authorizer));
        runtime.spawn(accept(socket, Listener::plaintext(self.address), network));
        self.metadata.begin_serving(&self.registration).await?;
        tracing::info!(
            broker = %self.identity.id, epoch = %self.identity.epoch, address = %self.address,
            partitions = partitions.len(), "broker started"
        );
        Ok(Broker {
            address: self.address,
            metadata: self.metadata,
            registration: self.registration,
            images: self.images,
            storage: self.storage,
            partitions,
            handoff,
            handover_max: self.config.tuning.handover_max,
            scopes: self.scopes,
        })
    }

    fn leadership(&self) -> Leadership {
        let runtime = &self.scopes.runtime;
        let stopping = self.scopes.connections.stopping();
        let partitions = Arc::new(LedPartitions::default());
        let leaders = LeaderResolver::new(
            partitions.clone(),
            self.images.clone(),
            self.identity.clone(),
            stopping.clone(),
        );
        let groups = Groups::new(
            leaders.clone(),
            self.kafka_config.fixed_at_start(),
            self.config.tuning.group_log_growth_bytes,
            self.memory.groups.clone(),
            runtime.clone(),
            stopping.clone(),
        );
        let lifecycle = Arc::new(PartitionLifecycle::new(
            partitions.clone(),
            self.storage.clone(),
            vec![groups.clone()],
        ));
        let handoff = Arc::new(Handoff::new(
            self.metadata.clone(),
            self.registration.clone(),
            leaders.clone(),
            lifecycle.clone(),
            runtime.clone(),
        ));
        Leadership { partitions, leaders, groups, lifecycle, handoff }
    }

    /// Starts the tasks of the controller, which act while this broker is it.
    fn control(&self) {
        let (metadata, images) = (self.metadata.clone(), self.images.clone());
        let (storage, runtime) = (self.storage.clone(), self.scopes.runtime.clone());
        let role = ControllerRole::new(metadata.clone(), self.registration.clone());
        let deleted_topics = DeletedTopics::new(
            role.clone(),
            metadata.clone(),
            images.clone(),
            storage.clone(),
            runtime.clone(),
        );
        let absent_brokers =
            AbsentBrokers::new(role.clone(), images.clone(), storage.clone(), runtime.clone());
        let failover = Failover::new(
            role.clone(),
            metadata.clone(),
            images.clone(),
            storage.clone(),
            runtime.clone(),
            self.scopes.leaving.clone(),
        );
        let controller = Controller::new(ControllerParts {
            broker: self.identity.id,
            role,
            failover,
            metadata,
            images,
            storage,
            kafka_config: self.kafka_config.clone(),
            runtime,
            leaving: self.scopes.leaving.clone(),
            lease: self.config.tuning.lease,
            leaders_return_after: self.config.tuning.leaders_return_after,
        });
        self.scopes.runtime.spawn(deleted_topics.run());
        self.scopes.runtime.spawn(absent_brokers.run());
        self.scopes.runtime.spawn(controller.run());
    }

    fn apis(
        &self,
        partitions: Arc<LedPartitions>,
        leaders: LeaderResolver,
        groups: Arc<Groups>,
    ) -> ApiSet {
        let (runtime, fixed) = (&self.scopes.runtime, self.kafka_config.fixed_at_start());
        let topics = Topics::new(
            self.metadata.clone(),
            self.kafka_config.clone(),
            leaders.clone(),
            runtime.clone(),
        );
        ApiSet::new(ApiParts {
            kafka_version: self.config.kafka_version,
            broker: self.identity.id,
            data_dir: self.config.data_dir.clone(),
            fetch_bytes_max: fixed.fetch_max_bytes(),
            fetch_sessions_max: fixed.max_incremental_fetch_session_cache_slots(),
            session_memory: self.memory.sessions.clone(),
            metadata: self.metadata.clone(),
            storage: self.storage.clone(),
            kafka_config: self.kafka_config.clone(),
            partitions,
            leaders,
            topics,
            groups,
            runtime: runtime.clone(),
            stopping: self.scopes.connections.stopping().clone(),
        })
    }

    fn network(&self, apis: ApiSet, authorizer: Box<dyn Authorizer>) -> Network<ApiSet> {
        let fixed = self.kafka_config.fixed_at_start();
        Network {
            service: Arc::new(apis),
            cluster: self.identity.cluster.clone(),
            authorizer: authorizer.into(),
            limits: ConnectionLimits {
                request_bytes_max: fixed.socket_request_max_bytes(),
                idle_max: Duration::from_millis(fixed.connections_max_idle_ms()),
                requests_in_flight_max: self.config.tuning.connection_requests_in_flight_max,
            },
            slots: ConnectionSlots::new(&self.connections),
            refusals: LogLimit::default(),
            bad_requests: Arc::default(),
            request_memory: request_memory(fixed, &self.memory),
            memory: self.memory.clone(),
            kafka_config: self.kafka_config.clone(),
            images: self.images.clone(),
            runtime: self.scopes.connections.clone(),
            killed: self.scopes.killed.clone(),
        }
    }
}

/// The shared memory of requests, or this broker's own where `queued.max.request.bytes` is set.
fn request_memory(config: EffectiveConfig<'_>, shared: &SharedMemory) -> RequestMemory {
    match usize::try_from(config.queued_max_request_bytes()) {
        Ok(bytes) => RequestMemory::new(bytes),
        Err(_) => shared.requests.clone(),
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
    storage.log.file_bytes = config.tuning.wal_file_bytes;
    storage.log.chunk_bytes_max = config.tuning.wal_chunk_bytes_max;
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
