//! Handing out producer ids, from blocks that the metadata store gives to one broker each.

use std::ops::Range;

use milena_metadata::{ClusterMetadata, MetadataError};
use milena_types::ProducerId;

/// The rest of this broker's block. Ids left over when the broker stops are never used.
#[derive(Debug)]
pub struct ProducerIds(tokio::sync::Mutex<Range<ProducerId>>);

impl Default for ProducerIds {
    fn default() -> Self {
        Self(tokio::sync::Mutex::new(ProducerId(0)..ProducerId(0)))
    }
}

impl ProducerIds {
    /// An id that nobody else ever gets.
    pub async fn next(&self, metadata: &ClusterMetadata) -> Result<ProducerId, MetadataError> {
        let mut block = self.0.lock().await;
        if block.is_empty() {
            *block = metadata.allocate_producer_ids().await?;
        }
        let id = block.start;
        block.start = ProducerId(id.raw() + 1);
        Ok(id)
    }
}
