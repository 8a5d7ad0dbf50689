//! The fuzz target for requests (`fuzz/fuzz_targets/requests.rs`). The tests replay its corpus.

use bytes::Bytes;

use crate::{frame, messages};

/// Reads a frame as a broker gets it, without its length: header, then the body that the header
/// announces. What decodes must encode to something that decodes to the same.
///
/// # Panics
/// Where the crate breaks one of its promises.
pub fn requests(data: &[u8]) {
    let Ok((header, body)) = frame::decode_request(Bytes::copy_from_slice(data)) else { return };
    let info = messages::REQUESTS.iter().find(|m| m.api_key == Some(header.key.code()));
    let info = info.expect("every api has a request");
    let body = Bytes::copy_from_slice(&data[data.len() - body.remaining()..]);
    let Ok((once, _)) = (info.recode)(body, header.version) else { return };
    let (twice, left) =
        (info.recode)(once.to_bytes(), header.version).expect("what was written can be read");
    assert_eq!(left, 0);
    assert_eq!(once.to_bytes(), twice.to_bytes());
}

#[cfg(test)]
mod tests {
    #[test]
    fn inputs_that_the_fuzzer_found_are_still_refused_or_read() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/requests");
        let mut entries = std::fs::read_dir(corpus).unwrap().peekable();
        assert!(entries.peek().is_some(), "there is a corpus");
        entries.for_each(|entry| super::requests(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
}
