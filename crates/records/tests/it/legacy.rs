//! Magic 0 and 1 (behaviour 26), and what another client writes in each format.
//!
//! `python_clients.txt` holds what kafka-python 3.0 makes of four records, once per magic and
//! codec: a name and hex.

use bytes::Bytes;
use milena_records::{
    Batch, BatchBuilder, BatchError, Compression, NewRecord,
    control::{EndTransactionMarker, TransactionResult},
    legacy::{DownConverter, MessageFormat, down_convert, messages, up_convert},
    magic_of,
};
use milena_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};
use proptest::{collection::vec, prelude::*};

use crate::{LIMIT, batch_of};

const FORMATS: [MessageFormat; 2] = [MessageFormat::Magic0, MessageFormat::Magic1];
const CODECS: [Compression; 4] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4];

fn fixtures() -> impl Iterator<Item = (i8, Compression, Bytes)> {
    include_str!("python_clients.txt").lines().map(|line| {
        let (name, hex) = line.split_once(' ').unwrap();
        let (magic, codec) = name.strip_prefix("magic").unwrap().split_once('-').unwrap();
        let byte = |i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        (magic.parse().unwrap(), Compression::from_name(codec).unwrap(), bytes.into())
    })
}

fn assert_four_records(batch: &Batch, has_timestamps: bool) {
    batch.verify_crc().unwrap();
    batch.validate_produced().unwrap();
    let set = batch.records(LIMIT).unwrap();
    let records: Vec<_> = set.iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(records.len(), 4);
    for (i, record) in records.iter().enumerate() {
        let key = format!("key-{i}");
        let value = format!("value-{i} ").repeat(6);
        assert_eq!(record.offset, Offset(i as i64));
        let time = if has_timestamps { 1000 + 10 * i as i64 } else { -1 };
        assert_eq!(record.timestamp, Timestamp(time));
        assert_eq!(record.key, (i != 1).then_some(key.as_bytes()));
        assert_eq!(record.value, (i != 2).then_some(value.as_bytes()));
    }
}

#[test]
fn b26_message_sets_of_another_client_become_batches() {
    for (magic, codec, bytes) in fixtures().filter(|(magic, ..)| *magic < 2) {
        assert_eq!(magic_of(&bytes), Some(magic));
        let batch =
            up_convert(&bytes, LIMIT).unwrap_or_else(|e| panic!("magic {magic}, {codec}: {e}"));
        assert_eq!(batch.header().attributes.compression(), Ok(codec));
        assert_four_records(&batch, magic == 1);
    }
}

#[test]
fn b25_batches_of_another_client_are_read() {
    for (_, codec, bytes) in fixtures().filter(|(magic, ..)| *magic == 2) {
        let batch = Batch::parse(&bytes).unwrap();
        assert_eq!(batch.header().attributes.compression(), Ok(codec));
        assert_four_records(&batch, true);
        let set = batch.records(LIMIT).unwrap();
        let last = set.iter().last().unwrap().unwrap();
        let headers: Vec<_> = last.headers.map(|h| (h.key, h.value)).collect();
        assert_eq!(headers, [(&b"h3"[..], Some(&b"x"[..]))]);
    }
}

#[test]
fn b26_batches_become_message_sets_for_old_consumers_and_keep_their_offsets() {
    for format in FORMATS {
        for codec in CODECS {
            let mut builder = BatchBuilder::new(codec).at(Offset(50), LeaderEpoch(1));
            for (delta, key) in [(0, Some(&b"a"[..])), (3, None), (4, Some(b""))] {
                let record = NewRecord {
                    timestamp: Timestamp(7),
                    key,
                    value: Some(b"v"),
                    headers: &[(b"h", None)],
                };
                builder.push_at(delta, &record);
            }
            let batch = builder.build().unwrap();
            let set = down_convert([&batch], format, Offset(0), LIMIT).unwrap();
            let read = messages(&set, LIMIT).unwrap();
            assert_eq!(read.compression, codec);
            let offsets: Vec<_> = read.messages.iter().map(|m| m.offset.raw()).collect();
            assert_eq!(offsets, [50, 53, 54], "{format:?} {codec}");
            let keys: Vec<_> = read.messages.iter().map(|m| m.key.as_deref()).collect();
            assert_eq!(keys, [Some(&b"a"[..]), None, Some(b"")]);
            let time = if format == MessageFormat::Magic0 { -1 } else { 7 };
            assert!(
                read.messages
                    .iter()
                    .all(|m| m.timestamp == Timestamp(time) && !m.is_log_append_time)
            );
        }
    }
}

#[test]
fn b26_the_lz4_header_checksum_of_magic_0_is_the_wrong_one_that_old_clients_check() {
    let batch = batch_of(5, Compression::Lz4);
    let set = down_convert([&batch], MessageFormat::Magic0, Offset(0), LIMIT).unwrap();
    // Offset, size, checksum, magic, attributes, no key, the value's length: the frame starts at
    // 26.
    let frame = &set[26..];
    assert_eq!(frame[..4], [0x04, 0x22, 0x4d, 0x18]);
    let wrong = (twox_hash::XxHash32::oneshot(0, &frame[..6]) >> 8) as u8;
    assert_eq!(frame[6], wrong);
    // The other client's frame has it too.
    let (.., other) =
        fixtures().find(|(magic, codec, _)| (*magic, *codec) == (0, Compression::Lz4)).unwrap();
    let header = 6 + if other[30] & 8 != 0 { 8 } else { 0 };
    let wrong = (twox_hash::XxHash32::oneshot(0, &other[26..26 + header]) >> 8) as u8;
    assert_eq!(other[26 + header], wrong);
}

#[test]
fn b26_log_append_time_survives_down_conversion_to_magic_1() {
    for codec in CODECS {
        let mut builder = BatchBuilder::new(codec).log_append_time(Timestamp(99));
        builder.push(&NewRecord { timestamp: Timestamp(1), ..NewRecord::default() });
        let batch = builder.build().unwrap();
        let set = down_convert([&batch], MessageFormat::Magic1, Offset(0), LIMIT).unwrap();
        let read = messages(&set, LIMIT).unwrap();
        assert!(read.messages[0].is_log_append_time, "{codec}");
        assert_eq!(read.messages[0].timestamp, Timestamp(99));
        assert_eq!(up_convert(&set, LIMIT), Err(BatchError::TimestampType));
    }
}

#[test]
fn b26_uncompressed_records_below_the_fetch_offset_are_left_out_and_control_records_always() {
    let marker = EndTransactionMarker { result: TransactionResult::Commit, coordinator_epoch: 0 };
    let control = marker.batch(ProducerId(1), ProducerEpoch(0), Timestamp(0)).unwrap();
    let offsets = |codec| {
        let batch = batch_of(4, codec);
        let set =
            down_convert([&batch, &control], MessageFormat::Magic1, Offset(2), LIMIT).unwrap();
        messages(&set, LIMIT).unwrap().messages.iter().map(|m| m.offset.raw()).collect::<Vec<_>>()
    };
    assert_eq!(offsets(Compression::None), [2, 3]);
    assert_eq!(offsets(Compression::Gzip), [0, 1, 2, 3]);
}

#[test]
fn b26_zstd_cannot_be_down_converted() {
    let refused =
        down_convert([&batch_of(1, Compression::Zstd)], MessageFormat::Magic1, Offset(0), LIMIT);
    assert_eq!(refused, Err(BatchError::Codec { id: 4 }));
}

#[test]
fn a_wrapper_that_decompresses_to_more_than_the_limit_is_refused() {
    let batch = batch_of(1000, Compression::Gzip);
    let set = down_convert([&batch], MessageFormat::Magic1, Offset(0), LIMIT).unwrap();
    assert_eq!(up_convert(&set, 50), Err(BatchError::TooLarge { limit: 50 }), "one message");
    let twice = [&set[..], &set[..]].concat();
    let one = messages(&set, LIMIT).unwrap();
    assert_eq!(
        messages(&twice.clone().into(), LIMIT).unwrap().messages.len(),
        2 * one.messages.len()
    );
    assert_eq!(messages(&twice.into(), 100_000), Err(BatchError::TooLarge { limit: 100_000 }));
}

#[test]
fn sets_that_apache_kafka_does_not_take_are_refused() {
    let set =
        |codec, format| down_convert([&batch_of(2, codec)], format, Offset(0), LIMIT).unwrap();
    let (plain, gzip) = (MessageFormat::Magic1, Compression::Gzip);
    let wrapper = set(gzip, plain);
    let none = set(Compression::None, plain);
    let old = set(Compression::None, MessageFormat::Magic0);
    for two in
        [[&wrapper, &wrapper], [&wrapper, &none], [&none, &wrapper], [&none, &old], [&old, &none]]
    {
        let refused = up_convert(&[&two[0][..], &two[1][..]].concat().into(), LIMIT);
        assert!(matches!(refused, Err(BatchError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(
        up_convert(&[&none[..], &none[..]].concat().into(), LIMIT).unwrap().header().record_count,
        4
    );
}

#[test]
fn a_set_ends_where_it_may_have_no_more_bytes_but_not_before_its_first_message() {
    for format in FORMATS {
        for codec in CODECS {
            let batches: Vec<_> = (0..3).map(|_| batch_of(4, codec)).collect();
            let whole = down_convert(&batches, format, Offset(0), LIMIT).unwrap();
            let starts = message_starts(&whole);
            for bytes_max in 0..=whole.len() {
                let mut converter = DownConverter::new(format, Offset(0), LIMIT, bytes_max);
                let all = batches.iter().all(|batch| converter.push(batch).unwrap());
                let set = converter.finish();
                assert_eq!(all, bytes_max >= whole.len(), "{format:?} {codec}");
                let fits = starts
                    .iter()
                    .copied()
                    .chain([whole.len()])
                    .filter(|end| *end <= bytes_max)
                    .max();
                let expected = fits.unwrap_or(0).max(starts[1]);
                assert_eq!(
                    set,
                    whole[..expected],
                    "{format:?} {codec}: {bytes_max} of {}",
                    whole.len()
                );
            }
        }
    }
}

#[test]
fn what_was_converted_before_a_batch_that_cannot_be_is_kept() {
    for codec in CODECS {
        let (good, zstd) = (batch_of(3, codec), batch_of(3, Compression::Zstd));
        let mut converter = DownConverter::new(MessageFormat::Magic1, Offset(0), LIMIT, LIMIT);
        assert_eq!(converter.push(&good), Ok(true));
        assert_eq!(converter.push(&zstd), Err(BatchError::Codec { id: 4 }));
        let set = converter.finish();
        assert_eq!(set, down_convert([&good], MessageFormat::Magic1, Offset(0), LIMIT).unwrap());
    }
}

#[test]
fn message_sets_that_are_not_one_are_refused() {
    assert!(matches!(up_convert(&Bytes::new(), LIMIT), Err(BatchError::Invalid { .. })));
    let batch = batch_of(1, Compression::None);
    assert_eq!(up_convert(batch.bytes(), LIMIT), Err(BatchError::Magic { magic: 2 }));
    let set = down_convert([&batch], MessageFormat::Magic1, Offset(0), LIMIT).unwrap();
    for len in 1..set.len() {
        let cut = up_convert(&set.slice(..len), LIMIT);
        assert!(matches!(cut, Err(BatchError::Truncated { .. })), "{len}: {cut:?}");
    }
}

#[test]
fn every_flipped_byte_of_a_message_is_found() {
    for (magic, codec, bytes) in fixtures().filter(|(magic, ..)| *magic < 2) {
        for place in 8..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[place] ^= 0xff;
            // The offsets of messages are outside the checksums, and mean nothing when they come
            // from producers.
            let is_offset = codec == Compression::None && {
                let starts = message_starts(&bytes);
                starts.iter().any(|start| (*start..start + 8).contains(&place))
            };
            let found = messages(&damaged.into(), LIMIT).is_err();
            assert_eq!(found, !is_offset, "magic {magic}, {codec}: byte {place}");
        }
    }
}

fn message_starts(set: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    loop {
        let start = starts[starts.len() - 1];
        let size = i32::from_be_bytes(set[start + 8..start + 12].try_into().unwrap());
        let next = start + 12 + usize::try_from(size).unwrap();
        if next == set.len() {
            return starts;
        }
        starts.push(next);
    }
}

proptest! {
    #[test]
    fn down_and_up_again_gives_the_same_records(
        values in vec((prop::option::of(vec(any::<u8>(), 0..50)), vec(any::<u8>(), 0..50), 0..i64::MAX), 1..10),
        codec in prop::sample::select(CODECS.to_vec()),
    ) {
        let mut builder = BatchBuilder::new(codec);
        for (key, value, time) in &values {
            let (key, value) = (key.as_deref(), Some(&value[..]));
            builder.push(&NewRecord { timestamp: Timestamp(*time), key, value, headers: &[] });
        }
        let batch = builder.build().unwrap();
        let set = down_convert([&batch], MessageFormat::Magic1, Offset(0), LIMIT).unwrap();
        prop_assert_eq!(up_convert(&set, LIMIT).unwrap(), batch);
    }

    #[test]
    fn any_bytes_are_read_as_messages_without_panic(
        mut bytes in vec(any::<u8>(), 17..200),
        magic in 0..2u8,
        size in 0..200i32,
    ) {
        bytes[8..12].copy_from_slice(&size.to_be_bytes());
        bytes[16] = magic;
        let _ = up_convert(&bytes.into(), LIMIT);
    }
}
