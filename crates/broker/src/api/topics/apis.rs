//! What the APIs of topics work on.

use milena_metadata::ImageWatcher;

use crate::{leadership::resolve::LeaderResolver, topics::Topics};

pub(crate) struct TopicApis {
    pub(crate) topics: Topics,
    pub(crate) images: ImageWatcher,
    /// Finds the partitions whose records are deleted.
    pub(crate) leaders: LeaderResolver,
}
