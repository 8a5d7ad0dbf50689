//! The entry point of the fuzzer of metadata records. Tests replay `fuzz/corpus/metadata` through
//! it.

use std::sync::Arc;

use milena_types::{ClusterId, Revision};

use super::builder::ImageBuilder;
use milena_store::{Entry, Event, EventBatch, Versioned};

use crate::cluster::{MetadataKey, cluster_prefix};

/// Lines of a key below `clusters/{cluster}/metadata/`, a space, and a record: all of them become
/// an image, in their order, as a broker's watch gives them. A line without a record is a deletion.
///
/// # Panics
/// The crate violates an invariant.
pub fn metadata_records(data: &[u8]) {
    let cluster = "AAAAAAAAAAAAAAAAAAAAAA".parse::<ClusterId>().expect("22 characters");
    let prefix: Arc<str> = cluster_prefix(&cluster).into();
    let mut builder = ImageBuilder::new(prefix.clone());
    for (i, line) in data.split(|byte| *byte == b'\n').enumerate() {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let (path, value) =
            line.split_once(' ').map_or((line, None), |(path, value)| (path, Some(value)));
        let (key, revision) =
            (format!("{prefix}{}{path}", MetadataKey::IMAGE), Revision(i as u64 + 1));
        let event = match value {
            Some(value) => {
                let value = bytes::Bytes::copy_from_slice(value.as_bytes());
                Event::Put(Entry { key, versioned: Versioned { value, revision } })
            }
            None => Event::Delete { key },
        };
        builder.apply(&EventBatch { revision, events: vec![event] });
        assert_eq!(builder.image().revision(), revision);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_fuzzer_found_is_still_refused_or_read() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/metadata");
        let mut entries = std::fs::read_dir(corpus).unwrap().peekable();
        assert!(entries.peek().is_some(), "there is a corpus");
        entries.for_each(|entry| {
            super::metadata_records(&std::fs::read(entry.unwrap().path()).unwrap());
        });
    }
}
