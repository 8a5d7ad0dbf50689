//! One broker: it listens, speaks Kafka's protocol, and turns requests into appends and reads of partition logs.
//!
//! ```text
//! broker      a broker's life: start, registration, shutdown
//! follow      opens and closes the partitions that the metadata image says are led here
//! handoff     gives partitions to the brokers that are wanted to lead them
//! settling    requests for a partition between two leaders wait for the outcome
//! controller  what the broker that is the controller sees to: failover, draining, shares, preferred leaders
//! partitions  those partitions, as requests look them up
//! network/    listener → connection (one task each) → frames
//! dispatch    frame → request → handler of its API → response
//! api/        one file per Kafka API
//! groups/     group coordinators: the pure state machine of `milena-coordinator` on `__consumer_offsets`
//! configs/    topic and broker configuration by Kafka's names
//! topics/     creating, growing and deleting topics under Kafka's rules
//! errors      the one table from storage's and metadata's errors to Kafka's codes
//! decisions   what storage needs decided, kept in the metadata store
//! ```
//!
//! [`BrokerShared`] is what all of it sees; [`RequestContext`] is what a request brings along. Not here: how logs are
//! stored (`milena-storage`), what a cluster consists of (`milena-metadata`), the AWS API (`milena-service`).

mod api;
mod broker;
mod config;
pub mod configs;
mod context;
mod controller;
mod decisions;
mod deleted;
mod dispatch;
mod errors;
mod follow;
mod groups;
mod handoff;
mod network;
mod partitions;
mod producer_ids;
mod settling;
mod shared;
mod topics;

pub use api::api_versions::OfferedApis;
pub use broker::{Broker, BrokerParts, KilledBroker, StartError};
pub use config::{BrokerConfig, Limits};
pub use context::{ConnectionInfo, RequestContext};
pub use decisions::StoredDecisions;
pub use dispatch::SERVED;
pub use errors::ToErrorCode;
pub use network::{
    access::{
        AllowAll, Anonymous, Authentication, Authenticator, Authorizer, Caller, Operation, Principal,
        Resource,
    },
    frame::FrameError,
    listener::Listener,
};
pub use partitions::{Led, PartitionTable, TopicRef};
pub use producer_ids::ProducerIds;
pub use shared::BrokerShared;
