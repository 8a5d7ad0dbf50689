//! The parts of the broker that the cluster family's handlers use.

use std::{path::PathBuf, sync::Arc};

use milena_metadata::{ClusterMetadata, ImageWatcher};
use milena_types::BrokerId;
use tokio_util::sync::CancellationToken;

use crate::{api::offered::OfferedApis, leadership::partitions::LedPartitions, topics::Topics};

pub(crate) struct ClusterApis {
    pub(crate) offered: Arc<OfferedApis>,
    pub(crate) images: ImageWatcher,
    /// Records elections and reassignments.
    pub(crate) metadata: ClusterMetadata,
    /// Creates topics that clients name in Metadata.
    pub(crate) topics: Topics,
    /// This broker.
    pub(crate) broker: BrokerId,
    /// The partitions whose sizes DescribeLogDirs returns.
    pub(crate) partitions: Arc<LedPartitions>,
    pub(crate) data_dir: PathBuf,
    /// Cancelled when requests should wait no longer.
    pub(crate) stopping: CancellationToken,
}
