//! Bytes from the object store: read as a segment and as a footer's plaintext. Whatever they are, nothing panics,
//! and a footer that is accepted keeps the format's rules.
#![no_main]

use libfuzzer_sys::fuzz_target;
use milena_storage::{
    encryption::{DataKey, KeyId, KeyRing},
    objects::ObjectId,
    segment::{Footer, SegmentReader},
};

/// Where the frames of the imagined segment end. Fixed, so that inputs can reach a footer that fits.
const FRAMES_END: u64 = 32 + 2 * (100 + 16);

fuzz_target!(|data: &[u8]| {
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
});
