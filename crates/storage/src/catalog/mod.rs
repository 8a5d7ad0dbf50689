//! What storage writes down of partitions and their segments.

pub(crate) mod deletion;
pub(crate) mod flushes;
pub(crate) mod leader_epochs;
pub(crate) mod manifest;
pub(crate) mod manifests;
pub(crate) mod object_names;
pub(crate) mod pages;
pub(crate) mod paging;
