//! Building one segment out of runs of the tail, and storing it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use milena_records::Batch;
use milena_types::{Timestamp, TopicPartition};

use crate::{
    flush::flusher::FlushError,
    ledger::{FlushPart, FlushRecord, RECORD_LEVEL},
    objects::store::ObjectId,
    partition::{append::summarise, state::TailRun},
    segment::{
        footer::PartitionFooter,
        scan,
        writer::{SegmentOptions, SegmentWriter},
    },
    shared::Shared,
};

/// The runs of each partition that go into a segment, in offset order.
pub(super) type SegmentPlan = BTreeMap<TopicPartition, Vec<TailRun>>;

/// So that a flush record stays small: it is written again for each transaction that folds some of
/// it.
pub(super) const PARTITIONS_A_SEGMENT_MAX: usize = 1024;

/// Builds the segment on a thread for that, and stores it.
pub(super) async fn store(
    shared: &Arc<Shared>,
    object: &ObjectId,
    plan: SegmentPlan,
) -> Result<FlushRecord, FlushError> {
    let (builder, name) = (shared.clone(), object.clone());
    let built = shared.runtime.spawn_blocking(move || build(&builder, name, &plan)).await;
    let (sealed, record) = built.map_err(|_| FlushError::Stopping)?;
    shared.segments.objects().put(object, sealed).await?;
    Ok(record)
}

fn build(shared: &Shared, object: ObjectId, plan: &SegmentPlan) -> (Bytes, FlushRecord) {
    let bytes: usize = plan.values().flatten().map(|run| run.bytes.len()).sum();
    let mut out = shared.segment_buffers.take();
    out.reserve(bytes + bytes / 64 + 4096 * plan.len().min(64));
    let name = object.to_string();
    let key = shared.config.keys.current();
    let options = SegmentOptions::default();
    let mut writer = SegmentWriter::new(&mut out, object, key, shared.new_salt(), options);
    writer.reserve_partitions(plan.len());
    for (partition, runs) in plan {
        for run in runs {
            append(&mut writer, *partition, run);
        }
    }
    let finished = writer.finish();
    let record = FlushRecord {
        level: RECORD_LEVEL,
        object: name.into(),
        object_bytes: finished.segment_bytes,
        written: Timestamp(shared.runtime.wall_ms()),
        parts: finished.footer.partitions.iter().map(part_of).collect(),
    };
    (shared.segment_buffers.lend(out), record)
}

/// Copies the batches of a run, unchanged. Each was checked when it was produced; here it is
/// checked again, and one that does not pass is kept as it is (its readers notice) and reported.
fn append(writer: &mut SegmentWriter<'_>, partition: TopicPartition, run: &TailRun) {
    for place in scan::batches(&run.bytes) {
        let bytes = run.bytes.slice(place.start..place.end());
        let header = &place.header;
        let batch = Batch::parse(&bytes).expect("the tail holds whole batches");
        if let Err(error) = batch.verify_crc() {
            tracing::error!(%partition, offset = %header.base_offset, %error, "a batch in memory is damaged");
        }
        let summary = summarise(&batch, header.base_offset, header.leader_epoch, None);
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
