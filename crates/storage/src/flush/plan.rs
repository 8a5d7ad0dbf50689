//! The assignment of the flushed chunks' runs to segments.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use milena_types::TopicPartition;
use smallvec::SmallVec;

use crate::{
    chunk::tail::{TailChunk, TailRun},
    segment::{
        footer::EpochStart,
        format::LIST_ENTRIES_MAX,
        list::{LIST_PLAINTEXT_MAX, ListEntry},
    },
};

/// The runs of each partition in a segment, in offset order.
pub(super) type SegmentPlan = BTreeMap<TopicPartition, Vec<TailRun>>;

/// A partition's runs, and the leader epochs in them.
#[derive(Default)]
struct Share {
    runs: Vec<TailRun>,
    epochs: SmallVec<[EpochStart; 1]>,
}

impl Share {
    fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.bytes.len() as u64).sum()
    }

    /// The length of its entry in a segment's list, at most.
    fn list_bytes_max(&self, partition: TopicPartition) -> usize {
        let (Some(first), Some(last)) = (self.runs.first(), self.runs.last()) else { return 0 };
        let max_timestamp = self.runs.iter().map(|run| run.max_timestamp).max();
        let max_timestamp = max_timestamp.unwrap_or(first.max_timestamp);
        let offsets = first.base..last.end;
        ListEntry::records(partition, offsets, self.bytes(), max_timestamp, &self.epochs)
            .encoded_bytes_max()
    }
}

/// Plans the segments of these chunks: one for each partition with at least `own_segment_bytes`,
/// and shared ones for the others, as many to each as fit its list. Batches of `deleted` partitions
/// are left out.
pub(super) fn plan_segments(
    chunks: &[Arc<TailChunk>],
    deleted: &BTreeSet<TopicPartition>,
    own_segment_bytes: u64,
) -> Vec<SegmentPlan> {
    let mut shares: BTreeMap<TopicPartition, Share> = BTreeMap::new();
    for chunk in chunks {
        for (index, part) in chunk.footer.partitions.iter().enumerate() {
            if !deleted.contains(&part.partition) {
                let share = shares.entry(part.partition).or_default();
                share.runs.push(chunk.run(index));
                let known = share.epochs.last().map(|last| last.epoch);
                let newer = part.epochs.iter().filter(|begun| Some(begun.epoch) > known);
                share.epochs.extend(newer.copied());
            }
        }
    }
    let (mut plans, mut shared) = (Vec::new(), SegmentPlan::new());
    let mut list_bytes = 0;
    for (partition, share) in shares {
        if share.bytes() >= own_segment_bytes {
            plans.push([(partition, share.runs)].into());
            continue;
        }
        let more = share.list_bytes_max(partition);
        if shared.len() == LIST_ENTRIES_MAX || list_bytes + more > LIST_PLAINTEXT_MAX {
            plans.push(std::mem::take(&mut shared));
            list_bytes = 0;
        }
        list_bytes += more;
        shared.insert(partition, share.runs);
    }
    if !shared.is_empty() {
        plans.push(shared);
    }
    plans
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use milena_types::{
        BrokerEpoch, BrokerId, ChunkSeq, LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId,
    };

    use super::*;
    use crate::{
        catalog::records::LogId,
        disk::buffer::WriteBuffer,
        encryption::{DataKey, KeyId, Salt},
        format_level::FormatLevel,
        objects::object_id::ObjectId,
        segment::{
            format::BatchSummary,
            writer::{SegmentOptions, SegmentWriter},
        },
    };

    const BATCH_BYTES: usize = 80;

    fn writer(out: &mut WriteBuffer, level: FormatLevel) -> SegmentWriter<'_> {
        let key = DataKey::new(KeyId(1), [7; 32]);
        let options = SegmentOptions { level, frame_bytes: 128 << 10, keep_plaintext: Some(0) };
        SegmentWriter::new(out, &ObjectId::new("c/seg/1"), &key, Salt([9; 16]), options)
    }

    fn summary(offset: i64, epoch: i32) -> BatchSummary {
        BatchSummary {
            base_offset: Offset(offset),
            last_offset: Offset(offset),
            leader_epoch: LeaderEpoch(epoch),
            max_timestamp: Timestamp(i64::MIN),
            producer: None,
        }
    }

    /// A chunk of partitions of as many topics, each with a batch in each of so many leader epochs,
    /// from this offset on.
    fn chunk(partitions: u128, epochs: i32, offset: i64) -> Arc<TailChunk> {
        let mut out = WriteBuffer::default();
        let mut writer = writer(&mut out, FormatLevel::ONE);
        for topic in 0..partitions {
            let topic = TopicId(uuid::Uuid::from_u128(topic));
            let partition = TopicPartition { topic, partition: PartitionIndex(i32::MAX) };
            for epoch in 0..epochs {
                let summary = summary(offset + i64::from(epoch), i32::MAX - epochs + epoch);
                writer.append(partition, &summary, None, &[0; BATCH_BYTES]);
            }
        }
        let finished = writer.finish();
        Arc::new(TailChunk {
            log: LogId { broker: BrokerId(1), epoch: BrokerEpoch(1) },
            seq: ChunkSeq(0),
            footer: Arc::new(finished.footer),
            ranges: finished.plaintext_ranges,
            plaintext: finished.plaintext,
            charged: 1,
            since: Duration::ZERO,
        })
    }

    /// Plans and writes; a list that is too long panics. The partitions of each segment.
    fn planned(chunk: &Arc<TailChunk>, own_segment_bytes: u64) -> Vec<usize> {
        let plans = plan_segments(std::slice::from_ref(chunk), &BTreeSet::new(), own_segment_bytes);
        for plan in &plans {
            let mut out = WriteBuffer::default();
            let mut writer = writer(&mut out, FormatLevel::TWO);
            for (partition, runs) in plan {
                for run in runs {
                    let part = chunk.part_of(*partition).expect("a partition of the chunk").1;
                    for (index, begun) in part.epochs.iter().enumerate() {
                        let bytes = run.bytes.slice(index * BATCH_BYTES..(index + 1) * BATCH_BYTES);
                        let summary = summary(begun.start.0, begun.epoch.0);
                        writer.append(*partition, &summary, None, &bytes);
                    }
                }
            }
            writer.finish();
        }
        plans.iter().map(BTreeMap::len).collect()
    }

    #[test]
    fn a_shared_segment_has_as_many_partitions_as_its_list_may_have() {
        assert_eq!(planned(&chunk(2_050, 1, 0), u64::MAX), [1_024, 1_024, 2]);
    }

    #[test]
    fn long_entries_are_spread_over_more_segments() {
        let sizes = planned(&chunk(2_000, 4, i64::MAX - 10), u64::MAX);
        assert!(sizes.len() > 2 && sizes.iter().sum::<usize>() == 2_000, "{sizes:?}");
        let sizes = planned(&chunk(200, 100, i64::MAX - 200), u64::MAX);
        assert!(sizes.len() > 1 && sizes.iter().sum::<usize>() == 200, "{sizes:?}");
    }

    #[test]
    fn a_large_partition_gets_a_segment_of_its_own() {
        assert_eq!(planned(&chunk(3, 1, 0), BATCH_BYTES as u64), [1, 1, 1]);
        assert_eq!(planned(&chunk(3, 1, 0), BATCH_BYTES as u64 + 1), [3]);
    }
}
