//! The cluster's controller. Every broker runs this task; only the one that holds the role acts.
//!
//! Each decision is a transaction that requires the role's record as it was read before ([`role`]),
//! so a controller that has lost the role without knowing changes nothing.
//!
//! A broker that leads partitions, or is to flush the rest of a sealed epoch, and has no
//! registration any more is *failed over* ([`failover`]): this broker seals its epochs, and in
//! transactions that require the seal gives its partitions to others. Several at the same time,
//! each until it works or the broker is back. A broker that was not there when this one started may
//! be about to start as well, and is waited for, as long as a lease lasts.
//!
//! It asks for what `milena_metadata::plan` finds: leaders that return to the first replica once it
//! has served for a while, brokers that leave, new brokers' shares. There it never changes who
//! leads; leaders hand over themselves. [`deleted_topics`] removes the records of deleted topics
//! that nothing refers to any more, and partitions that no topic has.

pub(crate) mod absent_brokers;
pub(crate) mod deleted_topics;
pub(crate) mod failover;
pub(crate) mod role;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use milena_metadata::{
    ClusterMetadata, ImageWatcher, MetadataError, MetadataImage, PlanOptions, missing_leaders, plan,
};
use milena_runtime::Runtime;
use milena_storage::{CatalogError, Storage};
use milena_types::{BrokerEpoch, BrokerId};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::{failover::Failover, role::ControllerRole};
use crate::kafka_config::BrokerKafkaConfig;

/// The pause before a retry.
const RETRY: Duration = Duration::from_millis(200);
/// How long the controller waits after a change of the image, since many come together.
const PAUSE: Duration = Duration::from_millis(20);
/// How many partitions are changed in one pass; the leaders hand over meanwhile.
const CHANGES_MAX: usize = 2000;
/// A pass runs at least this often: what storage records, such as who is to flush a sealed epoch,
/// is not in the image.
const PASS_INTERVAL_MAX: Duration = Duration::from_secs(2);

pub(crate) struct ControllerParts {
    pub(crate) broker: BrokerId,
    pub(crate) role: ControllerRole,
    pub(crate) failover: Failover,
    pub(crate) metadata: ClusterMetadata,
    pub(crate) images: ImageWatcher,
    pub(crate) storage: Arc<Storage>,
    pub(crate) kafka_config: BrokerKafkaConfig,
    pub(crate) runtime: Runtime,
    /// Cancelled when this broker decides nothing for the cluster any more.
    pub(crate) leaving: CancellationToken,
    /// How long a broker that was not there at the start is waited for.
    pub(crate) lease: Duration,
    /// See [`crate::BrokerTuning::leaders_return_after`].
    pub(crate) leaders_return_after: Duration,
}

/// The controller's task of one broker.
pub(crate) struct Controller {
    parts: ControllerParts,
    /// Since when brokers serve in the life they have, as far as this broker saw, on the monotonic
    /// clock.
    serving_since: BTreeMap<BrokerId, (BrokerEpoch, Duration)>,
    /// Brokers that were registered at some time since this one started.
    seen_alive: BTreeSet<BrokerId>,
    started: Duration,
    /// Brokers that are being failed over.
    failing_over: BTreeSet<BrokerId>,
    /// The image and options of the last plan that was empty.
    unchanged: Option<(MetadataImage, PlanOptions)>,
    failovers: FuturesUnordered<JoinHandle<BrokerId>>,
}

impl Controller {
    pub(crate) fn new(parts: ControllerParts) -> Self {
        let started = parts.runtime.monotonic();
        Self {
            parts,
            serving_since: BTreeMap::new(),
            seen_alive: BTreeSet::new(),
            started,
            failing_over: BTreeSet::new(),
            unchanged: None,
            failovers: FuturesUnordered::new(),
        }
    }

    /// Runs until the broker stops or begins to hand over its partitions.
    pub(crate) async fn run(mut self) {
        let mut images = self.parts.images.subscribe();
        let leaving = self.parts.leaving.clone();
        loop {
            let image = images.borrow_and_update().clone();
            let next_pass = tokio::select! {
                next_pass = self.run_pass(&image) => next_pass,
                () = leaving.cancelled() => return,
            };
            let alive = image.brokers().len();
            // A broker that is gone takes partitions' leaders away: that needs a pass at once, all
            // else a moment later.
            let mut pause = std::pin::pin!(self.parts.runtime.sleep(PAUSE));
            let mut wake = std::pin::pin!(self.parts.runtime.sleep(next_pass));
            let mut changed_already = false;
            loop {
                tokio::select! {
                    changed = images.changed() => match changed {
                        Err(_) => return,
                        Ok(()) if images.borrow_and_update().brokers().len() < alive => break,
                        Ok(()) => changed_already = true,
                    },
                    () = pause.as_mut(), if changed_already => break,
                    Some(done) = self.failovers.next(), if !self.failovers.is_empty() => {
                        match done {
                            Ok(failed) => _ = self.failing_over.remove(&failed),
                            // It panicked: all may be started again.
                            Err(_) => self.failing_over.clear(),
                        }
                        break;
                    }
                    () = wake.as_mut() => break,
                    () = leaving.cancelled() => return,
                }
            }
        }
    }

    /// Runs one pass. Returns when to run the next if the image does not change.
    async fn run_pass(&mut self, image: &MetadataImage) -> Duration {
        self.update_serving(image);
        let holds_role = match image.controller_record() {
            Some(_) => self.parts.role.is_held(image),
            None => self.parts.role.claim().await,
        };
        let next = self.next_return();
        if !holds_role {
            self.unchanged = None;
            return next;
        }
        let gone = match self.gone(image).await {
            Ok(gone) => gone,
            Err(error) => {
                tracing::debug!(%error, "who has to be recovered is not known; trying again");
                return RETRY;
            }
        };
        let next = next.min(self.fail_over(gone));
        match self.change(image).await {
            Ok(true) => RETRY,
            Ok(false) => next,
            Err(MetadataError::Outdated) => {
                tracing::info!(broker = %self.parts.broker, "another broker is the controller now");
                RETRY
            }
            Err(error) => {
                tracing::warn!(%error, "the controller could not do what is needed; trying again");
                RETRY
            }
        }
    }

    /// The brokers without a registration that lead partitions, or that have to flush before
    /// partitions of other brokers can.
    async fn gone(
        &self,
        image: &MetadataImage,
    ) -> Result<BTreeMap<BrokerId, BrokerEpoch>, CatalogError> {
        let mut gone = missing_leaders(image);
        for (id, epoch) in self.parts.storage.flushers().await? {
            if image.broker(id).is_none() {
                // It may have begun a life since that storage has no record of, or have left the
                // cluster.
                let node = image.nodes().get(&id).and_then(|node| node.epoch);
                let newest = gone.entry(id).or_insert(epoch);
                *newest = epoch.max(*newest).max(node.unwrap_or(epoch));
            }
        }
        Ok(gone)
    }

    /// Begins to fail over the brokers that are gone. Returns when to look for others.
    fn fail_over(&mut self, gone: BTreeMap<BrokerId, BrokerEpoch>) -> Duration {
        let waited = self.parts.runtime.monotonic().saturating_sub(self.started);
        let left = self.parts.lease.saturating_sub(waited);
        let mut next = Duration::MAX;
        for (failed, epoch) in gone {
            if !left.is_zero() && !self.seen_alive.contains(&failed) {
                next = next.min(left);
            } else if self.failing_over.insert(failed) {
                let failover = self.parts.failover.clone();
                // A task of its own, so that this one need not be polled for it to get on.
                self.failovers.push(self.parts.runtime.spawn_seal(async move {
                    failover.run(failed, epoch).await;
                    failed
                }));
            }
        }
        next
    }

    fn update_serving(&mut self, image: &MetadataImage) {
        self.seen_alive.extend(image.brokers().keys());
        let now = self.parts.runtime.monotonic();
        self.serving_since.retain(|id, _| image.is_serving(*id));
        for (id, record) in image.brokers().iter().filter(|(id, _)| image.is_serving(**id)) {
            let since = self.serving_since.entry(*id).or_insert((record.epoch, now));
            if since.0 != record.epoch {
                *since = (record.epoch, now);
            }
        }
    }

    /// Whether a broker that serves since then has done so for long enough to get its partitions
    /// back.
    fn may_return(&self, since: Duration) -> bool {
        self.parts.runtime.monotonic() >= since + self.parts.leaders_return_after
    }

    /// When the next broker has served for long enough.
    fn next_return(&self) -> Duration {
        let (now, after) = (self.parts.runtime.monotonic(), self.parts.leaders_return_after);
        let waits = self.serving_since.values().filter(|(_, since)| !self.may_return(*since));
        waits
            .map(|(_, since)| (*since + after).saturating_sub(now))
            .min()
            .map_or(PASS_INTERVAL_MAX, |next| next.min(PASS_INTERVAL_MAX))
    }

    /// Asks for other leaders and replicas where the plan has any. Returns whether it had.
    async fn change(&mut self, image: &MetadataImage) -> Result<bool, MetadataError> {
        let metadata = &self.parts.metadata;
        let stable_brokers: BTreeSet<BrokerId> = self
            .serving_since
            .iter()
            .filter(|(_, (_, since))| self.may_return(*since))
            .map(|(id, _)| *id)
            .collect();
        let preferred_leaders =
            self.parts.kafka_config.effective(image).auto_leader_rebalance_enable();
        let options = PlanOptions { preferred_leaders, stable_brokers };
        // Most images differ from the one before in the revision only, and partitions may be many.
        if self
            .unchanged
            .as_ref()
            .is_some_and(|(seen, with)| seen.is_same(image) && *with == options)
        {
            return Ok(false);
        }
        self.unchanged = None;
        let mut plan = plan(image, &options);
        if plan.changes.is_empty() && plan.at_quota.is_empty() {
            self.unchanged = Some((image.clone(), options));
            return Ok(false);
        }
        let guard = self.parts.role.guard().await?;
        let all = plan.changes.len() <= CHANGES_MAX;
        plan.changes.truncate(CHANGES_MAX);
        let guards = [guard];
        let applied = metadata.change_partitions(&guards, &plan.changes).await?;
        if !plan.changes.is_empty() {
            tracing::info!(
                broker = %self.parts.broker, partitions = applied.partitions.len(),
                "the controller asked for other leaders or replicas"
            );
        }
        if all && applied.partitions.len() == plan.changes.len() {
            for broker in plan.at_quota {
                metadata.mark_at_quota(&guards, broker).await?;
            }
        }
        Ok(true)
    }
}
