//! What a partition remembers of its producers.

pub(crate) mod snapshot;
pub(crate) mod state;
#[cfg(test)]
mod tests;
