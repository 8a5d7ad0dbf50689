//! Damage is found, and never panics.

use milena_records::{Batch, BatchError, Compression, split};

use crate::{LIMIT, batch_of};

/// Base offset and leader epoch are outside the checksum, so that the broker can write them.
fn is_covered(place: usize) -> bool {
    !(0..8).contains(&place) && !(12..16).contains(&place)
}

#[test]
fn every_flipped_bit_is_found() {
    for codec in Compression::ALL {
        let batch = batch_of(3, codec);
        for place in 0..batch.size() {
            for bit in 0..8 {
                let mut bytes = batch.bytes().to_vec();
                bytes[place] ^= 1 << bit;
                let found = split(bytes.into()).try_for_each(|b| b?.verify_crc()).is_err();
                assert_eq!(found, is_covered(place), "{codec}: bit {bit} of byte {place}");
            }
        }
    }
}

#[test]
fn every_cut_is_found() {
    let batch = batch_of(3, Compression::None);
    for len in 1..batch.size() {
        let cut = split(batch.bytes().slice(..len)).next().unwrap();
        assert!(matches!(cut, Err(BatchError::Truncated { .. })), "{len}: {cut:?}");
    }
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    for length in [0, 48, -1, i32::MIN] {
        let mut bytes = batch_of(1, Compression::None).bytes().to_vec();
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        assert_eq!(Batch::parse(&bytes.into()), Err(BatchError::Length { length }));
    }
    let mut bytes = batch_of(1, Compression::None).bytes().to_vec();
    bytes[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
    assert!(matches!(Batch::parse(&bytes.into()), Err(BatchError::Truncated { .. })));
}

#[test]
fn other_formats_are_told_apart() {
    for magic in [0, 1, 3, -1] {
        let mut bytes = batch_of(1, Compression::None).bytes().to_vec();
        bytes[16] = i8::to_be_bytes(magic)[0];
        assert_eq!(Batch::parse(&bytes.into()), Err(BatchError::Magic { magic }));
    }
}

#[test]
fn a_record_count_that_the_records_do_not_match_is_refused() {
    let batch = batch_of(3, Compression::None);
    for count in [0, 1, 2, 4, i32::MAX] {
        let mut header = *batch.header();
        header.record_count = count;
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(&batch.payload());
        let read = Batch::parse(&bytes.into())
            .unwrap()
            .records(LIMIT)
            .unwrap()
            .iter()
            .find_map(Result::err);
        assert!(matches!(read, Some(BatchError::Record { .. })), "{count}: {read:?}");
    }
}
