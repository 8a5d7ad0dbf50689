//! What was read from the object store, kept in memory: one cache for the process.

pub(crate) mod block;
pub(crate) mod block_cache;
pub(crate) mod loads;
pub(crate) mod object_cache;
pub(crate) mod object_reads;
#[cfg(test)]
mod tests;
