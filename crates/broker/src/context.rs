//! What a request brings along: who asks, over which connection, for what.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use milena_protocol::{ApiKey, KString};
use milena_types::ClusterId;

use crate::{
    access::{Caller, Operation, Principal, Resource},
    net::listener::Listener,
    shared::BrokerShared,
};

/// What all requests of one connection have in common.
pub struct ConnectionInfo {
    /// The listener that accepted it.
    pub listener: Arc<Listener>,
    /// The client's address.
    pub peer: SocketAddr,
    /// Whose the connection is; none before it has authenticated.
    pub principal: Option<Principal>,
}

/// One request's circumstances, handed down from the connection to whatever answers it.
pub struct RequestContext {
    /// The cluster that the listener belongs to.
    pub cluster: ClusterId,
    /// The connection.
    pub connection: Arc<ConnectionInfo>,
    /// Whose request it is.
    pub principal: Principal,
    /// The client's id, empty if it gave none.
    pub client_id: KString,
    /// The API.
    pub api_key: ApiKey,
    /// The version of the API, for the request and its response.
    pub api_version: i16,
    /// What the client tells its requests apart by.
    pub correlation_id: i32,
    /// When the request had arrived, on the runtime's monotonic clock.
    pub received: Duration,
    throttle_ms: AtomicU32,
}

impl RequestContext {
    pub(crate) fn new(
        cluster: ClusterId,
        connection: Arc<ConnectionInfo>,
        principal: Principal,
        header: RequestIdentity,
        received: Duration,
    ) -> Self {
        Self {
            cluster,
            connection,
            principal,
            client_id: header.client_id,
            api_key: header.api_key,
            api_version: header.api_version,
            correlation_id: header.correlation_id,
            received,
            throttle_ms: AtomicU32::new(0),
        }
    }

    /// The client's address.
    pub fn client_address(&self) -> SocketAddr {
        self.connection.peer
    }

    /// Whether the client may do `operation` to `resource`.
    pub fn allows(
        &self,
        broker: &BrokerShared,
        operation: Operation,
        resource: Resource<'_>,
    ) -> bool {
        let caller = Caller { principal: &self.principal, address: self.connection.peer };
        broker.authorizer.allows(caller, operation, resource)
    }

    /// The bit field of KIP-430: which of `operations` the client may do to `resource`.
    pub fn authorized_operations(
        &self,
        broker: &BrokerShared,
        operations: &[Operation],
        resource: Resource<'_>,
    ) -> i32 {
        let allowed =
            operations.iter().filter(|operation| self.allows(broker, **operation, resource));
        allowed.fold(0, |bits, operation| bits | 1 << (*operation as i8))
    }

    /// Asks that the connection be left unread for this long once the response is sent (KIP-219).
    /// The handler says the same in the response's `throttle_time_ms`.
    pub fn throttle(&self, duration: Duration) {
        let ms = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        self.throttle_ms.fetch_max(ms, Ordering::Relaxed);
    }

    /// For how long the client is throttled.
    pub fn throttled(&self) -> Duration {
        Duration::from_millis(self.throttle_ms.load(Ordering::Relaxed).into())
    }
}

/// What a request's header says of it.
pub(crate) struct RequestIdentity {
    pub(crate) api_key: ApiKey,
    pub(crate) api_version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) client_id: KString,
}
