//! One partition's log, as its leader sees it.

pub(crate) mod append;
pub(crate) mod change;
pub(crate) mod partition_log;
pub(crate) mod producers;
pub(crate) mod read;
pub(crate) mod state;
#[cfg(test)]
mod tests;
pub(crate) mod times;
pub(crate) mod upkeep;
pub(crate) mod watch;
