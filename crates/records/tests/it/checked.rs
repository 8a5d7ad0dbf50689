//! Checks of records: what they refuse, in steps of any size, in bounded memory.

use bytes::Bytes;
use milena_records::{
    Batch, BatchBuilder, BatchError, BatchHeader, CheckProgress, Compression, NewRecord,
    Recompressed, Recompression, RecordCheck, RecordRules, RecordsSummary, RejectedRecords,
    first_record_at_or_after,
    legacy::{MessageFormat, UpConversion, UpConverted, down_convert},
};
use milena_types::{Offset, Timestamp};
use proptest::{collection::vec, option, prelude::*};

use crate::{LIMIT, batch_of};

/// A batch with this header and payload; the length is put right, the checksum is not looked at.
fn with_payload(header: &BatchHeader, payload: &[u8]) -> Batch {
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(payload);
    let length = i32::try_from(bytes.len() - 12).unwrap();
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    Batch::parse(&Bytes::from(bytes)).unwrap()
}

/// The same records, compressed with `codec` whatever they are.
fn compressed(batch: &Batch, codec: Compression) -> Batch {
    let mut header = *batch.header();
    header.attributes = milena_records::Attributes::new(codec, false, false);
    with_payload(&header, &codec.compress(batch.payload().to_vec()).unwrap())
}

fn check(batch: &Batch, budget: usize) -> Result<RecordsSummary, RejectedRecords> {
    let mut check = RecordCheck::new(batch, RecordRules::default())?;
    loop {
        let before = check.work();
        if let CheckProgress::Done(summary) = check.step(budget)? {
            return Ok(summary);
        }
        assert!(check.work() > before, "every step gets on");
    }
}

/// The record that is wrong, whatever the codec and the steps, and what is wrong with it. Where two
/// things are, the order in which they are found depends on what is in the buffer.
fn reason(batch: &Batch) -> (i32, &'static str) {
    let mut found = None;
    for codec in Compression::ALL {
        let batch = compressed(batch, codec);
        for budget in [1, 100, usize::MAX] {
            match check(&batch, budget) {
                Err(RejectedRecords::Batch(BatchError::Record { index, reason })) => {
                    assert_eq!(found.get_or_insert((index, reason)).0, index, "{codec}: {reason}");
                }
                other => panic!("{codec}: {other:?}"),
            }
        }
    }
    found.unwrap()
}

fn varint(value: i32) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 31)).cast_unsigned();
    let mut out = Vec::new();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out
}

/// A record of fields after its offset delta 0; `longer` is added to its length.
fn record(longer: i32, fields: &[&[u8]]) -> Vec<u8> {
    let body = [&[0, 0, 0], &fields.concat()[..]].concat();
    [varint(i32::try_from(body.len()).unwrap() + longer), body].concat()
}

#[test]
fn every_part_of_a_record_that_is_wrong_is_found() {
    let one = *batch_of(1, Compression::None).header();
    let null = varint(-1);
    let none = varint(0);
    // Long enough not to fit any buffer.
    let value = [varint(300_000), vec![7; 300_000]].concat();
    for value in [&null, &value] {
        let of = |longer, tail: &[&[u8]]| {
            with_payload(&one, &record(longer, &[&[&null[..], value], tail].concat()))
        };
        assert!(check(&of(0, &[&none]), usize::MAX).is_ok());
        let header = [&varint(1)[..], &varint(1), b"k", &null].concat();
        assert!(check(&of(0, &[&header]), usize::MAX).is_ok());
        assert!(check(&of(1, &[&none]), usize::MAX).is_err());
        assert_eq!(reason(&of(-1, &[&none])).0, 0);
        assert_eq!(reason(&of(0, &[&none, &[0]])).1, "its length is larger than its fields");
        assert_eq!(reason(&of(0, &[&null])).1, "its header count is negative");
        let too_many = reason(&of(0, &[&varint(i32::MAX)]));
        assert_eq!(too_many.1, "a header does not fit its length");
        let no_key = [&varint(1)[..], &null, &null].concat();
        assert_eq!(reason(&of(0, &[&no_key])).1, "a header has no key");
        let outside = [&varint(1)[..], &varint(50), b"k", &null].concat();
        assert_eq!(reason(&of(0, &[&outside])).0, 0);
    }
    let longer_than_the_record = [varint(5), vec![0; 3]].concat();
    assert_eq!(
        reason(&with_payload(&one, &record(0, &[&longer_than_the_record]))).1,
        "its length is too small for its fields"
    );
    for length in [-1, -5, i32::MIN] {
        let payload = [varint(length), vec![0; 20]].concat();
        assert_eq!(reason(&with_payload(&one, &payload)).1, "its length is negative");
    }
    for length in [20, 60_000, 70_000, i32::MAX] {
        let payload = [&varint(length)[..], &[0, 0, 0, 1, 1, 0]].concat();
        assert_eq!(reason(&with_payload(&one, &payload)).0, 0, "{length}");
    }
}

#[test]
fn the_count_of_the_header_is_that_of_the_records() {
    let three = batch_of(3, Compression::None);
    for (count, expected) in [
        (1, (1, "bytes follow the last record")),
        (2, (2, "bytes follow the last record")),
        (4, (3, "the batch ends within it")),
        (i32::MAX, (3, "the batch ends within it")),
    ] {
        let mut header = *three.header();
        header.record_count = count;
        assert_eq!(reason(&with_payload(&header, &three.payload())), expected, "{count}");
    }
    let garbage = with_payload(three.header(), &[0xff; 50]);
    assert_eq!(reason(&garbage).0, 0);
}

#[test]
fn what_is_no_compression_is_refused() {
    let three = batch_of(3, Compression::None);
    for codec in &Compression::ALL[1..] {
        let good = compressed(&three, *codec);
        assert!(check(&good, 1).is_ok(), "{codec}");
        let garbage = with_payload(good.header(), &[0xa5; 50]);
        let refused = check(&garbage, usize::MAX);
        let is_codec = |refused: &Result<_, RejectedRecords>| {
            matches!(refused, Err(RejectedRecords::Batch(BatchError::Compression { .. })))
        };
        assert!(is_codec(&refused), "{codec}: {refused:?}");
        let payload = good.payload();
        for len in 1..payload.len() {
            let cut = check(&with_payload(good.header(), &payload[..len]), usize::MAX);
            assert!(cut.is_err(), "{codec}: {len} of {} bytes", payload.len());
        }
    }
}

#[test]
fn an_lz4_frame_without_its_end_is_refused() {
    let good = compressed(&batch_of(3, Compression::None), Compression::Lz4);
    // All records are there, and Java clients fail at the end.
    let payload = good.payload();
    let cut = with_payload(good.header(), &payload[..payload.len() - 4]);
    let refused = check(&cut, usize::MAX);
    let Err(RejectedRecords::Batch(BatchError::Compression { .. })) = refused else {
        panic!("{refused:?}");
    };
}

#[test]
fn lz4_blocks_that_refer_to_others_are_refused_as_by_java() {
    use std::io::Write;
    let three = batch_of(3, Compression::None);
    let info = lz4_flex::frame::FrameInfo::new().block_mode(lz4_flex::frame::BlockMode::Linked);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(&three.payload()).unwrap();
    let mut header = *three.header();
    header.attributes = milena_records::Attributes::new(Compression::Lz4, false, false);
    let linked = with_payload(&header, &encoder.finish().unwrap());
    let refused = check(&linked, usize::MAX).unwrap_err();
    assert!(refused.to_string().contains("blocks that refer to others"), "{refused}");
}

#[test]
fn gzip_members_follow_each_other_and_anything_else_after_one_is_ignored() {
    let three = batch_of(3, Compression::None);
    let payload = three.payload();
    let (head, tail) = payload.split_at(20);
    let gzip = |bytes: &[u8]| Compression::Gzip.compress(bytes.to_vec()).unwrap();
    let mut header = *three.header();
    header.attributes = milena_records::Attributes::new(Compression::Gzip, false, false);
    let two = with_payload(&header, &[gzip(head), gzip(tail)].concat());
    assert!(check(&two, 1).is_ok());
    let rest = with_payload(&header, &[gzip(&payload), vec![1; 40]].concat());
    assert!(check(&rest, usize::MAX).is_ok());
    assert_eq!(rest.records(LIMIT).unwrap().iter().count(), 3);
}

#[test]
fn the_largest_time_is_that_of_the_records_whatever_the_header_says() {
    let mut builder = BatchBuilder::new(Compression::None);
    for time in [5, 9, 9, 1] {
        builder.push(&NewRecord { timestamp: Timestamp(time), ..NewRecord::default() });
    }
    let good = builder.build().unwrap();
    for said in [-1, 0, 9, i64::MAX] {
        let mut header = *good.header();
        header.max_timestamp = Timestamp(said);
        let summary = check(&with_payload(&header, &good.payload()), usize::MAX).unwrap();
        assert_eq!(summary.max_timestamp, Timestamp(9));
        assert_eq!(summary.max_timestamp_offset, Offset(1));
    }
}

#[test]
fn headers_are_refused_where_the_format_has_none() {
    let rules = RecordRules { headers_refused: true, ..RecordRules::default() };
    for codec in Compression::ALL {
        let refused = batch_of(3, codec).check_records(rules.clone()).unwrap_err();
        let RejectedRecords::Records { errors, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(errors.iter().map(|error| error.index).collect::<Vec<_>>(), [0, 1, 2]);
    }
}

#[test]
fn a_batch_that_expands_to_a_thousand_times_its_size_is_walked_over_in_steps() {
    let zeros = vec![0; 64 << 20];
    for codec in &Compression::ALL[1..] {
        let mut builder = BatchBuilder::new(*codec);
        builder.push(&NewRecord { value: Some(&zeros), ..NewRecord::default() });
        let batch = builder.build().unwrap();
        let mut check = RecordCheck::new(&batch, RecordRules::default()).unwrap();
        let mut steps = 0;
        while check.step(1 << 16).unwrap() == CheckProgress::Pending {
            steps += 1;
            assert!(check.size() <= steps << 17, "{codec}: {} in {steps}", check.size());
        }
        assert!(steps > 500, "{codec}: {steps}");
    }
}

#[test]
fn what_expands_to_nothing_is_looked_at_in_steps_too() {
    let three = batch_of(3, Compression::None);
    let nothing = |codec: Compression| match codec {
        Compression::Snappy => vec![0, 0, 0, 1, 0],
        codec => codec.compress(Vec::new()).unwrap(),
    };
    let magic = |codec| if codec == Compression::Snappy { 16 } else { 0 };
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Zstd] {
        let good = compressed(&three, codec);
        let payload = good.payload();
        let (head, tail) = payload.split_at(magic(codec));
        let nothing = nothing(codec);
        let empty = nothing.repeat((2 << 20) / nothing.len());
        let batch = with_payload(good.header(), &[head, &empty, tail].concat());
        let mut check = RecordCheck::new(&batch, RecordRules::default()).unwrap();
        let mut steps = 1;
        while check.step(1 << 16).unwrap() == CheckProgress::Pending {
            assert_eq!(check.size(), 0, "{codec}");
            assert!(check.work() <= steps << 16, "{codec}: {} in {steps}", check.work());
            steps += 1;
        }
        assert!(steps > 4, "{codec}: {steps}");
        assert_eq!(check.size(), three.payload().len() as u64);
        assert!(batch.records(LIMIT).is_ok());
    }
}

#[test]
fn what_a_check_needs_is_known_once_it_has_begun() {
    let value: Vec<u8> =
        (0..3_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    for (codec, expected) in [
        (Compression::None, 0..1),
        (Compression::Gzip, 64 << 10..256 << 10),
        (Compression::Snappy, 64 << 10..256 << 10),
        (Compression::Lz4, 64 << 10..256 << 10),
        (Compression::Zstd, 1 << 20..16 << 20),
    ] {
        let mut builder = BatchBuilder::new(codec);
        builder.push(&NewRecord { value: Some(&value), ..NewRecord::default() });
        let batch = builder.build().unwrap();
        let mut check = RecordCheck::new(&batch, RecordRules::default()).unwrap();
        assert_eq!(check.step(1).unwrap(), CheckProgress::Pending, "{codec}");
        assert!(expected.contains(&check.memory()), "{codec}: {}", check.memory());
    }
}

#[test]
fn large_snappy_blocks_are_read_a_little_at_a_time() {
    let plain: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 251 + i / 70_000) as u8).collect();
    let raw = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
    let read = Compression::Snappy.decompress(raw.clone().into(), plain.len());
    assert!(read.unwrap() == plain);
    let cut = Compression::Snappy.decompress(raw[..raw.len() - 1].to_vec().into(), plain.len());
    assert!(cut.is_err());
}

#[test]
fn a_window_that_is_too_large_is_refused() {
    // A Zstandard frame whose window is 2^31, with an empty block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0];
    let mut header = *batch_of(1, Compression::Zstd).header();
    header.record_count = 1;
    let refused = check(&with_payload(&header, &frame), usize::MAX);
    let Err(RejectedRecords::Batch(BatchError::Compression { .. })) = refused else {
        panic!("{refused:?}");
    };
}

/// Lengths around those of buffers and blocks.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![0..200_usize, 4000..4200_usize, 65_400..65_700_usize, 131_000..132_000_usize]
}

fn batch() -> impl Strategy<Value = Batch> {
    let codec = prop::sample::select(Compression::ALL.to_vec());
    let part = || option::of((length(), 1..=255_u8, any::<bool>()));
    let record = (any::<i32>(), part(), part(), vec((0..40_usize, option::of(0..40_usize)), 0..3));
    (codec, vec(record, 1..6)).prop_map(|(codec, records)| {
        let bytes = |part: Option<(usize, u8, bool)>| {
            part.map(|(len, byte, plain)| {
                let mixed = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u8 ^ byte;
                (0..len).map(|i| if plain { byte } else { mixed(i) }).collect::<Vec<u8>>()
            })
        };
        let mut builder = BatchBuilder::new(codec);
        for (time, key, value, headers) in records {
            let (key, value) = (bytes(key), bytes(value));
            let names = [b'h'; 40];
            let headers: Vec<_> =
                headers.iter().map(|(k, v)| (&names[..*k], v.map(|v| &names[..v]))).collect();
            builder.push(&NewRecord {
                timestamp: Timestamp(time.into()),
                key: key.as_deref(),
                value: value.as_deref(),
                headers: &headers,
            });
        }
        builder.build().unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_builder_makes_passes_in_steps_of_any_size(batch in batch(), budget in 1..100_000_usize) {
        let summary = check(&batch, budget).unwrap();
        let times: Vec<_> =
            batch.records(8 * LIMIT).unwrap().iter().map(|r| r.unwrap().timestamp).collect();
        let max = times.iter().max().copied().unwrap().max(Timestamp::NONE);
        prop_assert_eq!(summary.max_timestamp, max);
        if max > Timestamp::NONE {
            let first = times.iter().position(|time| *time == max).unwrap();
            prop_assert_eq!(summary.max_timestamp_offset, Offset(first as i64));
            let found = first_record_at_or_after(&batch, max).unwrap().run().unwrap();
            prop_assert_eq!(found, Some((summary.max_timestamp_offset, max)));
        }
        let plain: usize = batch.records(8 * LIMIT).unwrap().size();
        prop_assert_eq!(summary.size, plain as u64);
    }

    /// As if the checksum had been made to match, which an attacker can: a batch either passes, and
    /// then the log reads it as the check said, or it is refused.
    #[test]
    fn damage_is_refused_or_the_summary_is_true(
        batch in batch(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
        len in any::<prop::sample::Index>(),
        cut: bool,
        budget in 1..100_000_usize,
    ) {
        let mut payload = batch.payload().to_vec();
        for (place, byte, near_start) in damage {
            let place = place.index(if near_start { payload.len().min(80) } else { payload.len() });
            payload[place] = byte;
        }
        if cut {
            payload.truncate(len.index(payload.len()));
        }
        let damaged = with_payload(batch.header(), &payload);
        let outcome = check(&damaged, budget);
        prop_assert_eq!(&check(&damaged, usize::MAX), &outcome, "steps change nothing");
        if let Ok(summary) = outcome {
            let records = damaged.records(64 << 20).unwrap();
            let records: Vec<_> = records.iter().map(|record| record.unwrap()).collect();
            prop_assert_eq!(records.len() as i64, i64::from(damaged.header().record_count));
            for (index, record) in (0..).zip(&records) {
                prop_assert_eq!(record.offset_delta, index);
                prop_assert!(record.timestamp <= summary.max_timestamp);
            }
        } else {
            let too_large = matches!(outcome, Err(RejectedRecords::Batch(BatchError::TooLarge { .. })));
            prop_assert!(!too_large);
        }
    }

    #[test]
    fn another_codec_changes_nothing_but_the_codec(
        batch in batch(),
        codec in prop::sample::select(Compression::ALL.to_vec()),
        budget in 1..200_000_usize,
    ) {
        let mut recompression = Recompression::new(&batch, codec, None).unwrap();
        let other = loop {
            match recompression.step(budget).unwrap() {
                Recompressed::Done(batch) => break batch,
                Recompressed::Pending(next) => recompression = next,
            }
        };
        other.verify_crc().unwrap();
        prop_assert_eq!(other.header().attributes.compression(), Ok(codec));
        let plain = |batch: &Batch| {
            let codec = batch.header().attributes.compression().unwrap();
            codec.decompress(batch.payload(), 8 * LIMIT).unwrap()
        };
        prop_assert_eq!(plain(&other), plain(&batch));
        let mut header = *other.header();
        let same = *batch.header();
        (header.attributes, header.crc) = (same.attributes, same.crc);
        header.batch_length = same.batch_length;
        prop_assert_eq!(header, same);
        prop_assert_eq!(check(&other, budget), check(&batch, budget));
    }

    #[test]
    fn message_sets_are_converted_in_steps_of_any_size(batch in batch(), budget in 1..200_000_usize) {
        if batch.header().attributes.compression() == Ok(Compression::Zstd) {
            return Ok(());
        }
        for format in [MessageFormat::Magic0, MessageFormat::Magic1] {
            let set = down_convert([&batch], format, Offset(0), 8 * LIMIT).unwrap();
            let mut conversion = UpConversion::new(set.clone(), LIMIT);
            let converted = loop {
                match conversion.step(budget).unwrap() {
                    UpConverted::Done(batch) => break batch,
                    UpConverted::Pending(next) => conversion = next,
                }
            };
            converted.verify_crc().unwrap();
            check(&converted, budget).unwrap();
            let records = |batch: &Batch| {
                let set = batch.records(8 * LIMIT).unwrap();
                let all = set.iter().map(|record| {
                    let record = record.unwrap();
                    (record.offset, record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec))
                });
                all.collect::<Vec<_>>()
            };
            prop_assert_eq!(records(&converted), records(&batch));
        }
    }

    /// Against the decoder of another library.
    #[test]
    fn raw_snappy_is_read_a_little_at_a_time(
        parts in vec((length(), any::<u8>(), 1..300_usize), 0..8),
    ) {
        let plain: Vec<u8> = parts
            .iter()
            .flat_map(|(len, byte, period)| (0..*len).map(move |i| (i % period) as u8 ^ byte))
            .collect();
        let raw = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
        let read = Compression::Snappy.decompress(raw.into(), plain.len());
        prop_assert_eq!(read.unwrap(), plain);
    }
}

/// Frames with every option that frames have, from another library.
#[test]
fn lz4_frames_of_all_kinds_are_read_and_their_checksums_compared() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write;
    let plain: Vec<u8> = (0..300_000_u32).map(|i| (i % 251 + i / 7000) as u8).collect();
    let noise: Vec<u8> =
        (0..70_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    for plain in [&plain, &noise, &Vec::new()] {
        for options in 0..32_usize {
            let sizes =
                [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB];
            let info = FrameInfo::new()
                .block_mode(BlockMode::Independent)
                .block_size(sizes[options % 4])
                .block_checksums(options & 4 != 0)
                .content_checksum(options & 8 != 0)
                .content_size((options & 16 != 0).then_some(plain.len() as u64));
            let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(plain).unwrap();
            let frame = encoder.finish().unwrap();
            let read =
                |frame: &[u8]| Compression::Lz4.decompress(frame.to_vec().into(), plain.len());
            assert!(read(&frame).unwrap() == plain, "{options}");
            let followed = [&frame[..], b"more"].concat();
            assert!(read(&followed).unwrap() == plain, "{options}");
            for cut in [5, 10, frame.len() / 2, frame.len() - 1] {
                assert!(cut >= frame.len() || read(&frame[..cut]).is_err(), "{options}: {cut}");
            }
            // The last byte of the header's descriptor, and one of the first block.
            for place in [5, 20] {
                let mut damaged = frame.clone();
                if let Some(byte) = damaged.get_mut(place) {
                    *byte ^= 0x55;
                    let is_covered = place == 5 || options & (4 | 8) != 0;
                    assert!(!is_covered || read(&damaged).is_err(), "{options}: {place}");
                }
            }
        }
    }
}
