//! Failing a broker over that is gone: sealing its epochs, then giving its partitions to others.

use std::{sync::Arc, time::Duration};

use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataError, MovedLeaders};
use milena_runtime::{Backoff, Retry, Runtime};
use milena_storage::{CatalogError, SealBrokerError, Storage};
use milena_store::Precondition;
use milena_types::{BrokerEpoch, BrokerId};
use tokio_util::sync::CancellationToken;

use super::role::ControllerRole;
use crate::leadership::lifecycle::lives;

const RETRY_MIN: Duration = Duration::from_millis(5);
const RETRY_MAX: Duration = Duration::from_millis(500);

/// The reason that a broker's partitions were not moved yet.
#[derive(Debug, thiserror::Error)]
enum FailoverError {
    #[error(transparent)]
    Seal(#[from] SealBrokerError),
    #[error(transparent)]
    Lives(#[from] CatalogError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// Fails brokers over. Clones share everything.
#[derive(Clone)]
pub(crate) struct Failover {
    role: ControllerRole,
    metadata: ClusterMetadata,
    images: ImageWatcher,
    storage: Arc<Storage>,
    runtime: Runtime,
    /// Cancelled when this broker decides nothing for the cluster any more.
    leaving: CancellationToken,
}

impl Failover {
    pub(crate) fn new(
        role: ControllerRole,
        metadata: ClusterMetadata,
        images: ImageWatcher,
        storage: Arc<Storage>,
        runtime: Runtime,
        leaving: CancellationToken,
    ) -> Self {
        Self { role, metadata, images, storage, runtime, leaving }
    }

    /// Gives what `failed` led in lives up to `epoch` to others. Ends when it is done, the broker
    /// is back, or another broker is the controller.
    pub(super) async fn run(&self, failed: BrokerId, epoch: BrokerEpoch) {
        let started = self.runtime.monotonic();
        let backoff = Backoff::doubling(RETRY_MIN, RETRY_MAX);
        let mut retry = Retry::new(&self.runtime, backoff).until(&self.leaving);
        while !self.leaving.is_cancelled() {
            if self.images.current().broker(failed).is_some() {
                tracing::info!(broker = %failed, "the broker is back and takes what it led itself");
                return;
            }
            match self.take_over(failed, epoch).await {
                Ok(moved) => {
                    let ms = (self.runtime.monotonic() - started).as_millis() as u64;
                    tracing::info!(
                        broker = %failed, %epoch, partitions = moved.partitions, ms,
                        "failed over"
                    );
                    // Else this broker's own image may still ask for it.
                    let _ = self.images.wait_for(moved.revision).await;
                    return;
                }
                Err(FailoverError::Metadata(MetadataError::Outdated)) => {
                    tracing::info!(
                        broker = %failed,
                        "the failover is another broker's, or the broker is back"
                    );
                    return;
                }
                Err(FailoverError::Seal(SealBrokerError::Superseded { .. })) => return,
                // Its last tasks are about to end; that it is so is no news.
                Err(FailoverError::Seal(SealBrokerError::Alive { .. }))
                    if !retry.is_at_longest() => {}
                Err(error) if retry.is_news(&error) => {
                    tracing::error!(
                        broker = %failed, %error,
                        "what a broker led cannot be taken over; trying again"
                    );
                }
                Err(_) => {}
            }
            if retry.pause().await.is_err() {
                return;
            }
        }
    }

    async fn take_over(
        &self,
        failed: BrokerId,
        epoch: BrokerEpoch,
    ) -> Result<MovedLeaders, FailoverError> {
        let role = self.role.guard().await?;
        let sealed = self.storage.seal_broker(failed, epoch).await?;
        let seal = Precondition::At(
            format!("{}{}", self.metadata.storage_prefix(), sealed.key),
            sealed.revision,
        );
        let lives = lives(&self.storage).await?;
        Ok(self.metadata.move_leaders(failed, sealed.sealed, &lives, &[seal, role]).await?)
    }
}
