//! The parts of the broker that the groups family's handlers use.

use std::sync::Arc;

use milena_metadata::ImageWatcher;
use milena_runtime::Runtime;
use milena_storage::Storage;

use crate::{coordinators::groups::Groups, topics::Topics};

pub(crate) struct GroupApis {
    pub(crate) groups: Arc<Groups>,
    pub(crate) images: ImageWatcher,
    /// Creates `__consumer_offsets`.
    pub(crate) topics: Topics,
    /// Slows commits when flushing falls behind.
    pub(crate) storage: Arc<Storage>,
    pub(crate) runtime: Runtime,
}
