//! The operations of the MSK API: from a request to the response's shape.
//!
//! [operations] has the table of them, and calls the method of [`Api`] that carries one out; each
//! other file has those of one kind of resource. They read and write records only; the reconcilers
//! carry the changes out.

mod brokers;
mod call;
mod capacity;
mod cluster_operations;
mod clusters;
mod configurations;
mod context;
mod features;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod fuzzing;
mod nodes;
mod none;
mod operations;
mod path;
mod query;
mod tags;
mod topic_errors;
mod topics;
mod updates;
mod versions;

pub(crate) use call::{ApiRequest, ApiResponse};
pub(crate) use context::Api;
pub(crate) use nodes::bootstrap_string;

#[cfg(test)]
mod tests;
