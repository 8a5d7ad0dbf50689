//! The parts of the broker that the cluster family's handlers use.

use std::{path::PathBuf, sync::Arc};

use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataImage};
use milena_protocol::ErrorCode;
use milena_types::BrokerId;
use tokio_util::sync::CancellationToken;

use crate::{
    api::offered::OfferedApis, context::RequestContext, errors::ApiError,
    leadership::partitions::LedPartitions, topics::Topics,
};

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

impl ClusterApis {
    /// An image that shows everything that was acknowledged before the request, by any broker: what is
    /// decided on an older one may have been decided otherwise already.
    pub(crate) async fn fresh_image(
        &self,
        context: &RequestContext,
    ) -> Result<Arc<MetadataImage>, ApiError> {
        let fresh = async {
            let revision = self.metadata.revision().await?;
            let stopping = || ApiError::with_kafkas_message(ErrorCode::CoordinatorNotAvailable);
            self.images.wait_for(revision).await.map_err(|_| stopping())
        };
        tokio::select! {
            biased;
            image = fresh => image,
            () = context.ended() => Err(ApiError::with_kafkas_message(ErrorCode::RequestTimedOut)),
        }
    }
}
