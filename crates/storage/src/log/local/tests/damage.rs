//! Torn, cut, lost and damaged files.

use std::path::Path;

use milena_types::{BrokerEpoch, ChunkSeq};

use super::*;
use crate::log::local::frame::{HEADER_BYTES, frame_bytes};
use crate::{disk::file_system::write_all_at, log::backend::LogError};

/// Opens the directory and reads every chunk in it.
fn read_back(disk: &MemoryDisk) -> Result<(), LogError> {
    let directory = open(&disk.fork())?;
    for held in directory.held() {
        for seq in held.chunks.start.0..held.chunks.end.0 {
            directory.read(held.epoch, ChunkSeq(seq))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_is_cut_at_the_last_whole_frame() {
    let disk = disk_with(&[&[1; 5000], &[2; 3000], &[3; 700]]).await;
    let (file, start) = (&wal_files(&disk)[0], frame_bytes(5000) + frame_bytes(3000));
    let last = start as usize..start as usize + HEADER_BYTES + 700;
    for cut in last.clone() {
        for rest in [0, 0xaa] {
            let torn = disk.fork();
            torn.edit(file, |bytes| bytes[cut..last.end].fill(rest));
            let whole = torn.edit(file, |bytes| {
                bytes[last.clone()] == disk.edit(file, |b| b.clone())[last.clone()]
            });
            let end = if whole { 3 } else { 2 };
            assert_eq!(held(&torn).unwrap(), [(1, 0, end)], "cut at {cut}, then {rest}");
        }
    }
}

#[tokio::test]
async fn after_a_torn_tail_the_log_starts_a_new_epoch() {
    let disk = disk_with(&[b"kept", b"torn"]).await;
    disk.edit(&wal_files(&disk)[0], |bytes| bytes[frame_bytes(4) as usize + HEADER_BYTES] ^= 1);
    let (source, log) = start(&disk, 2);
    commit(&source, &log, b"new").await;
    drop((source, log));
    assert_eq!(held(&disk).unwrap(), [(1, 0, 1), (2, 0, 1)]);
}

/// A start that is cut short while it writes the newest chunk again leaves a torn copy behind the
/// whole one.
#[tokio::test]
async fn a_chunk_that_is_torn_where_it_was_written_again_is_where_it_is_whole() {
    let disk = disk_with(&[b"one", b"two"]).await;
    drop(start(&disk, 2));
    disk.kill();
    drop(start(&disk, 3));
    let copies: Vec<PathBuf> = wal_files(&disk)
        .into_iter()
        .filter(|file| disk.edit(file, |bytes| bytes[..4] == *b"MWAL"))
        .collect();
    assert_eq!(copies.len(), 3, "{copies:?}");
    let places = [frame_bytes(3) as usize, 0, 0];
    for torn in 0..8_u32 {
        let bent = disk.fork();
        for (copy, start) in copies.iter().zip(places) {
            let index = copies.iter().position(|other| other == copy).unwrap();
            if torn & (1 << index) > 0 {
                bent.edit(copy, |bytes| bytes[start + HEADER_BYTES + 1] ^= 1);
            }
        }
        let end = if torn == 7 { 1 } else { 2 };
        assert_eq!(held(&bent).unwrap(), [(1, 0, end)], "torn: {torn:b}");
        read_back(&bent).unwrap();
        // What the next epoch begins with decides it as the end does.
        let (source, log) = start(&bent, 4);
        commit(&source, &log, b"new").await;
        drop((source, log));
        assert_eq!(held(&bent).unwrap(), [(1, 0, end), (4, 0, 1)], "torn: {torn:b}");
        read_back(&bent).unwrap();
    }
}

/// A torn chunk stays in its file behind the chunk that the next start writes again.
#[tokio::test]
async fn behind_a_torn_chunk_the_one_before_it_may_be_written_again_and_again() {
    let disk = MemoryDisk::default();
    let (source, log) = start(&disk, 1);
    // Three fill a file.
    let chunk = [7; 19 << 10];
    for _ in 0..4 {
        commit(&source, &log, &chunk).await;
    }
    drop((source, log));
    disk.kill();
    let last = wal_files(&disk)
        .into_iter()
        .rfind(|file| disk.edit(file, |bytes| bytes[..4] == *b"MWAL"))
        .unwrap();
    disk.edit(&last, |bytes| bytes[HEADER_BYTES + 1] ^= 1);
    for epoch in 2..5 {
        assert_eq!(held(&disk).unwrap(), [(1, 0, 3)], "epoch {epoch}");
        drop(start(&disk, epoch));
        disk.kill();
    }
    let (source, log) = start(&disk, 5);
    commit(&source, &log, b"new").await;
    disk.kill();
    drop((source, log));
    assert_eq!(held(&disk).unwrap(), [(1, 0, 3), (5, 0, 1)]);
    read_back(&disk).unwrap();
    // The newest place of what was written again may be torn, too.
    let copies: Vec<PathBuf> = wal_files(&disk)
        .into_iter()
        .filter(|file| disk.edit(file, |bytes| bytes[..4] == *b"MWAL"))
        .collect();
    let torn = disk.fork();
    torn.process().remove(copies.last().unwrap()).unwrap();
    let newest = &copies[copies.len() - 2];
    torn.edit(newest, |bytes| bytes[HEADER_BYTES + 1] ^= 1);
    assert_eq!(held(&torn).unwrap(), [(1, 0, 3)]);
    read_back(&torn).unwrap();
}

#[tokio::test]
async fn a_bit_flipped_before_the_tail_is_reported_with_file_and_position() {
    let disk = disk_with(&[&[1; 100], &[2; 5000], &[3; 100]]).await;
    let file = &wal_files(&disk)[0];
    let starts = [0, frame_bytes(100), frame_bytes(100) + frame_bytes(5000)];
    for (i, length) in [100, 5000].into_iter().enumerate() {
        let start = starts[i];
        for byte in 0..HEADER_BYTES + length {
            let bent = disk.fork();
            bent.edit(file, |bytes| bytes[start as usize + byte] ^= 0x10);
            match read_back(&bent) {
                Err(LogError::Damaged { path, position, .. }) => {
                    assert_eq!((&path, position), (file, start));
                }
                other => panic!("byte {byte} of frame {i}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn damage_at_the_end_of_a_file_that_another_follows_is_reported() {
    // Three chunks fill a file of 64 KiB; the fourth starts the next.
    let chunk = [7; 19 << 10];
    let disk = disk_with(&[&chunk, &chunk, &chunk, &chunk]).await;
    let files = wal_files(&disk);
    let third = 2 * frame_bytes(chunk.len());
    disk.edit(&files[0], |bytes| bytes[third as usize + HEADER_BYTES] ^= 1);
    match read_back(&disk) {
        Err(LogError::Damaged { path, position, .. }) => {
            assert_eq!((path, position), (files[0].clone(), third));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_cut_within_a_frame_is_reported() {
    let disk = disk_with(&[&[1; 100], &[2; 5000]]).await;
    let file = &wal_files(&disk)[0];
    let second = frame_bytes(100);
    for bytes_left in
        [10, HEADER_BYTES as u64 + 10, second + 1, second + 70, second + frame_bytes(5000) - 1]
    {
        let cut = disk.fork();
        cut.edit(file, |bytes| bytes.truncate(bytes_left as usize));
        match held(&cut) {
            Err(LogError::Damaged { path, position, .. }) => {
                assert_eq!((&path, position), (file, if bytes_left < second { 0 } else { second }));
            }
            other => panic!("cut to {bytes_left} bytes: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_lost_file_in_the_middle_is_reported() {
    let chunk = [7; 19 << 10];
    let chunks: Vec<&[u8]> = vec![&chunk; 9];
    let disk = disk_with(&chunks).await;
    assert_eq!(held(&disk).unwrap(), [(1, 0, 9)]);
    disk.process().remove(&wal_files(&disk)[1]).unwrap();
    assert!(matches!(held(&disk), Err(LogError::Damaged { .. })));
}

#[tokio::test]
async fn a_newer_format_is_refused_and_an_unknown_one_reported() {
    let disk = disk_with(&[b"one"]).await;
    let set_format = |text: &str| {
        let path = Path::new(DIR).join("FORMAT");
        disk.process().remove(&path).unwrap();
        let file = disk.process().create(&path, text.len() as u64).unwrap();
        write_all_at(&*file, text.as_bytes(), 0).unwrap();
    };
    set_format("milena write-ahead log, format 2\n");
    let error = open(&disk).unwrap_err();
    assert!(matches!(error, LogError::NewerFormat { found: 2, newest: 1, .. }));
    assert!(error.to_string().ends_with("upgrade milena"), "{error}");
    set_format("something else");
    assert!(matches!(open(&disk), Err(LogError::Damaged { .. })));
}

#[tokio::test]
async fn a_chunk_damaged_after_it_was_found_is_reported_when_read() {
    let disk = disk_with(&[b"one", b"two"]).await;
    let directory = open(&disk).unwrap();
    disk.edit(&wal_files(&disk)[0], |bytes| bytes[HEADER_BYTES] ^= 1);
    match directory.read(BrokerEpoch(1), ChunkSeq(0)) {
        Err(LogError::Damaged { position, .. }) => assert_eq!(position, 0),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        directory.read(BrokerEpoch(1), ChunkSeq(1)).unwrap(),
        &b"two"[..],
        "nothing else is affected"
    );
}

#[tokio::test]
async fn hostile_files_are_reported_or_cut() {
    let disk = disk_with(&[&[1; 100], &[2; 100]]).await;
    let file = wal_files(&disk)[0].clone();
    let stranger = disk.fork();
    stranger.edit(&file, |bytes| *bytes = vec![0; 10]);
    assert_eq!(held(&stranger).unwrap(), [], "a file whose making was cut short");
    stranger.edit(&file, Vec::clear);
    assert_eq!(held(&stranger).unwrap(), []);
    stranger.process().rename(&file, &Path::new(DIR).join("ffffffffffffffff.wal")).unwrap();
    stranger.process().create(&Path::new(DIR).join("notes.txt"), 10).unwrap();
    assert_eq!(held(&stranger).unwrap(), []);
}
