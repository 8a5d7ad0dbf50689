//! Waiting until a topic that was just created can be used through this broker.

use std::time::Duration;

use milena_types::Revision;

use crate::{leadership::partitions::TopicRef, shared::BrokerShared};

/// How often it is looked whether partitions are open: opening one takes about as long.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Waits until the broker's image has come to `revision` and the partitions of `topics` that it
/// leads there are open. Answers whether the image has; partitions that are not open by then answer
/// NOT_LEADER_OR_FOLLOWER for a while, which clients retry.
pub(crate) async fn wait_until_usable(
    broker: &BrokerShared,
    revision: Revision,
    topics: &[&str],
    wait_max: Duration,
) -> bool {
    let deadline = broker.runtime.monotonic() + wait_max;
    let left = || deadline.saturating_sub(broker.runtime.monotonic());
    if !matches!(tokio::time::timeout(wait_max, broker.images.wait_for(revision)).await, Ok(Ok(_)))
    {
        return false;
    }
    while !topics.iter().all(|topic| is_open(broker, topic)) && !left().is_zero() {
        broker.runtime.sleep(LOOK_EVERY.min(left())).await;
    }
    true
}

fn is_open(broker: &BrokerShared, name: &str) -> bool {
    let image = broker.image();
    let Some(topic) = image.topic(name) else { return true };
    let leads = |p: &milena_metadata::PartitionImage| {
        p.leader == broker.id() && p.broker_epoch == broker.epoch()
    };
    let id = TopicRef::Id(topic.id());
    topic
        .partitions()
        .filter(|(_, p)| leads(p))
        .all(|(n, _)| broker.partitions.led(id, n).is_some())
}
