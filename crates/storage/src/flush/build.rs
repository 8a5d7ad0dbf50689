//! Building one segment from runs of the tail.

use bytes::Bytes;
use milena_records::Batch;
use milena_runtime::Runtime;
use milena_types::{Timestamp, TopicPartition};

use crate::{
    catalog::records::{FlushPart, FlushRecord},
    chunk::tail::TailRun,
    disk::buffer::SpareBuffers,
    encryption::{KeyRing, Salt},
    flush::plan::SegmentPlan,
    objects::object_id::ObjectId,
    segment::{
        batch_spans::batch_spans,
        footer::PartitionFooter,
        format::BatchSummary,
        writer::{SegmentOptions, SegmentWriter},
    },
};

/// Builds segments, in reused memory. Cheap to clone.
#[derive(Clone)]
pub(super) struct SegmentBuilder {
    pub(super) keys: KeyRing,
    pub(super) runtime: Runtime,
    pub(super) buffers: SpareBuffers,
}

impl SegmentBuilder {
    /// The segment's bytes, and its flush record. Blocks while it encrypts.
    pub(super) fn build(&self, object: &ObjectId, plan: &SegmentPlan) -> (Bytes, FlushRecord) {
        let bytes: usize = plan.values().flatten().map(|run| run.bytes.len()).sum();
        let mut out = self.buffers.take();
        out.reserve(bytes + bytes / 64 + 4096 * plan.len().min(64));
        let name = object.to_string();
        let (key, salt) = (self.keys.current(), Salt::random(&self.runtime));
        let mut writer = SegmentWriter::new(&mut out, object, key, salt, SegmentOptions::default());
        writer.reserve_partitions(plan.len());
        for (partition, runs) in plan {
            for run in runs {
                append(&mut writer, *partition, run);
            }
        }
        let finished = writer.finish();
        let record = FlushRecord {
            object: name.into(),
            object_bytes: finished.segment_bytes,
            written: Timestamp(self.runtime.wall_ms()),
            parts: finished.footer.partitions.iter().map(part_of).collect(),
        };
        (self.buffers.lend(out), record)
    }
}

/// Copies the batches of a run, unchanged. Each was checked when it was produced. Its CRC is
/// checked again here; a batch that fails is kept, so that its readers notice, and reported.
fn append(writer: &mut SegmentWriter<'_>, partition: TopicPartition, run: &TailRun) {
    for span in batch_spans(&run.bytes) {
        let bytes = run.bytes.slice(span.start..span.end());
        let header = &span.header;
        let batch = Batch::parse(&bytes).expect("the tail holds whole batches");
        if let Err(error) = batch.verify_crc() {
            tracing::error!(
                %partition, offset = %header.base_offset, %error,
                "a batch in memory is damaged"
            );
        }
        let summary = BatchSummary::of(&batch, header.base_offset, header.leader_epoch, None);
        // Its marker was read when it was appended.
        let summary = summary.expect("the tail holds batches that were understood before");
        writer.append(partition, &summary, header.log_append_time(), batch.bytes());
    }
}

fn part_of(footer: &PartitionFooter) -> FlushPart {
    FlushPart {
        partition: footer.partition,
        base: footer.offsets.start,
        end: footer.offsets.end,
        bytes: footer.plaintext_bytes(),
        max_timestamp: footer.max_timestamp().max(Timestamp::NONE),
        epochs: footer.epochs.iter().map(|begun| (begun.epoch, begun.start)).collect(),
    }
}
