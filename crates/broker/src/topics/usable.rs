//! Waiting until a topic that was just created can be used through this broker.

use std::time::Duration;

use milena_types::Revision;

use crate::shared::BrokerShared;

/// See [`super::Topics::wait_until_usable`].
pub(crate) async fn wait_until_usable(
    broker: &BrokerShared,
    revision: Revision,
    topics: &[&str],
    wait_max: Duration,
) -> bool {
    broker.topics.wait_until_usable(revision, topics, wait_max).await
}
