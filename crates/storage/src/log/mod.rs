//! The write-ahead log of one broker: what a log is ([`backend`]), and the one in local files
//! ([`local`]).

pub(crate) mod backend;
#[cfg(test)]
pub(crate) mod conformance;
pub(crate) mod local;
