//! The context of a request: its connection, principal and header.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use milena_protocol::{ApiKey, KString, frame::RequestHeader};
use milena_types::ClusterId;

use crate::access::{Authorizer, Caller, Operation, Principal, Resource};

/// The context that all requests of one connection share.
pub(crate) struct ConnectionInfo {
    pub(crate) cluster: ClusterId,
    /// The name of the listener that accepted it: clients get the addresses of this one.
    pub(crate) listener: Arc<str>,
    pub(crate) peer: SocketAddr,
    pub(crate) authorizer: Arc<dyn Authorizer>,
}

/// One request's circumstances, handed down from the connection to the handler.
pub(crate) struct RequestContext {
    pub(crate) connection: Arc<ConnectionInfo>,
    /// The connection's principal when the request was read.
    pub(crate) principal: Principal,
    /// Empty if the client gave none.
    pub(crate) client_id: KString,
    pub(crate) api_key: ApiKey,
    /// The version of the request and of its response.
    pub(crate) api_version: i16,
    pub(crate) correlation_id: i32,
    /// When the request had arrived, on the runtime's monotonic clock.
    pub(crate) received: Duration,
    throttle_ms: AtomicU32,
}

impl RequestContext {
    pub(crate) fn new(
        connection: Arc<ConnectionInfo>,
        principal: Principal,
        header: RequestHeader,
        received: Duration,
    ) -> Self {
        Self {
            connection,
            principal,
            client_id: header.client_id.unwrap_or(const { KString::from_static("") }),
            api_key: header.key,
            api_version: header.version,
            correlation_id: header.correlation_id,
            received,
            throttle_ms: AtomicU32::new(0),
        }
    }

    pub(crate) fn client_address(&self) -> SocketAddr {
        self.connection.peer
    }

    pub(crate) fn listener(&self) -> &str {
        &self.connection.listener
    }

    /// Whether the client may do `operation` to `resource`.
    pub(crate) fn allows(&self, operation: Operation, resource: Resource<'_>) -> bool {
        let caller = Caller { principal: &self.principal, address: self.connection.peer };
        self.connection.authorizer.allows(caller, operation, resource)
    }

    /// The bit field of KIP-430: which of `operations` the client may do to `resource`.
    pub(crate) fn authorized_operations(
        &self,
        operations: &[Operation],
        resource: Resource<'_>,
    ) -> i32 {
        let allowed = operations.iter().filter(|operation| self.allows(**operation, resource));
        allowed.fold(0, |bits, operation| bits | 1 << (*operation as i8))
    }

    /// Leaves the connection unread for this long once the response is sent (KIP-219).
    /// The handler says the same in the response's `throttle_time_ms`.
    pub(crate) fn throttle(&self, duration: Duration) {
        let ms = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        self.throttle_ms.fetch_max(ms, Ordering::Relaxed);
    }

    pub(crate) fn throttled(&self) -> Duration {
        Duration::from_millis(self.throttle_ms.load(Ordering::Relaxed).into())
    }
}
