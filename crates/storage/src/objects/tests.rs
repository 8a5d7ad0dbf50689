//! The directory store.

use object_store::memory::InMemory;

use super::{conformance, directory::DirectoryStore, disk_objects::DiskObjects, store::*};
use crate::{
    disk::{MemoryDisk, buffer::WriteBuffer},
    objects::object_id::ObjectId,
};
use bytes::Bytes;
use std::sync::Arc;

#[tokio::test]
async fn a_directory_conforms() {
    let dir = tempfile::tempdir().unwrap();
    conformance::run(&Objects::in_directory(&dir.path().join("made/when/absent")).unwrap()).await;
}

#[tokio::test]
async fn a_directory_conforms_with_faults() {
    let dir = tempfile::tempdir().unwrap();
    conformance::run_with_faults(Arc::new(DirectoryStore::new(dir.path()).unwrap())).await;
}

#[tokio::test]
async fn memory_conforms_with_faults() {
    conformance::run_with_faults(Arc::new(InMemory::new())).await;
}

#[tokio::test]
async fn a_simulated_disk_conforms() {
    let objects = DiskObjects::new(MemoryDisk::default().process(), "/objects", 1);
    conformance::run(&Objects::new(Arc::new(objects))).await;
}

#[tokio::test]
async fn an_object_whose_put_returned_is_there_after_a_power_cut() {
    for seed in 0..16 {
        let disk = MemoryDisk::default();
        let object = ObjectId::new("a/b");
        let on = |life| Objects::new(Arc::new(DiskObjects::new(disk.process(), "/objects", life)));
        on(1).put(&object, Bytes::from_static(b"bytes")).await.unwrap();
        disk.crash(seed);
        assert_eq!(on(2).range(&object, 0..5).await.unwrap(), &b"bytes"[..]);
    }
}

#[tokio::test]
async fn a_put_leaves_no_other_file_behind() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::in_directory(dir.path()).unwrap();
    objects.put(&ObjectId::new("a/b"), Bytes::from_static(b"bytes")).await.unwrap();
    let names: Vec<_> =
        std::fs::read_dir(dir.path().join("a")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["b"]);
}

#[tokio::test]
async fn large_objects_come_back_byte_for_byte_wherever_they_are_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::in_directory(dir.path()).unwrap();
    let lengths = [65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 3_333_333, 4 << 20];
    for (number, length) in lengths.into_iter().enumerate() {
        for skip in [0, 1] {
            let mut buffer = WriteBuffer::default();
            buffer.extend(&vec![0; skip]);
            buffer.extend(&(0..length).map(|i| (i % 251) as u8).collect::<Vec<_>>());
            let bytes = buffer.into_bytes().slice(skip..);
            let object = ObjectId::new(format!("a/{number}/{skip}"));
            objects.put(&object, bytes.clone()).await.unwrap();
            objects.put(&object, bytes.clone()).await.unwrap();
            let end = length as u64;
            for range in [0..end, 1..end, 4096..end, 5000..5001, end / 3..end - 1, end - 1..end] {
                let read = objects.range(&object, range.clone()).await.unwrap();
                assert_eq!(
                    read,
                    bytes[range.start as usize..range.end as usize],
                    "{range:?} of {object}"
                );
            }
            assert!(objects.range(&object, end - 1..end + 100_000).await.is_err(), "past the end");
        }
    }
    let missing = objects.range(&ObjectId::new("no/such"), 0..100_000).await;
    assert!(matches!(missing, Err(ObjectError::NotFound { .. })));
}

#[test]
fn unfinished_files_of_a_killed_process_are_removed_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let segments = dir.path().join("incarnation/segments/1/7");
    std::fs::create_dir_all(&segments).unwrap();
    for name in ["0", "1#4.1.1763800000000000000", "2#1"] {
        std::fs::write(segments.join(name), "bytes").unwrap();
    }
    DirectoryStore::new(dir.path()).unwrap();
    let mut left: Vec<_> =
        std::fs::read_dir(&segments).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["0", "2#1"], "what the ordinary store may be writing stays");
}
