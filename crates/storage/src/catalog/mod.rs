//! Storage's records in the metadata store and every transaction that changes them, and the
//! manifests that brokers derive from the records of partitions and their segments.

pub(crate) mod deletion;
pub(crate) mod flushes;
pub(crate) mod keys;
pub(crate) mod leader_epochs;
pub(crate) mod lives;
pub(crate) mod manifest;
pub(crate) mod manifest_swaps;
pub(crate) mod manifests;
pub(crate) mod object_names;
pub(crate) mod object_refs;
pub(crate) mod pages;
pub(crate) mod paging;
pub(crate) mod records;
pub(crate) mod storage_catalog;
#[cfg(test)]
mod tests;
mod wal_epochs;
