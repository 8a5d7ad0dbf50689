//! How accepted batches become committed chunks: admission, the chunks that are being filled, the
//! tickets their appenders wait on, and the tail cache.

pub(crate) mod admission;
pub(crate) mod open_chunks;
pub(crate) mod tail;
pub(crate) mod ticket;
