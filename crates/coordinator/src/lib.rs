//! Kafka's coordinators as state machines without I/O.
//!
//! [`groups`] is the classic consumer group: membership, generations, assignments and committed
//! offsets of one partition of `__consumer_offsets`. Transactions and KIP-848 groups are not here
//! yet.
//!
//! Nothing here reads a clock, draws a random number, does I/O or knows tokio: the same inputs in
//! the same order give the same state and the same effects. A driver (in `broker`) hands in
//! requests, the time and random bits, appends to the log what it takes out, reports the outcome,
//! and delivers the replies.

pub mod groups;
