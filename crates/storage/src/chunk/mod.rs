//! How accepted batches become committed chunks: admission, the chunks that are being filled, the
//! tickets their appends wait on, and the tail cache.

pub(crate) mod admission;
pub(crate) mod append_size;
pub(crate) mod log_core;
pub(crate) mod open_chunks;
pub(crate) mod source;
pub(crate) mod tail;
pub(crate) mod ticket;
