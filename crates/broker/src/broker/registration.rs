//! Keeping the registration while this life of the broker lasts, and noticing that it is over.

use std::{sync::Arc, time::Duration};

use milena_metadata::{ClusterMetadata, ImageWatcher, MetadataError, Registration};
use milena_runtime::Runtime;
use milena_storage::Storage;
use tokio_util::sync::CancellationToken;

/// How often a broker looks whether it was replaced or sealed.
const END_POLL: Duration = Duration::from_millis(500);

/// Keeps the lease. Ends with the registration, which it cancels `ended` for.
pub(super) async fn keep_registered(
    metadata: ClusterMetadata,
    registration: Registration,
    runtime: Runtime,
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

/// Cancels `ended` when the log of this life was sealed or a later life has registered: it
/// acknowledges nothing more. Returns when `stopping` is cancelled.
pub(super) async fn watch_for_end(
    registration: Registration,
    images: ImageWatcher,
    storage: Arc<Storage>,
    runtime: Runtime,
    stopping: CancellationToken,
    ended: CancellationToken,
) {
    let (broker, epoch) = (registration.broker, registration.epoch);
    loop {
        tokio::select! {
            () = runtime.sleep(END_POLL) => {}
            () = stopping.cancelled() => return,
        }
        let superseded = images.current().broker(broker).is_some_and(|record| record.epoch > epoch);
        if superseded || storage.is_sealed() {
            let reason =
                if superseded { "a later life has registered" } else { "its log is sealed" };
            tracing::error!(%broker, %epoch, reason, "this life of the broker is over");
            ended.cancel();
            return;
        }
    }
}
