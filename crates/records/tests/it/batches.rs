//! Building, splitting, reading.

use bytes::Bytes;
use milena_records::{
    Batch, BatchBuilder, BatchError, Compression, HEADER_LEN, NewRecord,
    control::{EndTransactionMarker, TransactionResult},
    first_record_at_or_after, first_record_with_max_timestamp, magic_of, split,
};
use milena_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use proptest::{collection::vec, option, prelude::*};

use crate::{LIMIT, batch_of};

#[derive(Clone, Debug)]
struct Sample {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

fn sample() -> impl Strategy<Value = Sample> {
    let bytes = || vec(any::<u8>(), 0..200);
    let headers = vec((bytes(), option::of(bytes())), 0..4);
    (any::<i64>(), option::of(bytes()), option::of(bytes()), headers)
        .prop_map(|(timestamp, key, value, headers)| Sample { timestamp, key, value, headers })
}

fn codec() -> impl Strategy<Value = Compression> {
    prop::sample::select(Compression::ALL.to_vec())
}

fn build(samples: &[Sample], codec: Compression) -> Batch {
    let mut builder = BatchBuilder::new(codec).at(Offset(70), LeaderEpoch(3)).producer(
        ProducerId(9),
        ProducerEpoch(2),
        Sequence(40),
    );
    for sample in samples {
        let headers: Vec<_> = sample.headers.iter().map(|(k, v)| (&k[..], v.as_deref())).collect();
        builder.push(&NewRecord {
            timestamp: Timestamp(sample.timestamp),
            key: sample.key.as_deref(),
            value: sample.value.as_deref(),
            headers: &headers,
        });
    }
    builder.build().expect("a batch")
}

proptest! {
    #[test]
    fn records_come_back_as_they_were_put_in(samples in vec(sample(), 1..20), codec in codec()) {
        let batch = build(&samples, codec);
        batch.verify_crc().unwrap();
        let parsed = Batch::parse(batch.bytes()).unwrap();
        prop_assert_eq!(&parsed, &batch);
        let header = parsed.header().encode();
        prop_assert_eq!(&header[..], &batch.bytes()[..HEADER_LEN]);

        let set = parsed.records(LIMIT).unwrap();
        let mut seen = 0;
        for (record, sample) in set.iter().zip(&samples) {
            let record = record.unwrap();
            prop_assert_eq!(record.offset, Offset(70 + seen));
            prop_assert_eq!(record.timestamp, Timestamp(sample.timestamp));
            prop_assert_eq!(record.key, sample.key.as_deref());
            prop_assert_eq!(record.value, sample.value.as_deref());
            let headers: Vec<_> = record.headers.map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec))).collect();
            prop_assert_eq!(&headers, &sample.headers);
            seen += 1;
        }
        prop_assert_eq!(set.iter().count(), samples.len());
        prop_assert_eq!(parsed.header().next_offset(), Offset(70 + seen));
    }

    #[test]
    fn any_bytes_split_without_panic(bytes in vec(any::<u8>(), 0..300)) {
        for batch in split(bytes.into()).flatten() {
            let _ = batch.verify_crc();
            if let Ok(records) = batch.records(1 << 12) {
                records.iter().for_each(drop);
            }
        }
    }
}

#[test]
fn a_batch_shares_the_bytes_it_was_split_from() {
    let mut log = Vec::new();
    for count in 1..4 {
        log.extend_from_slice(batch_of(count, Compression::None).bytes());
    }
    let log = Bytes::from(log);
    let batches: Vec<_> = split(log.clone()).collect::<Result<_, _>>().unwrap();
    assert_eq!(batches.iter().map(|b| b.header().record_count).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(batches[1].bytes().as_ptr(), log[batches[0].size()..].as_ptr());
    assert_eq!(magic_of(&log), Some(2));
}

#[test]
fn the_records_of_an_uncompressed_batch_are_not_copied() {
    let batch = batch_of(2, Compression::None);
    let set = batch.records(LIMIT).unwrap();
    let value = set.iter().next().unwrap().unwrap().value.unwrap();
    assert!(batch.bytes().as_ptr_range().contains(&value.as_ptr()));
    assert_eq!(set.share(value), Bytes::from("value ".repeat(10)));
}

#[test]
fn a_cut_batch_is_reported_after_the_whole_ones() {
    let whole = batch_of(3, Compression::None);
    let mut log = whole.bytes().to_vec();
    log.extend_from_slice(&whole.bytes()[..whole.size() - 1]);
    let mut batches = split(log.into());
    assert_eq!(batches.next(), Some(Ok(whole.clone())));
    let cut = BatchError::Truncated { needed: whole.size(), have: whole.size() - 1 };
    assert_eq!(batches.next(), Some(Err(cut)));
    assert_eq!(batches.next(), None);
}

#[test]
fn no_records_are_no_batches() {
    assert_eq!(split(Bytes::new()).count(), 0);
}

#[test]
fn all_codecs_but_none_shrink_repetitive_records() {
    let plain = batch_of(100, Compression::None).size();
    for codec in &Compression::ALL[1..] {
        let batch = batch_of(100, *codec);
        assert_eq!(batch.header().attributes.compression(), Ok(*codec));
        assert!(batch.size() < plain / 2, "{codec}: {} of {plain} bytes", batch.size());
    }
}

#[test]
fn decompression_stops_at_the_limit() {
    let zeros = vec![0; 1 << 20];
    for codec in &Compression::ALL[1..] {
        let mut builder = BatchBuilder::new(*codec);
        builder.push(&NewRecord { value: Some(&zeros), ..NewRecord::default() });
        let batch = builder.build().unwrap();
        let refused = batch.records(1 << 16).map(drop);
        assert_eq!(refused, Err(BatchError::TooLarge { limit: 1 << 16 }), "{codec}");
        assert_eq!(batch.records(2 << 20).unwrap().iter().count(), 1, "{codec}");
    }
}

#[test]
fn snappy_without_framing_is_read() {
    let plain = batch_of(50, Compression::None);
    let raw = snap::raw::Encoder::new().compress_vec(&plain.payload()).unwrap();
    let read = Compression::Snappy.decompress(raw.into(), LIMIT).unwrap();
    assert_eq!(read, plain.payload());
}

#[test]
fn a_snappy_block_cannot_make_its_reader_allocate_what_its_size_does_not_justify() {
    // A length of 2^28 in a block of six bytes.
    let block = Bytes::from_static(&[0x80, 0x80, 0x80, 0x80, 0x01, 0x00]);
    let refused = Compression::Snappy.decompress(block, usize::MAX);
    assert!(matches!(refused, Err(BatchError::Compression { .. })), "{refused:?}");
}

#[test]
fn offsets_may_have_gaps_after_compaction() {
    let mut builder = BatchBuilder::new(Compression::None).at(Offset(10), LeaderEpoch(0));
    builder.push_at(2, &NewRecord::default());
    builder.push_at(7, &NewRecord::default());
    let batch = builder.build().unwrap();
    let offsets: Vec<_> =
        batch.records(LIMIT).unwrap().iter().map(|r| r.unwrap().offset.raw()).collect();
    assert_eq!(offsets, [12, 17]);
    assert_eq!(batch.header().next_offset(), Offset(18));
}

#[test]
fn an_empty_batch_has_no_records() {
    for codec in Compression::ALL {
        let batch = BatchBuilder::new(codec).build().unwrap();
        batch.verify_crc().unwrap();
        if codec == Compression::None {
            assert_eq!(batch.size(), HEADER_LEN);
        }
        assert_eq!(batch.records(LIMIT).unwrap().iter().count(), 0, "{codec}");
    }
}

#[test]
fn search_by_time_is_exact_to_the_record() {
    for codec in Compression::ALL {
        let mut builder = BatchBuilder::new(codec).at(Offset(100), LeaderEpoch(0));
        for time in [10, 30, 20, 30] {
            builder.push(&NewRecord { timestamp: Timestamp(time), ..NewRecord::default() });
        }
        let batch = builder.build().unwrap();
        let find = |time| first_record_at_or_after(&batch, Timestamp(time)).unwrap().run().unwrap();
        assert_eq!(find(0), Some((Offset(100), Timestamp(10))));
        assert_eq!(find(11), Some((Offset(101), Timestamp(30))));
        assert_eq!(find(30), Some((Offset(101), Timestamp(30))));
        assert_eq!(find(31), None);
        let max = first_record_with_max_timestamp(&batch).unwrap().run().unwrap();
        assert_eq!(max, Some((Offset(101), Timestamp(30))));
    }
}

#[test]
fn b24_the_record_time_of_a_log_append_time_batch_is_its_max_timestamp() {
    let mut builder = BatchBuilder::new(Compression::Lz4).log_append_time(Timestamp(500));
    for time in [10, 20] {
        builder.push(&NewRecord { timestamp: Timestamp(time), ..NewRecord::default() });
    }
    let batch = builder.build().unwrap();
    let times: Vec<_> =
        batch.records(LIMIT).unwrap().iter().map(|r| r.unwrap().timestamp).collect();
    assert_eq!(times, [Timestamp(500); 2]);
    assert_eq!(batch.header().log_append_time(), Some(Timestamp(500)));
    let found = first_record_at_or_after(&batch, Timestamp(30)).unwrap().run().unwrap();
    assert_eq!(found, Some((Offset(0), Timestamp(500))));
    let later = first_record_at_or_after(&batch, Timestamp(501)).unwrap();
    assert_eq!(later.run().unwrap(), None);
}

#[test]
fn transaction_markers_come_back_as_written() {
    for result in [TransactionResult::Abort, TransactionResult::Commit] {
        let marker = EndTransactionMarker { result, coordinator_epoch: 7 };
        let batch = marker.batch(ProducerId(5), ProducerEpoch(1), Timestamp(9)).unwrap();
        let header = batch.header();
        assert!(header.attributes.is_control() && header.attributes.is_transactional());
        assert_eq!((header.producer_id, header.base_sequence), (ProducerId(5), Sequence(-1)));
        let set = batch.records(LIMIT).unwrap();
        let record = set.iter().next().unwrap().unwrap();
        assert_eq!(EndTransactionMarker::of(&record), Ok(Some(marker)));
    }
}

#[test]
fn control_records_of_other_kinds_are_no_markers_and_cut_ones_are_errors() {
    let parse = |key: Option<&[u8]>, value: Option<&[u8]>| {
        let mut builder = BatchBuilder::new(Compression::None).control();
        builder.push(&NewRecord { key, value, ..NewRecord::default() });
        let set = builder.build().unwrap().records(LIMIT).unwrap();
        let record = set.iter().next().unwrap().unwrap();
        EndTransactionMarker::of(&record)
    };
    assert_eq!(parse(Some(&[0, 0, 0, 2]), Some(&[])), Ok(None), "a leader change");
    assert!(parse(Some(&[0, 0, 0]), Some(&[0; 6])).is_err());
    assert!(parse(Some(&[0, 0, 0, 1]), Some(&[0; 5])).is_err());
    assert!(parse(Some(&[0, 0, 0, 1]), None).is_err());
    assert!(parse(None, None).is_err());
}
