//! The task that follows all clusters' records, and the task of each cluster.

use std::{collections::HashMap, convert::Infallible, future, sync::Arc};

use milena_runtime::{FailureLog, Retry};
use milena_store::Event;
use tokio::sync::watch;

use super::{
    context::ReconcileContext, failure::record_failure, progress::StepOutcome, steps::run_step,
};
use crate::{
    arn::ClusterUid,
    cluster_store::{CLUSTERS, uid_of},
    error::ApiError,
    record::ManagedCluster,
};

/// Starts a task for every cluster there is and every one that comes, until the runtime's scope is
/// told to stop.
pub(crate) async fn supervise(context: Arc<ReconcileContext>) {
    let stopping = context.runtime.stopping().clone();
    let mut wakers = HashMap::new();
    let mut retry = Retry::new(&context.runtime, context.retry.backoff);
    loop {
        let outcome = tokio::select! {
            () = stopping.cancelled() => return,
            outcome = watch_records(&context, &mut wakers, &mut retry) => outcome,
        };
        let Err(error) = outcome;
        tracing::warn!(%error, "the clusters' records cannot be followed for a moment");
        if retry.pause().await.is_err() {
            return;
        }
    }
}

type Wakers = HashMap<ClusterUid, watch::Sender<()>>;

/// Follows the records until that fails.
async fn watch_records(
    context: &Arc<ReconcileContext>,
    wakers: &mut Wakers,
    retry: &mut Retry<'_>,
) -> Result<Infallible, ApiError> {
    let (uids, revision) = context.store.uids().await?;
    for uid in uids {
        wake(context, wakers, uid);
    }
    let mut changes = context.metadata.watch(CLUSTERS, revision).await?;
    retry.reset();
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

fn wake(context: &Arc<ReconcileContext>, wakers: &mut Wakers, uid: ClusterUid) {
    let waker = wakers.entry(uid.clone()).or_insert_with(|| {
        let (sender, changed) = watch::channel(());
        drop(context.runtime.spawn(reconcile(context.clone(), uid, changed)));
        sender
    });
    let _ = waker.send(());
}

/// Works on one cluster until it is gone or the service stops.
async fn reconcile(context: Arc<ReconcileContext>, uid: ClusterUid, waker: watch::Receiver<()>) {
    let stopping = context.runtime.stopping().clone();
    let mut changes = RecordChanges { waker, deleted: false };
    let (mut failures, mut log) = (0, FailureLog::default());
    while !stopping.is_cancelled() {
        changes.waker.mark_unchanged();
        // Not cancelled: a step is short, and a broker that it started must be accounted for.
        let outcome = advance(&context, &uid, &mut failures).await;
        if outcome.is_ok() {
            log.clear();
        }
        let (wait, left) = match outcome {
            Ok(StepOutcome::NextStep) => continue,
            Ok(StepOutcome::Wait(wait)) => (wait, None),
            Ok(StepOutcome::Gone) => return,
            Err(StepFailure { error, left }) => {
                failures += 1;
                if log.is_news(&error) {
                    tracing::warn!(cluster = %uid, %error, "a step failed and runs again and again");
                }
                (context.retry.backoff.pause(failures), left)
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            () = changes.next_after(&context, &uid, left.as_deref()) => {}
            () = context.runtime.sleep(wait) => {}
        }
    }
}

/// Changes of one cluster's record.
struct RecordChanges {
    waker: watch::Receiver<()>,
    deleted: bool,
}

impl RecordChanges {
    /// Waits for a change. Deletion is the last one: the sender is dropped then, and a store that
    /// cannot be read would otherwise be asked again without a pause.
    async fn next(&mut self) {
        if self.deleted {
            return future::pending().await;
        }
        self.deleted = self.waker.changed().await.is_err();
    }

    /// Waits for a change after which the record is not as this task has `left` it: that it noted a
    /// failure must not have it run the step again at once.
    async fn next_after(
        &mut self,
        context: &ReconcileContext,
        uid: &ClusterUid,
        left: Option<&ManagedCluster>,
    ) {
        loop {
            self.next().await;
            let Some(left) = left else { return };
            match context.store.cluster(uid).await {
                Ok(Some(seen)) if seen.value == *left => {}
                Ok(_) => return,
                // What has changed is found after the pause.
                Err(error) => tracing::debug!(cluster = %uid, %error, "the record is not read"),
            }
        }
    }
}

struct StepFailure {
    error: ApiError,
    /// The record with the failure noted in it.
    left: Option<Box<ManagedCluster>>,
}

impl From<ApiError> for StepFailure {
    fn from(error: ApiError) -> Self {
        Self { error, left: None }
    }
}

/// Runs the step that the record names, and records a failure of it.
async fn advance(
    context: &ReconcileContext,
    uid: &ClusterUid,
    failures: &mut u32,
) -> Result<StepOutcome, StepFailure> {
    let Some(seen) = context.store.cluster(uid).await? else { return Ok(StepOutcome::Gone) };
    let error = match run_step(context, &seen).await {
        Ok(progress) => {
            *failures = 0;
            return Ok(progress);
        }
        Err(error) => error,
    };
    match record_failure(context, &seen, &error, *failures + 1).await {
        Ok((_, true)) => {
            *failures = 0;
            Ok(StepOutcome::NextStep)
        }
        Ok((left, false)) => Err(StepFailure { error, left: Some(Box::new(left)) }),
        Err(unrecorded) => {
            tracing::warn!(
                cluster = %uid, error = %unrecorded,
                "a cluster's failure could not be recorded"
            );
            Err(error.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn poll_next(changes: &mut RecordChanges) -> Poll<()> {
        pin!(changes.next()).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_deleted_record_wakes_its_task_once() {
        let (sender, waker) = watch::channel(());
        let mut changes = RecordChanges { waker, deleted: false };
        assert!(poll_next(&mut changes).is_pending());
        sender.send(()).unwrap();
        assert!(poll_next(&mut changes).is_ready());
        drop(sender);
        assert!(poll_next(&mut changes).is_ready());
        assert!(poll_next(&mut changes).is_pending());
    }
}
