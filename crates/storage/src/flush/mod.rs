//! Putting committed chunks into segments.

pub(crate) mod build;
pub(crate) mod flusher;
#[cfg(test)]
mod tests;
