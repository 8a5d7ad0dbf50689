//! Entry points for fuzzing with bytes from the disk, the object store and the metadata store;
//! tests replay its corpus (`fuzz/corpus`). No input panics, and accepted input keeps the format's
//! rules.

use std::path::Path;

use crate::{
    catalog,
    disk::{
        file_system::{BLOCK_BYTES, write_all_at},
        memory::MemoryDisk,
    },
    encryption::{DataKey, KeyId, KeyRing},
    log::{
        backend::LogError,
        local::{
            directory::{LogConfig, LogDirectory},
            frame::reseal,
        },
    },
    objects::object_id::ObjectId,
    partition::producers::state::Producers,
    segment::{footer::Footer, reader::SegmentReader},
};

/// Where the frames of the imagined segment end. Fixed, so that inputs can reach a footer that
/// fits.
const FRAMES_END: u64 = 32 + 2 * (100 + 16);

/// An object of the store: read as a segment and as a footer's plaintext.
///
/// # Panics
/// Where the crate breaks one of its promises.
pub fn segment(data: &[u8]) {
    let keys = KeyRing::new(DataKey::new(KeyId(0), [0; 32]), Vec::new());
    let _ = SegmentReader::open_whole(&ObjectId::new("fuzz"), data, &keys);
    let _ = SegmentReader::open_tail(&ObjectId::new("fuzz"), 1 << 20, data, &keys);

    let Ok(footer) = Footer::decode(data, FRAMES_END) else { return };
    assert!(footer.partitions.is_sorted_by(|a, b| a.partition < b.partition));
    for entry in &footer.partitions {
        assert!(!entry.offsets.is_empty() && entry.byte_range().end <= FRAMES_END);
        assert!(entry.frames.windows(2).all(|pair| pair[0].byte_range().end == pair[1].position));
        assert!(entry.batches.windows(2).all(|pair| pair[0].end_offset() <= pair[1].base_offset));
        assert_eq!(entry.frame_of(entry.offsets.start), Some(0));
        assert_eq!(footer.partition(entry.partition), Some(entry));
    }
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
