//! Keeping the registration while this life of the broker lasts, and noticing that it is over.

use std::time::Duration;

use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataError, Registration};
use milena_runtime::Runtime;
use milena_storage::Storage;
use tokio_util::sync::CancellationToken;

/// How often a broker looks whether it was replaced or sealed.
const END_POLL: Duration = Duration::from_millis(500);

/// Keeps the lease. Ends with the registration, which it cancels `ended` for, unless `closing` is
/// cancelled: then this broker ends it itself.
pub(super) async fn keep_registered(
    metadata: ClusterMetadata,
    registration: Registration,
    runtime: Runtime,
    closing: CancellationToken,
    ended: CancellationToken,
) {
    let every = registration.ttl / 3;
    loop {
        tokio::select! {
            biased;
            () = runtime.sleep(every) => {}
            () = runtime.stopping().cancelled() => return,
        }
        match metadata.keep_alive(&registration).await {
            Ok(()) => {}
            Err(MetadataError::Superseded { .. }) if closing.is_cancelled() => return,
            Err(error @ MetadataError::Superseded { .. }) => {
                tracing::error!(%error, "this life of the broker is over");
                ended.cancel();
                return;
            }
            // The end of the lease has no consequence until another broker acts on it; the next
            // attempt then fails with `Superseded`.
            Err(error) => {
                tracing::warn!(%error, "the broker's lease could not be renewed; trying again");
            }
        }
    }
}

/// Why a life of a broker is over before it was closed, if it is.
pub(super) fn reason_of_end(
    registration: &Registration,
    images: &ImageWatcher,
    storage: &Storage,
) -> Option<&'static str> {
    let image = images.current();
    let later = image.broker(registration.broker).filter(|now| now.epoch > registration.epoch);
    match later {
        Some(_) => Some("a later life has registered"),
        None => storage.is_sealed().then_some("its log is sealed"),
    }
}

/// Cancels `ended` once there is a `reason` why this life of the broker is over: it acknowledges
/// nothing more. Returns when `closing` is cancelled, from when on the broker seals its log itself.
pub(super) async fn watch_for_end(
    registration: Registration,
    reason: impl Fn() -> Option<&'static str>,
    runtime: Runtime,
    closing: CancellationToken,
    ended: CancellationToken,
) {
    let (broker, epoch) = (registration.broker, registration.epoch);
    loop {
        tokio::select! {
            () = runtime.sleep(END_POLL) => {}
            () = closing.cancelled() => return,
        }
        let Some(reason) = reason() else { continue };
        // Asked behind the reason, which may have come of it: this task may have its turn late.
        if closing.is_cancelled() {
            return;
        }
        tracing::error!(%broker, %epoch, reason, "this life of the broker is over");
        ended.cancel();
        return;
    }
}

#[cfg(test)]
mod tests {
    use milena_store::LeaseId;
    use milena_types::{BrokerEpoch, BrokerId, Revision};

    use super::*;

    /// Whether this life of the broker is said to be over, for a reason that comes when it closes or
    /// without.
    async fn is_over(closes: bool) -> bool {
        let registration = Registration {
            broker: BrokerId(1),
            epoch: BrokerEpoch(1),
            lease: LeaseId(1),
            revision: Revision(1),
            ttl: Duration::from_secs(1),
        };
        let (closing, ended) = (CancellationToken::new(), CancellationToken::new());
        let reason = || {
            if closes {
                closing.cancel();
            }
            Some("its log is sealed")
        };
        watch_for_end(registration, reason, Runtime::system(), closing.clone(), ended.clone())
            .await;
        ended.is_cancelled()
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_is_sealed_because_the_broker_closes_is_no_end_of_its_life() {
        assert!(is_over(false).await);
        assert!(!is_over(true).await);
    }
}
