//! Deleting the bytes of topics that were deleted, in a task of its own: a topic may have had
//! thousands of partitions, and nothing waits for them.
//!
//! A broker that is up sees a deletion in the image and acts on it at once
//! ([`super::reconcile`]). One that was down reads the records of deleted topics when it starts:
//! its log may still hold batches of them. The controller removes such a record when every broker
//! has had both chances (`controller::deleted_topics`).

use std::{collections::VecDeque, sync::Arc, time::Duration};

use milena_metadata::ClusterMetadata;
use milena_runtime::{Backoff, Retry, Runtime};
use milena_types::{PartitionIndex, TopicPartition};
use tokio::sync::mpsc;

use super::lifecycle::PartitionLifecycle;

/// How many partitions are taken at a time; storage deletes many in a transaction.
const TAKEN_AT_ONCE_MAX: usize = 512;
/// When what did not work is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Takes partitions of deleted topics. Holds no more than there were partitions.
#[derive(Clone)]
pub(crate) struct DeletionQueue(mpsc::UnboundedSender<Vec<TopicPartition>>);

impl DeletionQueue {
    /// Begins with what this broker may have of topics that were deleted before.
    pub(crate) fn start(
        metadata: ClusterMetadata,
        partitions: Arc<PartitionLifecycle>,
        runtime: &Runtime,
    ) -> Self {
        let (sender, inbox) = mpsc::unbounded_channel();
        let worker = DeletionWorker { metadata, partitions, runtime: runtime.clone(), inbox };
        runtime.spawn(worker.run());
        Self(sender)
    }

    pub(crate) fn push(&self, partitions: Vec<TopicPartition>) {
        // With the worker the broker has ended; the next start reads what is left.
        let _ = self.0.send(partitions);
    }
}

struct DeletionWorker {
    metadata: ClusterMetadata,
    partitions: Arc<PartitionLifecycle>,
    runtime: Runtime,
    inbox: mpsc::UnboundedReceiver<Vec<TopicPartition>>,
}

impl DeletionWorker {
    async fn run(mut self) {
        let stopping = self.runtime.stopping().clone();
        tokio::select! {
            () = self.delete_until_stopped() => {}
            () = stopping.cancelled() => {}
        }
    }

    async fn delete_until_stopped(&mut self) {
        let mut left = self.leftovers().await;
        let runtime = self.runtime.clone();
        let mut retry = Retry::new(&runtime, Backoff::fixed(RETRY));
        loop {
            if left.is_empty() {
                let Some(next) = self.inbox.recv().await else { return };
                left.extend(next);
            }
            while let Ok(next) = self.inbox.try_recv() {
                left.extend(next);
            }
            if left.is_empty() {
                continue;
            }
            let taken: Vec<_> = left.drain(..left.len().min(TAKEN_AT_ONCE_MAX)).collect();
            let Err((failed, error)) = self.partitions.delete(&taken).await else {
                retry = Retry::new(&runtime, Backoff::fixed(RETRY));
                continue;
            };
            if retry.is_news(&error) {
                tracing::warn!(
                    %error, partitions = failed.len(), first = %failed[0],
                    "deleted partitions' records could not be deleted; trying again"
                );
            }
            left.extend(failed);
            if retry.pause().await.is_err() {
                return;
            }
        }
    }

    /// The partitions of topics that were deleted while this broker was down, or shortly before.
    async fn leftovers(&self) -> VecDeque<TopicPartition> {
        let mut retry = Retry::new(&self.runtime, Backoff::fixed(RETRY));
        loop {
            match self.metadata.deleted_topics().await {
                Ok(deleted) => {
                    let mut left = VecDeque::new();
                    for (topic, record) in deleted {
                        let partitions = (0..record.partitions).map(PartitionIndex);
                        left.extend(
                            partitions.map(|partition| TopicPartition { topic, partition }),
                        );
                    }
                    return left;
                }
                Err(error) => {
                    if retry.is_news(&error) {
                        tracing::warn!(%error, "the records of deleted topics cannot be read; trying again");
                    }
                }
            }
            if retry.pause().await.is_err() {
                return VecDeque::new();
            }
        }
    }
}
