//! Handing partitions over to other brokers: the leader's own part of a change of leaders.
//!
//! What is committed is flushed while the partitions still accept. Then they are closed, what is
//! under way settles and is answered, the rest is flushed, and one guarded change after the other
//! names the new leaders. Requests that arrive in between wait for the outcome (`settling`). A
//! partition that could not be flushed or whose record was not changed is opened here again, in the
//! same term: once that is certain and the image shows it, never before, since in its next term
//! another broker accepts.

use std::{collections::HashMap, sync::Arc, time::Duration};

use milena_metadata::{AppliedChanges, MetadataError, plan_departure};
use milena_types::{BrokerId, TopicPartition};

use crate::shared::BrokerShared;

/// How many partitions are handed over together: the first of them waits until the last is ready.
const AT_ONCE_MAX: usize = 1000;
/// Hands partitions over, each to the broker named with it. Those that somebody hands over already
/// are left out. Answers how many have another leader now.
pub(crate) async fn hand_over(
    broker: &Arc<BrokerShared>,
    moves: Vec<(TopicPartition, BrokerId)>,
) -> usize {
    let mut handed = 0;
    for moves in moves.chunks(AT_ONCE_MAX) {
        let ids: Vec<TopicPartition> = moves.iter().map(|(id, _)| *id).collect();
        let ours = broker.partitions.begin_handoff(&ids);
        let mut ending = Ending { broker, ids: ours.iter().copied().collect(), in_doubt: false };
        let moves: HashMap<TopicPartition, BrokerId> =
            moves.iter().copied().filter(|(id, _)| ours.contains(id)).collect();
        handed += hand_over_together(broker, moves, &mut ending.in_doubt).await;
        drop(ending);
    }
    handed
}

/// Ends a handoff also when it is cancelled, but not while nobody knows who leads: then nothing is
/// opened here again.
struct Ending<'a> {
    broker: &'a BrokerShared,
    ids: Vec<TopicPartition>,
    in_doubt: bool,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if !self.in_doubt {
            self.broker.partitions.end_handoff(self.ids.drain(..));
        }
    }
}

async fn hand_over_together(
    broker: &Arc<BrokerShared>,
    moves: HashMap<TopicPartition, BrokerId>,
    in_doubt: &mut bool,
) -> usize {
    if moves.is_empty() {
        return 0;
    }
    let started = broker.runtime.monotonic();
    if let Err(error) = broker.storage.prepare_close().await {
        tracing::warn!(%error, "partitions are not handed over while records cannot be put into segments");
        return 0;
    }
    let flushed = broker.runtime.monotonic();
    let closed = close(broker, moves).await;
    *in_doubt = true;
    let Some(handed) = decide(broker, &closed).await else { return 0 };
    *in_doubt = false;
    let now = broker.runtime.monotonic();
    tracing::info!(
        broker = %broker.id(), partitions = handed.partitions.len(), of = closed.len(),
        flush_ms = (flushed - started).as_millis() as u64, pause_ms = (now - flushed).as_millis() as u64,
        "handed partitions over"
    );
    handed.partitions.len()
}

/// Names the new leaders, and waits until the image shows them. None: this life of the broker is
/// over, and what it asked for may have happened.
async fn decide(
    broker: &Arc<BrokerShared>,
    closed: &[(TopicPartition, BrokerId)],
) -> Option<AppliedChanges> {
    let decided = async {
        let mut told = false;
        loop {
            // Asked again it leaves out what has another leader already, so in the end it is known.
            match broker.metadata.hand_over(&broker.registration, closed).await {
                Ok(handed) => {
                    return broker.images.wait_for(handed.revision).await.ok().map(|_| handed);
                }
                Err(error @ MetadataError::Superseded { .. }) => {
                    tracing::warn!(%error, partitions = closed.len(), "partitions were not handed over");
                    return None;
                }
                Err(error) if !std::mem::replace(&mut told, true) => {
                    tracing::warn!(%error, partitions = closed.len(), "whether partitions were handed over is not known; asking again");
                }
                Err(_) => {}
            }
            broker.runtime.sleep(RETRY).await;
        }
    };
    tokio::select! {
        decided = decided => decided,
        () = broker.runtime.stopping().cancelled() => None,
    }
}

/// Closes partitions. Answers those that another broker can lead now.
async fn close(
    broker: &BrokerShared,
    moves: HashMap<TopicPartition, BrokerId>,
) -> Vec<(TopicPartition, BrokerId)> {
    for id in moves.keys() {
        broker.partitions.remove(*id);
        broker.groups.closed(*id);
    }
    let ids: Vec<TopicPartition> = moves.keys().copied().collect();
    let mut ready = Vec::with_capacity(ids.len());
    let mut refused: Option<(usize, String)> = None;
    for (id, outcome) in broker.storage.close_partitions(&ids).await {
        match outcome {
            Ok(()) => ready.push((id, moves[&id])),
            Err(error) => refused.get_or_insert_with(|| (0, error.to_string())).0 += 1,
        }
    }
    if let Some((partitions, error)) = refused {
        tracing::warn!(error, partitions, "partitions could not be flushed and stay here");
    }
    ready
}

/// Hands over everything that this broker leads to brokers that serve, as far as there are any,
/// within `patience`.
pub(crate) async fn hand_over_everything(broker: &Arc<BrokerShared>, patience: Duration) {
    let all = async {
        loop {
            let moves = plan_departure(&broker.image(), broker.id());
            if moves.is_empty() {
                return;
            }
            if hand_over(broker, moves).await == 0 {
                // Somebody else hands them over, or it does not work for now.
                broker.runtime.sleep(RETRY).await;
            }
        }
    };
    if tokio::time::timeout(patience, all).await.is_err() {
        tracing::warn!(
            broker = %broker.id(),
            "not everything could be handed over in time; the others take it over when this broker is gone"
        );
    }
}

const RETRY: Duration = Duration::from_millis(50);
