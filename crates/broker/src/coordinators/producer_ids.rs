//! Handing out producer ids, from blocks that the metadata store gives to one broker each.

use std::ops::Range;

use milena_metadata::{ClusterMetadata, MetadataError};
use milena_types::ProducerId;
use tokio::sync::Mutex;

/// Ids for idempotent producers. Those of a block that are left when the broker stops are never
/// used.
pub(crate) struct ProducerIds {
    metadata: ClusterMetadata,
    /// The rest of this broker's block.
    block: Mutex<Range<ProducerId>>,
}

impl ProducerIds {
    pub(crate) fn new(metadata: ClusterMetadata) -> Self {
        Self { metadata, block: Mutex::new(ProducerId(0)..ProducerId(0)) }
    }

    /// An id that is given out once in the cluster.
    pub(crate) async fn next(&self) -> Result<ProducerId, MetadataError> {
        let mut block = self.block.lock().await;
        if block.is_empty() {
            *block = self.metadata.allocate_producer_ids().await?;
        }
        let id = block.start;
        block.start = ProducerId(id.raw() + 1);
        Ok(id)
    }
}
