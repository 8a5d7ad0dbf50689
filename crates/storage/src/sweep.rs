//! What has to be done from time to time: retention, forgetting producers, removing objects.

use std::sync::Arc;

use milena_types::Timestamp;

use crate::{
    objects::store::ObjectId,
    partition::{change::fold_due, upkeep::UpkeepError},
    shared::Shared,
};

/// Does it all at the configured interval, until the scope stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let stopping = shared.runtime.stopping().clone();
    loop {
        let interval = shared.config.retention_interval;
        if tokio::time::timeout(interval, stopping.cancelled()).await.is_ok() || shared.is_sealed()
        {
            return;
        }
        if let Err(error) = enforce_retention(&shared).await {
            tracing::warn!(%error, "retention is enforced later");
        }
        let partitions = shared.partitions().values().cloned().collect();
        fold_due(&shared, partitions).await;
        shared.flushes.forget().await;
        if let Err(error) = sweep(&shared).await {
            tracing::warn!(%error, "objects are removed later");
        }
    }
}

/// Enforces retention for all open partitions, and forgets producers that are silent.
pub(crate) async fn enforce_retention(shared: &Arc<Shared>) -> Result<(), UpkeepError> {
    let partitions: Vec<_> = shared.partitions().values().cloned().collect();
    let mut outcome = Ok(());
    for partition in partitions.iter().filter(|partition| !partition.is_closed()) {
        partition.expire_producers();
        let now = Timestamp(shared.runtime.wall_ms());
        if let Err(error) = partition.enforce_retention(now).await
            && outcome.is_ok()
        {
            outcome = Err(error);
        }
    }
    outcome
}

/// Removes garbage whose grace time is over. The decision to remove was made when the last
/// reference went; here it is only carried out, so doing it twice does no harm.
pub(crate) async fn sweep(shared: &Arc<Shared>) -> Result<usize, UpkeepError> {
    let grace = i64::try_from(shared.config.delete_grace.as_millis()).unwrap_or(i64::MAX);
    let garbage =
        shared.ledger.garbage_since(shared.runtime.wall_ms().saturating_sub(grace)).await?;
    for object in &garbage {
        shared.segments.objects().delete(&ObjectId::new(object.as_str())).await?;
        shared.ledger.forget_garbage(object).await?;
    }
    Ok(garbage.len())
}
