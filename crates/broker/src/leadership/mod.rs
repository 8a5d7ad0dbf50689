//! Which partitions this broker leads, from the metadata image to the log that a request finds.
//!
//! - [`partitions`]: the table of open partitions
//! - [`resolve`]: who leads a partition, for requests and coordinators
//! - [`lifecycle`]: opening and closing a partition, the one place that does
//! - [`handoff`]: giving partitions to other brokers
//! - [`reconcile`]: opening, closing and handing over what the newest image says
//! - [`deletion`]: what a start finds of topics that were deleted meanwhile

pub(crate) mod deletion;
pub(crate) mod handoff;
pub(crate) mod lifecycle;
pub(crate) mod partitions;
pub(crate) mod reconcile;
pub(crate) mod resolve;
