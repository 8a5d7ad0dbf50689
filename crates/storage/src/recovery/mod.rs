//! Opening partitions, and taking over what ended broker epochs left.

pub(crate) mod missing_log;
pub(crate) mod opening;
pub(crate) mod sealed;
pub(crate) mod takeover;
#[cfg(test)]
mod tests;
