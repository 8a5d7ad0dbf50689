//! Kafka's coordinators: of groups, and of the ids of idempotent producers.
//!
//! - [`groups`] has a shard for each partition of `__consumer_offsets` that this broker leads:
//!   loads it, drives its `milena_coordinator::groups::Coordinator`, and appends its records.
//! - [`producer_ids`] allocates ids from blocks of the metadata store. Any broker does, so it
//!   depends on no partition.

pub(crate) mod groups;
pub(crate) mod producer_ids;
