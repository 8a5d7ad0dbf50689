//! What is refused of a produced batch (behaviours 21 and 25).

use milena_records::{
    Attributes, Batch, BatchBuilder, BatchError, Compression, HEADER_LEN, NewRecord, RecordError,
    RecordFault, RecordRules, RejectedRecords,
};
use milena_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::batch_of;

fn changed(batch: &Batch, change: impl Fn(&mut milena_records::BatchHeader)) -> Batch {
    let mut header = *batch.header();
    change(&mut header);
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(&batch.bytes()[HEADER_LEN..]);
    Batch::parse(&bytes.into()).unwrap()
}

#[test]
fn b21_a_missing_key_in_a_compacted_topic_is_refused_with_the_index_of_the_record() {
    let rules = RecordRules { key_required: true, ..RecordRules::default() };
    for codec in Compression::ALL {
        let mut builder = BatchBuilder::new(codec);
        for key in [Some(&b"a"[..]), None, Some(b""), None] {
            builder.push(&NewRecord { key, ..NewRecord::default() });
        }
        let refused = builder.build().unwrap().check_records(rules.clone()).unwrap_err();
        let errors = [1, 3].map(|index| RecordError { index, fault: RecordFault::NoKey }).to_vec();
        assert_eq!(refused, RejectedRecords::Records { errors, is_timestamp: false });
    }
}

#[test]
fn b21_a_time_outside_the_topics_bounds_is_refused_with_the_index_of_the_record() {
    let rules = RecordRules { timestamps: Some(100..=200), ..RecordRules::default() };
    let mut builder = BatchBuilder::new(Compression::Zstd);
    for time in [100, 200, 201, -1] {
        builder.push(&NewRecord { timestamp: Timestamp(time), ..NewRecord::default() });
    }
    let refused = builder.build().unwrap().check_records(rules.clone()).unwrap_err();
    let fault = RecordFault::Timestamp { timestamp: 201, earliest: 100, latest: 200 };
    let errors = vec![RecordError { index: 2, fault }];
    assert_eq!(refused, RejectedRecords::Records { errors, is_timestamp: true });
    assert!(refused.to_string().contains("record 2: timestamp 201"), "{refused}");
}

#[test]
fn b21_offsets_within_a_produced_batch_have_no_gaps() {
    let mut builder = BatchBuilder::new(Compression::Gzip);
    builder.push_at(0, &NewRecord::default());
    builder.push_at(2, &NewRecord::default());
    let refused = builder.build().unwrap().check_records(RecordRules::default()).unwrap_err();
    let errors = vec![RecordError { index: 1, fault: RecordFault::OffsetDelta { delta: 2 } }];
    assert_eq!(refused, RejectedRecords::Records { errors, is_timestamp: false });
}

#[test]
fn a_wrong_time_behind_a_hundred_other_errors_decides_all_the_same() {
    let rules =
        RecordRules { key_required: true, timestamps: Some(0..=9), ..RecordRules::default() };
    let mut builder = BatchBuilder::new(Compression::None);
    for index in 0..150 {
        let key = (index == 149).then_some(&b"k"[..]);
        let timestamp = Timestamp(if index == 149 { 10 } else { 0 });
        builder.push(&NewRecord { key, timestamp, ..NewRecord::default() });
    }
    let refused = builder.build().unwrap().check_records(rules).unwrap_err();
    let RejectedRecords::Records { errors, is_timestamp } = refused else { panic!("{refused}") };
    assert!(is_timestamp && errors.len() == RejectedRecords::LISTED_MAX);
    assert!(errors.iter().all(|error| error.fault == RecordFault::NoKey));
}

#[test]
fn good_records_are_summed_up() {
    let mut builder = BatchBuilder::new(Compression::Snappy);
    for time in [5, 9, 9, 1] {
        builder.push(&NewRecord { timestamp: Timestamp(time), ..NewRecord::default() });
    }
    let summary = builder.build().unwrap().check_records(RecordRules::default()).unwrap();
    assert_eq!((summary.max_timestamp, summary.max_timestamp_offset), (Timestamp(9), Offset(1)));
}

#[test]
fn the_header_of_a_produced_batch_follows_kafkas_rules() {
    let good = batch_of(3, Compression::None);
    good.validate_produced().unwrap();
    let refused = |change: fn(&mut milena_records::BatchHeader)| {
        changed(&good, change).validate_produced().unwrap_err()
    };
    let invalid = |change| assert!(matches!(refused(change), BatchError::Invalid { .. }));
    invalid(|h| h.base_offset = Offset(1));
    invalid(|h| h.record_count = 0);
    invalid(|h| h.record_count = -1);
    invalid(|h| h.record_count = 4);
    invalid(|h| h.last_offset_delta = -1);
    invalid(|h| (h.last_offset_delta, h.record_count) = (i32::MAX, i32::MIN));
    invalid(|h| h.attributes = Attributes(1 << 5));
    assert_eq!(refused(|h| h.attributes = Attributes(1 << 3)), BatchError::TimestampType);
    invalid(|h| h.attributes = Attributes(1 << 4));
    invalid(|h| h.attributes = Attributes(1 << 6));
    invalid(|h| h.producer_id = ProducerId(1));
    invalid(|h| (h.producer_id, h.base_sequence) = (ProducerId(1), Sequence(0)));
    assert_eq!(refused(|h| h.attributes = Attributes(5)), BatchError::Codec { id: 5 });
    changed(&good, |h| {
        (h.producer_id, h.producer_epoch, h.base_sequence) =
            (ProducerId(1), ProducerEpoch(0), Sequence(0));
        h.leader_epoch = LeaderEpoch(9);
    })
    .validate_produced()
    .unwrap();
}

#[test]
fn b25_all_codecs_are_accepted() {
    for codec in Compression::ALL {
        let batch = batch_of(10, codec);
        batch.validate_produced().unwrap();
        batch.verify_crc().unwrap();
        batch.check_records(RecordRules::default()).unwrap();
        assert_eq!(Compression::from_id(codec.id()), Some(codec));
        assert_eq!(Compression::from_name(codec.name()), Some(codec));
    }
}
