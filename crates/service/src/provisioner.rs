//! [`Provisioner`]: starts and stops brokers, as tasks, processes or machines.

use std::fmt;

use async_trait::async_trait;
use milena_types::{BrokerEpoch, BrokerId, ClusterId};

use crate::addresses::BrokerAddress;

/// The arguments to start a broker. It reads the rest from the cluster's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerSpec {
    pub cluster: ClusterId,
    /// For texts that people read.
    pub cluster_name: String,
    pub broker: BrokerId,
    /// `broker.rack`.
    pub zone: String,
    pub address: BrokerAddress,
    /// As in the cluster's record.
    pub wrapped_data_key: Vec<u8>,
    /// The Kafka release that it is to look like, such as `3.9`.
    pub kafka_release: String,
    /// Newest broker epoch whose log the operator has declared lost.
    pub lost_log_accepted: Option<BrokerEpoch>,
}

/// Starts and stops brokers.
///
/// # Rules
///
/// - Every call may be repeated, also after a crash during it: starting what runs and stopping what
///   does not run succeed.
/// - At most one instance of a broker runs at any time.
/// - Calls for different brokers may be concurrent; those for one broker come one after another.
#[async_trait]
pub trait Provisioner: Send + Sync + 'static {
    /// Starts a broker and returns once it accepts clients.
    async fn start(&self, spec: &BrokerSpec) -> Result<(), ProvisionError>;

    /// Stops a broker gracefully and returns once it is gone.
    async fn stop(&self, cluster: &ClusterId, broker: BrokerId) -> Result<(), ProvisionError>;

    /// Ends a broker at once, as a crash would, and ends its registration so that the other brokers
    /// take over.
    async fn kill(&self, cluster: &ClusterId, broker: BrokerId) -> Result<(), ProvisionError>;

    /// Whether a broker runs and accepts clients.
    async fn is_serving(&self, cluster: &ClusterId, broker: BrokerId) -> bool;

    /// Removes the files of a cluster whose brokers are stopped.
    async fn remove_data(&self, cluster: &ClusterId) -> Result<(), ProvisionError>;
}

/// Why a broker did not start or stop. The text is shown in the cluster's `stateInfo`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProvisionError(String);

impl ProvisionError {
    /// An error text with its remedy.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}
