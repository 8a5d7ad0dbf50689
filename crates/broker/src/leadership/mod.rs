//! The partitions that this broker leads, from the metadata image to the log that a request finds.
//!
//! - [`partitions`]: the table of open partitions
//! - [`resolve`]: look-up of the leader of a partition, for requests and coordinators
//! - [`lifecycle`]: opening and closing a partition, the one place that does
//! - [`handoff`]: giving partitions to other brokers
//! - [`reconcile`]: opening, closing and handing over according to the newest image
//! - [`deletion`]: at a start, the topics that were deleted meanwhile

pub(crate) mod deletion;
pub(crate) mod handoff;
pub(crate) mod lifecycle;
pub(crate) mod partitions;
pub(crate) mod reconcile;
pub(crate) mod resolve;
