//! Segments with several sections, as adopted log files have them, and objects of the catalog.

use std::sync::Arc;

use milena_runtime::Runtime;
use object_store::memory::InMemory;

use super::*;
use crate::{
    cache::{block_cache::BlockCache, object_cache::ObjectCache},
    objects::store::Objects,
    segment::{
        block_error::BlockError,
        blocks::Segments,
        details::encode_details,
        list::{EntryKind, List, ListEntry, Section},
        list_writer::ListSeal,
    },
};

/// What stands before each chunk in a log's file.
const FRAME_HEADER_BYTES: usize = 64;

fn segments(object: &ObjectId, bytes: Bytes, keys: KeyRing) -> Segments {
    let objects = Objects::new(Arc::new(InMemory::new()));
    futures_util::future::FutureExt::now_or_never(objects.put(object, bytes)).unwrap().unwrap();
    let cluster = "c".parse().unwrap();
    let cache = ObjectCache::new(cluster, BlockCache::new(4 << 20), Runtime::system());
    Segments::new(objects, keys, cache)
}

/// A file of a log with these chunks, each under its own name and salt and in turn under one of two
/// keys, as an object. A list says where the records of each partition are.
fn adopted(chunks: &[Content], keys: [&DataKey; 2]) -> Bytes {
    let mut out = WriteBuffer::default();
    let (mut sections, mut footers) = (Vec::new(), Vec::<PartitionFooter>::new());
    for (seq, content) in chunks.iter().enumerate() {
        let (key, name) = (keys[seq % 2], ObjectId::new(format!("c/wal/1/0/7/{seq}")));
        out.grow(FRAME_HEADER_BYTES).fill(0x77);
        let (position, salt) = (out.len() as u64, Salt([seq as u8; 16]));
        let options = small_frames(FormatLevel::ONE);
        let mut writer = SegmentWriter::new(&mut out, &name, key, salt, options);
        for (partition, batches) in content {
            for (summary, payload) in batches {
                writer.append(*partition, summary, None, &batch(payload));
            }
        }
        let finished = writer.finish();
        out.pad_to(4096);
        let level = FormatLevel::ONE;
        sections.push(Section { position, name, key: key.id(), salt, level });
        for mut part in finished.footer.partitions {
            for frame in &mut part.frames {
                frame.section = sections.len() as u16;
                frame.position += position;
            }
            match footers.iter_mut().find(|known| known.partition == part.partition) {
                None => footers.push(part),
                Some(known) => {
                    known.offsets.end = part.offsets.end;
                    known.frames.extend(part.frames);
                    known.batches.extend(part.batches);
                    let last = known.epochs.last().unwrap().epoch;
                    known.epochs.extend(part.epochs.into_iter().filter(|next| next.epoch > last));
                }
            }
        }
    }
    footers.sort_by_key(|footer| footer.partition);
    let entries = footers.iter().map(|footer| {
        let (bytes, time) = (footer.plaintext_bytes(), footer.max_timestamp());
        ListEntry::records(footer.partition, footer.offsets.clone(), bytes, time, &footer.epochs)
    });
    let mut list = List { entries: entries.collect(), sections, frames_end: out.len() as u64 };
    let details: Vec<_> = footers.iter().map(|footer| encode_details(footer, &list)).collect();
    write_list(&mut list, &details, &mut out);
    out.into_bytes()
}

fn write_list(list: &mut List, details: &[Vec<u8>], out: &mut WriteBuffer) {
    let cipher = key().object_cipher(&object(), SALT, FormatLevel::TWO);
    let seal = ListSeal { cipher: &cipher, key: key().id(), salt: SALT, frames: 0 };
    let object_bytes = seal.write(list, details, out);
    assert_eq!(object_bytes, out.len() as u64);
}

/// All batches of a partition, read block by block; those that are cut off by an error are missing.
async fn read(
    segments: &Segments,
    partition: TopicPartition,
) -> Result<Vec<(Offset, Vec<u8>)>, BlockError> {
    let part = segments.open(partition, object().as_str(), Offset(0)).await?;
    let (mut found, mut frame) = (Vec::new(), Some(0));
    while let Some(index) = frame {
        let block = segments.block(&part, index).await?;
        let mut rest = &block[..];
        while let Ok(header) = BatchHeader::parse(rest) {
            found.push((header.base_offset, rest[61..header.size()].to_vec()));
            rest = &rest[header.size()..];
        }
        frame = part.after_block(index);
    }
    Ok(found)
}

fn log() -> Vec<Content> {
    let chunk = |number: i64| -> Content {
        let batches = |of: i32, count: i64| -> Vec<(BatchSummary, Vec<u8>)> {
            let offsets = (0..count).map(|at| 2 * (number * count + at));
            let batches = offsets.map(|offset| {
                let summary = summary(offset, 1, number as i32, 10 * offset);
                let payload = vec![number as u8 ^ (of as u8) << 4; 300];
                (from_producer(5, offset as i32, &summary), payload)
            });
            batches.collect()
        };
        let mut content: Content = vec![(partition(1, 1), batches(1, 7))];
        if number % 3 != 1 {
            content.push((partition(1, 2), batches(2, 1)));
        }
        content
    };
    (0..5).map(chunk).collect()
}

fn records_of(chunks: &[Content], wanted: TopicPartition) -> Vec<(Offset, Vec<u8>)> {
    let parts = chunks.iter().flatten().filter(|(partition, _)| *partition == wanted);
    let batches = parts.flat_map(|(_, batches)| batches);
    batches.map(|(summary, payload)| (summary.base_offset, payload.clone())).collect()
}

#[tokio::test]
async fn the_records_of_an_adopted_log_come_back_from_all_its_sections() {
    let (chunks, other) = (log(), DataKey::new(KeyId(2), [8; 32]));
    let bytes = adopted(&chunks, [&key(), &other]);
    let segments = segments(&object(), bytes, KeyRing::new(other, vec![key()]));
    for wanted in [partition(1, 1), partition(1, 2)] {
        assert_eq!(read(&segments, wanted).await.unwrap(), records_of(&chunks, wanted));
    }
    let part = segments.open(partition(1, 1), object().as_str(), Offset(0)).await.unwrap();
    let footer = part.footer();
    assert_eq!((footer.epochs.len(), footer.batches.len()), (5, 35));
    let first_frames = footer.frames.iter().filter(|frame| frame.index == 0);
    assert_eq!(first_frames.count(), 5, "each section has a frame 0 of it");
}

#[tokio::test]
async fn a_section_under_an_unknown_key_hides_no_other() {
    let (chunks, other) = (log(), DataKey::new(KeyId(2), [8; 32]));
    let bytes = adopted(&chunks, [&key(), &other]);
    let segments = segments(&object(), bytes, keys());
    let part = segments.open(partition(1, 1), object().as_str(), Offset(0)).await.unwrap();
    for (index, frame) in part.footer().frames.iter().enumerate() {
        let block = segments.block(&part, index).await;
        assert_eq!(block.is_ok(), frame.section % 2 == 1, "section {}", frame.section);
    }
}

#[tokio::test]
async fn an_object_of_the_catalog_has_pages_and_snapshots_and_no_records() {
    let entry = |number: i32, kind, offsets| {
        let mut entry = ListEntry::records(partition(1, number), offsets, 0, Timestamp(0), &[]);
        entry.kind = kind;
        entry
    };
    let entries = vec![
        entry(0, EntryKind::Page, Offset(0)..Offset(9)),
        entry(0, EntryKind::Snapshot, Offset(9)..Offset(9)),
        entry(1, EntryKind::Page, Offset(3)..Offset(4)),
    ];
    let payloads = [vec![1; 5_000], vec![2; 7], vec![3; 60_000]];
    let mut out = WriteBuffer::default();
    let mut list = List { sections: Vec::new(), entries, frames_end: HEADER_BYTES as u64 };
    out.grow(HEADER_BYTES).fill(0);
    write_list(&mut list, &payloads, &mut out);
    let bytes = out.into_bytes();
    let reader = open_by_tails(&bytes).unwrap();
    let Contents::List(listed) = reader.contents() else { panic!("a list") };
    assert_eq!(**listed, list);
    for (index, payload) in payloads.iter().enumerate() {
        let place = &listed.entries[index].details;
        let mut found = vec![0; payload.len()];
        let sealed = &bytes[place.start as usize..place.end as usize];
        let cipher = key().object_cipher(&object(), SALT, FormatLevel::TWO);
        cipher.open_into(details_frame(index), sealed, &mut found).unwrap();
        assert_eq!(found, *payload);
        assert!(reader.open_details(listed, index, sealed).is_err(), "it has no records");
    }
    let segments = segments(&object(), bytes, keys());
    let error = read(&segments, partition(1, 0)).await.unwrap_err();
    assert!(matches!(error, BlockError::Missing { .. }), "{error}");
}
