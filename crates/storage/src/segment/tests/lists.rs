//! Lists and details: any that may be written come back, and hostile ones keep the rules.

use super::*;
use crate::segment::{
    details::{decode_details, encode_details},
    list::{EntryKind, LIST_EPOCHS_MAX, List, ListEntry, Section},
};

prop_compose! {
    fn any_entry()(
        topic in 0..3_u128,
        number in -2..i32::MAX,
        kind in 0..3_u8,
        start in 0..1_i64 << 62,
        count in 1..1_i64 << 40,
        bytes in any::<u64>(),
        time in any::<i64>(),
        terms in 1..80_i32,
        details_bytes in 16..100_000_u64,
    ) -> ListEntry {
        let kind = [EntryKind::Records, EntryKind::Page, EntryKind::Snapshot][usize::from(kind)];
        let starts = (0..terms).map(|term| {
            EpochStart { epoch: LeaderEpoch(term * 3), start: Offset(start + i64::from(term)) }
        });
        let count = count.max(100);
        let count = if kind == EntryKind::Snapshot { 0 } else { count };
        let offsets = Offset(start)..Offset(start + count);
        let starts: Vec<_> = starts.collect();
        let mut entry =
            ListEntry::records(partition(topic, number), offsets, bytes, Timestamp(time), &starts);
        entry.kind = kind;
        if kind != EntryKind::Records {
            entry.epochs.clear();
        }
        entry.details = 0..details_bytes;
        entry
    }
}

prop_compose! {
    fn any_section()(
        length in 1..100_000_u64,
        name in "[a-c]{0,3}/[a-z0-9]{0,9}",
        key in any::<u32>(),
        salt in any::<[u8; 16]>(),
        level in 1..3_u16,
    ) -> (u64, Section) {
        let (name, level) = (ObjectId::new(name), FormatLevel(level));
        (length, Section { position: 0, name, key: KeyId(key), salt: Salt(salt), level })
    }
}

prop_compose! {
    /// A list, and where it is sealed.
    fn any_list()(
        entries in prop::collection::vec(any_entry(), 0..30),
        sections in prop::collection::vec(any_section(), 0..8),
        sealed_bytes in 16..1_000_u64,
    ) -> (List, std::ops::Range<u64>) {
        let mut frames_end = HEADER_BYTES as u64;
        let sections = sections.into_iter().map(|(length, section)| {
            let section = Section { position: frames_end, ..section };
            frames_end += length;
            section
        });
        let sections = sections.collect();
        let start = frames_end + TRAILER_BYTES as u64;
        let sealed = start..start + sealed_bytes;
        let mut entries = entries;
        entries.sort_by_key(|entry| (entry.partition, entry.kind, entry.offsets.start));
        entries.dedup_by_key(|entry| (entry.partition, entry.kind));
        let mut details_end = sealed.end;
        for entry in &mut entries {
            entry.details = details_end..details_end + entry.details.end;
            details_end = entry.details.end;
        }
        (List { sections, entries, frames_end }, sealed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_list_comes_back((list, sealed) in any_list()) {
        let end = list.entries.last().map_or(sealed.end, |last| last.details.end);
        prop_assert_eq!(List::decode(&list.encode(), &sealed, end), Ok(list.clone()));
        let longest = list.entries.iter().map(ListEntry::encoded_bytes_max).sum::<usize>();
        let entries = List { sections: Vec::new(), ..list.clone() };
        prop_assert!(entries.encode().len() <= longest + 2);
        if !list.entries.is_empty() {
            prop_assert!(List::decode(&list.encode(), &sealed, end - 1).is_err());
        }
    }

    #[test]
    fn bent_lists_are_refused_or_keep_the_rules(
        (list, sealed) in any_list(),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let end = list.entries.last().map_or(sealed.end, |last| last.details.end);
        let mut bytes = list.encode();
        for (at, byte) in bends {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        let Ok(bent) = List::decode(&bytes, &sealed, end) else { return Ok(()) };
        let mut details_end = sealed.end;
        for (index, entry) in bent.entries.iter().enumerate() {
            prop_assert_eq!(entry.details.start, details_end);
            details_end = entry.details.end;
            prop_assert!(entry.epochs.len() <= LIST_EPOCHS_MAX);
            if entry.kind == EntryKind::Records {
                prop_assert_eq!(bent.records_of(entry.partition), Some(index));
            }
            prop_assert!(bent.read_together(index).contains(&index));
        }
        prop_assert!(details_end <= end);
        prop_assert!(bent.sections.iter().all(|section| section.position < list.frames_end));
    }

    #[test]
    fn bent_details_are_refused_or_keep_the_rules(
        content in any_content(),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (bytes, finished) = write(&content, small_frames(FormatLevel::TWO));
        let reader = open_by_tails(&bytes).unwrap();
        let Contents::List(list) = reader.contents() else { panic!("a list") };
        for (index, details) in finished.footer.partitions.iter().enumerate() {
            let mut plain = encode_details(details, list);
            let found = decode_details(&plain, list, index);
            prop_assert_eq!(found.as_ref(), Ok(details));
            for (at, byte) in &bends {
                let at = at.index(plain.len());
                plain[at] ^= byte;
            }
            let Ok(bent) = decode_details(&plain, list, index) else { continue };
            prop_assert!(bent.byte_range().end <= list.frames_end);
            prop_assert_eq!(bent.plaintext_bytes(), list.entries[index].bytes);
            prop_assert!(bent.frames.is_sorted_by(|a, b| a.byte_range().end <= b.position));
        }
    }
}

/// An entry of records of a partition with these leader epochs, an offset each.
fn entry(number: i32, terms: i32) -> ListEntry {
    let epochs: Vec<_> = (0..terms)
        .map(|term| EpochStart { epoch: LeaderEpoch(term), start: Offset(i64::from(term)) })
        .collect();
    let offsets = Offset(0)..Offset(i64::from(terms));
    let mut entry = ListEntry::records(partition(1, number), offsets, 1, Timestamp(0), &epochs);
    entry.details = 200..216;
    entry
}

#[test]
fn an_entry_keeps_the_newest_leader_epochs() {
    let long = entry(0, 1_000);
    assert_eq!(long.epochs.len(), LIST_EPOCHS_MAX);
    assert_eq!(long.epochs.last().unwrap().epoch, LeaderEpoch(999));
    let list = List { sections: Vec::new(), entries: vec![long], frames_end: 136 };
    assert_eq!(List::decode(&list.encode(), &(200..200), 216), Ok(list));
}

#[test]
fn a_partition_has_one_entry_of_records_and_any_number_of_pages() {
    let page = |base| {
        let mut page = entry(0, 1);
        (page.kind, page.offsets) = (EntryKind::Page, Offset(base)..Offset(base + 5));
        page.epochs.clear();
        page
    };
    let list = |entries: [ListEntry; 2]| {
        let mut entries = Vec::from(entries);
        entries[1].details = 216..232;
        List { sections: Vec::new(), entries, frames_end: 136 }
    };
    let decoded = |list: &List| List::decode(&list.encode(), &(200..200), 232);
    let pages = list([page(0), page(5)]);
    assert_eq!(decoded(&pages), Ok(pages.clone()));
    assert_eq!(pages.records_of(partition(1, 0)), None);
    let mut twice = [entry(0, 1), entry(0, 1)];
    twice[1].offsets = Offset(5)..Offset(6);
    twice[1].epochs[0].start = Offset(5);
    assert!(decoded(&list(twice)).unwrap_err().to_string().contains("ascending"));
}

#[test]
fn details_are_read_together_within_a_span() {
    let mut entries: Vec<_> = (0..40).map(|number| entry(number, 1)).collect();
    let mut end = 1_000;
    for (number, entry) in entries.iter_mut().enumerate() {
        entry.details = end..end + if number == 20 { 100_000 } else { 5_000 };
        end = entry.details.end;
    }
    let list = List { sections: Vec::new(), entries, frames_end: 0 };
    assert_eq!(list.read_together(0), 0..14);
    assert_eq!(list.read_together(19), 14..20);
    assert_eq!(list.read_together(20), 20..21, "it is longer than a span");
    assert_eq!(list.read_together(25), 21..34);
    assert_eq!(list.details_range(&(14..20)), 71_000..101_000);
}
