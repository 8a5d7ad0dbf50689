//! Damage to a segment of level 2: what it does not touch stays readable, and nothing else than what
//! was written is ever read.

use super::*;
use crate::segment::{list::List, trailer::Trailer};

/// What a reader that has only the footer's partition number gets of a segment.
fn read(bytes: &[u8], reader: &SegmentReader, list: &List, index: usize) -> Result<(), String> {
    let entry = &list.entries[index];
    let place = entry.details.start as usize..entry.details.end as usize;
    let details = reader.open_details(list, index, &bytes[place]).map_err(|e| e.to_string())?;
    let found = reader.open_frames_of(bytes, &details.frames).map_err(|e| e.to_string())?;
    let content = sample();
    let (partition, wrote) = &content[index];
    assert_eq!(*partition, entry.partition);
    assert_eq!(found.len() as u64, details.plaintext_bytes());
    check_partition(bytes, reader, &details, wrote);
    Ok(())
}

/// Reads all of the damaged `bytes`. Whose details and frames lie outside of `damage` must be read.
fn check_damaged(whole: &[u8], bytes: &[u8], damage: &std::ops::Range<u64>, what: &str) {
    let intact = open_by_tails(whole).unwrap();
    let Contents::List(listed) = intact.contents() else { panic!("a list") };
    let reader = open_by_tails(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let Contents::List(list) = reader.contents() else { panic!("{what}: a list") };
    assert_eq!(list, listed, "{what}: the list is the one that was written");
    for (index, entry) in list.entries.iter().enumerate() {
        let place = entry.details.start as usize..entry.details.end as usize;
        let details = intact.open_details(listed, index, &whole[place]).unwrap();
        let outside =
            |range: std::ops::Range<u64>| range.end <= damage.start || damage.end <= range.start;
        let untouched = outside(entry.details.clone()) && outside(details.byte_range());
        match read(bytes, &reader, list, index) {
            Ok(()) => assert!(untouched, "{what}: damage to entry {index} is noticed"),
            Err(error) => {
                assert!(!untouched, "{what}: entry {index} was not touched: {error}");
                assert!(error.contains("c/seg/1"), "{error}");
            }
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_hides_no_more_than_one_partition() {
    let (bytes, _) = write(&sample(), small_frames(FormatLevel::TWO));
    for position in 0..bytes.len() {
        let mut bent = bytes.to_vec();
        bent[position] ^= 1 << (position % 8);
        let damage = position as u64..position as u64 + 1;
        check_damaged(&bytes, &bent, &damage, &format!("byte {position} of {}", bytes.len()));
    }
}

#[test]
fn a_damaged_block_of_the_disk_never_hides_the_list() {
    // Many batches: the details are longer than a block.
    let many = (0..600).map(|number| {
        (from_producer(9, number, &summary(i64::from(number) * 3, 1, 0, i64::from(number))), vec![])
    });
    let large = [(partition(1, 0), many.collect::<Vec<_>>())].into_iter().collect();
    for content in [Vec::new(), sample(), large] {
        let (bytes, _) = write(&content, small_frames(FormatLevel::TWO));
        let listed = open_by_tails(&bytes).unwrap();
        let Contents::List(listed) = listed.contents() else { panic!("a list") };
        // A segment begins at a block; an adopted file does, too. Any other place is not worse.
        for start in (0..bytes.len()).step_by(64) {
            let mut bent = bytes.to_vec();
            let end = (start + 4096).min(bytes.len());
            bent[start..end].iter_mut().for_each(|byte| *byte ^= 0x55);
            let reader = open_by_tails(&bent).unwrap_or_else(|error| panic!("{start}: {error}"));
            let Contents::List(list) = reader.contents() else { panic!("a list") };
            assert_eq!(list, listed, "{start}");
        }
    }
}

#[test]
fn a_key_that_is_not_known_is_no_reason_to_read_more() {
    let (bytes, _) = write(&sample(), small_frames(FormatLevel::TWO));
    let other = KeyRing::new(DataKey::new(KeyId(2), [7; 32]), vec![]);
    let tail = &bytes[bytes.len() - 4096 - 2 * TRAILER_BYTES..];
    let error = SegmentReader::open_tail(&object(), bytes.len() as u64, tail, &other).unwrap_err();
    let unknown = EncryptionError::UnknownKey(KeyId(1));
    assert!(matches!(error, SegmentError::Encryption { source, .. } if source == unknown));
}

#[test]
fn a_segment_without_an_intact_list_is_an_error_that_names_it() {
    let (bytes, _) = write(&sample(), small_frames(FormatLevel::TWO));
    let trailer = bytes.last_chunk().unwrap();
    let last = (bytes.len() - TRAILER_BYTES) as u64;
    let trailer = Trailer::parse(&object(), last, last, trailer).unwrap();
    let mut bent = bytes.to_vec();
    for list in [trailer.footer.clone(), trailer.second_list(last)] {
        bent[list.start as usize + 7] ^= 1;
    }
    let error = open_by_tails(&bent).unwrap_err();
    assert!(matches!(error, SegmentError::Encryption { .. }), "{error}");
    assert!(error.to_string().contains("c/seg/1"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_read_of_a_damaged_segment_is_what_was_written(
        content in any_content(),
        bends in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (bytes, _) = write(&content, small_frames(FormatLevel::TWO));
        let mut bent = bytes.to_vec();
        for (at, byte) in bends {
            let at = at.index(bent.len());
            bent[at] ^= byte;
        }
        bent.truncate(cut.map_or(bytes.len(), |cut| 1 + cut.index(bytes.len())));
        let Ok(reader) = open_by_tails(&bent) else { return Ok(()) };
        let Contents::List(list) = reader.contents() else { panic!("a list") };
        prop_assert_eq!(list.entries.len(), content.len());
        for (index, (partition, wrote)) in content.iter().enumerate() {
            let entry = &list.entries[index];
            prop_assert_eq!(entry.partition, *partition);
            let place = entry.details.start as usize..entry.details.end as usize;
            let Ok(details) = reader.open_details(list, index, &bent[place]) else { continue };
            if reader.open_frames_of(&bent, &details.frames).is_ok() {
                check_partition(&bent, &reader, &details, wrote);
            }
        }
    }

    #[test]
    fn a_trailer_that_points_anywhere_is_refused(
        position in prop_oneof![any::<u64>(), 0..20_000_u64],
        footer_bytes in prop_oneof![any::<u32>(), 0..70_000_u32],
        level in 0..3_u16,
        tail_bytes in prop_oneof![TRAILER_BYTES..200, 60_000..80_000_usize],
        more in prop_oneof![Just(0), any::<u64>()],
        copy in any::<prop::sample::Index>(),
    ) {
        let mut trailer = [0; TRAILER_BYTES];
        trailer[..8].copy_from_slice(&position.to_be_bytes());
        trailer[8..12].copy_from_slice(&footer_bytes.to_be_bytes());
        trailer[16..20].copy_from_slice(&1_u32.to_be_bytes());
        trailer[48..50].copy_from_slice(&level.to_be_bytes());
        let crc = crc32c::crc32c(&trailer[..52]);
        trailer[52..56].copy_from_slice(&crc.to_be_bytes());
        trailer[56..].copy_from_slice(&MAGIC);
        let mut tail = vec![0; tail_bytes];
        let end = tail_bytes - TRAILER_BYTES;
        tail[end..].copy_from_slice(&trailer);
        let segment_bytes = more.saturating_add(tail_bytes as u64);
        for damaged in [false, true] {
            match SegmentReader::open_tail(&object(), segment_bytes, &tail, &keys()) {
                Ok(TailOutcome::Opened(_)) => panic!("nothing is sealed"),
                Ok(TailOutcome::NeedsMore(bytes)) => {
                    prop_assert!(bytes > tail_bytes as u64 && bytes <= segment_bytes);
                }
                Err(error) => prop_assert!(error.to_string().contains("c/seg/1")),
            }
            if !damaged {
                tail[end] ^= 1;
                let blocks = end / 4096;
                let start = end.saturating_sub(4096 * copy.index(blocks + 1) + TRAILER_BYTES);
                tail[start..start + TRAILER_BYTES].copy_from_slice(&trailer);
            }
        }
    }
}
