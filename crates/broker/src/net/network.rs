//! [`Network`]: the parts that the connections of a broker share.

use std::{sync::Arc, time::Duration};

use milena_metadata::ImageWatcher;
use milena_runtime::{LogLimit, Runtime};
use milena_types::ClusterId;
use tokio_util::sync::CancellationToken;

use super::connection_slots::ConnectionSlots;
use crate::{
    access::Authorizer,
    kafka_config::BrokerKafkaConfig,
    memory::{SharedMemory, requests::RequestMemory},
};

/// The parts that connections share. `S` handles their requests.
pub(crate) struct Network<S> {
    pub(crate) service: Arc<S>,
    pub(crate) cluster: ClusterId,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) limits: ConnectionLimits,
    pub(crate) slots: ConnectionSlots,
    /// Of lines about connections that were refused.
    pub(crate) refusals: LogLimit,
    /// Of lines about requests that ended their connection.
    pub(crate) bad_requests: Arc<LogLimit>,
    pub(crate) request_memory: RequestMemory,
    pub(crate) memory: SharedMemory,
    /// The limits of new connections, which may change while the broker runs.
    pub(crate) kafka_config: BrokerKafkaConfig,
    pub(crate) images: ImageWatcher,
    /// The scope of the connections' tasks. Once it stops, connections send the responses in
    /// progress and end.
    pub(crate) runtime: Runtime,
    /// Cancelled when the broker is killed: its connections end where they are.
    pub(crate) killed: CancellationToken,
}

/// Bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// `socket.request.max.bytes`.
    pub(crate) request_bytes_max: usize,
    /// `connections.max.idle.ms`.
    pub(crate) idle_max: Duration,
    /// How many requests may wait for the disk.
    pub(crate) requests_in_flight_max: usize,
}
