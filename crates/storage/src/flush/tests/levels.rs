//! Segments of level 1, which earlier releases wrote, beside those that are written now.

use std::{collections::BTreeSet, fs};

use milena_records::Batch;
use milena_types::Timestamp;

use super::*;
use crate::{
    disk::buffer::WriteBuffer,
    encryption::Salt,
    format_level::FormatLevel,
    objects::object_id::ObjectId,
    segment::{
        batch_spans::batch_spans,
        format::BatchSummary,
        reader::SegmentReader,
        writer::{SegmentOptions, SegmentWriter},
    },
};

/// A segment anew, as one of level 1.
fn as_level_1(object: &ObjectId, bytes: &[u8]) -> Vec<u8> {
    let (reader, footer) = SegmentReader::open_whole(object, bytes, &keys()).expect("a segment");
    let (mut out, keys) = (WriteBuffer::default(), keys());
    let options = SegmentOptions { level: FormatLevel::ONE, ..SegmentOptions::default() };
    let mut writer = SegmentWriter::new(&mut out, object, keys.current(), Salt([1; 16]), options);
    for part in &footer.partitions {
        let batches = reader.open_frames_of(bytes, &part.frames).expect("its frames");
        for span in batch_spans(&batches) {
            let batch = Batch::parse(&batches.slice(span.start..span.end())).expect("a batch");
            let header = &span.header;
            let summary = BatchSummary::of(&batch, header.base_offset, header.leader_epoch, None);
            let summary = summary.expect("a batch that was understood before");
            writer.append(part.partition, &summary, header.log_append_time(), batch.bytes());
        }
    }
    writer.finish();
    out.as_slice().to_vec()
}

/// The level that each segment's header says.
fn levels(broker: &Broker) -> Vec<u8> {
    let objects = broker.dir.path().join("objects");
    let names = stored_objects(&objects);
    let segments = names.iter().filter(|name| name.contains("/segments/"));
    segments.map(|name| fs::read(objects.join(name)).expect("a segment")[9]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_of_level_1_are_read_in_place_and_new_ones_join_them() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    for number in 0..2 {
        let partition = open_partition(&storage, number, 1).await;
        append(&partition, sequenced(7, 0, &[10, 20])).await;
        append(&partition, sequenced(7, 2, &[30])).await;
    }
    storage.flush().await.expect("a flush");
    storage.crash().await;
    let objects = broker.dir.path().join("objects");
    let old: BTreeSet<String> =
        stored_objects(&objects).into_iter().filter(|name| name.contains("/segments/")).collect();
    for name in &old {
        let path = objects.join(name);
        let bytes = fs::read(&path).expect("a segment");
        fs::write(&path, as_level_1(&ObjectId::new(name.as_str()), &bytes)).expect("written");
    }
    assert_eq!(levels(&broker), [1]);

    let mut config = broker.config();
    config.memory.tail_bytes = 0;
    let storage = broker.open_with(config).await;
    for number in 0..2 {
        let partition = open_partition(&storage, number, 2).await;
        assert_eq!(read_all(&partition, 0, 500).await, [(0, 10), (1, 20), (2, 30)]);
        let again = append(&partition, sequenced(7, 2, &[30])).await;
        assert_eq!(again.base_offset, Offset(2), "the producer is known");
        append(&partition, sequenced(7, 3, &[40])).await;
    }
    storage.flush().await.expect("a flush");
    storage.flusher.evict();
    for number in 0..2 {
        let partition = storage.partition(id(number)).expect("open");
        assert_eq!(read_all(&partition, 0, 500).await, [(0, 10), (1, 20), (2, 30), (3, 40)]);
        for (time, offset) in [(15, 1), (25, 2), (35, 3)] {
            let found = partition.offset_for_timestamp(Timestamp(time), Isolation::Uncommitted);
            let found = found.await.expect("a search").expect("a record");
            assert_eq!(found.offset, Offset(offset), "time {time}");
        }
    }
    let mut found = levels(&broker);
    found.sort_unstable();
    assert_eq!(found, [1, 2]);
}
