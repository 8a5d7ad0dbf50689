//! One broker: it listens, speaks Kafka's protocol, and turns requests into appends and reads of
//! partition logs.
//!
//! ```text
//! broker/       a broker's life: start (where all parts are made), registration, the ways to end
//! net/          listener → connection (one task each) → frames
//! dispatch      frame → request → handler of its API → response
//! api/          one file per Kafka API, in folders by family
//! controller/   the controller: failover, draining, quotas, preferred leaders
//! coordinators/ group coordinators: `milena-coordinator`, a pure state machine, on the log of
//!               `__consumer_offsets`
//! topics/       creating, growing and deleting topics under Kafka's rules
//! leadership/   the partitions led here: look-up, opening and closing after the image, handoff
//! context       a request's connection, principal, header and deadline; access: authorization
//! memory/       the memory that the brokers of a process share
//! identity      this broker, and this life of it
//! kafka_config  the Kafka configuration a broker is started with; tuning: Milena's own
//! entry_turns   yields in loops over what a request names
//! errors        the one table from storage's and metadata's errors to Kafka's codes
//! ```
//!
//! Files import downwards only, and no object is held by all: each part is given the parts it uses.
//!
//! Not here: storage of logs (`milena-storage`), a cluster's records (`milena-metadata`), the AWS
//! API (`milena-service`).

mod access;
mod api;
mod authentication;
mod broker;
mod config;
mod context;
mod controller;
mod coordinators;
mod dispatch;
mod entry_turns;
mod errors;
mod identity;
mod kafka_config;
mod leadership;
mod memory;
mod net;
mod topic_ref;
mod topics;
mod tuning;

pub use access::AllowAll;
pub use api::{definition::ApiDefinition, served};
pub use broker::{Broker, BrokerParts, StartError};
pub use config::BrokerConfig;
pub use memory::{MemoryShares, SharedMemory};
pub use net::connection_slots::ConnectionPool;
pub use tuning::{BrokerTuning, SHUTDOWN_LIMITS, ShutdownLimits};
