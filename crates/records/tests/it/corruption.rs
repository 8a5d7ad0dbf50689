//! Damage is found, and never panics.

use bytes::Bytes;
use milena_records::{Batch, BatchError, Compression, HEADER_LEN, RecordRules, split};
use proptest::prelude::*;

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

fn with_payload(batch: &Batch, payload: &[u8]) -> Batch {
    let mut bytes = batch.bytes()[..HEADER_LEN].to_vec();
    bytes.extend_from_slice(payload);
    let length = i32::try_from(bytes.len() - 12).unwrap();
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    Batch::parse(&Bytes::from(bytes)).unwrap()
}

proptest! {
    /// As if the checksum had been made to match, which an attacker can.
    #[test]
    fn damaged_records_end_in_an_error_or_in_records(
        codec in prop::sample::select(Compression::ALL.to_vec()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        len in any::<prop::sample::Index>(),
        cut: bool,
    ) {
        let batch = batch_of(5, codec);
        let mut payload = batch.payload().to_vec();
        for (place, byte) in damage {
            *place.get_mut(&mut payload) = byte;
        }
        if cut {
            payload.truncate(len.index(payload.len()));
        }
        let batch = with_payload(&batch, &payload);
        let _ = batch.check_records(&RecordRules { key_required: true, timestamps: Some(0..=5) }, 1 << 16);
    }
}
