//! Removes uncommitted uploads and garbage of brokers that are not registered. A broker removes those
//! of its own earlier lives; the controller removes those of a broker that does not come back.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use milena_metadata::ImageWatcher;
use milena_runtime::{FailureLog, Runtime};
use milena_storage::Storage;

use super::role::ControllerRole;

/// How often the controller looks.
const ROUND: Duration = Duration::from_secs(60);

/// Ends what absent brokers left behind while this broker is the controller.
pub(crate) struct AbsentBrokers {
    role: ControllerRole,
    images: ImageWatcher,
    storage: Arc<Storage>,
    runtime: Runtime,
}

impl AbsentBrokers {
    pub(crate) fn new(
        role: ControllerRole,
        images: ImageWatcher,
        storage: Arc<Storage>,
        runtime: Runtime,
    ) -> Self {
        Self { role, images, storage, runtime }
    }

    /// Works until the broker stops.
    pub(crate) async fn run(self) {
        let mut failures = FailureLog::default();
        loop {
            tokio::select! {
                () = self.runtime.sleep(ROUND) => {}
                () = self.runtime.stopping().cancelled() => return,
            }
            let image = self.images.current();
            if !self.role.is_held(&image) {
                continue;
            }
            let alive: BTreeSet<_> = image.brokers().keys().copied().collect();
            match self.storage.sweep_absent(&alive).await {
                Ok(()) => failures.clear(),
                Err(error) if failures.is_news(&error) => {
                    tracing::warn!(%error, "what absent brokers left behind is removed later");
                }
                Err(_) => {}
            }
        }
    }
}
