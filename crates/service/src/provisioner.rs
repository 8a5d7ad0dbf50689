//! How brokers come into being: the trait that starts and stops them, whatever they run as.

use std::fmt;

use async_trait::async_trait;
use milena_types::{BrokerEpoch, BrokerId, ClusterId};

use crate::addresses::BrokerAddress;

/// Everything a provisioner needs to know to start one broker. The rest the broker finds in the
/// cluster's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerSpec {
    /// The cluster.
    pub cluster: ClusterId,
    /// The cluster's name, for people.
    pub cluster_name: String,
    /// Which of its brokers.
    pub broker: BrokerId,
    /// Its zone (`broker.rack`).
    pub zone: String,
    /// Where it listens.
    pub address: BrokerAddress,
    /// The cluster's data key as it is wrapped in its record.
    pub wrapped_data_key: Vec<u8>,
    /// The Kafka release whose protocol it offers, such as `3.9`.
    pub kafka_release: String,
    /// Up to which of its epochs an operator accepts that its write-ahead log is lost, where it
    /// is.
    pub lost_log_accepted: Option<BrokerEpoch>,
}

/// Starts and stops brokers.
///
/// # Rules
///
/// - Every call may be repeated, also after a crash in its middle: starting what runs and stopping
///   what does not run succeed.
/// - At most one instance of a broker of a cluster runs at any time.
/// - Calls for different brokers may run at the same time; those for one broker come one after
///   another.
#[async_trait]
pub trait Provisioner: Send + Sync + 'static {
    /// Starts a broker and returns once it accepts clients.
    async fn start(&self, order: &BrokerSpec) -> Result<(), ProvisionError>;

    /// Stops a broker in good order and returns once it is gone.
    async fn stop(&self, cluster: &ClusterId, broker: BrokerId) -> Result<(), ProvisionError>;

    /// Ends a broker at once, as a crash would, and makes it known to the others of its cluster
    /// that it is gone.
    async fn kill(&self, cluster: &ClusterId, broker: BrokerId) -> Result<(), ProvisionError>;

    /// Whether a broker runs and accepts clients.
    async fn is_serving(&self, cluster: &ClusterId, broker: BrokerId) -> bool;

    /// Removes what the stopped brokers of a cluster left behind.
    async fn remove_data(&self, cluster: &ClusterId) -> Result<(), ProvisionError>;
}

/// Why a broker did not start or stop. The text is shown in the cluster's `stateInfo`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProvisionError(String);

impl ProvisionError {
    /// An error that says what happened and what to do.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}
