//! Kafka's coordinators as pure state machines: (state, input, now) → (state, effects).
//!
//! [`groups`] is the classic consumer group: membership, generations, assignments and committed
//! offsets of one partition of `__consumer_offsets`. Transactions and KIP-848 groups will stand
//! beside it.
//!
//! Nothing here reads a clock, draws a random number, does I/O or knows tokio. A driver (in
//! `broker`) hands in requests, the time and fresh ids, appends what it is given to the log, says
//! how that went, and passes replies on.

pub mod groups;
