//! A client of one cluster: where its brokers are, who leads what, and a connection to each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use milena_protocol::{
    ErrorCode, Request,
    messages::metadata_request::{MetadataRequest, MetadataRequestTopic},
};
use milena_runtime::{BoxFuture, Runtime};
use milena_types::BrokerId;

use crate::{
    BrokerInfo, ClientError, ClusterInfo, Connection, ConnectionConfig, TopicInfo, retry::Retry,
    single_flight::SingleFlight,
};

/// A client's configuration.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Addresses to begin with, `host:port`.
    pub bootstrap: Vec<String>,
    /// For each connection.
    pub connection: ConnectionConfig,
    /// How long a call may take with all its retries.
    pub call_timeout: Duration,
}

impl ClientConfig {
    /// Defaults, for `host:port` addresses separated by commas.
    pub fn new(bootstrap: &str) -> Self {
        let addresses = bootstrap.split(',').map(str::trim).filter(|a| !a.is_empty());
        Self {
            bootstrap: addresses.map(str::to_owned).collect(),
            connection: ConnectionConfig::default(),
            call_timeout: Duration::from_secs(30),
        }
    }
}

/// A client; clones share it. Nothing is connected before the first call.
#[derive(Clone)]
pub struct Client {
    inner: Arc<ClientCore>,
}

struct ClientCore {
    config: ClientConfig,
    runtime: Runtime,
    state: Mutex<ClientState>,
    /// Makes the connection for [`Client::any_broker`].
    search: SingleFlight,
}

#[derive(Default)]
struct ClientState {
    brokers: HashMap<BrokerId, BrokerInfo>,
    controller: Option<BrokerId>,
    topics: HashMap<String, Arc<TopicInfo>>,
    connections: HashMap<BrokerId, Connection>,
    connects: HashMap<BrokerId, Arc<SingleFlight>>,
    /// The requests for metadata of a topic that are in progress.
    lookups: HashMap<String, Arc<SingleFlight>>,
    /// To a bootstrap address; used until a broker's id is known.
    first: Option<Connection>,
    /// The last error of reads that are being retried.
    read_error: Option<String>,
}

impl Client {
    /// A client of the cluster that the bootstrap addresses belong to.
    pub fn new(config: ClientConfig, runtime: Runtime) -> Self {
        let (state, search) = (Mutex::default(), SingleFlight::default());
        Self { inner: Arc::new(ClientCore { config, runtime, state, search }) }
    }

    /// The source of time and tasks.
    pub fn runtime(&self) -> &Runtime {
        &self.inner.runtime
    }

    /// Its configuration.
    pub fn config(&self) -> &ClientConfig {
        &self.inner.config
    }

    fn state(&self) -> MutexGuard<'_, ClientState> {
        self.inner.state.lock().expect("no panic happens under this lock")
    }

    /// The failure for which reading is being retried; none once a read has succeeded.
    pub fn read_error(&self) -> Option<String> {
        self.state().read_error.clone()
    }

    pub(crate) fn set_read_error(&self, read_error: Option<&ClientError>) {
        self.state().read_error = read_error.map(ToString::to_string);
    }

    pub(crate) fn retry(&self) -> Retry<'_> {
        Retry::new(&self.inner.runtime, self.inner.config.call_timeout)
    }

    /// The connection to a broker, made if there is none.
    pub fn broker(&self, id: BrokerId) -> BoxFuture<'_, Result<Connection, ClientError>> {
        Box::pin(self.find_or_connect(id))
    }

    async fn find_or_connect(&self, id: BrokerId) -> Result<Connection, ClientError> {
        let flight = self.state().connects.entry(id).or_default().clone();
        let make = async {
            let address = self.state().brokers.get(&id).map(|b| b.address.clone());
            let unknown = || {
                ClientError::broker(
                    format!("broker {id}"),
                    ErrorCode::LeaderNotAvailable.code(),
                    None,
                )
            };
            let connection = self.connect(&address.ok_or_else(unknown)?).await?;
            self.state().connections.insert(id, connection.clone());
            Ok(connection)
        };
        flight.run(|| self.open_connection(id), make).await
    }

    fn open_connection(&self, id: BrokerId) -> Option<Connection> {
        self.state().connections.get(&id).filter(|c| !c.is_closed()).cloned()
    }

    async fn connect(&self, address: &str) -> Result<Connection, ClientError> {
        Connection::open(address, &self.inner.config.connection, &self.inner.runtime).await
    }

    /// A connection to any broker: one that is open, else the first that responds.
    pub fn any_broker(&self) -> BoxFuture<'_, Result<Connection, ClientError>> {
        Box::pin(self.inner.search.run(|| self.any_open_connection(), self.search()))
    }

    async fn search(&self) -> Result<Connection, ClientError> {
        let known: Vec<BrokerId> = self.state().brokers.keys().copied().collect();
        let mut failure = ClientError::NoBootstrap;
        for address in &self.inner.config.bootstrap {
            match self.connect(address).await {
                Ok(connection) => {
                    self.state().first = Some(connection.clone());
                    return Ok(connection);
                }
                Err(error) => failure = error,
            }
        }
        for id in known {
            match self.broker(id).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn any_open_connection(&self) -> Option<Connection> {
        let state = self.state();
        state.first.iter().chain(state.connections.values()).find(|c| !c.is_closed()).cloned()
    }

    /// A connection to the controller, as the last metadata names it; else to any broker, which
    /// passes requests on.
    pub async fn controller(&self) -> Result<Connection, ClientError> {
        let controller = self.state().controller;
        match controller {
            Some(id) => self.broker(id).await,
            None => self.any_broker().await,
        }
    }

    /// Calls any broker, and again on retriable failures of the connection.
    pub async fn call_any<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        let mut retry = self.retry();
        loop {
            let attempt = async { self.any_broker().await?.call(request).await };
            match attempt.await {
                Ok(response) => return Ok(response),
                Err(error) => retry.after(error).await?,
            }
        }
    }

    /// Asks for metadata once: of the given topics, or of all.
    pub fn metadata<'a>(
        &'a self,
        topics: Option<&'a [&'a str]>,
    ) -> BoxFuture<'a, Result<ClusterInfo, ClientError>> {
        Box::pin(self.fetch_metadata(topics))
    }

    async fn fetch_metadata(&self, topics: Option<&[&str]>) -> Result<ClusterInfo, ClientError> {
        let topic =
            |name: &&str| MetadataRequestTopic { name: Some((*name).into()), ..Default::default() };
        let request = MetadataRequest {
            topics: topics.map(|names| names.iter().map(topic).collect()),
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        let connection = self.any_broker().await?;
        let response = connection.call(&request).await;
        if matches!(response, Err(ClientError::TimedOut { .. })) {
            // Another broker may respond.
            connection.give_up();
        }
        let info = ClusterInfo::from_response(&response?);
        let mut state = self.state();
        state.brokers = info.brokers.iter().map(|(id, broker)| (*id, broker.clone())).collect();
        state.controller = info.controller.filter(|id| info.brokers.contains_key(id));
        let addresses = std::mem::take(&mut state.brokers);
        state
            .connections
            .retain(|id, c| addresses.get(id).is_some_and(|b| b.address == c.address()));
        state.brokers = addresses;
        for name in info.failed.keys() {
            state.topics.remove(name);
        }
        for (name, topic) in &info.topics {
            state.topics.insert(name.clone(), Arc::new(topic.clone()));
        }
        Ok(info)
    }

    /// A topic as last seen; asked for when it was not seen yet.
    ///
    /// Errors: [`ClientError::Broker`] with the code for an unknown topic, without trying again.
    pub async fn topic(&self, name: &str) -> Result<Arc<TopicInfo>, ClientError> {
        if let Some(topic) = self.seen_topic(name) {
            return Ok(topic);
        }
        self.fetch_topic(name).await
    }

    fn fetch_topic<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Arc<TopicInfo>, ClientError>> {
        Box::pin(self.fetch_topic_once(name))
    }

    async fn fetch_topic_once(&self, name: &str) -> Result<Arc<TopicInfo>, ClientError> {
        let flight = self.state().lookups.entry(name.to_owned()).or_default().clone();
        let ask = async {
            let info = self.metadata(Some(&[name])).await?;
            let topic = info.topic(name).cloned();
            Ok(topic.map(|topic| self.seen_topic(name).unwrap_or_else(|| Arc::new(topic))))
        };
        let found = flight.run(|| self.seen_topic(name).map(Ok), ask).await;
        let mut state = self.state();
        // One more is in the map.
        if Arc::strong_count(&flight) <= 2 {
            state.lookups.remove(name);
        }
        found?
    }

    fn seen_topic(&self, name: &str) -> Option<Arc<TopicInfo>> {
        self.state().topics.get(name).cloned()
    }

    /// Forgets a topic, so that the next look-up requests it again: after an error that stale
    /// metadata may explain.
    pub fn forget_topic(&self, name: &str) {
        self.state().topics.remove(name);
    }

    /// Forgets a topic as it was seen, unless it was requested again since: many callers may find
    /// out at the same time that it is out of date.
    pub(crate) fn forget_seen(&self, seen: &Arc<TopicInfo>) {
        let mut state = self.state();
        if state.topics.get(&seen.name).is_some_and(|now| Arc::ptr_eq(now, seen)) {
            state.topics.remove(&seen.name);
        }
    }

    /// The connection to a partition's leader, and the topic.
    pub(crate) async fn leader(
        &self,
        topic: &str,
        partition: i32,
    ) -> Result<(Arc<TopicInfo>, Connection), ClientError> {
        let info = self.topic(topic).await?;
        let found = async { self.broker(info.leader(partition)?).await };
        match found.await {
            Ok(connection) => Ok((info, connection)),
            Err(error) => {
                self.forget_seen(&info);
                Err(error)
            }
        }
    }
}
