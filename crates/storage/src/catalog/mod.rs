//! What storage writes down of partitions and their segments.

pub(crate) mod flushes;
pub(crate) mod leader_epochs;
pub(crate) mod manifest;
pub(crate) mod pages;
