//! A whole Milena in one process: opens the data directory, starts the service and with it the
//! brokers, prints how to reach them, and stops in good order.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use milena_broker::{BrokerTuning, ConnectionPool, SHUTDOWN_LIMITS, SharedMemory};
use milena_runtime::Runtime;
use milena_security::{credentials::Credentials, local_key::LocalKey};
use milena_service::{
    API_DRAIN_MAX, ClusterState, ClusterSummary, Service, ServiceConfig, ServiceParts, Zones,
};
use milena_storage::BlockCache;
use milena_store::{EmbeddedOptions, EmbeddedStore, MetadataStore};
use tokio::time::timeout;

use crate::{
    brokers::{InProcessBrokers, SharedResources},
    data_dir::DataDir,
    descriptors,
    executors::Executors,
    settings::Settings,
};

/// The cluster that newcomers find.
const DEMO: &str = "demo";
/// Produce waits while more than this many times the flush size is unflushed; one of them is then
/// being written.
const UNFLUSHED_TO_FLUSH: u64 = 3;
/// How long the first lines wait for all clusters to serve. Of one that does not by then they print
/// the state.
const READY_WAIT: Duration = Duration::from_secs(10);
/// How long everything together has to stop. With what follows (threads end, the process exits) it
/// is below the 2 s that are promised.
const STOP_WAIT: Duration = Duration::from_millis(1900);
/// The part of [`STOP_WAIT`] for steps without a limit of their own: sealing the brokers' logs, and
/// closing the metadata store.
const UNLIMITED_STEPS: Duration = Duration::from_millis(100);

/// The service and the brokers stop at the same time, the metadata store after them.
const _: () = {
    let left = STOP_WAIT.as_millis() - UNLIMITED_STEPS.as_millis();
    assert!(SHUTDOWN_LIMITS.total().as_millis() <= left, "a broker has too long to stop");
    assert!(API_DRAIN_MAX.as_millis() <= left, "the API has too long to stop");
};

/// Serves until a signal says to stop.
pub(crate) fn run(settings: Settings) -> anyhow::Result<()> {
    // What is made from here on is its owner's alone, also in a directory that was there before.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let executors = Executors::start(settings.threads).context("cannot start worker threads")?;
    let runtime = Runtime::system().with_executors(executors.handles());
    let serving: Pin<Box<dyn Future<Output = anyhow::Result<()>>>> =
        Box::pin(serve(settings, runtime));
    executors.run(serving)
}

async fn serve(settings: Settings, runtime: Runtime) -> anyhow::Result<()> {
    // From here on a signal no longer ends the process: one that comes during the start waits in
    // `signals` until the start is over, and then everything stops in good order.
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let installation = Installation::start(&settings, &runtime).await?;
    let outcome = tokio::select! {
        outcome = installation.print_addresses(&settings) => match outcome {
            Ok(()) => {
                signals.wait().await;
                Ok(())
            }
            failed => failed,
        },
        () = signals.wait() => Ok(()),
    };
    let stopped = tokio::select! {
        stopped = timeout(STOP_WAIT, installation.stop()) => stopped.is_ok(),
        // A second signal stops at once.
        () = signals.wait() => false,
    };
    if !stopped {
        tracing::warn!(
            "not everything stopped in time; acknowledged records are safe, and the next start \
             recovers"
        );
    }
    outcome
}

/// Everything that runs.
struct Installation {
    data: Arc<DataDir>,
    store: Arc<EmbeddedStore>,
    brokers: Arc<InProcessBrokers>,
    service: Service,
    /// The access key to show, if requests must be signed.
    access_key: Option<String>,
    runtime: Runtime,
}

impl Installation {
    async fn start(settings: &Settings, runtime: &Runtime) -> anyhow::Result<Self> {
        let data = Arc::new(DataDir::open(settings.data_dir())?);
        let local_key = LocalKey::load_or_create(&data.key(), data.metadata().exists(), runtime)?;
        let credentials = Credentials::load_or_create(&data.credentials(), runtime)?;
        let options = EmbeddedOptions {
            unwatched: milena_metadata::is_storage_key,
            ..EmbeddedOptions::new(data.metadata())
        };
        let store = EmbeddedStore::open(options, runtime);
        let store = Arc::new(store.context(
            "nothing starts without the metadata store; free space, or put the data directory back \
             from a copy",
        )?);
        let metadata: Arc<dyn MetadataStore> = store.clone();
        let blocks = BlockCache::new(settings.cache_mib() << 20);
        let mut tuning = BrokerTuning::default();
        let division = settings.memory();
        tracing::debug!(%division, "the memory of the process is divided");
        tuning.flush.bytes = division.flush_bytes(settings.flush_mib << 20);
        tuning.memory.unflushed_bytes = tuning.flush.bytes * UNFLUSHED_TO_FLUSH;
        let (scope, key) = (runtime.child(), local_key.clone());
        let memory = SharedMemory::new(division.shares());
        let descriptors = descriptors::raise_limit();
        let connections = division.connections().min(descriptors::connections(descriptors));
        tracing::debug!(connections, ?descriptors, "so many connections of clients may be open");
        let connections = ConnectionPool::new(connections);
        let shared = SharedResources { blocks, memory, connections };
        let brokers =
            InProcessBrokers::new(scope, metadata.clone(), data.clone(), key, shared, tuning);
        let brokers = Arc::new(brokers);
        let access_key = (!settings.no_auth).then(|| credentials.default_key().id.clone());
        let config = ServiceConfig {
            listen: settings.listen,
            region: settings.region.clone(),
            account: settings.account.clone(),
            credentials: (!settings.no_auth).then_some(credentials),
            zones: Zones::new(&settings.region, settings.subnets.clone()),
            addresses: settings.addresses()?,
            moves_brokers: settings.says_addresses(),
        };
        let provisioner = brokers.clone();
        let parts = ServiceParts { runtime: runtime.child(), metadata, provisioner, local_key };
        let service = Service::start(config, parts).await?;
        let url = url(service.address());
        if let Err(error) = data.publish_endpoint(&url, &settings.region) {
            // On a full disk, for instance. The commands can do without.
            data.withdraw_endpoint();
            tracing::warn!(%error, "commands do not find this milena without --endpoint {url}");
        }
        Ok(Self { data, store, brokers, service, access_key, runtime: runtime.clone() })
    }

    /// Prints how to reach the API at once, and each cluster as soon as it serves.
    async fn print_addresses(&self, settings: &Settings) -> anyhow::Result<()> {
        self.print(&self.api_lines(settings))?;
        let mut names: Vec<String> =
            self.service.clusters().await?.into_iter().map(|cluster| cluster.name).collect();
        if !settings.no_demo && !names.iter().any(|name| name == DEMO) {
            let properties =
                BTreeMap::from([("auto.create.topics.enable".to_owned(), "true".to_owned())]);
            match self.service.ensure_cluster(DEMO, properties).await {
                Ok(_) => names.insert(0, DEMO.to_owned()),
                // The clusters there are come first; the demo is a courtesy.
                Err(error) => tracing::warn!(%error, "the cluster '{DEMO}' could not be created"),
            }
        }
        self.service.set_started();
        let moved = self.service.moved();
        if !moved.is_empty() {
            let names = moved.join(", ");
            self.print(&format!(
                "The brokers of {names} have moved to where it is set now; \
                 clients need the new addresses:\n"
            ))?;
        }
        let width = names.iter().map(String::len).max().unwrap_or(0);
        let deadline = self.runtime.monotonic() + READY_WAIT;
        let mut is_any_local = names.is_empty();
        for name in &names {
            let left = deadline.saturating_sub(self.runtime.monotonic());
            if let Some(cluster) = self.service.await_serving(name, left).await? {
                self.print(&cluster_line(&cluster, width))?;
                is_any_local |= is_local(&cluster.bootstrap);
            }
        }
        // They may have kept a host that was advertised before.
        if settings.hides_brokers() && is_any_local {
            self.print(
                "\nThe API is reachable from other machines, the brokers are not: for that, \
                 say with --advertise HOST\n\
                 by which name or address clients reach this machine.\n",
            )?;
        }
        if names.is_empty() {
            self.print("There are no clusters; make one with: milena cluster create NAME\n")?;
        }
        self.print("\nStop with Ctrl-C.\n")
    }

    fn api_lines(&self, settings: &Settings) -> String {
        let (version, data, url) =
            (env!("CARGO_PKG_VERSION"), self.data.path().display(), url(self.service.address()));
        let region = &settings.region;
        let mut lines = format!(
            "Milena {version} serves from {data}\n\n\
             MSK API  {url}\n\
             aws CLI  export AWS_ENDPOINT_URL_KAFKA={url}\n\
             \x20        export AWS_DEFAULT_REGION={region}\n"
        );
        let (credentials, indent) = (self.data.credentials(), "         ");
        match &self.access_key {
            Some(id) => {
                let credentials = quoted(&credentials);
                lines += &format!(
                    "{indent}export AWS_SHARED_CREDENTIALS_FILE={credentials}   # access key {id}\n"
                );
            }
            None => {
                lines +=
                    &format!("{indent}# requests need no signature; any credentials will do\n");
            }
        }
        lines += indent;
        lines += "aws kafka list-clusters\n";
        if !settings.has_default_data_dir() {
            let data_dir = quoted(self.data.path());
            lines += &format!(
                "milena   export MILENA_DATA_DIR={data_dir}   \
                 # for its commands in other terminals\n"
            );
        }
        lines + "\n"
    }

    fn print(&self, text: &str) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Without a reader it still serves.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome.context("cannot write to standard output"),
        }
    }

    async fn stop(&self) {
        let data = self.data.clone();
        // A disk that hangs must not keep the rest from stopping, nor the time limit from being
        // noticed.
        let withdrawn = self.runtime.spawn_blocking(move || data.withdraw_endpoint());
        tokio::join!(self.service.shutdown(), self.brokers.shutdown());
        let _ = withdrawn.await;
        self.store.close().await;
    }
}

fn cluster_line(cluster: &ClusterSummary, width: usize) -> String {
    let (name, state) = (&cluster.name, cluster.state);
    match (&cluster.failure, state) {
        (None, ClusterState::Active) if cluster.serves => {
            format!("Cluster  {name:width$}  {}\n", cluster.bootstrap)
        }
        (None, ClusterState::Active) => format!(
            "Cluster  {name:width$}  {}, but its brokers do not serve yet; see: milena status\n",
            cluster.bootstrap
        ),
        (None, _) => format!("Cluster  {name:width$}  {state}  {}\n", cluster.bootstrap),
        (Some(trouble), _) => format!("Cluster  {name:width$}  {state}: {trouble}\n"),
    }
}

/// Whether only this machine reaches the brokers.
fn is_local(bootstrap: &str) -> bool {
    bootstrap.split(',').all(|endpoint| {
        let address = endpoint.replacen("localhost:", "127.0.0.1:", 1).parse::<SocketAddr>();
        address.is_ok_and(|address| address.ip().is_loopback())
    })
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%,:=".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn url(address: SocketAddr) -> String {
    let reachable = match address.ip() {
        ip if ip.is_unspecified() => {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
        }
        _ => address,
    };
    format!("http://{reachable}")
}

/// The signals that ask to stop.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn wait(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_that_does_not_serve_yet_says_so() {
        let mut cluster = ClusterSummary {
            name: "demo".to_owned(),
            arn: String::new(),
            state: ClusterState::Active,
            failure: None,
            bootstrap: "127.77.0.1:9092".to_owned(),
            serves: true,
        };
        assert_eq!(cluster_line(&cluster, 6), "Cluster  demo    127.77.0.1:9092\n");
        cluster.serves = false;
        assert!(cluster_line(&cluster, 6).contains("do not serve yet"));
        cluster.failure = Some("the disk is full".to_owned());
        assert_eq!(cluster_line(&cluster, 4), "Cluster  demo  ACTIVE: the disk is full\n");
    }

    #[test]
    fn brokers_on_loopback_addresses_are_for_this_machine() {
        assert!(is_local("127.77.0.1:9092,127.77.0.2:9092") && is_local("[::1]:9092"));
        assert!(is_local("localhost:9092"));
        assert!(!is_local("kafka.example:9092,kafka.example:9093") && !is_local("10.0.0.5:9092"));
        assert!(!is_local(""));
    }
}
