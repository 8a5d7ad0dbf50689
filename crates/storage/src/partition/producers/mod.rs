//! A partition's state of its idempotent producers.

pub(crate) mod snapshot;
pub(crate) mod state;
#[cfg(test)]
mod tests;
