//! What Produce works on.

use std::sync::Arc;

use milena_runtime::Runtime;
use milena_storage::Storage;

use crate::leadership::resolve::LeaderResolver;

pub(crate) struct ProduceApi {
    pub(crate) leaders: LeaderResolver,
    /// Says when records may be appended, and how full it is.
    pub(crate) storage: Arc<Storage>,
    pub(crate) runtime: Runtime,
}
