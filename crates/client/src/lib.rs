//! A small Kafka client over `milena-protocol`: for the command line, the load generator, tests and
//! admin calls of the service. Not a product: it has only what those need (no group membership, no
//! transactions, no TLS yet).
//!
//! - [`Connection`]: one socket, requests pipelined, responses matched by correlation id, versions
//!   negotiated.
//! - [`Client`]: bootstrap, metadata, a connection to each broker, admin calls, offsets; retries
//!   what Kafka calls retriable until its own time-out.
//! - [`Producer`] and [`Consumer`]: records in and out.
//!
//! Every wait has a time-out. Tasks run in a child scope of the [`milena_runtime::Runtime`] given,
//! and end with it.

mod admin;
mod client;
mod connection;
mod consumer;
mod error;
mod group_admin;
mod groups;
mod metadata;
mod offsets;
mod partitioner;
mod producer;
mod retry;
mod single_flight;

pub use admin::NewTopic;
pub use client::{Client, ClientConfig};
pub use connection::{Connection, ConnectionConfig, Pending};
pub use consumer::{ConsumedRecord, Consumer, ConsumerConfig, OnOutOfRange};
pub use error::ClientError;
pub use group_admin::{GroupInfo, GroupMember, ListedGroup};
pub use groups::CommittedOffset;
pub use metadata::{BrokerInfo, ClusterInfo, PartitionInfo, TopicInfo};
pub use milena_records::Compression;
pub use offsets::{ListedOffset, StartAt};
pub use producer::{Acks, Delivery, Producer, ProducerConfig, ProducerRecord, RecordPlace};
