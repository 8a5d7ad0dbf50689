//! Tests of the format: what is written comes back, and nothing else is accepted.

use bytes::Bytes;
use milena_records::{
    BatchHeader,
    control::{EndTransactionMarker, TransactionResult},
};
use milena_types::{
    LeaderEpoch, Offset, PartitionIndex, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId,
    TopicPartition,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::{footer::*, format::*, reader::*, segment_error::*, writer::*};
use crate::{
    chunk::append_size::AppendSize,
    disk::buffer::WriteBuffer,
    encryption::{DataKey, EncryptionError, KeyId, KeyRing, Salt, TAG_BYTES},
    format_level::FormatLevel,
    objects::object_id::ObjectId,
};

mod damage;
mod level_1;
mod lists;
mod sections;
mod stored;

const SALT: Salt = Salt([9; 16]);

fn key() -> DataKey {
    DataKey::new(KeyId(1), [7; 32])
}

fn keys() -> KeyRing {
    KeyRing::new(key(), vec![])
}

fn object() -> ObjectId {
    ObjectId::new("c/seg/1")
}

fn partition(topic: u128, partition: i32) -> TopicPartition {
    TopicPartition { topic: TopicId(Uuid::from_u128(topic)), partition: PartitionIndex(partition) }
}

/// A batch as far as a segment cares: a header to be stamped and any payload.
fn batch(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 61];
    bytes[8..12].copy_from_slice(&(49 + payload.len() as i32).to_be_bytes());
    bytes[16] = 2;
    bytes.extend_from_slice(payload);
    bytes
}

fn summary(base: i64, count: i64, epoch: i32, time: i64) -> BatchSummary {
    BatchSummary {
        base_offset: Offset(base),
        last_offset: Offset(base + count - 1),
        leader_epoch: LeaderEpoch(epoch),
        max_timestamp: Timestamp(time),
        producer: None,
    }
}

fn from_producer(id: i64, sequence: i32, summary: &BatchSummary) -> BatchSummary {
    let count = (summary.last_offset.0 - summary.base_offset.0) as i32;
    let producer = ProducerBatch {
        id: ProducerId(id),
        epoch: ProducerEpoch(3),
        base_sequence: Sequence(sequence),
        last_sequence: Sequence(sequence).plus(count),
        transactional: true,
        marker: None,
    };
    BatchSummary { producer: Some(producer), ..summary.clone() }
}

fn marker(id: i64, result: TransactionResult, summary: &BatchSummary) -> BatchSummary {
    let mut summary = from_producer(id, 0, summary);
    if let Some(producer) = &mut summary.producer {
        (producer.base_sequence, producer.last_sequence) = (Sequence(-1), Sequence(-1));
        producer.marker = Some(EndTransactionMarker { coordinator_epoch: 12, result });
    }
    summary
}

type Content = Vec<(TopicPartition, Vec<(BatchSummary, Vec<u8>)>)>;

fn write(content: &Content, options: SegmentOptions) -> (Bytes, FinishedSegment) {
    let mut out = WriteBuffer::default();
    let mut writer = SegmentWriter::new(&mut out, &object(), &key(), SALT, options);
    for (partition, batches) in content {
        for (summary, payload) in batches {
            writer.append(*partition, summary, None, &batch(payload));
        }
    }
    let finished = writer.finish();
    (out.into_bytes(), finished)
}

/// Reads all of a partition's batches and compares them with what was written.
fn check_partition(
    bytes: &[u8],
    reader: &SegmentReader,
    entry: &PartitionFooter,
    wrote: &[(BatchSummary, Vec<u8>)],
) {
    let plaintext = reader.open_frames_of(bytes, &entry.frames).unwrap();
    assert_eq!(entry.plaintext_bytes(), plaintext.len() as u64);
    let mut rest = &plaintext[..];
    for (summary, payload) in wrote {
        let header = BatchHeader::parse(rest).unwrap();
        assert_eq!(
            (header.base_offset, header.leader_epoch),
            (summary.base_offset, summary.leader_epoch)
        );
        assert_eq!(rest[61..61 + payload.len()], payload[..]);
        rest = &rest[61 + payload.len()..];
        let frame = entry.frames[entry.frame_of(summary.base_offset).unwrap()];
        assert!(
            frame.first_offset <= summary.base_offset
                && frame.max_timestamp >= summary.max_timestamp
        );
        assert_eq!(entry.epoch_of(summary.base_offset), Some(summary.leader_epoch));
        let at_time = entry.frame_at_time(summary.max_timestamp).unwrap();
        assert!(entry.frames[at_time].first_offset <= summary.base_offset);
    }
    assert!(rest.is_empty());
    let with_producer =
        wrote.iter().map(|(summary, _)| summary).filter(|summary| summary.producer.is_some());
    assert_eq!(entry.batches, with_producer.cloned().collect::<Vec<_>>());
    assert_eq!(entry.offsets, wrote[0].0.base_offset..wrote[wrote.len() - 1].0.end_offset());
    assert_eq!(entry.frame_of(entry.offsets.end), None);
    assert_eq!(
        entry.max_timestamp(),
        wrote.iter().map(|(summary, _)| summary.max_timestamp).max().unwrap()
    );
}

fn check(content: &Content, bytes: &[u8]) {
    let (reader, footer) = SegmentReader::open_whole(&object(), bytes, &keys()).unwrap();
    assert_eq!(footer.partitions.len(), content.len());
    for (partition, wrote) in content {
        check_partition(bytes, &reader, footer.partition(*partition).unwrap(), wrote);
    }
}

fn sample() -> Content {
    vec![
        (
            partition(1, 0),
            vec![
                (summary(0, 3, 0, 100), vec![1; 300]),
                (from_producer(8, 5, &summary(3, 1, 0, 90)), vec![2; 300]),
                (from_producer(8, 6, &summary(4, 7, 2, 120)), vec![3; 900]),
                (marker(8, TransactionResult::Commit, &summary(20, 1, 2, 130)), vec![4; 16]),
                (marker(7, TransactionResult::Abort, &summary(21, 1, 3, 50)), vec![4; 16]),
            ],
        ),
        (partition(1, 7), vec![(summary(1 << 40, 1, 9, -1), vec![5; 10])]),
        (
            partition(u128::MAX, 0),
            vec![(from_producer(i64::MAX, i32::MAX, &summary(0, 2, 0, i64::MAX)), vec![])],
        ),
    ]
}

const LEVELS: [FormatLevel; 2] = [FormatLevel::ONE, FormatLevel::TWO];

fn small_frames(level: FormatLevel) -> SegmentOptions {
    SegmentOptions { level, frame_bytes: 800, keep_plaintext: Some(0) }
}

fn any_frames(level: FormatLevel) -> impl Iterator<Item = SegmentOptions> {
    let sizes = [1, 800, 1 << 20].into_iter();
    sizes.map(move |frame_bytes| SegmentOptions { level, frame_bytes, keep_plaintext: None })
}

#[test]
fn batches_come_back_with_their_offsets_and_epochs() {
    for options in LEVELS.into_iter().flat_map(any_frames) {
        let (bytes, finished) = write(&sample(), options);
        check(&sample(), &bytes);
        assert_eq!(finished.segment_bytes, bytes.len() as u64);
        assert!(finished.plaintext.is_empty());
    }
}

#[test]
fn the_plaintext_that_is_kept_is_what_a_reader_opens() {
    for level in LEVELS {
        let (bytes, finished) = write(&sample(), small_frames(level));
        let (reader, footer) = SegmentReader::open_whole(&object(), &bytes, &keys()).unwrap();
        assert_eq!(*footer, finished.footer);
        for (entry, range) in finished.footer.partitions.iter().zip(&finished.plaintext_ranges) {
            assert_eq!(
                reader.open_frames_of(&bytes, &entry.frames).unwrap(),
                finished.plaintext[range.clone()]
            );
        }
    }
}

#[test]
fn frames_hold_one_partition_and_split_no_batch() {
    let (_, finished) = write(&sample(), small_frames(FormatLevel::TWO));
    let lengths: Vec<Vec<u32>> = finished
        .footer
        .partitions
        .iter()
        .map(|entry| entry.frames.iter().map(|frame| frame.plaintext_bytes).collect())
        .collect();
    assert_eq!(lengths, [vec![2 * 361, 961, 2 * 77], vec![71], vec![61]]);
}

#[test]
fn a_segment_is_readable_from_its_end_alone() {
    for level in LEVELS {
        let (bytes, finished) = write(&sample(), small_frames(level));
        let reader = open_by_tails(&bytes).unwrap();
        let frame = finished.footer.partitions[0].frames[1];
        let range = frame.byte_range().start as usize..frame.byte_range().end as usize;
        let opened = reader.open_frames(&[frame], &bytes[range]).unwrap();
        assert_eq!(BatchHeader::parse(&opened).unwrap().base_offset, Offset(4));
    }
}

/// Opens a segment by as little of its end as it asks for.
fn open_by_tails(bytes: &[u8]) -> Result<SegmentReader, SegmentError> {
    let mut asked = 1;
    loop {
        let tail = &bytes[bytes.len() - asked as usize..];
        match SegmentReader::open_tail(&object(), bytes.len() as u64, tail, &keys())? {
            TailOutcome::Opened(reader) => return Ok(reader),
            TailOutcome::NeedsMore(more) => {
                assert!(more > asked, "asking again makes progress");
                asked = more;
            }
        }
    }
}

#[test]
fn an_empty_segment_is_a_segment() {
    for options in LEVELS.into_iter().flat_map(any_frames) {
        let (bytes, _) = write(&Vec::new(), options);
        check(&Vec::new(), &bytes);
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_chunk_is_an_error_that_names_the_object() {
    let (bytes, finished) = write(&sample(), small_frames(FormatLevel::ONE));
    for position in 0..bytes.len() {
        let mut bent = bytes.to_vec();
        bent[position] ^= 1 << (position % 8);
        let outcome =
            SegmentReader::open_whole(&object(), &bent, &keys()).and_then(|(reader, _)| {
                finished.footer.partitions.iter().try_for_each(|entry| {
                    let opened = reader.open_frames_of(&bent, &entry.frames)?;
                    assert!(!opened.is_empty());
                    Ok(())
                })
            });
        let error = outcome.expect_err(&format!("byte {position} of {}", bytes.len()));
        assert!(error.to_string().contains("c/seg/1"), "{error}");
    }
}

#[test]
fn a_segment_cut_anywhere_is_an_error() {
    for level in LEVELS {
        let (bytes, _) = write(&sample(), small_frames(level));
        for length in 1..bytes.len() {
            assert!(open_by_tails(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(SegmentReader::open_whole(&object(), &[], &keys()).is_err());
    }
}

#[test]
fn a_newer_format_is_refused_as_such() {
    for level in LEVELS {
        let (bytes, _) = write(&sample(), small_frames(level));
        let mut newer = bytes.to_vec();
        let trailer = bytes.len() - TRAILER_BYTES;
        newer[trailer + 48..trailer + 50].copy_from_slice(&3_u16.to_be_bytes());
        let crc = crc32c::crc32c(&newer[trailer..trailer + 52]);
        newer[trailer + 52..trailer + 56].copy_from_slice(&crc.to_be_bytes());
        let error = SegmentReader::open_whole(&object(), &newer, &keys()).unwrap_err();
        assert_eq!(error, SegmentError::NewerFormat { object: object(), found: FormatLevel(3) });
        assert!(error.to_string().ends_with("upgrade milena"), "{error}");
    }
}

#[test]
fn a_segment_under_an_unknown_key_or_another_name_does_not_open() {
    let (bytes, _) = write(&sample(), small_frames(FormatLevel::TWO));
    let other = KeyRing::new(DataKey::new(KeyId(2), [7; 32]), vec![]);
    let error = SegmentReader::open_whole(&object(), &bytes, &other).unwrap_err();
    let unknown = EncryptionError::UnknownKey(KeyId(1));
    assert!(matches!(error, SegmentError::Encryption { source, .. } if source == unknown));
    let renamed = SegmentReader::open_whole(&ObjectId::new("c/seg/2"), &bytes, &keys());
    assert!(matches!(renamed, Err(SegmentError::Encryption { .. })));
}

#[test]
fn a_chunk_is_no_longer_than_its_appends_may_cost() {
    for options in any_frames(FormatLevel::ONE) {
        let (bytes, finished) = write(&sample(), options);
        let partitions = &finished.footer.partitions;
        let plaintext: u64 = partitions.iter().map(PartitionFooter::plaintext_bytes).sum();
        let batches = sample().iter().map(|(_, batches)| batches.len()).sum();
        let fixed = HEADER_BYTES + TAG_BYTES + TRAILER_BYTES + 10;
        let bound = AppendSize::new(plaintext as usize, batches).cost + fixed;
        assert!(bytes.len() <= bound, "{} > {bound}", bytes.len());
    }
}

#[test]
#[should_panic(expected = "ascending order")]
fn partitions_out_of_order_are_a_bug() {
    let mut content = sample();
    content.swap(0, 1);
    write(&content, small_frames(FormatLevel::TWO));
}

#[test]
#[should_panic(expected = "ascend")]
fn offsets_out_of_order_are_a_bug() {
    let content =
        vec![(partition(1, 0), vec![(summary(5, 2, 0, 0), vec![]), (summary(6, 1, 0, 0), vec![])])];
    write(&content, small_frames(FormatLevel::TWO));
}

prop_compose! {
    fn any_batch()(
        gap in 0..3_i64,
        count in 1..50_i64,
        new_term in prop::bool::weighted(0.1),
        time in any::<i64>(),
        kind in 0..4_u8,
        id in 0..i64::MAX,
        sequence in 0..i32::MAX,
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) -> (i64, i64, bool, i64, u8, i64, i32, Vec<u8>) {
        (gap, count, new_term, time, kind, id, sequence, payload)
    }
}

prop_compose! {
    fn any_content()(
        partitions in prop::collection::btree_map(
            (any::<u128>(), 0..i32::MAX),
            (0..1_i64 << 60, prop::collection::vec(any_batch(), 1..20)),
            0..6,
        )
    ) -> Content {
        partitions.into_iter().map(|((topic, number), (start, batches))| {
            let (mut next, mut term) = (start, 0);
            let batches = batches.into_iter().map(|batch| {
                let (gap, count, new_term, time, kind, id, sequence, payload) = batch;
                term += i32::from(new_term);
                let plain = summary(next + gap, count, term, time);
                next = plain.end_offset().0;
                let summary = match kind {
                    0 => plain,
                    1 => from_producer(id, sequence, &plain),
                    2 => marker(id, TransactionResult::Commit, &plain),
                    _ => marker(id, TransactionResult::Abort, &plain),
                };
                (summary, payload)
            });
            (partition(topic, number), batches.collect())
        }).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_content_comes_back(content in any_content(), frame_bytes in 1..2000_usize) {
        for level in LEVELS {
            let options = SegmentOptions { level, frame_bytes, keep_plaintext: None };
            let (bytes, _) = write(&content, options);
            check(&content, &bytes);
        }
    }

    #[test]
    fn hostile_footers_are_refused_or_keep_the_rules(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(footer) = Footer::decode(&bytes, 10_000) {
            prop_assert!(footer.partitions.iter().all(|entry| entry.byte_range().end <= 10_000));
        }
    }

    #[test]
    fn bent_footers_are_refused_or_keep_the_rules(
        content in any_content(),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let level = FormatLevel::ONE;
        let options = SegmentOptions { level, frame_bytes: 500, keep_plaintext: None };
        let (_, finished) = write(&content, options);
        let last = finished.footer.partitions.last();
        let frames_end = last.map_or(HEADER_BYTES as u64, |last| last.byte_range().end);
        let mut bytes = finished.footer.encode();
        for (at, byte) in bends {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        if let Ok(footer) = Footer::decode(&bytes, frames_end) {
            for entry in &footer.partitions {
                prop_assert!(!entry.offsets.is_empty() && !entry.frames.is_empty());
                let mut frames = entry.frames.windows(2);
                prop_assert!(frames.all(|pair| pair[0].byte_range().end == pair[1].position));
                let mut batches = entry.batches.windows(2);
                prop_assert!(batches.all(|pair| pair[0].end_offset() <= pair[1].base_offset));
            }
        }
    }

    #[test]
    fn hostile_segments_never_open(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(SegmentReader::open_whole(&object(), &bytes, &keys()).is_err());
    }
}
