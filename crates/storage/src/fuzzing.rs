//! Entry points for fuzzing with bytes from the disk, the object store and the metadata store;
//! tests replay its corpus (`fuzz/corpus`). No input panics, and accepted input keeps the format's
//! rules.

use std::{ops::Range, path::Path};

use milena_types::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId, TopicPartition};

use crate::{
    catalog,
    disk::{
        file_system::{BLOCK_BYTES, write_all_at},
        memory::MemoryDisk,
    },
    encryption::{DataKey, KeyId, KeyRing, Salt},
    format_level::FormatLevel,
    log::{
        backend::LogError,
        local::{
            directory::{LogConfig, LogDirectory},
            frame::reseal,
        },
    },
    objects::object_id::ObjectId,
    partition::producers::state::Producers,
    segment::{
        details::{decode_details, encode_details},
        footer::{EpochStart, Footer, FrameEntry},
        list::{EntryKind, List, ListEntry, Section},
        reader::SegmentReader,
    },
};

/// Where the frames of the imagined segment end. Fixed, so that inputs can reach a footer that
/// fits.
const FRAMES_END: u64 = 32 + 2 * (100 + 16);

/// Where its first sealed list is, and where its details end at the latest.
const SEALED_LIST: Range<u64> = FRAMES_END + 64..FRAMES_END + 64 + 200;
const DETAILS_MAX: u64 = 10_000;

/// An object of the store: read as a segment, and as the plaintext of a footer, of a list, and of
/// the details of an entry.
///
/// # Panics
/// Where the crate breaks one of its promises.
pub fn segment(data: &[u8]) {
    let keys = KeyRing::new(DataKey::new(KeyId(0), [0; 32]), Vec::new());
    let _ = SegmentReader::open_whole(&ObjectId::new("fuzz"), data, &keys);
    let _ = SegmentReader::open_tail(&ObjectId::new("fuzz"), 1 << 20, data, &keys);
    if let Ok(footer) = Footer::decode(data, FRAMES_END) {
        check_footer(&footer, FRAMES_END);
    }
    if let Ok(list) = List::decode(data, &SEALED_LIST, DETAILS_MAX) {
        check_list(&list);
    }
    // Entries for details to belong to: without records before it, and in a section of its own.
    let mut entry = ListEntry::records(
        TopicPartition { topic: TopicId::ZERO, partition: PartitionIndex(0) },
        Offset(0)..Offset(100),
        100,
        Timestamp(0),
        &[EpochStart { epoch: LeaderEpoch(0), start: Offset(0) }],
    );
    entry.details = SEALED_LIST.end..DETAILS_MAX;
    let section = Section {
        position: 100,
        name: ObjectId::new("fuzz/chunk"),
        key: KeyId(0),
        salt: Salt([0; 16]),
        level: FormatLevel::ONE,
    };
    let list = List { sections: vec![section], entries: vec![entry], frames_end: FRAMES_END };
    if let Ok(details) = decode_details(data, &list, 0) {
        check_footer(&Footer { partitions: vec![details.clone()] }, FRAMES_END);
        assert_eq!(decode_details(&encode_details(&details, &list), &list, 0), Ok(details));
    }
}

fn check_footer(footer: &Footer, frames_end: u64) {
    assert!(footer.partitions.is_sorted_by(|a, b| a.partition < b.partition));
    for entry in &footer.partitions {
        assert!(!entry.offsets.is_empty() && entry.byte_range().end <= frames_end);
        assert!(entry.frames.is_sorted_by(|a, b| a.byte_range().end <= b.position));
        let in_section = entry.frames.chunk_by(|a, b| a.section == b.section);
        let adjacent = |a: &FrameEntry, b: &FrameEntry| a.byte_range().end == b.position;
        assert!(in_section.clone().all(|frames| frames.is_sorted_by(adjacent)));
        assert!(entry.batches.windows(2).all(|pair| pair[0].end_offset() <= pair[1].base_offset));
        assert_eq!(entry.frame_of(entry.offsets.start), Some(0));
        assert_eq!(footer.partition(entry.partition), Some(entry));
    }
}

fn check_list(list: &List) {
    assert!(list.sections.is_sorted_by(|a, b| a.position < b.position));
    let mut details_end = SEALED_LIST.end;
    for (index, entry) in list.entries.iter().enumerate() {
        assert_eq!(entry.details.start, details_end);
        details_end = entry.details.end;
        if entry.kind == EntryKind::Records {
            assert_eq!(list.records_of(entry.partition), Some(index));
        }
        let together = list.read_together(index);
        assert!(together.contains(&index));
        assert!(together.clone().all(|other| list.read_together(other) == together));
    }
    assert!(details_end <= DETAILS_MAX);
    let again = List::decode(&list.encode(), &SEALED_LIST, DETAILS_MAX);
    assert_eq!(again.as_ref(), Ok(list));
}

/// Two files of a write-ahead directory (the second one only where the input is longer than what
/// fits into blocks of the first), and its FORMAT. Frames get right checksums, so that what is
/// behind them is reached, but for inputs that begin with an odd byte.
///
/// # Panics
/// Where the crate breaks one of its promises.
pub fn write_ahead_log(data: &[u8]) {
    let Some((mode, data)) = data.split_first() else { return };
    let disk = MemoryDisk::default();
    let dir = Path::new("/wal");
    let mut frames = data.to_vec();
    if mode % 2 == 0 {
        reseal(&mut frames);
    }
    let process = disk.process();
    process.create_dir_all(dir).expect("a directory in memory");
    let half =
        if mode % 4 < 2 { frames.len() } else { frames.len() / 2 / BLOCK_BYTES * BLOCK_BYTES };
    for (name, bytes) in
        [("0000000000000000.wal", &frames[..half]), ("0000000000000001.wal", &frames[half..])]
    {
        let file = process.create(&dir.join(name), bytes.len() as u64).expect("a file in memory");
        write_all_at(&*file, bytes, 0).expect("space in memory");
    }
    let config =
        LogConfig { file_bytes: 64 << 10, chunk_bytes_max: 20 << 10, ..LogConfig::new(dir) };
    match LogDirectory::open(config, process) {
        Ok(directory) => {
            for held in directory.held() {
                for seq in held.chunks.start.0..held.chunks.end.0 {
                    directory
                        .read(held.epoch, milena_types::ChunkSeq(seq))
                        .expect("a chunk that was found is read");
                }
            }
        }
        Err(LogError::Damaged { path, .. }) => assert!(path.starts_with(dir)),
        Err(error) => panic!("an error other than damage: {error}"),
    }
}

/// A record of the catalog (the first byte selects its kind), or a snapshot of producers.
///
/// # Panics
/// Where the crate breaks one of its promises.
pub fn catalog_records(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    if let Ok(producers) = Producers::from_snapshot(data) {
        let again =
            Producers::from_snapshot(&producers.snapshot()).expect("what was written can be read");
        assert_eq!(again.snapshot().len(), producers.snapshot().len());
    }
    catalog::storage_catalog::check_record(*kind, data);
}

#[cfg(test)]
mod tests {
    fn replay(name: &str, check: fn(&[u8])) {
        let corpus =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let mut entries = std::fs::read_dir(corpus).unwrap().peekable();
        assert!(entries.peek().is_some(), "there is a corpus");
        entries.for_each(|entry| check(&std::fs::read(entry.unwrap().path()).unwrap()));
    }

    #[test]
    fn segments_that_the_fuzzer_found_are_still_refused_or_read() {
        replay("segment", super::segment);
    }

    #[test]
    fn write_ahead_files_that_the_fuzzer_found_are_still_reported_or_read() {
        replay("wal", super::write_ahead_log);
    }

    #[test]
    fn catalog_records_that_the_fuzzer_found_are_still_refused_or_read() {
        replay("catalog", super::catalog_records);
    }
}
