//! One task per cluster that makes its record true.
//!
//! The supervisor follows the clusters' records with one watch: a new record gets a task, a changed
//! one wakes its task. A task reads the record, takes the step that it names (`steps`), records the
//! next one in a transaction over the revision it read, and begins again; after a crash the next
//! process does the same. A step that fails is taken again, later and later. A creation that goes
//! on failing is given up and shown as FAILED; an update that does is taken back (`updates`);
//! anything else is never given up, and the trouble stands in `stateInfo`.

mod steps;
mod updates;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use milena_metadata::{Event, MetadataStore, Watch};
use milena_runtime::Runtime;
use milena_security::local_key::LocalKey;
use milena_types::Revision;
use tokio::sync::watch;

use crate::{
    addresses::AddressPlan,
    arn::ClusterUid,
    cluster_store::{CLUSTERS, ClusterStore, Seen, uid_of},
    error::ApiError,
    provisioner::Provisioner,
    record::{ClusterState, Failure, ManagedCluster, ReconcileStep},
};
use steps::Progress;

/// How a failed step is taken again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    /// The wait after the first failure; it doubles with each.
    pub(crate) wait_first: Duration,
    pub(crate) wait_max: Duration,
    /// After so many failures of one step a creation is given up, and other trouble is shown.
    pub(crate) failures_max: u32,
    /// How often running brokers are looked after.
    pub(crate) check_every: Duration,
    /// How often is looked whether what brokers hold has settled.
    pub(crate) settle_every: Duration,
}

impl Retry {
    pub(crate) const DEFAULT: Self = Self {
        wait_first: Duration::from_millis(100),
        wait_max: Duration::from_secs(10),
        failures_max: 8,
        check_every: Duration::from_secs(2),
        settle_every: Duration::from_millis(50),
    };

    fn wait(&self, failures: u32) -> Duration {
        (self.wait_first * 2u32.saturating_pow(failures.saturating_sub(1).min(16)))
            .min(self.wait_max)
    }
}

/// What all reconcilers work with.
pub(crate) struct ReconcileContext {
    pub(crate) runtime: Runtime,
    pub(crate) store: ClusterStore,
    pub(crate) metadata: Arc<dyn MetadataStore>,
    pub(crate) provisioner: Arc<dyn Provisioner>,
    pub(crate) local_key: LocalKey,
    pub(crate) addresses: AddressPlan,
    pub(crate) default_properties: fn(usize) -> BTreeMap<String, String>,
    pub(crate) retry: Retry,
}

/// Starts a task for every cluster there is and every one that comes.
pub(crate) async fn supervise(context: Arc<ReconcileContext>) {
    let stopping = context.runtime.stopping().clone();
    let mut wakers = HashMap::new();
    let mut failures = 0;
    loop {
        let outcome = tokio::select! {
            () = stopping.cancelled() => return,
            outcome = follow(&context, &mut wakers, &mut failures) => outcome,
        };
        let Err(error) = outcome;
        failures += 1;
        tracing::warn!(%error, "the service lost sight of its clusters and looks again");
        tokio::select! {
            () = stopping.cancelled() => return,
            () = context.runtime.sleep(context.retry.wait(failures)) => {}
        }
    }
}

type Wakers = HashMap<ClusterUid, watch::Sender<()>>;

/// Follows the records until that fails.
async fn follow(
    context: &Arc<ReconcileContext>,
    wakers: &mut Wakers,
    failures: &mut u32,
) -> Result<std::convert::Infallible, ApiError> {
    let (uids, revision) = context.store.uids().await?;
    for uid in uids {
        wake(context, wakers, uid);
    }
    let mut changes = open_watch(context, revision).await?;
    *failures = 0;
    loop {
        let batch =
            changes.next().await.map_err(|error| ApiError::Unavailable(error.to_string()))?;
        for event in batch.events {
            match event {
                Event::Put(entry) => {
                    if let Some(uid) = uid_of(&entry.key) {
                        wake(context, wakers, uid);
                    }
                }
                Event::Delete { key } => {
                    uid_of(&key).map(|uid| wakers.remove(&uid));
                }
            }
        }
    }
}

async fn open_watch(
    context: &ReconcileContext,
    revision: Revision,
) -> Result<Box<dyn Watch>, ApiError> {
    context.metadata.watch(CLUSTERS, revision).await.map_err(ApiError::from)
}

fn wake(context: &Arc<ReconcileContext>, wakers: &mut Wakers, uid: ClusterUid) {
    let waker = wakers.entry(uid.clone()).or_insert_with(|| {
        let (sender, changed) = watch::channel(());
        drop(context.runtime.spawn(reconcile(context.clone(), uid, changed)));
        sender
    });
    let _ = waker.send(());
}

/// Works on one cluster until it is gone or the service stops.
async fn reconcile(
    context: Arc<ReconcileContext>,
    uid: ClusterUid,
    mut changed: watch::Receiver<()>,
) {
    let stopping = context.runtime.stopping().clone();
    let mut failures = 0;
    while !stopping.is_cancelled() {
        changed.mark_unchanged();
        // A step that has begun is finished: it is short, and what it started must not be lost
        // sight of.
        let wait = match advance(&context, &uid, &mut failures).await {
            Ok(Progress::NextStep) => continue,
            Ok(Progress::Wait(wait)) => wait,
            Ok(Progress::Gone) => return,
            Err(error) => {
                failures += 1;
                tracing::warn!(cluster = %uid, %error, failures, "a step for a cluster failed and is taken again");
                context.retry.wait(failures)
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            _ = changed.changed() => {}
            () = context.runtime.sleep(wait) => {}
        }
    }
}

/// Takes the cluster's next step. A failure that goes on is recorded.
async fn advance(
    context: &ReconcileContext,
    uid: &ClusterUid,
    failures: &mut u32,
) -> Result<Progress, ApiError> {
    let Some(seen) = context.store.cluster(uid).await? else { return Ok(Progress::Gone) };
    match steps::run_step(context, &seen).await {
        Ok(next) => {
            *failures = 0;
            Ok(next)
        }
        Err(error) => {
            match record_failure(context, seen, &error, *failures + 1).await {
                // What is done instead of what was given up begins at once.
                Ok(true) => {
                    *failures = 0;
                    return Ok(Progress::NextStep);
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(cluster = %uid, %error, "a cluster's trouble could not be recorded");
                }
            }
            Err(error)
        }
    }
}

/// Writes down why a cluster is not as it should be. True when a creation or an update was given
/// up.
async fn record_failure(
    context: &ReconcileContext,
    mut seen: Seen<ManagedCluster>,
    error: &ApiError,
    failures: u32,
) -> Result<bool, ApiError> {
    let record = &mut seen.record;
    let before = record.clone();
    let given_up = failures >= context.retry.failures_max;
    match record.state {
        ClusterState::Creating if given_up => {
            record.state = ClusterState::Failed;
            record.step = ReconcileStep::StopFailedBrokers;
            record.failure = Some(failure("CREATION_FAILED", error));
        }
        // That a broker is down is shown at once, and so is what is done about it.
        ClusterState::Active | ClusterState::Healing => {
            record.state = ClusterState::Healing;
            record.failure = Some(failure("BROKER_DOWN", error));
        }
        ClusterState::Updating if given_up => {
            match updates::compensating_step(record, failure("UPDATE_FAILED", error)) {
                Some(instead) => *record = instead,
                None => record.failure = Some(failure("RETRYING", error)),
            }
        }
        ClusterState::Deleting | ClusterState::RebootingBroker | ClusterState::Failed
            if given_up =>
        {
            record.failure = Some(failure("RETRYING", error));
        }
        _ => {}
    }
    let gave_up = before.step != record.step;
    if *record != before {
        let recorded =
            context.store.replace(seen.revision, &seen.record, Default::default()).await?;
        return Ok(recorded && gave_up);
    }
    Ok(false)
}

fn failure(code: &str, error: &ApiError) -> Failure {
    Failure { code: code.to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests;
