//! The control plane: the AWS MSK API, clusters as desired state, and the reconcilers that make it
//! true.
//!
//! A request only reads and writes records below `service/` in the metadata store, one transaction
//! each. A reconciler per cluster follows its record and runs the steps that are missing
//! ([`Provisioner`] starts and stops the brokers). A step is recorded when it is done and may run
//! again, so a crash costs at most one step. Brokers need the service only to be started: they
//! serve without it.
//!
//! The service never calls a broker's code; it reaches brokers through the metadata store, the
//! provisioner and, for topics, the Kafka protocol.

mod account;
mod addresses;
mod api;
mod arn;
mod cluster_store;
mod configuration;
mod error;
mod http_server;
mod java_properties;
mod kafka_versions;
mod operation;
mod provisioner;
mod reconciler;
mod record;
mod service;
#[cfg(test)]
mod testing;
mod validation;
mod wire;
mod zones;

pub use addresses::{AddressPlan, LoopbackNetwork, PLAINTEXT_PORT};
#[cfg(any(test, feature = "testing"))]
pub use api::fuzzing::http_requests;
pub use error::ApiError;
pub use http_server::API_DRAIN_MAX;
pub use kafka_versions::MskVersion;
pub use provisioner::{BrokerSpec, ProvisionError, Provisioner};
pub use record::ClusterState;
pub use service::{ClusterSummary, Service, ServiceConfig, ServiceParts};
pub use zones::Zones;
