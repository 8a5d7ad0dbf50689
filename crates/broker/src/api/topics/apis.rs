//! The parts of the broker that the topics family's handlers use.

use milena_metadata::ImageWatcher;

use crate::{leadership::resolve::LeaderResolver, topics::Topics};

pub(crate) struct TopicApis {
    pub(crate) topics: Topics,
    pub(crate) images: ImageWatcher,
    /// Finds the partitions whose records are deleted.
    pub(crate) leaders: LeaderResolver,
}
