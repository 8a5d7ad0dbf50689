//! The broker over the wire: clusters of three brokers on loopback, called with the protocol crate.
//!
//! One file per API, tests named by behaviour; all use [`cluster::Cluster`].

#![allow(unreachable_pub, dead_code)] // What is shared is there for tests to come, too.

mod api_versions;
mod bounds;
mod cluster;
mod cold_fetches;
mod compatibility;
mod configs;
mod connection;
mod disk;
mod failover;
mod fetch;
mod fetch_sessions;
mod group_offsets;
mod groups;
mod handoff;
mod lifecycle;
mod message_formats;
mod metadata;
mod noise;
mod offsets;
mod produce;
mod reassignments;
mod record_validation;
mod topics;
mod wire;
