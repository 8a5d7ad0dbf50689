//! The parts of the broker that the fetch family's handlers use.

use tokio_util::sync::CancellationToken;

use milena_runtime::Runtime;

use super::session::SessionCache;
use crate::leadership::resolve::LeaderResolver;

pub(crate) struct FetchApis {
    pub(crate) leaders: LeaderResolver,
    pub(crate) sessions: SessionCache,
    /// `fetch.max.bytes` of the broker.
    pub(crate) response_bytes_max: usize,
    pub(crate) runtime: Runtime,
    /// Cancelled when fetches should wait for records no longer.
    pub(crate) stopping: CancellationToken,
}
