//! Periodic work: retention, expiring producers, removing objects.

use std::{sync::Arc, time::Duration};

use milena_types::{BrokerId, Timestamp};

use crate::{
    catalog::manifests::Manifests,
    chunk::log_core::LogCore,
    objects::{object_id::ObjectId, store::Objects},
    partition::{errors::MaintenanceError, fold::fold_due, registry::OpenPartitions},
    recovery::opening::expired_before,
};

/// Does the work that no request waits for, at an interval.
pub(crate) struct Sweeper {
    pub(crate) core: Arc<LogCore>,
    pub(crate) manifests: Arc<Manifests>,
    pub(crate) partitions: Arc<OpenPartitions>,
    pub(crate) objects: Objects,
    pub(crate) interval: Duration,
    /// How long an unreferenced object is kept for readers that planned before.
    pub(crate) delete_grace: Duration,
    /// `producer.id.expiration.ms`.
    pub(crate) producer_expiration: Duration,
}

impl Sweeper {
    /// Runs until the scope stops.
    pub(crate) async fn run(self: Arc<Self>) {
        let stopping = self.core.runtime.stopping().clone();
        loop {
            let stopped = tokio::time::timeout(self.interval, stopping.cancelled()).await.is_ok();
            if stopped || self.core.is_sealed() {
                return;
            }
            if let Err(error) = self.enforce_retention().await {
                tracing::warn!(%error, "retention is enforced later");
            }
            fold_due(&self.manifests, self.now(), self.partitions.all()).await;
            self.manifests.flushes.forget().await;
            if let Err(error) = self.remove_garbage().await {
                tracing::warn!(%error, "objects are removed later");
            }
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.core.runtime.wall_ms())
    }

    /// Enforces retention for all open partitions, and expires silent producers. Returns the first
    /// error after all partitions were looked at.
    pub(crate) async fn enforce_retention(&self) -> Result<(), MaintenanceError> {
        let mut outcome = Ok(());
        let partitions = self.partitions.all();
        for partition in partitions.iter().filter(|partition| !partition.is_closed()) {
            partition.expire_producers(expired_before(self.now(), self.producer_expiration));
            if let Err(error) = partition.enforce_retention(self.now()).await
                && outcome.is_ok()
            {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Removes this broker's garbage whose grace time is over. Returns how many objects.
    pub(crate) async fn remove_garbage(&self) -> Result<usize, MaintenanceError> {
        let own = self.core.id.broker;
        self.remove_garbage_of(|broker| broker == own).await
    }

    /// Does what brokers had to do that `is_gone` picks: what they announced and did not commit becomes
    /// this broker's garbage, and their garbage is removed.
    pub(crate) async fn sweep_for(
        &self,
        is_gone: impl Fn(BrokerId) -> bool,
    ) -> Result<(), MaintenanceError> {
        let catalog = &self.manifests.catalog;
        catalog.abandon_uploads_of(|upload| is_gone(upload.broker)).await?;
        self.remove_garbage_of(is_gone).await.map(|_| ())
    }

    /// The removal was decided when the last reference was released, so repeating it does no harm.
    async fn remove_garbage_of(
        &self,
        select: impl Fn(BrokerId) -> bool,
    ) -> Result<usize, MaintenanceError> {
        let grace = i64::try_from(self.delete_grace.as_millis()).unwrap_or(i64::MAX);
        let catalog = &self.manifests.catalog;
        let garbage = catalog.garbage_since(self.now().0.saturating_sub(grace), select).await?;
        for object in &garbage {
            self.objects.delete(&ObjectId::new(object.as_str())).await?;
            catalog.forget_garbage(object).await?;
        }
        Ok(garbage.len())
    }
}
