//! Handing partitions over to other brokers: the leader's own part of a change of leaders.
//!
//! Committed records are flushed while the partitions still accept. Then they are closed, appends
//! in progress are committed, the rest is flushed and folded, and one guarded change after the other
//! names the new leaders. Requests that arrive in between wait for the outcome ([`super::resolve`]). A
//! partition that could not be flushed or whose record was not changed is opened here again, in the
//! same term: once that is certain and the image shows it, never before, since in its next term
//! another broker accepts.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use milena_metadata::{
    AppliedChanges, ClusterMetadata, Handover, MetadataError, Registration, plan_departure,
};
use milena_runtime::{Backoff, Retry, Runtime};
use milena_storage::{CatalogError, ClosedPartition};
use milena_types::{BrokerId, TopicPartition};

use super::{lifecycle::PartitionLifecycle, partitions::LedPartitions, resolve::LeaderResolver};

/// How many partitions are handed over together: the first of them waits until the last is ready.
const AT_ONCE_MAX: usize = 1000;
/// The pause before a retry.
const RETRY: Duration = Duration::from_millis(50);

/// Why it is not known whether partitions were handed over.
#[derive(Debug, thiserror::Error)]
enum HandoffError {
    #[error(transparent)]
    Lives(#[from] CatalogError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// Hands over partitions of this life of the broker.
pub(crate) struct Handoff {
    metadata: ClusterMetadata,
    registration: Registration,
    leaders: LeaderResolver,
    partitions: Arc<PartitionLifecycle>,
    runtime: Runtime,
}

impl Handoff {
    pub(crate) fn new(
        metadata: ClusterMetadata,
        registration: Registration,
        leaders: LeaderResolver,
        partitions: Arc<PartitionLifecycle>,
        runtime: Runtime,
    ) -> Self {
        Self { metadata, registration, leaders, partitions, runtime }
    }

    /// Hands partitions over, each to the broker named with it. Those that are being handed over
    /// already are left out. Returns how many have another leader now.
    pub(crate) async fn hand_over(&self, moves: Vec<(TopicPartition, BrokerId)>) -> usize {
        let table = self.partitions.table();
        let mut handed = 0;
        for moves in moves.chunks(AT_ONCE_MAX) {
            let ids: Vec<TopicPartition> = moves.iter().map(|(id, _)| *id).collect();
            let ours = table.begin_handoff(&ids);
            let moves: HashMap<TopicPartition, BrokerId> =
                moves.iter().copied().filter(|(id, _)| ours.contains(id)).collect();
            let mut marks = HandoffMarks { table, ids: ours, in_doubt: false };
            handed += self.hand_over_together(moves, &mut marks.in_doubt).await;
            drop(marks);
        }
        handed
    }

    async fn hand_over_together(
        &self,
        moves: HashMap<TopicPartition, BrokerId>,
        in_doubt: &mut bool,
    ) -> usize {
        if moves.is_empty() {
            return 0;
        }
        let started = self.runtime.monotonic();
        let ids: Vec<TopicPartition> = moves.keys().copied().collect();
        if let Err(error) = self.partitions.flush(&ids).await {
            tracing::warn!(
                %error,
                "partitions are not handed over while records cannot be put into segments"
            );
            return 0;
        }
        let flushed = self.runtime.monotonic();
        let closed = self.close(&moves).await;
        *in_doubt = true;
        let Some(handed) = self.change_leaders(&closed).await else { return 0 };
        *in_doubt = false;
        let now = self.runtime.monotonic();
        tracing::info!(
            broker = %self.registration.broker,
            partitions = handed.partitions.len(), of = closed.len(),
            flush_ms = (flushed - started).as_millis() as u64,
            pause_ms = (now - flushed).as_millis() as u64,
            "handed partitions over"
        );
        handed.partitions.len()
    }

    /// Closes partitions. Returns those that another broker can lead now.
    async fn close(&self, moves: &HashMap<TopicPartition, BrokerId>) -> Vec<Handover> {
        let ids: Vec<TopicPartition> = moves.keys().copied().collect();
        let mut ready = Vec::with_capacity(ids.len());
        let mut refused: Option<(usize, String)> = None;
        for (id, outcome) in self.partitions.close(&ids).await {
            match outcome {
                Ok(ClosedPartition { folded }) => {
                    ready.push(Handover { partition: id, to: moves[&id], folded });
                }
                Err(error) => refused.get_or_insert_with(|| (0, error.to_string())).0 += 1,
            }
        }
        if let Some((partitions, error)) = refused {
            tracing::warn!(error, partitions, "partitions could not be flushed and stay here");
        }
        ready
    }

    /// Names the new leaders, and waits until the image shows them. `None`: this life of the broker
    /// is over, and the change may have been made.
    async fn change_leaders(&self, closed: &[Handover]) -> Option<AppliedChanges> {
        let changed = async {
            let mut retry = Retry::new(&self.runtime, Backoff::fixed(RETRY));
            loop {
                // A retry leaves out partitions that have another leader already, so in the end the
                // outcome is known.
                match self.try_change_leaders(closed).await {
                    Ok(handed) => {
                        let images = self.leaders.images();
                        return images.wait_for(handed.revision).await.ok().map(|_| handed);
                    }
                    Err(HandoffError::Metadata(error @ MetadataError::Superseded { .. })) => {
                        tracing::warn!(
                            %error, partitions = closed.len(),
                            "partitions were not handed over"
                        );
                        return None;
                    }
                    Err(error) if retry.is_news(&error) => {
                        tracing::warn!(
                            %error, partitions = closed.len(),
                            "whether partitions were handed over is not known; asking again"
                        );
                    }
                    Err(_) => {}
                }
                retry.pause().await.ok()?;
            }
        };
        tokio::select! {
            changed = changed => changed,
            () = self.runtime.stopping().cancelled() => None,
        }
    }

    async fn try_change_leaders(
        &self,
        closed: &[Handover],
    ) -> Result<AppliedChanges, HandoffError> {
        let lives = self.partitions.lives().await?;
        Ok(self.metadata.hand_over(&self.registration, &lives, closed).await?)
    }

    /// Hands over everything that this broker leads to brokers that serve, as far as there are any,
    /// for at most `wait_max`.
    pub(crate) async fn hand_over_everything(&self, wait_max: Duration) {
        let broker = self.registration.broker;
        let all = async {
            loop {
                let moves = plan_departure(&self.leaders.image(), broker);
                if moves.is_empty() {
                    return;
                }
                if self.hand_over(moves).await == 0 {
                    // They are being handed over already, or it does not work for now.
                    self.runtime.sleep(RETRY).await;
                }
            }
        };
        if tokio::time::timeout(wait_max, all).await.is_err() {
            tracing::warn!(
                %broker,
                "not everything could be handed over in time; the others take it over when this \
                 broker is gone"
            );
        }
    }
}

/// Ends a handoff also when it is cancelled, but not while it is unknown who leads: then nothing is
/// opened here again.
struct HandoffMarks<'a> {
    table: &'a LedPartitions,
    ids: HashSet<TopicPartition>,
    in_doubt: bool,
}

impl Drop for HandoffMarks<'_> {
    fn drop(&mut self) {
        if !self.in_doubt {
            self.table.end_handoff(self.ids.drain());
        }
    }
}
