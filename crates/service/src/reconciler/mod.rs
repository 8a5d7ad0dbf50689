//! One task per cluster that makes its record true.
//!
//! The [supervisor] follows the clusters' records with one watch: a new record gets a task, a
//! changed one wakes its task. A task reads the record, runs the step that it names ([steps]),
//! records the next one in a transaction over the revision it read, and begins again; after a crash
//! the next process does the same. A step that fails is run again, after growing waits. A creation
//! that keeps failing is given up and shown as FAILED; an update that does is compensated
//! ([failure]); anything else is tried for ever, and `stateInfo` shows why.
//!
//! Each operation's steps are in one file, in their order: [creation], [running], [reboot],
//! [config_update], [scaling], [deletion]. Every step may run again after it ran half or whole.

mod addresses;
mod brokers;
mod cluster_properties;
mod config_update;
mod context;
mod creation;
mod deletion;
mod failure;
mod moving;
mod progress;
mod reboot;
mod running;
mod scaling;
mod steps;
mod supervisor;

pub(crate) use context::{ReconcileContext, RetryPolicy};
pub(crate) use moving::move_brokers;
pub(crate) use supervisor::supervise;

#[cfg(test)]
mod tests;
