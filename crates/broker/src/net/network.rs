//! [`Network`]: the parts that the connections of a broker share.

use std::{sync::Arc, time::Duration};

use milena_metadata::ImageWatcher;
use milena_runtime::Runtime;
use milena_types::ClusterId;
use tokio_util::sync::CancellationToken;

use super::{connection_slots::ConnectionSlots, frame::RequestMemory};
use crate::{access::Authorizer, kafka_config::BrokerKafkaConfig};

/// The parts that connections share. `S` handles their requests.
pub(crate) struct Network<S> {
    pub(crate) service: S,
    pub(crate) cluster: ClusterId,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) limits: ConnectionLimits,
    pub(crate) slots: ConnectionSlots,
    pub(crate) request_memory: RequestMemory,
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
