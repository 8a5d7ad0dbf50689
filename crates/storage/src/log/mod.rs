//! The write-ahead log of one broker: what a log is ([`backend`]), and the one in local files
//! ([`local`]).

pub(crate) mod backend;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub(crate) mod local;

pub use backend::{ChunkSource, HeldEpoch, WalError, WriteAheadLog};
pub use local::{
    directory::{WalConfig, WalDirectory},
    local_log::LocalWal,
};
