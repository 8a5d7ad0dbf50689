//! Taking what a broker led that is gone: sealing its epochs, then moving the leaders.

use std::{sync::Arc, time::Duration};

use milena_metadata::{MetadataError, MovedLeaders, Precondition};
use milena_runtime::{Backoff, Retry};
use milena_storage::SealBrokerError;
use milena_types::{BrokerEpoch, BrokerId};

use super::role;
use crate::shared::BrokerShared;

const RETRY_MIN: Duration = Duration::from_millis(5);
const RETRY_MAX: Duration = Duration::from_millis(500);

/// Why a broker's partitions were not moved yet.
#[derive(Debug, thiserror::Error)]
enum FailoverError {
    #[error(transparent)]
    Seal(#[from] SealBrokerError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// Gives what `dead` led in lives up to `epoch` to others. Ends when it is done, the broker is
/// back, or another broker is the controller.
pub(super) async fn fail_over(broker: &Arc<BrokerShared>, dead: BrokerId, epoch: BrokerEpoch) {
    let started = broker.runtime.monotonic();
    let mut retry =
        Retry::new(&broker.runtime, Backoff::doubling(RETRY_MIN, RETRY_MAX)).until(&broker.leaving);
    while !broker.leaving.is_cancelled() {
        if broker.image().broker(dead).is_some() {
            tracing::info!(%dead, "the broker is back and takes what it led itself");
            return;
        }
        match take(broker, dead, epoch).await {
            Ok(moved) => {
                let ms = (broker.runtime.monotonic() - started).as_millis() as u64;
                tracing::info!(%dead, %epoch, partitions = moved.partitions, ms, "failed over");
                // Else this broker's own image may still ask for it.
                let _ = broker.images.wait_for(moved.revision).await;
                return;
            }
            Err(FailoverError::Metadata(MetadataError::Outdated)) => {
                tracing::info!(%dead, "the failover is another broker's, or the broker is back");
                return;
            }
            Err(FailoverError::Seal(SealBrokerError::Superseded { .. })) => return,
            // Its last tasks are about to end; that it is so is no news.
            Err(FailoverError::Seal(SealBrokerError::Alive { .. })) if !retry.is_at_longest() => {}
            Err(error) if retry.is_news(&error) => {
                tracing::error!(%dead, %error, "what a broker led cannot be taken over; trying again");
            }
            Err(_) => {}
        }
        if retry.pause().await.is_err() {
            return;
        }
    }
}

async fn take(
    broker: &BrokerShared,
    dead: BrokerId,
    epoch: BrokerEpoch,
) -> Result<MovedLeaders, FailoverError> {
    let role = role(broker).await?;
    let sealed = broker.storage.seal_broker(dead, epoch).await?;
    let seal = Precondition::At(
        format!("{}{}", broker.metadata.storage_prefix(), sealed.key),
        sealed.revision,
    );
    Ok(broker.metadata.move_leaders(dead, sealed.sealed, &[seal, role]).await?)
}
