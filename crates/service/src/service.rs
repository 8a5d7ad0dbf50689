//! The running service: one HTTP endpoint and the supervisor of the reconcilers.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use milena_runtime::{BoxFuture, Runtime};
use milena_security::{credentials::Credentials, local_key::LocalKey, sigv4::Verifier};
use milena_store::MetadataStore;
use tokio::net::TcpListener;

use crate::{
    account::AccountScope,
    addresses::AddressPlan,
    api::{Api, bootstrap_string},
    cluster_store::ClusterStore,
    error::ApiError,
    http_server::{self, Frontend, OwnHosts, Probes, SIGNING_NAME},
    kafka_versions::MskVersion,
    provisioner::Provisioner,
    reconciler::{self, ReconcileContext, RetryPolicy},
    record::{ClusterState, ManagedCluster},
    validation,
    wire::{BrokerNodeGroupInfo, ProvisionedRequest, Tags},
    zones::Zones,
};

/// For a topic operation's requests to brokers.
const KAFKA_TIMEOUT: Duration = Duration::from_secs(15);

/// Settings of a service.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The API's listener.
    pub listen: SocketAddr,
    /// In ARNs and signatures.
    pub region: String,
    /// In ARNs: 12 digits.
    pub account: String,
    /// `None`: requests need no signature, and `listen` must be a loopback address.
    pub credentials: Option<Credentials>,
    pub zones: Zones,
    pub addresses: AddressPlan,
    /// Whether that was asked for: brokers of existing clusters get addresses of it too, where they
    /// have others.
    pub moves_brokers: bool,
}

/// Resources of a service.
pub struct ServiceParts {
    /// The scope of its tasks.
    pub runtime: Runtime,
    /// For its own records and those of the clusters' brokers.
    pub metadata: Arc<dyn MetadataStore>,
    /// Starts and stops brokers.
    pub provisioner: Arc<dyn Provisioner>,
    /// Wraps the clusters' data keys.
    pub local_key: LocalKey,
}

/// The first lines of the process, for one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSummary {
    pub name: String,
    pub arn: String,
    pub state: ClusterState,
    /// Why the cluster is not as it should be.
    pub failure: Option<String>,
    /// `host:port` of up to three brokers; empty until they have addresses.
    pub bootstrap: String,
    /// All its brokers were seen to serve, but for those that were killed on request.
    pub serves: bool,
}

impl From<ManagedCluster> for ClusterSummary {
    fn from(record: ManagedCluster) -> Self {
        Self {
            arn: record.arn(),
            bootstrap: bootstrap_string(&record),
            state: record.state,
            serves: false,
            failure: record.failure.map(|failure| failure.message),
            name: record.name,
        }
    }
}

/// The API and the reconcilers, running.
pub struct Service {
    api: Arc<Api>,
    address: SocketAddr,
    probes: Arc<Probes>,
    moved: Vec<String>,
    provisioner: Arc<dyn Provisioner>,
    runtime: Runtime,
}

impl Service {
    /// Listens, and starts the reconcilers.
    pub fn start(
        config: ServiceConfig,
        parts: ServiceParts,
    ) -> BoxFuture<'static, io::Result<Self>> {
        Box::pin(Self::listen(config, parts))
    }

    async fn listen(config: ServiceConfig, parts: ServiceParts) -> io::Result<Self> {
        if config.credentials.is_none() && !config.listen.ip().is_loopback() {
            let listen = config.listen;
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "an API without signatures may listen on a loopback address only, and {listen} \
                     is none"
                ),
            ));
        }
        let listener = TcpListener::bind(config.listen).await.map_err(|error| {
            let message = format!(
                "cannot listen on {}: {error}; stop what does, or choose another address with \
                 --listen",
                config.listen
            );
            io::Error::new(error.kind(), message)
        })?;
        let address = listener.local_addr()?;
        let runtime = parts.runtime;
        let store = ClusterStore::new(parts.metadata.clone(), runtime.clone());
        let verifier =
            config.credentials.map(|keys| Verifier::new(keys, config.region.clone(), SIGNING_NAME));
        let api = Arc::new(Api {
            runtime: runtime.clone(),
            store: store.clone(),
            scope: AccountScope {
                region: config.region,
                account: config.account,
                zones: config.zones,
            },
            kafka_timeout: KAFKA_TIMEOUT,
            metadata: parts.metadata.clone(),
        });
        let moved = if config.moves_brokers {
            reconciler::move_brokers(&store, &config.addresses).await.map_err(io::Error::other)?
        } else {
            Vec::new()
        };
        let probes = Arc::new(Probes {
            store: store.clone(),
            provisioner: parts.provisioner.clone(),
            started: AtomicBool::new(false),
            own_hosts: own_hosts(address, &config.addresses),
        });
        let context = ReconcileContext {
            runtime: runtime.clone(),
            store,
            metadata: parts.metadata,
            provisioner: parts.provisioner.clone(),
            local_key: parts.local_key,
            addresses: config.addresses,
            retry: RetryPolicy::DEFAULT,
        };
        let frontend = Frontend {
            api: api.clone(),
            verifier,
            probes: probes.clone(),
            runtime: runtime.clone(),
        };
        drop(runtime.spawn(reconciler::supervise(Arc::new(context))));
        drop(runtime.spawn(http_server::serve(Arc::new(frontend), listener)));
        Ok(Self { api, address, probes, moved, provisioner: parts.provisioner, runtime })
    }

    /// The address that the API listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The clusters whose brokers have other addresses than before this start, by name.
    pub fn moved(&self) -> &[String] {
        &self.moved
    }

    /// From now on `/ready` goes by the clusters there are: every one that the start makes is
    /// recorded.
    pub fn set_started(&self) {
        self.probes.started.store(true, Ordering::Release);
    }

    /// The cluster of that name; created with three brokers in three zones if there is none.
    pub fn ensure_cluster<'a>(
        &'a self,
        name: &'a str,
        server_properties: BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<ClusterSummary, ApiError>> {
        Box::pin(self.find_or_create_cluster(name, server_properties))
    }

    async fn find_or_create_cluster(
        &self,
        name: &str,
        server_properties: BTreeMap<String, String>,
    ) -> Result<ClusterSummary, ApiError> {
        if let Some(record) = self.api.store.cluster_named(name).await? {
            return Ok(record.into());
        }
        let subnets = ["a", "b", "c"].map(|zone| format!("subnet-{zone}"));
        let request = ProvisionedRequest {
            broker_node_group_info: Some(BrokerNodeGroupInfo {
                client_subnets: Some(subnets.to_vec()),
                instance_type: Some("kafka.m7g.large".to_owned()),
                ..BrokerNodeGroupInfo::default()
            }),
            kafka_version: Some(MskVersion::RECOMMENDED.name().to_owned()),
            number_of_broker_nodes: Some(3),
            ..ProvisionedRequest::default()
        };
        let api = &self.api;
        let (mut spec, brokers) = validation::cluster_spec(request, &api.scope, "")?;
        spec.server_properties = server_properties;
        Ok(api.create_from(name.to_owned(), Tags::new(), spec, brokers).await?.into())
    }

    /// The cluster of that name, once all its brokers serve, its creation has failed or `wait` has
    /// passed.
    pub fn await_serving<'a>(
        &'a self,
        name: &'a str,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Option<ClusterSummary>, ApiError>> {
        Box::pin(self.poll_until_serving(name, wait))
    }

    async fn poll_until_serving(
        &self,
        name: &str,
        wait: Duration,
    ) -> Result<Option<ClusterSummary>, ApiError> {
        let deadline = self.runtime.monotonic() + wait;
        loop {
            let Some(record) = self.api.store.cluster_named(name).await? else { return Ok(None) };
            let serves = record.state.has_brokers() && self.all_serve(&record).await;
            let is_over = matches!(record.state, ClusterState::Failed | ClusterState::Deleting);
            if serves || is_over || self.runtime.monotonic() >= deadline {
                return Ok(Some(ClusterSummary { serves, ..record.into() }));
            }
            self.runtime.sleep(Duration::from_millis(10)).await;
        }
    }

    /// Those that were killed on request stay down.
    async fn all_serve(&self, record: &ManagedCluster) -> bool {
        let cluster = record.cluster_id();
        for node in record.nodes.iter().filter(|node| !node.down) {
            if !self.provisioner.is_serving(&cluster, node.id).await {
                return false;
            }
        }
        true
    }

    /// All clusters in order of names.
    pub fn clusters(&self) -> BoxFuture<'_, Result<Vec<ClusterSummary>, ApiError>> {
        Box::pin(async {
            Ok(self.api.store.clusters().await?.into_iter().map(ClusterSummary::from).collect())
        })
    }

    /// Accepts no further requests, and waits for those that run and for reconcilers' current
    /// steps. Brokers keep running.
    pub async fn shutdown(&self) {
        self.runtime.shutdown().await;
    }
}

/// The names that requests without signatures may be for, beside the loopback ones.
fn own_hosts(listen: SocketAddr, addresses: &AddressPlan) -> OwnHosts {
    let mut names = vec![listen.ip().to_string()];
    if let AddressPlan::Ports { host, .. } = addresses {
        names.push(host.clone());
    }
    OwnHosts { names }
}
