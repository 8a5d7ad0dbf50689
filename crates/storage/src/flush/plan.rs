//! The assignment of the flushed chunks' runs to segments.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use milena_types::TopicPartition;

use crate::chunk::tail::{TailChunk, TailRun};

/// The runs of each partition in a segment, in offset order.
pub(super) type SegmentPlan = BTreeMap<TopicPartition, Vec<TailRun>>;

/// Keeps a flush record small: it is written again by each transaction that folds some of it.
pub(super) const PARTITIONS_PER_SEGMENT_MAX: usize = 1024;

/// Plans the segments of these chunks: one for each partition with at least `own_segment_bytes`,
/// and shared ones for the others. Batches of `deleted` partitions are left out.
pub(super) fn plan_segments(
    chunks: &[Arc<TailChunk>],
    deleted: &BTreeSet<TopicPartition>,
    own_segment_bytes: u64,
) -> Vec<SegmentPlan> {
    let mut all = SegmentPlan::new();
    for chunk in chunks {
        for (index, part) in chunk.footer.partitions.iter().enumerate() {
            if !deleted.contains(&part.partition) {
                all.entry(part.partition).or_default().push(chunk.run(index));
            }
        }
    }
    let size = |runs: &[TailRun]| runs.iter().map(|run| run.bytes.len() as u64).sum::<u64>();
    let (own, shared): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, runs)| size(runs) >= own_segment_bytes);
    let mut plans: Vec<SegmentPlan> = own.into_iter().map(|entry| [entry].into()).collect();
    let shares = shared.chunks(PARTITIONS_PER_SEGMENT_MAX);
    plans.extend(shares.map(|share| share.iter().cloned().collect()));
    plans
}
