//! What the cluster's controller does. Every broker runs this task; only the one that holds the
//! role acts.
//!
//! The role is a record that ends with its holder's lease; the watch tells the others, and the
//! first to claim it has it. Whatever a controller decides is a transaction that requires the
//! role's record as it was when it looked, so one that has lost the role without knowing changes
//! nothing.
//!
//! A broker that leads partitions, or is to flush what a sealed epoch left, and has no registration
//! any more is *failed over*: this broker seals its epochs, and in
//! transactions that require the seal gives its partitions to others. Several at the same time,
//! each until it works or the broker is back. A broker that was not there when this one started may
//! be about to start as well, and is waited for, as long as a lease lasts.
//!
//! It sees to what `milena_metadata::plan` finds: leaders that return to the first replica once it
//! has served for a while, brokers that leave, new brokers' shares. There it never changes who
//! leads; leaders hand over themselves.

mod failover;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use milena_metadata::{
    MetadataError, MetadataImage, PlanOptions, Precondition, missing_leaders, plan,
};
use milena_storage::LedgerError;
use milena_types::{BrokerEpoch, BrokerId};
use tokio::task::JoinHandle;

use crate::shared::BrokerShared;

/// When something that did not work is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// How long a change of the image is let be before the next is looked at: many come together.
const PAUSE: Duration = Duration::from_millis(20);
/// How many partitions are changed in one go; the leaders hand over meanwhile.
const CHANGES_MAX: usize = 2000;

/// See the module's documentation.
pub(crate) struct Controller {
    broker: Arc<BrokerShared>,
    /// Since when brokers serve in the life they have, as far as this broker saw, on the monotonic
    /// clock.
    serving_since: BTreeMap<BrokerId, (BrokerEpoch, Duration)>,
    /// Brokers that were registered at some time since this one started.
    seen_alive: BTreeSet<BrokerId>,
    started: Duration,
    /// Brokers that are being failed over.
    failing_over: BTreeSet<BrokerId>,
    /// What was looked at when there was nothing to tidy.
    tidied: Option<(MetadataImage, PlanOptions)>,
    failovers: FuturesUnordered<JoinHandle<BrokerId>>,
}

impl Controller {
    pub(crate) fn new(broker: Arc<BrokerShared>) -> Self {
        let started = broker.runtime.monotonic();
        Self {
            broker,
            serving_since: BTreeMap::new(),
            seen_alive: BTreeSet::new(),
            started,
            failing_over: BTreeSet::new(),
            tidied: None,
            failovers: FuturesUnordered::new(),
        }
    }

    /// Works until the broker stops or begins to hand over what it has.
    pub(crate) async fn run(mut self) {
        let mut images = self.broker.images.subscribe();
        let stopping = self.broker.leaving.clone();
        loop {
            let image = images.borrow_and_update().clone();
            let look_again = tokio::select! {
                look_again = self.turn(&image) => look_again,
                () = stopping.cancelled() => return,
            };
            let alive = image.brokers().len();
            // What takes partitions' leaders away is looked at now, everything else a moment later.
            let mut pause = std::pin::pin!(self.broker.runtime.sleep(PAUSE));
            let mut wake = std::pin::pin!(self.broker.runtime.sleep(look_again));
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
                            Ok(dead) => _ = self.failing_over.remove(&dead),
                            Err(_) => self.failing_over.clear(), // It panicked: all may be begun again.
                        }
                        break;
                    }
                    () = wake.as_mut() => break,
                    () = stopping.cancelled() => return,
                }
            }
        }
    }

    /// Does what there is to do; answers after which time to look again if nothing changes.
    async fn turn(&mut self, image: &MetadataImage) -> Duration {
        self.note_serving(image);
        let holds_role = match image.controller_record() {
            Some(record) => {
                record.broker == self.broker.id() && record.epoch == self.broker.epoch()
            }
            None => self.claim().await,
        };
        let next = self.next_settled();
        if !holds_role {
            self.tidied = None;
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
        match self.tidy(image).await {
            Ok(true) => RETRY,
            Ok(false) => next,
            Err(MetadataError::Outdated) => {
                tracing::info!(broker = %self.broker.id(), "another broker is the controller now");
                RETRY
            }
            Err(error) => {
                tracing::warn!(%error, "the controller could not do what is needed; trying again");
                RETRY
            }
        }
    }

    async fn claim(&self) -> bool {
        match self.broker.metadata.claim_controller(&self.broker.registration).await {
            Ok(Some(_)) => {
                tracing::info!(broker = %self.broker.id(), "this broker is the controller now");
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::debug!(%error, "the controller's role could not be claimed");
                false
            }
        }
    }

    /// The brokers that are gone and lead partitions, or that are to flush what partitions of
    /// others go on from: until somebody else does, those cannot flush.
    async fn gone(
        &self,
        image: &MetadataImage,
    ) -> Result<BTreeMap<BrokerId, BrokerEpoch>, LedgerError> {
        let mut gone = missing_leaders(image);
        for (id, epoch) in self.broker.storage.flushers().await? {
            if image.broker(id).is_none() {
                // It may have begun a life since of which storage knows nothing, or belong to the
                // cluster no more.
                let node = image.nodes().get(&id).and_then(|node| node.epoch);
                let newest = gone.entry(id).or_insert(epoch);
                *newest = epoch.max(*newest).max(node.unwrap_or(epoch));
            }
        }
        Ok(gone)
    }

    /// Begins to fail over the brokers that are gone. Answers when to look for others.
    fn fail_over(&mut self, gone: BTreeMap<BrokerId, BrokerEpoch>) -> Duration {
        let waited = self.broker.runtime.monotonic().saturating_sub(self.started);
        let left = self.broker.config.limits.lease.saturating_sub(waited);
        let mut look_again = Duration::MAX;
        for (dead, epoch) in gone {
            if !left.is_zero() && !self.seen_alive.contains(&dead) {
                look_again = look_again.min(left);
            } else if self.failing_over.insert(dead) {
                let broker = self.broker.clone();
                // A task of its own, so that this one need not be polled for it to get on.
                self.failovers.push(self.broker.runtime.spawn(async move {
                    failover::fail_over(&broker, dead, epoch).await;
                    dead
                }));
            }
        }
        look_again
    }

    fn note_serving(&mut self, image: &MetadataImage) {
        self.seen_alive.extend(image.brokers().keys());
        let now = self.broker.runtime.monotonic();
        self.serving_since.retain(|id, _| image.is_serving(*id));
        for (id, record) in image.brokers().iter().filter(|(id, _)| image.is_serving(**id)) {
            let since = self.serving_since.entry(*id).or_insert((record.epoch, now));
            if since.0 != record.epoch {
                *since = (record.epoch, now);
            }
        }
    }

    fn is_settled(&self, since: Duration) -> bool {
        self.broker.runtime.monotonic() >= since + self.broker.config.limits.leaders_return_after
    }

    /// When the next broker has served for long enough, or for a look in any case.
    fn next_settled(&self) -> Duration {
        const IN_ANY_CASE: Duration = Duration::from_secs(60);
        let (now, after) =
            (self.broker.runtime.monotonic(), self.broker.config.limits.leaders_return_after);
        let waits = self.serving_since.values().filter(|(_, since)| !self.is_settled(*since));
        waits.map(|(_, since)| (*since + after).saturating_sub(now)).min().unwrap_or(IN_ANY_CASE)
    }

    /// Asks for what ought to be otherwise. Whether there was anything.
    async fn tidy(&mut self, image: &MetadataImage) -> Result<bool, MetadataError> {
        let metadata = &self.broker.metadata;
        let settled: BTreeSet<BrokerId> = self
            .serving_since
            .iter()
            .filter(|(_, (_, since))| self.is_settled(*since))
            .map(|(id, _)| *id)
            .collect();
        let rebalance = self.broker.layers(image).broker_value("auto.leader.rebalance.enable");
        let options =
            PlanOptions { preferred_leaders: rebalance.as_deref() != Some("false"), settled };
        // Most images differ from the one before in the revision only, and partitions may be many.
        if self.tidied.as_ref().is_some_and(|(seen, with)| seen.is_same(image) && *with == options)
        {
            return Ok(false);
        }
        self.tidied = None;
        let mut plan = plan(image, &options);
        if plan.changes.is_empty() && plan.shares_given.is_empty() {
            self.tidied = Some((image.clone(), options));
            return Ok(false);
        }
        let guard = role(&self.broker).await?;
        let all = plan.changes.len() <= CHANGES_MAX;
        plan.changes.truncate(CHANGES_MAX);
        let applied = metadata.change_partitions(&[guard], &plan.changes).await?;
        if !plan.changes.is_empty() {
            tracing::info!(
                broker = %self.broker.id(), partitions = applied.partitions.len(),
                "the controller asked for other leaders or replicas"
            );
        }
        if all && applied.partitions.len() == plan.changes.len() {
            for broker in plan.shares_given {
                metadata.share_given(broker).await?;
            }
        }
        Ok(true)
    }
}

/// What must hold for decisions of this broker as the controller.
async fn role(broker: &BrokerShared) -> Result<Precondition, MetadataError> {
    let seen = broker.metadata.controller().await?.ok_or(MetadataError::Outdated)?;
    if seen.record.broker != broker.id() || seen.record.epoch != broker.epoch() {
        return Err(MetadataError::Outdated);
    }
    Ok(broker.metadata.controller_guard(&seen))
}
