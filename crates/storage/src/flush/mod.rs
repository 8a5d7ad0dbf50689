//! Putting committed chunks into segments.

mod build;
pub(crate) mod errors;
pub(crate) mod flusher;
mod plan;
mod schedule;
#[cfg(test)]
mod tests;
