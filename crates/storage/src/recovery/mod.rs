//! Opening partitions, and taking over what ended broker epochs left.

pub(crate) mod epoch_chunks;
pub(crate) mod epoch_queue;
pub(crate) mod errors;
pub(crate) mod missing_log;
pub(crate) mod opening;
mod producer_state;
pub(crate) mod seal;
pub(crate) mod sealed_epochs;
pub(crate) mod sealed_logs;
#[cfg(test)]
mod tests;
