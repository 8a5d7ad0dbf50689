//! One partition's log, as its leader sees it.
//!
//! Owns: which offsets are assigned to which batches, what is pending and what is committed, the
//! newest batches in memory, and where the older ones are. Invariants:
//!  - the state is behind one short lock, never held across an await;
//!  - offsets are assigned under that lock and pushed into the open chunk before it is released, so
//!    a partition's batches are in the log in offset order.
//!
//! It knows nothing of Kafka requests: the broker checks batches before they are appended.
//!
//! State: [`partition`] ([`Partition`](partition::Partition), the lock and the calls of the log's
//! thread), [`state`] (the state behind the lock), [`producers`] (their sequences), [`watch`]
//! (waiting reads), [`registry`] (the open partitions).
//!
//! Operations, each an `impl Partition` of its own: [`append`], [`read`], [`times`] (offsets by
//! time), [`maintenance`] (deleting records, retention), [`manifest_change`], and [`fold`] for many
//! partitions at once.
//!
//! Values: [`bounds`], [`options`], [`errors`], [`collector`] (the batches of one read).

pub(crate) mod append;
pub(crate) mod bounds;
pub(crate) mod collector;
pub(crate) mod errors;
pub(crate) mod fold;
pub(crate) mod maintenance;
pub(crate) mod manifest_change;
pub(crate) mod options;
#[expect(clippy::module_inception, reason = "it holds the type `Partition`")]
pub(crate) mod partition;
pub(crate) mod producers;
pub(crate) mod read;
pub(crate) mod registry;
pub(crate) mod state;
#[cfg(test)]
mod tests;
pub(crate) mod times;
pub(crate) mod watch;
