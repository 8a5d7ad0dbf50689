//! Folding flushes into the manifests of many partitions at once, and reloading those that others
//! flushed for.

use std::sync::Arc;

use milena_types::Timestamp;

use crate::{
    catalog::manifest_swaps::ManifestSwaps,
    catalog::manifests::{ManifestError, Manifests},
    partition::{manifest_change::Folded, partition::Partition},
};

/// The most partitions that one transaction folds, where the metadata store would allow more.
const FOLDS_PER_TRANSACTION_MAX: usize = 512;

/// This many flushes are folded together: each fold writes the whole manifest again.
const FLUSHES_PER_FOLD: usize = 8;

/// Flushes are folded after this time even if they are fewer, so that their records go.
const FOLD_AGE_MS: i64 = 60 * 60 * 1000;

/// Folds the flushes of those partitions that have many, or old ones. See [`fold_now`].
pub(crate) async fn fold_due(
    manifests: &Manifests,
    now: Timestamp,
    mut partitions: Vec<Arc<Partition>>,
) {
    let old = Timestamp(now.0.saturating_sub(FOLD_AGE_MS));
    partitions.retain(|partition| {
        let state = partition.lock();
        let foldable = &state.manifest.unfolded[..state.foldable()];
        foldable.len() >= FLUSHES_PER_FOLD
            || foldable.first().is_some_and(|unfolded| unfolded.segment.written < old)
    });
    fold_now(manifests, partitions).await;
}

/// Folds the flushes of many partitions, many in a transaction. What fails is repeated after the
/// next flush; until then the flush record stands.
pub(crate) async fn fold_now(manifests: &Manifests, partitions: Vec<Arc<Partition>>) {
    fold(manifests, partitions, Folded::Open).await;
}

/// As [`fold_now`], of partitions that were closed to be handed over.
pub(crate) async fn fold_closed(manifests: &Manifests, partitions: Vec<Arc<Partition>>) {
    fold(manifests, partitions, Folded::ClosedToo).await;
}

async fn fold(manifests: &Manifests, mut partitions: Vec<Arc<Partition>>, which: Folded) {
    // Each takes an expectation and a change, and flush records and objects come on top.
    let at_once = (manifests.catalog.ops_max() * 3 / 8).clamp(1, FOLDS_PER_TRANSACTION_MAX);
    // One order for all callers, so that two of them cannot deadlock.
    partitions.sort_unstable_by_key(|partition| partition.id);
    partitions.dedup_by_key(|partition| partition.id);
    for together in partitions.chunks(at_once) {
        let is_folded = fold_together(manifests, together, which).await.is_ok();
        // What one transaction left of many flushes, or could not do.
        let left = |partition: &&Arc<Partition>| !is_folded || partition.unchanged().foldable > 0;
        for partition in together.iter().filter(left) {
            if let Err(error) = partition.fold(which).await {
                tracing::warn!(
                    %error, partition = %partition.id,
                    "a flush could not be folded into a manifest"
                );
            }
        }
    }
}

async fn fold_together(
    manifests: &Manifests,
    partitions: &[Arc<Partition>],
    which: Folded,
) -> Result<(), ManifestError> {
    let mut swaps = ManifestSwaps::default();
    let mut changes = Vec::with_capacity(partitions.len());
    for partition in partitions {
        let serialised = partition.manifest_change.lock().await;
        let now = partition.unchanged();
        if now.foldable > 0 && partition.may_fold(which) {
            let change = partition.prepare(&now, None, &mut swaps).await;
            let change = manifests.or_abandon(change, &swaps).await?;
            changes.push((partition, change, serialised));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let revision = manifests.commit(&swaps).await?;
    for (partition, change, _serialised) in changes {
        partition.apply(change, revision);
    }
    Ok(())
}

/// Replaces the partitions' runs of sealed epochs by the segments that others made of them. One
/// that has a newer leader is closed. Returns the first error, after all were tried.
pub(crate) async fn reload_all(
    manifests: &Manifests,
    partitions: &[Arc<Partition>],
) -> Result<(), ManifestError> {
    let mut partitions = partitions.to_vec();
    partitions.sort_unstable_by_key(|partition| partition.id);
    let mut serialised = Vec::with_capacity(partitions.len());
    for partition in &partitions {
        serialised.push(partition.manifest_change.lock().await);
    }
    let flushes = manifests.flushes.read(&manifests.catalog).await?;
    let mut reloaded = Ok(());
    for partition in &partitions {
        match partition.take_records(&flushes).await {
            Ok(()) => partition.lock().drop_sealed(),
            Err(error) if error.is_fenced() => {}
            Err(error) => reloaded = reloaded.and(Err(error)),
        }
    }
    reloaded
}
