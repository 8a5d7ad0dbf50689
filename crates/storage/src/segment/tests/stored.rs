//! Segments in an object store.

use std::sync::Arc;

use bytes::Bytes;
use milena_types::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId, TopicPartition};
use object_store::memory::InMemory;

use crate::{
    disk::buffer::WriteBuffer,
    encryption::{DataKey, KeyId, KeyRing, Salt},
    objects::{object_id::ObjectId, store::Objects},
    segment::{
        format::BatchSummary,
        stored::{open_segment, read_frames},
        writer::{SegmentOptions, SegmentWriter},
    },
};

/// A segment of so many partitions, one batch in each.
fn segment(object: &ObjectId, key: &DataKey, partitions: i32) -> Bytes {
    let mut out = WriteBuffer::default();
    let mut writer =
        SegmentWriter::new(&mut out, object, key, Salt([1; 16]), SegmentOptions::default());
    for number in 0..partitions {
        let partition = TopicPartition { topic: TopicId::ZERO, partition: PartitionIndex(number) };
        let offset = Offset(i64::from(number));
        let summary = BatchSummary {
            base_offset: offset,
            last_offset: offset,
            leader_epoch: LeaderEpoch(0),
            // That of the bytes below, so that nothing is stamped.
            max_timestamp: Timestamp(i64::from_be_bytes([number as u8; 8])),
            producer: None,
        };
        writer.append(partition, &summary, None, &[number as u8; 100]);
    }
    writer.finish();
    out.into_bytes()
}

#[tokio::test]
async fn a_segment_is_opened_whether_or_not_its_footer_fits_the_first_read() {
    let objects = Objects::new(Arc::new(InMemory::new()));
    let keys = KeyRing::new(DataKey::new(KeyId(1), [1; 32]), vec![]);
    for partitions in [1, 10_000] {
        let object = ObjectId::new(format!("c/seg/{partitions}"));
        objects.put(&object, segment(&object, keys.current(), partitions)).await.unwrap();
        let reader = open_segment(&objects, &object, &keys).await.unwrap();
        let last =
            TopicPartition { topic: TopicId::ZERO, partition: PartitionIndex(partitions - 1) };
        let frames = &reader.footer().partition(last).unwrap().frames;
        let opened = read_frames(&objects, &reader, frames).await.unwrap();
        assert_eq!(opened[20..], [(partitions - 1) as u8; 80]);
    }
}

#[tokio::test]
async fn bytes_that_are_no_segment_are_reported_with_the_object() {
    let objects = Objects::new(Arc::new(InMemory::new()));
    let keys = KeyRing::new(DataKey::new(KeyId(1), [1; 32]), vec![]);
    let object = ObjectId::new("c/seg/garbage");
    for bytes in [vec![], vec![0; 10], vec![0xff; 200_000]] {
        objects.put(&object, Bytes::from(bytes)).await.unwrap();
        let error = open_segment(&objects, &object, &keys).await.unwrap_err();
        assert!(error.to_string().contains("c/seg/garbage"), "{error}");
    }
}
