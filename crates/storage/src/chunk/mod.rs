//! The path of a batch from its acceptance to its committed chunk.
//!
//! Owns: which batches are in which chunk, the memory for records that are not in segments yet,
//! what the appends of a chunk wait for, and the newest chunks in memory. Invariants:
//!  - a partition's batches enter chunks in offset order, and chunks are built in the order they
//!    were opened;
//!  - a chunk that has a sequence number keeps its bytes, and is committed or the broker epoch
//!    ends; open chunks may fail, then all of them together;
//!  - every append learns its outcome once: its chunk's ticket is settled exactly once;
//!  - a chunk leaves memory only after a flush has put its records into segments.
//!
//! Not here: a partition's offsets and producers (`partition`), and how chunks are made durable
//! (`log`).

pub(crate) mod admission;
pub(crate) mod append_size;
pub(crate) mod log_core;
pub(crate) mod open_chunks;
pub(crate) mod record_pool;
pub(crate) mod source;
pub(crate) mod tail;
pub(crate) mod ticket;
