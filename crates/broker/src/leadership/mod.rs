//! Which partitions this broker leads, from the metadata image to the log that a request finds.

pub(crate) mod deletion;
pub(crate) mod handoff;
pub(crate) mod partitions;
pub(crate) mod reconcile;
pub(crate) mod resolve;
